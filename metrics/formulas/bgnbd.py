"""BG/NBD: how often does a customer without a contract still buy, and is it still one?

Pure, no Django import; scipy is imported where it is used. Per customer x repeat purchase days, t_x first to last
purchase, T first purchase to today, all times in one unit. While alive a customer buys at rate lambda ~ Gamma(r, alpha);
after each purchase it leaves with chance p ~ Beta(a, b).
Sources: Fader, Hardie, Lee 2005, Marketing Science 24(2) [R1]; Hardie's notes 021 and 027 [R2].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError, InsufficientData
from metrics.formulas.exact import FloatArray
from metrics.formulas.optimise import Minimum, minimise

MIN_ACCOUNTS = 200  # table "which method when": below, a fit says more about chance than about customers
MIN_REPEATERS = 100
MIN_SPAN_INTERVALS = 3.0  # the longest history, in median intervals between purchases
_SINGULAR_NUDGE = 1e-7  # a = 1 and a + b + x = 1 are removable singularities
_LOG_BOUND = 14.0  # parameters stay within e**-14 .. e**14 of the scaled time unit
NODES = 16  # Chebyshev points of an interpolated forecast
_PACK_LIMIT = 2.0**62  # three codes in one 64-bit key
_WHOLE_PARTS = (1.0, 7.0)
_TABLE_LIMIT = 1_000_000.0


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Fitted parameters; alpha has the time unit of the data."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class BgNbdFit:
    """A fit, its log-likelihood, and the number of customers and of different (x, t_x, T) behind it."""

    model: BgNbd
    log_likelihood: float
    customers: int
    groups: int


@dataclass(frozen=True, slots=True)
class Grouped:
    """Equal customers once, with their number. Groups of several shards may be joined: the fit stays exact."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    weight: FloatArray


def group_customers(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Grouped:
    """Different (x, t_x, T) with the number of customers that share them; raises FormulaError on bad input.

    frequency : x, whole repeat purchases >= 0; recency : t_x, 0 where x = 0; age : T >= t_x; all shape (n,)
    """
    x, tx, t = _checked(frequency, recency, age)
    times, codes = distinct(np.concatenate([tx, t]))
    base = len(times)
    counts, x_codes = distinct(x)
    if float(len(counts)) * base * base >= _PACK_LIMIT:
        rows, weight = np.unique(np.stack([x, tx, t], axis=1), axis=0, return_counts=True)
        return Grouped(rows[:, 0], rows[:, 1], rows[:, 2], weight.astype(np.float64))
    keys, weight = np.unique((x_codes * base + codes[: len(x)]) * base + codes[len(x) :], return_counts=True)
    rest, age_codes = np.divmod(keys, base)  # one whole number a customer sorts faster than three columns
    x_codes, recency_codes = np.divmod(rest, base)
    return Grouped(counts[x_codes], times[recency_codes], times[age_codes], weight.astype(np.float64))


def distinct(values: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Different values, ascending, and the position of each value among them: np.unique, faster for whole days.

    Values that are whole numbers, or whole sevenths (weeks counted as days / 7), are marked in a table of that length
    instead of sorted.
    """
    for per_unit in _WHOLE_PARTS:
        whole = np.rint(values * per_unit)
        top = float(whole.max()) if len(whole) else 0.0
        if top < _TABLE_LIMIT and np.array_equal(whole / per_unit, values):
            index = whole.astype(np.int64)
            is_used = np.zeros(int(top) + 1, dtype=bool)
            is_used[index] = True
            position = np.cumsum(is_used) - 1
            return np.flatnonzero(is_used) / per_unit, position[index]
    unique, codes = np.unique(values, return_inverse=True)
    return unique, codes.astype(np.int64)


def check_sufficient(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> None:
    """Raise InsufficientData unless the history carries a fit: accounts, repeaters and span as the table asks."""
    x, tx, t = _checked(frequency, recency, age)
    repeaters = int((x >= 1).sum())
    if len(x) < MIN_ACCOUNTS:
        raise InsufficientData(
            f"{len(x)} accounts; {MIN_ACCOUNTS} are needed",
            reason="lifetime_few_accounts",
            found=len(x),
            needed=MIN_ACCOUNTS,
        )
    if repeaters < MIN_REPEATERS:
        raise InsufficientData(
            f"{repeaters} accounts with a repeat purchase; {MIN_REPEATERS} are needed",
            reason="lifetime_few_repeaters",
            found=repeaters,
            needed=MIN_REPEATERS,
        )
    interval = float(np.median(tx[x >= 1] / x[x >= 1]))
    if float(t.max()) < MIN_SPAN_INTERVALS * interval:
        raise InsufficientData(
            "the history is shorter than three typical intervals between purchases", reason="lifetime_short_span"
        )


def fit(grouped: Grouped) -> BgNbdFit:
    """Maximum likelihood over ln(r, alpha, a, b) by L-BFGS-B with the analytic gradient.

    grouped : from ``group_customers``
    raises FormulaError : no customer repeats, or the likelihood has no inner maximum (a parameter runs to the edge)
    """
    if not (grouped.frequency > 0).any():
        raise FormulaError("no customer bought twice: the model cannot be fitted")
    likelihood = Likelihood(grouped)
    found = likelihood.maximise(np.array([0.0, np.log(likelihood.typical_interval), 0.0, 1.0]))
    return BgNbdFit(
        model=likelihood.model_at(found.x),
        log_likelihood=likelihood.in_original_unit(-found.value),
        customers=int(grouped.weight.sum()),
        groups=len(grouped.weight),
    )


class Likelihood:
    """Mean negative log-likelihood and its gradient over ln(r, alpha, a, b), for data scaled to max T = 1.

    With delta = ln(a / (b + x - 1)) + (r + x) ln((alpha + T) / (alpha + t_x)) for x > 0, the term of a customer is
    lnG(r+x) - lnG(r) + lnB(a, b+x) - lnB(a, b) + r ln alpha - (r+x) ln(alpha+T) + ln(1 + e**delta).
    Gamma functions depend on x alone and logarithms on one time alone, so each is taken once per different x, t_x or
    T; per group remain one exp and one log1p. ``weigh`` gives the same groups other numbers of customers.
    """

    def __init__(self, grouped: Grouped) -> None:
        self.frequency, self.is_repeat = grouped.frequency, grouped.frequency > 0
        self.scale = float(grouped.age.max()) or 1.0
        self.counts, self.all_x_codes = distinct(grouped.frequency)
        self.ages, self.all_age_codes = distinct(grouped.age)
        self.recencies, self.recency_codes = distinct(grouped.recency[self.is_repeat])
        self.ages, self.recencies = self.ages / self.scale, self.recencies / self.scale
        self.x = grouped.frequency[self.is_repeat]
        self.x_codes, self.age_codes = self.all_x_codes[self.is_repeat], self.all_age_codes[self.is_repeat]
        self.weigh(grouped.weight)
        observed = float((self.weight * self.recencies[self.recency_codes]).sum())
        self.typical_interval = max(observed / self.repeats, 1e-3)

    def weigh(self, weight: FloatArray) -> None:
        """Number of customers of each group, shape of the groups; 0 leaves a group out."""
        self.count_weight = np.bincount(self.all_x_codes, weights=weight)
        self.age_weight = np.bincount(self.all_age_codes, weights=weight)
        self.age_repeats = np.bincount(self.all_age_codes, weights=weight * self.frequency)
        self.weight = weight[self.is_repeat]
        self.total, self.repeats = float(weight.sum()), float((self.weight * self.x).sum())

    def maximise(self, start: FloatArray) -> Minimum:
        """The maximum, as the minimum of ``negative_mean``, from ``start``; raises FormulaError without an inner one."""
        found = minimise(self.negative_mean, start, bounds=[(-_LOG_BOUND, _LOG_BOUND)] * 4)
        if not found.is_inner:
            raise FormulaError("the likelihood has no inner maximum: these purchases do not fit the model")
        return found

    def is_within(self, theta: FloatArray) -> bool:
        """The point lies inside the box that ``maximise`` searches."""
        return bool((np.abs(theta) < _LOG_BOUND).all())

    def model_at(self, theta: FloatArray) -> BgNbd:
        """The model of a point ln(r, alpha, a, b), with alpha in the unit of the data."""
        r, alpha, a, b = (float(value) for value in np.exp(theta))
        return BgNbd(r=r, alpha=alpha * self.scale, a=a, b=b)

    def point_of(self, model: BgNbd) -> FloatArray:
        """ln(r, alpha, a, b) of a model, alpha in the scaled unit."""
        return np.log([model.r, model.alpha / self.scale, model.a, model.b])

    def in_original_unit(self, mean: float) -> float:
        """Total log-likelihood in the unit of the data: a density of x purchase times scales with unit**-x."""
        return mean * self.total - self.repeats * float(np.log(self.scale))

    def negative_mean(self, theta: FloatArray) -> tuple[float, FloatArray]:
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(theta)
        x, n = self.counts, self.count_weight
        later = np.where(x > 0, b + x - 1, 1.0)  # b + x - 1 is used for x > 0 alone
        log_age, log_recency = np.log(alpha + self.ages), np.log(alpha + self.recencies)
        log_waited = log_age[self.age_codes] - log_recency[self.recency_codes]
        delta = (theta[2] - np.log(later))[self.x_codes] + (r + self.x) * log_waited
        small = np.exp(-np.abs(delta))
        by_count = gammaln(r + x) - gammaln(r) + gammaln(b + x) - gammaln(b) + gammaln(a + b) - gammaln(a + b + x)
        bought = r * self.age_weight + self.age_repeats
        value = (n * by_count).sum() + self.total * r * theta[1] - (bought * log_age).sum()
        value += (self.weight * (np.maximum(delta, 0) + np.log1p(small))).sum()
        gone = self.weight * np.where(delta > 0, 1.0, small) / (1 + small)  # weight x (1 - P(alive))
        waited = (1 / (alpha + self.ages))[self.age_codes] - (1 / (alpha + self.recencies))[self.recency_codes]
        pull = gone * (r + self.x) * waited
        joint = digamma(a + b) - digamma(a + b + x)
        gone_by_count = np.bincount(self.x_codes, weights=gone, minlength=len(x))
        slope_r = (n * (digamma(r + x) - digamma(r))).sum() + self.total * theta[1] - (self.age_weight * log_age).sum()
        slope_r += (gone * log_waited).sum()
        slope_alpha = self.total * r / alpha - (bought / (alpha + self.ages)).sum() + pull.sum()
        slope_a = (n * joint).sum() + gone.sum() / a
        slope_b = (n * (digamma(b + x) - digamma(b) + joint)).sum() - (gone_by_count / later).sum()
        slope = np.array([slope_r * r, slope_alpha * alpha, slope_a * a, slope_b * b])
        return float(-value / self.total), -slope / self.total


def log_likelihood(model: BgNbd, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> FloatArray:
    """LL_i of each customer, shape (n,), in the time unit of the data."""
    from scipy.special import betaln, gammaln

    x, tx, t = _checked(frequency, recency, age)
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + t)
    delta = _log_odds_gone(model, x, tx, t)
    return np.asarray(rate + stays + np.logaddexp(0.0, delta))


def probability_alive(model: BgNbd, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> FloatArray:
    """P(alive), shape (n,), in (0, 1]: 1 / (1 + [x > 0] a / (b+x-1) ((alpha+T) / (alpha+t_x))**(r+x)).

    For x = 0 it is 1 by construction, because a customer can only leave after a repeat purchase: show it as n/a.
    """
    from scipy.special import expit

    x, tx, t = _checked(frequency, recency, age)
    return np.asarray(expit(-_log_odds_gone(model, x, tx, t)))


def expected_purchases_of_new(model: BgNbd, duration: ArrayLike) -> FloatArray:
    """E[X(t)], expected repeat purchases of a new customer in t time units, shape of ``duration``."""
    t = _checked_duration(duration)
    return _bracket(model, np.zeros_like(t), np.zeros_like(t), t) * _lead(model, np.zeros_like(t))


def probability_of_no_purchase(model: BgNbd, duration: ArrayLike) -> FloatArray:
    """P(X(t) = 0) of a new customer: (alpha / (alpha + t))**r."""
    t = _checked_duration(duration)
    return np.asarray((model.alpha / (model.alpha + t)) ** model.r)


def expected_purchases(
    model: BgNbd, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, duration: ArrayLike
) -> FloatArray:
    """E[Y(t) | x, t_x, T], expected purchases in the next t time units, shape (n,); 0 at t = 0, rises with t."""
    x, tx, t = _checked(frequency, recency, age)
    ahead = np.broadcast_to(_checked_duration(duration), x.shape)
    alive = probability_alive(model, x, tx, t)
    return _lead(model, x) * _bracket(model, x, t, ahead) * alive


def discounted_purchases(
    model: BgNbd, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, steps: int, discount: float
) -> FloatArray:
    """Sum over k = 1..steps of (E[Y(k)] - E[Y(k-1)]) / (1 + d)**k, shape (n,); one step is one time unit.

    discount : d per step, a fraction >= 0; steps : whole time units ahead, >= 1
    Customers that share x and T share the forecast up to P(alive), and E[Y(k)] is smooth in ln(k + c): for more than
    NODES steps it is evaluated at NODES points and interpolated there, to about 1e-9 of the sum.
    """
    if steps < 1 or not discount >= 0:
        raise FormulaError("the horizon must be 1 step or more and the discount 0 or more")
    x, tx, t = _checked(frequency, recency, age)
    ages, age_codes = distinct(t)
    counts, x_codes = distinct(x)
    keys, back = np.unique(x_codes * len(ages) + age_codes, return_inverse=True)
    x_of, age_of = counts[keys // len(ages)], ages[keys % len(ages)]
    points, weights = _summation_rule(steps, discount, soft_start=model.alpha + float(ages.min(initial=0.0)))
    total = np.zeros(len(keys))
    for point, weight in zip(points, weights, strict=True):
        total += weight * _bracket(model, x_of, age_of, np.full(len(keys), point))
    return (_lead(model, x_of) * total)[back] * probability_alive(model, x, tx, t)


def _summation_rule(steps: int, discount: float, *, soft_start: float) -> tuple[FloatArray, FloatArray]:
    """Points t_j and weights w_j with sum_k (G(k) - G(k-1)) v**k = sum_j w_j G(t_j), for G smooth in ln(t + c).

    Summation by parts leaves sum_k G(k) c_k with c_k = v**k - v**(k+1), and v**steps for the last; above NODES steps
    G(k) is the barycentric interpolation of G at Chebyshev points in ln(t + soft_start).
    """
    k = np.arange(1, steps + 1, dtype=np.float64)
    v = 1 / (1 + discount)
    coefficients = v**k - v ** (k + 1)
    coefficients[-1] = v**steps
    if steps <= NODES:
        return k, coefficients
    place = np.log(k + soft_start)
    low, high = place[0], place[-1]
    j = np.arange(NODES)
    nodes = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * j / (NODES - 1))
    signs = np.where(j % 2, -1.0, 1.0)
    signs[[0, -1]] /= 2
    gaps = place[:, None] - nodes[None, :]
    is_node = np.abs(gaps) < 1e-14
    gaps[is_node] = 1.0
    matrix = signs / gaps
    matrix /= matrix.sum(axis=1, keepdims=True)
    hit = is_node.any(axis=1)
    matrix[hit] = is_node[hit]
    return np.exp(nodes) - soft_start, coefficients @ matrix


def _lead(model: BgNbd, x: FloatArray) -> FloatArray:
    a = _away_from_singularities(model)
    return np.asarray((a + model.b + x - 1) / (a - 1))


def _bracket(model: BgNbd, x: FloatArray, age: FloatArray, ahead: FloatArray) -> FloatArray:
    """1 - u**(a-1) 2F1(a+b-1-r, a-1; a+b+x-1; 1-u) with u = (alpha+T) / (alpha+T+t): the form stable for large x."""
    from scipy.special import hyp2f1

    a = _away_from_singularities(model)
    u = (model.alpha + age) / (model.alpha + age + ahead)
    return np.asarray(1 - u ** (a - 1) * hyp2f1(a + model.b - 1 - model.r, a - 1, a + model.b + x - 1, 1 - u))


def _away_from_singularities(model: BgNbd) -> float:
    """a, moved a little where a = 1 or a + b = 1 (that is a + b + x = 1 at x = 0): the limits there are finite."""
    if min(abs(model.a - 1), abs(model.a + model.b - 1)) < _SINGULAR_NUDGE:
        return model.a + 2 * _SINGULAR_NUDGE
    return model.a


def _log_odds_gone(model: BgNbd, x: FloatArray, tx: FloatArray, t: FloatArray) -> FloatArray:
    """ln((1 - P(alive)) / P(alive)), -inf for x = 0."""
    odds = np.full(x.shape, -np.inf)
    repeat = x > 0
    waited = np.log(model.alpha + t[repeat]) - np.log(model.alpha + tx[repeat])
    odds[repeat] = np.log(model.a) - np.log(model.b + x[repeat] - 1) + (model.r + x[repeat]) * waited
    return odds


def _checked_duration(duration: ArrayLike) -> FloatArray:
    t = np.asarray(duration, dtype=np.float64)
    if not np.all((t >= 0) & np.isfinite(t)):
        raise FormulaError("the time ahead must be 0 or more")
    return t


def _checked(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, tx, t = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (frequency, recency, age))
    if not x.shape == tx.shape == t.shape or x.ndim != 1:
        raise FormulaError("frequency, recency and age must have one value a customer")
    if not np.all((x >= 0) & (x == np.floor(x)) & np.isfinite(x)):
        raise FormulaError("frequency must be whole numbers of repeat purchases, 0 or more")
    if not np.all((tx >= 0) & (tx <= t) & np.isfinite(t)) or np.any((x == 0) & (tx != 0)):
        raise FormulaError("times must satisfy 0 <= recency <= age, with recency 0 where nothing was repeated")
    return x, tx, t
