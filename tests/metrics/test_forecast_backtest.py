"""Backtest and choice: the worked example, one series after the other, what is shown, what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.forecast import INTERMITTENT_METHODS, Method, point_forecasts
from metrics.formulas.forecast_accuracy import (
    mean_absolute_error,
    mean_absolute_scaled_error,
    seasonal_scale,
    weighted_absolute_percentage_error,
)
from metrics.formulas.forecast_backtest import ForecastReason, best_forecasts, months_needed, residual_interval
from metrics.formulas.intermittent import demand

NAN = float("nan")
TRAIN, TEST = [100, 120, 80, 110, 108, 126, 88, 115], [112, 130, 90, 121]
SHORT, NOT_BETTER = ForecastReason.SHORT_HISTORY.value, ForecastReason.NOT_BETTER.value


@pytest.mark.parametrize(
    ("factor", "mae", "mase"), [(1, 4, 0.592593), (1.05, 1.5875, 0.235185)], ids=["plain", "raised"]
)
def test_accuracy_gives_the_worked_example(factor, mae, mase):
    forecast = factor * point_forecasts([TRAIN], method=Method.SEASONAL_NAIVE, ends=[8], horizon=4, season=4)[0]
    errors, scale = np.array([TEST]) - forecast, seasonal_scale([TRAIN], season=4)

    assert scale == pytest.approx([6.75])
    assert mean_absolute_error(errors) == pytest.approx([mae])
    assert mean_absolute_scaled_error(errors, scale=scale) == pytest.approx([mase], abs=5e-7)
    assert weighted_absolute_percentage_error(errors, actual=[TEST]) == pytest.approx([4 * mae / 453])


def test_accuracy_without_a_yardstick_is_undefined_not_zero():
    assert np.isnan(mean_absolute_scaled_error([[0.0, 0.0]], scale=[0.0])).all()
    assert np.isnan(weighted_absolute_percentage_error([[1.0]], actual=[[0.0]])).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: seasonal_scale([[1, 2, 3, 4]], season=4),
        lambda: seasonal_scale([[1, 2, 3, 4]], season=0),
        lambda: seasonal_scale([[1, NAN, 3]], season=1),
        lambda: mean_absolute_error([[]]),
        lambda: mean_absolute_scaled_error([[1.0]], scale=[1.0, 2.0]),
        lambda: weighted_absolute_percentage_error([[1.0]], actual=[[NAN]]),
        lambda: weighted_absolute_percentage_error([[1.0]], actual=[[1.0, 2.0]]),
    ],
    ids=["season-too-long", "season-0", "gap", "no-error", "scales", "actual-nan", "shapes"],
)
def test_accuracy_outside_its_domain_is_refused(call):
    with pytest.raises(FormulaError):
        call()


def seasonal_series(*, months, noise=20.0, slope=5.0, seed=1, series=1):
    rng, month = np.random.default_rng(seed), np.arange(months)
    wave = 200 * np.sin(2 * np.pi * month / 12 + rng.uniform(0, 6, (series, 1)))
    return 1_000 + slope * month + wave + noise * rng.normal(size=(series, months))


@pytest.mark.parametrize(
    ("months", "train", "origins"),
    [(18, 0, 0), (19, 13, 4), (24, 13, 9), (29, 15, 12), (30, 24, 4), (38, 24, 12), (60, 46, 12)],
)
def test_origins_leave_two_seasons_to_train_on_where_they_can(months, train, origins):
    found = best_forecasts(seasonal_series(months=months), horizon=3)

    assert (found.train_months.tolist(), found.origins.tolist()) == ([train], [origins])
    assert np.isnan(found.accuracy[Method.HOLT_WINTERS].score[0]) == (train < 24)
    assert np.isnan(found.baseline.mase[0]) == (train == 0)
    assert months_needed(horizon=3) == 19


def test_history_too_short_gives_a_reason_and_no_number():
    found = best_forecasts(seasonal_series(months=18), horizon=3)

    assert (found.method.tolist(), found.reason.tolist(), found.is_shown.tolist()) == ([""], [SHORT], [False])
    assert np.isnan([*found.values[0], *found.low[0], *found.high[0], found.chosen.score[0]]).all()


def test_trend_and_season_are_forecast_by_holt_winters_and_shown():
    found = best_forecasts(seasonal_series(months=60), horizon=6)

    assert (found.method.tolist(), found.reason.tolist(), found.is_shown.tolist()) == (["holt_winters"], [""], [True])
    assert found.chosen.mase[0] < found.baseline.mase[0]
    assert (found.low < found.values).all()
    assert (found.values < found.high).all()


def test_history_that_repeats_itself_is_not_shown_as_a_forecast():
    year = [50.0, 0, 80, 20, 10, 60, 70, 10, 20, 30, 40, 90]
    found = best_forecasts([year * 4], horizon=3)

    assert (found.method.tolist(), found.reason.tolist()) == (["seasonal_naive"], [NOT_BETTER])
    assert found.is_shown.tolist() == [False]
    assert found.values.tolist() == [year[:3]]
    assert found.chosen.score.tolist() == [0.0]  # the mean absolute error: there is no scale
    assert np.isnan(found.chosen.mase).all()


def test_less_than_two_seasons_have_no_seasonal_forecast_even_where_nothing_is_better():
    year = [50.0, 0, 80, 20, 10, 60, 70, 10, 20, 30, 40, 90]
    found = best_forecasts([(year * 2)[:22]], horizon=3)

    assert (found.method.tolist(), found.reason.tolist()) == ([""], [NOT_BETTER])
    assert np.isnan(found.values).all()
    assert found.chosen.score.tolist() == found.baseline.score.tolist() == [0.0]


def test_series_that_begins_later_is_forecast_as_if_it_stood_alone():
    history = seasonal_series(months=48, series=6)
    history[2, :9], history[4, :9], history[5, :40], history[1] = NAN, NAN, NAN, NAN

    together = best_forecasts(history, horizon=3)

    for row, start in ((0, 0), (2, 9), (3, 0), (4, 9)):
        alone = best_forecasts(history[row : row + 1, start:], horizon=3)
        assert together.method[row] == alone.method[0]
        assert together.values[row] == pytest.approx(alone.values[0], rel=1e-12)
        assert together.low[row] == pytest.approx(alone.low[0], rel=1e-12)
    assert together.reason[[1, 5]].tolist() == [SHORT, SHORT]


def test_lumpy_series_are_offered_the_intermittent_methods_and_smooth_ones_are_not():
    rng = np.random.default_rng(2)
    lumpy = np.where(rng.random((1, 48)) < 0.3, rng.lognormal(3, 1, (1, 48)), 0.0)
    found = best_forecasts(np.concatenate([lumpy, seasonal_series(months=48)]), horizon=3)

    assert found.pattern.tolist() == ["lumpy", "smooth"]
    for method in INTERMITTENT_METHODS:
        assert np.isfinite(found.accuracy[method].score).tolist() == [True, False]


def test_credit_after_the_last_origin_takes_the_intermittent_methods_out():
    history = [[0.0, 1, 0, 4, 0, 0, 0, -0.01]]

    found = best_forecasts(history, horizon=1, season=3)

    assert np.isnan([found.accuracy[method].score[0] for method in INTERMITTENT_METHODS]).all()
    assert np.isfinite(found.values).all() or not found.is_shown[0]


def test_interval_holds_the_share_it_promises():
    rng = np.random.default_rng(4)
    residuals, later = rng.normal(size=(20_000, 24)), rng.normal(size=20_000)

    low, high = residual_interval(residuals, coverage=0.8)

    assert ((low <= later) & (later <= high)).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("count", "is_known"), [(8, False), (9, True)])
def test_interval_needs_residuals_beyond_its_quantiles(count, is_known):
    low, high = residual_interval([list(range(count))], coverage=0.8)

    assert (low.tolist(), high.tolist()) == ([0], [8]) if is_known else np.isnan([*low, *high]).all()


def slow_scores(y, *, horizon, season, train):
    """Per method (score, residuals), from its definition, one origin after the other."""
    scores = {}
    intermittent = bool(demand([y[:train]]).is_intermittent[0])
    for method in Method:
        if method in INTERMITTENT_METHODS and not (intermittent and min(y) >= 0):
            continue
        if method in {Method.HOLT_WINTERS, Method.DAMPED_TREND} and train < 6:
            continue
        absolute, scaled, residuals = [], [], []
        for end in range(train, len(y) - horizon + 1):
            forecast = point_forecasts([y[:end]], method=method, ends=[end], horizon=horizon, season=season)[0, 0]
            errors = [actual - value for actual, value in zip(y[end:], forecast, strict=False)]
            steps = [abs(y[t] - y[t - season]) for t in range(season, end)]
            scale = math.fsum(steps) / len(steps)
            absolute.append(math.fsum(map(abs, errors)) / horizon)
            scaled.append(absolute[-1] / scale if scale else NAN)
            residuals += errors
        mase = sum(scaled) / len(scaled)
        scores[method] = (sum(absolute) / len(absolute) if math.isnan(mase) else mase), residuals
    return {method: found for method, found in scores.items() if not math.isnan(found[0])}


values = st.one_of(st.just(0.0), st.integers(0, 400).map(float), st.integers(-50, 100_000).map(lambda c: c / 100))


@given(st.lists(values, min_size=6, max_size=26), st.integers(1, 4))
@settings(max_examples=500, deadline=None)
def test_choice_equals_the_backtest_done_one_origin_after_the_other(y, horizon):
    found = best_forecasts([y], horizon=horizon, season=3)

    if len(y) < 3 + 1 + horizon + 3:
        assert (found.reason.tolist(), found.method.tolist()) == ([SHORT], [""])
        return
    train = int(found.train_months[0])
    assert found.origins[0] == len(y) - horizon - train + 1
    assert 4 <= found.origins[0] <= 12
    assert train >= (6 if len(y) - horizon - 3 >= 6 else 4)
    scores = slow_scores(y, horizon=horizon, season=3, train=train)
    for method, (score, _) in scores.items():
        assert found.accuracy[method].score == pytest.approx([score], rel=1e-9, abs=1e-9)
    least = min(score for score, _ in scores.values())
    assert found.chosen.score[0] == pytest.approx(least, rel=1e-9, abs=1e-9)
    assert bool(found.is_shown[0]) == (round(found.chosen.score[0], 9) < round(found.baseline.score[0], 9))
    assert (found.reason[0] == "") == bool(found.is_shown[0])
    assert np.isfinite(found.values).all() or not found.is_shown[0]
    if found.method[0]:
        method = Method(found.method[0])
        forecast = point_forecasts([y], method=method, ends=[len(y)], horizon=horizon, season=3)[0, 0]
        assert found.values[0] == pytest.approx(forecast, rel=1e-9, abs=1e-9)
        residuals = sorted(scores[method][1])
        if len(residuals) >= 9:
            position = 0.1 * (len(residuals) + 1) - 1
            below = int(position + 1e-9)
            low = residuals[below] + (position - below) * (
                residuals[min(below + 1, len(residuals) - 1)] - residuals[below]
            )
            expected = np.maximum(forecast + low, 0) if min(y) >= 0 else forecast + low
            assert found.low[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)
            assert (found.low[0] <= found.high[0]).all()


@given(st.lists(values, min_size=19, max_size=26), st.integers(1, 3))
@settings(max_examples=500, deadline=None)
def test_choice_does_not_depend_on_the_currency(y, horizon):
    one = best_forecasts([y], horizon=horizon, season=3)
    other = best_forecasts([np.array(y) * 2.0**10], horizon=horizon, season=3)  # exact in binary

    assert one.method.tolist() == other.method.tolist()
    assert other.values == pytest.approx(one.values * 2.0**10, nan_ok=True)


@pytest.mark.parametrize(
    ("history", "changes"),
    [
        ([[1.0] * 30 + [NAN]], {}),
        ([[1.0, NAN] + [1.0] * 30], {}),
        ([[float("inf")] * 30], {}),
        ([1.0] * 30, {}),
        ([[1.0] * 30], {"horizon": 0}),
        ([[1.0] * 30], {"season": 0}),
        ([[1.0] * 30], {"coverage": 1.0}),
        ([[1.0] * 30], {"coverage": NAN}),
    ],
    ids=["ends-unknown", "gap", "infinite", "one-row", "horizon", "season", "coverage-1", "coverage-nan"],
)
def test_backtest_outside_its_domain_is_refused(history, changes):
    with pytest.raises(FormulaError):
        best_forecasts(history, **{"horizon": 3, **changes})


@pytest.mark.parametrize(("residuals", "coverage"), [([1.0, 2.0], 0.8), ([[1.0]], 0.0), ([[1.0]], 1.0)])
def test_interval_outside_its_domain_is_refused(residuals, coverage):
    with pytest.raises(FormulaError):
        residual_interval(residuals, coverage=coverage)


def test_no_series_gives_an_empty_result():
    found = best_forecasts(np.zeros((0, 30)), horizon=3)

    assert (found.values.shape, found.method.shape) == ((0, 3), (0,))
