"""What would double performance? The product of covered accounts, active rate and revenue per active account, played with.

Pure, no Django import. A row of drivers is (K, A, V), or (K, A, Q, W) with orders; in both the second is the active
rate, a share that ends at 1. Source: domain.md 1.6 [S004]; the article's doubling principle is this product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.decomposition import FOUR_FACTORS, THREE_FACTORS, Factor, shapley_effects
from metrics.formulas.exact import BoolArray, FloatArray

ACTIVE_RATE = THREE_FACTORS.index(Factor.ACTIVE_RATE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a set of drivers gives beside today's.

    current_revenue, revenue, change : money, shape (...)
    multiple : revenue / current_revenue, NaN where that is 0; driver_multiples : the same a driver, shape (..., n)
    effects : the change shared over the drivers by Shapley, money, shape (..., n)
    """

    current_revenue: FloatArray
    revenue: FloatArray
    change: FloatArray
    multiple: FloatArray
    driver_multiples: FloatArray
    effects: FloatArray


@dataclass(frozen=True, slots=True)
class NeededDrivers:
    """What each driver alone would have to be, the others as set, shape (..., n).

    values : NaN where another driver is 0, so that this one cannot bring the target; is_reachable : the value exists,
    and as an active rate does not pass 1
    """

    values: FloatArray
    is_reachable: BoolArray


def driver_scenario(current: ArrayLike, scenario: ArrayLike) -> Scenario:
    """Revenue when the drivers move from ``current`` to ``scenario``, shape (..., n), n = 3 or 4.

    revenue = product of the drivers, exactly: 3 drivers of x 1.26 double it
    raises FormulaError : shapes differ, a driver is NaN, infinite or below 0, or an active rate is above 1
    """
    now, then = _drivers(current), _drivers(scenario)
    if now.shape != then.shape:
        raise FormulaError("today's drivers and the scenario must be the same ones")
    before, after = now.prod(axis=-1), then.prod(axis=-1)
    return Scenario(
        current_revenue=np.asarray(before),
        revenue=np.asarray(after),
        change=np.asarray(after - before),
        multiple=_ratio(after, before),
        driver_multiples=_ratio(then, now),
        effects=shapley_effects(now, then),
    )


def equal_driver_multiple(target_multiple: ArrayLike, *, drivers: int = 3) -> FloatArray:
    """The one factor by which each of ``drivers`` must grow so that the product grows by ``target_multiple``.

    factor = target_multiple**(1 / drivers), shape of target_multiple; doubling with three drivers: 1.259921
    raises FormulaError : a target is NaN, infinite or not above 0, or drivers < 1
    """
    target = _positive(target_multiple)
    if drivers < 1:
        raise FormulaError("there must be at least one driver")
    return np.asarray(target ** (1 / drivers))


def equal_driver_multiples(current: ArrayLike, *, target_multiple: float) -> FloatArray:
    """The factor of each driver when all grow alike and the active rate stops at 1, shape (..., n).

    Where A x factor would pass 1, A grows by 1 / A and the n - 1 others by (target A)**(1 / (n - 1)) each. Their product
    is always ``target_multiple``; NaN where a driver is 0 today, for no factor moves it.
    raises FormulaError : as ``driver_scenario`` and ``equal_driver_multiple``
    """
    now, target = _drivers(current), float(_positive(target_multiple))
    n = now.shape[-1]
    is_moving = (now > 0).all(axis=-1, keepdims=True)
    rate = np.where(is_moving, now[..., ACTIVE_RATE, None], 1.0)
    factor = target ** (1 / n)
    is_rate = np.arange(n) == ACTIVE_RATE
    at_ceiling = np.where(is_rate, 1 / rate, (target * rate) ** (1 / (n - 1)))
    multiples = np.where(rate * factor > 1, at_ceiling, factor)
    return np.asarray(np.where(is_moving, multiples, np.nan))


def needed_drivers(scenario: ArrayLike, *, target: ArrayLike) -> NeededDrivers:
    """Which driver alone brings revenue to ``target`` with the others as set in ``scenario``.

    needed_k = target / prod_{j != k} x_j
    scenario : drivers, shape (..., n), n = 3 or 4; target : revenue of 0 or more, money, shape (...)
    raises FormulaError : a driver or the target is NaN, infinite or below 0, or an active rate is above 1
    Values are unrounded: a number of accounts is rounded up where it is shown.
    """
    x, wanted = _drivers(scenario), np.asarray(target, dtype=np.float64)
    if not (np.isfinite(wanted).all() and (wanted >= 0).all()):
        raise FormulaError("the target must be 0 or more")
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1.0, x[..., None, :]).prod(axis=-1)
    values = _ratio(wanted[..., None], others)
    ceiling = np.where(np.arange(n) == ACTIVE_RATE, 1.0, np.inf)
    return NeededDrivers(values=values, is_reachable=np.asarray(values <= ceiling))


def _drivers(values: ArrayLike) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim < 1 or x.shape[-1] not in {len(THREE_FACTORS), len(FOUR_FACTORS)}:
        raise FormulaError("there are three drivers, or four with orders")
    if not (np.isfinite(x).all() and (x >= 0).all()):
        raise FormulaError("a driver must be 0 or more")
    if (x[..., ACTIVE_RATE] > 1).any():
        raise FormulaError("the active rate must lie in [0, 1]")
    return x


def _positive(values: ArrayLike) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(x).all() and (x > 0).all()):
        raise FormulaError("the target multiple must be above 0")
    return x


def _ratio(numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Elementwise, NaN where the denominator is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0))
