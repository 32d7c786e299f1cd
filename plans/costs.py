"""What keeping the promises of a policy costs a year, by grade; for what-ifs over counts of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from plans.enums import SPAN_MONTHS, PromiseKind
from plans.models import Promise
from plans.selectors import policy_on, promises_of

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class PolicyCost:
    """Cost of all promises a year before and after accounts change their grades, in ``currency``."""

    currency: str
    each: Mapping[str, Decimal]
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def yearly_cost(promise: Promise) -> Decimal:
    """Of one account: the cost of one time by the times a year where it is counted, the cost of a year elsewhere. What is
    promised once counts once."""
    if promise.kind != PromiseKind.COUNT or promise.target is None:
        return promise.unit_cost
    times = Decimal(MONTHS_A_YEAR) / SPAN_MONTHS[promise.period] if promise.period else Decimal(1)
    return promise.unit_cost * promise.target * times


def policy_cost(*, before: Mapping[str, int], after: Mapping[str, int], on: date) -> PolicyCost | None:
    """Σ of accounts by what their grade costs, under the policy of the day; None without one. Two queries."""
    version = policy_on(on)
    promises = promises_of(version) if version else []
    if not promises:
        return None
    each: dict[str, Decimal] = {}
    for promise in promises:
        each[promise.grade] = each.get(promise.grade, Decimal(0)) + yearly_cost(promise)
    return PolicyCost(promises[0].currency, each, _total(each, before), _total(each, after))


def _total(each: Mapping[str, Decimal], counts: Mapping[str, int]) -> Decimal:
    return sum((cost * counts.get(grade, 0) for grade, cost in each.items()), Decimal(0))
