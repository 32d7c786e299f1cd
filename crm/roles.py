"""What a process is for: web server and workers take on a role, and PostgreSQL holds each to its own limits."""

from django.conf import settings
from django.db import connections


def take_role(role: str) -> None:
    """Give every connection this process opens from now on the limits of DATABASE_LIMITS; call it before the first one."""
    limits = " ".join(f"-c {name}={value}" for name, value in settings.DATABASE_LIMITS[role].items())
    options = connections.settings["default"].setdefault("OPTIONS", {})
    given = options.get("options", "")
    if limits not in given:
        options["options"] = f"{given} {limits}".strip()
