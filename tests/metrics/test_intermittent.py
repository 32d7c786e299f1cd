"""Intermittent demand: classes at their limits, hand values, one series after the other, refusals."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.intermittent import DemandMethod, DemandPattern, demand, demand_rates

NAN = float("nan")
months = st.one_of(st.just(0.0), st.integers(1, 1_000_000).map(lambda cents: cents / 100))
signed_months = st.one_of(months, st.integers(-500, -1).map(float))
tables = st.integers(1, 16).flatmap(
    lambda width: st.lists(st.lists(signed_months, min_size=width, max_size=width), min_size=1, max_size=5)
)


@pytest.mark.parametrize(
    ("series", "interval", "variation", "pattern"),
    [
        ([5, 5, 5, 5, 5, 5], 1, 0, DemandPattern.SMOOTH),
        ([1, 1, 1, 1, 9, 1], 1, 1.63265306, DemandPattern.ERRATIC),
        ([0, 4, 0, 4, 0, 4], 2, 0, DemandPattern.INTERMITTENT),
        ([1, 0, 1, 0, 0, 10], 2.5, 1.125, DemandPattern.LUMPY),
        ([17, 0, 3], 2, 0.49, DemandPattern.LUMPY),  # mean 10, deviation 7: exactly at the limit
        ([16.99, 0, 3.01], 2, 0.488601, DemandPattern.INTERMITTENT),
        ([0, 0, 8, 0], NAN, NAN, DemandPattern.UNKNOWN),
        ([0, 0, 0, 0], NAN, NAN, DemandPattern.UNKNOWN),
        ([5, -1, 5, 5], NAN, NAN, DemandPattern.UNKNOWN),
    ],
    ids=["smooth", "erratic", "intermittent", "lumpy", "at-limit", "below-limit", "one", "none", "credit"],
)
def test_demand_has_its_class(series, interval, variation, pattern):
    found = demand([series])

    assert found.mean_interval == pytest.approx([interval], nan_ok=True)
    assert found.size_variation == pytest.approx([variation], rel=1e-7, nan_ok=True)
    assert found.pattern.tolist() == [pattern]
    assert found.is_intermittent.tolist() == [pattern in {"intermittent", "lumpy"}]


@pytest.mark.parametrize(("gap_months", "pattern"), [(8, "intermittent"), (7, "smooth")])
def test_interval_of_exactly_the_limit_is_intermittent(gap_months, pattern):
    series = [1.0] * 26 + [0.0] * gap_months  # 25 intervals; the last demand comes after the gap
    series[-1], series[25] = 1.0, 0.0

    found = demand([series])

    assert found.mean_interval == pytest.approx([(25 + gap_months) / 25])
    assert found.pattern.tolist() == [pattern]


def test_rates_give_the_hand_values():
    series = [[0, 10, 0, 0, 20, 0]]
    # sizes 10, then 10 + .1 (20 - 10) = 11; intervals 2, then 2 + .1 (3 - 2) = 2.1
    croston = demand_rates(series, method=DemandMethod.CROSTON, ends=[1, 2, 4, 6])
    sba = demand_rates(series, method=DemandMethod.SBA, ends=[6])
    tsb = demand_rates(series, method=DemandMethod.TSB, ends=[2, 3, 6])

    assert croston == pytest.approx(np.array([[NAN], [5], [5], [11 / 2.1]]), nan_ok=True)
    assert sba == pytest.approx(np.array([[0.95 * 11 / 2.1]]))
    chance = ((0.5 * 0.81) * 0.9 + 0.1) * 0.9  # two silent months, a demand, a silent month
    assert tsb == pytest.approx(np.array([[5], [4.5], [11 * chance]]))


def test_tsb_falls_in_silence_and_croston_does_not():
    series = np.array([[10.0, 0, 10, 0, 10] + [0.0] * 20])

    croston = demand_rates(series, method=DemandMethod.CROSTON, ends=[5, 25])[:, 0]
    tsb = demand_rates(series, method=DemandMethod.TSB, ends=[5, 25])[:, 0]

    assert croston[0] == croston[1]
    assert tsb[1] == pytest.approx(tsb[0] * 0.9**20)


def slow_demand(series):
    if any(value < 0 for value in series) or sum(value > 0 for value in series) < 2:
        return NAN, NAN, "unknown"
    places = [place for place, value in enumerate(series) if value > 0]
    gaps = [later - earlier for earlier, later in pairwise(places)]
    sizes = [series[place] for place in places]
    interval, mean = sum(gaps) / len(gaps), math.fsum(sizes) / len(sizes)
    variation = math.fsum((size / mean - 1) ** 2 for size in sizes) / len(sizes)
    is_rare, is_uneven = round(interval, 9) >= 1.32, round(variation, 9) >= 0.49
    names = {(0, 0): "smooth", (0, 1): "erratic", (1, 0): "intermittent", (1, 1): "lumpy"}
    return interval, variation, names[is_rare, is_uneven]


def slow_rate(series, method, a):
    size = interval = chance = None
    waited = 1
    for value in series:
        if value < 0:
            return NAN
        if value > 0 and size is None:
            size, interval, chance = value, waited, 1 / waited
        elif value > 0:
            size, interval = a * value + (1 - a) * size, a * waited + (1 - a) * interval
            chance = a + (1 - a) * chance
        elif size is not None:
            chance *= 1 - a
        waited = 1 if value > 0 else waited + 1
    if size is None:
        return NAN
    return {"croston": size / interval, "sba": (1 - a / 2) * size / interval, "tsb": chance * size}[method]


@given(tables, st.sampled_from(list(DemandMethod)), st.sampled_from([0.05, 0.1, 0.3, 1.0]))
@settings(max_examples=500, deadline=None)
def test_classes_and_rates_equal_one_series_after_the_other(table, method, weight):
    found = demand(table)
    ends = list(range(1, len(table[0]) + 1))
    rates = demand_rates(table, method=method, ends=ends, smoothing=weight)

    slow = [slow_demand(row) for row in table]
    assert found.mean_interval == pytest.approx([row[0] for row in slow], nan_ok=True)
    assert found.size_variation == pytest.approx([row[1] for row in slow], abs=1e-9, nan_ok=True)
    assert found.pattern.tolist() == [row[2] for row in slow]
    for place, end in enumerate(ends):
        assert rates[place] == pytest.approx([slow_rate(row[:end], method, weight) for row in table], nan_ok=True)


@given(st.lists(months, min_size=1, max_size=30), st.floats(0.01, 1), st.integers(1, 1000))
@settings(max_examples=500, deadline=None)
def test_rates_scale_with_the_currency_and_stay_between_nothing_and_the_largest_month(series, weight, factor):
    for method in DemandMethod:
        rate = demand_rates([series], method=method, ends=[len(series)], smoothing=weight)[0, 0]
        larger = demand_rates([np.array(series) * factor], method=method, ends=[len(series)], smoothing=weight)[0, 0]
        assert np.isnan(rate) == (max(series) == 0)
        if max(series) > 0:
            assert 0 <= rate <= max(series) * (1 + 1e-12)
            assert larger == pytest.approx(rate * factor, rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"smoothing": 0},
        {"smoothing": 1.1},
        {"smoothing": NAN},
        {"ends": []},
        {"ends": [0]},
        {"ends": [4]},
        {"ends": [2, 1]},
    ],
    ids=["smoothing-0", "smoothing-above-1", "smoothing-nan", "no-end", "end-0", "end-beyond", "ends-descend"],
)
def test_rates_outside_their_domain_are_refused(changes):
    with pytest.raises(FormulaError):
        demand_rates([[1, 0, 2]], **{"method": DemandMethod.TSB, "ends": [3], **changes})


@pytest.mark.parametrize("table", [[1, 0, 2], [[1, NAN]], [[1, float("inf")]]], ids=["one-row", "nan", "infinite"])
def test_demand_of_a_gap_is_refused(table):
    with pytest.raises(FormulaError):
        demand(table)
    with pytest.raises(FormulaError):
        demand_rates(table, method=DemandMethod.SBA, ends=[1])
