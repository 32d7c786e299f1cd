"""How far off were the forecasts? MASE, WAPE and mean absolute error of many series. Pure, no Django import.

Source: Hyndman and Koehler 2006, Int. J. Forecasting 22(4) 679-688 [R9]; domain.md 7.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray


def seasonal_scale(train: ArrayLike, *, season: int) -> FloatArray:
    """Mean absolute error of seasonal naive inside the training data: (1 / (n - m)) sum over t > m of |y_t - y_{t-m}|.

    train : finite, shape (..., n), oldest first; season : m, 1 <= m < n; returns : shape (...), unit of the data
    raises FormulaError : a value is missing, or there are not more than m of them
    """
    y = _finite(train)
    if season < 1 or y.ndim < 1 or y.shape[-1] <= season:
        raise FormulaError(f"the scale needs more than {season} training values")
    return np.asarray(np.abs(y[..., season:] - y[..., :-season]).mean(axis=-1))


def mean_absolute_error(errors: ArrayLike) -> FloatArray:
    """mean |e| over the last axis; errors : shape (..., h), actual - forecast; a NaN error gives NaN."""
    return np.asarray(np.abs(_table(errors)).mean(axis=-1))


def mean_absolute_scaled_error(errors: ArrayLike, *, scale: ArrayLike) -> FloatArray:
    """MASE = mean |e| / scale, shape (...); below 1 the forecast beats seasonal naive inside the training data.

    errors : shape (..., h), actual - forecast; scale : from ``seasonal_scale`` of the training data alone, shape (...)
    NaN where the scale is 0: a past that repeated itself exactly has no yardstick, use ``mean_absolute_error`` there.
    raises FormulaError : no error at all, or shapes do not fit
    """
    off, unit = mean_absolute_error(errors), np.asarray(scale, dtype=np.float64)
    if unit.shape != off.shape:
        raise FormulaError("give one scale for each row of errors")
    scaled = np.full(off.shape, np.nan)
    np.divide(off, unit, out=scaled, where=unit > 0)
    return scaled


def weighted_absolute_percentage_error(errors: ArrayLike, *, actual: ArrayLike) -> FloatArray:
    """WAPE = sum |e| / sum |y| over the last axis, shape (...), a fraction; NaN where every actual is 0."""
    e, y = _table(errors), _finite(actual)
    if e.shape != y.shape:
        raise FormulaError("give one actual value for each error")
    whole = np.asarray(np.abs(y).sum(axis=-1))
    share = np.full(whole.shape, np.nan)
    np.divide(np.abs(e).sum(axis=-1), whole, out=share, where=whole > 0)
    return share


def _table(errors: ArrayLike) -> FloatArray:
    e = np.asarray(errors, dtype=np.float64)
    if e.ndim < 1 or e.shape[-1] == 0:
        raise FormulaError("there is no error to average")
    return e


def _finite(values: ArrayLike) -> FloatArray:
    y = np.asarray(values, dtype=np.float64)
    if not np.isfinite(y).all():
        raise FormulaError("a value is missing; accuracy is measured on known months")
    return y
