"""Accounts that order now and then: how regular is the demand, and what does a month bring on average? Pure, no Django.

Sources: Syntetos and Boylan 2005, Int. J. Forecasting 21(2) 303-314 [R19] (classes, SBA); Croston 1972, Operational
Research Quarterly 23(3) 289-303; Teunter, Syntetos and Babai 2011, European J. Operational Research 214(3) 606-615
(TSB).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

INTERVAL_LIMIT = 1.32  # mean months from demand to demand: from here on a series is intermittent [R19]
VARIATION_LIMIT = 0.49  # squared coefficient of variation of the sizes: from here on they are uneven [R19]
SMOOTHING = 0.1  # weight of news in sizes, intervals and chances; Syntetos and Boylan use 0.05 to 0.2
_DECIMALS = 9  # a ratio is rounded before it meets a limit, so that float noise never decides


class DemandPattern(StrEnum):
    """The four classes of Syntetos and Boylan; UNKNOWN with fewer than two months of demand or a month below 0."""

    SMOOTH = "smooth"
    ERRATIC = "erratic"
    INTERMITTENT = "intermittent"
    LUMPY = "lumpy"
    UNKNOWN = "unknown"


class DemandMethod(StrEnum):
    CROSTON = "croston"
    SBA = "sba"
    TSB = "tsb"


@dataclass(frozen=True, slots=True)
class Demand:
    """Per series, each shape (series,): mean interval in months, CV² of the sizes, class (a value of DemandPattern).

    The figures are NaN where the class is unknown.
    """

    mean_interval: FloatArray
    size_variation: FloatArray
    pattern: NDArray[np.str_]

    @property
    def is_intermittent(self) -> BoolArray:
        """Intermittent or lumpy: the series that Croston, SBA and TSB are made for."""
        return np.asarray(np.isin(self.pattern, [DemandPattern.INTERMITTENT, DemandPattern.LUMPY]))


def demand(history: ArrayLike) -> Demand:
    """Class of each series.

    history : shape (series, months), finite; a month above 0 is a demand
    mean interval = (last - first demand month) / (demands - 1); CV² = variance / mean² of the sizes, over the demands
    themselves (not the sample estimate)
    Intermittent from 1.32, uneven from 0.49: smooth, erratic (uneven), intermittent, lumpy (both).
    raises FormulaError : not a table, or a month is missing
    """
    y = _checked(history)
    is_known = ((y > 0).sum(axis=1) >= 2) & ~(y < 0).any(axis=1)
    interval, variation = np.full(len(y), np.nan), np.full(len(y), np.nan)
    interval[is_known], variation[is_known] = _ratios(y[is_known])
    rare = np.round(interval, _DECIMALS) >= INTERVAL_LIMIT
    uneven = np.round(variation, _DECIMALS) >= VARIATION_LIMIT
    pattern = np.select(
        [~is_known, rare & uneven, rare, uneven],
        [DemandPattern.UNKNOWN, DemandPattern.LUMPY, DemandPattern.INTERMITTENT, DemandPattern.ERRATIC],
        default=DemandPattern.SMOOTH,
    )
    return Demand(mean_interval=interval, size_variation=variation, pattern=pattern.astype(np.str_))


def demand_rates(
    history: ArrayLike, *, method: DemandMethod, ends: Sequence[int], smoothing: float = SMOOTHING
) -> FloatArray:
    """Expected demand of any month after each end, shape (len(ends), series), unit of the history.

    At a demand of size y, q months after the one before: z' = z + a (y - z), p' = p + a (q - p). Croston z / p;
    SBA (1 - a/2) z / p; TSB z d with the chance d' = d + a (1 - d) at a demand, d' = d - a d in a month without one.
    history : shape (series, months); ends : ascending months known; smoothing : a, 0 < a <= 1
    returns : NaN where no demand has come yet, and where a month up to the end is below 0 (credits are no demand)
    z starts with the first size, p with the number of its month, d with 1 / p.
    raises FormulaError : not a table, a month is missing, smoothing or an end outside its domain
    """
    y = _checked(history)
    if not 0 < smoothing <= 1:
        raise FormulaError("smoothing must lie above 0 and not above 1")
    if not len(ends) or not 1 <= ends[0] <= ends[-1] <= y.shape[1] or list(ends) != sorted(set(ends)):
        raise FormulaError("give the ends in ascending order, each within the months of the history")
    size, interval, chance = (np.full(len(y), np.nan) for _ in range(3))
    waited, is_credited = np.ones(len(y)), np.zeros(len(y), dtype=bool)
    found: list[FloatArray] = []
    for month in range(ends[-1]):
        value = y[:, month]
        here, is_first = value > 0, np.isnan(size)
        is_credited = is_credited | (value < 0)
        chance = np.where(is_first, np.where(here, 1 / waited, np.nan), chance + smoothing * (here - chance))
        size = np.where(here, np.where(is_first, value, size + smoothing * (value - size)), size)
        interval = np.where(here, np.where(is_first, waited, interval + smoothing * (waited - interval)), interval)
        waited = np.where(here, 1.0, waited + 1)
        if month + 1 == ends[len(found)]:
            rate = size * chance if method is DemandMethod.TSB else size / interval
            found.append(np.where(is_credited, np.nan, rate * (1 - smoothing / 2 if method is DemandMethod.SBA else 1)))
    return np.stack(found)


def _ratios(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(mean interval, CV²) of series with two or more months above 0 and none below."""
    is_demand = y > 0
    count = is_demand.sum(axis=1)
    first, last = is_demand.argmax(axis=1), y.shape[1] - 1 - is_demand[:, ::-1].argmax(axis=1)
    sizes = y / y.max(axis=1, keepdims=True)  # the ratio has no unit, and squares of large amounts stay finite
    mean = sizes.sum(axis=1) / count
    apart = np.where(is_demand, sizes - mean[:, None], 0.0)
    return np.asarray((last - first) / (count - 1)), np.asarray((apart**2).sum(axis=1) / (count * mean**2))


def _checked(history: ArrayLike) -> FloatArray:
    y = np.asarray(history, dtype=np.float64)
    if y.ndim != 2 or not np.isfinite(y).all():
        raise FormulaError("the history must be a table of one row a series with a value for every month")
    return y
