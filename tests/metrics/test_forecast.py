"""Forecasts of many series at once: hand values, one series after the other, nothing seen of later months, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas import smoothing
from metrics.formulas.forecast import INTERMITTENT_METHODS, Method, months_for, point_forecasts

HISTORY = [100, 120, 80, 110, 108, 126, 88, 115]
amounts = st.integers(-20_000, 200_000).map(lambda cents: cents / 100)
histories = st.integers(1, 4).flatmap(
    lambda series: st.integers(8, 15).flatmap(
        lambda months: st.lists(
            st.lists(st.one_of(amounts, st.just(0.0)), min_size=months, max_size=months),
            min_size=series,
            max_size=series,
        )
    )
)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Method.NAIVE, [115, 115, 115, 115, 115]),
        (Method.SEASONAL_NAIVE, [108, 126, 88, 115, 108]),
        (Method.MEAN, [105.875] * 5),
        (Method.DRIFT, [115 + 15 / 7 * step for step in range(1, 6)]),
    ],
    ids=lambda value: value.value if isinstance(value, Method) else "",
)
def test_plain_methods_give_the_hand_values(method, expected):
    values = point_forecasts([HISTORY], method=method, ends=[8], horizon=5, season=4)

    assert values == pytest.approx(np.array([[expected]]), abs=1e-12)


def test_holt_winters_carries_an_exact_season_on():
    season = np.array([30.0, -10, -25, 5])
    history = np.tile(100 + season, 5)[None, :]

    values = point_forecasts(history, method=Method.HOLT_WINTERS, ends=[8, 20], horizon=6, season=4)

    assert values == pytest.approx(np.broadcast_to(np.resize(100 + season, 6), (2, 1, 6)), abs=1e-9)


def test_damped_trend_of_a_constant_is_the_constant():
    values = point_forecasts([[7.0] * 10], method=Method.DAMPED_TREND, ends=[6, 10], horizon=3)

    assert values == pytest.approx(np.full((2, 1, 3), 7.0), abs=1e-12)


def test_holt_winters_beats_seasonal_naive_on_series_with_trend_and_season():
    rng, month = np.random.default_rng(11), np.arange(60)
    slope, turn = rng.uniform(-4, 8, (200, 1)), rng.uniform(0, 6, (200, 1))
    history = 1_000 + slope * month + 200 * np.sin(2 * np.pi * month / 12 + turn) + 30 * rng.normal(size=(200, 60))

    off = {
        method: np.abs(point_forecasts(history, method=method, ends=[54], horizon=6)[0] - history[:, 54:]).mean()
        for method in (Method.HOLT_WINTERS, Method.SEASONAL_NAIVE)
    }

    assert off[Method.HOLT_WINTERS] < 0.8 * off[Method.SEASONAL_NAIVE]


def slow_damped(series, *, end, horizon, season):
    """One series, one combination after the other, the recursions as the book prints them."""
    y, best, best_squares = series[:end], None, None
    if season > 1:
        first, second = sum(y[:season]) / season, sum(y[season : 2 * season]) / season
        slope = (second - first) / season
        start = (first + second) / 2 - slope * (season + 0.5)
        apart = [value - start - slope * (t + 1) for t, value in enumerate(y[: 2 * season])]
        seasonal = [(apart[j] + apart[j + season]) / 2 for j in range(season)]
    else:
        known = y[: smoothing.START_MONTHS]
        start, slope, seasonal = sum(known) / len(known), 0.0, [0.0]
    for alpha in smoothing.ALPHAS:
        for trend_share in smoothing.TREND_SHARES:
            for season_share in smoothing.SEASON_SHARES if season > 1 else (0.0,):
                for phi in smoothing.DAMPINGS:
                    level, trend, s, squares = start, slope, list(seasonal), 0.0
                    for t, value in enumerate(y):
                        e = value - (level + phi * trend + s[t % season])
                        level, trend = level + phi * trend + alpha * e, phi * trend + trend_share * alpha * e
                        s[t % season] += season_share * (1 - alpha) * e
                        squares += e * e
                    if best_squares is None or squares < best_squares * (1 - 1e-9) - 1e-9:
                        best_squares = squares
                        best = [
                            level + sum(phi**k for k in range(1, step + 1)) * trend + s[(end + step - 1) % season]
                            for step in range(1, horizon + 1)
                        ]
    return [max(value, 0.0) for value in best] if min(y) >= 0 else best


@pytest.mark.parametrize(
    ("method", "season"), [(Method.HOLT_WINTERS, 4), (Method.DAMPED_TREND, 1)], ids=["hw", "damped"]
)
def test_smoothing_equals_one_series_after_the_other(method, season):
    rng = np.random.default_rng(5)
    history = rng.normal(50, 40, (300, 19))  # more than one block of series
    history[::2] = np.abs(history[::2])
    ends = [8, 9, 13, 19]

    values = point_forecasts(history, method=method, ends=ends, horizon=6, season=4)

    for row in (0, 1, 2, 3, 254, 255, 256, 257, 299):
        for place, end in enumerate(ends):
            slow = slow_damped(history[row].tolist(), end=end, horizon=6, season=season)
            assert values[place, row] == pytest.approx(slow, rel=1e-9, abs=1e-9)


def slow_plain(series, *, method, horizon, season):
    n = len(series)
    forecast = []
    for step in range(1, horizon + 1):
        if method is Method.NAIVE:
            value = series[-1]
        elif method is Method.MEAN:
            value = sum(series) / n
        elif method is Method.DRIFT:
            value = series[-1] + step * (series[-1] - series[0]) / (n - 1)
        else:
            place = n + step - 1
            while place >= n:
                place -= season
            value = series[place]
        forecast.append(max(value, 0.0) if min(series) >= 0 else value)
    return forecast


@given(histories, st.sampled_from([Method.NAIVE, Method.SEASONAL_NAIVE, Method.MEAN, Method.DRIFT]), st.integers(1, 9))
@settings(max_examples=500, deadline=None)
def test_plain_methods_equal_one_series_after_the_other(history, method, horizon):
    ends = [4, 6, len(history[0])]
    values = point_forecasts(history, method=method, ends=ends, horizon=horizon, season=4)

    for place, end in enumerate(ends):
        slow = [slow_plain(row[:end], method=method, horizon=horizon, season=4) for row in history]
        assert values[place] == pytest.approx(np.array(slow), abs=1e-9)


@given(histories, st.sampled_from(list(Method)))
@settings(max_examples=500, deadline=None)
def test_no_forecast_sees_a_later_month(history, method):
    y = np.array(history)
    changed = y.copy()
    changed[:, 8:] = 9_999.0

    before = point_forecasts(y, method=method, ends=sorted({8, y.shape[1]}), horizon=3, season=4)[0]
    after = point_forecasts(changed, method=method, ends=sorted({8, y.shape[1]}), horizon=3, season=4)[0]

    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(before, point_forecasts(y[:, :8], method=method, ends=[8], horizon=3, season=4)[0])


@given(histories, st.sampled_from(list(Method)))
@settings(max_examples=500, deadline=None)
def test_series_that_were_never_below_zero_stay_there_and_rows_do_not_touch(history, method):
    y = np.array(history)
    values = point_forecasts(y, method=method, ends=[y.shape[1]], horizon=4, season=4)[0]

    never_below = y.min(axis=1) >= 0
    known = values[never_below]
    assert (known[np.isfinite(known)] >= 0).all()
    for row in range(len(y)):
        alone = point_forecasts(y[row : row + 1], method=method, ends=[y.shape[1]], horizon=4, season=4)[0, 0]
        np.testing.assert_allclose(values[row], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", list(Method), ids=lambda method: method.value)
def test_no_series_gives_no_forecasts(method):
    assert point_forecasts(np.zeros((0, 24)), method=method, ends=[24], horizon=3).shape == (1, 0, 3)


@pytest.mark.parametrize("method", list(Method), ids=lambda method: method.value)
def test_forecast_with_too_few_months_is_refused(method):
    needed = months_for(method, season=4)
    if needed > 1:
        with pytest.raises(FormulaError):
            point_forecasts([HISTORY], method=method, ends=[needed - 1], horizon=1, season=4)
    values = point_forecasts([HISTORY], method=method, ends=[needed], horizon=1, season=4)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("missing", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", [Method.MEAN, *sorted(INTERMITTENT_METHODS)], ids=lambda method: method.value)
def test_forecast_of_a_history_with_a_gap_is_refused(method, missing):
    with pytest.raises(FormulaError):
        point_forecasts([[1.0, missing, 3.0]], method=method, ends=[3], horizon=1)


@pytest.mark.parametrize(
    "changes",
    [{"ends": []}, {"ends": [0]}, {"ends": [9]}, {"ends": [5, 5]}, {"ends": [6, 5]}, {"horizon": 0}, {"season": 0}],
    ids=["no-end", "end-0", "end-beyond", "end-twice", "ends-descend", "horizon-0", "season-0"],
)
def test_forecast_outside_its_domain_is_refused(changes):
    arguments = {"method": Method.MEAN, "ends": [8], "horizon": 1, "season": 4, **changes}
    with pytest.raises(FormulaError):
        point_forecasts([HISTORY], **arguments)


@pytest.mark.parametrize("history", [[], HISTORY, [[]]], ids=["empty", "one-row", "no-month"])
def test_forecast_of_something_else_than_a_table_is_refused(history):
    with pytest.raises(FormulaError):
        point_forecasts(history, method=Method.MEAN, ends=[1], horizon=1)


def test_smoothing_refuses_less_than_two_seasons():
    with pytest.raises(FormulaError):
        smoothing.damped_forecasts(np.ones((1, 12)), ends=[7], horizon=1, season=4)
