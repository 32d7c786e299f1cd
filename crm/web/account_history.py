"""Year by year on the page of an account: what it has brought, with interest to today for those who ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.fields import is_hidden
from accounts.models import Account
from crm.web.auth import dress
from crm.web.metric_form import PERCENT
from metrics.services.account_history import (
    MAX_ACQUISITION_COST,
    MAX_COMPOUND_RATE,
    AccountHistory,
    account_history,
)


class HistoryForm(forms.Form):
    interest = forms.FloatField(
        label=_("Interest a year, %"),
        required=False,
        min_value=0,
        max_value=MAX_COMPOUND_RATE * PERCENT,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0", "inputmode": "decimal", "autocomplete": "off"}),
    )
    cost = forms.DecimalField(
        label=_("Cost of winning it"),
        required=False,
        min_value=Decimal(0),
        max_value=MAX_ACQUISITION_COST,
        max_digits=25,
        decimal_places=4,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0", "inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Whoever may not see margins is not asked for a cost to take off them."""
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if is_hidden(name)]:
            del self.fields[name]


@dataclass(frozen=True, slots=True)
class HistoryPanel:
    """``history`` is asked without what is wrong in the form."""

    history: AccountHistory
    form: HistoryForm


def history_panel(account: Account, params: Mapping[str, str], *, as_of: date) -> HistoryPanel:
    form = HistoryForm({name: params.get(name, "").replace("\x00", "") for name in HistoryForm.base_fields})
    dress(form)
    form.is_valid()
    interest, cost = (form.cleaned_data.get(name) for name in ("interest", "cost"))
    rate = None if interest is None else interest / PERCENT
    return HistoryPanel(account_history(account, as_of=as_of, compound_rate=rate, acquisition_cost=cost), form)
