"""The controls of the question about what customers owe, and the words of the ages."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.web.contracts_form import DayField
from crm.web.metric_form import ChoicesForm
from metrics.definitions import METRICS
from metrics.frames_receivables import AGES

AGE_WORDS = {name: METRICS[name].label for name in AGES}


class ReceivablesForm(ChoicesForm):
    as_of = DayField(label=_("At the end of"), max_length=40)
    age = forms.ChoiceField(label=_("Show"), required=False, choices=[("", _("all")), *AGE_WORDS.items()])
    field_order = ("as_of", "age", "level", "currency")

    left_out = frozenset({"basis", "credit_notes"})  # of invoices to be paid, whatever the ledger says

    def choices(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {"as_of": cleaned["as_of"], "level": cleaned["level"], "currency": cleaned["currency"] or None}


def receivables_defaults(params: QueryDict, as_of: date) -> dict[str, str]:
    return {"as_of": as_of.isoformat()}
