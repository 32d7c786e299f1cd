"""How far does an account lie below its peers? Pure, no Django import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

MIN_PEERS = 5  # fewer active accounts have no typical revenue [D, domain.md 7.1]
PLACES = 4  # decimals of money


def peer_gaps(
    revenue: ArrayLike, peers: ArrayLike, is_active: ArrayLike, *, min_peers: int = MIN_PEERS
) -> tuple[FloatArray, FloatArray]:
    """(median revenue of the active peers, how far below it the account lies), each money, shape (n,).

    revenue : net revenue of the window, shape (n,); peers : a whole number shared by the accounts of one peer group
    is_active : ordered in the window; only active accounts make the median and have a gap
    gap = max(median - revenue, 0). Both are NaN where the account is not active or the group has fewer than
    ``min_peers`` active accounts, itself included. The median of an even number is the mean of the two in the middle,
    taken to the fourth decimal.
    raises FormulaError : shapes differ, a revenue is NaN, or min_peers < 1
    Source: domain.md 7.1 (peers: same segment and size band, at least 5 buyers).
    """
    from scipy import ndimage

    net, active = np.asarray(revenue, dtype=np.float64), np.asarray(is_active, dtype=bool)
    group = np.asarray(peers, dtype=np.int64)
    if net.ndim != 1 or not net.shape == group.shape == active.shape:
        raise FormulaError("every array must have one value an account")
    if not np.isfinite(net).all() or min_peers < 1:
        raise FormulaError("an amount is missing, or a group of peers may be empty")
    median = np.full(net.shape, np.nan)
    if active.any():
        groups, place, count = np.unique(group[active], return_inverse=True, return_counts=True)
        of_group = np.asarray(ndimage.median(net[active], labels=place, index=np.arange(len(groups))))
        median[active] = np.where(count >= min_peers, np.round(of_group, PLACES), np.nan)[place]
    return median, np.where(np.isnan(median), np.nan, np.round(np.maximum(median - net, 0.0), PLACES))
