"""Key score, gaps, coverage and threads: worked examples of domain.md 5, an independent slow version, and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.relationships import (
    Gap,
    Thread,
    attitude_points,
    coverage,
    freshness,
    gaps,
    key_score,
    person_score,
    shortfall,
    tells_nobody,
    threads,
)

NAN = math.nan
ATTITUDES = st.one_of(st.just(NAN), st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]))
DAYS = st.one_of(st.just(NAN), st.integers(0, 4000).map(float))
PERSON = st.tuples(st.integers(1, 5), ATTITUDES, DAYS)


def test_freshness_is_whole_within_the_cadence_and_halves_with_every_further_one():
    found = freshness([0, 30, 60, 90, NAN], 30)

    assert found.tolist() == [1.0, 1.0, 0.5, 0.25, 0.0]


def test_attitudes_become_points_from_0_to_100():
    assert attitude_points([-2, -1, 0, 1, 2]).tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]


def test_key_score_of_a_worked_example():
    # A decider of weight 5 who supports us, met within 30 days: 75. A champion of weight 3, last met 60 days ago: s = 100,
    # f = 0.5, so 75. A sceptic of weight 2 nobody has met: 50. (5*75 + 3*75 + 2*50) / 10 = 70.
    score = key_score([5, 3, 2], [1, 2, -1], freshness([10, 60, NAN], 30), place=[0, 0, 0], units=2)

    assert score[0] == pytest.approx(70.0, abs=1e-12)
    assert math.isnan(score[1])


def test_a_person_whose_attitude_is_not_known_counts_as_neutral_however_often_met():
    assert person_score([NAN, NAN], [1.0, 0.0]).tolist() == [50.0, 50.0]


@given(people=st.lists(PERSON, min_size=1, max_size=12), cadence=st.integers(1, 365))
def test_key_score_is_the_slow_sum_lies_in_0_to_100_and_drifts_to_50(people, cadence):
    weight, attitude, days = (list(column) for column in zip(*people, strict=True))
    place = [number % 3 for number in range(len(people))]

    score = key_score(weight, attitude, freshness(days, cadence), place=place, units=3)

    for unit in range(3):
        mine = [one for one, at in zip(people, place, strict=True) if at == unit]
        if not mine:
            assert math.isnan(score[unit])
            continue
        total = points = 0.0
        for w, a, d in mine:
            f = 0.0 if math.isnan(d) else 1.0 if d <= cadence else 0.5 ** ((d - cadence) / cadence)
            s = 50.0 if math.isnan(a) else (a + 2) / 4 * 100
            total, points = total + w, points + w * (50 + (s - 50) * f)
        assert score[unit] == pytest.approx(points / total, abs=1e-9)
        assert 0 <= score[unit] <= 100
    later = key_score(weight, attitude, freshness(np.array(days) + 200 * cadence, cadence), place=place, units=3)
    assert np.all(np.isnan(later) | (np.abs(later - 50) < 1e-6))


@given(attitude=st.sampled_from([-2.0, -1.0, 0.0, 1.0]), weight=st.integers(1, 5), days=st.integers(0, 300))
def test_a_better_attitude_never_lowers_the_score(attitude, weight, days):
    fresh = freshness([days, 10], 30)

    worse = key_score([weight, 3], [attitude, 1], fresh, place=[0, 0], units=1)
    better = key_score([weight, 3], [attitude + 1, 1], fresh, place=[0, 0], units=1)

    assert better[0] >= worse[0]


def test_gaps_of_five_buying_centres():
    # 0: complete; 1: no decider; 2: decider against us and no coach; 3: decider never met; 4: nobody
    found = gaps(
        is_decider=[True, False, False, True, True, False],
        is_coach=[False, True, True, False, False, True],
        attitude=[1, 2, 2, -1, NAN, 2],
        days=[10, 400, 10, 30, NAN, 5],
        cadence=30,
        place=[0, 0, 1, 2, 3, 3],
        units=5,
    )

    assert [Gap(flags) for flags in found.tolist()] == [
        Gap(0), Gap.NO_DECIDER, Gap.NO_COACH | Gap.DECIDER_AGAINST, Gap.DECIDER_SILENT, Gap.NO_MAP,
    ]  # fmt: skip


def test_a_decider_met_on_the_last_day_of_the_cadence_is_in_time():
    found = gaps(is_decider=[True], is_coach=[True], attitude=[0], days=[30], cadence=30, place=[0], units=1)

    assert found.tolist() == [0]


def test_coverage_counts_required_cells_alone():
    required = [[True, True, True, False], [False] * 4]
    covered = [[True, False, True, True], [True] * 4]

    share, both, total = coverage(required, covered)

    assert share[0] == pytest.approx(2 / 3)
    assert math.isnan(share[1])
    assert (both.tolist(), total.tolist()) == ([2, 0], [3, 0])


def test_threads_by_people_on_both_sides():
    found = threads([0, 1, 1, 2, 3], [0, 1, 4, 1, 2])

    assert [Thread(one) for one in found.tolist()] == [
        Thread.SILENT, Thread.ONE_CONTACT, Thread.ONE_CONTACT, Thread.ONE_OF_OURS, Thread.SPREAD,
    ]  # fmt: skip


def test_shortfall_is_never_below_0_and_unknown_where_nothing_is_asked():
    assert shortfall([70, 80, NAN, 40], [75, 75, 75, NAN]).tolist()[:2] == [5.0, 0.0]
    assert np.isnan(shortfall([NAN, 40], [75, NAN])).all()


@pytest.mark.parametrize(
    "refused",
    [
        lambda: freshness([1], 0),
        lambda: freshness([-1], 30),
        lambda: freshness([1], NAN),
        lambda: attitude_points([3]),
        lambda: key_score([0], [1], [1], place=[0], units=1),
        lambda: key_score([6], [1], [1], place=[0], units=1),
        lambda: key_score([NAN], [1], [1], place=[0], units=1),
        lambda: coverage([[True]], [[True, False]]),
        lambda: threads([-1], [0]),
    ],
)
def test_what_lies_outside_is_refused(refused):
    with pytest.raises(FormulaError):
        refused()


def told(*people, part_unit=(0,), units=1):
    """people: (attitude, freshness, person, part)."""
    attitude, fresh, person, part = zip(*people, strict=True) if people else ((), (), (), ())
    whole = np.array(person, dtype=np.int64), np.array(part, dtype=np.int64)
    found = tells_nobody(
        attitude, fresh, person=whole[0], part=whole[1], part_unit=np.array(part_unit, dtype=np.int64), units=units
    )
    return found.tolist()


THREE = ((1, 1.0, 1, 0), (-2, 0.5, 2, 0), (0, 0.7, 3, 0))


@pytest.mark.parametrize(
    ("people", "is_told"),
    [
        ((), False),
        (THREE, True),
        (THREE[:2], False),
        ((*THREE[:2], THREE[0]), False),  # the same person twice
        ((*THREE[:2], (NAN, 1.0, 3, 0)), False),  # nothing is noted of the third
        ((*THREE[:2], (1, 0.49, 3, 0)), False),  # of whom too little is still known
        ((*THREE, (NAN, 0.0, 4, 0), (1, 0.1, 5, 0)), True),
    ],
)
def test_a_score_is_told_where_three_people_count_into_it(people, is_told):
    assert told(*people) == [is_told]


def test_no_score_is_told_beside_which_that_of_one_person_is_left_over():
    beside = (*THREE, (1, 1.0, 9, 1))

    assert told(*beside, part_unit=[0, 1], units=2) == [True, False]
    assert told(*beside, part_unit=[0, 0]) == [False]
    assert told(*THREE, (1, 0.1, 9, 1), part_unit=[0, 0]) == [False]
    assert told(*THREE, (NAN, 1.0, 9, 1), part_unit=[0, 0]) == [True]
