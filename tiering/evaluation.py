"""From what was measured to tonight's grades, all accounts at once; nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Kind, as_sql, fetch
from tiering import grading, scoring
from tiering.design import Design
from tiering.facts import Standing, grade_number
from tiering.grading import INPUTS, NOT_GRADED, PROBLEM, RANK, STRATEGIC, Flag, Ranks
from tiering.grouping import Ints
from tiering.indicators import Measured
from tiering.scoring import Bools, Composed, Floats

USING = "default"
GRADES = grading.GRADE_CODES
RANK_OF_NUMBER = np.array([RANK.get(code, 0) for code in GRADES], dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Before:
    """The state the night starts from, aligned with the accounts: ladder rank and number in GRADES, 0 none."""

    ladder: Ranks
    shown: Ints


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One result row an account, ascending by id.

    raw : (n, m) in the order of ``raw_layout``; contributions : (n, k); NaN is not known
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


def state_before(run_id: int | None, *, ids: Ints) -> Before:
    """Grades that the run before left, one query; all none without such a run."""
    ladder, shown = np.zeros(len(ids), dtype=np.int8), np.zeros(len(ids), dtype=np.int64)
    if run_id is None:
        return Before(ladder, shown)
    columns: dict[str, Kind] = {"account_id": "int8", "ladder": "int4", "shown": "int4"}
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql(grade_number('ladder'), 'int4')},"
        f" {as_sql(grade_number('grade'), 'int4')} FROM tiering_score WHERE run_id = %s"
    )
    rows = fetch(sql, [run_id], columns, using=USING)
    places = np.searchsorted(ids, rows["account_id"])
    there = np.flatnonzero(places < len(ids))
    there = there[ids[places[there]] == rows["account_id"][there]]  # an account may be gone since
    ladder[places[there]] = RANK_OF_NUMBER[rows["ladder"][there]]
    shown[places[there]] = rows["shown"][there]
    return Before(ladder, shown)


def score(measured: Measured, *, design: Design) -> Composed:
    """Scores, composite and evidence of every account."""
    return scoring.compose(_raw(measured.indicators, design, len(measured.ids)), scheme=design.scheme())


def grade(measured: Measured, composed: Composed, *, design: Design, before: Before) -> Evaluation:
    """Tonight's grade of every account, with everything its explanation needs."""
    inputs = measured.inputs | _score_inputs(composed) | {"composite": composed.composite}
    inputs, stale = _relieved(measured, inputs, design=design, before=before)
    graded = grading.assign(
        inputs,
        evidence=composed.evidence,
        in_business=measured.in_business,
        before=before.ladder,
        flags=measured.flags | np.where(stale, int(Flag.STALE), 0),
        rules=design.rules(),
    )
    raw = np.vstack([_raw(measured.indicators, design, len(measured.ids)), np.array([inputs[name] for name in INPUTS])])
    return Evaluation(
        ids=measured.ids,
        shown=_numbers(graded),
        ladder=_ladder_numbers(graded.ladder),
        before=before.shown,
        composite=composed.composite,
        evidence=composed.evidence,
        flags=graded.flags,
        raw=raw.T,
        contributions=composed.contributions.T,
        standing=measured.standing,
        last_record_id=measured.last_record_id,
    )


def _raw(indicators: dict[str, Floats], design: Design, count: int) -> Floats:
    """Indicators in the model's order, shape (k, n); one that is not measured yet is not known."""
    unknown = np.full(count, np.nan)
    return np.array([indicators.get(code, unknown) for code in design.scheme().codes]).reshape(-1, count)


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
    if not np.isin(before.ladder, list(held)).any():
        return relieved, stale
    kinder = scoring.compose(_raw(indicators, design, len(measured.ids)), scheme=design.scheme())
    values = inputs | _score_inputs(kinder) | {name: measured.relief[name] for name in ("evaluators", "opportunity")}
    for rank, names in held.items():
        holds = before.ladder == rank
        for name in names:
            differs = holds & ~((values[name] == inputs[name]) | (np.isnan(values[name]) & np.isnan(inputs[name])))
            relieved[name] = np.where(differs, values[name], relieved[name])
            stale |= differs
    return relieved, stale


def _numbers(graded: grading.Graded) -> NDArray[np.int64]:
    ladder = _ladder_numbers(graded.ladder)
    shown = np.where(ladder == 0, GRADES.index(NOT_GRADED), ladder)
    return np.where(graded.problem, GRADES.index(PROBLEM), shown)


def _ladder_numbers(ladder: Ranks) -> NDArray[np.int64]:
    """Ranks 0, 2..6 as numbers in GRADES."""
    table = np.zeros(max(RANK.values()) + 1, dtype=np.int64)
    for code, rank in RANK.items():
        table[rank] = GRADES.index(code)
    return table[ladder]
