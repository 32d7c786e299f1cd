"""Who buys A also buys B: rules between products, counted over accounts. Pure, no Django; scipy where it is used.

Letters: n accounts, n_A and n_B accounts that own A and B, n_AB those that own both. An account counts once, however
often it bought. Sources: Shmueli et al. 2018, Data Mining for Business Analytics, ch. 14 [R23]; Benjamini and Hochberg
1995, J. Royal Statistical Society B 57(1) 289-300; domain.md 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

MIN_JOINT_ACCOUNTS = 5  # a rule on fewer accounts is an anecdote [D, domain.md 7.1]
SIGNIFICANCE = 0.05  # chance of a false rule among the shown ones, after correction [D, domain.md 7.1]
_DECIMALS = 9  # a ratio is rounded before it meets a limit, so that float noise never decides
_NEGLIGIBLE = 1e-17  # a term this small a part of its sum no longer changes it


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Figures of rules A => B, each of the shape of the counts; NaN where a denominator is 0.

    support n_AB / n; confidence n_AB / n_A; lift n n_AB / (n_A n_B); leverage n_AB / n - n_A n_B / n²
    """

    support: FloatArray
    confidence: FloatArray
    lift: FloatArray
    leverage: FloatArray


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules A => B of at least ``min_joint`` accounts, both directions of a pair, each shape (rules,).

    antecedent, consequent : columns of the matrix; joint n_AB
    p_value : one-sided Fisher test that the two are owned together more often than by chance, alike in both directions
    adjusted_p_value : Benjamini-Hochberg over all pairs that could have become a rule (``tested_pairs``)
    is_shown : n_AB >= 5, lift > 1 and adjusted p < 0.05
    Ordered by antecedent, then consequent.
    """

    antecedent: NDArray[np.int64]
    consequent: NDArray[np.int64]
    joint: NDArray[np.int64]
    figures: RuleFigures
    p_value: FloatArray
    adjusted_p_value: FloatArray
    is_shown: BoolArray
    accounts: int
    tested_pairs: int


def ownership(account: ArrayLike, product: ArrayLike, *, accounts: int, products: int) -> Any:
    """Sparse boolean matrix (accounts, products), scipy CSR, from pairs of row and column numbers; repeats count once.

    raises FormulaError : lists of different length, or a number outside the matrix
    """
    from scipy.sparse import csr_array

    rows, columns = np.asarray(account, dtype=np.int64), np.asarray(product, dtype=np.int64)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise FormulaError("give one product for each account in two lists of one length")
    if len(rows) and (min(rows.min(), columns.min()) < 0 or rows.max() >= accounts or columns.max() >= products):
        raise FormulaError("an account or product lies outside the matrix")
    keys = np.unique(rows * max(products, 1) + columns)
    indices = keys % max(products, 1)
    starts = np.searchsorted(keys, np.arange(accounts + 1, dtype=np.int64) * max(products, 1))
    return csr_array((np.ones(len(keys), dtype=bool), indices, starts), shape=(accounts, products))


def association_rules(owned: Any, *, min_joint: int = MIN_JOINT_ACCOUNTS) -> Rules:
    """Every rule A => B that rests on ``min_joint`` accounts or more.

    owned : boolean matrix (accounts, products), scipy sparse or dense; every account of the question has a row
    min_joint : n_AB from which a rule is listed, >= 1; what may be shown stays ruled by MIN_JOINT_ACCOUNTS
    The correction counts every pair of products that each have ``min_joint`` owners: whether a pair reaches it
    together is part of what is tested, so pairs that did not must count. Cost: products² where most pairs meet.
    raises FormulaError : not a matrix of 0 and 1, or min_joint below 1
    """
    matrix = as_ownership(owned)
    if min_joint < 1:
        raise FormulaError("a rule needs 1 joint account or more")
    accounts = matrix.shape[0]
    owners = np.asarray(matrix.sum(axis=0), dtype=np.int64)
    first, second, joint = _pairs(matrix, is_candidate=owners >= min_joint)
    candidates = int((owners >= min_joint).sum())
    tested = candidates * (candidates - 1) // 2
    p = fisher_p_value(joint, owners[first], owners[second], accounts=accounts)
    adjusted = adjusted_p_values(p, tests=tested)
    kept = joint >= min_joint
    first, second, joint, p, adjusted = first[kept], second[kept], joint[kept], p[kept], adjusted[kept]
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    joint, p, adjusted = (np.concatenate([part, part])[order] for part in (joint, p, adjusted))
    figures = rule_figures(joint, owners[a], owners[b], accounts=accounts)
    is_shown = is_rule_shown(joint, lift=figures.lift, adjusted_p_value=adjusted)
    return Rules(a, b, joint, figures, p, adjusted, is_shown, accounts=accounts, tested_pairs=tested)


def rule_figures(joint: ArrayLike, with_a: ArrayLike, with_b: ArrayLike, *, accounts: int) -> RuleFigures:
    """Support, confidence, lift and leverage of A => B from counts n_AB, n_A, n_B of one shape and n accounts.

    raises FormulaError : counts that cannot be: n_AB above n_A or n_B, or more owners than accounts
    """
    n_ab, n_a, n_b = _counts(joint, with_a, with_b, accounts=accounts)
    expected = n_a * n_b
    return RuleFigures(
        support=_ratio(n_ab, np.full(n_ab.shape, float(accounts))),
        confidence=_ratio(n_ab, n_a),
        lift=_ratio(accounts * n_ab, expected),
        leverage=_ratio(accounts * n_ab - expected, np.full(n_ab.shape, float(accounts) ** 2)),
    )


def fisher_p_value(joint: ArrayLike, with_a: ArrayLike, with_b: ArrayLike, *, accounts: int) -> FloatArray:
    """P(X >= n_AB), X hypergeometric: n_A of n accounts own A, n_B are drawn. One-sided Fisher test, shape of joint.

    The terms are summed from n_AB outwards, all tests at once, away from the mode so that they only fall: upwards where
    n_AB lies above the mean, else 1 - P(X < n_AB) downwards. scipy.stats.hypergeom.sf gives the same, one at a time.
    raises FormulaError : counts that cannot be
    """
    from scipy.stats import hypergeom

    n_ab, n_a, n_b = _counts(joint, with_a, with_b, accounts=accounts)
    p = np.ones(n_ab.shape)
    is_above = n_ab * accounts > n_a * n_b
    for is_up, where in ((True, is_above), (False, ~is_above & (n_ab > 0))):
        k, a, b = n_ab[where] - (0 if is_up else 1), n_a[where], n_b[where]
        tail = np.exp(hypergeom.logpmf(k, accounts, a, b)) * _relative_tail(k, a, b, accounts, is_up=is_up)
        p[where] = np.clip(tail if is_up else 1 - tail, 0.0, 1.0)
    return p


def adjusted_p_values(p_values: ArrayLike, *, tests: int) -> FloatArray:
    """Benjamini-Hochberg over ``tests`` tests of which the ones not listed had p = 1, shape (n,).

    The listed ones hold every p below 1, so their own adjustment times tests / n is the adjustment over all tests.
    raises FormulaError : fewer tests than p-values, or a p-value outside [0, 1]
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or len(p) > tests or not np.all((p >= 0) & (p <= 1)):
        raise FormulaError("p-values must lie in [0, 1], and no more of them than tests")
    if not len(p):
        return p
    return np.asarray(np.minimum(false_discovery_control(p) * (tests / len(p)), 1.0))


def is_rule_shown(joint: ArrayLike, *, lift: ArrayLike, adjusted_p_value: ArrayLike) -> BoolArray:
    """n_AB >= 5, lift > 1 and p < 0.05 after correction, shape of joint."""
    is_frequent = np.asarray(joint) >= MIN_JOINT_ACCOUNTS
    is_lifting = np.round(np.asarray(lift, dtype=np.float64), _DECIMALS) > 1
    is_sure = np.round(np.asarray(adjusted_p_value, dtype=np.float64), _DECIMALS) < SIGNIFICANCE
    return np.asarray(is_frequent & is_lifting & is_sure)


def as_ownership(owned: Any) -> Any:
    """``owned`` as scipy CSR of 0 and 1 without stored zeros; raises FormulaError on anything else."""
    from scipy.sparse import csr_array, issparse

    if not issparse(owned) and np.ndim(owned) != 2:
        raise FormulaError("the matrix must have one row an account and one column a product")
    matrix = csr_array(owned).astype(np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if not np.all(matrix.data == 1):
        raise FormulaError("the matrix must hold owned or not owned, nothing else")
    return matrix


def _pairs(matrix: Any, *, is_candidate: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(A, B, n_AB) of candidates A < B owned together by at least one account."""
    from scipy.sparse import triu

    columns = np.flatnonzero(is_candidate)
    own = matrix[:, columns]
    together = triu(own.T @ own, k=1).tocoo()
    found = together.data > 0
    row, column = (columns[np.asarray(index)[found]].astype(np.int64) for index in (together.row, together.col))
    return row, column, together.data[found].astype(np.int64)


def _relative_tail(k: FloatArray, a: FloatArray, b: FloatArray, n: int, *, is_up: bool) -> FloatArray:
    """Sum of the terms from k outwards, in units of the term at k."""
    total, term = np.ones(k.shape), np.ones(k.shape)
    left, place = np.arange(len(k)), k.copy()
    while len(left):
        j, over, under = place[left], a[left], b[left]
        if is_up:
            step = (over - j) * (under - j) / ((j + 1) * (n - over - under + j + 1))
        else:
            step = j * (n - over - under + j) / ((over - j + 1) * (under - j + 1))
        term[left] *= step
        total[left] += term[left]
        place[left] += 1 if is_up else -1
        left = left[term[left] > _NEGLIGIBLE * total[left]]
    return total


def _counts(
    joint: ArrayLike, with_a: ArrayLike, with_b: ArrayLike, *, accounts: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    n_ab, n_a, n_b = (np.asarray(values, dtype=np.float64) for values in (joint, with_a, with_b))
    if not n_ab.shape == n_a.shape == n_b.shape:
        raise FormulaError("counts of A, B and both must have one shape")
    together = np.maximum(n_a + n_b - accounts, 0)  # so many own both at least
    is_possible = (n_ab >= together) & (n_ab <= np.minimum(n_a, n_b)) & (np.maximum(n_a, n_b) <= accounts)
    if not np.all(is_possible & (n_ab == np.floor(n_ab)) & (n_a == np.floor(n_a)) & (n_b == np.floor(n_b))):
        raise FormulaError("counts must be whole and fit: max(0, n_A + n_B - n) <= n_AB <= n_A, n_B <= n")
    return n_ab, n_a, n_b


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
