"""The pieces of an explanation: plain values and the words for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class IndicatorPart:
    """One indicator. weight: percent inside its dimension as set; contribution: points of the composite.

    could_add : for one that is not known, by how much the composite could rise at most; None where it is known, or
    where there is no composite to add to
    reason : why it is not known, where the night noted it; else empty
    """

    code: str
    label: str
    unit: str
    value: float | None
    value_text: str
    score: float | None
    weight: float
    contribution: float | None
    could_add: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DimensionPart:
    """One dimension. weight: percent as set; counts: whether enough is known for it to count in the composite."""

    code: str
    label: str
    weight: float
    score: float | None
    evidence: float
    counts: bool
    contribution: float | None
    indicators: tuple[IndicatorPart, ...]


@dataclass(frozen=True, slots=True)
class ConditionPart:
    """One condition. margin = value − threshold in the condition's unit, None where the value is not known.

    reason : which part of the rule is not kept, where the value alone does not say it
    """

    grade: str
    rule: str
    reads: str
    label: str
    unit: str
    value: float | None
    value_text: str
    threshold: float
    threshold_text: str
    passed: bool
    margin: float | None
    margin_text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GradePart:
    """The line of one grade: whether it holds, and every condition it tests.

    is_relaxed : held to the thresholds of a grade in force, which are lower than those to enter
    """

    grade: str
    label: str
    holds: bool
    is_decisive: bool
    conditions: tuple[ConditionPart, ...]
    is_relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A grade's minimum on the scale of the composite."""

    grade: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Run:
    """Nights in a row whose candidate is another grade: the grade they all support, and when it is reached at the
    earliest."""

    grade: str
    label: str
    is_up: bool
    since: date
    moves_on: date
    days_needed: int
    days_held: int


@dataclass(frozen=True, slots=True)
class ChangePart:
    """One indicator that alone would put a condition on its threshold.

    to : the value it would need, in a step it can take (ratings in halves, months whole); change = to − value
    text : the change in words, "+0.6 M" or "3.5 → 4.5"
    """

    code: str
    label: str
    unit: str
    value: float
    to: float
    change: float
    text: str


@dataclass(frozen=True, slots=True)
class NeedPart:
    """One condition with its distance. gap = threshold − value: what is missing, or below 0 what may be lost; None where
    the value is not known.

    is_blocking : the line does not hold because of it
    text : the distance in words; hint : why no single indicator changes it, "" where one does
    """

    rule: str
    reads: str
    label: str
    unit: str
    is_blocking: bool
    gap: float | None
    text: str
    hint: str
    changes: tuple[ChangePart, ...]


@dataclass(frozen=True, slots=True)
class TargetPart:
    """What one line lacks, or what it may lose while it holds.

    is_next : the next grade up, else the present one
    single : the least change of one indicator that satisfies every failing condition, or that loses a line that holds
    evidence_missing : share of the evidence that a move up still lacks, 0 for none
    sentence : the shortest way to say it
    """

    grade: str
    label: str
    is_next: bool
    holds: bool
    needs: tuple[NeedPart, ...]
    single: ChangePart | None
    evidence_missing: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything the why card shows.

    ladder : the grade by value and potential, "" for none; differs from grade where the account is a problem
    next_grade : the next higher one on the ladder, "" for none; failing : its conditions that do not hold
    missing : indicators that are not known
    nearest : what the next grade lacks and what the present one may lose
    """

    account_id: int
    run_id: int
    as_of: date
    model: str
    currency: str
    grade: str
    grade_label: str
    ladder: str
    previous_grade: str
    composite: float | None
    evidence: float
    dimensions: tuple[DimensionPart, ...]
    grades: tuple[GradePart, ...]
    next_grade: str
    failing: tuple[ConditionPart, ...]
    missing: tuple[IndicatorPart, ...]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    signal_points: float | None
    candidate_run: Run | None
    sentence: str
    nearest: tuple[TargetPart, ...] = ()
