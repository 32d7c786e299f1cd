"""What the retention economics calculator is asked with, and where its values may lie: one truth for page and REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metrics import reasons
from metrics.formulas.economics import MAX_YEARS, RetentionTerms, UpliftKind
from metrics.services.lifetime import MAX_YEARLY_DISCOUNT, YEARLY_DISCOUNT

UPLIFT = 0.05  # the article's "+5 %"; whether points or relative is asked, never guessed
CLAIMED_LIFT = 0.30  # the article's claim "+30 % profit", source unknown
CLAIMED_COST_MULTIPLE = 3.0  # the article's claim "a new customer costs 3 times as much", source unknown
CLAIMED_PROFIT_RATIO = 16.0  # the article's claim "an existing customer earns 16 times as much", source unknown
UNKNOWN_NEW_CUSTOMERS = 1.0  # counted where nobody says how many: the long run for one new customer a year


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends are allowed."""

    low: float
    high: float


SMALLEST_MONEY = 0.0001  # the ledger's last decimal
LARGEST_MONEY = 1e12  # per customer and year; beyond it nobody means it
RANGES: Mapping[str, Range] = {
    "margin_per_customer": Range(SMALLEST_MONEY, LARGEST_MONEY),
    "retention": Range(0, 1),
    "uplift": Range(-0.5, 0.5),
    "discount": Range(0, MAX_YEARLY_DISCOUNT),
    "horizon_years": Range(1, MAX_YEARS),
    "acquisition_cost": Range(0, LARGEST_MONEY),
    "retention_cost": Range(0, LARGEST_MONEY),
    "keeping_cost": Range(0, LARGEST_MONEY),
    "new_customers": Range(0.01, 1e9),
    "claimed_lift": Range(0.001, 100),
    "cost_multiple": Range(1.01, 100),
    "profit_ratio": Range(1.01, 1000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EconomicsInputs:
    """None: not said. Money is of one currency; shares, discount and uplift are fractions a year.

    margin_per_customer, retention, new_customers, acquisition_cost and keeping_cost come from the portfolio where they are
    not said and it knows them.
    retention_cost : what the better retention costs a year, on every customer; keeping_cost : what keeping one costs today
    """

    uplift_kind: UpliftKind | None = None
    uplift: float = UPLIFT
    margin_per_customer: float | None = None
    retention: float | None = None
    new_customers: float | None = None
    discount: float = YEARLY_DISCOUNT
    horizon_years: int | None = None
    acquisition_cost: float | None = None
    retention_cost: float = 0.0
    keeping_cost: float | None = None
    claimed_lift: float = CLAIMED_LIFT
    cost_multiple: float = CLAIMED_COST_MULTIPLE
    profit_ratio: float = CLAIMED_PROFIT_RATIO

    def problems(self) -> dict[str, str]:
        """By field, why no answer exists: values outside RANGES, or two that contradict; in the reader's language."""
        found = {}
        for name, bounds in RANGES.items():
            value = getattr(self, name)
            if value is not None and not bounds.low <= value <= bounds.high:  # NaN is refused too
                found[name] = reasons.sentence("out_of_range", low=f"{bounds.low:g}", high=f"{bounds.high:g}")
        if not found and self.retention is not None:
            if self.retention == 1 and self.discount == 0 and self.horizon_years is None:
                found["discount"] = reasons.sentence("endless_value")
            elif self.raised_retention is not None and self.raised_retention < 0:
                found["uplift"] = reasons.sentence("retention_below_zero")
        return found

    @property
    def raised_retention(self) -> float | None:
        """r' before it is capped; None where it cannot be said."""
        if self.retention is None or self.uplift_kind is None:
            return None
        is_points = self.uplift_kind is UpliftKind.POINTS
        return self.retention + self.uplift if is_points else self.retention * (1 + self.uplift)

    def unsaid(self) -> tuple[str, ...]:
        """What must still be said before the readings can be."""
        return tuple(name for name in REQUIRED if getattr(self, name) is None)

    def terms(self) -> RetentionTerms | None:
        """The formula's terms, None while something is unsaid. Raises FormulaError outside the domain."""
        if self.margin_per_customer is None or self.uplift_kind is None:
            return None
        return RetentionTerms(
            margin=self.margin_per_customer,
            uplift=self.uplift,
            uplift_kind=self.uplift_kind,
            discount=self.discount,
            acquisition_cost=self.acquisition_cost or 0.0,
            retention_cost=self.retention_cost,
            new_customers=self.new_customers or UNKNOWN_NEW_CUSTOMERS,
            horizon=self.horizon_years,
        )


REQUIRED = ("margin_per_customer", "retention", "uplift_kind")
