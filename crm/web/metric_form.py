"""The controls of the metrics page: periods, level, currency and what each question asks for besides; all in the address."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from accounts.enums import CreditNotes, RevenueBasis
from crm.lib.exceptions import PeriodError
from crm.lib.periods import ACCEPTED_FORMS, Period, check_comparable
from crm.web.auth import dress
from crm.web.levels import LEVELS, level_choices
from crm.web.period_choices import base_of, default_comparison, period_text
from metrics.definitions import METRICS
from metrics.periods import read_period
from metrics.scope import Level
from metrics.selectors import company_basis
from metrics.services.lifetime import HORIZON_MONTHS, MAX_HORIZON_MONTHS, MAX_YEARLY_DISCOUNT, YEARLY_DISCOUNT
from metrics.services.trend import TREND_METRICS, Interval

PERCENT = 100
PERIOD_FIELDS = ("base", "comparison", "period", "from", "to")
INTERVALS = (
    (Interval.MONTH, gettext_lazy("month")),
    (Interval.QUARTER, gettext_lazy("quarter")),
    (Interval.YEAR, gettext_lazy("year")),
)
JOINED = "joined"
SPRING = (("", gettext_lazy("two months")), (JOINED, gettext_lazy("together")))
# Figures of a series that the catalogue does not name by the same key.
SERIES_LABELS = {"gross_profit": gettext_lazy("Gross profit")}


class PeriodField(forms.CharField):
    """A period as people write it; blank is left to the form."""

    def clean(self, value: Any) -> Period | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return read_period(text)
        except PeriodError as error:
            raise forms.ValidationError(str(error)) from None


class ChoicesForm(forms.Form):
    """What every question takes. ``defaults`` fill the fields the address leaves out, so that the page shows them."""

    left_out: frozenset[str] = frozenset()
    takes_days = False  # base and comparison are days, of which periods give their last

    level = forms.ChoiceField(label=gettext_lazy("Counted in"), choices=LEVELS)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), required=False)
    basis = forms.ChoiceField(label=gettext_lazy("Revenue basis"), choices=RevenueBasis.choices)
    credit_notes = forms.ChoiceField(label=gettext_lazy("Credit notes count"), choices=CreditNotes.choices)

    def __init__(
        self,
        params: QueryDict,
        *,
        currencies: list[str],
        defaults: dict[str, str],
        bases: Sequence[str] = (),
        has_linked_credits: bool = False,
    ) -> None:
        """bases : those with records in view; has_linked_credits : a credit note in view has its original elsewhere"""
        given = {name: params.get(name, "").replace("\x00", "").strip() for name in self.base_fields}
        self.usual = {"level": str(Level.ENTITY), "basis": company_basis(), "credit_notes": str(CreditNotes.BOOKED)}
        super().__init__({name: value or (self.usual | defaults).get(name, "") for name, value in given.items()})
        self.prepare()
        self._offer(bases, has_linked_credits=has_linked_credits)
        own = [(code, code) for code in currencies]
        self.fields["currency"].choices = [("", gettext_lazy("as booked")), *own]  # type: ignore[attr-defined]
        for name in self.fields:
            if name in PERIOD_FIELDS:
                self.fields[name].widget.attrs |= {"size": 12, "spellcheck": "false", "autocomplete": "off"}
        dress(self)

    def prepare(self) -> None:
        """Adapt the fields before anything is checked."""
        for name in self.left_out:
            self.fields.pop(name, None)

    def _offer(self, bases: Sequence[str], *, has_linked_credits: bool) -> None:
        """Bases and ways to count credit notes between which there is a choice; what the address asks for stays."""
        offered = {*bases, self.data["basis"]}
        if "basis" in self.fields:
            known = [(basis, label) for basis, label in RevenueBasis.choices if basis in offered]
            self.fields["basis"].choices = known  # type: ignore[attr-defined]
            if len(offered) < 2 and self.data["basis"] == self.usual["basis"]:
                del self.fields["basis"]
        is_usual = self.data["credit_notes"] == self.usual["credit_notes"]
        if "credit_notes" in self.fields and is_usual and not has_linked_credits:
            del self.fields["credit_notes"]

    @property
    def accepted_forms(self) -> str:
        return ACCEPTED_FORMS

    def choices(self) -> dict[str, Any]:
        """Level, currency, basis and credit notes as the services take them."""
        return {**level_choices(self.cleaned_data["level"]), **self.ledger_choices()}

    def ledger_choices(self) -> dict[str, Any]:
        """What the ledger is read by, whatever is counted in."""
        return {name: self.cleaned_data.get(name) or None for name in ("currency", "basis", "credit_notes")}

    def query(self) -> dict[str, str]:
        """The choices as parameters of drawers and links: defaults spelled out, so that the link stays the same figure."""
        kept = {name: str(self.data.get(name) or "") for name in self.fields}
        return {name: value for name, value in kept.items() if value and value != self.usual.get(name)}


class TwoPeriodsForm(ChoicesForm):
    comparison = PeriodField(label=gettext_lazy("Comparison (the later one)"), max_length=40)
    base = PeriodField(label=gettext_lazy("Base (the earlier one)"), max_length=40)
    field_order = ("comparison", "base", "level", "currency")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        base, comparison = cleaned.get("base"), cleaned.get("comparison")
        if base and comparison:
            try:
                check_comparable(base, comparison)
            except PeriodError as error:
                self.add_error("base", str(error))
        return cleaned


class OnePeriodForm(ChoicesForm):
    period = PeriodField(label=gettext_lazy("Period"), max_length=40)
    field_order = ("period", "level", "currency")


class LifetimeForm(ChoicesForm):
    horizon_months = forms.IntegerField(label=gettext_lazy("Months ahead"), min_value=1, max_value=MAX_HORIZON_MONTHS)
    discount = forms.FloatField(
        label=gettext_lazy("Discount a year, %"),
        min_value=0,
        max_value=MAX_YEARLY_DISCOUNT * PERCENT,
        widget=forms.NumberInput(attrs={"step": "0.5"}),
    )
    field_order = ("horizon_months", "discount", "currency")

    left_out = frozenset({"level"})  # a group is worth the sum of its members

    def choices(self) -> dict[str, Any]:
        return {
            **self.ledger_choices(),
            "horizon_months": self.cleaned_data["horizon_months"],
            "discount": self.cleaned_data["discount"] / PERCENT,
        }


class TrendForm(ChoicesForm):
    metric = forms.ChoiceField(label=gettext_lazy("Figure"))
    interval = forms.ChoiceField(label=gettext_lazy("Each"), choices=INTERVALS)
    spring = forms.ChoiceField(label=gettext_lazy("January and February"), choices=SPRING, required=False)
    field_order = ("metric", "interval", "spring", "from", "to", "level", "currency")

    def prepare(self) -> None:
        super().prepare()
        self.fields["metric"].choices = [(key, series_label(key)) for key in TREND_METRICS]  # type: ignore[attr-defined]
        if self.data.get("interval") in {str(Interval.QUARTER), str(Interval.YEAR)}:
            del self.fields["spring"]  # they hold both months anyway

    @property
    def is_spring_joined(self) -> bool:
        return self.cleaned_data.get("spring") == JOINED


# "from" is a word of the language and cannot be a class attribute.
for _name, _label in (("from", gettext_lazy("From")), ("to", gettext_lazy("To"))):
    TrendForm.base_fields[_name] = PeriodField(label=_label, max_length=40, required=False)


def series_label(key: str) -> str:
    return str(SERIES_LABELS.get(key) or METRICS[key].label)


def two_period_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    """The rolling year; the base follows a comparison that was chosen alone."""
    comparison = default_comparison(as_of)
    try:
        chosen = read_period(params["comparison"]) if params.get("comparison") else comparison
        base = period_text(base_of(chosen))
    except PeriodError:
        base = period_text(base_of(comparison))
    return {"comparison": period_text(comparison), "base": base}


def one_period_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"period": period_text(default_comparison(as_of))}


def lifetime_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"horizon_months": str(HORIZON_MONTHS), "discount": f"{YEARLY_DISCOUNT * PERCENT:g}"}


def trend_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"metric": TREND_METRICS[0], "interval": str(Interval.MONTH)}
