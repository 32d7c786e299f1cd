"""The controls of the questions about drivers: leaves, method and factors; and the drivers themselves, each with a slider."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from crm.web.metric_form import PERCENT, OnePeriodForm, TwoPeriodsForm, one_period_defaults, two_period_defaults
from metrics.formulas.decomposition import SplitMethod
from metrics.leaves import Dimension
from metrics.services.decomposition import FORMS
from metrics.services.doubling import (
    DRIVERS,
    MAX_ACCOUNTS,
    MAX_MONEY,
    MAX_TARGET_MULTIPLE,
    MIN_TARGET_MULTIPLE,
    TARGET_MULTIPLE,
)

WHOLE = "none"
LEAVES = (
    (Dimension.OWNER, gettext_lazy("owner")),
    (Dimension.REGION, gettext_lazy("region")),
    (Dimension.SEGMENT, gettext_lazy("segment")),
    (Dimension.INDUSTRY, gettext_lazy("industry")),
    (Dimension.SIZE, gettext_lazy("size")),
    (Dimension.NEED, gettext_lazy("need")),
    (Dimension.POTENTIAL, gettext_lazy("market potential")),
    (Dimension.CHANNEL, gettext_lazy("channel")),
    (Dimension.DEALER, gettext_lazy("dealer")),
    (Dimension.GROUP, gettext_lazy("group")),
    (Dimension.GRADE, gettext_lazy("grade (today's)")),
    (WHOLE, gettext_lazy("nothing, the whole alone")),
)
FACTORS = (
    (3, gettext_lazy("three: accounts, active rate, revenue of each")),
    (4, gettext_lazy("four: orders and their size apart")),
)
METHODS = (
    (SplitMethod.SHAPLEY, gettext_lazy("Shapley: all orders of change alike")),
    (SplitMethod.LMDI, gettext_lazy("LMDI: by logarithms")),
)
SLIDER_STEPS = 200  # of a slider whose end follows the size of the figures
PRECISION = 10  # significant digits of a number beside a slider


class LeavesForm(TwoPeriodsForm):
    by = forms.ChoiceField(label=gettext_lazy("Broken down by"), choices=[(str(key), label) for key, label in LEAVES])
    field_order = ("comparison", "base", "by", "level", "currency")

    def choices(self) -> dict[str, Any]:
        by = self.cleaned_data["by"]
        return super().choices() | {"by": None if by == WHOLE else by}


class DecompositionForm(LeavesForm):
    factors = forms.TypedChoiceField(label=gettext_lazy("Factors"), choices=FACTORS, coerce=int)
    method = forms.ChoiceField(label=gettext_lazy("Method"), choices=[(str(key), label) for key, label in METHODS])
    field_order = ("comparison", "base", "by", "factors", "method", "level", "currency")

    def choices(self) -> dict[str, Any]:
        return super().choices() | {name: self.cleaned_data[name] for name in ("factors", "method")}


@dataclass(frozen=True, slots=True)
class Slider:
    """A field with the ends of its slider; blank stands for ``today``, and what is typed may lie beyond the ends."""

    field: BoundField
    today: float
    high: float
    unit: str

    @property
    def range(self) -> SafeString:
        """The slider itself; it has no name, for the number beside it is what is sent."""
        step = 1 if self.field.name == DRIVERS[0] and self.high <= SLIDER_STEPS else self.high / SLIDER_STEPS
        ends = {"min": 0.0, "max": self.high, "step": step, "value": self._place()}
        return format_html(
            '<input type="range" id="slide_{}" class="slider-range" aria-label="{}" data-slider-range{}>',
            self.field.name,  # by its id the page finds the focus again after each answer
            self.field.label,
            flatatt({name: f"{value:.{PRECISION}g}" for name, value in ends.items()}),
        )

    def _place(self) -> float:
        given = self.field.form.cleaned_data.get(self.field.name)
        return min(max(self.today if given is None else float(given), 0.0), self.high)


def _number(step: str) -> forms.NumberInput:
    return forms.NumberInput(attrs={"step": step, "min": "0", "inputmode": "decimal", "autocomplete": "off"})


class DoublingForm(OnePeriodForm):
    """The drivers stand in a form of their own, beside the answer; a blank one stays as it was in the period."""

    target_multiple = forms.FloatField(
        label=gettext_lazy("Target, times the revenue"),
        min_value=MIN_TARGET_MULTIPLE,
        max_value=MAX_TARGET_MULTIPLE,
        widget=_number("any"),
    )
    covered_accounts = forms.IntegerField(
        label=gettext_lazy("Covered accounts"), required=False, min_value=0, max_value=MAX_ACCOUNTS, widget=_number("1")
    )
    active_rate = forms.FloatField(
        label=gettext_lazy("Active rate"), required=False, min_value=0, max_value=PERCENT, widget=_number("any")
    )
    revenue_per_active_account = forms.DecimalField(
        label=gettext_lazy("Revenue per active account"),
        required=False,
        min_value=Decimal(0),
        max_value=MAX_MONEY,
        max_digits=25,
        decimal_places=12,
        widget=_number("any"),
    )
    field_order = ("period", "target_multiple", "level", "currency")

    def __iter__(self) -> Iterator[BoundField]:
        """The fields of the common controls, and a driver only where it has to be mended."""
        return (self[name] for name in self.fields if name not in DRIVERS or name in self.errors)

    def choices(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        rate = cleaned["active_rate"]
        drivers = {name: cleaned[name] for name in DRIVERS} | {"active_rate": None if rate is None else rate / PERCENT}
        return super().choices() | drivers | {"target_multiple": cleaned["target_multiple"]}

    @property
    def is_set(self) -> bool:
        """Some driver is not as it was."""
        return any(self.cleaned_data[name] is not None for name in DRIVERS)

    def sliders(self, today: dict[str, float], *, currency: str) -> list[Slider]:
        """The three drivers, from nothing to twice what they are; an active rate ends at 100 %."""
        units = dict(zip(DRIVERS, ("", "%", currency), strict=True))
        return [
            Slider(self[name], today[name], PERCENT if units[name] == "%" else _end(today[name]), units[name])
            for name in DRIVERS
        ]

    def kept(self) -> list[tuple[str, str]]:
        """Everything but the drivers, for their form to carry along."""
        return [(name, value) for name, value in self.query().items() if name not in DRIVERS]


def _end(today: float) -> float:
    """Of a slider: a round number at twice today's value or a little above."""
    if today <= 0:
        return 100.0
    power = 10.0 ** (len(str(int(2 * today))) - 1)
    return next(end * power for end in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if end * power >= 2 * today)


def decomposition_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    method = {"factors": str(min(FORMS)), "method": str(SplitMethod.SHAPLEY)}
    return two_period_defaults(params, as_of) | {"by": str(Dimension.OWNER)} | method


def directions_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return two_period_defaults(params, as_of) | {"by": str(Dimension.SEGMENT)}


def doubling_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return one_period_defaults(params, as_of) | {"target_multiple": f"{TARGET_MULTIPLE:g}"}
