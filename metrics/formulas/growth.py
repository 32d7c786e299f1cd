"""Growth of one amount against another: rate, arc growth, small base. Pure, arrays in and arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

MIN_BASE = 1_000.0  # of the currency shown: a smaller base is flagged and kept out of rankings


def growth_rate(base: ArrayLike, comparison: ArrayLike) -> FloatArray:
    """(C - B) / B, shape (n,), a fraction.

    Not meaningful, so NaN, where B <= 0: a rate against nothing or against a credit says nothing, and is never written
    as infinity, 0 or 1. Source: [S002] customer revenue growth; domain 1.3.
    """
    b, c = _pair(base, comparison)
    rate = np.full(b.shape, np.nan)
    np.divide(c - b, b, out=rate, where=b > 0)
    return rate


def arc_growth(base: ArrayLike, comparison: ArrayLike) -> FloatArray:
    """(C - B) / ((C + B) / 2), shape (n,), in [-2, 2]; finite for new (2) and lost (-2) accounts.

    Domain B, C >= 0 and B + C > 0; NaN elsewhere. Symmetric: swapping the windows flips the sign.
    """
    b, c = _pair(base, comparison)
    arc = np.full(b.shape, np.nan)
    with np.errstate(invalid="ignore"):
        inside = (b >= 0) & (c >= 0) & (b + c > 0)
    np.divide(c - b, (c + b) / 2, out=arc, where=inside)
    return arc


def is_small_base(base: ArrayLike, *, min_base: float = MIN_BASE) -> BoolArray:
    """0 < B < min_base, shape (n,): the rate is shown with a flag and takes no part in rankings."""
    b = np.asarray(base, dtype=np.float64)
    return np.asarray((b > 0) & (b < min_base))


def _pair(base: ArrayLike, comparison: ArrayLike) -> tuple[FloatArray, FloatArray]:
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    if b.shape != c.shape:
        raise FormulaError(f"base has shape {b.shape} and comparison {c.shape}; give one value of each an account")
    return b, c
