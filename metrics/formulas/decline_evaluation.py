"""Do points of risk find the accounts that decline? Precision, recall, lift and calibration. Pure, no Django import.

Signals are taken as known on a cut date, outcomes from the time after it. The baseline any rule must beat is "order
rhythm of 2 or more". Source: domain.md 7.2; taking several cut dates follows Mirkovic et al. 2022, Applied Sciences
12(10) 5001 [R18].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.decline import LATE_RHYTHM
from metrics.formulas.exact import FloatArray

TOP = 20  # accounts a month that somebody can call [domain.md 7.2]
DECLINE_SHARE = 0.5  # an account declined if it lost half its revenue; the upper limit of the trend in 3.7
_DECIMALS = 9  # a ratio is rounded before it is compared, so that float noise never decides


@dataclass(frozen=True, slots=True)
class RankQuality:
    """How good the ``listed`` accounts at the top of a list are; NaN where there is nothing to divide by.

    precision = hits / listed; recall = hits / all declines; lift = precision / share of declines among all accounts.
    hits are expected ones where accounts at the end of the list are level: each of them is as likely to be on it.
    """

    listed: int
    hits: float
    precision: float
    recall: float
    lift: float


@dataclass(frozen=True, slots=True)
class Band:
    """Accounts of one band in the later slice: the share of declines expected from the earlier slice, and observed."""

    accounts: int
    expected: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """bands : per band number. error : mean |expected - observed| over accounts; brier : mean (expected - outcome)².

    Bands that the earlier slice did not hold have no expectation (NaN); their accounts are not in error and brier.
    """

    bands: dict[int, Band]
    accounts: int
    error: float
    brier: float


@dataclass(frozen=True, slots=True)
class DeclineEvaluation:
    """Points against the baseline on the same accounts.

    points, baseline : the top 20 by points, and by rhythm where it is 2 or more
    flagged : all accounts with a rhythm of 2 or more; points_as_many : as many accounts by points
    """

    accounts: int
    declines: int
    points: RankQuality
    baseline: RankQuality
    flagged: RankQuality
    points_as_many: RankQuality

    @property
    def is_better(self) -> bool:
        """More declines among the top 20 than the baseline finds; if not, the baseline is what is shown."""
        return round(self.points.precision, _DECIMALS) > round(self.baseline.precision, _DECIMALS)


def decline_outcome(base: ArrayLike, comparison: ArrayLike, *, share: float = DECLINE_SHARE) -> FloatArray:
    """1 where C <= (1 - share) B, else 0, shape (n,): at least ``share`` of the revenue was lost; NaN unless B > 0.

    base : B, revenue of the 12 months before the cut date; comparison : C, of the 12 months after it, one currency
    raises FormulaError : shapes differ, an amount is missing, or share outside (0, 1]
    """
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    if b.shape != c.shape or not (np.isfinite(b).all() and np.isfinite(c).all()) or not 0 < share <= 1:
        raise FormulaError("give both amounts of each account, and a share above 0 and not above 1")
    lost = np.full(b.shape, np.nan)
    np.divide(b - c, b, out=lost, where=b > 0)
    return np.where(b > 0, (np.round(lost, _DECIMALS) >= share).astype(np.float64), np.nan)


def rank_quality(score: ArrayLike, outcome: ArrayLike, *, top: int = TOP) -> RankQuality:
    """Quality of the ``top`` accounts with the highest score (all, where there are fewer).

    score : shape (n,); NaN is not known and ranks below every number; outcome : 1, 0 or NaN (left out), shape (n,)
    Of accounts level at the end of the list, each counts with the chance to be on it.
    raises FormulaError : shapes differ, an outcome other than 0, 1 or NaN, or top below 0
    """
    s, y = _pair(score, outcome)
    if top < 0:
        raise FormulaError("a list holds 0 accounts or more")
    listed, declines = min(top, len(y)), float(y.sum())
    s = np.asarray(np.round(np.where(np.isnan(s), -np.inf, s), _DECIMALS), dtype=np.float64)
    hits = 0.0
    if listed:
        limit = np.sort(s)[len(s) - listed]
        above, level = s > limit, s == limit
        hits = float(y[above].sum() + (listed - above.sum()) * y[level].mean())
    precision = _share(hits, listed)
    return RankQuality(listed, hits, precision, _share(hits, declines), _share(precision, _share(declines, len(y))))


def evaluate_decline(points: ArrayLike, rhythm: ArrayLike, outcome: ArrayLike, *, top: int = TOP) -> DeclineEvaluation:
    """Points of risk against the baseline "rhythm of 2 or more", both as of one cut date.

    points : from ``decline_risk``; rhythm : rho of ``patterns.order_rhythm``; outcome : from ``decline_outcome``; each shape (n,)
    The baseline lists by rhythm and fills up with any of the others, so it is judged on a list of the same length.
    """
    rho = np.round(np.asarray(rhythm, dtype=np.float64), _DECIMALS)
    late = np.where(rho >= LATE_RHYTHM, rho, -1.0)
    _, y = _pair(late, outcome)
    is_late = (late > 0) & ~np.isnan(np.asarray(outcome, dtype=np.float64))
    flagged = int(is_late.sum())
    return DeclineEvaluation(
        accounts=len(y),
        declines=int(y.sum()),
        points=rank_quality(points, outcome, top=top),
        baseline=rank_quality(late, outcome, top=top),
        flagged=rank_quality(late, outcome, top=flagged),
        points_as_many=rank_quality(points, outcome, top=flagged),
    )


def calibration(
    earlier_band: ArrayLike, earlier_outcome: ArrayLike, later_band: ArrayLike, later_outcome: ArrayLike
) -> Calibration:
    """Does a band of points mean the same later? Shares of declines of an earlier cut date against a later one.

    bands : whole numbers, shape (n,) and (m,), for instance the number of tens of points, or 0 and 1 for the baseline;
        outcomes : 1, 0 or NaN (left out). The outcomes of the earlier slice must be known on the later cut date.
    raises FormulaError : shapes differ, an outcome other than 0, 1 or NaN, or a band that is no whole number
    """
    learnt, learnt_outcome = _pair(earlier_band, earlier_outcome)
    band, y = _pair(later_band, later_outcome)
    if not all(np.all(np.isfinite(part) & (part == np.floor(part))) for part in (learnt, band)):
        raise FormulaError(
            "every account needs a whole number for its band; give those without points one of their own"
        )
    numbers, place = np.unique(np.concatenate([learnt, band]), return_inverse=True)
    before, after = place[: len(learnt)], place[len(learnt) :]
    expected = _means(before, learnt_outcome, count=len(numbers))
    observed = _means(after, y, count=len(numbers))
    sizes = np.bincount(after, minlength=len(numbers))
    is_both = (sizes > 0) & ~np.isnan(expected)
    apart = float((sizes * np.abs(expected - observed))[is_both].sum())
    squares = float(((expected[after] - y) ** 2)[is_both[after]].sum())
    accounts = int(sizes[is_both].sum())
    bands = {
        int(number): Band(int(size), float(before_share), float(after_share))
        for number, size, before_share, after_share in zip(numbers, sizes, expected, observed, strict=True)
    }
    return Calibration(bands, accounts, _share(apart, accounts), _share(squares, accounts))


def _pair(values: ArrayLike, outcome: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Values and outcomes of the accounts whose outcome is known."""
    v, y = np.asarray(values, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if v.shape != y.shape or v.ndim != 1:
        raise FormulaError("give one value and one outcome an account")
    if not np.all((y == 0) | (y == 1) | np.isnan(y)):
        raise FormulaError("an outcome is 1, 0 or not known")
    is_known = ~np.isnan(y)
    return v[is_known], y[is_known]


def _means(place: NDArray[np.int64], values: FloatArray, *, count: int) -> FloatArray:
    sizes = np.bincount(place, minlength=count)
    means = np.full(count, np.nan)
    np.divide(np.bincount(place, weights=values, minlength=count), sizes, out=means, where=sizes > 0)
    return means


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
