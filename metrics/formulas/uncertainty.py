"""How sure is a lifetime value? Refits on resampled customers, and the intervals they give.

Pure, no Django import. A refit answers "what would the parameters be, had chance sent us other customers of the same
kind". The intervals are of the *expectation*: they hold what the parameters leave open, not the luck of one account's
next purchases, which for a single account is wider.
Sources: domain.md 2.4 (80 % interval, 200 draws); Efron and Tibshirani 1993, An Introduction to the Bootstrap, 6 and 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas import bgnbd, gammagamma
from metrics.formulas.bgnbd import BgNbd, Grouped
from metrics.formulas.exact import FloatArray
from metrics.formulas.gammagamma import GammaGamma
from metrics.formulas.optimise import Minimum, curvature_root, minimise_near

REFITS = 200  # the fewest that domain.md 2.4 allows
COVERAGE = 0.80
MAX_LOST_SHARE = 0.10  # of the refits: where more have no maximum, the ones that have are no fair sample
GRADE_A_REPEATS = 3  # an own history that carries an own estimate
_BLOCK_VALUES = 8_000_000  # account x draw values held at a time, 64 MB

Model_co = TypeVar("Model_co", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterDraws:
    """The fit on all customers, and those on the resamples that had a maximum; one spend model a purchase model.

    spend and spends are None and empty where no values were given; asked : refits tried, lost ones included
    """

    purchases: tuple[BgNbd, ...]
    spends: tuple[GammaGamma, ...]
    point: BgNbd
    spend: GammaGamma | None
    asked: int

    @property
    def lost(self) -> int:
        """Resamples without a maximum."""
        return self.asked - len(self.purchases)


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """From low to high, and the estimate on all customers, which need not lie between; each shape (n,) or ()."""

    low: FloatArray
    estimate: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ValueIntervals:
    """Expected revenue and its margin (clv), discounted, money: of each account, shape (n,), and of all, shape ().

    NaN where the margin, or the mean value of a customer who bought again, is not known; the total is then NaN too.
    """

    revenue: Interval
    clv: Interval
    total_revenue: Interval
    total_clv: Interval


def bootstrap(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    mean_value: ArrayLike | None = None,
    *,
    seed: int | np.random.Generator,
    refits: int = REFITS,
) -> ParameterDraws:
    """Parameters of BG/NBD, and of gamma-gamma where ``mean_value`` is given, refitted on resampled customers.

    frequency, recency, age : x, t_x, T of the whole base, shape (n,); mean_value : m̄, money, NaN allowed where x = 0
    seed : the same seed and data give the same draws; refits : at least REFITS
    raises InsufficientData : below the minimum of ``bgnbd.check_sufficient``
    raises FormulaError : the base itself cannot be fitted, more than MAX_LOST_SHARE of the refits have no maximum, or
    refits < REFITS

    This is the case bootstrap: n customers drawn with replacement, which for groups of equal customers is one
    multinomial draw of the group counts. It is not parametric: nothing is simulated from the fitted model. Where the
    model is right both have the same spread; where it is not, this one still tells how the estimates would vary. And
    groups stay groups: a refit is new weights on the same arrays. Purchases and spend are resampled together.
    A refit starts at the fit of the base in coordinates where the likelihood is round, so that a few evaluations do;
    one that ends far from there is fitted again at full length.
    """
    if refits < REFITS:
        raise FormulaError(f"an interval needs {REFITS} refits or more")
    bgnbd.check_sufficient(frequency, recency, age)
    rng = np.random.default_rng(seed)
    sample = _Sample(frequency, recency, age, mean_value)
    found = [sample.refit(rng) for _refit in range(refits)]
    kept = [pair for pair in found if pair is not None]
    if len(kept) < (1 - MAX_LOST_SHARE) * refits:
        raise FormulaError("the customers hardly determine the model: too many resamples of them cannot be fitted")
    point, spend = sample.point()
    return ParameterDraws(
        purchases=tuple(model for model, _spend in kept),
        spends=tuple(spend_model for _model, spend_model in kept if spend_model),
        point=point,
        spend=spend,
        asked=refits,
    )


class _Likelihood(Protocol[Model_co]):
    """What both models' likelihoods can do."""

    def weigh(self, weight: FloatArray) -> None: ...
    def negative_mean(self, theta: FloatArray) -> tuple[float, FloatArray]: ...
    def maximise(self, start: FloatArray) -> Minimum: ...
    def is_within(self, theta: FloatArray) -> bool: ...
    def model_at(self, theta: FloatArray) -> Model_co: ...


class _Warm(Generic[Model_co]):
    """A likelihood with its maximum on all customers, from which the maximum on other weights is near."""

    def __init__(self, likelihood: _Likelihood[Model_co], theta: FloatArray) -> None:
        self.likelihood, self.theta = likelihood, theta
        self.model = likelihood.model_at(theta)
        self.root = curvature_root(likelihood.negative_mean, theta)

    def refit(self, weight: FloatArray) -> Model_co:
        """The model of these weights; raises FormulaError where it has no maximum."""
        self.likelihood.weigh(weight)
        if self.root is not None:
            near = minimise_near(self.likelihood.negative_mean, self.theta, root=self.root)
            if near.is_inner and self.likelihood.is_within(near.x):
                return self.likelihood.model_at(near.x)
        return self.likelihood.model_at(self.likelihood.maximise(self.theta).x)


class _Sample:
    """The customers, sorted so that equal ones stand together, and the likelihoods that are weighed anew."""

    def __init__(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, mean_value: ArrayLike | None) -> None:
        x, tx, t = (np.asarray(values, dtype=np.float64) for values in (frequency, recency, age))
        order = np.lexsort((t, tx, x))
        rows = np.stack([x, tx, t])[:, order]
        self.size = len(order)
        self.starts = np.flatnonzero(np.append(True, (np.diff(rows) != 0).any(axis=0)))
        weight = np.diff(np.append(self.starts, self.size)).astype(np.float64)
        x, tx, t = rows
        grouped = Grouped(x[self.starts], tx[self.starts], t[self.starts], weight)
        likelihood = bgnbd.Likelihood(grouped)
        self.purchases = _Warm(likelihood, likelihood.point_of(bgnbd.fit(grouped).model))
        self.is_spender: NDArray[np.bool_] | None = None
        if mean_value is not None:
            m = np.asarray(mean_value, dtype=np.float64)
            if m.shape != x.shape:
                raise FormulaError("frequency and mean value must have one value a customer")
            self._add_spend(x, m[order])

    def _add_spend(self, x: FloatArray, m: FloatArray) -> None:
        self.is_spender = (x > 0) & (m > 0)
        x, m = x[self.is_spender], m[self.is_spender]
        model = gammagamma.fit(x, m).model
        likelihood = gammagamma.Likelihood(x, m)
        self.spend = _Warm(likelihood, likelihood.point_of(model))

    def point(self) -> tuple[BgNbd, GammaGamma | None]:
        """Both fits on the customers as they are."""
        spend = self.spend.model if self.is_spender is not None else None
        return self.purchases.model, spend

    def refit(self, rng: np.random.Generator) -> tuple[BgNbd, GammaGamma | None] | None:
        """One resample; None where one of the two models has no maximum on it."""
        times = np.bincount(rng.integers(0, self.size, self.size), minlength=self.size).astype(np.float64)
        try:
            model = self.purchases.refit(np.add.reduceat(times, self.starts))
            spend = self.spend.refit(times[self.is_spender]) if self.is_spender is not None else None
        except FormulaError:
            return None
        return model, spend


def value_intervals(
    draws: ParameterDraws,
    *,
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    mean_value: ArrayLike,
    margin: ArrayLike,
    steps: int,
    discount: float,
    coverage: float = COVERAGE,
) -> ValueIntervals:
    """Interval of what accounts will spend, and of its margin, over the draws: the middle ``coverage`` of them.

    frequency, recency, age, mean_value : x, t_x, T, m̄ of the accounts asked about, shape (n,), in the units of the fit
    margin : share of revenue, shape (n,), NaN where not known; steps, discount : as for ``bgnbd.discounted_purchases``
    raises FormulaError : the draws have no spend model, coverage is not within 0..1, or an array is outside its domain
    The total is taken draw by draw: parameters are common to all accounts, so their errors add up and do not cancel.
    """
    if draws.spend is None:
        raise FormulaError("without the values of purchases there is no revenue to expect")
    if not 0 < coverage < 1:
        raise FormulaError("coverage must lie between 0 and 1")
    x, tx, t, m, share = (np.asarray(v, dtype=np.float64) for v in (frequency, recency, age, mean_value, margin))
    if not x.shape == tx.shape == t.shape == m.shape == share.shape or x.ndim != 1:
        raise FormulaError("each account needs its frequency, recency, age, mean value and margin")
    pairs = [*zip(draws.purchases, draws.spends, strict=True), (draws.point, draws.spend)]
    edges = ((1 - coverage) / 2, (1 + coverage) / 2)
    revenue, totals, clv_totals = np.empty((3, len(x))), np.zeros(len(pairs)), np.zeros(len(pairs))
    order = np.lexsort((t, x))  # accounts that share a forecast share a block
    for part in np.array_split(order, max(1, -(-len(x) * len(pairs) // _BLOCK_VALUES))):
        values = np.empty((len(pairs), len(part)))
        for row, (model, spend) in zip(values, pairs, strict=True):
            counts = bgnbd.discounted_purchases(model, x[part], tx[part], t[part], steps=steps, discount=discount)
            row[:] = counts * _spend_known(spend, x[part], m[part])
        revenue[:, part] = *np.quantile(values[:-1], edges, axis=0), values[-1]
        totals += values.sum(axis=1)
        clv_totals += (values * share[part]).sum(axis=1)
    ends = np.sort(revenue[:2] * share, axis=0)  # a negative margin turns them round
    return ValueIntervals(
        revenue=Interval(revenue[0], revenue[2], revenue[1]),
        clv=Interval(ends[0], revenue[2] * share, ends[1]),
        total_revenue=_total(totals, edges),
        total_clv=_total(clv_totals, edges),
    )


def data_grades(*, is_minimum_met: ArrayLike, repeats: ArrayLike, has_schedule: ArrayLike = False) -> NDArray[np.str_]:
    """Grade of the data behind each account's value, shape (n,): "A", "B" or "C" [domain.md 2.4].

    is_minimum_met : the method used has the data that its row of the table asks for; one for all, or (n,)
    repeats : x, repeat purchases; has_schedule : the account has a contract schedule of its own; (n,), or one for all
    A: minimum met, and x >= 3 or an own schedule; B: minimum met; C: the rest, which never enters a tier score.
    """
    is_met, x, is_planned = np.broadcast_arrays(
        np.asarray(is_minimum_met, dtype=bool), np.asarray(repeats, dtype=np.float64), np.asarray(has_schedule, bool)
    )
    if not np.all(x >= 0):
        raise FormulaError("repeat purchases must be 0 or more")
    return np.where(is_met, np.where((x >= GRADE_A_REPEATS) | is_planned, "A", "B"), "C")


def _spend_known(spend: GammaGamma, x: FloatArray, m: FloatArray) -> FloatArray:
    """E[M], NaN where a customer bought again for a value that is not known."""
    is_missing = (x > 0) & ~np.isfinite(m)
    values = gammagamma.expected_value(spend, x, np.where(is_missing, 0.0, m))
    return np.where(is_missing, np.nan, values)


def _total(totals: FloatArray, edges: tuple[float, float]) -> Interval:
    low, high = np.quantile(totals[:-1], edges)
    return Interval(np.asarray(low), np.asarray(totals[-1]), np.asarray(high))
