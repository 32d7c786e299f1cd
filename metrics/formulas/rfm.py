"""Who buys recently, often, for much? Quantile scores, named segments and value bands. Pure, no Django import.

Everything here is relative to the accounts given: a score moves when other accounts change, and says little of a few
accounts. It groups accounts for a list or a campaign; it is no grade. Source: domain.md 3.10 and 3.2 (percent rank);
recency, frequency, monetary value after Hughes 1994, Strategic Database Marketing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

BINS = 5
FEW_ACCOUNTS = 10  # below so many a rank says little: flagged, not refused
HIGH_FROM = 80.0  # percent rank from which an account is high value: the top fifth; a starting value
MID_FROM = 50.0  # from which it is mid value: the upper half; a starting value
LEVELS = 5  # levels the rules of the segments are written in, whatever the number of bins
_DECIMALS = 9  # to which a ratio is rounded before it meets a threshold


class RfmSegment(StrEnum):
    """Segments in the order their rules are tried."""

    CHAMPION = "champion"  # recent, often, for much
    CANNOT_LOSE = "cannot_lose"  # were champions, silent now
    AT_RISK = "at_risk"  # bought often, silent now
    LOYAL = "loyal"  # often, for whatever amount
    LARGE_OCCASIONAL = "large_occasional"  # seldom and for much: projects
    NEW = "new"  # just now, and hardly before
    GROWING = "growing"  # recent, not yet often
    NEEDS_ATTENTION = "needs_attention"  # middling, and slipping
    ABOUT_TO_SLEEP = "about_to_sleep"  # seldom, and a while ago
    LARGE_ASLEEP = "large_asleep"  # seldom, long ago, for much: win back one by one
    HIBERNATING = "hibernating"  # seldom, long ago, for little
    LOST = "lost"  # seldom, longest ago, for little


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Levels 1 (least) to LEVELS (most recent, most often, most money), both ends of a range included."""

    segment: RfmSegment
    recency: tuple[int, int] = (1, LEVELS)
    frequency: tuple[int, int] = (1, LEVELS)
    monetary: tuple[int, int] = (1, LEVELS)


# First match wins; together they cover every combination of levels. Our grid: published ones differ from one another
# and have no common source, so this is a starting value like a weight.
SEGMENT_RULES = (
    SegmentRule(RfmSegment.CHAMPION, (4, 5), (4, 5), (4, 5)),
    SegmentRule(RfmSegment.CANNOT_LOSE, (1, 2), (4, 5), (4, 5)),
    SegmentRule(RfmSegment.AT_RISK, (1, 2), (3, 5)),
    SegmentRule(RfmSegment.LOYAL, (3, 5), (4, 5)),
    SegmentRule(RfmSegment.LARGE_OCCASIONAL, (3, 5), (1, 2), (4, 5)),
    SegmentRule(RfmSegment.NEW, (5, 5), (1, 1)),
    SegmentRule(RfmSegment.GROWING, (4, 5), (1, 3)),
    SegmentRule(RfmSegment.NEEDS_ATTENTION, (3, 3), (3, 3)),
    SegmentRule(RfmSegment.ABOUT_TO_SLEEP, (3, 3), (1, 2)),
    SegmentRule(RfmSegment.LARGE_ASLEEP, (1, 2), (1, 2), (4, 5)),
    SegmentRule(RfmSegment.HIBERNATING, (2, 2), (1, 2)),
    SegmentRule(RfmSegment.LOST, (1, 1), (1, 2)),
)


class ValueBand(StrEnum):
    HIGH = "high"
    MID = "mid"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class RfmScores:
    """Scores 1 .. bins, (n,), higher is better; NaN for an account without an order or with a figure missing.

    accounts : those with scores; is_few : fewer than FEW_ACCOUNTS, so that the scores say little
    """

    recency: FloatArray
    frequency: FloatArray
    monetary: FloatArray
    bins: int
    accounts: int
    is_few: bool


def percent_rank(values: ArrayLike) -> FloatArray:
    """100 (average rank - 1) / (n - 1), ascending, shape (n,), 0 .. 100; ties share the average rank.

    n counts the values that are not NaN; NaN stays NaN, a single value is at 50.
    raises FormulaError : a value is infinite, or values is not one-dimensional
    Source: domain.md 3.2, EX-14.
    """
    doubled, n = _doubled_ranks(values)
    return np.asarray(np.where(np.isnan(doubled), np.nan, 50.0 if n < 2 else 50.0 * (doubled - 2) / max(n - 1, 1)))


def quantile_scores(values: ArrayLike, *, bins: int = BINS, is_lower_better: bool = False) -> FloatArray:
    """Score 1 .. bins of each value by its percent rank, shape (n,): floor(bins rank / 100) + 1, at most bins.

    values : (n,), NaN has no score; equal values get the same score, so bins need not be equally full
    is_lower_better : 100 - percent rank instead
    Decided in whole ranks, so that no float noise does.
    raises FormulaError : a value is infinite, or fewer than 2 bins
    """
    if bins < 2:
        raise FormulaError("scores need at least 2 bins")
    doubled, n = _doubled_ranks(values)
    if is_lower_better:
        doubled = 2 * (n + 1) - doubled
    steps = (doubled - 2) * bins // (2 * (n - 1)) if n > 1 else np.where(np.isnan(doubled), np.nan, bins // 2)
    return np.asarray(np.minimum(steps + 1, bins), dtype=np.float64)


def rfm_scores(days_since_order: ArrayLike, orders: ArrayLike, revenue: ArrayLike, *, bins: int = BINS) -> RfmScores:
    """Recency, frequency and monetary score of each account among the accounts given.

    days_since_order : days from the last order to the as-of date, >= 0, NaN without an order, (n,)
    orders : orders of the window, >= 0, (n,); revenue : net revenue of the window, signed money of one currency, (n,)
    An account with any of the three missing is left out of all three rankings.
    raises FormulaError : shapes differ, a value is infinite, days or orders are negative, or fewer than 2 bins
    """
    days, count, net = (np.asarray(array, dtype=np.float64) for array in (days_since_order, orders, revenue))
    if not (days.ndim == 1 and days.shape == count.shape == net.shape):
        raise FormulaError("every array must have one value an account")
    if (days < 0).any() or (count < 0).any():
        raise FormulaError("days since the last order and orders must be 0 or more")
    is_scored = ~(np.isnan(days) | np.isnan(count) | np.isnan(net))

    def among_scored(values: FloatArray) -> FloatArray:
        return np.where(is_scored, values, np.nan)

    accounts = int(is_scored.sum())
    return RfmScores(
        recency=quantile_scores(among_scored(days), bins=bins, is_lower_better=True),
        frequency=quantile_scores(among_scored(count), bins=bins),
        monetary=quantile_scores(among_scored(net), bins=bins),
        bins=bins,
        accounts=accounts,
        is_few=accounts < FEW_ACCOUNTS,
    )


def rfm_segments(scores: RfmScores, *, rules: tuple[SegmentRule, ...] = SEGMENT_RULES) -> NDArray[np.str_]:
    """Segment of each account, shape (n,): the value of RfmSegment of the first rule that matches, "" where there are
    no scores or no rule matches.

    A score s of another number of bins counts as the level its middle lies in, floor(LEVELS (s - 1/2) / bins) + 1.
    raises FormulaError : a rule with a range outside 1 .. LEVELS or upside down
    """
    for rule in rules:
        for low, high in (rule.recency, rule.frequency, rule.monetary):
            if not 1 <= low <= high <= LEVELS:
                raise FormulaError(f"rule {rule.segment} needs ranges of levels within 1 to {LEVELS}, low to high")
    levels = [_levels(score, scores.bins) for score in (scores.recency, scores.frequency, scores.monetary)]
    matches = [
        np.logical_and.reduce(
            [
                (level >= low) & (level <= high)  # NaN lies in no range
                for level, (low, high) in zip(levels, (rule.recency, rule.frequency, rule.monetary), strict=True)
            ]
        )
        for rule in rules
    ]
    names = [np.full(levels[0].shape, rule.segment.value) for rule in rules]
    return np.select(matches, names, default="") if rules else np.full(levels[0].shape, "")


def value_bands(value: ArrayLike, *, high_from: float = HIGH_FROM, mid_from: float = MID_FROM) -> NDArray[np.str_]:
    """Value band of each account, shape (n,): the value of ValueBand, "" where the value is missing.

    value : revenue, gross profit, contribution or lifetime value, money of one currency, NaN missing, (n,)
    high_from, mid_from : percent ranks, 0 <= mid_from <= high_from <= 100. High from high_from, mid from mid_from, else
    low; a value of 0 or below is low whatever its rank.
    raises FormulaError : a value is infinite, or the limits are out of range
    Source: [S004] value high/mid/low; the limits are ours, a starting value.
    """
    if not 0 <= mid_from <= high_from <= 100:
        raise FormulaError("the limits must satisfy 0 <= mid_from <= high_from <= 100")
    amounts = np.asarray(value, dtype=np.float64)
    ranks = np.round(percent_rank(amounts), _DECIMALS)
    is_worth: BoolArray = np.asarray(amounts > 0)
    return np.select(
        [np.isnan(amounts), is_worth & (ranks >= high_from), is_worth & (ranks >= mid_from)],
        ["", ValueBand.HIGH.value, ValueBand.MID.value],
        default=ValueBand.LOW.value,
    )


def _doubled_ranks(values: ArrayLike) -> tuple[FloatArray, int]:
    """(twice the average rank, a whole number; NaN where the value is missing; number of values that are there)."""
    from scipy.stats import rankdata

    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or np.isinf(x).any():
        raise FormulaError("values must be numbers, one an account, NaN where one is missing")
    doubled, is_known = np.full(x.shape, np.nan), ~np.isnan(x)
    doubled[is_known] = 2 * rankdata(x[is_known], method="average")
    return doubled, int(is_known.sum())


def _levels(score: FloatArray, bins: int) -> FloatArray:
    return np.asarray((2 * score - 1) * LEVELS // (2 * bins) + 1)
