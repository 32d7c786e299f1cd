"""Gamma-gamma: what a purchase of a customer is worth on average, given how few we have seen.

Pure, no Django import; scipy is imported where it is used. Letters: x repeat purchase days, m̄ mean revenue of them.
A purchase is worth Gamma(p, nu), and nu ~ Gamma(q, gamma) over customers, independent of how often they buy.
Sources: Fader, Hardie, Lee 2005, J. Marketing Research 42(4) [R3]; Hardie's note 025 [R2].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.bgnbd import distinct
from metrics.formulas.exact import FloatArray
from metrics.formulas.optimise import Minimum, minimise

STRONG_CORRELATION = 0.3  # |rho| of frequency and spend above which the independence assumption is in doubt
_LOG_BOUND = 14.0
# The largest p the fit may take: the purchases of one customer then vary by 3 %, and p and gamma only count as their
# product. Customers who buy for the same amount every time, usual in B2B, have no maximum below it.
STEADIEST_SHAPE = 1000.0


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Fitted parameters; gamma has the unit of the money."""

    p: float
    q: float
    gamma: float

    @property
    def population_mean(self) -> float:
        """p gamma / (q - 1), mean revenue of a purchase; NaN unless q > 1."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class GammaGammaFit:
    """A fit, its log-likelihood, the customers behind it, and corr(x, m̄) (NaN where one of them is constant)."""

    model: GammaGamma
    log_likelihood: float
    customers: int
    correlation: float

    @property
    def is_dependent(self) -> bool:
        """Frequency and spend go together more than the model allows for."""
        return abs(self.correlation) > STRONG_CORRELATION


def fit(frequency: ArrayLike, mean_value: ArrayLike) -> GammaGammaFit:
    """Maximum likelihood over ln(p, q, gamma) by L-BFGS-B with the analytic gradient, on x > 0, m̄ > 0.

    frequency : x, shape (n,); mean_value : m̄, money, shape (n,)
    raises FormulaError : fewer than two usable customers, no inner maximum, or q <= 1 (no finite mean)
    """
    x, m = _pair(frequency, mean_value)
    usable = (x > 0) & (m > 0)
    x, m = x[usable], m[usable]
    if len(x) < 2:
        raise FormulaError("fewer than two customers with a repeat purchase of positive value")
    likelihood = Likelihood(x, m)
    found = likelihood.maximise(np.array([1.0, 1.0, 0.0]))
    return GammaGammaFit(
        model=likelihood.model_at(found.x),
        log_likelihood=-found.value * len(x) - len(x) * float(np.log(likelihood.scale)),
        customers=len(x),
        correlation=_correlation(x, m),
    )


class Likelihood:
    """Mean negative log-likelihood and gradient over ln(p, q, gamma), for money scaled to a median of 1.

    LL_i = lnG(px+q) - lnG(px) - lnG(q) + q ln gamma + (px-1) ln m̄ + px ln x - (px+q) ln(gamma + m̄x)
    """

    def __init__(self, x: FloatArray, m: FloatArray) -> None:
        self.scale = float(np.median(m))
        m = m / self.scale
        self.x, self.spent, self.log_mean = x, x * m, np.log(m)
        self.x_log_spent = x * np.log(self.spent)
        self.counts, self.codes = distinct(x)
        self.weigh(np.ones(len(x)))

    def weigh(self, weight: FloatArray) -> None:
        """How often each customer counts, shape (n,); 0 leaves one out."""
        self.weight, self.repeats, self.n = weight, weight * self.x, float(weight.sum())
        self.count_weight = np.bincount(self.codes, weights=weight)
        self.log_m = float((weight * self.log_mean).sum())
        self.x_log_m_x = float((weight * self.x_log_spent).sum())

    def maximise(self, start: FloatArray) -> Minimum:
        """The maximum, as the minimum of ``negative_mean``, from ``start``; raises FormulaError as ``fit`` does."""
        box = [(-_LOG_BOUND, float(np.log(STEADIEST_SHAPE))), (-_LOG_BOUND, _LOG_BOUND), (-_LOG_BOUND, _LOG_BOUND)]
        found = minimise(self.negative_mean, start, bounds=box)
        is_steady = found.is_at_edge[0] and found.x[0] > 0
        if not found.is_flat or found.is_at_edge[1:].any() or (found.is_at_edge[0] and not is_steady):
            raise FormulaError("the likelihood has no inner maximum: the values of purchases do not fit the model")
        if found.x[1] <= 0:
            raise FormulaError("the values of purchases spread so widely that their mean has no bound (q is 1 or less)")
        return found

    def is_within(self, theta: FloatArray) -> bool:
        """The point lies inside the box that ``maximise`` searches, with q above 1."""
        return bool((np.abs(theta) < _LOG_BOUND).all()) and theta[0] < np.log(STEADIEST_SHAPE) and bool(theta[1] > 0)

    def model_at(self, theta: FloatArray) -> GammaGamma:
        """The model of a point ln(p, q, gamma), with gamma in the unit of the data."""
        p, q, gamma = (float(value) for value in np.exp(theta))
        return GammaGamma(p=p, q=q, gamma=gamma * self.scale)

    def point_of(self, model: GammaGamma) -> FloatArray:
        """ln(p, q, gamma) of a model, gamma in the scaled unit."""
        return np.log([model.p, model.q, model.gamma / self.scale])

    # A step that goes too far overflows; the search takes what is not finite as worse and steps back.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def negative_mean(self, theta: FloatArray) -> tuple[float, FloatArray]:
        from scipy.special import digamma, gammaln

        p, q, gamma = np.exp(theta)
        x, n = self.counts, self.count_weight
        whole = gamma + self.spent
        log_whole, inverse = np.log(whole), 1 / whole
        x_log_whole, all_log_whole = (self.repeats * log_whole).sum(), (self.weight * log_whole).sum()
        value = (n * (gammaln(p * x + q) - gammaln(p * x))).sum() + self.n * (q * theta[2] - gammaln(q))
        value += p * self.x_log_m_x - self.log_m - p * x_log_whole - q * all_log_whole
        up = digamma(p * x + q)
        slope_p = (n * x * (up - digamma(p * x))).sum() + self.x_log_m_x - x_log_whole
        slope_q = (n * up).sum() + self.n * (theta[2] - digamma(q)) - all_log_whole
        slope_gamma = self.n * q / gamma - p * (self.repeats * inverse).sum() - q * (self.weight * inverse).sum()
        slope = np.array([slope_p * p, slope_q * q, slope_gamma * gamma])
        return float(-value / self.n), -slope / self.n


def log_likelihood(model: GammaGamma, frequency: ArrayLike, mean_value: ArrayLike) -> FloatArray:
    """LL_i of each customer with x > 0 and m̄ > 0, shape (n,)."""
    from scipy.special import gammaln

    x, m = _pair(frequency, mean_value)
    if not np.all((x > 0) & (m > 0)):
        raise FormulaError("the likelihood needs a repeat purchase of positive value from every customer")
    p, q, gamma = model.p, model.q, model.gamma
    shape = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
    return np.asarray(shape + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(gamma + m * x))


def expected_value(model: GammaGamma, frequency: ArrayLike, mean_value: ArrayLike) -> FloatArray:
    """E[M | m̄, x] = p (gamma + m̄ x) / (p x + q - 1), shape (n,), money; between m̄ and the population mean.

    m̄ is not used where x = 0 (it may be NaN there) and counts as 0 where credits made it negative.
    raises FormulaError : q <= 1, x negative, or m̄ missing where x > 0
    """
    x, m = _pair(frequency, mean_value)
    if not model.q > 1:
        raise FormulaError("q must be above 1, else the mean has no bound")
    seen = np.where(x > 0, m, 0.0)
    if not np.isfinite(seen).all() or np.any(x < 0):
        raise FormulaError("frequency must be 0 or more, with a mean value wherever it is above 0")
    return np.asarray(model.p * (model.gamma + np.maximum(seen, 0.0) * x) / (model.p * x + model.q - 1))


def _correlation(x: FloatArray, m: FloatArray) -> float:
    if np.ptp(x) == 0 or np.ptp(m) == 0:
        return float("nan")
    return float(np.corrcoef(x, m)[0, 1])


def _pair(frequency: ArrayLike, mean_value: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, m = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (frequency, mean_value))
    if x.shape != m.shape or x.ndim != 1:
        raise FormulaError("frequency and mean value must have one value a customer")
    return x, m
