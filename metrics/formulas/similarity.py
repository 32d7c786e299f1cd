"""Which product next? Similarity of products by who owns them, suggestions per account, and whether they are any good.

Pure, no Django import; scipy where it is used. Letters as in ``association``.
Source: Shmueli et al. 2018, Data Mining for Business Analytics, ch. 14 (collaborative filtering) [R23]; domain.md 7.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.association import as_ownership
from metrics.formulas.exact import FloatArray

SHRINKAGE = 5.0  # joint accounts at which a similarity counts half [D, domain.md 7.1]
TOP = 3  # suggestions an account is shown, and judged by
NO_PRODUCT = -1
_DECIMALS = 9  # scores are rounded before they are ranked, so that float noise never decides
_CELLS_AT_ONCE = 4_000_000  # accounts x products of one block of scores
_SUGGESTIONS_AT_ONCE = 20_000


class Similarity(StrEnum):
    """cosine n_AB / sqrt(n_A n_B); Jaccard n_AB / (n_A + n_B - n_AB)."""

    COSINE = "cosine"
    JACCARD = "jaccard"


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The best products per account, each shape (accounts, k), best first.

    product : column of the matrix, NO_PRODUCT (-1) where there is nothing left to suggest
    score : above 0, NaN beside NO_PRODUCT
    because_of : the owned product with the greatest part in the score (the reason to print), else NO_PRODUCT
    """

    product: NDArray[np.int64]
    score: FloatArray
    because_of: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HitRates:
    """Share of accounts that bought one of their k suggestions afterwards, against the most popular products.

    accounts : those that owned something before and bought something new afterwards; rates are NaN if there is none
    """

    accounts: int
    top: int
    model: float
    popularity: float

    @property
    def is_better(self) -> bool:
        """The model beats popularity; if not, popularity is what is shown, and it is said so."""
        return round(self.model, _DECIMALS) > round(self.popularity, _DECIMALS)  # NaN compares false


def similarity_value(
    joint: ArrayLike, with_a: ArrayLike, with_b: ArrayLike, *, kind: Similarity, shrinkage: float = SHRINKAGE
) -> FloatArray:
    """Similarity of A and B times n_AB / (n_AB + shrinkage), in [0, 1], shape of joint; 0 where nobody owns both.

    raises FormulaError : n_AB below 0 or above n_A or n_B, or a shrinkage that is not 0 or more
    """
    n_ab, n_a, n_b = (np.asarray(values, dtype=np.float64) for values in (joint, with_a, with_b))
    if not n_ab.shape == n_a.shape == n_b.shape or not np.all((n_ab >= 0) & (n_ab <= np.minimum(n_a, n_b))):
        raise FormulaError("counts must have one shape and 0 <= n_AB <= n_A, n_B")
    if not 0 <= shrinkage < np.inf:
        raise FormulaError("shrinkage must be 0 or more")
    whole = np.sqrt(n_a * n_b) if kind is Similarity.COSINE else n_a + n_b - n_ab
    value = np.zeros(n_ab.shape)
    np.divide(n_ab, whole, out=value, where=n_ab > 0)
    weight = np.zeros(n_ab.shape)
    np.divide(n_ab, n_ab + shrinkage, out=weight, where=n_ab > 0)
    return np.asarray(value * weight)


def product_similarity(owned: Any, *, kind: Similarity = Similarity.COSINE, shrinkage: float = SHRINKAGE) -> Any:
    """Symmetric sparse matrix (products, products), scipy CSR, zero diagonal.

    owned : boolean matrix (accounts, products), scipy sparse or dense; raises FormulaError on anything else
    """
    from scipy.sparse import csr_array

    matrix = as_ownership(owned)
    owners = np.asarray(matrix.sum(axis=0))
    together = (matrix.T @ matrix).tocoo()
    apart = together.row != together.col
    row, column, joint = together.row[apart], together.col[apart], together.data[apart]
    value = similarity_value(joint, owners[row], owners[column], kind=kind, shrinkage=shrinkage)
    return csr_array((value, (row, column)), shape=together.shape)


def suggestions(owned: Any, similarity: Any, *, excluded: Any = None, top: int = TOP) -> Suggestions:
    """The ``top`` products per account by score(j) = sum over owned i of sim(i, j) / sqrt(|owned|).

    owned : boolean matrix (accounts, products); similarity : from ``product_similarity``
    excluded : boolean matrix of what is not suggested besides owned products: open deals, not eligible, rejected
    Never a product the account owns, never one with score 0 (nothing speaks for it); of equal scores the first column.
    raises FormulaError : shapes that do not fit, or top below 1
    """
    matrix, barred = _owned_and_barred(owned, excluded, top=top)
    sim = _checked_similarity(similarity, products=matrix.shape[1])
    size = np.asarray(matrix.sum(axis=1))

    def scores(rows: slice) -> FloatArray:
        return np.asarray((matrix[rows] @ sim).toarray() / np.sqrt(np.maximum(size[rows], 1))[:, None])

    product, score = _best(scores, barred, top=top)
    return Suggestions(product, score, _reasons(matrix, sim, product))


def popular_products(owned: Any, *, excluded: Any = None, top: int = TOP) -> NDArray[np.int64]:
    """The most owned products an account does not own, shape (accounts, top): what suggestions must beat."""
    matrix, barred = _owned_and_barred(owned, excluded, top=top)
    return _most_owned(np.asarray(matrix.sum(axis=0)), barred, top=top)


def hit_rates(
    owned_before: Any,
    bought_after: Any,
    *,
    kind: Similarity = Similarity.COSINE,
    excluded: Any = None,
    top: int = TOP,
) -> HitRates:
    """Time split: suggestions made from what was owned before a day, judged by what was bought new after it.

    owned_before, bought_after : boolean, both (accounts, products); new is what was bought after and not owned before
    raises FormulaError : shapes that do not fit
    """
    before, after = as_ownership(owned_before), as_ownership(bought_after)
    if before.shape != after.shape:
        raise FormulaError("both sides of the split need the same accounts and products")
    new = (after - after.multiply(before)).tocsr()
    judged = np.flatnonzero((np.asarray(before.sum(axis=1)) > 0) & (np.asarray(new.sum(axis=1)) > 0))
    if not len(judged):
        return HitRates(0, top, float("nan"), float("nan"))
    own, gained = before[judged], new[judged]
    other = None if excluded is None else as_ownership(excluded)[judged]
    model = suggestions(own, product_similarity(before, kind=kind), excluded=other, top=top).product
    _, barred = _owned_and_barred(own, other, top=top)
    popular = _most_owned(np.asarray(before.sum(axis=0)), barred, top=top)
    return HitRates(len(judged), top, _hit_share(model, gained), _hit_share(popular, gained))


def _owned_and_barred(owned: Any, excluded: Any, *, top: int) -> tuple[Any, Any]:
    """The matrix, and the cells that are never suggested, both scipy CSR."""
    if top < 1:
        raise FormulaError("suggest 1 product or more")
    matrix = as_ownership(owned)
    if excluded is None:
        return matrix, matrix
    other = as_ownership(excluded)
    if other.shape != matrix.shape:
        raise FormulaError("excluded must have the accounts and products of the matrix")
    return matrix, (matrix + other).tocsr()


def _checked_similarity(similarity: Any, *, products: int) -> Any:
    from scipy.sparse import csr_array

    sim = csr_array(similarity)
    if sim.shape != (products, products):
        raise FormulaError("the similarity must have one row and one column a product of the matrix")
    if not np.all((sim.data >= 0) & (sim.data < np.inf)):
        raise FormulaError("similarities must be 0 or more")
    return sim


def _most_owned(owners: FloatArray, barred: Any, *, top: int) -> NDArray[np.int64]:
    return _best(lambda rows: np.tile(owners, (barred[rows].shape[0], 1)), barred, top=top)[0]


def _best(scores: Callable[[slice], FloatArray], barred: Any, *, top: int) -> tuple[NDArray[np.int64], FloatArray]:
    """(columns, scores) of the ``top`` scores above 0 outside ``barred`` of each row, a block of rows at a time."""
    accounts, products = barred.shape
    product = np.full((accounts, top), NO_PRODUCT, dtype=np.int64)
    score = np.full((accounts, top), np.nan)
    block = max(_CELLS_AT_ONCE // max(products, 1), 1)
    for first in range(0, accounts if products else 0, block):
        rows = slice(first, min(first + block, accounts))
        table = np.round(scores(rows), _DECIMALS)
        table[barred[rows].nonzero()] = 0.0
        row = np.arange(len(table))
        for place in range(min(top, products)):
            column = table.argmax(axis=1)
            value = table[row, column]
            is_there = value > 0
            product[rows, place] = np.where(is_there, column, NO_PRODUCT)
            score[rows, place] = np.where(is_there, value, np.nan)
            table[row, column] = 0.0
    return product, score


def _reasons(matrix: Any, sim: Any, product: NDArray[np.int64]) -> NDArray[np.int64]:
    """Per suggestion the owned product most like it; of equal ones the first column."""
    because = np.full(product.shape, NO_PRODUCT, dtype=np.int64)
    row, place = np.nonzero(product != NO_PRODUCT)
    by_product = sim.T.tocsr()
    for first in range(0, len(row), _SUGGESTIONS_AT_ONCE):
        part = slice(first, first + _SUGGESTIONS_AT_ONCE)
        shared = matrix[row[part]].multiply(by_product[product[row[part], place[part]]]).tocsr()
        because[row[part], place[part]] = np.asarray(shared.argmax(axis=1)).ravel()
    return because


def _hit_share(product: NDArray[np.int64], gained: Any) -> float:
    """Share of rows of which a product is among the gained ones."""
    accounts, products = gained.shape
    row, column = gained.nonzero()
    cells = np.arange(accounts)[:, None] * products + product
    is_hit = np.isin(cells, row.astype(np.int64) * products + column) & (product != NO_PRODUCT)
    return float(is_hit.any(axis=1).mean())
