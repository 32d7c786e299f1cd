"""Raw indicators → scores 0..100 → dimension scores → composite, with every contribution (domain.md 3.1 to 3.5).

Pure and vectorised over accounts: matrices have one row an indicator and one column an account, NaN means missing.
Sums run indicator by indicator in the order of the scheme, so an account's figures never depend on who else is in the
batch, and contributions added up in that order give the composite to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOP_SCORE = 100.0
THRESHOLD_DECIMALS = 9  # domain.md, head: float noise never decides
SALES_DIMENSION = "SAL"  # without it no composite (domain.md 3.5)


@dataclass(frozen=True, slots=True)
class IndicatorScale:
    """One indicator: its dimension, its weight inside it (fraction) and its anchors ``(value, score)``."""

    code: str
    dimension: str
    weight: float
    anchors: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How indicators become one composite. ``dimensions`` maps code to weight; weights are fractions.

    min_dimension_evidence : share of a dimension's weight that must be known for it to count, 0..1
    min_valid_weight : share of the dimension weights that must count for a composite, 0..1
    """

    dimensions: dict[str, float]
    indicators: tuple[IndicatorScale, ...]
    min_dimension_evidence: float = 0.5
    min_valid_weight: float = 0.7

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(indicator.code for indicator in self.indicators)


@dataclass(frozen=True, slots=True)
class Composed:
    """What ``compose`` gives for k indicators, d dimensions and n accounts.

    scores : (k, n), 0..100, NaN missing
    dimension_scores : code → (n,), NaN where nothing is known; given even where the evidence is too thin to count
    dimension_evidence : code → (n,), known share of the dimension's weight
    composite : (n,), NaN where it cannot be computed
    evidence : (n,), known share of all weights
    contributions : (k, n), points of the composite; NaN where an indicator does not count
    """

    scores: Floats
    dimension_scores: dict[str, Floats]
    dimension_evidence: dict[str, Floats]
    composite: Floats
    evidence: Floats
    contributions: Floats


def settled(value: ArrayLike) -> Floats:
    """``value`` rounded as a score, share or ratio is before it meets a threshold."""
    return np.asarray(np.round(np.asarray(value, dtype=np.float64), THRESHOLD_DECIMALS), dtype=np.float64)


def check_anchors(anchors: Sequence[Sequence[float]]) -> None:
    """Raise FormulaError unless there are two or more finite anchors, scores within 0..100, monotone in the value."""
    if len(anchors) < 2 or any(len(anchor) != 2 for anchor in anchors):
        raise FormulaError("a scale needs two or more anchors of value and score")
    points = np.asarray(anchors, dtype=np.float64)
    if not np.isfinite(points).all():
        raise FormulaError("anchors must be finite numbers")
    if points[:, 1].min() < 0 or points[:, 1].max() > TOP_SCORE:
        raise FormulaError("anchor scores must lie between 0 and 100")
    if is_falling(anchors) and (np.diff(_sorted_anchors(points, falls=True)[:, 1]) > 0).any():
        raise FormulaError("anchor scores must rise or fall with the value, not both")


def is_falling(anchors: Sequence[Sequence[float]]) -> bool:
    """Whether the scale does not rise: lower values score higher."""
    points = np.asarray(anchors, dtype=np.float64)
    return bool((np.diff(_sorted_anchors(points, falls=False)[:, 1]) < 0).any())


def anchored(value: ArrayLike, *, anchors: Sequence[Sequence[float]]) -> Floats:
    """Score of each value on a piecewise-linear scale, flat outside it.

    value : shape (n,), in the indicator's unit; NaN stays NaN
    anchors : pairs (value, score), monotone; where several share a value the highest score counts at that value
    returns : shape (n,), 0..100
    raises FormulaError : the anchors are no scale (``check_anchors``)
    Source: domain.md 3.1, 3.2.
    """
    check_anchors(anchors)
    points = np.asarray(anchors, dtype=np.float64)
    x = np.asarray(value, dtype=np.float64)
    if is_falling(anchors):
        # Mirrored, a falling scale rises: np.interp takes the last of several anchors at one value, here the highest.
        mirrored = _sorted_anchors(points * [-1.0, 1.0], falls=False)
        return np.interp(-x, mirrored[:, 0], mirrored[:, 1])
    rising = _sorted_anchors(points, falls=False)
    return np.interp(x, rising[:, 0], rising[:, 1])


def compose(raw: Floats, *, scheme: Scheme) -> Composed:
    """Score every indicator and weigh the known ones together.

    raw : shape (k, n), in the order of ``scheme.indicators``, NaN missing
    Inside a dimension the known indicators share the whole weight; a dimension counts from min_dimension_evidence on;
    the composite needs the sales dimension and min_valid_weight of all weights (domain.md 3.5).
    contribution = (w_dim / Σ valid w_dim) · (w_ind / evidence_dim) · score
    """
    if raw.shape[0] != len(scheme.indicators):
        raise FormulaError("one row of raw values is needed for each indicator of the scheme")
    scores = np.array([anchored(row, anchors=spec.anchors) for row, spec in zip(raw, scheme.indicators, strict=True)])
    known = ~np.isnan(scores)
    evidence_of, score_of, valid_of = _dimensions(scores, known, scheme)
    n = raw.shape[1]
    valid_weight, total_evidence = np.zeros(n), np.zeros(n)
    for code, weight in scheme.dimensions.items():
        valid_weight += np.where(valid_of[code], weight, 0.0)
        total_evidence += weight * evidence_of[code]
    computed = valid_of[SALES_DIMENSION] & (settled(valid_weight) >= scheme.min_valid_weight)
    contributions = np.full_like(scores, np.nan)
    composite = np.where(computed, 0.0, np.nan)
    for position, spec in enumerate(scheme.indicators):
        counts = computed & valid_of[spec.dimension] & known[position]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = scheme.dimensions[spec.dimension] / valid_weight * (spec.weight / evidence_of[spec.dimension])
            contributions[position] = np.where(counts, share * scores[position], np.nan)
        composite = composite + np.where(counts, contributions[position], 0.0)
    return Composed(scores, score_of, evidence_of, composite, total_evidence, contributions)


def _dimensions(
    scores: Floats, known: Bools, scheme: Scheme
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Bools]]:
    """Evidence, re-weighted score and validity of each dimension."""
    n = scores.shape[1]
    evidence = {code: np.zeros(n) for code in scheme.dimensions}
    weighted = {code: np.zeros(n) for code in scheme.dimensions}
    for position, spec in enumerate(scheme.indicators):
        evidence[spec.dimension] += np.where(known[position], spec.weight, 0.0)
        weighted[spec.dimension] += np.where(known[position], spec.weight * scores[position], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = {code: weighted[code] / evidence[code] for code in scheme.dimensions}
    valid = {
        code: (evidence[code] > 0) & (settled(evidence[code]) >= scheme.min_dimension_evidence)
        for code in scheme.dimensions
    }
    return evidence, score, valid


def _sorted_anchors(points: Floats, *, falls: bool) -> Floats:
    """Anchors by value; those at one value by score, ascending or (``falls``) descending."""
    scores = -points[:, 1] if falls else points[:, 1]
    return points[np.lexsort((scores, points[:, 0]))]
