"""How sure a lifetime value is, in words: beside the figure, and at length in its drawer; and which outlook it has."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.web import formats
from crm.web.formats import PLAIN, NumberStyle
from crm.web.metric_form import PERCENT, LifetimeForm, lifetime_defaults
from metrics.services.lifetime_interval import ENDS, NAMES


def between(answer: Any, key: str, style: NumberStyle = PLAIN) -> str:
    """The 80 % interval of ``key`` (clv or expected_revenue) as a short line; empty where there is none."""
    low, high = (getattr(answer, f"{key}_{end}", None) for end in ("low", "high"))
    if low is None or high is None:
        return ""
    return _("80%% between %(low)s and %(high)s") % {
        "low": formats.money_short(low, style),
        "high": formats.money_short(high, style),
    }


def remarks(answer: Any, key: str) -> list[str]:
    """What the drawer of a lifetime figure says besides its definition."""
    name = key.rsplit("_", 1)[0] if key in ENDS else key
    if name not in NAMES or getattr(answer, name, None) is None:
        return []
    words = between(answer, name)
    if not words:
        return [_("No interval: %(reason)s.") % {"reason": answer.reasons.get(f"{name}_low", "")}]
    return [
        f"{words}.",
        _(
            "The interval is that of the expectation. The night draws as many customers as there are, with replacement,"
            " fits the model anew and does so 200 times; a tenth of the fits lies below it and a tenth above. The luck of"
            " a single account's next orders comes on top."
        ),
    ]


def outlook_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Horizon and discount as an address of the metrics page says them; what it does not say well is the usual."""
    form = LifetimeForm(params, currencies=[], defaults=lifetime_defaults(params, None))
    form.full_clean()
    found = {name: form.cleaned_data[name] for name in ("horizon_months", "discount") if name in form.cleaned_data}
    return found | ({"discount": found["discount"] / PERCENT} if "discount" in found else {})
