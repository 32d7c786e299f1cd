"""How does each account buy? Interval, rhythm, stability, season, weekday. Pure, no Django import.

Orders come as two flat arrays, the place of the account (0 .. n - 1) and the order day; a day counts once an account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, DateArray, FloatArray, whole_units

IntArray = NDArray[np.int64]

INTERVAL_ORDER_DAYS = 3  # order days from which a median interval is given
RHYTHM_ORDER_DAYS = 4  # from which the rhythm ratio and the stability are given
ACTIVE_MONTHS = 3  # months with revenue from which its stability is given
MONTHS_PER_YEAR = 12
SPRING_FESTIVAL_MONTHS = 2  # January and February: the festival moves between them
DAYS_PER_WEEK = 7
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0


@dataclass(frozen=True, slots=True)
class OrderRhythm:
    """Rhythm of each account, (n,); NaN where an account has too few order days.

    order_days : distinct days with an order; last_order_on : NaT without one; days_since_order : to the as-of date
    median_interval_days : from INTERVAL_ORDER_DAYS order days
    rhythm_ratio : rho = days since the last order / median interval, from RHYTHM_ORDER_DAYS; 2 and more is overdue
    interval_variation : CV of the intervals, from RHYTHM_ORDER_DAYS
    """

    order_days: IntArray
    last_order_on: DateArray
    days_since_order: FloatArray
    median_interval_days: FloatArray
    rhythm_ratio: FloatArray
    interval_variation: FloatArray

    @property
    def stability(self) -> FloatArray:
        """Order stability, (n,): ``stability`` of the intervals."""
        return stability(self.interval_variation)


def order_rhythm(account: ArrayLike, order_on: ArrayLike, *, accounts: int, as_of: np.datetime64) -> OrderRhythm:
    """Rhythm of the orders of each account up to ``as_of``.

    account, order_on : place of the account and order day, datetime64[D], (m,); accounts : n
    rho = (as_of - last order day) / median of the days between consecutive order days
    CV = sample standard deviation (n - 1) of those intervals / their mean
    raises FormulaError : shapes differ, a place is out of range, a day is NaT or lies after as_of
    Source: domain.md 3.6 (L6) and 7.2 (rho).
    """
    who, when = _order_days(account, order_on, accounts=accounts)
    if (when > as_of).any():
        raise FormulaError("an order lies after the as-of date; leave it out")
    order_days = np.bincount(who, minlength=accounts).astype(np.int64)
    last: DateArray = np.full(accounts, np.datetime64("NaT"), dtype="datetime64[D]")
    last[who] = when  # ascending, so the last one stays
    since = np.asarray(as_of, dtype="datetime64[D]") - last
    days_since = np.where(np.isnat(since), np.nan, since.astype(np.float64))
    same = who[1:] == who[:-1]
    owner, gaps = who[1:][same], np.diff(when)[same].astype(np.float64)
    median = np.where(order_days >= INTERVAL_ORDER_DAYS, _grouped_median(owner, gaps, accounts), np.nan)
    has_rhythm = order_days >= RHYTHM_ORDER_DAYS
    return OrderRhythm(
        order_days=order_days,
        last_order_on=last,
        days_since_order=days_since,
        median_interval_days=median,
        rhythm_ratio=np.where(has_rhythm, days_since / median, np.nan),
        interval_variation=np.where(has_rhythm, _grouped_variation(owner, gaps, accounts), np.nan),
    )


def stability(variation: ArrayLike) -> FloatArray:
    """1 / (1 + CV), shape (n,), in (0, 1]: 1 for perfectly even, 1/2 at CV = 1, falling as CV rises; NaN stays NaN.

    variation : coefficient of variation, CV >= 0. Of intervals, CV = 1 is the mark of purely random (Poisson) buying
    and less is regular; of amounts it is the relative spread, as in CV^2 of Syntetos and Boylan 2005 [R19].
    raises FormulaError : CV is negative or infinite
    The map onto (0, 1] is ours: it orders accounts as the CV does and needs no limit chosen. [S002] asks for the most
    stable orders (最稳定订单) without a formula.
    """
    cv = np.asarray(variation, dtype=np.float64)
    if (cv < 0).any() or np.isinf(cv).any():
        raise FormulaError("a coefficient of variation must be 0 or more")
    return np.asarray(1 / (1 + cv))


def revenue_variation(monthly_revenue: ArrayLike) -> FloatArray:
    """CV of each account's monthly net revenue, shape (n,): population standard deviation / mean.

    monthly_revenue : every month of the window, months without revenue as 0, (n, m), money of one currency
    NaN where the mean is 0 or below, with fewer than ACTIVE_MONTHS months above 0, or with a month missing (NaN).
    Months before an account's first order count as 0: leave accounts younger than the window out.
    raises FormulaError : not two-dimensional, or an amount is infinite
    """
    net = _monthly(monthly_revenue)
    is_known = ~np.isnan(net).any(axis=1)
    total = np.where(is_known, net.sum(axis=1), np.nan)
    is_inside = is_known & (total > 0) & ((net > 0).sum(axis=1) >= ACTIVE_MONTHS)
    variation = np.full(len(net), np.nan)
    inside = net[is_inside]
    variation[is_inside] = inside.std(axis=1) / inside.mean(axis=1) if len(inside) else 0
    return variation


def active_months(
    account: ArrayLike, order_on: ArrayLike, *, accounts: int, start: np.datetime64, end: np.datetime64
) -> IntArray:
    """Calendar months of [start, end) with an order day, shape (n,); of 12 where the window is a year.

    raises FormulaError : shapes differ, a place is out of range, a day is NaT, or the window is empty
    """
    who, when = _within(account, order_on, accounts=accounts, start=start, end=end)
    months = when.astype("datetime64[M]").astype(np.int64)
    once = np.unique(np.stack([who, months]), axis=1)
    return np.bincount(once[0], minlength=accounts).astype(np.int64)


def weekday_profile(
    account: ArrayLike, order_on: ArrayLike, *, accounts: int, start: np.datetime64, end: np.datetime64
) -> FloatArray:
    """Share of each weekday in the order days of [start, end), shape (n, 7), Monday first; NaN without an order day.

    raises FormulaError : as ``active_months``
    """
    who, when = _within(account, order_on, accounts=accounts, start=start, end=end)
    weekday = (when.astype(np.int64) + _EPOCH_WEEKDAY) % DAYS_PER_WEEK
    counts = np.bincount(who * DAYS_PER_WEEK + weekday, minlength=accounts * DAYS_PER_WEEK)
    return _shares(counts.reshape(accounts, DAYS_PER_WEEK).astype(np.float64))


def season_shares(monthly_revenue: ArrayLike, *, first_month: int) -> FloatArray:
    """Share of each calendar month in revenue, shape (n, 12), January first: s_j = R_j+ / sum R+.

    monthly_revenue : net revenue of whole years in a row, so that every calendar month counts equally often, (n, 12 k)
    first_month : calendar month of the first column, 1 .. 12
    R_j is the net revenue of calendar month j over all years; a month of credits has the share 0, as in domain.md 1.8.
    NaN where no month lies above 0 or one is missing. 1/12 is no season at all.
    raises FormulaError : not whole years, first_month out of range, or an amount is infinite
    """
    net = _monthly(monthly_revenue)
    if net.shape[1] == 0 or net.shape[1] % MONTHS_PER_YEAR:
        raise FormulaError("shares by month need whole years, or some months would count more often than others")
    if not 1 <= first_month <= MONTHS_PER_YEAR:
        raise FormulaError("first_month must be a month from 1 to 12")
    by_place = _in_units(net).reshape(len(net), net.shape[1] // MONTHS_PER_YEAR, MONTHS_PER_YEAR).sum(axis=1)
    by_month = np.roll(by_place, first_month - 1, axis=1)
    return _shares(np.maximum(by_month, 0.0))


def spring_festival_share(shares: ArrayLike) -> FloatArray:
    """Share of January and February together, shape (n,), from ``season_shares``; 1/6 is no season.

    One figure for both, because the Spring Festival (春节) moves between them. Source: domain.md 1.4.
    raises FormulaError : shares are not (n, 12)
    """
    s = np.asarray(shares, dtype=np.float64)
    if s.ndim != 2 or s.shape[1] != MONTHS_PER_YEAR:
        raise FormulaError("one share a calendar month is needed")
    return np.asarray(s[:, :SPRING_FESTIVAL_MONTHS].sum(axis=1))


def interval_spread(account: ArrayLike, order_on: ArrayLike, *, accounts: int) -> tuple[float, float, float, int]:
    """(lower quartile, median, upper quartile, how many) of the usual intervals in days; NaN where nobody has one.

    account, order_on : place of the account and order day, datetime64[D], (m,); accounts : n
    Of several accounts: of their own median intervals, so that who orders daily counts once; of a single one: of its
    intervals. Only accounts with INTERVAL_ORDER_DAYS order days or more. Quartiles by linear interpolation.
    raises FormulaError : shapes differ, a place is out of range, or a day is NaT
    """
    who, when = _order_days(account, order_on, accounts=accounts)
    same = who[1:] == who[:-1]
    owner, gaps = who[1:][same], np.diff(when)[same].astype(np.float64)
    has_rhythm = np.bincount(who, minlength=accounts) >= INTERVAL_ORDER_DAYS
    known = int(has_rhythm.sum())
    if not known:
        return float("nan"), float("nan"), float("nan"), 0
    values = gaps[has_rhythm[owner]] if known == 1 else _grouped_median(owner, gaps, accounts)[has_rhythm]
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high), known


def weekday_shares(order_on: ArrayLike) -> FloatArray:
    """Share of each weekday in order days, shape (7,), Monday first; every value given counts. NaN without one.

    raises FormulaError : a day is NaT
    """
    when: DateArray = np.asarray(order_on, dtype="datetime64[D]")
    if np.isnat(when).any():
        raise FormulaError("an order without a day cannot be placed; leave it out")
    weekday = (when.astype(np.int64) + _EPOCH_WEEKDAY) % DAYS_PER_WEEK
    return _shares(np.bincount(weekday, minlength=DAYS_PER_WEEK).astype(np.float64)[None, :])[0]


def season_index(shares: ArrayLike) -> FloatArray:
    """12 times ``season_shares``, same shape: 1 is an average month, 2 one with twice as much."""
    return np.asarray(np.asarray(shares, dtype=np.float64) * MONTHS_PER_YEAR)


def _order_days(account: ArrayLike, order_on: ArrayLike, *, accounts: int) -> tuple[IntArray, DateArray]:
    """(account, day) of each distinct order day, by account and then day."""
    who = np.asarray(account, dtype=np.int64)
    when: DateArray = np.asarray(order_on, dtype="datetime64[D]")
    if who.ndim != 1 or who.shape != when.shape:
        raise FormulaError("account and order_on must have one value an order")
    if ((who < 0) | (who >= accounts)).any():
        raise FormulaError(f"an account must be one of the places 0 to {accounts - 1}")
    if np.isnat(when).any():
        raise FormulaError("an order without a day cannot be placed; leave it out")
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    is_first: BoolArray = np.ones(len(who), dtype=bool)
    is_first[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    return who[is_first], when[is_first]


def _within(
    account: ArrayLike, order_on: ArrayLike, *, accounts: int, start: np.datetime64, end: np.datetime64
) -> tuple[IntArray, DateArray]:
    if not start < end:
        raise FormulaError("the window must end after it begins")
    who, when = _order_days(account, order_on, accounts=accounts)
    is_inside = (when >= start) & (when < end)
    return who[is_inside], when[is_inside]


def _grouped_median(owner: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Median of the values of each group, (groups,); NaN of an empty one."""
    counts = np.bincount(owner, minlength=groups)
    ordered = values[np.lexsort((values, owner))]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]) if groups else np.zeros(0, dtype=np.int64)
    median, filled = np.full(groups, np.nan), counts > 0
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    median[filled] = (ordered[low[filled]] + ordered[high[filled]]) / 2
    return median


def _grouped_variation(owner: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Sample standard deviation / mean of the values of each group, (groups,); NaN with fewer than two."""
    counts = np.bincount(owner, minlength=groups)
    mean, variance = np.full(groups, np.nan), np.full(groups, np.nan)
    np.divide(np.bincount(owner, values, minlength=groups), counts, out=mean, where=counts > 0)
    squares = np.bincount(owner, (values - mean[owner]) ** 2, minlength=groups)
    np.divide(squares, counts - 1, out=variance, where=counts > 1)
    return np.asarray(np.sqrt(variance) / mean)


def _monthly(monthly_revenue: ArrayLike) -> FloatArray:
    net = np.asarray(monthly_revenue, dtype=np.float64)
    if net.ndim != 2 or np.isinf(net).any():
        raise FormulaError("monthly revenue must be one row an account, one column a month")
    return net


def _in_units(net: FloatArray) -> FloatArray:
    """Whole ten-thousandths, so that what cancels out leaves exactly nothing; NaN stays."""
    is_known = ~np.isnan(net)
    units = np.full(net.shape, np.nan)
    units[is_known] = whole_units(net[is_known])[0].astype(np.float64)
    return units


def _shares(parts: FloatArray) -> FloatArray:
    """Each row over its sum, NaN where that is not above 0."""
    totals = parts.sum(axis=1, keepdims=True)
    shares = np.full(parts.shape, np.nan)
    np.divide(parts, totals, out=shares, where=totals > 0)
    return shares
