"""Customers under contract: who renews, for how long, and what is that worth?

Pure, no Django import; scipy is imported where it is used. At each renewal a customer leaves with a chance of its own,
drawn from Beta(alpha, beta) over customers (shifted beta-geometric, sBG); in the beta-discrete-Weibull (BdW) that chance
also moves with tenure, by the exponent c. S(t) is the share that is left after t renewals, S(0) = 1.
Sources: Fader, Hardie 2007, J. Interactive Marketing 21(1) [R4]; Fader et al. 2018, same journal 43 [R5]; Fader, Hardie
2010, Marketing Science 29(1) [R6].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError, InsufficientData
from metrics.formulas.exact import FloatArray
from metrics.formulas.optimise import Minimum, minimise

MIN_CONTRACTS = 50  # table "which method when": contracts that came to a first renewal
MIN_RENEWAL_POINTS = 3
MIN_GAIN = 2.0  # log-likelihood that the extra parameter of the BdW must earn
# The largest alpha or beta a fit may take: the chances of customers to leave then differ by less than a point, and only
# alpha / beta counts. Customers who are all alike, for whom the sBG is one constant retention, have no maximum below it.
MOST_ALIKE = 3000.0
_LOG_LOW = -8.0
_LOG_SHAPE_BOUND = 3.0  # c between 1/20 and 20
_LEAST_LOSS = 1e-200  # of ln r: below it a loss that was seen would have no logarithm
_ALMOST_WHOLE = 1e-5  # of alpha: SciPy's 2F1 loses its digits at and beside a whole number
_REST = 1e-13  # of a series, which may be left out
_MAX_TERMS = 10_000_000
_BLOCK = 1 << 16  # terms of a series at a time


@dataclass(frozen=True, slots=True)
class BetaWeibull:
    """Fitted parameters; c = 1 is the sBG, c > 1 says that the chance of one customer to leave grows with tenure."""

    alpha: float
    beta: float
    c: float = 1.0

    @property
    def is_geometric(self) -> bool:
        """The sBG, for which the endless sums have a closed form."""
        return self.c == 1


@dataclass(frozen=True, slots=True, eq=False)
class Renewals:
    """What happened at the t-th renewal, t = 1..N: contracts lost and contracts renewed, each shape (N,)."""

    lost: FloatArray
    kept: FloatArray

    @property
    def contracts(self) -> float:
        """Contracts that came to their first renewal."""
        return float(self.lost[0] + self.kept[0]) if len(self.lost) else 0.0

    @property
    def points(self) -> int:
        """Renewals at which any contract stood for decision."""
        return int(((self.lost + self.kept) > 0).sum())


@dataclass(frozen=True, slots=True)
class ContractFit:
    """A fit with its log-likelihood, and the contracts and renewal points behind it."""

    model: BetaWeibull
    log_likelihood: float
    contracts: float
    points: int


def renewals_of_curve(alive: ArrayLike) -> Renewals:
    """Renewals of one cohort of which ``alive[t]`` contracts are left after t renewals, t = 0..N, shape (N+1,).

    raises FormulaError : fewer than two numbers, one missing or negative, or a cohort that grows
    """
    left = np.asarray(alive, dtype=np.float64)
    if left.ndim != 1 or len(left) < 2:
        raise FormulaError("a cohort needs its size and what was left of it after a renewal")
    if not np.isfinite(left).all() or left[-1] < 0 or np.any(np.diff(left) > 0):
        raise FormulaError("what is left of a cohort must be 0 or more and never grow")
    return Renewals(lost=-np.diff(left), kept=left[1:])


def renewals_of_contracts(decided: ArrayLike, is_lost: ArrayLike) -> Renewals:
    """Renewals of single contracts, whatever their age.

    decided : renewals that came up for the contract so far, the one at which it was lost included; whole >= 0, shape (n,)
    is_lost : it was not renewed at the last of them, shape (n,); a contract that still runs is False
    raises FormulaError : shapes differ, a number is not whole or below 0, or a contract was lost before any renewal
    """
    count, gone = np.asarray(decided, dtype=np.float64), np.asarray(is_lost, dtype=bool)
    if count.shape != gone.shape or count.ndim != 1:
        raise FormulaError("each contract needs its renewals and whether it was lost")
    if not np.all((count >= 0) & (count == np.floor(count)) & np.isfinite(count)) or np.any(gone & (count == 0)):
        raise FormulaError("renewals must be whole numbers, 0 or more, and at least 1 for a contract that was lost")
    times = count.astype(np.int64)
    size = int(times.max(initial=0)) + 1
    lost = np.bincount(times[gone], minlength=size)[1:].astype(np.float64)
    reached = np.bincount(times, minlength=size)[::-1].cumsum()[::-1][1:]
    return Renewals(lost=lost, kept=reached - lost)


def check_sufficient(renewals: Renewals) -> None:
    """Raise InsufficientData unless the table's minimum is met: contracts at the start, and renewal points."""
    _checked(renewals)
    if renewals.contracts < MIN_CONTRACTS:
        raise InsufficientData(
            f"{renewals.contracts:g} contracts came to a renewal; {MIN_CONTRACTS} are needed",
            reason="renewal_few_contracts",
            found=int(renewals.contracts),
            needed=MIN_CONTRACTS,
        )
    if renewals.points < MIN_RENEWAL_POINTS:
        raise InsufficientData(
            f"{renewals.points} renewals were seen; {MIN_RENEWAL_POINTS} are needed",
            reason="renewal_few_points",
            found=renewals.points,
            needed=MIN_RENEWAL_POINTS,
        )


def fit(renewals: Renewals) -> ContractFit:
    """The sBG, or the BdW where its extra parameter gains more than MIN_GAIN of log-likelihood [domain.md 2.4].

    raises FormulaError : nobody left, nobody renewed, or the likelihood has no maximum, as where customers leave at the
    first renewal or never
    """
    likelihood = _Likelihood(renewals)
    plain, weibull = likelihood.minimum(is_geometric=True), likelihood.minimum(is_geometric=False)
    is_earned = (plain.value - weibull.value) * likelihood.total > MIN_GAIN
    return likelihood.fit_at(weibull if likelihood.is_sound(weibull) and is_earned else plain)


def fit_sbg(renewals: Renewals) -> ContractFit:
    """Maximum likelihood of the sBG over ln(alpha, beta); raises FormulaError as ``fit``."""
    likelihood = _Likelihood(renewals)
    return likelihood.fit_at(likelihood.minimum(is_geometric=True))


def fit_bdw(renewals: Renewals) -> ContractFit:
    """Maximum likelihood of the BdW over ln(alpha, beta, c); raises FormulaError as ``fit``."""
    likelihood = _Likelihood(renewals)
    return likelihood.fit_at(likelihood.minimum(is_geometric=False))


class _Likelihood:
    """Mean negative log-likelihood over ln(alpha, beta) or ln(alpha, beta, c), with its gradient.

    LL = sum_t lost_t ln P(T=t) + sum_t censored_t ln S(t) is, renewal by renewal, the same as
    sum_t kept_t ln r_t + lost_t ln(1 - r_t), with r_t = S(t) / S(t-1).
    """

    def __init__(self, renewals: Renewals) -> None:
        self.renewals = _checked(renewals)
        if not renewals.lost.any() or not renewals.kept.any():
            raise FormulaError("some contracts must have been lost and some renewed; use one retention rate")
        self.total = float((renewals.lost + renewals.kept).sum())
        self.tenure = np.arange(len(renewals.lost) + 1, dtype=np.float64)

    def minimum(self, *, is_geometric: bool) -> Minimum:
        box = [(_LOG_LOW, float(np.log(MOST_ALIKE)))] * 2
        if is_geometric:
            return minimise(self.negative_mean, np.zeros(2), bounds=box)
        box = [*box, (-_LOG_SHAPE_BOUND, _LOG_SHAPE_BOUND)]
        return minimise(self.negative_mean, np.zeros(3), bounds=box)

    @staticmethod
    def is_sound(found: Minimum) -> bool:
        """A maximum within the box, or with alpha or beta at MOST_ALIKE."""
        is_alike = (found.x > 0) & (np.arange(len(found.x)) < 2)
        return found.is_flat and not (found.is_at_edge & ~is_alike).any()

    def fit_at(self, found: Minimum) -> ContractFit:
        if not self.is_sound(found):
            raise FormulaError("the likelihood has no maximum: these renewals do not fit the model")
        return ContractFit(
            model=BetaWeibull(*(float(value) for value in np.exp(found.x))),
            log_likelihood=-found.value * self.total,
            contracts=self.renewals.contracts,
            points=self.renewals.points,
        )

    def negative_mean(self, theta: FloatArray) -> tuple[float, FloatArray]:
        model = BetaWeibull(*(float(value) for value in np.exp(theta)))
        lost, kept = self.renewals.lost, self.renewals.kept
        log_kept = _log_retention(model, self.tenure[1:])
        chance_lost = -np.expm1(log_kept)
        value = (kept * log_kept).sum() + (lost * np.log(chance_lost)).sum()
        pull = kept - lost * np.exp(log_kept) / chance_lost  # d value / d ln r_t
        slope = np.array([(pull * part).sum() for part in self._slopes(model)])[: len(theta)]
        return float(-value / self.total), -slope / self.total

    def _slopes(self, model: BetaWeibull) -> tuple[FloatArray, FloatArray, FloatArray]:
        """d ln r_t / d ln(alpha, beta, c)."""
        from scipy.special import digamma

        power = self.tenure**model.c
        stays, all_ = digamma(model.beta + power), digamma(model.alpha + model.beta + power)
        by_shape = (stays - all_) * model.c * power * np.log(np.maximum(self.tenure, 1.0))
        return -model.alpha * np.diff(all_), model.beta * np.diff(stays - all_), np.diff(by_shape)


def log_likelihood(model: BetaWeibull, renewals: Renewals) -> float:
    """LL = sum_t lost_t ln P(T=t) + sum of ln S(t) over the contracts that still run."""
    seen = _checked(renewals)
    log_kept = _log_retention(_checked_model(model), np.arange(1.0, len(seen.lost) + 1))
    return float((seen.kept * log_kept).sum() + (seen.lost * np.log(-np.expm1(log_kept))).sum())


def survival(model: BetaWeibull, renewals: ArrayLike) -> FloatArray:
    """S(t) = B(alpha, beta + t**c) / B(alpha, beta), shape of ``renewals`` (t, whole >= 0); falls strictly from 1."""
    t = _tenure(renewals, first=0)
    return np.asarray(np.exp(_log_survival(_checked_model(model), t)))


def retention(model: BetaWeibull, renewal: ArrayLike) -> FloatArray:
    """r_t = S(t) / S(t-1), the share that the t-th renewal keeps, t >= 1; (beta+t-1) / (alpha+beta+t-1) for the sBG,
    which rises with t because those who leave easily leave first."""
    t = _tenure(renewal, first=1)
    return np.asarray(np.exp(_log_retention(_checked_model(model), t)))


def churn_probability(model: BetaWeibull, renewal: ArrayLike) -> FloatArray:
    """P(T=t) = S(t-1) - S(t), the chance of a new customer to leave at the t-th renewal, t >= 1."""
    t = _tenure(renewal, first=1)
    log_kept = _log_retention(_checked_model(model), t)
    return np.asarray(np.exp(_log_survival(model, t - 1)) * -np.expm1(log_kept))


def discounted_lifetime(model: BetaWeibull, *, discount: float) -> float:
    """Discounted expected lifetime of a new customer in periods, the first paid at once: sum_{t>=0} S(t) / (1+d)**t.

    2F1(1, beta; alpha+beta; 1/(1+d)) for the sBG, the sum itself for the BdW
    discount : d per period, a fraction > 0
    """
    return float(_ahead(_checked_model(model), np.zeros(1), discount=discount)[0])


def discounted_residual_lifetime(model: BetaWeibull, period: ArrayLike, *, discount: float) -> FloatArray:
    """DERL(n), shape of ``period``: discounted periods still to come of a customer in its n-th, just before renewal n.

    DERL(n) = sum_{t>=n} S(t) / S(n-1) / (1+d)**(t-n) = r_n 2F1(1, beta+n; alpha+beta+n; 1/(1+d)) for the sBG [R6]
    period : n >= 1, the customer has renewed n-1 times; discount : d per period, a fraction > 0
    The first term is not discounted: the money of the renewal comes now, if it comes.
    """
    n = _tenure(period, first=1)
    different, place = np.unique(n, return_inverse=True)
    ahead = _ahead(_checked_model(model), different, discount=discount)
    return np.asarray((np.exp(_log_retention(model, different)) * ahead)[place].reshape(n.shape))


def residual_value(model: BetaWeibull, margin: ArrayLike, period: ArrayLike, *, discount: float) -> FloatArray:
    """m DERL(n), money, shape (n,): what a contract is worth just before its n-th renewal, at a constant margin.

    margin : m of one period, money, shape (n,); NaN where it is not known, and so is the value
    period, discount : as for ``discounted_residual_lifetime``
    """
    return np.asarray(
        np.asarray(margin, dtype=np.float64) * discounted_residual_lifetime(model, period, discount=discount)
    )


def _ahead(model: BetaWeibull, start: FloatArray, *, discount: float) -> FloatArray:
    """sum_{k>=0} S(n+k) / S(n) / (1+d)**k for each n of ``start``; closed where SciPy's 2F1 holds, else term by term."""
    from scipy.special import hyp2f1

    if not 0 < discount < np.inf:
        raise FormulaError("the discount must be above 0")
    total = np.full(start.shape, np.nan)
    if model.is_geometric and abs(model.alpha - round(model.alpha)) > _ALMOST_WHOLE:
        with np.errstate(all="ignore"):
            total = hyp2f1(1.0, model.beta + start, model.alpha + model.beta + start, 1 / (1 + discount))
    is_open = ~(np.isfinite(total) & (total >= 1) & (total <= (1 + discount) / discount))
    total[is_open] = [_series(model, n, discount=discount) for n in start[is_open].tolist()]
    return np.asarray(total)


def _series(model: BetaWeibull, start: float, *, discount: float) -> float:
    """The sum of ``_ahead`` for one n, in blocks until what is left out stays below _REST of it."""
    total, first, log_step = 0.0, 0, float(np.log1p(discount))
    log_start = _log_survival(model, np.array([start]))[0]
    while first < _MAX_TERMS:
        k = np.arange(first, first + _BLOCK, dtype=np.float64)
        terms = np.exp(_log_survival(model, start + k) - log_start - k * log_step)
        total += float(terms.sum())
        if terms[-1] / discount <= _REST * total:  # S falls: the rest is below a geometric series
            return total
        first += _BLOCK
    raise FormulaError("the discount is too near 0 for the sum to end; use a larger one")


def _log_survival(model: BetaWeibull, t: FloatArray) -> FloatArray:
    from scipy.special import betaln

    return np.asarray(betaln(model.alpha, model.beta + t**model.c) - betaln(model.alpha, model.beta))


def _log_retention(model: BetaWeibull, t: FloatArray) -> FloatArray:
    """ln r_t; for the sBG free of the differences that lose digits."""
    if model.is_geometric:
        return np.asarray(-np.log1p(model.alpha / (model.beta + t - 1)))
    return np.minimum(_log_survival(model, t) - _log_survival(model, t - 1), -_LEAST_LOSS)


def _checked_model(model: BetaWeibull) -> BetaWeibull:
    if not all(0 < value < np.inf for value in (model.alpha, model.beta, model.c)):
        raise FormulaError("alpha, beta and c must be above 0")
    return model


def _tenure(renewals: ArrayLike, *, first: int) -> FloatArray:
    t = np.asarray(renewals, dtype=np.float64)
    if not np.all((t >= first) & (t == np.floor(t)) & np.isfinite(t)):
        raise FormulaError(f"renewals must be whole numbers, {first} or more")
    return t


def _checked(renewals: Renewals) -> Renewals:
    lost, kept = renewals.lost, renewals.kept
    if lost.shape != kept.shape or lost.ndim != 1 or not len(lost):
        raise FormulaError("renewals need one number lost and one kept a period, and one period or more")
    if not np.all((lost >= 0) & (kept >= 0) & np.isfinite(lost) & np.isfinite(kept)) or not (lost + kept).any():
        raise FormulaError("numbers lost and kept must be 0 or more, and some contract must have come to a renewal")
    return renewals
