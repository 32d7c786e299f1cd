"""What comes next? Forecasts of many monthly series at once, from any number of past months. Pure, no Django import.

A history is an array (series, months), oldest month first; months are complete, and one without revenue is 0. ``ends``
are the numbers of months known at the forecasts, so that a backtest and the forecast itself are one call: a forecast
with end e has seen the first e months of the history and no other.
Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, 5.2; domain.md 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas import intermittent, smoothing
from metrics.formulas.exact import FloatArray

MONTHS_PER_SEASON = 12
SEASONS_FOR_A_MODEL = 2  # with fewer, a season cannot be told from chance


class Method(StrEnum):
    """Ways to forecast, the plainer first: of two that are equally good the first is taken."""

    SEASONAL_NAIVE = "seasonal_naive"
    NAIVE = "naive"
    MEAN = "mean"
    DRIFT = "drift"
    DAMPED_TREND = "damped_trend"
    HOLT_WINTERS = "holt_winters"
    CROSTON = "croston"
    SBA = "sba"
    TSB = "tsb"


INTERMITTENT_METHODS = frozenset({Method.CROSTON, Method.SBA, Method.TSB})


def point_forecasts(
    history: ArrayLike, *, method: Method, ends: Sequence[int], horizon: int, season: int = MONTHS_PER_SEASON
) -> FloatArray:
    """Forecasts of the ``horizon`` months after each end, shape (len(ends), series, horizon), unit of the history.

    naive y_e; seasonal naive y of the same month one season before; mean of y_1..y_e; drift
    y_e + h (y_e - y_1) / (e - 1); damped trend and Holt-Winters: ``smoothing``; Croston, SBA, TSB: ``intermittent``
    (NaN where the series has no demand yet, or a month below 0)
    history : finite, shape (series, months); ends : ascending, 1 <= e <= months; horizon : months >= 1
    season : m, months >= 1; before the first end seasonal naive needs m months, Holt-Winters 2 m, damped trend 6,
        drift 2
    A series that was never below 0 up to an end is not forecast below 0 from there.
    raises FormulaError : a value is missing, or the method needs more months than the first end leaves
    """
    y = checked_history(history)
    _check_ends(ends, months=y.shape[1], horizon=horizon, season=season)
    if ends[0] < months_for(method, season=season):
        raise FormulaError(f"{method.value} needs {months_for(method, season=season)} months before the first forecast")
    if method in INTERMITTENT_METHODS:
        rates = intermittent.demand_rates(y, method=intermittent.DemandMethod(method.value), ends=ends)
        return np.repeat(rates[:, :, None], horizon, axis=2)
    if method in {Method.HOLT_WINTERS, Method.DAMPED_TREND}:
        cycle = season if method is Method.HOLT_WINTERS else 1
        values = smoothing.damped_forecasts(y, ends=ends, horizon=horizon, season=cycle)
    else:
        values = np.stack([_plain(y[:, :end], method=method, horizon=horizon, season=season) for end in ends])
    never_below = np.stack([y[:, :end].min(axis=1) >= 0 for end in ends])
    return np.where(never_below[:, :, None], np.maximum(values, 0.0), values)


def months_for(method: Method, *, season: int = MONTHS_PER_SEASON) -> int:
    """Months of history without which ``method`` has nothing to say."""
    if method is Method.SEASONAL_NAIVE:
        return season
    if method in {Method.HOLT_WINTERS, Method.DAMPED_TREND}:
        return smoothing.start_months(season if method is Method.HOLT_WINTERS else 1)
    return 2 if method is Method.DRIFT else 1


def checked_history(history: ArrayLike) -> FloatArray:
    """``history`` as float64, shape (series, months); raises FormulaError where a month has no value."""
    y = np.asarray(history, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] == 0:
        raise FormulaError("the history must be a table with one row a series and one column a month")
    if not np.isfinite(y).all():
        raise FormulaError("a month is missing; a month without revenue is 0, one that is not known has no forecast")
    return y


def _plain(past: FloatArray, *, method: Method, horizon: int, season: int) -> FloatArray:
    """The four that need no fit, shape (series, horizon)."""
    ahead = np.arange(1, horizon + 1)
    last = past[:, -1:]
    if method is Method.SEASONAL_NAIVE:
        return np.asarray(past[:, past.shape[1] - season + (ahead - 1) % season])
    if method is Method.DRIFT:
        return np.asarray(last + ahead * (last - past[:, :1]) / (past.shape[1] - 1))
    level = past.mean(axis=1, keepdims=True) if method is Method.MEAN else last
    return np.repeat(level, horizon, axis=1)


def _check_ends(ends: Sequence[int], *, months: int, horizon: int, season: int) -> None:
    if not len(ends) or any(later <= earlier for earlier, later in pairwise(ends)):
        raise FormulaError("give the ends in ascending order, at least one")
    if not 1 <= ends[0] <= ends[-1] <= months:
        raise FormulaError(f"each end must lie between 1 and the {months} months of the history")
    if horizon < 1 or season < 1:
        raise FormulaError("horizon and season must be 1 month or more")
