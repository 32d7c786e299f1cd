"""Minimum of a smooth function of a few variables in a box, by SciPy's L-BFGS-B with the analytic gradient.

Pure, no Django import; scipy.optimize is imported when a fit runs, not at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.formulas.exact import BoolArray, FloatArray

Objective = Callable[[FloatArray], tuple[float, FloatArray]]

MAX_STEPS = 500
GRADIENT_TOLERANCE = 1e-10
SMALLEST_GAIN = 1e-15  # of the value: a step that gains less changes nothing that float64 can hold
FLAT = 1e-5  # an inner gradient this small is the minimum; the search itself stops far below it
AT_EDGE = 1e-9
_HESSIAN_STEP = 1e-4  # of ln parameters: central differences of the gradient are then good to about 1e-8
_NEAR = 1.0  # how far minimise_near looks, in units of the root of the value
_NEAR_TOLERANCE = 1e-7  # of the gradient there, which is the error of the point in the same units


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the search ended. is_flat: nothing but the edge of the box keeps it; is_at_edge: per variable, shape (n,)."""

    x: FloatArray
    value: float
    is_flat: bool
    is_at_edge: BoolArray

    @property
    def is_inner(self) -> bool:
        return self.is_flat and not self.is_at_edge.any()


def minimise(
    objective: Objective,
    start: FloatArray,
    *,
    bounds: Sequence[tuple[float, float]],
    gradient_tolerance: float = GRADIENT_TOLERANCE,
) -> Minimum:
    """The minimum of ``objective`` (value and gradient at a point, shape (n,)) from ``start`` within ``bounds``."""
    from scipy.optimize import minimize

    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_STEPS, "ftol": SMALLEST_GAIN, "gtol": gradient_tolerance, "maxcor": 20},
    )
    low, high = np.array(bounds, dtype=np.float64).T
    at_edge = (found.x - low < AT_EDGE) | (high - found.x < AT_EDGE)
    is_flat = bool(np.abs(np.where(at_edge, 0.0, found.jac)).max(initial=0.0) < FLAT)
    return Minimum(np.asarray(found.x), float(found.fun), is_flat, np.asarray(at_edge))


def curvature_root(objective: Objective, point: FloatArray) -> FloatArray | None:
    """Lower Cholesky factor of the Hessian at ``point``, shape (n, n); None where the objective is not convex there."""
    steps = _HESSIAN_STEP * np.eye(len(point))
    rows = [(objective(point + step)[1] - objective(point - step)[1]) / (2 * _HESSIAN_STEP) for step in steps]
    hessian = (np.array(rows) + np.array(rows).T) / 2
    try:
        return np.asarray(np.linalg.cholesky(hessian))
    except np.linalg.LinAlgError:
        return None


def minimise_near(objective: Objective, point: FloatArray, *, root: FloatArray) -> Minimum:
    """The minimum of an objective much like the one whose minimum is ``point`` and whose ``curvature_root`` is ``root``.

    In z with point + root**-T z the curvature is about 1 in every direction, so that each step is nearly Newton's and a
    handful of evaluations do. is_inner is False where the minimum lies too far off: look for it with ``minimise`` then.
    """
    back = np.linalg.inv(root)

    def whitened(z: FloatArray) -> tuple[float, FloatArray]:
        value, slope = objective(point + z @ back)
        return value, back @ slope

    n = len(point)
    found = minimise(whitened, np.zeros(n), bounds=[(-_NEAR, _NEAR)] * n, gradient_tolerance=_NEAR_TOLERANCE)
    return Minimum(point + found.x @ back, found.value, found.is_flat, found.is_at_edge)
