"""Who stays, by the period they came in: active accounts and revenue of each cohort by age. Pure, no Django import.

Row c = accounts whose first positive revenue lies in period c, column k = age, the period c + k.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import UNITS_PER_ONE, BoolArray, DateArray, FloatArray, whole_units

IntArray = NDArray[np.int64]
NOWHERE = -1  # of a period: before the first, after the last, or none at all


class CohortBase(StrEnum):
    """What revenue is divided by. Age 0 is a part of a period: an account that came on its last day bought for a day."""

    FIRST_PERIOD = "first_period"  # age 0
    FIRST_FULL_PERIOD = "first_full_period"  # age 1


@dataclass(frozen=True, slots=True)
class CohortMatrix:
    """p cohorts (rows) by p ages (columns). A cell whose period is not over is NaN everywhere; a share without a
    denominator above 0 too.

    sizes : accounts of the cohort, (p,); of a cohort whose own period is not over: so far
    active, revenue : accounts with an order, and net revenue, of the cell's period, (p, p)
    active_share : active / size; revenue_share : revenue / revenue at the base age, NaN at ages below the base
    is_finished : the cell's period is over, (p, p); is_running : it has begun and is not over
    pooled_active_share, pooled_revenue_share : of each age over all cohorts that have reached it, ratio of sums, (p,)
    pooled_accounts : accounts of the cohorts that have reached the age, (p,)
    unplaced_accounts : accounts without a first period, in no row
    """

    base: CohortBase
    sizes: IntArray
    active: FloatArray
    revenue: FloatArray
    active_share: FloatArray
    revenue_share: FloatArray
    is_finished: BoolArray
    is_running: BoolArray
    pooled_active_share: FloatArray
    pooled_revenue_share: FloatArray
    pooled_accounts: IntArray
    unplaced_accounts: int


def period_places(days: ArrayLike, edges: ArrayLike) -> IntArray:
    """Place of the period each day lies in, shape (n,); NOWHERE before the first, from the last edge on, and for NaT.

    days : datetime64[D], (n,); edges : first day of each of p periods and the first day after the last, (p + 1,)
    raises FormulaError : the edges do not ascend, or there are fewer than two
    """
    when: DateArray = np.asarray(days, dtype="datetime64[D]")
    bounds: DateArray = np.asarray(edges, dtype="datetime64[D]")
    if bounds.ndim != 1 or len(bounds) < 2 or not (bounds[1:] > bounds[:-1]).all():
        raise FormulaError("the edges of the periods must ascend, and two are the least")
    places = np.searchsorted(bounds, when, side="right") - 1
    is_outside = np.isnat(when) | (when < bounds[0]) | (when >= bounds[-1])
    return np.where(is_outside, NOWHERE, places).astype(np.int64)


def cohort_matrix(
    account: ArrayLike,
    period: ArrayLike,
    revenue: ArrayLike,
    is_active: ArrayLike,
    *,
    first_period: ArrayLike,
    finished: int,
    periods: int | None = None,
    base: CohortBase = CohortBase.FIRST_PERIOD,
) -> CohortMatrix:
    """Active share and revenue share of each cohort by age.

    account : place of the account in first_period, (m,); period : place of the period, 0 .. periods - 1, (m,)
    revenue : net revenue of the account in the period, money of one currency with at most 4 decimals, (m,)
    is_active : the account ordered in the period, (m,); several rows of one account and period count as one
    first_period : place of the period of the first positive revenue, (n,); NOWHERE for an account without, or whose
        beginning is not known because it lies before the data start: such an account is in no row
    finished : the first so many periods are over; periods : p, with those that are not (default: finished)
    active share = active_k / size; revenue share = revenue_k / revenue_base, net of credits, so below 0 is possible;
    pooled = sum over the cohorts that have reached age k of the numerators / of the denominators.
    What an account booked before its first period (a credit) belongs to no age and is left out.
    raises FormulaError : shapes or places out of range, an amount is NaN or infinite, or an account is active before
        its first period
    Source: domain.md 1.7 (同期群), EX-9.
    """
    who, when = np.asarray(account, dtype=np.int64), np.asarray(period, dtype=np.int64)
    net, orders = np.asarray(revenue, dtype=np.float64), np.asarray(is_active, dtype=bool)
    first = np.asarray(first_period, dtype=np.int64)
    p = finished if periods is None else periods
    _check(who, when, net, orders, first=first, finished=finished, periods=p)
    row = first[who]
    age = when - row
    if (orders & (row != NOWHERE) & (age < 0)).any():
        raise FormulaError(
            "an account is active before its first period; first_period must be that of its first revenue"
        )
    is_inside = (row != NOWHERE) & (age >= 0)
    bought = is_inside & orders
    is_bought = np.zeros(len(first) * p, dtype=bool)  # several rows of one account and period count as one
    is_bought[who[bought] * p + when[bought]] = True
    places = np.flatnonzero(is_bought)
    buyer, bought_in = places // p, places % p
    cells = first[buyer] * p + bought_in - first[buyer]
    return _matrix(
        sizes=np.bincount(first[first != NOWHERE], minlength=p).astype(np.int64),
        active=np.bincount(cells, minlength=p * p).reshape(p, p),
        units=_summed(row[is_inside] * p + age[is_inside], net[is_inside], count=p * p).reshape(p, p),
        finished=finished,
        base=base,
        unplaced_accounts=int((first == NOWHERE).sum()),
    )


def _matrix(
    *,
    sizes: IntArray,
    active: NDArray[Any],
    units: NDArray[Any],
    finished: int,
    base: CohortBase,
    unplaced_accounts: int,
) -> CohortMatrix:
    p, base_age = len(sizes), int(base is CohortBase.FIRST_FULL_PERIOD)
    ages = np.arange(p)
    period_of_cell = ages[:, None] + ages[None, :]
    is_finished = np.asarray(period_of_cell < finished)
    has_share = is_finished & (ages >= base_age)
    base_units = units[:, base_age] if p > base_age else np.zeros(p)
    column_units, pooled_base = (
        _pooled(units, has_share),
        _pooled(np.broadcast_to(base_units[:, None], (p, p)), has_share),
    )
    column_active, pooled_size = _pooled(active, is_finished), _pooled(np.tile(sizes[:, None], p), is_finished)
    return CohortMatrix(
        base=base,
        sizes=sizes,
        active=np.where(is_finished, active, np.nan),
        revenue=np.where(is_finished, units.astype(np.float64) / UNITS_PER_ONE, np.nan),
        active_share=_ratio(active, sizes[:, None], is_finished),
        revenue_share=_ratio(units, base_units[:, None], has_share),
        is_finished=is_finished,
        is_running=np.asarray((period_of_cell >= finished) & (period_of_cell < p)),
        pooled_active_share=_ratio(column_active, pooled_size, np.asarray(is_finished.any(axis=0))),
        pooled_revenue_share=_ratio(column_units, pooled_base, np.asarray(has_share.any(axis=0))),
        pooled_accounts=pooled_size.astype(np.int64),
        unplaced_accounts=unplaced_accounts,
    )


def _summed(cells: IntArray, amounts: FloatArray, *, count: int) -> NDArray[Any]:
    """Sum of the amounts of each cell in whole ten-thousandths, exact."""
    units = whole_units(amounts)[0]
    sums = np.zeros(count, dtype=units.dtype)
    np.add.at(sums, cells, units)
    return sums


def _pooled(values: NDArray[Any], is_counted: BoolArray) -> NDArray[Any]:
    """Column sums over the rows that count."""
    return np.asarray(np.where(is_counted, values, 0).sum(axis=0))


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any], is_wanted: BoolArray) -> FloatArray:
    """numerator / denominator where it is wanted and the denominator lies above 0, else NaN."""
    above, below = np.broadcast_arrays(numerator.astype(np.float64), denominator.astype(np.float64))
    share = np.full(above.shape, np.nan)
    np.divide(above, below, out=share, where=is_wanted & (below > 0))
    return share


def _check(
    who: IntArray,
    when: IntArray,
    net: FloatArray,
    orders: BoolArray,
    *,
    first: IntArray,
    finished: int,
    periods: int,
) -> None:
    if not (who.ndim == 1 and who.shape == when.shape == net.shape == orders.shape) or first.ndim != 1:
        raise FormulaError("account, period, revenue and is_active must have one value a row, first_period an account")
    if not 0 <= finished <= periods or periods < 1:
        raise FormulaError(f"{finished} of {periods} periods cannot be over; give 0 to all of at least one period")
    if not np.isfinite(net).all():
        raise FormulaError("an amount is missing; leave rows without a known amount out")
    if ((who < 0) | (who >= len(first))).any():
        raise FormulaError("account must be a place in first_period")
    if ((when < 0) | (when >= periods)).any() or ((first < NOWHERE) | (first >= periods)).any():
        raise FormulaError(f"a period must be one of the places 0 to {periods - 1}")
