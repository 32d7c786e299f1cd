"""Exponential smoothing with a damped trend and an additive season, over all series at once. Pure, no Django import.

Letters as in Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, 8.3 and 8.5 (ETS(A,Ad,A) in
error-correction form): l level, b trend, s season, alpha, beta, gamma the weights of news, phi the damping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

# The grid that is searched; phi within 0.8 to 0.98 as the book advises, the shares are of what alpha leaves.
ALPHAS = (0.05, 0.15, 0.3, 0.5, 0.8)
TREND_SHARES = (0.0, 0.1, 0.3)  # beta = share x alpha
SEASON_SHARES = (0.0, 0.1, 0.3, 0.6)  # gamma = share x (1 - alpha)
DAMPINGS = (0.8, 0.9, 0.98)
START_MONTHS = 6  # without a season the first level is the mean of so many months
SERIES_AT_ONCE = 256  # keeps the state of one pass over the grid within the processor's cache


@dataclass(frozen=True, slots=True)
class _Grid:
    """One column a combination, each shape (1, combinations)."""

    alpha: FloatArray
    beta: FloatArray
    gamma: FloatArray
    phi: FloatArray


@dataclass(slots=True)
class _State:
    """Per series and combination of the grid; season : shape (m, series, combinations); squares : of errors so far."""

    level: FloatArray
    trend: FloatArray
    season: FloatArray
    squares: FloatArray


def damped_forecasts(history: FloatArray, *, ends: Sequence[int], horizon: int, season: int) -> FloatArray:
    """Forecasts after each end, shape (len(ends), series, horizon): l + (phi + .. + phi**h) b + s of that month.

    With e = y - (l + phi b + s): l' = l + phi b + alpha e, b' = phi b + beta e, s' = s + gamma e.
    history : finite, shape (series, months); ends : ascending months known; season : m >= 1, with 1 there is no season
    Per series and end the combination of the grid with the least sum of squared one-step errors up to that end; equal
    sums take the first. The starting state comes from the first 2 m months (without season from the first months), all
    of them before the first end, so one pass serves all ends and no forecast sees a later month.
    raises FormulaError : fewer months than ``start_months`` before the first end
    """
    if ends[0] < start_months(season):
        raise FormulaError(f"{start_months(season)} months are needed before the first forecast")
    parts = [
        _one_pass(history[first : first + SERIES_AT_ONCE], ends=ends, horizon=horizon, season=season)
        for first in range(0, max(len(history), 1), SERIES_AT_ONCE)
    ]
    return np.concatenate(parts, axis=1)


def start_months(season: int) -> int:
    """Months that the starting state is made from: two seasons, or START_MONTHS without a season."""
    return 2 * season if season > 1 else START_MONTHS


def _one_pass(y: FloatArray, *, ends: Sequence[int], horizon: int, season: int) -> FloatArray:
    grid = _grid(is_seasonal=season > 1)
    state = _start(y, season=season, combinations=grid.alpha.shape[1])
    found: list[FloatArray] = []
    for month in range(ends[-1]):
        place = month % season
        expected = state.level + grid.phi * state.trend
        error = y[:, month, None] - expected - state.season[place]
        state.squares += error**2
        state.level = expected + grid.alpha * error
        state.trend = grid.phi * state.trend + grid.beta * error
        if season > 1:
            state.season[place] += grid.gamma * error
        if month + 1 == ends[len(found)]:
            found.append(_ahead(state, grid, known=month + 1, horizon=horizon))
    return np.stack(found)


def _ahead(state: _State, grid: _Grid, *, known: int, horizon: int) -> FloatArray:
    """The forecast of each series' best combination, shape (series, horizon)."""
    series, best = np.arange(len(state.squares)), np.argmin(state.squares, axis=1)
    steps = np.arange(1, horizon + 1)
    damped = np.cumsum(grid.phi[0, best][:, None] ** steps, axis=1)
    places = (known + steps - 1) % len(state.season)
    seasonal = state.season[places[None, :], series[:, None], best[:, None]]
    return np.asarray(state.level[series, best][:, None] + damped * state.trend[series, best][:, None] + seasonal)


def _start(y: FloatArray, *, season: int, combinations: int) -> _State:
    """With a season: the line through the means of the first two seasons, and the mean distance of each month from it.

    Without one: the mean of the first months, no trend; one month's jump would be carried on as if it were a trend.
    """
    series = len(y)
    if season == 1:
        level, trend = y[:, :START_MONTHS].mean(axis=1), np.zeros(series)
        seasonal = np.zeros((1, series))
    else:
        first, second = y[:, :season], y[:, season : 2 * season]
        trend = (second.mean(axis=1) - first.mean(axis=1)) / season
        middle = (first.mean(axis=1) + second.mean(axis=1)) / 2
        level = middle - trend * (season + 0.5)  # the line one month before the first
        line = level[:, None] + trend[:, None] * np.arange(1, 2 * season + 1)
        apart = y[:, : 2 * season] - line
        seasonal = ((apart[:, :season] + apart[:, season:]) / 2).T
    shape = (series, combinations)
    return _State(
        level=np.broadcast_to(level[:, None], shape).copy(),
        trend=np.broadcast_to(trend[:, None], shape).copy(),
        season=np.broadcast_to(seasonal[:, :, None], (len(seasonal), *shape)).copy(),
        squares=np.zeros(shape),
    )


def _grid(*, is_seasonal: bool) -> _Grid:
    rows = product(ALPHAS, TREND_SHARES, SEASON_SHARES if is_seasonal else (0.0,), DAMPINGS)
    alpha, trend_share, season_share, phi = np.array(list(rows)).T[:, None, :]
    return _Grid(alpha=alpha, beta=trend_share * alpha, gamma=season_share * (1 - alpha), phi=phi)
