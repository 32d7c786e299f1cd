"""Exact sums of money held as float64.

An amount of the ledger has at most 4 decimals, so the nearest float64 of any amount below 9e11 gives its ten-thousandths
back without error. Adding whole ten-thousandths is exact; adding the floats would not be. Pure, no Django.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
DateArray = NDArray[np.datetime64]

UNITS_PER_ONE = 10_000  # ten-thousandths, the fourth decimal
_EXACT_FLOAT = 2.0**53  # whole numbers up to here are exact in float64
_PART_NOISE = 1e-9  # of the largest amount: what computing in float64 may leave between the parts and their total


def whole_units(*amounts: ArrayLike) -> tuple[NDArray[Any], ...]:
    """Whole ten-thousandths of each array of amounts, each shape (n,), that can be added and subtracted without error.

    float64 whole numbers while every sum stays below 2**53 (9e11 of the currency), else Python's whole numbers.
    """
    units = [np.rint(np.asarray(array, dtype=np.float64) * UNITS_PER_ONE) for array in amounts]
    if sum(float(np.abs(array).sum()) for array in units) < _EXACT_FLOAT:
        return tuple(units)
    return tuple(np.array([int(unit) for unit in array.tolist()], dtype=object) for array in units)


def units_total(units: NDArray[Any]) -> Decimal:
    """Sum of whole ten-thousandths as money."""
    return Decimal(int(units.sum())).scaleb(-4)


def exact_total(amounts: ArrayLike) -> Decimal:
    """Sum of ``amounts``, shape (n,), each taken to its fourth decimal; exact however many there are."""
    return units_total(whole_units(amounts)[0])


def parts_in_units(parts: ArrayLike, totals: NDArray[Any], *, scale: ArrayLike = 0.0) -> NDArray[Any]:
    """Money parts, shape (n, k), in whole ten-thousandths that add up to ``totals``, shape (n,), whole ten-thousandths.

    Each part is rounded; what rounding leaves goes to the largest part of its row. Python's whole numbers.
    scale : size of the amounts that the parts were computed from, money, shape (n,) or one; their float64 noise is that
    of the parts, however small these are
    raises FormulaError : a part is NaN, or a row misses its total by more than rounding (it is no split of it)
    """
    amounts = np.asarray(parts, dtype=np.float64)
    if not np.isfinite(amounts).all():
        raise FormulaError("a part is missing")
    scaled = np.rint(amounts * UNITS_PER_ONE)
    units = np.array([[int(unit) for unit in row] for row in scaled.tolist()], dtype=object).reshape(amounts.shape)
    rest = np.array([int(total) for total in totals.tolist()], dtype=object) - units.sum(axis=1)
    largest = np.maximum(np.abs(scaled).max(axis=1, initial=0.0), np.abs(np.asarray(scale)) * UNITS_PER_ONE)
    allowed = amounts.shape[1] + _PART_NOISE * largest
    if (np.abs(rest.astype(np.float64)) > allowed).any():
        raise FormulaError("the parts do not add up to their total")
    units[np.arange(len(units)), np.abs(amounts).argmax(axis=1)] += rest
    return units


def exact_ratio(numerator: Decimal, denominator: Decimal) -> float:
    """numerator / denominator as float64; NaN where the denominator is 0."""
    return float(numerator / denominator) if denominator else float("nan")


def positive_part(amounts: ArrayLike) -> FloatArray:
    """x⁺ = max(x, 0), shape (n,)."""
    return np.maximum(np.asarray(amounts, dtype=np.float64), 0.0)
