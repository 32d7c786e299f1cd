"""Which accounts moved a factor of performance: each account in one class, so that their changes add up to the whole.

Pure, no Django import. The words of domain.md 1.6: covered (on the books), active (ordered in the window), net revenue.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError


class Mover(StrEnum):
    """What happened to an account between two windows, in the order of the factors."""

    NEWLY_COVERED = "newly_covered"
    NO_LONGER_COVERED = "no_longer_covered"
    BECAME_ACTIVE = "became_active"
    WENT_SILENT = "went_silent"
    SPENDS_MORE = "spends_more"
    SPENDS_LESS = "spends_less"
    WITHOUT_ORDERS = "without_orders"


UNMOVED = ""


def movers(
    base_covered: ArrayLike,
    comparison_covered: ArrayLike,
    base_active: ArrayLike,
    comparison_active: ArrayLike,
    base_revenue: ArrayLike,
    comparison_revenue: ArrayLike,
) -> NDArray[np.str_]:
    """The class of each account, shape (n,): a ``Mover``, or "" where nothing changed.

    covered, active : bool, shape (n,); revenue : net, money, shape (n,)
    The first that applies: came onto or left the books; ordered in one window only; ordered in both and revenue rose
    or fell; revenue changed without an order in either (late credit notes). So the changes of revenue of the classes
    add up to the change of the whole.
    raises FormulaError : shapes differ, a revenue is NaN, or an active account is not covered
    """
    k0, k1 = np.asarray(base_covered, dtype=bool), np.asarray(comparison_covered, dtype=bool)
    a0, a1 = np.asarray(base_active, dtype=bool), np.asarray(comparison_active, dtype=bool)
    r0 = np.asarray(base_revenue, dtype=np.float64)
    r1 = np.asarray(comparison_revenue, dtype=np.float64)
    if not k0.shape == k1.shape == a0.shape == a1.shape == r0.shape == r1.shape:
        raise FormulaError("every array must have one value an account")
    if np.isnan(r0).any() or np.isnan(r1).any():
        raise FormulaError("an amount is missing; leave accounts without a known amount out")
    if (a0 & ~k0).any() or (a1 & ~k1).any():
        raise FormulaError("an account with an order in the window must be covered")
    both = a0 & a1
    tests: list[NDArray[Any]] = [k1 & ~k0, k0 & ~k1, a1 & ~a0, a0 & ~a1, both & (r1 > r0), both & (r1 < r0), r1 != r0]
    return np.asarray(np.select(tests, [str(mover) for mover in Mover], default=UNMOVED))
