"""Runs, problem states and first grades: the published sequences, and random ones beside a slow version."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiering.slow import LADDER, fresh_state, night_slowly
from tiering import grading, stability
from tiering.grading import RANK, Flag, Rules
from tiering.stability import Decisions, State

FIRST_DAY = 19_000
DAILY = Rules({}, confirm_up_days=1, confirm_down_days=1, confirm_problem_days=1)
USUAL = Rules({})  # 7, 28, 28
COMPOSITES = (49, 51, 49, 51, 52, 48, 51, 47, 44, 46, 43, 42, 51, 53)


def rank(grade):
    return RANK[grade] if grade else 0


def step(state, candidate, *, day, rules=DAILY, hard=0, points=0.0, decision=None, in_business=True):
    """One night of one account."""
    decisions = Decisions.none(1)
    if decision is not None:
        getattr(decisions, {"confirm": "confirmed", "refuse": "refused"}[decision[0]])[0] = decision[1]
    return stability.advance(
        state,
        candidate=np.array([candidate], dtype=np.int8),
        in_business=np.array([in_business]),
        signal_bits=np.array([int(hard)], dtype=np.int64),
        points=np.array([points]),
        decisions=decisions,
        day=day,
        rules=rules,
    )


def ladders(candidates, *, start, rules=DAILY):
    state, found = step(State.none(1), start, day=FIRST_DAY, rules=rules), []
    for number, candidate in enumerate(candidates, start=1):
        state = step(state, candidate, day=FIRST_DAY + number, rules=rules)
        found.append(int(state.ladder[0]))
    return found


def test_example_18_ladder_ranks():
    assert ladders([5, 6, 6, 6, 4, 6, 4, 3, 2, 2], start=2) == [2, 5, 5, 6, 6, 6, 6, 4, 4, 2]


def test_example_18_gold_flaps_less():
    """Enter at 50, stay from 45, two nights running: 3 changes instead of 7."""
    state, found = step(State.none(1), 2, day=FIRST_DAY), []
    for number, composite in enumerate(COMPOSITES, start=1):
        is_gold = composite >= (45 if state.ladder[0] == 5 else 50)
        state = step(state, 5 if is_gold else 2, day=FIRST_DAY + number)
        found.append(int(state.ladder[0] == 5))
    naive = [int(composite >= 50) for composite in COMPOSITES]

    def changes(marks):
        return sum(a != b for a, b in zip([0, *marks], marks, strict=False))

    assert "".join(map(str, naive)) == "01011010000011"
    assert "".join(map(str, found)) == "00001111111001"
    assert (changes(naive), changes(found)) == (7, 3)


def test_a_move_waits_for_its_days_and_goes_no_further_than_all_of_the_run():
    up = ladders([6, 5, 6, 6, 6, 6, 6, 6], start=2, rules=USUAL)
    down = ladders([2] * 28, start=5, rules=USUAL)

    assert up == [2] * 7 + [5]
    assert down == [5] * 28
    assert ladders([2] * 29, start=5, rules=USUAL)[-1] == 2


def test_a_missed_night_does_not_break_a_run_but_an_equal_candidate_does():
    state = step(State.none(1), 2, day=FIRST_DAY, rules=USUAL)
    state = step(state, 5, day=FIRST_DAY + 1, rules=USUAL)
    assert step(state, 5, day=FIRST_DAY + 8, rules=USUAL).ladder.tolist() == [5]

    broken = step(step(state, 2, day=FIRST_DAY + 5, rules=USUAL), 5, day=FIRST_DAY + 8, rules=USUAL)
    assert (broken.ladder.tolist(), broken.run_since.tolist()) == ([2], [FIRST_DAY + 8])


def test_the_first_grade_is_set_at_once_and_stays_provisional_for_a_span():
    state = step(State.none(1), 5, day=FIRST_DAY, rules=USUAL)

    def is_provisional(day):
        bits = stability.bits_of(state, in_business=np.array([True]), points=np.zeros(1), day=day, rules=USUAL)
        return bool(bits[0] & Flag.PROVISIONAL)

    assert state.ladder.tolist() == [5]
    assert [is_provisional(FIRST_DAY + days) for days in (0, 27, 28)] == [True, True, False]


def test_line_zero_acts_the_same_night_both_ways():
    state = step(State.none(1), 5, day=FIRST_DAY, rules=USUAL)
    gone = step(state, 0, day=FIRST_DAY + 1, rules=USUAL, in_business=False)
    back = step(gone, 3, day=FIRST_DAY + 2, rules=USUAL)

    assert (gone.ladder.tolist(), back.ladder.tolist(), back.graded_on.tolist()) == ([0], [3], [FIRST_DAY + 2])


def test_another_version_of_the_model_drops_runs_but_no_grade():
    state = step(step(State.none(1), 2, day=FIRST_DAY, rules=USUAL), 5, day=FIRST_DAY + 1, rules=USUAL)

    fresh = state.without_runs()

    assert (fresh.ladder.tolist(), np.isnan(fresh.run_since).tolist()) == ([2], [True])
    assert step(fresh, 5, day=FIRST_DAY + 8, rules=USUAL).ladder.tolist() == [2]


# --- Problem states ---


def test_example_17_a7_a_hard_signal_acts_the_same_night():
    state = step(State.none(1), 6, day=FIRST_DAY, rules=USUAL, hard=Flag.H2_LOSS)

    assert (state.problem.tolist(), state.ladder.tolist()) == ([True], [6])  # Problem, underlying Diamond


def test_example_17_a9_soft_points_wait_for_their_span_and_for_a_manager():
    """First night Gold and watch; held 30 days and confirmed: Problem, underlying Gold."""
    state = step(State.none(1), 5, day=FIRST_DAY, rules=USUAL, points=4)
    bits = stability.bits_of(state, in_business=np.array([True]), points=np.array([4.0]), day=FIRST_DAY, rules=USUAL)
    assert (state.problem.tolist(), state.proposed.tolist(), bool(bits[0] & Flag.WATCH)) == ([False], [False], True)

    state = step(state, 5, day=FIRST_DAY + 28, rules=USUAL, points=4)
    assert (state.problem.tolist(), state.proposed.tolist()) == ([False], [True])

    confirmed = step(state, 5, day=FIRST_DAY + 30, rules=USUAL, points=4, decision=("confirm", FIRST_DAY))
    assert (confirmed.problem.tolist(), confirmed.proposed.tolist(), confirmed.ladder.tolist()) == (
        [True],
        [False],
        [5],
    )


def test_a_refused_proposal_starts_its_span_anew_and_falling_points_end_it():
    state = step(State.none(1), 5, day=FIRST_DAY, rules=USUAL, points=4)
    state = step(state, 5, day=FIRST_DAY + 28, rules=USUAL, points=4)

    refused = step(state, 5, day=FIRST_DAY + 30, rules=USUAL, points=4, decision=("refuse", FIRST_DAY))
    lapsed = step(state, 5, day=FIRST_DAY + 30, rules=USUAL, points=3)

    assert (refused.proposed.tolist(), refused.signal_since.tolist()) == ([False], [FIRST_DAY + 30])
    assert step(refused, 5, day=FIRST_DAY + 57, rules=USUAL, points=4).proposed.tolist() == [False]
    assert step(refused, 5, day=FIRST_DAY + 58, rules=USUAL, points=4).proposed.tolist() == [True]
    assert (lapsed.proposed.tolist(), math.isnan(lapsed.signal_since[0])) == ([False], True)


def test_below_gold_no_manager_is_asked():
    state = step(State.none(1), 2, day=FIRST_DAY, rules=USUAL, points=4)

    assert step(state, 2, day=FIRST_DAY + 28, rules=USUAL, points=5).problem.tolist() == [True]


def test_a_problem_ends_after_a_calm_span_only():
    state = step(State.none(1), 2, day=FIRST_DAY, rules=USUAL, hard=Flag.H4_INSOLVENT)
    assert state.pierced.tolist() == [True]

    state = step(state, 2, day=FIRST_DAY + 1, rules=USUAL, points=2)
    uneasy = step(state, 2, day=FIRST_DAY + 10, rules=USUAL, points=3)
    calm = step(state, 2, day=FIRST_DAY + 29, rules=USUAL, points=0)

    assert (calm.problem.tolist(), calm.pierced.tolist()) == ([False], [False])
    assert step(uneasy, 2, day=FIRST_DAY + 29, rules=USUAL).problem.tolist() == [True]


def test_an_override_stands_unless_insolvency_or_a_credit_stop_pierces_it():
    ladder, override = np.array([2, 2, 2], dtype=np.int8), np.array([5, 5, 0], dtype=np.int8)
    problem, pierced = np.array([True, True, True]), np.array([False, True, False])

    shown = stability.shown_grades(ladder, problem=problem, override=override, pierced=pierced)

    assert shown.tolist() == [5, stability.PROBLEM_RANK, stability.PROBLEM_RANK]


nights = st.lists(
    st.fixed_dictionaries(
        {
            "gap": st.sampled_from([1, 1, 1, 2, 5, 30]),
            "candidate": st.sampled_from([*LADDER, "gold", "general"]),
            "in_business": st.sampled_from([True] * 15 + [False]),
            "hard": st.sampled_from([0] * 10 + [Flag.H2_LOSS, Flag.H4_INSOLVENT]),
            "points": st.sampled_from([0.0, 2.0, 3.0, 4.0, 4.0, 4.0, 6.0]),
            "says": st.sampled_from([None, None, "confirm", "refuse"]),
        }
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=500, deadline=None)
@given(nights, st.tuples(*[st.sampled_from([1, 3, 7, 28])] * 3))
def test_sequences_of_nights_equal_the_slow_version(sequence, spans):
    rules = Rules({}, confirm_up_days=spans[0], confirm_down_days=spans[1], confirm_problem_days=spans[2])
    state, slow, day = State.none(1), fresh_state(), FIRST_DAY
    for night in sequence:
        day += night["gap"]
        decision = (night["says"], slow["alarm"][0]) if night["says"] and slow["alarm"] else None
        candidate = rank(night["candidate"]) if night["in_business"] else 0

        state = step(
            state, candidate, day=day, rules=rules, hard=night["hard"], points=night["points"], decision=decision,
            in_business=night["in_business"],
        )  # fmt: skip
        shown = night_slowly(
            slow, candidate=night["candidate"], in_business=night["in_business"], hard=bool(night["hard"]),
            piercing=bool(night["hard"] & stability.PIERCING), points=night["points"], day=day, spans=spans,
            decision=decision,
        )  # fmt: skip

        assert grading.LADDER[int(state.ladder[0])] == (slow["ladder"] or "")
        assert (bool(state.problem[0]), bool(state.proposed[0]), bool(state.pierced[0])) == (
            slow["problem"], slow["proposed"], slow["pierced"],
        )  # fmt: skip
        assert (shown == "problem") == bool(state.problem[0])


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(2, 6), min_size=2, max_size=40), st.integers(1, 10), st.integers(1, 10))
def test_a_grade_never_moves_on_a_single_evaluation(candidates, up, down):
    rules = Rules({}, confirm_up_days=up, confirm_down_days=down)
    found = [candidates[0], *ladders(candidates[1:], start=candidates[0], rules=rules)]

    for night in range(1, len(found)):
        if found[night] != found[night - 1]:
            span = up if found[night] > found[night - 1] else down
            run = candidates[max(0, night - span) : night + 1]
            assert len(run) > span
            assert all((one > found[night - 1]) == (found[night] > found[night - 1]) for one in run)


@pytest.mark.parametrize("start", [2, 5])
def test_constant_candidates_move_a_grade_once_at_most(start):
    for candidate in range(2, 7):
        found = ladders([candidate] * 80, start=start, rules=USUAL)
        assert len({start, *found}) <= 2
