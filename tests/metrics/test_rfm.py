"""RFM scores, segments and value bands: hand values, a slow version in fractions, a table without gaps."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.rfm import (
    LEVELS,
    SEGMENT_RULES,
    RfmScores,
    RfmSegment,
    SegmentRule,
    percent_rank,
    quantile_scores,
    rfm_scores,
    rfm_segments,
    value_bands,
)

UNKNOWN = np.nan


def scores_of(rows, *, bins=LEVELS):
    recency, frequency, monetary = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return RfmScores(recency, frequency, monetary, bins=bins, accounts=len(rows), is_few=False)


def test_percent_rank_gives_the_worked_example():
    assert percent_rank([10, 20, 20, 40, 1000]).tolist() == [0, 37.5, 37.5, 75, 100]


def test_percent_rank_leaves_missing_values_missing():
    np.testing.assert_array_equal(percent_rank([UNKNOWN, 3, 1]), [UNKNOWN, 100, 0])
    np.testing.assert_array_equal(percent_rank([UNKNOWN, 3]), [UNKNOWN, 50])
    assert percent_rank([]).shape == (0,)


def test_scores_spread_over_the_bins_and_ties_share_one():
    assert quantile_scores(np.arange(10)).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert quantile_scores(np.arange(10), is_lower_better=True).tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert quantile_scores([10, 20, 20, 40, 1000]).tolist() == [1, 2, 2, 4, 5]
    assert quantile_scores([1, 2, 3, 4], bins=2).tolist() == [1, 1, 2, 2]
    assert quantile_scores([7, 7, 7]).tolist() == [3, 3, 3]
    np.testing.assert_array_equal(quantile_scores([UNKNOWN, 4]), [UNKNOWN, 3])


def test_rfm_scores_rank_only_accounts_with_all_three():
    scores = rfm_scores([0, 30, 400, UNKNOWN], [9, 4, 1, 0], [50, UNKNOWN, 10, 9e9], bins=3)

    np.testing.assert_array_equal(scores.recency, [3, UNKNOWN, 1, UNKNOWN])
    np.testing.assert_array_equal(scores.frequency, [3, UNKNOWN, 1, UNKNOWN])
    np.testing.assert_array_equal(scores.monetary, [3, UNKNOWN, 1, UNKNOWN])
    assert (scores.bins, scores.accounts, scores.is_few) == (3, 2, True)


@pytest.mark.parametrize(
    "case",
    [([-1], [1], [1]), ([1], [-1], [1]), ([np.inf], [1], [1]), ([1], [1], [np.inf]), ([1, 2], [1], [1]), (1, 1, 1)],
    ids=["days", "orders", "endless", "infinite", "lengths", "scalars"],
)
def test_rfm_scores_refuse_what_lies_outside_the_domain(case):
    with pytest.raises(FormulaError):
        rfm_scores(*case)


def test_scores_and_rules_refuse_impossible_settings():
    with pytest.raises(FormulaError):
        quantile_scores([1], bins=1)
    for bad in ((0, 3), (2, 6), (4, 3)):
        with pytest.raises(FormulaError):
            rfm_segments(scores_of([(1, 1, 1)]), rules=(SegmentRule(RfmSegment.LOST, recency=bad),))


def test_every_combination_of_levels_has_a_segment_and_every_segment_a_combination():
    combinations = list(product(range(1, LEVELS + 1), repeat=3))

    segments = rfm_segments(scores_of(combinations))

    assert set(segments.tolist()) == {segment.value for segment in RfmSegment}
    assert [rule.segment for rule in SEGMENT_RULES] == list(RfmSegment)


@pytest.mark.parametrize(
    ("levels", "segment"),
    [
        ((5, 5, 5), RfmSegment.CHAMPION),
        ((1, 5, 5), RfmSegment.CANNOT_LOSE),
        ((2, 3, 5), RfmSegment.AT_RISK),
        ((3, 5, 1), RfmSegment.LOYAL),
        ((4, 1, 5), RfmSegment.LARGE_OCCASIONAL),
        ((5, 1, 1), RfmSegment.NEW),
        ((4, 1, 1), RfmSegment.GROWING),
        ((3, 3, 3), RfmSegment.NEEDS_ATTENTION),
        ((3, 2, 2), RfmSegment.ABOUT_TO_SLEEP),
        ((1, 1, 4), RfmSegment.LARGE_ASLEEP),
        ((2, 2, 2), RfmSegment.HIBERNATING),
        ((1, 1, 1), RfmSegment.LOST),
    ],
    ids=lambda value: value.value if isinstance(value, RfmSegment) else "".join(map(str, value)),
)
def test_segment_of_levels(levels, segment):
    assert rfm_segments(scores_of([levels])).tolist() == [segment]


def test_segments_read_other_numbers_of_bins_and_leave_gaps_empty():
    assert rfm_segments(scores_of([(10, 9, 8), (1, 1, 1)], bins=10)).tolist() == ["champion", "lost"]
    assert rfm_segments(scores_of([(3, 3, 3), (1, 1, 1)], bins=3)).tolist() == ["champion", "lost"]
    assert rfm_segments(scores_of([(UNKNOWN, 5, 5)])).tolist() == [""]
    assert rfm_segments(scores_of([(5, 5, 5)]), rules=()).tolist() == [""]
    only = (SegmentRule(RfmSegment.LOST, recency=(1, 1)),)
    assert rfm_segments(scores_of([(5, 5, 5), (1, 5, 5)]), rules=only).tolist() == ["", "lost"]


def test_value_bands_by_rank_with_nothing_of_value_low():
    bands = value_bands([100, 90, 80, 70, 60, 50, 0, -5, UNKNOWN, 10, 20])

    assert bands.tolist() == ["high", "high", "mid", "mid", "mid", "low", "low", "low", "", "low", "low"]
    assert value_bands([0, 0, 0]).tolist() == ["low"] * 3
    assert value_bands([1, 2, 3], high_from=100, mid_from=0).tolist() == ["mid", "mid", "high"]
    for high, mid in ((50, 80), (101, 50), (80, -1), (float("nan"), 50)):
        with pytest.raises(FormulaError):
            value_bands([1], high_from=high, mid_from=mid)


VALUES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-1e9, 1e9), st.just(UNKNOWN)), max_size=25)


@settings(max_examples=500, deadline=None)
@given(VALUES, st.integers(2, 12), st.booleans())
def test_scores_equal_the_slow_version_in_fractions(values, bins, is_lower_better):
    scores = quantile_scores(values, bins=bins, is_lower_better=is_lower_better)

    known = sorted(value for value in values if not np.isnan(value))
    for value, score in zip(values, scores, strict=True):
        if np.isnan(value):
            assert np.isnan(score)
            continue
        below, equal = sum(other < value for other in known), known.count(value)
        rank = Fraction(2 * below + equal + 1, 2)
        share = (rank - 1) / (len(known) - 1) if len(known) > 1 else Fraction(1, 2)
        share = 1 - share if is_lower_better else share
        assert score == min(int(share * bins) + 1, bins)


@settings(max_examples=500, deadline=None)
@given(VALUES, st.integers(2, 12))
def test_scores_rise_with_the_value_and_stay_in_the_bins(values, bins):
    scores = quantile_scores(values, bins=bins)

    pairs = sorted((v, s) for v, s in zip(values, scores, strict=True) if not np.isnan(v))
    assert all(1 <= score <= bins for _, score in pairs)
    assert all(low[1] <= high[1] for low, high in pairwise(pairs))
