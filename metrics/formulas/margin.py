"""Gross profit and margin. Pure, no Django import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from metrics.formulas.exact import FloatArray


def gross_profit(revenue: ArrayLike, cost: ArrayLike, lines_without_cost: ArrayLike) -> FloatArray:
    """R - cost, shape (n,); NaN where any line of the window has no cost: missing cost is not a margin of 100 %."""
    r, k = np.asarray(revenue, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    return np.where(np.asarray(lines_without_cost) > 0, np.nan, r - k)


def gross_margin(revenue: ArrayLike, profit: ArrayLike) -> FloatArray:
    """profit / R, shape (n,), a fraction; NaN where R <= 0 or the profit is unknown."""
    r, p = np.asarray(revenue, dtype=np.float64), np.asarray(profit, dtype=np.float64)
    margin = np.full(r.shape, np.nan)
    np.divide(p, r, out=margin, where=r > 0)
    return margin
