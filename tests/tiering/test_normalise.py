"""Scores by place among the others: EX-14, a slow version, edges, refusals."""

import math
from itertools import pairwise
from statistics import quantiles

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from tiering.normalise import (
    is_few,
    log_min_max,
    lower_is_better,
    min_max,
    percent_rank,
    winsorised_min_max,
    z_score,
)
from tiering.presets import full
from tiering.scoring import anchored

EXAMPLE = [10, 20, 20, 40, 1000]
NAN = float("nan")
SCORES = [percent_rank, min_max, winsorised_min_max, z_score, lambda values: log_min_max(values).scores]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (percent_rank, [0, 37.5, 37.5, 75, 100]),
        (min_max, [0, 1.0101, 1.0101, 3.0303, 100]),
        (winsorised_min_max, [0, 1.0050, 1.0050, 3.5176, 100]),
        (SCORES[-1], [0, 14.3349, 14.3349, 29.1669, 100]),
        (z_score, [41.1366, 41.5627, 41.5627, 42.4150, 83.3230]),
    ],
    ids=["percent_rank", "min_max", "winsorised", "log", "z"],
)
def test_example_14_gives_its_scores(score, expected):
    assert score(EXAMPLE) == pytest.approx(expected, abs=5e-5)
    assert lower_is_better(score(EXAMPLE)) == pytest.approx([100 - one for one in expected], abs=5e-5)


def test_example_14_clips_at_its_quantiles():
    assert np.percentile(EXAMPLE, [5, 95]) == pytest.approx([12, 808], rel=1e-12)
    assert winsorised_min_max(EXAMPLE)[1] == pytest.approx(100 * 8 / 796, rel=1e-12)


def test_example_14_by_anchors_of_the_full_preset():
    million = 1_000_000
    anchors = next(spec.anchors for spec in full().scheme().indicators if spec.code == "S1")

    assert anchored(np.array([12.5 * million]), anchors=anchors).tolist() == [62.5]


def test_negative_values_count_as_nothing_in_logs_and_are_flagged():
    found = log_min_max([-5, 0, math.e - 1, NAN])

    assert found.scores == pytest.approx([0, 0, 100, NAN], nan_ok=True)
    assert found.is_negative.tolist() == [True, False, False, False]


@pytest.mark.parametrize("score", SCORES)
def test_one_value_and_equal_values_are_in_the_middle_and_missing_stays_missing(score):
    assert score([7]).tolist() == [50]
    assert score([3, 3, NAN]) == pytest.approx([50, 50, NAN], nan_ok=True)
    assert score([NAN]) == pytest.approx([NAN], nan_ok=True)
    assert score([]).tolist() == []


def test_few_values_are_told():
    assert (is_few([1.0] * 9 + [NAN]), is_few([1.0] * 10)) == (True, False)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("values", [[float("inf"), 1], [[1, 2], [3, 4]]], ids=["infinite", "table"])
def test_what_is_no_column_of_numbers_is_refused(score, values):
    with pytest.raises(FormulaError):
        score(values)


VALUES = st.lists(st.one_of(st.just(NAN), st.integers(-1_000_000, 1_000_000).map(float)), max_size=25)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_scores_lie_in_their_range_and_keep_the_order(values):
    for score in SCORES:
        found = score(values)
        assert np.isnan(found).tolist() == [math.isnan(value) for value in values]
        pairs = sorted((value, one) for value, one in zip(values, found, strict=True) if not math.isnan(value))
        assert all(-1e-9 <= one <= 100 + 1e-9 for _value, one in pairs)
        assert all(low[1] <= high[1] + 1e-9 for low, high in pairwise(pairs))


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_scores_equal_a_slow_version(values):
    known = [value for value in values if not math.isnan(value)]
    if len(set(known)) < 2:
        return
    mean = sum(known) / len(known)
    sigma = math.sqrt(sum((value - mean) ** 2 for value in known) / len(known))
    cuts = quantiles(known, n=20, method="inclusive")
    low, high = cuts[0], cuts[-1]
    for value, plain, clipped, z in zip(
        values, min_max(values), winsorised_min_max(values), z_score(values), strict=True
    ):
        if math.isnan(value):
            continue
        assert plain == pytest.approx(100 * (value - min(known)) / (max(known) - min(known)), abs=1e-9)
        assert z == pytest.approx(50 + 50 / 3 * min(max((value - mean) / sigma, -3), 3), abs=1e-6)
        if high - low > 1e-6:
            assert clipped == pytest.approx(100 * (min(max(value, low), high) - low) / (high - low), abs=1e-6)
