"""What one night may do to a grade: runs of candidates, the problem state, first grades (domain.md 3.7, 3.8).

Pure and vectorised over accounts: arrays have shape (n,). Days travel as numbers since 1970-01-01. A run is one signed
number: the day it began, positive where it leads up (for warning points: towards Problem), negative where it leads down
(out of it), NaN where there is none; no run begins on day 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiering.grading import GOLD, GRADE_CODES, PROBLEM, RANK, Flag, Ranks, Rules
from tiering.scoring import Bools, Floats
from tiering.signals import HARD_SIGNALS, WATCH_POINTS

CALM_POINTS = 2  # a problem ends after a span of nights with no more than these (domain.md 3.7)
PIERCING = Flag.H3_CREDIT_OR_LITIGATION | Flag.H4_INSOLVENT  # overrule an override (domain.md 3.8)
# What a score row keeps of the state, after the raw values of its model's layout.
STATE = ("held", "candidate", "run_since", "run_support", "graded_on", "signal_since")
STATE_FLAGS = (
    Flag.PROBLEM_ON | Flag.PROPOSED | Flag.PIERCED | Flag.PROVISIONAL | Flag.BUFFERED | Flag.WAITING | Flag.OVERRIDDEN
)
PROBLEM_RANK = 1  # of a shown grade; below every ladder grade, as in accounts.enums.GRADE_RANK
# Of the stored grades by their number in GRADE_CODES: the rank of what is shown, 0 for none.
SHOWN_RANKS = np.array([{PROBLEM: PROBLEM_RANK}.get(code) or RANK.get(code, 0) for code in GRADE_CODES], dtype=np.int8)


@dataclass(frozen=True, slots=True)
class State:
    """Where n accounts stand between two nights.

    ladder : rank in force, 0 none
    run_since, run_support : the run of candidates on one side of the ladder grade, and the smallest move all of it backs
    graded_on : day of the first grade, NaN without one
    signal_since : the run of nights with WATCH_POINTS or more (positive), or with CALM_POINTS or fewer while a problem
    is on (negative)
    problem, proposed, pierced : see the flags of the same name
    """

    ladder: Ranks
    run_since: Floats
    run_support: Ranks
    graded_on: Floats
    signal_since: Floats
    problem: Bools
    proposed: Bools
    pierced: Bools

    @classmethod
    def none(cls, count: int) -> State:
        """Before the first night."""
        nan, off = np.full(count, np.nan), np.zeros(count, dtype=bool)
        zero = np.zeros(count, dtype=np.int8)
        return cls(zero, nan, zero, nan, nan, off, off, off)

    def without_runs(self) -> State:
        """The same grades with every run dropped: what another version of the model starts from."""
        nan = np.full(len(self.ladder), np.nan)
        return State(
            self.ladder, nan, np.zeros_like(self.run_support), self.graded_on, nan, self.problem,
            np.zeros_like(self.proposed), self.pierced,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decisions:
    """What managers said of proposed problems: the day number of the run of warning points each decision is about, NaN
    where there is none."""

    confirmed: Floats
    refused: Floats

    @classmethod
    def none(cls, count: int) -> Decisions:
        return cls(np.full(count, np.nan), np.full(count, np.nan))


def advance(
    before: State,
    *,
    candidate: Ranks,
    in_business: Bools,
    signal_bits: NDArray[np.int64],
    points: Floats,
    decisions: Decisions,
    day: int,
    rules: Rules,
) -> State:
    """The state after a night of day number ``day``.

    candidate : rank that tonight alone supports, 0 none
    signal_bits : hard signals among them; points : soft points, NaN counts as 0
    """
    ladder, run_since, run_support = _ladder(before, candidate, day=day, rules=rules)
    ladder = np.where(in_business, ladder, 0).astype(np.int8)
    run_since = np.where(in_business, run_since, np.nan)
    graded_on = np.where(ladder == 0, np.nan, np.where(before.ladder == 0, float(day), before.graded_on))
    problem, proposed, signal_since = _problem(
        before, ladder=ladder, signal_bits=signal_bits, points=points, decisions=decisions, day=day, rules=rules
    )
    problem, proposed = problem & in_business, proposed & in_business
    return State(
        ladder=ladder,
        run_since=run_since,
        run_support=np.where(np.isnan(run_since), 0, run_support).astype(np.int8),
        graded_on=graded_on,
        signal_since=np.where(in_business, signal_since, np.nan),
        problem=problem,
        proposed=proposed,
        pierced=problem & (before.pierced | ((signal_bits & PIERCING) != 0)),
    )


def bits_of(state: State, *, in_business: Bools, points: Floats, day: int, rules: Rules) -> NDArray[np.int64]:
    """The state as flags of a score row."""
    is_young = (state.ladder > 0) & (day - state.graded_on < rules.confirm_down_days)
    on = {
        Flag.PROBLEM_ON: state.problem,
        Flag.PROPOSED: state.proposed,
        Flag.PIERCED: state.pierced,
        Flag.PROVISIONAL: is_young,
        Flag.WAITING: ~np.isnan(state.run_since),
        Flag.WATCH: in_business & ~state.problem & (points >= WATCH_POINTS),
    }
    bits = np.zeros(len(state.ladder), dtype=np.int64)
    for flag, holds in on.items():
        bits |= np.where(holds, int(flag), 0)
    return bits


def _ladder(before: State, candidate: Ranks, *, day: int, rules: Rules) -> tuple[Ranks, Floats, Ranks]:
    """(ladder, run_since, run_support) after tonight: a move needs a run that spans the days, and goes no further than
    all of the run support; after a move the next run can begin the next night."""
    side = np.sign(candidate.astype(np.int64) - before.ladder)
    goes_on = (side != 0) & (np.sign(np.nan_to_num(before.run_since)) == side)
    since = np.where(goes_on, np.abs(before.run_since), float(day))
    support = np.where(
        goes_on,
        np.where(side > 0, np.minimum(before.run_support, candidate), np.maximum(before.run_support, candidate)),
        candidate,
    )
    span = np.where(side > 0, rules.confirm_up_days, rules.confirm_down_days)
    moves = (side != 0) & (day - since >= span)
    is_first = before.ladder == 0
    ladder = np.where(is_first, candidate, np.where(moves, support, before.ladder)).astype(np.int8)
    is_running = (side != 0) & ~moves & ~is_first
    return ladder, np.where(is_running, side * since, np.nan), support.astype(np.int8)


def _problem(
    before: State,
    *,
    ladder: Ranks,
    signal_bits: NDArray[np.int64],
    points: Floats,
    decisions: Decisions,
    day: int,
    rules: Rules,
) -> tuple[Bools, Bools, Floats]:
    """(problem, proposed, signal_since) after tonight."""
    hard = (signal_bits & HARD_SIGNALS) != 0
    known = np.nan_to_num(points)
    alarmed = ~before.problem & ~hard & (known >= WATCH_POINTS)
    calm = before.problem & ~hard & (known <= CALM_POINTS)
    side = np.where(alarmed, 1, np.where(calm, -1, 0))
    goes_on = (side != 0) & (np.sign(np.nan_to_num(before.signal_since)) == side)
    is_refused = goes_on & alarmed & (decisions.refused == before.signal_since)
    since = np.where(goes_on & ~is_refused, np.abs(before.signal_since), float(day))
    spans = (side != 0) & (day - since >= rules.confirm_problem_days)
    needs_manager = ladder >= RANK[GOLD]
    is_confirmed = goes_on & alarmed & (decisions.confirmed == before.signal_since)
    begins = alarmed & spans & (~needs_manager | is_confirmed)
    problem = hard | begins | (before.problem & ~(calm & spans))
    proposed = alarmed & spans & needs_manager & ~is_confirmed
    is_running = (side != 0) & ~begins & ~(calm & spans)
    return problem, proposed, np.where(is_running, side * since, np.nan)


def shown_grades(ladder: Ranks, *, problem: Bools, override: Ranks, pierced: Bools) -> Ranks:
    """Rank people see: an active override unless it is pierced, else Problem, else the ladder's; 0 not graded.

    override : rank of the grade a person set (PROBLEM_RANK for Problem), 0 none
    """
    computed = np.where(problem, PROBLEM_RANK, ladder)
    return np.where((override > 0) & ~pierced, override, computed).astype(np.int8)
