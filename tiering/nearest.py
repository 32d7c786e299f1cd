"""The nearest change: how far each condition of a line is from its threshold, and which one indicator would get it there.

Pure: plain floats and the tests of one account, no Django. A scale is turned round by its anchors: from the score that is
needed to the value that gives it. Everything else stays as it is, and only indicators that count in a score move it.
The same inverse says how far an indicator may fall before a condition that holds is lost (domain.md 3.9).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tiering import scoring
from tiering.grading import EACH_YEAR, MONEY_DECIMALS, SCORE, Tested
from tiering.scoring import Composed, Floats, Scheme, is_falling, settled

NOISE = 1e-9  # of a score: what `settled` rounds away
REVENUE, REVENUE_INDICATOR = "revenue_ttm", "S1"
# Years pass by themselves, what a customer sells is its own business, and a lifetime value follows from its orders:
# nobody moves them as such.
UNMOVED = frozenset({"L1", "S4", "S5"})
# What an indicator can be in steps, and the most it can be; a median of two ratings moves by halves.
STEP: Mapping[str, float] = MappingProxyType(
    {"V1": 0.5, "V2": 0.5, "V3": 0.5, "P3": 0.5, "L5": 0.5, "L2": 1.0, "L7": 1.0, "V4": 1.0},
)
MOST: Mapping[str, float] = MappingProxyType(
    {"V1": 5.0, "V2": 5.0, "V3": 5.0, "P3": 5.0, "L5": 5.0, "L2": 12.0, "S3": 1.0, "L3": 1.0, "L4": 1.0, "L8": 1.0}
)
LEAST: Mapping[str, float] = MappingProxyType(dict.fromkeys(("V1", "V2", "V3", "P3", "L5"), 1.0))


@dataclass(frozen=True, slots=True)
class Move:
    """One indicator (or ``revenue_ttm``) from ``value`` to ``to``, the nearest value with which the condition holds.

    step : ``to`` in a step the indicator can take, the same where it takes any
    effort : points of the indicator's own score between the two, by which moves of different units compare
    """

    code: str
    value: float
    to: float
    step: float
    effort: float

    @property
    def change(self) -> float:
        return self.to - self.value


@dataclass(frozen=True, slots=True)
class Need:
    """One condition of a line.

    gap : threshold − value, above 0 what is missing and below 0 what may be lost; None where the value is not known
    moves : what a single indicator would have to become, the smallest effort first; empty where none can
    is_blocking : whether the line does not hold because of it
    """

    test: Tested
    gap: float | None
    moves: tuple[Move, ...]
    is_blocking: bool


def needs_of(tests: Sequence[Tested], *, raw: Floats, scheme: Scheme, relaxed: bool) -> tuple[Need, ...]:
    """Each condition of one line of one account, with the moves of one indicator that put it on its threshold.

    tests : of ``grading.tested_conditions``, shape (1,) each
    raw : shape (k,), in the order of ``scheme.indicators``, NaN missing
    relaxed : whether the line is held, so that one of two fiscal years is enough
    """
    composed = scoring.compose(np.asarray(raw, dtype=np.float64)[:, None], scheme=scheme)
    one_year = relaxed and any(test.passed[0] for test in tests if test.condition.rule == EACH_YEAR)
    found = []
    for test in tests:
        value = float(test.value[0])
        gap = None if math.isnan(value) else _gap(test)
        spared = one_year and test.condition.rule == EACH_YEAR
        moves = _moves(test, raw=raw, scheme=scheme, composed=composed)
        found.append(Need(test, gap, moves, is_blocking=not test.passed[0] and not spared))
    return tuple(found)


def _gap(test: Tested) -> float:
    return -float(test.margin[0]) + 0.0


def single_gain(needs: Iterable[Need]) -> Move | None:
    """The one indicator that makes every failing condition hold, with the least effort; None where there is none."""
    options = [{move.code: move for move in need.moves} for need in needs if need.is_blocking]
    if not options:
        return None
    shared = [code for code in options[0] if all(code in moves for moves in options)]
    hardest = [max((moves[code] for moves in options), key=_effort) for code in shared]
    return min(hardest, key=_effort) if hardest else None


def single_loss(needs: Iterable[Need]) -> Move | None:
    """The one indicator that may fall least before a condition that holds is lost; None where none can lose it."""
    moves = [move for need in needs if need.test.passed[0] for move in need.moves]
    return min(moves, key=_effort) if moves else None


def _effort(move: Move) -> tuple[float, str]:
    return move.effort, move.code


def _moves(test: Tested, *, raw: Floats, scheme: Scheme, composed: Composed) -> tuple[Move, ...]:
    value, reads = float(test.value[0]), test.condition.reads
    if reads == REVENUE:
        return _revenue(test, raw=raw, scheme=scheme)
    if test.condition.kind != SCORE or math.isnan(value) or not _is_composed(value, reads, composed):
        return ()
    found = []
    for position, effect in effects(reads, scheme=scheme, composed=composed).items():
        spec, score = scheme.indicators[position], float(composed.scores[position, 0])
        if spec.code in UNMOVED:
            continue
        move = _move(spec.code, float(raw[position]), score, score + (test.threshold - value) / effect, spec.anchors)
        if move is not None:
            found.append(move)
    return tuple(sorted(found, key=_effort))


def _is_composed(value: float, reads: str, composed: Composed) -> bool:
    """A score that a held grade still owes to expired ratings is not what its indicators give, so they cannot say."""
    scores = composed.dimension_scores
    own = composed.composite if reads == "composite" else scores.get(reads.upper(), np.array([math.nan]))
    return bool(settled(own[0]) == settled(value)) or abs(float(own[0]) - value) < NOISE * 10


def effects(reads: str, *, scheme: Scheme, composed: Composed) -> dict[int, float]:
    """Points of one score for each point of an indicator's own score, by the indicator's place; those that count only.

    reads : "composite" or the code of a dimension in small letters
    """
    counting = ~np.isnan(composed.contributions[:, 0])
    valid = {spec.dimension for spec, counts in zip(scheme.indicators, counting, strict=True) if counts}
    total = sum(scheme.dimensions[code] for code in scheme.dimensions if code in valid)
    found = {}
    for position, spec in enumerate(scheme.indicators):
        evidence = float(composed.dimension_evidence[spec.dimension][0])
        if math.isnan(composed.scores[position, 0]) or spec.weight <= 0:
            continue
        if reads == "composite" and counting[position] and scheme.dimensions[spec.dimension] > 0:
            found[position] = scheme.dimensions[spec.dimension] / total * spec.weight / evidence
        elif reads == spec.dimension.lower():
            found[position] = spec.weight / evidence
    return found


def _move(code: str, value: float, score: float, needed: float, anchors: Sequence[Sequence[float]]) -> Move | None:
    to = inverse(needed, anchors=anchors)
    if not math.isfinite(to):
        return None
    step = _stepped(code, to, falls=is_falling(anchors))
    if not LEAST.get(code, -math.inf) <= step <= MOST.get(code, math.inf):
        return None
    return Move(code, value, to, step, abs(needed - score))


def _revenue(test: Tested, *, raw: Floats, scheme: Scheme) -> tuple[Move, ...]:
    """Revenue is held against money itself; its effort is measured on its own scale where the model scores it."""
    value = float(test.value[0])
    if math.isnan(value):
        return ()
    to = round(test.threshold, MONEY_DECIMALS)
    for position, spec in enumerate(scheme.indicators):
        if spec.code == REVENUE_INDICATOR and not math.isnan(raw[position]):
            before, after = scoring.anchored([value, to], anchors=spec.anchors)
            return (Move(spec.code, value, to, to, abs(float(after - before))),)
    return (Move(REVENUE, value, to, to, scoring.TOP_SCORE),)


def inverse(score: float, *, anchors: Sequence[Sequence[float]]) -> float:
    """The first value, coming from the worse end, whose score is ``score`` or more; NaN where none is, and the worse
    end's infinity where all are.

    anchors : as in ``scoring.anchored``; of a flat piece the worse end, of a jump the value itself
    """
    falls = is_falling(anchors)
    points = sorted(((-value if falls else value), points) for value, points in anchors)
    sign = -1.0 if falls else 1.0
    if score > points[-1][1] + NOISE:
        return math.nan
    if score <= points[0][1]:
        return -math.inf * sign
    needed = min(score, points[-1][1])
    upper = next(place for place, (_value, reached) in enumerate(points) if reached >= needed)
    (low, low_score), (high, high_score) = points[upper - 1], points[upper]
    return sign * (low + (needed - low_score) / (high_score - low_score) * (high - low))


def _stepped(code: str, to: float, *, falls: bool) -> float:
    """``to`` on the next step to the better side."""
    step = STEP.get(code)
    if step is None:
        return to
    places = round(to / step, 9)  # a value that is a step, but for float noise, is that step
    return step * (math.floor(places) if falls else math.ceil(places))
