"""The controls of the questions about contracts: days instead of periods, and what to break down by."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.exceptions import PeriodError
from crm.lib.periods import same_day_in_year
from crm.web.drivers_form import LEAVES, WHOLE
from crm.web.metric_form import ChoicesForm
from crm.web.period_choices import default_comparison
from metrics.leaves import Dimension
from metrics.periods import read_period

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)  # of what a question may be about


class DayField(forms.CharField):
    """A day as people write it, or a period, of which the last day is meant."""

    def clean(self, value: Any) -> date | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            day = (
                date.fromisoformat(text)
                if text[:4].isdecimal() and text.count("-") == 2
                else read_period(text).last_day
            )
        except (ValueError, PeriodError):
            raise forms.ValidationError(_("Give a day such as 2024-12-31, or a period such as 2024-Q4.")) from None
        if not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(
                _("Give a day from %(first)s to %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY}
            )
        return day


class ContractGrowthForm(ChoicesForm):
    comparison = DayField(label=gettext_lazy("Day (the later one)"), max_length=40)
    base = DayField(label=gettext_lazy("Against the day"), max_length=40)
    by = forms.ChoiceField(label=gettext_lazy("Broken down by"), choices=[(str(key), label) for key, label in LEAVES])
    field_order = ("comparison", "base", "by", "level", "currency")

    takes_days = True
    left_out = frozenset({"basis", "credit_notes"})  # of contracts, whatever the books say

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        base, comparison = cleaned.get("base"), cleaned.get("comparison")
        if base and comparison and base >= comparison:
            self.add_error("base", _("Choose an earlier day than the other one."))
        return cleaned

    def choices(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        chosen = {name: cleaned[name] for name in ("base", "comparison", "level")}
        by = None if cleaned["by"] == WHOLE else Dimension(cleaned["by"])
        return chosen | {"currency": cleaned["currency"] or None, "by": by}

    def query(self) -> dict[str, str]:
        return {name: value for name, value in super().query().items() if (name, value) != ("by", WHOLE)}


class BacklogForm(ChoicesForm):
    as_of = DayField(label=gettext_lazy("At the end of"), max_length=40)
    field_order = ("as_of", "level", "currency")

    left_out = frozenset({"basis", "credit_notes"})

    def choices(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {"as_of": cleaned["as_of"], "level": cleaned["level"], "currency": cleaned["currency"] or None}


def contract_growth_defaults(params: QueryDict, as_of: date) -> dict[str, str]:
    """The end of the last 12 months; the base follows a day that was chosen alone, a year before it."""
    comparison = default_comparison(as_of).last_day
    try:
        chosen = DayField(required=False).clean(params.get("comparison", "").replace("\x00", "").strip()) or comparison
    except forms.ValidationError:
        chosen = comparison
    base = same_day_in_year(chosen, chosen.year - 1, keep_month_end=True)
    return {"comparison": comparison.isoformat(), "base": base.isoformat(), "by": WHOLE}


def backlog_defaults(params: QueryDict, as_of: date) -> dict[str, str]:
    return {"as_of": as_of.isoformat()}
