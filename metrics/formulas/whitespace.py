"""What could each account still buy? State of every account and product, and what filling a gap is worth.

Pure, no Django import. Source: domain.md 7.1; the matrix itself is the usual whitespace sheet [R22], the value of a gap
our own rule [D].
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

MIN_BUYERS = 5  # peers that buy the product: fewer give no typical spend [D, domain.md 7.1]
NO_GROUP = -1  # segment or size band of the account is not known


class CellStatus(IntEnum):
    """State of one account and one product; of several that hold the first counts."""

    OWNED = 1
    OPEN_DEAL = 2
    LOST = 3
    NOT_ELIGIBLE = 4
    GAP = 5


class GapReason(StrEnum):
    """Why a gap has no value, or NONE; keys of sentences."""

    NONE = ""
    NO_PEERS = "whitespace_no_peer_group"
    FEW_BUYERS = "whitespace_few_buyers"
    NO_MARGIN = "whitespace_no_margin"


@dataclass(frozen=True, slots=True)
class Gaps:
    """Figures of the gaps, each shape (accounts, products); NaN outside gaps and where a reason is given.

    peers, buyers : eligible accounts of the same segment and size band without the account itself, and those of them
        that buy the product; 0 outside gaps
    chance : P(adopt); peer_spend : median spend of the buyers, money of the window
    revenue : chance x peer_spend; value : revenue x margin, money of gross profit
    reason : value of GapReason; with NO_MARGIN chance, peer_spend and revenue are known
    """

    peers: NDArray[np.int64]
    buyers: NDArray[np.int64]
    chance: FloatArray
    peer_spend: FloatArray
    revenue: FloatArray
    value: FloatArray
    reason: NDArray[np.str_]


def cell_status(
    is_owned: ArrayLike, *, is_open_deal: ArrayLike, is_lost: ArrayLike, is_eligible: ArrayLike
) -> NDArray[np.int8]:
    """CellStatus of each cell, shape (accounts, products), from four boolean tables of that shape.

    Owned before open deal before lost before not eligible; what is none of these is a gap.
    raises FormulaError : tables of different shape
    """
    owned, deal, lost, eligible = (np.asarray(t, dtype=bool) for t in (is_owned, is_open_deal, is_lost, is_eligible))
    if owned.ndim != 2 or not owned.shape == deal.shape == lost.shape == eligible.shape:
        raise FormulaError("give four tables with one row an account and one column a product")
    status = np.select(
        [owned, deal, lost, ~eligible],
        [CellStatus.OWNED, CellStatus.OPEN_DEAL, CellStatus.LOST, CellStatus.NOT_ELIGIBLE],
        default=CellStatus.GAP,
    )
    return status.astype(np.int8)


def size_bands(revenue: ArrayLike, *, limits: ArrayLike) -> NDArray[np.int64]:
    """Number of limits at or below each revenue, shape (n,): band 0 lies below the first; NO_GROUP where it is NaN.

    raises FormulaError : limits that do not ascend, or an infinite revenue
    """
    r, edges = np.asarray(revenue, dtype=np.float64), np.asarray(limits, dtype=np.float64)
    if edges.ndim != 1 or not np.isfinite(edges).all() or np.any(np.diff(edges) <= 0) or np.isinf(r).any():
        raise FormulaError("the limits of size bands must ascend, and revenues be finite")
    return np.where(np.isnan(r), NO_GROUP, np.searchsorted(edges, r, side="right")).astype(np.int64)


def gap_values(
    spend: ArrayLike,
    status: ArrayLike,
    *,
    segment: ArrayLike,
    size_band: ArrayLike,
    margin: ArrayLike,
    chance: ArrayLike | None = None,
    min_buyers: int = MIN_BUYERS,
) -> Gaps:
    """Value of each gap = P(adopt) x median spend of the peers that buy x margin.

    spend : net revenue of one window and currency, shape (accounts, products); a buyer spends above 0
    status : from ``cell_status``, same shape; whoever spends above 0 is OWNED
    segment, size_band : whole numbers, shape (accounts,); NO_GROUP (-1) where not known, then there are no peers
    margin : gross margin as a fraction <= 1, shape (products,) or (accounts, products); NaN where costs are not known
    chance : P(adopt) in [0, 1], shape as spend, from a model that was tested; NaN, or None, takes the share of the
        eligible peers that buy: how common the product is among accounts like this one, not a rate per year
    raises FormulaError : shapes that do not fit, spend that is not finite or not owned, a value outside its domain
    """
    money, state = np.asarray(spend, dtype=np.float64), np.asarray(status)
    if money.ndim != 2 or money.shape != state.shape or min_buyers < 1:
        raise FormulaError("spend and status must be tables of one shape, and a median needs 1 buyer or more")
    if not np.isfinite(money).all() or np.any((money > 0) & (state != CellStatus.OWNED)):
        raise FormulaError("spend must be known, and a product with spend above 0 is owned")
    group, groups = _groups(segment, size_band, accounts=len(money))
    margins, chances = _rates(margin, chance, shape=money.shape)
    is_gap = (state == CellStatus.GAP) & (group >= 0)[:, None]
    eligible, buyers, medians = _peer_figures(money, state, group, groups)
    peers = np.where(is_gap, eligible[group] - 1, 0)  # the account itself is eligible, and does not buy
    bought = np.where(is_gap, buyers[group], 0)
    is_enough = is_gap & (bought >= min_buyers)
    share = np.full(money.shape, np.nan)
    np.divide(bought, peers, out=share, where=is_enough)
    adopt = np.where(is_enough & ~np.isnan(chances), chances, share)
    typical = np.where(is_enough, medians[group], np.nan)
    reason = np.select(
        [state != CellStatus.GAP, group[:, None] < 0, ~is_enough, np.isnan(margins)],
        [GapReason.NONE, GapReason.NO_PEERS, GapReason.FEW_BUYERS, GapReason.NO_MARGIN],
        default=GapReason.NONE,
    )
    revenue = adopt * typical
    return Gaps(peers, bought, adopt, typical, revenue, revenue * margins, reason.astype(np.str_))


def _groups(segment: ArrayLike, size_band: ArrayLike, *, accounts: int) -> tuple[NDArray[np.int64], int]:
    """(number of the peer group of each account, -1 without one; how many groups there are)."""
    segments, bands = np.asarray(segment), np.asarray(size_band)
    if not segments.shape == bands.shape == (accounts,):
        raise FormulaError("give one segment and one size band an account")
    if accounts and not (segments.dtype.kind in "iu" and bands.dtype.kind in "iu"):
        raise FormulaError("segment and size band must be whole numbers")
    if np.any(segments < NO_GROUP) or np.any(bands < NO_GROUP):
        raise FormulaError("segment and size band must be 0 or more, or -1 where not known")
    group = np.full(accounts, NO_GROUP, dtype=np.int64)
    is_known = (segments >= 0) & (bands >= 0)
    pairs, codes = np.unique(np.stack([segments, bands])[:, is_known], axis=1, return_inverse=True)
    group[is_known] = codes.ravel()
    return group, pairs.shape[1]


def _rates(margin: ArrayLike, chance: ArrayLike | None, *, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    margins = np.asarray(margin, dtype=np.float64)
    chances = np.full(shape, np.nan) if chance is None else np.asarray(chance, dtype=np.float64)
    if margins.shape not in {shape, shape[1:]} or chances.shape != shape:
        raise FormulaError("give a margin a product or a cell, and a chance a cell")
    if np.any(margins > 1) or np.isinf(margins).any() or np.any((chances < 0) | (chances > 1)):
        raise FormulaError("a margin must be a fraction of 1 or less, and a chance lie in [0, 1]")
    return np.broadcast_to(margins, shape), chances


def _peer_figures(
    money: FloatArray, state: NDArray[np.int8], group: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """(eligible accounts, buyers, median spend of the buyers) of each group and product, shape (groups + 1, products).

    The last row is empty: it stands for accounts without a group, whose number is -1.
    """
    products = money.shape[1]
    shape = (groups + 1, products)

    def cells(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
        return group[rows] * products + columns

    in_group = (group >= 0)[:, None]
    can_buy = cells(*np.nonzero((state != CellStatus.NOT_ELIGIBLE) & in_group))
    eligible = np.bincount(can_buy, minlength=shape[0] * products)
    rows, columns = np.nonzero((money > 0) & in_group)
    keys, amounts = cells(rows, columns), money[rows, columns]
    order = np.lexsort((amounts, keys))
    amounts, buyers = amounts[order], np.bincount(keys, minlength=shape[0] * products)
    first = np.cumsum(buyers) - buyers
    medians = np.full(shape[0] * products, np.nan)
    has = buyers > 0
    low, high = (first + (buyers - 1) // 2)[has], (first + buyers // 2)[has]
    medians[has] = amounts[low] / 2 + amounts[high] / 2
    return eligible.reshape(shape), buyers.reshape(shape), medians.reshape(shape)
