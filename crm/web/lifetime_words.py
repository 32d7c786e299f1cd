"""How sure a lifetime value is, in words: beside the figure, and at length in its drawer; and which outlook it has."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.formats import PLAIN, NumberStyle
from crm.web.metric_form import PERCENT, LifetimeForm, lifetime_defaults
from metrics.services.lifetime import FORMULA
from metrics.services.lifetime_contracts import BDW, SBG
from metrics.services.lifetime_fit import METHOD
from metrics.services.lifetime_interval import ENDS, NAMES

PARADOX = (
    gettext_lazy(
        "It looks odd, and is right: of two accounts that have been silent for equally long, the one that used to order"
        " more often has the lower chance. Silence of six months says much about one that ordered every week, and"
        " little about one that ordered once a year. So a new order can lower the chance a few months later, though it"
        " raises it on the day."
    ),
    gettext_lazy(
        "After a single order day it is n/a: in this model a customer can only leave after it has come back, so the"
        " formula would say certainty for everybody, which means nothing."
    ),
)


METHODS = {
    METHOD: gettext_lazy("orders"),
    SBG: gettext_lazy("contracts"),
    BDW: gettext_lazy("contracts"),
    FORMULA: gettext_lazy("formula"),
}
METHODS_AT_LENGTH = {
    METHOD: gettext_lazy(
        "Valued by its orders: how often, how long ago and for how much, by the model of all customers that have ordered."
    ),
    SBG: gettext_lazy(
        "Valued by its contracts: the running term, and renewals with the chance that contracts of this length have."
    ),
    BDW: gettext_lazy(
        "Valued by its contracts: the running term, and renewals with the chance that contracts of this length have,"
        " which moves with the years."
    ),
    FORMULA: gettext_lazy("No model has the data it needs: there is only the formula, for a range of retention."),
}
GRADES = {
    "A": gettext_lazy(
        "Data A: the model has its minimum, and the account a history or a contract schedule of its own."
    ),
    "B": gettext_lazy("Data B: the model has its minimum; for this account it is the estimate for accounts like it."),
    "C": gettext_lazy("Data C: too little data; the figure takes no part in grading."),
}


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
    if key == "p_alive":
        return [str(text) for text in PARADOX]
    return [*_sureness(answer, name), *_method(answer, name)]


def _method(answer: Any, name: str) -> list[str]:
    """How the one account was valued, and how good its data are."""
    if name not in NAMES or not hasattr(answer, "data_grade"):
        return []
    return [str(METHODS_AT_LENGTH[answer.method]), str(GRADES[answer.data_grade])]


def _sureness(answer: Any, name: str) -> list[str]:
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
