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


def minimise(objective: Objective, start: FloatArray, *, bounds: Sequence[tuple[float, float]]) -> Minimum:
    """The minimum of ``objective`` (value and gradient at a point, shape (n,)) from ``start`` within ``bounds``."""
    from scipy.optimize import minimize

    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_STEPS, "ftol": SMALLEST_GAIN, "gtol": GRADIENT_TOLERANCE, "maxcor": 20},
    )
    low, high = np.array(bounds, dtype=np.float64).T
    at_edge = (found.x - low < AT_EDGE) | (high - found.x < AT_EDGE)
    is_flat = bool(np.abs(np.where(at_edge, 0.0, found.jac)).max(initial=0.0) < FLAT)
    return Minimum(np.asarray(found.x), float(found.fun), is_flat, np.asarray(at_edge))
