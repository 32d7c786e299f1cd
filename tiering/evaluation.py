"""From what was measured to tonight's grades, all accounts at once; nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Kind, as_sql, fetch
from tiering import grading, scoring, stability
from tiering.design import Design
from tiering.facts import Standing, grade_number
from tiering.grading import INPUTS, NOT_GRADED, PROBLEM, RANK, STRATEGIC, Candidates, Flag, Ranks, Rules
from tiering.grouping import Ints
from tiering.measured import Measured
from tiering.models import TierRun
from tiering.querysets import OF_NIGHT, night_values
from tiering.scoring import Bools, Composed, Floats
from tiering.stability import PROBLEM_RANK, STATE, Decisions, State

USING = "default"
GRADES = grading.GRADE_CODES
RANK_OF_NUMBER = np.array([RANK.get(code, 0) for code in GRADES], dtype=np.int8)
NUMBER_OF_RANK = np.array(
    [GRADES.index({0: NOT_GRADED, PROBLEM_RANK: PROBLEM}.get(rank) or grading.LADDER[rank]) for rank in range(7)]
)


@dataclass(frozen=True, slots=True)
class Before:
    """What the night starts from, aligned with the accounts: the state, the shown grade as its number in GRADES (0
    none), what managers said since, and the grades that people set for the day (rank, 0 none)."""

    state: State
    shown: Ints
    decisions: Decisions
    overrides: Ranks

    @classmethod
    def plain(cls, ladder: Ranks, shown: Ints) -> Before:
        """Grades alone: no run, no problem, nothing said."""
        count = len(ladder)
        state = replace(State.none(count), ladder=ladder)
        return cls(state, shown, Decisions.none(count), np.zeros(count, dtype=np.int8))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One result row an account, ascending by id.

    raw : (n, m) in the order of ``raw_layout``, then STATE; contributions : (n, k); NaN is not known
    shown, ladder, before : number in GRADES, 0 none
    """

    ids: Ints
    shown: Ints
    ladder: Ints
    before: Ints
    composite: Floats
    evidence: Floats
    flags: Ints
    raw: Floats
    contributions: Floats
    last_record_id: int | None
    standing: Standing | None
    state: State

    @property
    def underlying(self) -> Ints:
        """Number of the grade beneath a problem, 0 where the shown grade is the ladder's own."""
        return np.where(self.shown == GRADES.index(PROBLEM), self.ladder, 0)

    def counts(self) -> dict[str, int]:
        """Accounts per grade code, every code present."""
        found = np.bincount(self.shown, minlength=len(GRADES))
        return {code: int(found[number]) for number, code in enumerate(GRADES) if code}

    def matrix(self) -> list[tuple[str, str, int]]:
        """(grade before, grade now, accounts) of those that moved, largest first."""
        moved = (self.before > 0) & (self.before != self.shown)
        pairs = np.bincount(self.before[moved] * len(GRADES) + self.shown[moved], minlength=len(GRADES) ** 2)
        found = [
            (GRADES[pair // len(GRADES)], GRADES[pair % len(GRADES)], int(pairs[pair]))
            for pair in np.flatnonzero(pairs).tolist()
        ]
        return sorted(found, key=lambda row: (-row[2], row[0], row[1]))


def raw_layout(design: Design) -> list[str]:
    """Codes of the stored raw values: indicators in the model's order, then the inputs of the conditions."""
    return [*design.scheme().codes, *INPUTS]


def state_before(run: TierRun | None, *, ids: Ints, model_id: int) -> Before:
    """Grades, runs and problems that ``run`` left, one query; nothing without such a run.

    model_id : the version that grades tonight; another one than the run's starts without runs (domain.md 3.8)
    """
    shown = np.zeros(len(ids), dtype=np.int64)
    before = Before.plain(np.zeros(len(ids), dtype=np.int8), shown)
    if run is None or run.model is None:
        return before
    first = len(run.model.raw_layout) + 1
    columns: dict[str, Kind] = {"account_id": "int8", "ladder": "int4", "shown": "int4", "flags": "int8"}
    columns |= dict.fromkeys(STATE, "float8")
    picked = {
        "account_id": "account_id", "ladder": grade_number("ladder"), "shown": grade_number("grade"), "flags": "flags",
        **{name: f"raw[{first + place}]" for place, name in enumerate(STATE)},
    }  # fmt: skip
    sql = ", ".join(as_sql(picked[name], kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {sql} FROM tiering_score WHERE {OF_NIGHT}", night_values(run), columns, using=USING)
    places = np.searchsorted(ids, rows["account_id"])
    there = np.flatnonzero(places < len(ids))
    there = there[ids[places[there]] == rows["account_id"][there]]  # an account may be gone since
    shown[places[there]] = rows["shown"][there]
    state = _state(rows, there=there, places=places[there], count=len(ids))
    return replace(before, state=state if run.model_id == model_id else state.without_runs(), shown=shown)


def _state(rows: dict[str, NDArray[Any]], *, there: Ints, places: Ints, count: int) -> State:
    """Stored rows as the state of ``count`` accounts; accounts without a row have none."""
    none, flags = State.none(count), rows["flags"][there]

    def put(into: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
        found = into.copy()
        found[places] = values
        return found

    is_shown = (rows["shown"][there] == GRADES.index(PROBLEM)) & ((flags & Flag.OVERRIDDEN) == 0)
    return State(
        ladder=put(none.ladder, RANK_OF_NUMBER[rows["ladder"][there]]),
        run_since=put(none.run_since, rows["run_since"][there]),
        run_support=put(none.run_support, np.nan_to_num(rows["run_support"][there]).astype(np.int8)),
        graded_on=put(none.graded_on, rows["graded_on"][there]),
        signal_since=put(none.signal_since, rows["signal_since"][there]),
        problem=put(none.problem, is_shown | ((flags & Flag.PROBLEM_ON) != 0)),
        proposed=put(none.proposed, (flags & Flag.PROPOSED) != 0),
        pierced=put(none.pierced, (flags & Flag.PIERCED) != 0),
    )


def score(measured: Measured, *, design: Design) -> Composed:
    """Scores, composite and evidence of every account."""
    return scoring.compose(_raw(measured.indicators, design, len(measured.ids)), scheme=design.scheme())


def grade(
    measured: Measured,
    composed: Composed,
    *,
    design: Design,
    before: Before,
    layout: Sequence[str] = (),
    at_once: bool = False,
) -> Evaluation:
    """Tonight's grade of every account, with everything its explanation needs.

    layout : codes of the raw values to keep, as stored with the version; default all there are
    at_once : every candidate is taken as it is, as if it had held long enough: where the accounts would settle
    """
    rules, day = design.rules(), _day_number(measured.windows.as_of)
    if at_once:
        rules = replace(rules, confirm_up_days=0, confirm_down_days=0)
    inputs = measured.inputs | _score_inputs(composed) | {"composite": composed.composite}
    inputs, stale = _relieved(measured, inputs, design=design, before=before)
    found = grading.candidates(
        inputs,
        evidence=composed.evidence,
        in_business=measured.in_business,
        before=before.state.ladder,
        flags=measured.flags | np.where(stale, int(Flag.STALE), 0),
        rules=rules,
    )
    after = stability.advance(
        before.state,
        candidate=found.candidate,
        in_business=measured.in_business,
        signal_bits=found.flags,
        points=inputs["signal_points"],
        decisions=before.decisions,
        day=day,
        rules=rules,
    )
    known = dict(zip(design.scheme().codes, _raw(measured.indicators, design, len(measured.ids)), strict=True)) | inputs
    raw = [known[name] for name in layout or raw_layout(design)]
    shown = stability.shown_grades(
        after.ladder, problem=after.problem, override=before.overrides, pierced=after.pierced
    )
    return Evaluation(
        ids=measured.ids,
        shown=NUMBER_OF_RANK[shown],
        ladder=_ladder_numbers(after.ladder),
        before=before.shown,
        composite=composed.composite,
        evidence=composed.evidence,
        flags=_flags(measured, found, after, inputs, before=before, day=day, rules=rules),
        raw=np.vstack([*raw, *_state_values(before.state, after, found.candidate)]).T,
        contributions=composed.contributions.T,
        standing=measured.standing,
        last_record_id=measured.last_record_id,
        state=after,
    )


def _day_number(day: date) -> int:
    return int(np.datetime64(day).astype(np.int64))


def _flags(
    measured: Measured,
    found: Candidates,
    after: State,
    inputs: dict[str, Floats],
    *,
    before: Before,
    day: int,
    rules: Rules,
) -> Ints:
    bits = found.flags | found.badges(after.ladder)
    bits |= stability.bits_of(
        after, in_business=measured.in_business, points=inputs["signal_points"], day=day, rules=rules
    )
    is_set = (before.overrides > 0) & ~after.pierced
    return np.asarray(bits | np.where(is_set, int(Flag.OVERRIDDEN), 0), dtype=np.int64)


def _state_values(before: State, after: State, candidate: Ranks) -> list[Floats]:
    """Values of STATE, in its order; held is the ladder rank the night began with, by which thresholds were relaxed."""
    support = np.where(np.isnan(after.run_since), np.nan, after.run_support)
    ranks = [before.ladder.astype(np.float64), candidate.astype(np.float64)]
    return [*ranks, after.run_since, support, after.graded_on, after.signal_since]


def _raw(indicators: dict[str, Floats], design: Design, count: int) -> Floats:
    """Indicators in the model's order, shape (k, n); one that is not measured yet is not known."""
    unknown = np.full(count, np.nan)
    codes = design.scheme().codes
    return np.array([indicators.get(code, unknown) for code in codes]).reshape(len(codes), count)


def _score_inputs(composed: Composed) -> dict[str, Floats]:
    unknown = np.full(len(composed.composite), np.nan)
    scores = composed.dimension_scores
    return {
        "sal": scores.get("SAL", unknown),
        "str": scores.get("STR", unknown),
        "gro": scores.get("GRO", unknown),
        "gro_evidence": composed.dimension_evidence.get("GRO", unknown),
    }


def _relieved(
    measured: Measured, inputs: dict[str, Floats], *, design: Design, before: Before
) -> tuple[dict[str, Floats], Bools]:
    """For accounts that are Strategic or Potential now, their own line still reads what expired lately (3.5).

    A forgotten renewal does not demote at once; what expired counts neither in the composite nor as evidence.
    Returns the inputs and for which accounts they differ.
    """
    stale = np.zeros(len(measured.ids), dtype=bool)
    relieved = dict(inputs)
    indicators = {**measured.indicators, **{k: v for k, v in measured.relief.items() if k in measured.indicators}}
    held = {RANK[STRATEGIC]: ("str", "evaluators"), RANK[grading.POTENTIAL]: ("gro", "gro_evidence", "opportunity")}
    ladder = before.state.ladder
    if not np.isin(ladder, list(held)).any():
        return relieved, stale
    kinder = scoring.compose(_raw(indicators, design, len(measured.ids)), scheme=design.scheme())
    values = inputs | _score_inputs(kinder) | {name: measured.relief[name] for name in ("evaluators", "opportunity")}
    for rank, names in held.items():
        holds = ladder == rank
        for name in names:
            differs = holds & ~((values[name] == inputs[name]) | (np.isnan(values[name]) & np.isnan(inputs[name])))
            relieved[name] = np.where(differs, values[name], relieved[name])
            stale |= differs
    return relieved, stale


def _ladder_numbers(ladder: Ranks) -> NDArray[np.int64]:
    """Ranks 0, 2..6 as numbers in GRADES."""
    table = np.zeros(max(RANK.values()) + 1, dtype=np.int64)
    for code, rank in RANK.items():
        table[rank] = GRADES.index(code)
    return table[ladder]
