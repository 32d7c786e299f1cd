"""What could they buy besides? Accounts against products: owned, lost or a gap, and what filling a gap is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from accounts.models import Account, Product
from accounts.querysets import AccountQuerySet
from crm.lib.periods import prior_ttm, ttm
from crm.lib.remember import is_remembered, remembered
from crm.lib.wall import beyond_the_wall
from metrics import reasons
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.formulas.whitespace import CellStatus, GapReason, Gaps, cell_status, gap_values, size_bands
from metrics.frames import IntArray
from metrics.frames_products import ProductRows, product_rows, products_as_of, products_state, segments_of
from metrics.models_rejections import SuggestionRejection
from metrics.reasons import MissingRate
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import AccountRow, AccountTable, Answer, passport
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty

NAME = "whitespace_sums"
MATRIX_ACCOUNTS = 30
MATRIX_COLUMNS = 15
MAX_MATRIX_ACCOUNTS = 100
SIZE_QUANTILES = (0.25, 0.5, 0.75)  # accounts of one quarter by revenue are of one size
NOBODY = AccountTable(
    np.empty(0, dtype=np.int64),
    {name: np.empty(0) for name in ("ttm_revenue", "owned", "gaps", "gap_revenue", "gap_value")},
)


class By(StrEnum):
    CATEGORY = "category"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """A category or a product; ``key`` is the category, or the key of the product. gap_revenue, gap_value: of all gaps of
    the accounts in view, None where none has one."""

    key: str
    label: str
    revenue: Decimal | None
    gap_revenue: Decimal | None = None
    gap_value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One account and one column. In a gap: ``buyers`` of ``peers`` accounts of the same segment and size buy it, for a
    median of ``peer_spend`` a year; gap_revenue = chance × peer_spend, gap_value = gap_revenue × gross margin."""

    status: CellStatus
    spend: Decimal | None
    peers: int
    buyers: int
    chance: float | None
    peer_spend: Decimal | None
    gap_revenue: Decimal | None
    gap_value: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    account: AccountRow
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WhitespaceFigures(Answer):
    """The columns with the most revenue in view, the accounts in view with the most revenue; sums over all in view.

    gap_value : gross profit of a year that the gaps are worth, None where no gap has one; gap_revenue : before margin.
    Peers are all customers of the ledger. ``table`` has ttm_revenue (of products), owned, gaps, gap_revenue, gap_value.
    Money in another currency stands at the rate of the last month of the year.
    """

    by: By
    products_as_of: date | None
    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
    owned_cells: int
    gap_cells: int
    lost_cells: int
    gap_revenue: Decimal | None
    gap_value: Decimal | None


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the night's sums say of every customer: keys (k,), ids (n,), tables (n, k); ``totals`` of the columns in view.

    has_had : a line above 0 ever; margin (k,) : NaN where cost is missing; is_mine (n,) : in view; missing : rates, and
    then nothing else
    """

    keys: tuple[Any, ...]
    totals: FloatArray
    ids: IntArray
    spend: FloatArray
    has_had: BoolArray
    revenue: FloatArray
    margin: FloatArray
    is_mine: BoolArray
    missing: tuple[MissingRate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """Every customer against the columns: ids (n,), tables (n, k); margins (k,), NaN where cost is missing."""

    ids: IntArray
    columns: tuple[MatrixColumn, ...]
    spend: FloatArray
    status: NDArray[np.int8]
    revenue: FloatArray
    margin: FloatArray
    segment: IntArray

    def gaps(self) -> Gaps:
        """Who is like whom: the same segment, and the same quarter of accounts by revenue."""
        positive = self.revenue[self.revenue > 0]
        limits = np.unique(np.quantile(positive, SIZE_QUANTILES)) if len(positive) else np.empty(0)
        return gap_values(
            self.spend,
            self.status,
            segment=self.segment,
            size_band=size_bands(self.revenue, limits=limits),
            margin=self.margin,
        )


@says_why_empty
def whitespace(
    accounts: AccountQuerySet,
    *,
    by: By | str = By.CATEGORY,
    rows: int = MATRIX_ACCOUNTS,
    **choices: Unpack[Choices],
) -> WhitespaceFigures:
    """The matrix of ``accounts`` (already limited to what the caller may see) as of the last night; legal entities.

    A handful of queries; the sums over the products of the whole ledger are kept until a night changes them. A rejected product is not eligible for the account.
    """
    scope = asked_scope(accounts, choices)
    kind, as_of = By(by), products_as_of()
    if as_of is None:
        return _nothing(scope, kind, default_as_of())
    everything = scope_of(Account.objects.all(), basis=scope.basis, currency=scope.currency)
    with beyond_the_wall(
        "measured against every customer, as all are; rows and sums are of the accounts in view alone"
    ):
        sums = _sums(scope, everything, kind, as_of)
    if sums.missing or not len(sums.ids):
        why = reasons.missing_rates_sentence(sums.missing) if sums.missing else reasons.sentence("no_ledger")
        return _nothing(scope, kind, as_of, why=why, day=as_of)
    with beyond_the_wall(
        "measured against every customer, as all are; rows and sums are of the accounts in view alone"
    ):
        matrix = _matrix(everything, sums, kind)
    gaps, is_mine = matrix.gaps(), sums.is_mine
    table = _table(matrix, gaps, is_mine)
    shown = table.rows(order_by="ttm_revenue", limit=min(rows, MAX_MATRIX_ACCOUNTS))
    totals: dict[str, Any] = {"gap_value": _total(gaps.value[is_mine]), "gap_revenue": _total(gaps.revenue[is_mine])}
    return WhitespaceFigures(
        by=kind,
        products_as_of=as_of,
        columns=_columns(matrix, gaps, is_mine),
        rows=tuple(_row(matrix, gaps, one) for one in shown),
        **_cells(matrix, is_mine),
        **totals,
        currency=scope.currency,
        reasons={name: _why_no_value(gaps, is_mine) for name, total in totals.items() if total is None},
        passport=passport(
            "whitespace", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(table), base=prior_ttm(as_of),
            comparison=ttm(as_of),
        ),
        table=table,
    )  # fmt: skip


def _columns(matrix: _Matrix, gaps: Gaps, is_mine: BoolArray) -> tuple[MatrixColumn, ...]:
    """The columns with the sums of their gaps at the accounts in view."""
    return tuple(
        replace(one, gap_revenue=_total(gaps.revenue[is_mine, at]), gap_value=_total(gaps.value[is_mine, at]))
        for at, one in enumerate(matrix.columns)
    )


def _cells(matrix: _Matrix, is_mine: BoolArray) -> dict[str, Any]:
    """How many cells of the accounts in view are owned, a gap or lost."""
    counted = {"owned_cells": CellStatus.OWNED, "gap_cells": CellStatus.GAP, "lost_cells": CellStatus.LOST}
    return {name: int((matrix.status[is_mine] == status).sum()) for name, status in counted.items()}


def _nothing(scope: Scope, kind: By, as_of: date, *, why: str = "", day: date | None = None) -> WhitespaceFigures:
    sentence = why or reasons.sentence("whitespace_no_night")
    return WhitespaceFigures(
        by=kind, products_as_of=day, columns=(), rows=(), owned_cells=0, gap_cells=0, lost_cells=0, gap_revenue=None,
        gap_value=None, currency=scope.currency, reasons=dict.fromkeys(("gap_value", "gap_revenue"), sentence),
        passport=passport("whitespace", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=0), table=NOBODY,
    )  # fmt: skip


def _in_view(scope: Scope, found: ProductRows) -> BoolArray:
    if scope.accounts.is_everything:
        return np.ones(len(found.account_ids), dtype=bool)
    ids = np.array(list(scope.accounts.order_by().values_list("pk", flat=True)), dtype=np.int64)
    return np.isin(found.account_ids, ids)


def _sums(scope: Scope, everything: Scope, kind: By, as_of: date) -> _Sums:
    """Who sees every account finds the sums of the night; a part of them chooses columns of its own."""

    def compute() -> _Sums:
        found = product_rows(everything, as_of=as_of)
        return _summed(found, kind, _in_view(scope, found))

    if not scope.accounts.is_everything:
        return compute()
    return remembered(NAME, _state(everything, kind, as_of), compute)


def is_whitespace_kept(everything: Scope, as_of: date, *, by: By = By.CATEGORY) -> bool:
    """Whether the next reader of every account waits for no pass over the products; a few look-ups."""
    return is_remembered(NAME, _state(everything, by, as_of))


def _state(everything: Scope, kind: By, as_of: date) -> tuple[object, ...]:
    categories = Product.objects.using(everything.using).aggregate(count=Count("pk"), last=Max("updated_at"))
    rates = everything.state if everything.is_translated else (everything.currency, everything.currencies)
    return (*products_state(everything), *map(str, categories.values()), rates, kind, as_of, _Sums.__slots__)


def _summed(found: ProductRows, kind: By, in_view: BoolArray) -> _Sums:
    """Columns are those with the most revenue in view; the rest of what is bought counts to the size alone."""
    if found.missing or not in_view.any():
        none, no_table = np.zeros(0), np.zeros((0, 0))
        ids = none.astype(np.int64)
        return _Sums((), none, ids, no_table, no_table > 0, none, none, none > 0, found.missing)
    keys, item = _items(found, kind)
    totals = np.zeros(len(keys)) + np.bincount(item[in_view], np.maximum(found.net[in_view], 0.0), minlength=len(keys))
    chosen = np.lexsort((np.arange(len(keys)), -totals))[:MATRIX_COLUMNS]
    column = np.full(len(keys), -1)
    column[chosen] = np.arange(len(chosen))
    ids, place = np.unique(found.account_ids, return_inverse=True)
    own = column[item]
    is_in = own >= 0
    shape = (len(ids), len(chosen))
    cells = place[is_in] * len(chosen) + own[is_in]
    spend = np.bincount(cells, found.net[is_in], minlength=len(ids) * len(chosen)).reshape(shape)
    has_had = np.bincount(cells, ~np.isnat(found.first_on[is_in]), minlength=len(ids) * len(chosen)).reshape(shape) > 0
    mine = np.zeros(len(ids), dtype=bool)
    mine[place[in_view]] = True
    return _Sums(
        keys=tuple(keys[number] for number in chosen.tolist()),
        totals=totals[chosen],
        ids=ids,
        spend=np.round(spend, 4),
        has_had=has_had,
        revenue=np.round(np.bincount(place, found.net, minlength=len(ids)), 4),
        margin=_margins(found, own, len(chosen)),
        is_mine=mine,
        missing=(),
    )


def _matrix(everything: Scope, sums: _Sums, kind: By) -> _Matrix:
    """The sums with what may change by day: names, segments, and what was turned down."""
    eligible = np.ones(sums.spend.shape, dtype=bool)
    labels = [str(key) for key in sums.keys]
    if kind is By.PRODUCT:
        named = Product.objects.in_bulk(sums.keys)
        labels = [str(named[key]) for key in sums.keys]
        _bar_rejected(eligible, sums.ids, {int(key): place for place, key in enumerate(sums.keys)})
    nobody = np.zeros(sums.spend.shape, dtype=bool)
    status = cell_status(sums.spend > 0, is_open_deal=nobody, is_lost=sums.has_had, is_eligible=eligible)
    columns = tuple(
        MatrixColumn(str(key), label, _amount(total))
        for key, label, total in zip(sums.keys, labels, sums.totals.tolist(), strict=True)
    )
    return _Matrix(sums.ids, columns, sums.spend, status, sums.revenue, sums.margin, segments_of(everything, sums.ids))


def _items(found: ProductRows, kind: By) -> tuple[list[Any], IntArray]:
    """(key of each category or product, number of the item of each row)."""
    ids, place = np.unique(found.product_ids, return_inverse=True)
    if kind is By.PRODUCT:
        return ids.tolist(), place.astype(np.int64)
    known = dict(Product.objects.order_by().values_list("pk", "category"))
    of_product = [known[pk] for pk in ids.tolist()]
    names = sorted(set(of_product))
    numbers = {name: number for number, name in enumerate(names)}
    category = np.array([numbers[name] for name in of_product], dtype=np.int64)
    return names, category[place]


def _bar_rejected(eligible: BoolArray, ids: IntArray, columns: Mapping[int, int]) -> None:
    found = SuggestionRejection.objects.filter(withdrawn_at__isnull=True, product_id__in=list(columns))
    for account_id, product_id in found.values_list("account_id", "product_id"):
        row = int(np.searchsorted(ids, account_id))
        if row < len(ids) and ids[row] == account_id:
            eligible[row, columns[product_id]] = False


def _margins(found: ProductRows, own: IntArray, columns: int) -> FloatArray:
    """Gross margin of each column over all customers; NaN where a line has no cost or nothing was sold."""
    is_in = own >= 0
    net, cost, gaps = (
        np.bincount(own[is_in], values[is_in], minlength=columns)
        for values in (found.net, found.cost, found.lines_without_cost)
    )
    margin = np.full(columns, np.nan)
    np.divide(net - cost, net, out=margin, where=(net > 0) & (gaps == 0))
    return np.where(margin > 1, np.nan, margin)


def _table(matrix: _Matrix, gaps: Gaps, is_mine: BoolArray) -> AccountTable:
    value, revenue = gaps.value, gaps.revenue
    columns: dict[str, NDArray[Any]] = {
        "ttm_revenue": matrix.revenue,
        "owned": (matrix.status == CellStatus.OWNED).sum(axis=1),
        "gaps": (matrix.status == CellStatus.GAP).sum(axis=1),
        "gap_revenue": np.where(np.isfinite(revenue).any(axis=1), np.round(np.nansum(revenue, axis=1), 4), np.nan),
        "gap_value": np.where(np.isfinite(value).any(axis=1), np.round(np.nansum(value, axis=1), 4), np.nan),
    }
    return AccountTable(matrix.ids, columns).where(is_mine)


def _row(matrix: _Matrix, gaps: Gaps, account: AccountRow) -> MatrixRow:
    row = int(np.searchsorted(matrix.ids, account.account_id))
    cells = []
    for column in range(len(matrix.columns)):
        key = str(gaps.reason[row, column])
        cells.append(
            Cell(
                status=CellStatus(int(matrix.status[row, column])),
                spend=_amount(matrix.spend[row, column]),
                peers=int(gaps.peers[row, column]),
                buyers=int(gaps.buyers[row, column]),
                chance=_number(gaps.chance[row, column]),
                peer_spend=_amount(gaps.peer_spend[row, column]),
                gap_revenue=_amount(gaps.revenue[row, column]),
                gap_value=_amount(gaps.value[row, column]),
                reason=reasons.sentence(key) if key else "",
            )
        )
    return MatrixRow(account, tuple(cells))


def _why_no_value(gaps: Gaps, is_mine: BoolArray) -> str:
    """The one reason of every gap, or that there is none of a value."""
    keys: Sequence[str] = np.unique(gaps.reason[is_mine]).tolist()
    named = [key for key in keys if key != GapReason.NONE]
    return reasons.sentence(named[0] if len(named) == 1 else "whitespace_no_gap")


def _total(values: FloatArray) -> Decimal | None:
    known = values[np.isfinite(values)]
    return exact_total(np.round(known, 4)) if len(known) else None


def _amount(value: float) -> Decimal | None:
    return exact_total([float(value)]) if np.isfinite(value) else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
