"""What is better retention worth? Three readings of one uplift, where a claim about it holds, and the cost of new customers.

Pure, no Django import; scipy.optimize is imported when roots are sought. Letters: m margin per customer and year, r
retention per year, r' raised retention, d discount per year, c extra retention spend per customer and year.
Sources: domain.md 8; Gupta et al. 2006, J. Service Research 9(2) for the value of a customer. The claims of the articles
("+5 % retention gives +30 % profit", "new costs 3x", "existing earns 16x") carry no source: they are parameters here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

RETENTION_CAP = 0.999  # share per year; a raised retention stops here, for at 1 no steady state exists
MAX_YEARS = 100  # of a horizon or a path; beyond a working life nobody plans
SEARCH_STEPS = 4_000  # steps over the retentions when roots are sought: 0.025 points each
EDGE = 1e-9  # of the searched range: both ends are open, a reading may have a pole there
CONSTANT = 1e-12  # a lift that differs from the target by less at every step equals it


class UpliftKind(StrEnum):
    """What "+5 %" means."""

    POINTS = "points"  # r' = r + 0.05
    RELATIVE = "relative"  # r' = 1.05 r


class Reading(StrEnum):
    """What "+30 % profit" is measured on."""

    CUSTOMER_VALUE = "customer_value"  # (a) value of an existing customer
    STEADY_STATE = "steady_state"  # (b) yearly profit in the long run, acquisition constant
    FIRST_YEAR = "first_year"  # (c) margin kept within one year


@dataclass(frozen=True, slots=True)
class Gain:
    """One reading, each shape (n,), money except the lift.

    before : without the uplift; after : with it, net of the extra spend
    lift : after / before - 1, NaN unless before > 0
    break_even_cost : the extra spend per customer and year at which after = before
    """

    before: FloatArray
    after: FloatArray
    lift: FloatArray
    break_even_cost: FloatArray


@dataclass(frozen=True, slots=True)
class RetentionEconomics:
    """The three readings side by side; is_capped : the uplift was cut at RETENTION_CAP, shape (n,)."""

    raised_retention: FloatArray
    is_capped: BoolArray
    gains: dict[Reading, Gain]


@dataclass(frozen=True, slots=True)
class RetentionTerms:
    """What holds for every retention looked at; money of one currency.

    margin : m per customer and year, before the extra spend, above 0
    uplift : a fraction, 0.05 for 5 points or 5 %; may be below 0
    discount : d per year, a fraction of 0 or more
    acquisition_cost : CAC per new customer; new_customers : gained every year, above 0
    retention_cost : c, extra spend a year on each customer who is there when the year begins, whether he stays or not,
    booked with that year's margin
    horizon : years of reading (a), at most MAX_YEARS, None endless
    raises FormulaError : a value is NaN, infinite or outside its domain
    """

    margin: float
    uplift: float
    uplift_kind: UpliftKind
    discount: float = 0.0
    acquisition_cost: float = 0.0
    retention_cost: float = 0.0
    new_customers: float = 1.0
    horizon: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.margin < np.inf and 0 < self.new_customers < np.inf):
            raise FormulaError("margin and new customers must be above 0")
        if not np.isfinite(self.uplift):
            raise FormulaError("the uplift must be a number")
        if not 0 <= self.discount < np.inf:
            raise FormulaError("discount must be 0 or more")
        if not (0 <= self.acquisition_cost < np.inf and 0 <= self.retention_cost < np.inf):
            raise FormulaError("costs must be 0 or more")
        if self.horizon is not None and not 1 <= self.horizon <= MAX_YEARS:
            raise FormulaError(f"the horizon must lie in 1 to {MAX_YEARS} years; leave it out for an endless one")


def retention_economics(retention: ArrayLike, *, terms: RetentionTerms) -> RetentionEconomics:
    """What an uplift of retention brings, by three readings, each shape (n,).

    (a) value of an existing customer: sum over t = 1..T of (m r - c) r**(t-1) / (1 + d)**t; endless (m r - c)/(1 + d - r)
    (b) profit a year in the steady state of N new customers a year: N ((m - c) / (1 - r) - CAC)
    (c) margin kept of a customer of today within the year: m r - c
    each once with r and c = 0, once with r' and c. Without costs the lifts are [r'/(1+d-r')] / [r/(1+d-r)] - 1,
    (1 - r)/(1 - r') - 1 and r'/r - 1.
    retention : r, 0 <= r <= 1; (b) is NaN at r = 1, where no steady state exists
    raises FormulaError : r outside [0, 1], r = 1 with d = 0 and no horizon (endless value), or r' below 0
    Assumes constant m and r, and that the uplift changes nothing else; first margin of (a) one year from now.
    Source: domain.md 8.
    """
    r = np.atleast_1d(np.asarray(retention, dtype=np.float64))
    if not np.all((r >= 0) & (r <= 1)):
        raise FormulaError("retention must lie in [0, 1]")
    if terms.discount == 0 and terms.horizon is None and (r == 1).any():
        raise FormulaError("with discount 0, a retention of 1 has no finite value; set a discount or a horizon")
    wanted = _uncapped(r, terms)
    if (wanted < 0).any():
        raise FormulaError("the uplift would bring retention below 0")
    raised = np.minimum(wanted, np.maximum(r, RETENTION_CAP))
    return RetentionEconomics(
        raised_retention=raised,
        is_capped=np.asarray(wanted > raised),
        gains={reading: _gain(reading, r, raised, terms) for reading in Reading},
    )


def retentions_with_lift(reading: Reading, *, target_lift: float, terms: RetentionTerms) -> FloatArray:
    """Every retention at which the claim "this uplift brings ``target_lift``" is true, rising, shape (roots,).

    Searched over 0 < r and r' < 1, without the cap: brentq in each of 4,000 steps over which lift - target changes sign,
    so that two roots within 0.025 points of each other may be missed. Empty: the claim is true nowhere.
    target_lift : a fraction, 0.3 for "+30 %"
    raises FormulaError : the target is NaN or infinite, the uplift is not above 0, or the claim is true at every
    retention (a relative uplift read within one year and without spend is its own lift)
    Source: domain.md 8 (5 points, d = 10 %, +30 %: (a) r = 82.9 % and 22.1 %, (b) r = 78.33 %).
    """
    from scipy.optimize import brentq

    if not np.isfinite(target_lift):
        raise FormulaError("the claimed lift must be a number")
    if not terms.uplift > 0:
        raise FormulaError("the uplift must be above 0")

    def miss(retention: ArrayLike) -> FloatArray:
        r = np.atleast_1d(np.asarray(retention, dtype=np.float64))
        return _gain(reading, r, _uncapped(r, terms), terms).lift - target_lift

    is_points = terms.uplift_kind is UpliftKind.POINTS
    end = 1 - terms.uplift if is_points else 1 / (1 + terms.uplift)
    if end <= 0:
        return np.empty(0)
    grid = np.linspace(EDGE * end, (1 - EDGE) * end, SEARCH_STEPS + 1)
    misses = miss(grid)
    if (np.abs(misses) < CONSTANT).all():
        raise FormulaError("the claim is true at every retention; there is no single one to name")
    starts = np.flatnonzero(misses[:-1] * misses[1:] < 0)  # NaN, where there is no lift, compares false
    roots = [brentq(lambda r: float(miss(r)[0]), grid[start], grid[start + 1], xtol=1e-14) for start in starts]
    return np.sort(np.concatenate([np.array(roots, dtype=np.float64), grid[misses == 0]]))


def steady_state_path(retention: float, *, terms: RetentionTerms, years: int) -> tuple[FloatArray, FloatArray]:
    """Customers and yearly profit on the way from the old steady state to the new one, each shape (years + 1,).

    S_0 = N / (1 - r), S_t = r' S_{t-1} + N = S* + (S_0 - S*) r'**t with S* = N / (1 - r')
    profit_0 = m S_0 - N CAC; profit_t = (m - c) S_t - N CAC
    retention : r in [0, 1); raises FormulaError : r outside, years outside 0 to MAX_YEARS, or r' below 0
    Reading (b) is its end. Source: domain.md 8.
    """
    if not 0 <= retention < 1:
        raise FormulaError("a steady state needs a retention in [0, 1)")
    if not 0 <= years <= MAX_YEARS:
        raise FormulaError(f"years must lie in 0 to {MAX_YEARS}")
    raised = float(retention_economics(retention, terms=terms).raised_retention[0])
    start, end = terms.new_customers / (1 - retention), terms.new_customers / (1 - raised)
    customers = np.asarray(end + (start - end) * raised ** np.arange(years + 1), dtype=np.float64)
    spend = np.where(np.arange(years + 1) > 0, terms.retention_cost, 0.0)
    return customers, (terms.margin - spend) * customers - terms.new_customers * terms.acquisition_cost


def profit_ratio(cost_share: ArrayLike, *, cost_multiple: float = 3.0) -> FloatArray:
    """How many times the first-year profit of a new customer an existing one earns, margins being equal, shape (n,).

    ratio = (m - c) / (m - k c) = (1 - x) / (1 - k x), x = c / m
    cost_share : x, what keeping a customer costs of the yearly margin, 0 <= x <= 1
    cost_multiple : k, how many times that a new customer costs, k > 1 (the article's claim: 3)
    returns : NaN from x = 1 / k on, where the new customer earns nothing in the first year
    raises FormulaError : x or k is NaN or outside its domain
    Source: domain.md 8.
    """
    x = np.asarray(cost_share, dtype=np.float64)
    if not np.all((x >= 0) & (x <= 1)):
        raise FormulaError("the cost share must lie in [0, 1]")
    _check_cost_multiple(cost_multiple)
    first_year = 1 - cost_multiple * x
    return np.asarray(np.divide(1 - x, first_year, out=np.full(x.shape, np.nan), where=first_year > 0))


def cost_share_for_ratio(ratio: ArrayLike, *, cost_multiple: float = 3.0) -> tuple[FloatArray, FloatArray]:
    """The only cost share x = c / m at which ``profit_ratio`` is ``ratio``, and CAC / m = k x, each shape (n,).

    x = (ratio - 1) / (k ratio - 1); k = 3 and ratio 16: 15/47 = 31.9 %, CAC 45/47 = 95.7 % of the margin
    raises FormulaError : a ratio below 1, NaN or infinite, or k not above 1
    """
    wanted = np.asarray(ratio, dtype=np.float64)
    if not (np.isfinite(wanted).all() and (wanted >= 1).all()):
        raise FormulaError("the profit ratio must be 1 or more")
    _check_cost_multiple(cost_multiple)
    share = (wanted - 1) / (cost_multiple * wanted - 1)
    return np.asarray(share), np.asarray(cost_multiple * share)


def _check_cost_multiple(cost_multiple: float) -> None:
    if not 1 < cost_multiple < np.inf:
        raise FormulaError("a new customer must cost more than an existing one: the multiple must be above 1")


def _uncapped(r: FloatArray, terms: RetentionTerms) -> FloatArray:
    return r + terms.uplift if terms.uplift_kind is UpliftKind.POINTS else r * (1 + terms.uplift)


def _gain(reading: Reading, r: FloatArray, raised: FloatArray, terms: RetentionTerms) -> Gain:
    """before and after = earned - fixed, after less c for every customer-year; r, raised shape (n,)."""
    m = terms.margin
    if reading is Reading.CUSTOMER_VALUE:
        exposure = _discounted_years(raised, terms)
        before, gross = m * r * _discounted_years(r, terms), m * raised * exposure
    elif reading is Reading.STEADY_STATE:
        exposure = _customers(raised, terms)
        fixed = terms.new_customers * terms.acquisition_cost
        before, gross = m * _customers(r, terms) - fixed, m * exposure - fixed
    else:
        before, gross, exposure = m * r, m * raised, np.ones_like(r)
    after = gross - terms.retention_cost * exposure
    lift = np.divide(after, before, out=np.full(r.shape, np.nan), where=before > 0) - 1
    return Gain(before=before, after=after, lift=lift, break_even_cost=(gross - before) / exposure)


def _discounted_years(r: FloatArray, terms: RetentionTerms) -> FloatArray:
    """Years a customer of today begins with us, each discounted from its end: sum of r**(t-1) / (1 + d)**t."""
    d = terms.discount
    if terms.horizon is None:
        return np.asarray(1 / (1 + d - r))
    # Year by year: the closed form divides two differences that vanish where r reaches 1 + d.
    kept = (r / (1 + d))[:, None] ** np.arange(terms.horizon)
    return np.asarray(kept.sum(axis=1) / (1 + d))


def _customers(r: FloatArray, terms: RetentionTerms) -> FloatArray:
    """Customers in the steady state, NaN at r = 1."""
    return np.divide(terms.new_customers, 1 - r, out=np.full(r.shape, np.nan), where=r < 1)
