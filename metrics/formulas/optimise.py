"""Quasi-Newton minimum of a smooth function of a few variables. Pure, numpy only.

The fits here have three or four parameters. A BFGS step costs nothing beside one likelihood, and written out it needs
neither scipy.optimize (a second to import) nor BLAS, whose threads take longer to wake than a whole fit takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.formulas.exact import FloatArray

Objective = Callable[[FloatArray], tuple[float, FloatArray]]

MAX_STEPS = 500
GRADIENT_TOLERANCE = 1e-9
SMALLEST_GAIN = 1e-15  # of the value: a step that promises less changes nothing that float64 can hold
LONGEST_STEP = 2.0  # in ln of a parameter: a first step must not leave the region where the function is finite
_FLAT = 1e-6  # a gradient this small where no lower value can be found is the minimum
_ARMIJO, _CURVATURE = 1e-4, 0.9
_LINE_TRIES = 40


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the search ended. is_converged: the gradient is 0 to tolerance, or no step promises a decrease that float64 can hold."""

    x: FloatArray
    value: float
    gradient: FloatArray
    steps: int
    is_converged: bool


def minimise(objective: Objective, start: FloatArray, *, bound: float = np.inf) -> Minimum:
    """BFGS from ``start`` with a weak Wolfe line search.

    objective : value and gradient at a point, shape (n,); a value that is not finite counts as too far
    bound : the search stops, not converged, once a coordinate passes it in size
    """
    x = np.array(start, dtype=np.float64)
    value, slope = objective(x)
    inverse = np.eye(len(x))
    for step in range(MAX_STEPS):
        if np.abs(slope).max() < GRADIENT_TOLERANCE:
            return Minimum(x, value, slope, step, True)
        if np.abs(x).max() > bound:
            return Minimum(x, value, slope, step, False)
        direction = -(inverse * slope).sum(axis=1)
        if (direction * slope).sum() >= 0:  # rounding spoilt the matrix: start again from steepest descent
            inverse, direction = np.eye(len(x)), -slope
        direction *= min(1.0, LONGEST_STEP / np.abs(direction).max())
        if -float((direction * slope).sum()) < SMALLEST_GAIN * max(abs(value), 1.0):
            return Minimum(x, value, slope, step, True)
        moved = _line_search(objective, x, value, slope, direction)
        if moved is None:
            return Minimum(x, value, slope, step, bool(np.abs(slope).max() < _FLAT))
        new_x, new_value, new_slope = moved
        inverse = _updated(inverse, new_x - x, new_slope - slope, is_first=step == 0)
        x, value, slope = new_x, new_value, new_slope
    return Minimum(x, value, slope, MAX_STEPS, False)


def _line_search(
    objective: Objective, x: FloatArray, value: float, slope: FloatArray, direction: FloatArray
) -> tuple[FloatArray, float, FloatArray] | None:
    """A point with enough decrease and a flatter slope, by bisection; None where nothing lower can be represented."""
    descent = float((slope * direction).sum())
    low, high, length = 0.0, np.inf, 1.0
    best: tuple[FloatArray, float, FloatArray] | None = None
    for _try in range(_LINE_TRIES):
        point = x + length * direction
        with np.errstate(all="ignore"):
            new_value, new_slope = objective(point)
        if not np.isfinite(new_value) or new_value > value + _ARMIJO * length * descent:
            high = length
        elif float((new_slope * direction).sum()) < _CURVATURE * descent:
            low, best = length, (point, new_value, new_slope)
        else:
            return (point, new_value, new_slope) if new_value < value else None
        length = (low + high) / 2 if np.isfinite(high) else 2 * length
    return best if best is not None and best[1] < value else None


def _updated(inverse: FloatArray, s: FloatArray, y: FloatArray, *, is_first: bool) -> FloatArray:
    """The BFGS update of the inverse Hessian; the first one is scaled to the curvature found."""
    curvature = float((s * y).sum())
    if curvature <= 0:
        return inverse
    if is_first:
        inverse = inverse * (curvature / float((y * y).sum()))
    hy = (inverse * y).sum(axis=1)
    weight = 1 + float((y * hy).sum()) / curvature
    cross = np.outer(hy, s)
    return np.asarray(inverse + (weight * np.outer(s, s) - cross - cross.T) / curvature)
