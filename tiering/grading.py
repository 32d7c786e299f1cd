"""Scores + money gates + evidence + signals → grade, with every condition (domain.md 3.6, 3.7 and its pseudo-code).

Pure and vectorised over accounts: arrays have shape (n,), NaN means not known, and a condition that cannot be
evaluated fails. Ladder grades travel as their rank (``RANK``), 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
EACH_YEAR = "revenue_each_year"  # the one rule that reads two fiscal years


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
    "overdue_31",
    "overdue_61",
    "overdue_90",
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
    PROBLEM_ON = 1 << 23  # the problem state, whatever is shown
    PROPOSED = 1 << 24  # soft points have held long enough; a manager has to confirm
    PIERCED = 1 << 25  # credit stop, litigation or insolvency overrule an override until the problem is over
    PROVISIONAL = 1 << 26  # the first grade, not confirmed by time yet
    BUFFERED = 1 << 27  # the grade holds by its relaxed thresholds alone
    WAITING = 1 << 28  # tonight's candidate is another grade; the run is not long enough
    OVERRIDDEN = 1 << 29  # a person set the shown grade
    H1_OVERDUE = 1 << 30  # overdue for more than 90 days, and much of it
    OVERDUE_31 = 1 << 31
    OVERDUE_61 = 1 << 32
    SEVERE_REQUESTS = 1 << 33  # severe complaints or disputes, open for long
    DECIDER_AGAINST = 1 << 34  # a key decision maker turned against us
    NON_RENEWAL = 1 << 35  # a running contract will not be renewed, in writing
    ONE_FUNCTION = 1 << 36  # two or more rated the strategic value, all from one function
    ONLY_MANAGERS = 1 << 37  # two or more rated it, all of them account managers of the account
    QUARANTINED = 1 << 38  # set apart tonight: its figures cannot be computed with; the grade is that of before
    CLV_UNTRUSTED = 1 << 39  # the lifetime value is of data grade C, or there is no order to value
    CLV_NO_AMOUNT = 1 << 40  # what its orders are worth is not known
    CLV_NO_COST = 1 << 41  # only revenue is expected, no margin is known
    OF_GROUP = 1 << 42  # graded for its group: the figures are those of all its companies


FLAG_DTYPE = np.int64


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of one model version.

    thresholds : (grade, rule) → number; a rule that is not in it is not tested
    gross_profit_test : off only for companies without cost data
    evidence_any, evidence_up : share needed for any move, and for a move up to Gold or Diamond
    buffer_score, buffer_growth : points by which a held grade's minimum scores are lower (GRO: buffer_growth)
    buffer_money : factor on a held grade's money thresholds
    confirm_…_days : days a run of candidates, or of warning points, must span (domain.md 3.7, 3.8)
    """

    thresholds: Mapping[tuple[str, str], float]
    gross_profit_test: bool = True
    evidence_any: float = 0.6
    evidence_up: float = 0.8
    buffer_score: float = 5.0
    buffer_growth: float = 10.0
    buffer_money: float = 0.9
    confirm_up_days: int = 7
    confirm_down_days: int = 28
    confirm_problem_days: int = 28

    def tested(self, grade: str) -> tuple[Condition, ...]:
        """The conditions of one grade that this model tests, in the order of the tables."""
        return tuple(condition for condition in CONDITIONS if condition.grade == grade and self.tests(condition))

    def tests(self, condition: Condition) -> bool:
        threshold = self.thresholds.get((condition.grade, condition.rule))
        if threshold is None or (condition.droppable and threshold == 0):
            return False
        return self.gross_profit_test or condition.rule != "gross_profit_each_year"

    def threshold(self, condition: Condition, *, relaxed: bool = False) -> float:
        """relaxed : as it is for who holds the grade, or a higher one; times, counts and gross profit never are."""
        entry = self.thresholds[condition.grade, condition.rule]
        if not relaxed or condition.strict:
            return entry
        if condition.kind == SCORE:
            return entry - (self.buffer_growth if condition.reads == "gro" else self.buffer_score)
        return entry * self.buffer_money if condition.kind == MONEY else entry


@dataclass(frozen=True, slots=True)
class Tested:
    """One condition held against n accounts. margin = value − threshold in the condition's own unit, NaN unknown."""

    condition: Condition
    value: Floats
    threshold: float
    passed: Bools
    margin: Floats


def held_against(condition: Condition, inputs: Mapping[str, Floats], *, threshold: float) -> Tested:
    """Test one condition; NaN fails."""
    decimals = MONEY_DECIMALS if condition.kind == MONEY else None
    value = inputs[condition.reads]
    level = np.round(value, decimals) if decimals is not None else settled(value)
    with np.errstate(invalid="ignore"):
        passed = level > threshold if condition.strict else level >= threshold
    return Tested(condition, value, threshold, passed, level - threshold)


def tested_conditions(grade: str, inputs: Mapping[str, Floats], *, rules: Rules, relaxed: bool) -> list[Tested]:
    """Every condition of ``grade`` with value, threshold, result and margin."""
    return [
        held_against(condition, inputs, threshold=rules.threshold(condition, relaxed=relaxed))
        for condition in rules.tested(grade)
    ]


def all_hold(tests: Iterable[Tested], *, count: int) -> Bools:
    """Whether all tests hold; with no test at all nothing can be entered, so False."""
    results = [test.passed for test in tests]
    return np.logical_and.reduce(results) if results else np.zeros(count, dtype=bool)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What tonight alone says of n accounts, before stability has its word.

    candidate : rank of the grade tonight supports, 0 none; flags : bits gathered so far and those of the evidence
    by_floor : Gold comes from the contribution floor; by_buffer : the grade held would be lost without its buffer
    """

    candidate: Ranks
    flags: NDArray[np.int64]
    by_floor: Bools
    by_buffer: Bools
    holds: dict[str, Bools]

    def badges(self, ladder: Ranks) -> NDArray[np.int64]:
        """Bits that depend on the grade in force: the floor, the buffer, and what a higher grade also meets."""
        bits = _bit((ladder == RANK[GOLD]) & self.by_floor, Flag.FLOOR)
        bits |= _bit((ladder == self.candidate) & self.by_buffer, Flag.BUFFERED)
        bits |= _bit((ladder >= RANK[GOLD]) & self.holds[STRATEGIC], Flag.ALSO_STRATEGIC)
        return bits | _bit((ladder >= RANK[STRATEGIC]) & self.holds[POTENTIAL], Flag.ALSO_POTENTIAL)


def candidates(
    inputs: Mapping[str, Floats],
    *,
    evidence: Floats,
    in_business: Bools,
    before: Ranks,
    flags: NDArray[np.int64],
    rules: Rules,
) -> Candidates:
    """Tonight's candidate of n accounts (domain.md 3.8, pseudo-code, down to the line of thin evidence).

    inputs : every name of INPUTS and ``composite``, each (n,)
    evidence : share of all weights that is known, (n,)
    in_business : line 0 does not hold: positive revenue once, a signed contract, or an approved account plan, (n,)
    before : ladder rank in force, 0 none, (n,); its thresholds and those of every lower grade are relaxed
    flags : bits gathered so far, signals included, (n,)
    """
    lines = _lines(inputs, before=before, rules=rules)
    known = settled(evidence)
    thin = np.isnan(inputs["composite"]) | (known < rules.evidence_any)
    wants_up = (lines.candidate >= RANK[GOLD]) & (lines.candidate > before)
    held_back = ~thin & wants_up & (known < rules.evidence_up)

    found = np.where(thin, np.maximum(_kept(before, lines), lines.floor), lines.candidate)
    stays = np.maximum(before, np.where(lines.floor > 0, lines.floor, lines.low))
    found = np.where(held_back, stays, found)
    found = np.where(in_business, found, 0).astype(np.int8)

    bits = flags | _bit(~in_business, Flag.NO_BUSINESS)
    bits |= _bit(in_business & thin & (found == 0), Flag.INSUFFICIENT_EVIDENCE)
    bits |= _bit(in_business & thin & (found > 0) & (found == before), Flag.KEPT)
    bits |= _bit(in_business & held_back & (found < lines.candidate), Flag.HELD_BACK)
    by_floor = lines.floor_money & (~lines.holds[GOLD] | ((thin | held_back) & (before < RANK[GOLD])))
    by_buffer = ~thin & (before > 0) & (found == before) & (lines.entry < before)
    return Candidates(found, bits, by_floor, by_buffer, lines.holds)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines 2 to 6 of domain.md 3.6 with each account's own thresholds: what holds, and the ranks that follow."""

    holds: dict[str, Bools]
    diamond_money: Bools  # as Diamond asks for it
    floor_money: Bools  # the same as Gold's floor asks for it
    gold_money: Bools
    low: Ranks  # first match of lines 4 to 6
    floor: Ranks  # what the money conditions of Diamond guarantee, 0 nothing
    candidate: Ranks
    entry: Ranks  # the candidate by entry thresholds alone


def _lines(inputs: Mapping[str, Floats], *, before: Ranks, rules: Rules) -> _Lines:
    count = len(inputs["composite"])
    entry, held = (_tests(inputs, rules=rules, relaxed=relaxed) for relaxed in (False, True))
    is_held = {grade: (before > 0) & (RANK[grade] <= before) for grade in entry}

    def either(grade: str, found: tuple[Bools, Bools]) -> Bools:
        return np.where(is_held[grade], found[1], found[0])

    own = {grade: (all_hold(entry[grade], count=count), _held(held[grade], count=count)) for grade in entry}
    money = (_money(entry[DIAMOND], count=count), _held_money(held[DIAMOND], count=count))
    holds = {grade: either(grade, own[grade]) for grade in entry}
    diamond_money, floor_money = either(DIAMOND, money), either(GOLD, money)
    gold_money = either(GOLD, (_money(entry[GOLD], count=count), _money(held[GOLD], count=count)))
    low = _first((holds[STRATEGIC], STRATEGIC), (holds[POTENTIAL], POTENTIAL), otherwise=RANK[GENERAL])
    floor = np.where(floor_money, RANK[GOLD], 0)
    if not any(test.condition.kind == SCORE for test in entry[DIAMOND]):  # no minimum scores: the floor is Diamond
        floor = np.where(diamond_money, RANK[DIAMOND], floor)
    at_entry = _first(
        (own[DIAMOND][0], DIAMOND), (own[GOLD][0] | money[0], GOLD), (own[STRATEGIC][0], STRATEGIC),
        (own[POTENTIAL][0], POTENTIAL), otherwise=RANK[GENERAL],
    )  # fmt: skip
    return _Lines(
        holds=holds,
        diamond_money=diamond_money,
        floor_money=floor_money,
        gold_money=gold_money,
        low=low,
        floor=floor.astype(np.int8),
        candidate=_first((holds[DIAMOND], DIAMOND), (holds[GOLD] | floor_money, GOLD), otherwise=low),
        entry=at_entry,
    )


def _tests(inputs: Mapping[str, Floats], *, rules: Rules, relaxed: bool) -> dict[str, list[Tested]]:
    grades = (DIAMOND, GOLD, STRATEGIC, POTENTIAL)
    return {grade: tested_conditions(grade, inputs, rules=rules, relaxed=relaxed) for grade in grades}


def _money(tests: Iterable[Tested], *, count: int) -> Bools:
    return all_hold((test for test in tests if test.condition.kind == MONEY), count=count)


def _held(tests: Sequence[Tested], *, count: int) -> Bools:
    """All tests of a grade that is held; of its two fiscal years one is enough (domain.md 3.8)."""
    years = [test for test in tests if test.condition.rule == EACH_YEAR]
    others = [test for test in tests if test.condition.rule != EACH_YEAR]
    if not years:
        return all_hold(others, count=count)
    one_year = np.logical_or.reduce([test.passed for test in years])
    return one_year & all_hold(others, count=count) if others else one_year


def line_holds(tests: Sequence[Tested], *, relaxed: bool) -> bool:
    """Whether one account meets a grade's tests, relaxed or as for entry."""
    return bool((_held(tests, count=1) if relaxed else all_hold(tests, count=1))[0])


def _held_money(tests: Sequence[Tested], *, count: int) -> Bools:
    return _held([test for test in tests if test.condition.kind == MONEY], count=count)


def _kept(before: Ranks, lines: _Lines) -> Ranks:
    """The grade before, as far as its money conditions still hold: on thin evidence only money moves a grade."""
    keep = np.where((before == RANK[DIAMOND]) & ~lines.diamond_money, RANK[GOLD], before)
    return np.where((keep == RANK[GOLD]) & ~lines.gold_money, lines.low, keep)


def _first(*lines: tuple[Bools, str], otherwise: int | Ranks) -> Ranks:
    """Rank of the first line that holds."""
    return np.select([holds for holds, _ in lines], [RANK[grade] for _, grade in lines], otherwise).astype(np.int8)


def _bit(on: Bools, flag: Flag) -> NDArray[np.int64]:
    return np.where(on, int(flag), 0).astype(FLAG_DTYPE)
