"""Whether a population of scores is still the one a scale was set for: pure, no Django import.

Letters: a_i, b_i shares of the accounts in part i at the start and now. Source: Siddiqi 2006, Credit Risk Scorecards,
population stability index; its two limits are the usual rule of thumb.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from tiering.grouping import Ints
from tiering.scoring import TOP_SCORE, Floats

PARTS = 10  # of ten points each
STABLE_BELOW, CHANGED_FROM = 0.1, 0.25
LEAST_SHARE = 0.001  # an empty part counts as a thousandth, so that it has a finite logarithm


def counted(scores: Floats) -> Ints:
    """Accounts by part of the scale, shape (PARTS,).

    scores : (n,), 0..100, NaN not known and not counted; 100 belongs to the last part
    """
    known = scores[~np.isnan(scores)]
    places = np.minimum((known * PARTS / TOP_SCORE).astype(np.int64), PARTS - 1)
    return np.bincount(places, minlength=PARTS)


def stability_index(start: ArrayLike, now: ArrayLike) -> float:
    """PSI = sum_i (b_i - a_i) ln(b_i / a_i), 0 where both are alike, never negative, the same both ways.

    start, now : accounts by part, shape (k,), 0 or more, at least one account each; no share counts as less than LEAST_SHARE
    raises FormulaError : the counts do not match, are negative, or count nobody
    """
    first, last = np.asarray(start, dtype=np.float64), np.asarray(now, dtype=np.float64)
    if first.ndim != 1 or first.shape != last.shape or (first < 0).any() or (last < 0).any():
        raise FormulaError("both populations must be counted in the same parts, 0 or more each")
    if not first.sum() or not last.sum():
        raise FormulaError("a population without accounts cannot be compared")
    a, b = (np.maximum(one / one.sum(), LEAST_SHARE) for one in (first, last))
    return float(((b - a) * np.log(b / a)).sum())
