"""Scores + money gates + evidence + signals → grade, with every condition (domain.md 3.6, 3.7 and its pseudo-code).

Pure and vectorised over accounts: arrays have shape (n,), NaN means not known, and a condition that cannot be
evaluated fails. Ladder grades travel as their rank (``RANK``), 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tiering.scoring import Bools, Floats, settled

Ranks = NDArray[np.int8]

DIAMOND, GOLD, STRATEGIC, POTENTIAL, GENERAL, PROBLEM, NOT_GRADED = (
    "diamond",
    "gold",
    "strategic",
    "potential",
    "general",
    "problem",
    "not_graded",
)
RANK = MappingProxyType({DIAMOND: 6, GOLD: 5, STRATEGIC: 4, POTENTIAL: 3, GENERAL: 2})
LADDER = MappingProxyType({rank: grade for grade, rank in RANK.items()} | {0: ""})
# Stored grades while they travel as numbers; 0 is none.
GRADE_CODES = ("", NOT_GRADED, PROBLEM, *sorted(RANK, key=RANK.__getitem__))
MONEY_DECIMALS = 4  # of the ledger; takes float noise off sums before they meet a money threshold

MONEY, SCORE, SHARE, COUNT, MONTHS, PRESENT = "money", "score", "share", "count", "months", "present"


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one input. ``rule`` names the threshold of the model, ``reads`` the input it is held against.

    strict : the value must lie above the threshold, not on it
    droppable : a threshold of 0 means that the condition is not tested (minimum scores of domain.md 3.6)
    """

    grade: str
    rule: str
    reads: str
    kind: str
    strict: bool = False
    droppable: bool = False


CONDITIONS: tuple[Condition, ...] = (
    Condition(DIAMOND, "revenue_each_year", "revenue_fy1", MONEY),
    Condition(DIAMOND, "revenue_each_year", "revenue_fy2", MONEY),
    Condition(DIAMOND, "gross_profit_each_year", "gross_profit_fy1", MONEY, strict=True),
    Condition(DIAMOND, "gross_profit_each_year", "gross_profit_fy2", MONEY, strict=True),
    Condition(DIAMOND, "sal", "sal", SCORE, droppable=True),
    Condition(DIAMOND, "composite", "composite", SCORE, droppable=True),
    Condition(GOLD, "revenue_ttm", "revenue_ttm", MONEY),
    Condition(GOLD, "sal", "sal", SCORE, droppable=True),
    Condition(GOLD, "composite", "composite", SCORE, droppable=True),
    Condition(GOLD, "months", "months", MONTHS),
    Condition(STRATEGIC, "str", "str", SCORE),
    Condition(STRATEGIC, "evaluators", "evaluators", COUNT),
    Condition(STRATEGIC, "business", "business", PRESENT),
    Condition(POTENTIAL, "gro", "gro", SCORE),
    Condition(POTENTIAL, "gro_evidence", "gro_evidence", SHARE),
    Condition(POTENTIAL, "opportunity", "opportunity", PRESENT),
    Condition(POTENTIAL, "prior_revenue", "revenue_prior_ttm", MONEY),
)
RULES: frozenset[tuple[str, str]] = frozenset((condition.grade, condition.rule) for condition in CONDITIONS)

# What the conditions read, in the order in which they are stored after the indicators (architecture.md rule 12).
INPUTS: tuple[str, ...] = (
    "revenue_ttm",
    "revenue_prior_ttm",
    "revenue_fy1",
    "revenue_fy2",
    "gross_profit_fy1",
    "gross_profit_fy2",
    "months",
    "evaluators",
    "business",
    "opportunity",
    "sal",
    "str",
    "gro",
    "gro_evidence",
    "signal_points",
)


class Flag(IntFlag):
    """What else there is to say about an account's result; bits of the stored ``flags``. Never reuse a bit."""

    NO_BUSINESS = 1 << 0  # line 0: nothing ever bought or signed
    INSUFFICIENT_EVIDENCE = 1 << 1  # no grade yet and too little known
    KEPT = 1 << 2  # thin evidence: the grade before stays, as far as money allows
    HELD_BACK = 1 << 3  # a move up to Gold or Diamond waits for more evidence
    FLOOR = 1 << 4  # Gold by the contribution floor
    WATCH = 1 << 5  # soft signal points reached the limit
    H2_LOSS = 1 << 6
    H3_CREDIT_OR_LITIGATION = 1 << 7
    H4_INSOLVENT = 1 << 8
    DECLINE_30 = 1 << 9
    DECLINE_50 = 1 << 10
    LOW_MARGIN = 1 << 11
    DISSATISFIED = 1 << 12
    LATE_ORDER = 1 << 13
    YOUNG = 1 << 14
    SMALL_BASE = 1 << 15
    ALSO_STRATEGIC = 1 << 16
    ALSO_POTENTIAL = 1 << 17
    NO_RATE = 1 << 18
    NO_COST = 1 << 19
    WALLET_BELOW_REVENUE = 1 << 20
    CALIBRATE = 1 << 21
    STALE = 1 << 22


HARD_SIGNALS = Flag.H2_LOSS | Flag.H3_CREDIT_OR_LITIGATION | Flag.H4_INSOLVENT
SIGNAL_POINTS = MappingProxyType(
    {
        Flag.DECLINE_30: 2,  # TTM against prior TTM, at least 30 % down
        Flag.DECLINE_50: 3,  # at least 50 % down; replaces the 2 points
        Flag.LOW_MARGIN: 1,
        Flag.DISSATISFIED: 1,
        Flag.LATE_ORDER: 1,
    }
)
WATCH_POINTS = 4  # domain.md 3.7
FLAG_DTYPE = np.int64


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of one model version.

    thresholds : (grade, rule) → number; a rule that is not in it is not tested
    gross_profit_test : off only for companies without cost data
    evidence_any, evidence_up : share needed for any move, and for a move up to Gold or Diamond
    """

    thresholds: Mapping[tuple[str, str], float]
    gross_profit_test: bool = True
    evidence_any: float = 0.6
    evidence_up: float = 0.8

    def tested(self, grade: str) -> tuple[Condition, ...]:
        """The conditions of one grade that this model tests, in the order of the tables."""
        return tuple(condition for condition in CONDITIONS if condition.grade == grade and self.tests(condition))

    def tests(self, condition: Condition) -> bool:
        threshold = self.thresholds.get((condition.grade, condition.rule))
        if threshold is None or (condition.droppable and threshold == 0):
            return False
        return self.gross_profit_test or condition.rule != "gross_profit_each_year"

    def threshold(self, condition: Condition) -> float:
        return self.thresholds[condition.grade, condition.rule]


@dataclass(frozen=True, slots=True)
class Tested:
    """One condition held against n accounts. margin = value − threshold in the condition's own unit, NaN unknown."""

    condition: Condition
    value: Floats
    threshold: float
    passed: Bools
    margin: Floats


@dataclass(frozen=True, slots=True)
class Graded:
    """ladder : rank by value and potential, 0 none; problem : hard signal on; flags : bits of ``Flag``."""

    ladder: Ranks
    problem: Bools
    flags: NDArray[np.int64]

    @property
    def shown(self) -> NDArray[np.str_]:
        """The grade people see: Problem wins over the ladder."""
        words = np.array([LADDER.get(rank) or NOT_GRADED for rank in range(max(LADDER) + 1)])
        return np.where(self.problem, PROBLEM, words[self.ladder])


def held_against(condition: Condition, inputs: Mapping[str, Floats], *, threshold: float) -> Tested:
    """Test one condition; NaN fails."""
    decimals = MONEY_DECIMALS if condition.kind == MONEY else None
    value = inputs[condition.reads]
    level = np.round(value, decimals) if decimals is not None else settled(value)
    with np.errstate(invalid="ignore"):
        passed = level > threshold if condition.strict else level >= threshold
    return Tested(condition, value, threshold, passed, level - threshold)


def tested_conditions(grade: str, inputs: Mapping[str, Floats], *, rules: Rules) -> list[Tested]:
    """Every condition of ``grade`` with value, threshold, result and margin."""
    return [held_against(condition, inputs, threshold=rules.threshold(condition)) for condition in rules.tested(grade)]


def all_hold(tests: Iterable[Tested], *, count: int) -> Bools:
    """Whether all tests hold; with no test at all nothing can be entered, so False."""
    results = [test.passed for test in tests]
    return np.logical_and.reduce(results) if results else np.zeros(count, dtype=bool)


def signals(points: Mapping[Flag, Bools]) -> tuple[Floats, NDArray[np.int64]]:
    """Soft points (the highest of each item) and the bits of the signals that are on.

    points : signal → on, shape (n,); signals without input are simply absent
    """
    count = len(next(iter(points.values())))
    bits = np.zeros(count, dtype=FLAG_DTYPE)
    for flag, on in points.items():
        bits |= np.where(on, int(flag), 0)
    decline = np.maximum(
        np.where(bits & Flag.DECLINE_30, SIGNAL_POINTS[Flag.DECLINE_30], 0),
        np.where(bits & Flag.DECLINE_50, SIGNAL_POINTS[Flag.DECLINE_50], 0),
    )
    total = decline.astype(np.float64)
    for flag in (Flag.LOW_MARGIN, Flag.DISSATISFIED, Flag.LATE_ORDER):
        total += np.where(bits & flag, SIGNAL_POINTS[flag], 0)
    return total, bits


def assign(
    inputs: Mapping[str, Floats],
    *,
    evidence: Floats,
    in_business: Bools,
    before: Ranks,
    flags: NDArray[np.int64],
    rules: Rules,
) -> Graded:
    """Tonight's grade of n accounts: the candidate of the night, at once.

    inputs : every name of INPUTS and ``composite``, each (n,)
    evidence : share of all weights that is known, (n,)
    in_business : line 0 does not hold: positive revenue once, or a signed contract, (n,)
    before : ladder rank after the last published evaluation before this one, 0 none, (n,)
    flags : bits gathered so far, signals included, (n,)
    """
    lines = _lines(inputs, rules=rules)
    known = settled(evidence)
    thin = np.isnan(inputs["composite"]) | (known < rules.evidence_any)
    wants_up = (lines.candidate >= RANK[GOLD]) & (lines.candidate > before)
    held_back = ~thin & wants_up & (known < rules.evidence_up)

    ladder = np.where(thin, np.maximum(_kept(before, lines), lines.floor), lines.candidate)
    stays = np.maximum(before, np.where(lines.floor > 0, lines.floor, lines.low))
    ladder = np.where(held_back, stays, ladder)
    ladder = np.where(in_business, ladder, 0).astype(np.int8)

    problem = in_business & ((flags & HARD_SIGNALS) != 0)
    bits = flags | _bit(~in_business, Flag.NO_BUSINESS)
    bits |= _bit(in_business & thin & (ladder == 0), Flag.INSUFFICIENT_EVIDENCE)
    bits |= _bit(in_business & thin & (ladder > 0) & (ladder == before), Flag.KEPT)
    bits |= _bit(in_business & held_back & (ladder < lines.candidate), Flag.HELD_BACK)
    bits |= _bit(in_business & ~problem & (inputs["signal_points"] >= WATCH_POINTS), Flag.WATCH)
    by_floor = lines.diamond_money & (~lines.holds[GOLD] | ((thin | held_back) & (before < RANK[GOLD])))
    bits |= _bit((ladder == RANK[GOLD]) & by_floor, Flag.FLOOR)
    return Graded(ladder, problem, bits | _badges(ladder, lines))


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines 2 to 6 of domain.md 3.6: what holds for each account, and the ranks that follow."""

    holds: dict[str, Bools]
    diamond_money: Bools
    gold_money: Bools
    low: Ranks  # first match of lines 4 to 6
    floor: Ranks  # what the money conditions of Diamond guarantee, 0 nothing
    candidate: Ranks


def _lines(inputs: Mapping[str, Floats], *, rules: Rules) -> _Lines:
    count = len(inputs["composite"])
    tests = {grade: tested_conditions(grade, inputs, rules=rules) for grade in (DIAMOND, GOLD, STRATEGIC, POTENTIAL)}
    holds = {grade: all_hold(tests[grade], count=count) for grade in tests}
    diamond_money = all_hold((test for test in tests[DIAMOND] if test.condition.kind == MONEY), count=count)
    gold_money = all_hold((test for test in tests[GOLD] if test.condition.kind == MONEY), count=count)
    low = _first((holds[STRATEGIC], STRATEGIC), (holds[POTENTIAL], POTENTIAL), otherwise=RANK[GENERAL])
    has_minimum_scores = any(test.condition.kind == SCORE for test in tests[DIAMOND])
    floor = np.where(diamond_money, RANK[GOLD if has_minimum_scores else DIAMOND], 0).astype(np.int8)
    candidate = _first((holds[DIAMOND], DIAMOND), (holds[GOLD] | diamond_money, GOLD), otherwise=low)
    return _Lines(holds, diamond_money, gold_money, low, floor, candidate)


def _kept(before: Ranks, lines: _Lines) -> Ranks:
    """The grade before, as far as its money conditions still hold: on thin evidence only money moves a grade."""
    keep = np.where((before == RANK[DIAMOND]) & ~lines.diamond_money, RANK[GOLD], before)
    return np.where((keep == RANK[GOLD]) & ~lines.gold_money, lines.low, keep)


def _badges(ladder: Ranks, lines: _Lines) -> NDArray[np.int64]:
    """A higher grade that also meets line 4 or 5 says so; it does not change."""
    also_strategic = (ladder >= RANK[GOLD]) & lines.holds[STRATEGIC]
    also_potential = (ladder >= RANK[STRATEGIC]) & lines.holds[POTENTIAL]
    return _bit(also_strategic, Flag.ALSO_STRATEGIC) | _bit(also_potential, Flag.ALSO_POTENTIAL)


def _first(*lines: tuple[Bools, str], otherwise: int | Ranks) -> Ranks:
    """Rank of the first line that holds."""
    return np.select([holds for holds, _ in lines], [RANK[grade] for _, grade in lines], otherwise).astype(np.int8)


def _bit(on: Bools, flag: Flag) -> NDArray[np.int64]:
    return np.where(on, int(flag), 0).astype(FLAG_DTYPE)
