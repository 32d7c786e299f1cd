"""The controls of the questions about what customers cost and earn, and the words of their codes."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.web.metric_form import ChoicesForm, OnePeriodForm, one_period_defaults
from metrics.formulas.advice import Advice
from metrics.services.acquisition import MAX_LAG_MONTHS
from metrics.services.effort_split import Side
from metrics.services.wallet import WalletState

ADVICE = {
    Advice.STOP_LOSS: _("Sold below cost: raise prices, or let go"),
    Advice.CUT_SERVICE: _("Costs more to serve than it brings: cut cost to serve"),
    Advice.IMPROVE: _("Low margin: better prices or mix, or cut cost"),
    Advice.PERSONAL_SERVICE: _("High margin: personal service"),
    Advice.KEEP: _("Usual margin: keep it as it is"),
    Advice.RECORD_COST: _("Cost unknown: record it first"),
    Advice.NO_REVENUE: _("Nothing sold"),
}
WALLET_STATES = {
    WalletState.VALID: _("counts"),
    WalletState.INVALID: _("below our revenue: estimate anew"),
    WalletState.EXPIRED: _("expired: estimate anew"),
    WalletState.NO_RATE: _("no exchange rate"),
    WalletState.NONE: _("never estimated"),
}
SIDES = {Side.NEW: _("new"), Side.EXISTING: _("existing")}


class AcquisitionForm(OnePeriodForm):
    lag_months = forms.IntegerField(
        label=_("Months from spending to winning"), min_value=0, max_value=MAX_LAG_MONTHS, required=False
    )
    field_order = ("period", "lag_months", "level", "currency")

    def choices(self) -> dict[str, Any]:
        return super().choices() | {"lag_months": self.cleaned_data["lag_months"] or 0}


class MarginForm(OnePeriodForm):
    advice = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("all")), *((str(one), label) for one, label in ADVICE.items())]
    )
    field_order = ("period", "advice", "level", "currency")


class WalletForm(ChoicesForm):
    state = forms.ChoiceField(
        label=_("Estimates"),
        required=False,
        choices=[("", _("all")), *((str(one), label) for one, label in WALLET_STATES.items())],
    )
    field_order = ("state", "currency")

    left_out = frozenset({"level"})  # an estimate is of one legal entity

    def choices(self) -> dict[str, Any]:
        return self.ledger_choices()


def lag_of(text: str) -> int:
    """The lag of an address; one that cannot be read is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 3
    return min(int(text), MAX_LAG_MONTHS) if is_number else 0


def acquisition_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return one_period_defaults(params, as_of) | {"lag_months": "0"}
