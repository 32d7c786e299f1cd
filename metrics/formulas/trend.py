"""Series over time: moving sums of monthly values, and the windows that charts compare. Pure, no Django import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import UNITS_PER_ONE, FloatArray

MONTHS_PER_YEAR = 12


def moving_sum(monthly: ArrayLike, *, width: int = MONTHS_PER_YEAR) -> FloatArray:
    """Sum of each ``width`` months in a row: (n, m) values give (n, m - width + 1) sums, the first ends with month
    ``width``.

    Added in whole ten-thousandths, so that a month that leaves the window leaves nothing behind.
    raises FormulaError : not two-dimensional, or fewer months than the window is wide
    """
    values = np.asarray(monthly, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < width or width < 1:
        raise FormulaError(f"{width} months are needed for the first sum")
    running = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(np.rint(values * UNITS_PER_ONE), axis=1, out=running[:, 1:])
    return np.asarray((running[:, width:] - running[:, :-width]) / UNITS_PER_ONE)


def year_pairs(monthly: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(prior 12 months, last 12 months) at each month that has 24 behind it: (n, m) gives two of (n, m - 23)."""
    sums = moving_sum(monthly)
    if sums.shape[1] <= MONTHS_PER_YEAR:
        raise FormulaError("24 months are needed for the first comparison")
    return sums[:, :-MONTHS_PER_YEAR], sums[:, MONTHS_PER_YEAR:]


def line_through(values: ArrayLike) -> tuple[float, float]:
    """(level at the last point, slope per step) of the least-squares line; NaN values are left out, fewer than two
    give NaN."""
    y = np.asarray(values, dtype=np.float64)
    x = np.arange(len(y)) - (len(y) - 1.0)
    is_known = np.isfinite(y)
    if is_known.sum() < 2:
        return float("nan"), float("nan")
    x, y = x[is_known], y[is_known]
    centred = x - x.mean()
    slope = float((centred * (y - y.mean())).sum() / (centred**2).sum())
    return float(y.mean() - slope * x.mean()), slope
