"""The controls of the retention calculator: a slider with a number beside it for each input; percentages are typed as such."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.exceptions import FormulaError
from crm.web.metric_form import ChoicesForm
from metrics.formulas.economics import UpliftKind
from metrics.services.economics_inputs import (
    CLAIMED_COST_MULTIPLE,
    CLAIMED_LIFT,
    CLAIMED_PROFIT_RATIO,
    RANGES,
    UPLIFT,
    EconomicsInputs,
)
from metrics.services.economics_portfolio import PortfolioEconomics
from metrics.services.lifetime import YEARLY_DISCOUNT

PERCENT = 100
PERCENTAGES = frozenset({"retention", "uplift", "discount", "claimed_lift"})
PREFILLED = ("margin_per_customer", "retention", "new_customers", "acquisition_cost", "keeping_cost")
OTHERS = ("discount", "horizon_years", "new_customers", "acquisition_cost", "keeping_cost")
CLAIMS = ("claimed_lift", "cost_multiple", "profit_ratio")
SLIDER_STEPS = 200  # of a slider whose end follows the size of the figures
UNKNOWN_MARGIN = 1000.0  # ends of the money sliders where nobody said a margin
KINDS = (
    (str(UpliftKind.POINTS), gettext_lazy("points: 80 becomes 85")),
    (str(UpliftKind.RELATIVE), gettext_lazy("relative: 80 becomes 84")),
)


class _Plain(forms.NumberInput):
    """A number that may be typed with any decimals."""

    def __init__(self) -> None:
        super().__init__(attrs={"step": "any", "inputmode": "decimal", "autocomplete": "off"})


def _number(name: str, label: Any) -> forms.FloatField:
    bounds, scale = RANGES[name], PERCENT if name in PERCENTAGES else 1
    return forms.FloatField(
        label=label, required=False, min_value=bounds.low * scale, max_value=bounds.high * scale, widget=_Plain()
    )


@dataclass(frozen=True, slots=True)
class Slider:
    """A field with the ends and steps of its slider; what is typed may lie beyond them."""

    field: BoundField
    low: float
    high: float
    step: float
    unit: str

    @property
    def range(self) -> SafeString:
        """The slider itself; it has no name, for the number beside it is what is sent."""
        ends = {"min": self.low, "max": self.high, "step": self.step, "value": self._place()}
        attrs = {name: f"{value:.10g}" for name, value in ends.items()}
        return format_html(
            '<input type="range" class="slider-range" aria-label="{}" data-slider-range{}>',
            self.field.label,
            flatatt(attrs),
        )

    def _place(self) -> float:
        try:
            value = float(self.field.value() or self.low)
        except ValueError:
            return self.low
        return min(max(value, self.low), self.high) if math.isfinite(value) else self.low


class EconomicsForm(ChoicesForm):
    """What the calculator is asked. ``portfolio`` is what the ledger knows, once the form was filled from it."""

    portfolio: PortfolioEconomics | None = None

    margin_per_customer = _number("margin_per_customer", gettext_lazy("Margin per customer and year"))
    retention = _number("retention", gettext_lazy("Customers that stay a year"))
    uplift = _number("uplift", gettext_lazy("Uplift of retention"))
    uplift_kind = forms.ChoiceField(
        label=gettext_lazy("The uplift is in"), choices=KINDS, required=False, widget=forms.RadioSelect
    )
    retention_cost = _number("retention_cost", gettext_lazy("Extra spend per customer and year"))
    discount = _number("discount", gettext_lazy("Discount a year"))
    horizon_years = forms.IntegerField(
        label=gettext_lazy("Horizon, blank for endless"),
        required=False,
        min_value=int(RANGES["horizon_years"].low),
        max_value=int(RANGES["horizon_years"].high),
    )
    new_customers = _number("new_customers", gettext_lazy("New customers a year"))
    acquisition_cost = _number("acquisition_cost", gettext_lazy("Cost of winning a customer"))
    keeping_cost = _number("keeping_cost", gettext_lazy("Cost of keeping a customer, a year"))
    claimed_lift = _number("claimed_lift", gettext_lazy("Claim: profit rises by"))
    cost_multiple = _number("cost_multiple", gettext_lazy("Claim: a new customer costs"))
    profit_ratio = _number("profit_ratio", gettext_lazy("Claim: an existing customer earns"))
    field_order = ("level", "currency")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            for name, sentence in self.inputs().problems().items():
                self.add_error(name, _sentence(str(sentence)))
        return cleaned

    def inputs(self) -> EconomicsInputs:
        """The choices as the service takes them."""
        given = {}
        for name in EconomicsInputs.__dataclass_fields__:
            value = self.cleaned_data.get(name)
            if value not in (None, ""):
                given[name] = value / PERCENT if name in PERCENTAGES else value
        if "uplift_kind" in given:
            given["uplift_kind"] = UpliftKind(given["uplift_kind"])
        return EconomicsInputs(**given)

    def sliders(self, *names: str) -> list[Slider]:
        margin = self._value("margin_per_customer") or UNKNOWN_MARGIN
        ends: Mapping[str, tuple[float, float, float, str]] = {
            "retention": (0, 100, 0.5, "%"),
            "uplift": (0, 20, 0.5, "%"),
            "discount": (0, 30, 0.5, "%"),
            "horizon_years": (1, 30, 1, _("years")),
            "claimed_lift": (5, 100, 5, "%"),
            "cost_multiple": (1.5, 10, 0.5, "×"),
            "profit_ratio": (2, 40, 1, "×"),
        }
        money = {"margin_per_customer": 2.0, "acquisition_cost": 2.0, "keeping_cost": 1.0, "retention_cost": 0.2}
        found = []
        for name in names:
            if name in ends:
                low, high, step, unit = ends[name]
            else:
                wanted = money[name] * margin if name in money else 3 * (self._value(name) or 10)
                high = round_end(max(wanted, self._value(name) or 0))
                low, step, unit = (0, high / SLIDER_STEPS, self.money_unit) if name in money else (1, 1, "")
            found.append(Slider(self[name], low, high, step, unit))
        return found

    @property
    def is_claim_wrong(self) -> bool:
        return any(name in self.errors for name in CLAIMS)

    @property
    def is_other_wrong(self) -> bool:
        return any(name in self.errors for name in OTHERS)

    @property
    def customers(self) -> list[Slider]:
        return self.sliders("margin_per_customer", "retention")

    @property
    def uplifts(self) -> list[Slider]:
        return self.sliders("uplift", "retention_cost")

    @property
    def others(self) -> list[Slider]:
        return self.sliders(*OTHERS)

    @property
    def claims(self) -> list[Slider]:
        return self.sliders(*CLAIMS)

    @property
    def said_ids(self) -> str:
        """What htmx changes beside the answer: the words below each field."""
        return ",".join(f"#said-{name}" for name in EconomicsInputs.__dataclass_fields__)

    @property
    def money_unit(self) -> str:
        return self.portfolio.scope.currency if self.portfolio else ""

    def _value(self, name: str) -> float | None:
        try:
            value = float(self.data.get(name) or "")
        except ValueError:
            return None
        return value if math.isfinite(value) and value > 0 else None


def round_end(value: float) -> float:
    """The next of 1, 2, 5 × a power of ten: an end that does not move with every step."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 2, 5) if value <= step * power), 10 * power)


def economics_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    """What is neither typed nor known by a ledger; points or relative has no default."""
    return {
        "uplift": f"{UPLIFT * PERCENT:g}",
        "discount": f"{YEARLY_DISCOUNT * PERCENT:g}",
        "claimed_lift": f"{CLAIMED_LIFT * PERCENT:g}",
        "cost_multiple": f"{CLAIMED_COST_MULTIPLE:g}",
        "profit_ratio": f"{CLAIMED_PROFIT_RATIO:g}",
    }


def portfolio_defaults(portfolio: PortfolioEconomics) -> dict[str, str]:
    """What the ledger knows, as people type it."""
    known = {name: getattr(portfolio, name) for name in PREFILLED}
    return {name: typed(name, value) for name, value in known.items() if value is not None}


def typed(name: str, value: float) -> str:
    """A value as the field holds it: two decimals, more for what would vanish in them; percentages as such."""
    shown = value * PERCENT if name in PERCENTAGES else value
    text = f"{shown:.2f}" if shown >= 1 else f"{shown:.4f}"
    return text.rstrip("0").rstrip(".")


def inputs_of(params: QueryDict, *, currencies: list[str]) -> EconomicsInputs:
    """The inputs of an address, without what the ledger knows. Raises FormulaError with every field that cannot be read."""
    form = EconomicsForm(params, currencies=currencies, defaults=economics_defaults(params, None))
    if form.is_valid():
        return form.inputs()
    raise FormulaError(" ".join(f"{form[name].label}: {' '.join(errors)}" for name, errors in form.errors.items()))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
