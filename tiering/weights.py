"""Where weights come from: pairwise judgements (AHP), the spread of the data (entropy, 熵权法), a blend (domain.md 3.3).

Pure, no Django import. Letters: a_ij how much more indicator i matters than j, w the weights, x_ij value of indicator j
for account i. Sources: Saaty 1977, 1980; Alonso and Lamata 2006 [R10].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from tiering.scoring import Floats

LARGEST_JUDGEMENT = 9.0  # Saaty's scale: 1 equal, 9 extremely more
CONSISTENT_BELOW = 0.1  # of the consistency ratio
RANDOM_INDEX = {3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45, 10: 1.49}  # Saaty; CI of random matrices
MAX_INDICATORS = max(RANDOM_INDEX)
LEAST_MANUAL_SHARE = 0.5  # entropy measures dispersion, not importance: it may only advise
PERCENT_DECIMALS = 2
_RECIPROCAL_NOISE = 1e-9  # a third has no exact float64
_SUM_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Judgements:
    """What pairwise judgements say.

    weights : (n,), sum 1; largest_eigenvalue : n where the judgements agree with each other, else more
    consistency_ratio : CI / RI with CI = (largest_eigenvalue - n) / (n - 1); 0 for n <= 2, where nothing can disagree
    worst : places (i, j), i < j, of the judgement that deviates most from the weights; None for n <= 2
    """

    weights: Floats
    largest_eigenvalue: float
    consistency_ratio: float
    worst: tuple[int, int] | None

    @property
    def is_consistent(self) -> bool:
        """Weights of judgements that are not cannot be activated."""
        return self.consistency_ratio < CONSISTENT_BELOW


@dataclass(frozen=True, slots=True)
class EntropyWeights:
    """weights : (k,), sum 1; entropy : e of each indicator, (k,), 1 where it is the same for every account."""

    weights: Floats
    entropy: Floats


def judged_weights(matrix: ArrayLike) -> Judgements:
    """Weights of a reciprocal matrix of judgements: its principal eigenvector.

    matrix : a_ij, shape (n, n), n from 1 to MAX_INDICATORS, within 1/9..9, a_ji = 1 / a_ij, a_ii = 1
    worst = the largest |ln a_ij - ln(w_i / w_j)|
    raises FormulaError : the matrix is none of judgements, or has more than MAX_INDICATORS rows
    """
    a = _checked_judgements(matrix)
    n = len(a)
    values, vectors = np.linalg.eig(a)
    principal = int(values.real.argmax())  # a positive matrix has one largest eigenvalue, real, with a positive vector
    w = np.abs(vectors[:, principal].real)
    w = w / w.sum()
    largest = max(float(values[principal].real), float(n))
    if n not in RANDOM_INDEX:
        return Judgements(w, largest, 0.0, None)
    ratio = (largest - n) / (n - 1) / RANDOM_INDEX[n]
    deviation = np.triu(np.abs(np.log(a) - np.log(w[:, None] / w[None, :])), k=1)
    row, column = divmod(int(deviation.argmax()), n)
    return Judgements(w, largest, ratio, (row, column))


def joint_judgements(matrices: Sequence[ArrayLike]) -> Floats:
    """One matrix of several judges: the geometric mean element by element, which stays reciprocal; shape (n, n).

    raises FormulaError : no judge, a matrix is none of judgements, or they differ in size
    """
    checked = [_checked_judgements(matrix) for matrix in matrices]
    if not checked or len({matrix.shape for matrix in checked}) > 1:
        raise FormulaError("judges must compare the same indicators, and one judge is the least")
    return np.asarray(np.exp(np.mean([np.log(matrix) for matrix in checked], axis=0)))


def entropy_weights(values: ArrayLike) -> EntropyWeights:
    """Weights by how far indicators tell accounts apart.

    values : x_ij, shape (m, k): m accounts (rows, 2 or more), k indicators (columns); 0 or more, each column sum above 0
    p_ij = x_ij / sum_i x_ij; e_j = -(1 / ln m) sum_i p ln p with 0 ln 0 = 0; w_j = (1 - e_j) / sum (1 - e)
    Equal weights where every indicator is the same for all accounts.
    raises FormulaError : a value is missing, infinite or negative, a column is all 0, or fewer than 2 rows or no column
    It measures dispersion, not importance (EX-15): advice to be blended, never weights of its own.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < 2 or not x.shape[1]:
        raise FormulaError("entropy needs a table of 2 or more accounts and an indicator or more")
    if not np.isfinite(x).all() or (x < 0).any():
        raise FormulaError("entropy needs known values of 0 or more; leave accounts with a missing value out")
    if (x.max(axis=0) <= 0).any():
        raise FormulaError("an indicator is 0 for every account; leave it out")
    p = x / x.max(axis=0)  # first by the largest, so that no sum overflows
    p = p / p.sum(axis=0)
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=0) / np.log(len(x))
    entropy = np.where(x.min(axis=0) == x.max(axis=0), 1.0, np.clip(entropy, 0.0, 1.0))
    spread = 1 - entropy
    k = x.shape[1]
    weights = spread / spread.sum() if spread.sum() > 0 else np.full(k, 1 / k)
    return EntropyWeights(np.asarray(weights), np.asarray(entropy))


def blended_weights(manual: ArrayLike, advised: ArrayLike, *, manual_share: float) -> Floats:
    """lambda w_manual + (1 - lambda) w_advised, shape (k,), sum 1.

    manual, advised : weights as fractions, (k,), 0 or more, sum 1; manual_share : lambda, LEAST_MANUAL_SHARE..1
    raises FormulaError : weights do not match or do not add up to 1, or the share is out of range
    """
    own, other = np.asarray(manual, dtype=np.float64), np.asarray(advised, dtype=np.float64)
    if own.ndim != 1 or own.shape != other.shape:
        raise FormulaError("both sets of weights must name the same indicators")
    for weights in (own, other):
        if not (weights >= 0).all() or abs(weights.sum() - 1) > _SUM_NOISE:
            raise FormulaError("weights must be 0 or more and add up to 1")
    if not LEAST_MANUAL_SHARE <= manual_share <= 1:
        raise FormulaError("the share of the manual weights must lie in [0.5, 1]")
    return np.asarray(manual_share * own + (1 - manual_share) * other)


def percentages(weights: ArrayLike, *, decimals: int = PERCENT_DECIMALS) -> list[Decimal]:
    """Percent that sum to exactly 100: each cut to ``decimals``, and the rest given to the largest remainders.

    weights : (k,), 0 or more, at least one above 0; scaled to sum 1 first; equal remainders go to the earlier place
    raises FormulaError : a weight is negative or unknown, or all are 0
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
        raise FormulaError("weights must be known, 0 or more, and one above 0")
    units = w / w.sum() * 100 * 10**decimals
    whole = np.floor(units + _SUM_NOISE)
    missing = round(100 * 10**decimals - whole.sum())
    whole[np.argsort(whole - units, kind="stable")[:missing]] += 1
    return [Decimal(int(unit)).scaleb(-decimals) for unit in whole]


def _checked_judgements(matrix: ArrayLike) -> Floats:
    a = np.asarray(matrix, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not a.shape[0]:
        raise FormulaError("judgements are a square table, one row and one column an indicator")
    if len(a) > MAX_INDICATORS:
        raise FormulaError("more than 10 indicators cannot be judged in pairs; judge them within their dimensions")
    limit = LARGEST_JUDGEMENT * (1 + _RECIPROCAL_NOISE)
    if not ((a >= 1 / limit) & (a <= limit)).all():
        raise FormulaError("a judgement must lie in [1/9, 9]")
    if (np.abs(a * a.T - 1) > _RECIPROCAL_NOISE).any():
        raise FormulaError("a judgement and its reverse must be reciprocal, and 1 for an indicator against itself")
    return a
