"""How well we stand with a customer: key people, breadth, threads (domain.md 5.1, 5.2). Pure, no Django import.

Rows are people; ``place`` (n,) says to which of u units (accounts, groups, buying centres) each belongs.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

IntArray = NDArray[np.int64]
NEUTRAL_SCORE = 50.0  # what stale or missing knowledge drifts to
BEST_ATTITUDE, WORST_ATTITUDE = 2, -2
LARGEST_WEIGHT = 5
FEWEST_TOLD = 3  # people; a score of fewer tells what one of them thinks of us
STILL_TELLING = 0.5  # freshness; one fresh attitude among stale ones stands out as one alone does


class Gap(IntFlag):
    """What is missing among those who decide (domain.md 5.1)."""

    NO_MAP = 1  # nobody is in a buying centre
    NO_DECIDER = 2
    NO_COACH = 4
    DECIDER_AGAINST = 8  # attitude below 0
    DECIDER_SILENT = 16  # not met or called within the cadence


class Thread(IntEnum):
    """On how many people a relationship hangs."""

    SPREAD = 0
    ONE_CONTACT = 1  # a single person there
    ONE_OF_OURS = 2  # several there, all through one of us
    SILENT = 3  # nobody at all


ALARMS = (Thread.ONE_CONTACT, Thread.ONE_OF_OURS)


def freshness(days: ArrayLike, cadence: ArrayLike) -> FloatArray:
    """How much of what we know of a person still counts: 1 within the cadence, then halved every further cadence.

    f = 1 where days <= cadence, else 0.5 ** ((days - cadence) / cadence)
    days : since the person was last met or called, shape (n,), NaN never: f = 0
    cadence : days, shape (n,) or one for all, > 0
    returns : shape (n,), 0..1
    raises FormulaError : a cadence that is not above 0, or days below 0
    Source: domain.md 5.1.
    """
    d, c = np.broadcast_arrays(np.asarray(days, dtype=np.float64), np.asarray(cadence, dtype=np.float64))
    if not np.all(c > 0):
        raise FormulaError("a contact cadence must be more than 0 days")
    if np.any(d < 0):
        raise FormulaError("days since the last contact must be 0 or more")
    late = np.maximum(d - c, 0.0) / c
    return np.where(np.isnan(d), 0.0, np.power(0.5, np.where(np.isnan(late), 0.0, late)))


def attitude_points(attitude: ArrayLike) -> FloatArray:
    """s = (attitude + 2) / 4 * 100: from -2, opposes us, 0 to +2, champion, 100. NaN stays NaN.

    raises FormulaError : an attitude outside -2..2
    """
    a = np.asarray(attitude, dtype=np.float64)
    if np.any((a < WORST_ATTITUDE) | (a > BEST_ATTITUDE)):
        raise FormulaError("an attitude lies between -2 and 2")
    return (a - WORST_ATTITUDE) / (BEST_ATTITUDE - WORST_ATTITUDE) * 100.0


def person_score(attitude: ArrayLike, fresh: ArrayLike) -> FloatArray:
    """50 + (s - 50) * f, shape (n,), 0..100; a person whose attitude is not known (NaN) has 50, as one never met."""
    s, f = attitude_points(attitude), np.asarray(fresh, dtype=np.float64)
    return NEUTRAL_SCORE + np.where(np.isnan(s), 0.0, s - NEUTRAL_SCORE) * f


def key_score(weight: ArrayLike, attitude: ArrayLike, fresh: ArrayLike, *, place: ArrayLike, units: int) -> FloatArray:
    """KRS = sum w * [50 + (s - 50) * f] / sum w per unit.

    weight : w, influence of each person, shape (n,), 1..5; attitude : -2..2, NaN unknown; fresh : f, 0..1
    returns : shape (units,), 0..100, NaN for a unit without people
    raises FormulaError : a weight outside 1..5, or what the parts refuse
    Source: domain.md 5.1.
    """
    w = np.asarray(weight, dtype=np.float64)
    if not np.all((w >= 1) & (w <= LARGEST_WEIGHT)):
        raise FormulaError("the influence of a person lies between 1 and 5")
    at = np.asarray(place, dtype=np.int64)
    total = np.bincount(at, weights=w, minlength=units)[:units]
    points = np.bincount(at, weights=w * person_score(attitude, fresh), minlength=units)[:units]
    score = np.full(units, np.nan)
    np.divide(points, total, out=score, where=total > 0)
    return score


def tells_nobody(
    attitude: ArrayLike, fresh: ArrayLike, *, person: ArrayLike, part: ArrayLike, part_unit: ArrayLike, units: int
) -> BoolArray:
    """Which scores may be told to a reader from whom attitudes are kept, shape (units,): those into which FEWEST_TOLD
    different people count, an attitude noted and fresh by STILL_TELLING or more. None of a unit of which a part has
    attitudes and too few such people, since that part is what those told beside it leave over.

    attitude, fresh : as in ``key_score``, shape (n,); person : whose, (n,); part : where in part_unit each counts, (n,)
    part_unit : the unit of each part, shape (p,)
    """
    a, f = np.asarray(attitude, dtype=np.float64), np.asarray(fresh, dtype=np.float64)
    who, at, unit_of = np.asarray(person), np.asarray(part), np.asarray(part_unit)
    tells = ~np.isnan(a) & (f > 0)
    counts = tells & (f >= STILL_TELLING)
    is_few = distinct(at[counts], who[counts], len(unit_of)) < FEWEST_TOLD
    is_few &= np.bincount(at[tells], minlength=len(unit_of))[: len(unit_of)] > 0
    has_few = np.bincount(unit_of[is_few], minlength=units)[:units] > 0
    return (distinct(unit_of[at[counts]], who[counts], units) >= FEWEST_TOLD) & ~has_few


def distinct(place: IntArray, people: IntArray, count: int) -> IntArray:
    """How many different people there are at each place."""
    if not len(people):
        return np.zeros(count, dtype=np.int64)
    pairs = np.unique(np.stack([place, people], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=count)[:count].astype(np.int64)


def gaps(
    *,
    is_decider: ArrayLike,
    is_coach: ArrayLike,
    attitude: ArrayLike,
    days: ArrayLike,
    cadence: ArrayLike,
    place: ArrayLike,
    units: int,
) -> IntArray:
    """Flags of ``Gap`` per unit, shape (units,); all inputs of people, shape (n,), NaN attitude or days: not known."""
    decides, at = np.asarray(is_decider, dtype=bool), np.asarray(place, dtype=np.int64)
    stand, silence = np.asarray(attitude, dtype=np.float64), np.asarray(days, dtype=np.float64)
    late = np.isnan(silence) | (silence > np.asarray(cadence, dtype=np.float64))

    def some(mask: BoolArray) -> BoolArray:
        found = np.zeros(units, dtype=bool)
        found[at[mask]] = True
        return found

    people = some(np.ones(len(at), dtype=bool))
    flags = np.where(people, 0, int(Gap.NO_MAP))
    flags |= np.where(people & ~some(decides), int(Gap.NO_DECIDER), 0)
    flags |= np.where(people & ~some(np.asarray(is_coach, dtype=bool)), int(Gap.NO_COACH), 0)
    flags |= np.where(some(decides & (stand < 0)), int(Gap.DECIDER_AGAINST), 0)
    flags |= np.where(some(decides & late), int(Gap.DECIDER_SILENT), 0)
    return flags.astype(np.int64)


def coverage(required: ArrayLike, covered: ArrayLike) -> tuple[FloatArray, IntArray, IntArray]:
    """Share of the required cells of department x level in which we know somebody (domain.md 5.2).

    required, covered : shape (units, cells), bool
    returns : share (units,) in 0..1, NaN where nothing is required; cells that are both (units,); cells required (units,)
    """
    asked, known = np.asarray(required, dtype=bool), np.asarray(covered, dtype=bool)
    if asked.shape != known.shape:
        raise FormulaError("required and covered cells must have one shape")
    both, total = (asked & known).sum(axis=1), asked.sum(axis=1)
    share = np.full(len(asked), np.nan)
    np.divide(both, total, out=share, where=total > 0)
    return share, both.astype(np.int64), total.astype(np.int64)


def threads(theirs: ArrayLike, ours: ArrayLike) -> IntArray:
    """``Thread`` per unit from how many different people took part in two-way interactions, on each side, shape (u,)."""
    there, here = np.asarray(theirs), np.asarray(ours)
    if np.any(there < 0) or np.any(here < 0):
        raise FormulaError("people are counted from 0")
    alone = np.where(here == 1, int(Thread.ONE_OF_OURS), int(Thread.SPREAD))
    found = np.where(there == 1, int(Thread.ONE_CONTACT), np.where(there == 0, int(Thread.SILENT), alone))
    return found.astype(np.int64)


def shortfall(value: ArrayLike, target: ArrayLike) -> FloatArray:
    """How much is missing to a target, 0 where it is reached; NaN where either is not known or not asked."""
    return np.maximum(np.asarray(target, dtype=np.float64) - np.asarray(value, dtype=np.float64), 0.0)
