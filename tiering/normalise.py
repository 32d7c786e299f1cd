"""Values of many accounts → scores 0..100 by their place among each other (domain.md 3.2).

For analysis, and where an indicator has no natural scale: a score moves here when other accounts change, so anchors
(``tiering.scoring``) are what a grade is made of. Pure and vectorised: one value an account, NaN means missing and stays
missing. Who is compared (the peers, as of which day) is stored with the score by whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.rfm import percent_rank
from tiering.scoring import TOP_SCORE, Bools, Floats

__all__ = [
    "FEW_VALUES",
    "LogScores",
    "is_few",
    "log_min_max",
    "lower_is_better",
    "min_max",
    "percent_rank",
    "winsorised_min_max",
    "z_score",
]

FEW_VALUES = 10  # with fewer a place among the others says little: warn
MIDDLE_SCORE = 50.0  # of a single value, and where all are equal
LOW_PERCENTILE, HIGH_PERCENTILE = 5.0, 95.0
Z_LIMIT = 3.0  # standard deviations; what lies beyond counts as this far


@dataclass(frozen=True, slots=True)
class LogScores:
    """scores : (n,), 0..100; is_negative : values below 0, which count as 0, (n,)."""

    scores: Floats
    is_negative: Bools


def min_max(values: ArrayLike) -> Floats:
    """100 (x - min) / (max - min), shape (n,), 0..100; MIDDLE_SCORE where all known values are equal.

    values : shape (n,), NaN missing
    raises FormulaError : not one value an account, or one is infinite
    """
    x = _checked(values)
    known = x[~np.isnan(x)]
    return _between(x, *((known.min(), known.max()) if len(known) else (0.0, 0.0)))


def winsorised_min_max(values: ArrayLike) -> Floats:
    """100 (x - P5) / (P95 - P5) of the values clipped to [P5, P95], shape (n,), 0..100, so that a single giant does not
    press all others against 0; MIDDLE_SCORE where P5 = P95.

    P5, P95 : linearly interpolated quantiles of the known values
    raises FormulaError : as ``min_max``
    """
    x = _checked(values)
    known = x[~np.isnan(x)]
    low, high = np.percentile(known, [LOW_PERCENTILE, HIGH_PERCENTILE]) if len(known) else (0.0, 0.0)
    return _between(np.clip(x, low, high), float(low), float(high))


def log_min_max(values: ArrayLike) -> LogScores:
    """``min_max`` of ln(1 + x), for values that spread over powers of ten; below 0 counts as 0 and is flagged.

    raises FormulaError : as ``min_max``
    """
    x = _checked(values)
    is_negative = np.asarray(x < 0)
    return LogScores(min_max(np.log1p(np.where(is_negative, 0.0, x))), is_negative)


def z_score(values: ArrayLike) -> Floats:
    """50 + 50/3 z, z = (x - mean) / sigma of the known values within -3..3, shape (n,), 0..100; MIDDLE_SCORE where sigma
    is 0. sigma : of the population, divided by n.

    raises FormulaError : as ``min_max``
    """
    x = _checked(values)
    known = x[~np.isnan(x)]
    if not len(known) or known.min() == known.max():
        return _middle(x)
    z = np.clip((x - known.mean()) / known.std(), -Z_LIMIT, Z_LIMIT)
    return np.asarray(MIDDLE_SCORE + (TOP_SCORE - MIDDLE_SCORE) / Z_LIMIT * z)


def lower_is_better(scores: ArrayLike) -> Floats:
    """100 - score, shape (n,)."""
    return np.asarray(TOP_SCORE - np.asarray(scores, dtype=np.float64))


def is_few(values: ArrayLike) -> bool:
    """Too few known values for a place among them to say much."""
    return int((~np.isnan(_checked(values))).sum()) < FEW_VALUES


def _between(x: Floats, low: float, high: float) -> Floats:
    return _middle(x) if low == high else np.asarray(TOP_SCORE * ((x - low) / (high - low)))


def _middle(x: Floats) -> Floats:
    return np.asarray(np.where(np.isnan(x), np.nan, MIDDLE_SCORE))


def _checked(values: ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or np.isinf(x).any():
        raise FormulaError("give one finite value an account, or none where it is missing")
    return x
