"""Why did performance change? An exact split of the change in revenue over the factors whose product it is.

R = K A V: covered accounts, active rate, revenue per active account; or R = K A Q W with orders per active account and
revenue per order. Pure, no Django import. Letters: x_k factor k, index 0 base and 1 comparison window, n factors; a leaf
is an owner or a team, and an account belongs to one leaf.
Sources: domain.md 1.6 [S004]; Ang 2004, Energy Policy 32; Wood and Lenzen 2006, Energy Policy 34, 1326-1331; Ang and Liu
2007, Energy Policy 35, 238-246; de Boer and Rodrigues 2019, Economic Systems Research.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray


class Factor(StrEnum):
    """What performance is the product of."""

    COVERED_ACCOUNTS = "covered_accounts"
    ACTIVE_RATE = "active_rate"
    REVENUE_PER_ACTIVE = "revenue_per_active"
    ORDER_FREQUENCY = "order_frequency"
    REVENUE_PER_ORDER = "revenue_per_order"


THREE_FACTORS = (Factor.COVERED_ACCOUNTS, Factor.ACTIVE_RATE, Factor.REVENUE_PER_ACTIVE)
FOUR_FACTORS = (Factor.COVERED_ACCOUNTS, Factor.ACTIVE_RATE, Factor.ORDER_FREQUENCY, Factor.REVENUE_PER_ORDER)


class SplitMethod(StrEnum):
    """How the change is shared out; both are exact."""

    SHAPLEY = "shapley"
    LMDI = "lmdi"


@dataclass(frozen=True, slots=True)
class PerformanceCounts:
    """One window, a value a leaf, each shape (leaves,): accounts covered and active, orders, net revenue."""

    covered: ArrayLike
    active: ArrayLike
    orders: ArrayLike
    revenue: ArrayLike


@dataclass(frozen=True, slots=True)
class Decomposition:
    """change = effects over the factors + change of the unattributed revenue, for each leaf.

    method : the one used for every leaf; is_fallback : LMDI was asked for and is not defined, so it is Shapley
    negative_leaves : leaves with a factor below 0 in either window, where LMDI is not defined, shape (leaves,)
    base_factors, comparison_factors : as measured, NaN where undefined, shape (leaves, n)
    effects : money, shape (leaves, n)
    base_unattributed, comparison_unattributed : revenue that no active account carries, shape (leaves,)
    change : comparison - base revenue, shape (leaves,)
    """

    factors: tuple[Factor, ...]
    method: SplitMethod
    is_fallback: bool
    negative_leaves: BoolArray
    base_factors: FloatArray
    comparison_factors: FloatArray
    effects: FloatArray
    base_unattributed: FloatArray
    comparison_unattributed: FloatArray
    change: FloatArray

    @property
    def unattributed_change(self) -> FloatArray:
        return self.comparison_unattributed - self.base_unattributed

    @property
    def is_imputed(self) -> BoolArray:
        """Factors measured in one window only; the other window took that value. Shape (leaves, n)."""
        return np.isnan(self.base_factors) != np.isnan(self.comparison_factors)


@dataclass(frozen=True, slots=True)
class RollUp:
    """The leaves added up, beside the split of the totals. Both are exact; they differ by the mix of the leaves.

    leaves : one row a leaf; totals : one row; both by the same method
    """

    leaves: Decomposition
    totals: Decomposition

    @property
    def effects(self) -> FloatArray:
        """Sum of the effects of the leaves, shape (n,)."""
        return np.asarray(self.leaves.effects.sum(axis=0))

    @property
    def mix(self) -> FloatArray:
        """Effects of the leaves added up - effects of the totals, shape (n,); with ``unattributed_mix`` it adds to 0."""
        return np.asarray(self.effects - self.totals.effects[0])

    @property
    def unattributed_mix(self) -> float:
        """Change of unattributed revenue over the leaves - that of the totals (a leaf may lack active accounts)."""
        return float(self.leaves.unattributed_change.sum() - self.totals.unattributed_change[0])


def decompose_performance(
    base: PerformanceCounts,
    comparison: PerformanceCounts,
    *,
    factors: tuple[Factor, ...] = THREE_FACTORS,
    method: SplitMethod = SplitMethod.SHAPLEY,
) -> Decomposition:
    """Split the change in revenue of each leaf over ``factors``.

    base, comparison : counts and revenue, the same leaves in the same order
    factors : THREE_FACTORS or FOUR_FACTORS; method : LMDI turns to Shapley for all leaves where one leaf has a factor
    below 0, so that one table never adds two methods; the result says so
    raises FormulaError : shapes differ, a value is missing, a count is below 0, or active > covered
    A factor undefined in one window (V, Q, W without an active account, A without a covered one) takes the other
    window's value; undefined in both, all effects are 0. Revenue of a leaf without an active account (in the form with
    orders also: without an order) is unattributed. Source: domain.md 1.6.
    """
    x0, unattributed0, revenue0 = _measured(base, factors)
    x1, unattributed1, revenue1 = _measured(comparison, factors)
    if x0.shape != x1.shape:
        raise FormulaError("base and comparison must have the same leaves")
    filled0, filled1 = filled_factors(x0, x1)
    negative = np.asarray(((filled0 < 0) | (filled1 < 0)).any(axis=-1))
    is_fallback = method is SplitMethod.LMDI and bool(negative.any())
    used = SplitMethod.SHAPLEY if is_fallback else method
    return Decomposition(
        factors=factors,
        method=used,
        is_fallback=is_fallback,
        negative_leaves=negative,
        base_factors=x0,
        comparison_factors=x1,
        effects=(lmdi_effects if used is SplitMethod.LMDI else shapley_effects)(filled0, filled1),
        base_unattributed=unattributed0,
        comparison_unattributed=unattributed1,
        change=revenue1 - revenue0,
    )


def roll_up(
    base: PerformanceCounts,
    comparison: PerformanceCounts,
    *,
    factors: tuple[Factor, ...] = THREE_FACTORS,
    method: SplitMethod = SplitMethod.SHAPLEY,
) -> RollUp:
    """``decompose_performance`` of the leaves and of their totals, by one method for both.

    Arguments and errors as there; at least one leaf. Assumes that the leaves share no account, so that their counts
    add up to the counts of the whole.
    """
    whole = _total(base), _total(comparison)
    leaves = decompose_performance(base, comparison, factors=factors, method=method)
    totals = decompose_performance(*whole, factors=factors, method=method)
    if leaves.is_fallback == totals.is_fallback:
        return RollUp(leaves, totals)
    # One of the two has a factor below 0: a difference between two methods would not be a mix.
    shapley = SplitMethod.SHAPLEY
    leaves = decompose_performance(base, comparison, factors=factors, method=shapley)
    return RollUp(_as_fallback(leaves), _as_fallback(decompose_performance(*whole, factors=factors, method=shapley)))


def performance_factors(
    counts: PerformanceCounts, *, factors: tuple[Factor, ...] = THREE_FACTORS
) -> tuple[FloatArray, FloatArray]:
    """The factors of one window, shape (leaves, n), NaN where undefined; and its unattributed revenue, shape (leaves,).

    revenue - unattributed = product of the factors wherever all are defined, and 0 elsewhere.
    raises FormulaError : as ``decompose_performance``
    """
    measured, unattributed, _ = _measured(counts, factors)
    return measured, unattributed


def filled_factors(base: ArrayLike, comparison: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both windows' factors, shape (..., n), a NaN replaced by the other window's value; NaN in both becomes 0.

    A factor that is 0 in both windows makes both products 0, and with them every effect.
    """
    x0, x1 = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    is_known = ~(np.isnan(x0) & np.isnan(x1))
    fill0 = np.where(np.isnan(x0), np.where(is_known, x1, 0.0), x0)
    fill1 = np.where(np.isnan(x1), np.where(is_known, x0, 0.0), x1)
    return np.asarray(fill0), np.asarray(fill1)


def shapley_effects(base: ArrayLike, comparison: ArrayLike) -> FloatArray:
    """Effect of each factor on the change of their product: the mean over all orders of changing them, shape (..., n).

    effect_k = dx_k sum over S of |S|! (n - |S| - 1)! / n! prod_{j in S} x_j1 prod_{j not in S, j != k} x_j0
             = dx_k integral over t in 0..1 of prod_{j != k} (x_j0 + t dx_j),
    the weights being the Beta integrals of t**|S| (1 - t)**(n - |S| - 1). The integrand is a polynomial of degree n - 1,
    so Gauss-Legendre with n/2 nodes, rounded up, is exact and n! orders or 2**n subsets are never listed.
    base, comparison : factors, shape (..., n), any sign, zero allowed, n >= 1
    returns : float64, adds up to the change of the product, in its unit
    raises FormulaError : shapes differ, no factor, or a factor is NaN or infinite (see ``filled_factors``)
    Source: domain.md 1.6; Shapley 1953; de Boer and Rodrigues 2019.
    """
    x0, x1 = _factor_pair(base, comparison)
    n = x0.shape[-1]
    nodes, weights = np.polynomial.legendre.leggauss((n + 1) // 2)
    step = ((nodes + 1) / 2)[:, None]
    path = x0[..., None, :] * (1 - step) + x1[..., None, :] * step  # (..., nodes, n)
    others = np.where(np.eye(n, dtype=bool), 1.0, path[..., None, :]).prod(axis=-1)  # (..., nodes, n): all but k
    return np.asarray((x1 - x0) * np.einsum("...qk,q->...k", others, weights / 2))


def lmdi_effects(base: ArrayLike, comparison: ArrayLike) -> FloatArray:
    """Effect of each factor by the additive logarithmic mean Divisia index, shape (..., n).

    effect_k = L(R1, R0) ln(x_k1 / x_k0), R the product of the factors
    base, comparison : factors, shape (..., n), n >= 1
    returns : float64; a row with a factor below 0 is NaN: the index is not defined there
    raises FormulaError : shapes differ, no factor, or a factor is NaN or infinite (see ``filled_factors``)
    Zeros by their limit, never by a small number in their place: a factor that is 0 in exactly one window takes the
    whole change, in equal parts if there are several; with both products 0 all effects are 0.
    Source: domain.md 1.6; Ang 2004; Ang and Liu 2007.
    """
    x0, x1 = _factor_pair(base, comparison)
    is_positive = ((x0 > 0) & (x1 > 0)).all(axis=-1, keepdims=True)
    is_negative = ((x0 < 0) | (x1 < 0)).any(axis=-1, keepdims=True)
    r0, r1 = x0.prod(axis=-1, keepdims=True), x1.prod(axis=-1, keepdims=True)
    ratio = _log_ratio(np.where(is_positive, x1, 1.0), np.where(is_positive, x0, 1.0))
    inner = logarithmic_mean(np.where(is_positive, r1, 1.0), np.where(is_positive, r0, 1.0)) * ratio
    turned = (x0 == 0) != (x1 == 0)
    limit = (r1 - r0) * turned / np.maximum(turned.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(is_positive, inner, np.where(is_negative, np.nan, limit)))


def logarithmic_mean(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """L(a, b) = (a - b) / (ln a - ln b), L(a, a) = a, L(a, 0) = 0, elementwise; between the smaller and the larger.

    a, b : 0 or more, one shape; raises FormulaError : a value is NaN, infinite or below 0
    Near a = b by log1p((a - b) / b): the plain quotient of two small differences loses its digits.
    """
    one, other = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    low, high = np.minimum(one, other), np.maximum(one, other)  # the same digits for L(a, b) and L(b, a)
    if not (np.isfinite(high).all() and (low >= 0).all()):
        raise FormulaError("the logarithmic mean is defined for numbers of 0 or more")
    is_positive = low > 0
    logs = _log_ratio(np.where(is_positive, high, 1.0), np.where(is_positive, low, 1.0))
    mean = np.where(is_positive & (high == low), high, 0.0)
    np.divide(high - low, logs, out=mean, where=is_positive & (logs != 0))
    return np.asarray(mean)


def _log_ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """ln(a / b) of positive numbers, in full precision also where they almost agree."""
    is_near = (a <= 2 * b) & (b <= 2 * a)  # there a - b is free of rounding
    near = np.log1p(np.where(is_near, a - b, 0.0) / b)
    return np.asarray(np.where(is_near, near, np.log(a) - np.log(b)))


def _factor_pair(base: ArrayLike, comparison: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x0, x1 = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    if x0.shape != x1.shape or x0.ndim < 1 or not x0.shape[-1]:
        raise FormulaError("base and comparison must have the same factors, at least one")
    if not (np.isfinite(x0).all() and np.isfinite(x1).all()):
        raise FormulaError("a factor is missing; fill it from the other window first")
    return x0, x1


def _measured(counts: PerformanceCounts, factors: tuple[Factor, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Factors (leaves, n), unattributed revenue (leaves,) and revenue (leaves,)."""
    covered, active, orders, revenue = _checked(counts)
    if factors == THREE_FACTORS:
        is_carried = active > 0
        parts = [covered, _quotient(active, covered), _quotient(revenue, active)]
    elif factors == FOUR_FACTORS:
        is_carried = (active > 0) & (orders > 0)
        per_order = np.where(is_carried, _quotient(revenue, orders), np.nan)
        parts = [covered, _quotient(active, covered), _quotient(orders, active), per_order]
    else:
        raise FormulaError("performance is the product of three factors, or of four with orders")
    return np.stack(parts, axis=-1), np.where(is_carried, 0.0, revenue), revenue


def _checked(counts: PerformanceCounts) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    covered, active = np.asarray(counts.covered, dtype=np.float64), np.asarray(counts.active, dtype=np.float64)
    orders, revenue = np.asarray(counts.orders, dtype=np.float64), np.asarray(counts.revenue, dtype=np.float64)
    if covered.ndim != 1 or not covered.shape == active.shape == orders.shape == revenue.shape:
        raise FormulaError("covered, active, orders and revenue must have one value a leaf")
    if not np.isfinite([covered, active, orders, revenue]).all():
        raise FormulaError("a count or an amount is missing; leave leaves without known figures out")
    if (active < 0).any() or (orders < 0).any() or (active > covered).any():
        raise FormulaError("counts must be 0 or more, and every active account must be covered")
    return covered, active, orders, revenue


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def _total(counts: PerformanceCounts) -> PerformanceCounts:
    columns = _checked(counts)
    if not len(columns[0]):
        raise FormulaError("a roll-up needs at least one leaf")
    return PerformanceCounts(*(np.array([column.sum()]) for column in columns))


def _as_fallback(split: Decomposition) -> Decomposition:
    return replace(split, is_fallback=True)
