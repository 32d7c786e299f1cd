"""Do the points find declines? Values by hand, every way to break a tie, calibration over two slices, refusals."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.decline_evaluation import (
    Band,
    RankQuality,
    calibration,
    decline_outcome,
    evaluate_decline,
    rank_quality,
)

NAN = float("nan")
judged = st.lists(
    st.tuples(st.one_of(st.just(NAN), st.integers(0, 3).map(float)), st.sampled_from([0.0, 1.0, 1.0, NAN])), max_size=9
)


def test_quality_gives_the_hand_values():
    found = rank_quality([9, 8, 7, 6, 5, NAN], [1, 0, 1, 0, 0, 1], top=3)

    assert found == RankQuality(3, 2, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(4 / 3))


def test_level_accounts_at_the_end_of_the_list_count_with_their_chance():
    found = rank_quality([9, 5, 5, 5, 1], [1, 1, 0, 0, 1], top=2)

    assert found.hits == pytest.approx(1 + 1 / 3)


def test_list_longer_than_the_accounts_holds_them_all():
    found = rank_quality([2, 1], [1, 0])

    assert found == RankQuality(2, 1, 0.5, 1, 1)


@pytest.mark.parametrize(
    ("score", "outcome", "expected"),
    [([], [], [0, 0, NAN, NAN, NAN]), ([1, 2], [0, 0], [1, 0, 0, NAN, NAN]), ([1], [NAN], [0, 0, NAN, NAN, NAN])],
    ids=["no-account", "no-decline", "no-outcome"],
)
def test_quality_without_a_denominator_is_undefined_not_zero(score, outcome, expected):
    found = rank_quality(score, outcome, top=1)

    values = [found.listed, found.hits, found.precision, found.recall, found.lift]
    assert values == pytest.approx(expected, nan_ok=True)


@given(judged, st.integers(0, 6))
@settings(max_examples=500, deadline=None)
def test_quality_equals_the_mean_over_every_way_to_break_ties(rows, top):
    found = rank_quality([s for s, _ in rows], [y for _, y in rows], top=top)

    known = [(-1.0 if np.isnan(s) else s, y) for s, y in rows if not np.isnan(y)]
    listed, declines = min(top, len(known)), sum(y for _, y in known)
    assert found.listed == listed
    if listed:
        limit = sorted((s for s, _ in known), reverse=True)[listed - 1]
        sure = [y for s, y in known if s > limit]
        ways = [sum(w) for w in combinations([y for s, y in known if s == limit], listed - len(sure))]
        assert found.hits == pytest.approx(sum(sure) + sum(ways) / len(ways))
        assert found.precision == pytest.approx(found.hits / listed)
        assert 0 <= found.precision <= 1
        if declines:
            assert found.recall == pytest.approx(found.hits / declines)
            assert found.lift == pytest.approx(found.precision / (declines / len(known)))


def test_points_are_judged_against_the_late_rhythm_on_lists_of_one_length():
    points = [90, 80, 70, 10, 10, 10]
    rhythm = [2.5, 1, NAN, 2 - 1e-12, 3, 0.5]
    outcome = [1, 1, 0, 0, 0, NAN]

    found = evaluate_decline(points, rhythm, outcome, top=2)

    assert (found.accounts, found.declines) == (5, 2)
    assert found.points == RankQuality(2, 2, 1, 1, 2.5)
    assert found.baseline == RankQuality(2, 1, 0.5, 0.5, 1.25)  # rhythms 3 and 2.5
    assert found.flagged.listed == found.points_as_many.listed == 3  # with the one at 2 but for float noise
    assert found.flagged.recall == pytest.approx(0.5)
    assert found.points_as_many.recall == pytest.approx(1)
    assert found.is_better


@given(judged, st.integers(1, 6))
@settings(max_examples=500, deadline=None)
def test_points_that_are_the_rhythm_are_no_better_than_the_baseline_of_late_ones(rows, top):
    rhythm = [s for s, _ in rows]
    late = [s if s >= 2 else 0.0 for s in rhythm]

    found = evaluate_decline(late, rhythm, [y for _, y in rows], top=top)

    assert not found.is_better
    assert found.points.hits == pytest.approx(found.baseline.hits)


@pytest.mark.parametrize(
    ("base", "comparison", "outcome"),
    [(100, 50, 1), (100, 50.01, 0), (100, -20, 1), (0, 0, NAN), (-5, 10, NAN), (0.3, 0.15, 1)],
)
def test_account_declined_when_half_of_its_revenue_is_gone(base, comparison, outcome):
    assert decline_outcome([base], [comparison]) == pytest.approx([outcome], nan_ok=True)


def test_calibration_gives_the_hand_values():
    found = calibration([0, 0, 0, 0, 1, 1], [1, 0, 0, 0, 1, 1], [0, 0, 1, 1, 2], [0, 1, 1, 0, 1])

    assert found.bands == {0: Band(2, 0.25, 0.5), 1: Band(2, 1, 0.5), 2: Band(1, pytest.approx(NAN, nan_ok=True), 1)}
    assert found.accounts == 4
    assert found.error == pytest.approx((2 * 0.25 + 2 * 0.5) / 4)
    assert found.brier == pytest.approx((0.25**2 + 0.75**2 + 0 + 1) / 4)


slices = st.lists(st.tuples(st.integers(-1, 3), st.sampled_from([0.0, 1.0, NAN])), max_size=25)


@given(slices, slices)
@settings(max_examples=500, deadline=None)
def test_calibration_equals_counting_by_hand(earlier, later):
    found = calibration([b for b, _ in earlier], [y for _, y in earlier], [b for b, _ in later], [y for _, y in later])

    shares = {}
    for band in range(-1, 4):
        outcomes = [y for b, y in earlier if b == band and y == y]
        if outcomes:
            shares[band] = sum(outcomes) / len(outcomes)
    pairs = [(shares[b], y, b) for b, y in later if b in shares and y == y]
    assert found.accounts == len(pairs)
    brier = sum((p - y) ** 2 for p, y, _ in pairs) / len(pairs) if pairs else NAN
    assert found.brier == pytest.approx(brier, nan_ok=True)
    apart = 0.0
    for band, share in shares.items():
        outcomes = [y for _, y, b in pairs if b == band]
        apart += abs(share * len(outcomes) - sum(outcomes))
    assert found.error == pytest.approx(apart / len(pairs) if pairs else NAN, nan_ok=True, abs=1e-12)


def test_calibration_of_a_slice_with_itself_is_exact():
    band, outcome = [0, 0, 1, 1, 1], [0, 1, 1, 1, 0]

    assert calibration(band, outcome, band, outcome).error == pytest.approx(0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rank_quality([1], [0.5]),
        lambda: rank_quality([1, 2], [1]),
        lambda: rank_quality(1.0, 1.0),
        lambda: rank_quality([1], [1], top=-1),
        lambda: evaluate_decline([1], [1, 2], [1]),
        lambda: decline_outcome([NAN], [1]),
        lambda: decline_outcome([1], [1, 2]),
        lambda: decline_outcome([1], [1], share=0),
        lambda: decline_outcome([1], [1], share=1.1),
        lambda: calibration([0.5], [1], [0], [1]),
        lambda: calibration([NAN], [1], [0], [1]),
        lambda: calibration([0], [2], [0], [1]),
        lambda: calibration([0], [1], [0, 1], [1]),
    ],
    ids=["outcome", "lengths", "no-list", "top", "evaluation-lengths", "amount-nan", "amount-lengths", "share-0",
         "share-above", "half-a-band", "band-nan", "calibration-outcome", "calibration-lengths"],
)  # fmt: skip
def test_evaluation_outside_its_domain_is_refused(call):
    with pytest.raises(FormulaError):
        call()
