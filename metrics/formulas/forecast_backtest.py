"""Which forecast may be shown? Rolling-origin backtest, choice of a method a series, intervals. Pure, no Django import.

A series' past is cut at several months (origins); every method forecasts from each cut, fitted on the months before it
alone, and is measured on the months after. The plain forecast "as in the same month last year" (seasonal naive) is the
one to beat. Sources: Hyndman and Koehler 2006 [R9]; domain.md 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.formulas.forecast import (
    INTERMITTENT_METHODS,
    MONTHS_PER_SEASON,
    SEASONS_FOR_A_MODEL,
    Method,
    months_for,
    point_forecasts,
)
from metrics.formulas.forecast_accuracy import (
    mean_absolute_error,
    mean_absolute_scaled_error,
    seasonal_scale,
    weighted_absolute_percentage_error,
)
from metrics.formulas.intermittent import DemandPattern, demand

MIN_ORIGINS = 4  # domain.md 7.3
MAX_ORIGINS = 12  # a year of monthly origins tries every month of the season once
INTERVAL_COVERAGE = 0.8
_DECIMALS = 9  # a score is rounded before it is compared, so that float noise never decides


class ForecastReason(StrEnum):
    """Why a forecast is not shown, or NONE; keys of sentences."""

    NONE = ""
    SHORT_HISTORY = "forecast_short_history"
    NOT_BETTER = "forecast_not_better"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Backtest of one method, each shape (series,), NaN where the method was not tried.

    mase : mean over the origins of mean |e| / scale of that origin; NaN where an origin's scale is 0
    score : what methods are compared by: MASE, or the mean absolute error of the series where an origin's scale is 0
    """

    score: FloatArray
    mase: FloatArray
    mean_absolute_error: FloatArray
    wape: FloatArray


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The forecasts of many series and what speaks for them.

    method : value of Method behind ``values``, "" where there is none, shape (series,)
    values, low, high : shape (series, horizon), unit of the history; NaN where there is none
    is_shown : the chosen method beats seasonal naive in the backtest; only these are put before a reader
    reason : value of ForecastReason, "" where is_shown
    origins, train_months : backtest origins and months before the first of them, 0 where the history is too short
    pattern : DemandPattern of the months before the first origin
    accuracy : per method its backtest; ``chosen`` and ``baseline`` (seasonal naive) are the two to print
    """

    method: NDArray[np.str_]
    values: FloatArray
    low: FloatArray
    high: FloatArray
    is_shown: BoolArray
    reason: NDArray[np.str_]
    origins: NDArray[np.int64]
    train_months: NDArray[np.int64]
    pattern: NDArray[np.str_]
    accuracy: dict[Method, Accuracy]
    chosen: Accuracy

    @property
    def baseline(self) -> Accuracy:
        return self.accuracy[Method.SEASONAL_NAIVE]


def months_needed(*, horizon: int, season: int = MONTHS_PER_SEASON) -> int:
    """Months of history below which a series has no forecast: a season and a month to train on, then 4 origins."""
    return season + 1 + horizon + MIN_ORIGINS - 1


def best_forecasts(
    history: ArrayLike, *, horizon: int, season: int = MONTHS_PER_SEASON, coverage: float = INTERVAL_COVERAGE
) -> Forecasts:
    """Backtest every method on every series, take the best if it beats seasonal naive, and forecast with it.

    history : shape (series, months), complete months, oldest first. NaN before a series' first month (before the
        account was a customer), never after it; a month without revenue is 0
    horizon : months ahead, >= 1, the same in the backtest; season : m; coverage : of the intervals, 0 < c < 1
    Origins are successive months, the last one ``horizon`` before the end; 4 to 12 of them, as many as leave two
    seasons to train on. With fewer than two seasons before the first of 4 origins no seasonal model takes part; then
    seasonal naive stays the one to beat from m + 1 training months on. Croston, SBA and TSB take part where the months
    before the first origin are intermittent or lumpy. The best is the least score (mean MASE over the origins, MAE if
    a scale is 0), the plainer method of equals. Choice and score rest on the same origins, so a score is on the kind
    side.
    Where nothing beats seasonal naive, ``values`` are its own (none with less than two seasons), and is_shown is False.
    Interval: forecast + quantiles (1 -+ c) / 2 of the chosen method's backtest residuals of that series, all origins
    and steps together (``residual_interval``); not below 0 where the series never was. It need not hold the forecast: a
    method that was always too low leaves an interval above it.
    raises FormulaError : a month inside a series is missing, or an argument is outside its domain
    """
    y = np.asarray(history, dtype=np.float64)
    starts = _starts(y)
    if horizon < 1 or season < 1 or not 0 < coverage < 1:
        raise FormulaError("horizon and season must be 1 month or more and the coverage between 0 and 1")
    result = _nothing(len(y), horizon)
    for start in np.unique(starts):
        rows = np.flatnonzero(starts == start)
        months = y.shape[1] - int(start)
        if months >= months_needed(horizon=horizon, season=season):
            _fill(result, rows, y[rows, start:], horizon=horizon, season=season, coverage=coverage)
    return result


def _starts(y: FloatArray) -> NDArray[np.int64]:
    if y.ndim != 2:
        raise FormulaError("the history must be a table with one row a series and one column a month")
    is_known = np.isfinite(y)
    starts = np.where(is_known.any(axis=1), is_known.argmax(axis=1) if y.shape[1] else 0, y.shape[1])
    if np.isinf(y).any() or (is_known.sum(axis=1) != y.shape[1] - starts).any():
        raise FormulaError("a month inside a series is missing; a month without revenue is 0")
    return starts.astype(np.int64)


def _nothing(series: int, horizon: int) -> Forecasts:
    def blank(*shape: int) -> FloatArray:
        return np.full(shape, np.nan)

    def accuracy() -> Accuracy:
        return Accuracy(blank(series), blank(series), blank(series), blank(series))

    return Forecasts(
        method=np.full(series, "", dtype="<U16"),
        values=blank(series, horizon),
        low=blank(series, horizon),
        high=blank(series, horizon),
        is_shown=np.zeros(series, dtype=bool),
        reason=np.full(series, ForecastReason.SHORT_HISTORY.value, dtype="<U32"),
        origins=np.zeros(series, dtype=np.int64),
        train_months=np.zeros(series, dtype=np.int64),
        pattern=np.full(series, DemandPattern.UNKNOWN.value, dtype="<U16"),
        accuracy={method: accuracy() for method in Method},
        chosen=accuracy(),
    )


def _fill(result: Forecasts, rows: NDArray[Any], y: FloatArray, *, horizon: int, season: int, coverage: float) -> None:
    """Write the forecasts of series that share their first month into ``result``."""
    months = y.shape[1]
    train = _train_months(months, horizon=horizon, season=season)
    ends = [*range(train, months - horizon + 1), months]
    origins = len(ends) - 1
    pattern = demand(y[:, :train])
    has_seasons = train >= SEASONS_FOR_A_MODEL * season
    scale = np.stack([seasonal_scale(y[:, :end], season=season) for end in ends[:-1]], axis=1)
    actual = np.stack([y[:, end : end + horizon] for end in ends[:-1]], axis=1)
    tried: dict[Method, tuple[FloatArray, FloatArray, Accuracy]] = {}
    for method in Method:
        if train < months_for(method, season=season):
            continue
        values = point_forecasts(y, method=method, ends=ends, horizon=horizon, season=season)
        if method in INTERMITTENT_METHODS:
            is_usable = pattern.is_intermittent & np.isfinite(values[-1]).all(axis=1)  # a late credit leaves no rate
            values = np.where(is_usable[:, None], values, np.nan)
        errors = actual - values[:-1].transpose(1, 0, 2)
        tried[method] = values[-1], errors, _accuracy(errors, actual, scale)
        _put(result.accuracy[method], rows, tried[method][2])
    best, is_better = _choice({method: accuracy for method, (_, _, accuracy) in tried.items()})
    result.origins[rows], result.train_months[rows], result.pattern[rows] = origins, train, pattern.pattern
    result.is_shown[rows] = is_better
    result.reason[rows] = np.where(is_better, ForecastReason.NONE.value, ForecastReason.NOT_BETTER.value)
    for method, (values, errors, accuracy) in tried.items():
        own = np.flatnonzero(best == method.value)
        _put(result.chosen, rows[own], accuracy, own)
        if method is Method.SEASONAL_NAIVE and not has_seasons:
            continue
        result.method[rows[own]], result.values[rows[own]] = method.value, values[own]
        low, high = residual_interval(errors[own].reshape(len(own), origins * horizon), coverage=coverage)
        floor = np.where(y[own].min(axis=1) >= 0, 0.0, -np.inf)[:, None]
        result.low[rows[own]] = np.maximum(values[own] + low[:, None], floor)
        result.high[rows[own]] = np.maximum(values[own] + high[:, None], floor)


def _train_months(months: int, *, horizon: int, season: int) -> int:
    """Months before the first origin: two seasons if 4 origins fit behind them, and no more than 12 origins."""
    seasons = SEASONS_FOR_A_MODEL * season
    least = seasons if months - horizon - (MIN_ORIGINS - 1) >= seasons else season + 1
    return max(least, months - horizon - (MAX_ORIGINS - 1))


def _accuracy(errors: FloatArray, actual: FloatArray, scale: FloatArray) -> Accuracy:
    """errors, actual : shape (series, origins, horizon); scale : shape (series, origins)."""
    flat = (len(errors), -1)
    off = mean_absolute_error(errors.reshape(flat))
    mase = np.asarray(mean_absolute_scaled_error(errors, scale=scale).mean(axis=1))
    wape = weighted_absolute_percentage_error(errors.reshape(flat), actual=actual.reshape(flat))
    is_scaled = (scale > 0).all(axis=1)
    return Accuracy(score=np.where(is_scaled, mase, off), mase=mase, mean_absolute_error=off, wape=wape)


def _choice(tried: dict[Method, Accuracy]) -> tuple[NDArray[np.str_], BoolArray]:
    """(method with the least score, whether it beats seasonal naive); seasonal naive stands first and wins ties."""
    scores = np.stack([accuracy.score for accuracy in tried.values()])
    scores = np.where(np.isnan(scores), np.inf, np.round(scores, _DECIMALS))
    best = scores.argmin(axis=0)
    return np.array([method.value for method in tried])[best], np.asarray(best > 0)


def _put(target: Accuracy, rows: NDArray[Any], source: Accuracy, own: NDArray[Any] | slice = slice(None)) -> None:
    target.score[rows] = source.score[own]
    target.mase[rows] = source.mase[own]
    target.mean_absolute_error[rows] = source.mean_absolute_error[own]
    target.wape[rows] = source.wape[own]


def residual_interval(residuals: ArrayLike, *, coverage: float = INTERVAL_COVERAGE) -> tuple[FloatArray, FloatArray]:
    """(low, high) to be added to a forecast, each shape (series,): quantiles of past actual - forecast.

    residuals : shape (series, N); coverage : c, 0 < c < 1
    The quantile p lies at position p (N + 1) of the ascending residuals (linear between), so that a new residual of the
    same kind falls between them with chance c. NaN where (1 - c) / 2 (N + 1) < 1: the quantile lies outside what was
    seen. Assumes residuals of one kind; those of overlapping origins are alike, so real coverage is a little lower.
    """
    e = np.asarray(residuals, dtype=np.float64)
    tail = (1 - coverage) / 2
    if e.ndim != 2 or not 0 < coverage < 1:
        raise FormulaError("give residuals as (series, N) and a coverage between 0 and 1")
    if round(tail * (e.shape[1] + 1), _DECIMALS) < 1:
        return np.full(len(e), np.nan), np.full(len(e), np.nan)
    low, high = np.quantile(e, [tail, 1 - tail], axis=1, method="weibull")
    return np.asarray(low), np.asarray(high)
