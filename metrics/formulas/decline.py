"""Which accounts are about to buy less? Points of risk, each with the signal it comes from. Pure, no Django import.

The points are a transparent rule, not a probability: what a number of points has meant so far is measured by
``decline_evaluation``. Source: domain.md 7.2; where a limit is taken over from a grading rule, 3.6 or 3.7 is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

LATE_RHYTHM = 2.0  # the next order is clearly late: the baseline any better rule must beat [domain.md 7.2]
HIGH_RISK_POINTS = 50.0  # from here an account is on the list of those to be called [D]
WATCH_POINTS = 25.0  # from here it is watched [D]
_DECIMALS = 9  # points are rounded before they meet a limit, so that float noise never decides


class Signal(StrEnum):
    """What points to a decline, in the order in which it is listed."""

    RHYTHM = "rhythm"
    CHANCE_GONE = "chance_gone"
    REVENUE_TREND = "revenue_trend"
    BREADTH_LOSS = "breadth_loss"
    OVERDUE = "overdue"
    COMPLAINTS = "complaints"
    CONTACT_SILENCE = "contact_silence"


class RiskBand(StrEnum):
    """LOW below 25 points, WATCH below 50, HIGH from 50; UNKNOWN without any signal."""

    UNKNOWN = "unknown"
    LOW = "low"
    WATCH = "watch"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Scale:
    """Points at the anchors of a signal: linear between them, flat outside; values ascend, points never fall from 0."""

    values: tuple[float, ...]
    points: tuple[float, ...]

    @property
    def most(self) -> float:
        return self.points[-1]


# The most points add up to 100; how they are shared out is ours [D], to be calibrated by ``decline_evaluation``. Tried
# on the Online Retail II ledger as of 2011-06-01 with the first four signals: of the accounts that bought nothing in
# the next six months they name 16 among 20 and 237 among 604, the late rhythm 11 and 229; of those that fell to half of
# their year's pace 19 and 320 against 18 and 323. Points for revenue trend near those for the rhythm found fewer.
SCALES: dict[Signal, Scale] = {
    # days since the last order / own median interval; the steps of scale L6 (3.6): 1, 2, 3, 5 give 0, 40, 70, 100 %
    Signal.RHYTHM: Scale((1.0, 2.0, 3.0, 5.0), (0.0, 12.0, 21.0, 30.0)),
    # 1 - P(alive) of BG/NBD, as it is [7.2; the weight D]
    Signal.CHANCE_GONE: Scale((0.0, 1.0), (0.0, 30.0)),
    # share of the prior 12 months' revenue that was lost; 30 % and 50 % stand as 2 to 3 (3.7)
    Signal.REVENUE_TREND: Scale((0.0, 0.3, 0.5), (0.0, 8.0, 12.0)),
    # share of the different products of the prior 12 months that is no longer bought; steps as for revenue [D]
    Signal.BREADTH_LOSS: Scale((0.0, 0.3, 0.5), (0.0, 4.0, 6.0)),
    # amount overdue by more than 30 days / revenue of 12 months; 10 % is the soft, 20 % the hard signal of 3.7
    Signal.OVERDUE: Scale((0.0, 0.1, 0.2), (0.0, 4.0, 8.0)),
    # severe complaints open for more than 30 days; from 2 on they are a problem signal (3.7)
    Signal.COMPLAINTS: Scale((0.0, 2.0), (0.0, 8.0)),
    # days since the last contact; one and two quarters without any [D]
    Signal.CONTACT_SILENCE: Scale((30.0, 90.0, 180.0), (0.0, 3.0, 6.0)),
}
MOST_POINTS = 100.0


@dataclass(frozen=True, slots=True)
class DeclineRisk:
    """Points of risk, each shape (n,).

    points : 0..100, the sum of the contributions; NaN without any known signal
    contributions : points of each signal, 0 where it is not known
    is_known : signals that were known; the others give 0 points and are listed as missing
    evidence : share of the 100 points that the known signals can give, 0..1
    band : value of RiskBand
    """

    points: FloatArray
    contributions: dict[Signal, FloatArray]
    is_known: dict[Signal, BoolArray]
    evidence: FloatArray
    band: NDArray[np.str_]


def lost_share(base: ArrayLike, comparison: ArrayLike, *, min_base: float = 0.0) -> FloatArray:
    """(B - C) / B within 0..1, shape (n,): the part of revenue, or of the number of products, that was lost.

    base, comparison : B of the 12 months before and C of the last 12, in one currency; 0 where C >= B, 1 where C <= 0
    NaN unless B > 0 and B >= min_base: what was never there cannot be lost, and a tiny base says nothing.
    raises FormulaError : shapes differ, or min_base is below 0
    """
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    if b.shape != c.shape or not min_base >= 0:
        raise FormulaError("give base and comparison of each account, and a smallest base of 0 or more")
    share = np.full(b.shape, np.nan)
    with np.errstate(over="ignore"):
        np.divide(b - c, b, out=share, where=(b > 0) & (b >= min_base))
    return np.clip(share, 0.0, 1.0)


def decline_risk(
    *,
    rhythm: ArrayLike,
    revenue_lost: ArrayLike | None = None,
    breadth_lost: ArrayLike | None = None,
    alive: ArrayLike | None = None,
    overdue_share: ArrayLike | None = None,
    severe_complaints: ArrayLike | None = None,
    contact_silence_days: ArrayLike | None = None,
) -> DeclineRisk:
    """Points of each account: the sum over the signals of ``SCALES``.

    rhythm : rho of ``patterns.order_rhythm``, >= 0, shape (n,); revenue_lost, breadth_lost : from ``lost_share``, in [0, 1]
    alive : P(alive) in [0, 1]; overdue_share : amount overdue by more than 30 days / revenue of 12 months, >= 0
    severe_complaints : open for more than 30 days, >= 0; contact_silence_days : days since the last contact, >= 0
    All shape (n,), as known on one day. NaN, and None for a signal nobody has, is not known: 0 points, never the mean.
    raises FormulaError : shapes differ, or a value is outside its domain
    """
    given: dict[Signal, ArrayLike | None] = {
        Signal.RHYTHM: rhythm,
        Signal.CHANCE_GONE: None if alive is None else 1 - np.asarray(alive, dtype=np.float64),
        Signal.REVENUE_TREND: revenue_lost,
        Signal.BREADTH_LOSS: breadth_lost,
        Signal.OVERDUE: overdue_share,
        Signal.COMPLAINTS: severe_complaints,
        Signal.CONTACT_SILENCE: contact_silence_days,
    }
    shape = np.shape(rhythm)
    values = {signal: _checked(signal, given[signal], shape=shape) for signal in Signal}
    is_known = {signal: ~np.isnan(value) for signal, value in values.items()}
    contributions = {
        signal: np.where(is_known[signal], np.interp(value, SCALES[signal].values, SCALES[signal].points), 0.0)
        for signal, value in values.items()
    }
    total = np.zeros(shape)
    reachable = np.zeros(shape)
    for signal in Signal:
        total += contributions[signal]
        reachable += np.where(is_known[signal], SCALES[signal].most, 0.0)
    points = np.where(reachable > 0, total, np.nan)
    return DeclineRisk(points, contributions, is_known, reachable / MOST_POINTS, risk_bands(points))


def risk_bands(points: ArrayLike) -> NDArray[np.str_]:
    """Value of RiskBand for each number of points, shape (n,)."""
    p = np.round(np.asarray(points, dtype=np.float64), _DECIMALS)
    bands = np.select(
        [np.isnan(p), p >= HIGH_RISK_POINTS, p >= WATCH_POINTS],
        [RiskBand.UNKNOWN, RiskBand.HIGH, RiskBand.WATCH],
        default=RiskBand.LOW,
    )
    return bands.astype(np.str_)


_LARGEST: dict[Signal, float] = {Signal.REVENUE_TREND: 1.0, Signal.BREADTH_LOSS: 1.0, Signal.CHANCE_GONE: 1.0}


def _checked(signal: Signal, given: ArrayLike | None, *, shape: tuple[int, ...]) -> FloatArray:
    if given is None:
        return np.full(shape, np.nan)
    value = np.asarray(given, dtype=np.float64)
    if value.shape != shape or value.ndim != 1:
        raise FormulaError(f"{signal.value}: give one value an account")
    if np.any((value < 0) | (value > _LARGEST.get(signal, np.finfo(np.float64).max))):
        raise FormulaError(f"{signal.value} is outside its domain")
    return value
