"""What a browser calls itself, in words a person knows."""

import re

from django.utils.translation import gettext as _

# The first that fits; others pose as those further down.
BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"MicroMessenger/", "WeChat"),
    (r"(Firefox|FxiOS)/", "Firefox"),
    (r"(Chrome|CriOS|Chromium)/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"^curl/", "curl"),
    (r"python", "Python"),
)
SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"HarmonyOS|OpenHarmony", "HarmonyOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


def device_name(agent: str) -> str:
    """Such as “Firefox on Windows”."""
    browser = next((name for form, name in BROWSERS if re.search(form, agent, re.IGNORECASE)), "")
    system = next((name for form, name in SYSTEMS if re.search(form, agent)), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("unknown device")
