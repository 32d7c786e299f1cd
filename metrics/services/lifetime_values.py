"""CLV of every account as a figure that others may build on: of one instant, and only where it can be trusted.

The same model, horizon and discount as the question ``metrics/lifetime/``. Nothing that was kept is used: neither the
night's fit nor what a process remembers, so that the figures are those of the ledger as the caller's snapshot sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.formulas.exact import FloatArray
from metrics.frames import Histories
from metrics.scope import Scope
from metrics.services.lifetime import HORIZON_MONTHS, YEARLY_DISCOUNT, account_lifetimes, load
from metrics.services.lifetime_contracts import contract_values
from metrics.services.lifetime_fit import FittedLifetime, Purchases, fit_purchases, purchases_of

UNTRUSTED = "C"  # domain.md 2.4: never feed it into a score
LARGEST_FITTED = (
    1e15  # of one account's orders; what lies beyond is a fault of the ledger and says nothing of the others
)


class Unknown(IntEnum):
    """Why an account has no CLV to build on; the first that holds."""

    NO = 0
    GRADE_C = 1  # too few orders, or no model of the base
    NO_AMOUNT = 2  # what its orders are worth is not known: a rate is missing, or spends fit no model
    NO_COST = 3  # revenue without its cost is no lifetime value


@dataclass(frozen=True, slots=True, eq=False)
class LifetimeValues:
    """Of each account that has ordered by the as-of, ascending by id.

    clv : money of the scope, discounted, to HORIZON_MONTHS; NaN where ``unknown`` says why
    """

    account_ids: NDArray[np.int64]
    clv: FloatArray
    unknown: NDArray[np.int64]


def lifetime_values(scope: Scope, *, as_of: date) -> LifetimeValues:
    """CLV over the whole base; ``scope`` holds every account. Reads every order day once, then fits (domain.md 2.3)."""
    histories, windows = load(scope, as_of=as_of)
    outlook: dict[str, Any] = {"as_of": as_of, "horizon_months": HORIZON_MONTHS, "discount": YEARLY_DISCOUNT}
    signed = contract_values(scope, histories.account_ids, **outlook)
    found = account_lifetimes(_fit(histories, as_of), histories, windows, signed, **outlook)
    unknown = np.select(
        [found.grade == UNTRUSTED, ~np.isfinite(found.expected_revenue), ~np.isfinite(found.clv)],
        [Unknown.GRADE_C, Unknown.NO_AMOUNT, Unknown.NO_COST],
        default=Unknown.NO,
    )
    clv = np.round(np.where(unknown == Unknown.NO, found.clv, np.nan), 4).astype(np.float64)
    return LifetimeValues(found.account_ids, clv, unknown.astype(np.int64))


def _fit(histories: Histories, as_of: date) -> FittedLifetime:
    every = purchases_of(histories, as_of=as_of)
    usable = ~(np.abs(histories.repeat_revenue) > LARGEST_FITTED)
    kept = Purchases(*(column[usable] for column in (every.frequency, every.recency, every.age, every.mean_value)))
    return fit_purchases(kept, is_rate_missing=bool(histories.missing))
