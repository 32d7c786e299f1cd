"""The night's sums of products → arrays; beside ``frames``, whose rules hold here too.

A row in another currency than the figures is translated at the rate of the last month of the rolling year: the table
knows no days. Where that rate is missing its money is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connections
from django.db.models import Count, Max

from accounts.models import Product
from crm.lib.periods import last_complete_month
from crm.lib.remember import is_remembered, remembered
from crm.lib.wall import beyond_the_wall
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames import IntArray
from metrics.leaves import shared_values
from metrics.models import AccountProduct, ProductNight
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Scope

NAME, COUNTS = "product_columns", "product_counts"


@dataclass(frozen=True, slots=True, eq=False)
class ProductRows:
    """One row an account, product and currency, each (m,), by account; money in the currency of the figures, of the
    rolling year. is_bought_now : net of the year above 0; first_on, last_on : first and last line above 0 ever, NaT where
    there is none."""

    account_ids: IntArray
    product_ids: IntArray
    net: FloatArray
    cost: FloatArray
    lines_without_cost: IntArray
    is_bought_now: BoolArray
    first_on: DateArray
    last_on: DateArray
    missing: tuple[MissingRate, ...]


@beyond_the_wall("the day of the sums of products is that of all customers")
def products_as_of() -> date | None:
    """The day the sums of products are of; None before the first night."""
    night = ProductNight.objects.first()
    return night.as_of if night and AccountProduct.objects.exists() else None


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The rows of the table, each (m,), by account, product and currency; money in the currency of the row, which is a
    place among those of the scope. is_bought_before : net of the year before the rolling year above 0."""

    account_ids: IntArray
    product_ids: IntArray
    net: FloatArray
    cost: FloatArray
    lines_without_cost: IntArray
    first_on: DateArray
    last_on: DateArray
    is_bought_before: BoolArray
    currency: IntArray


def product_rows(scope: Scope, *, as_of: date) -> ProductRows:
    """The products of every account in view; at most one query, one more for rates. ``as_of`` is that of the table."""
    return _translated(scope, _columns(scope), as_of)


def rows_of_products(scope: Scope, product_ids: Sequence[int], *, as_of: date) -> ProductRows:
    """The same of some products alone."""
    rows = _read(scope, only=" AND p.product_id = ANY(%s)", only_params=[list(product_ids)])
    return _translated(scope, rows, as_of)


def _translated(scope: Scope, rows: _Columns, as_of: date) -> ProductRows:
    rates, missing = _rates(scope, as_of)
    net, cost = rows.net, rows.cost
    if scope.is_translated:
        rate = rates[rows.currency]
        net, cost = np.round(net * rate, 4), np.round(cost * rate, 4)
    return ProductRows(
        account_ids=rows.account_ids,
        product_ids=rows.product_ids,
        net=net,
        cost=cost,
        lines_without_cost=rows.lines_without_cost,
        is_bought_now=rows.net > 0,
        first_on=rows.first_on,
        last_on=rows.last_on,
        missing=missing,
    )


def product_counts(scope: Scope) -> tuple[IntArray, IntArray, IntArray]:
    """(account ids, products bought in the year before the rolling year, those of them bought again in it), ascending."""
    if not scope.accounts.is_everything:
        return _counts(_read(scope))
    return remembered(COUNTS, _columns_state(scope), lambda: _counts(_columns(scope)))


def _counts(rows: _Columns) -> tuple[IntArray, IntArray, IntArray]:
    if not len(rows.account_ids):
        return rows.account_ids, rows.account_ids, rows.account_ids
    pairs = _starts(rows.account_ids, rows.product_ids)  # a product bought in two currencies is one
    before = np.logical_or.reduceat(rows.is_bought_before, pairs)
    kept = before & np.logical_or.reduceat(rows.net > 0, pairs)
    buyers = rows.account_ids[pairs]
    firsts = _starts(buyers)
    counted_before, counted_kept = (np.add.reduceat(flags.astype(np.int64), firsts) for flags in (before, kept))
    return buyers[firsts], counted_before, counted_kept


def _starts(*keys: IntArray) -> IntArray:
    """Where a new combination of the keys begins; rows of one stand together."""
    is_first = np.ones(len(keys[0]), dtype=bool)
    is_first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(is_first)


def _columns(scope: Scope) -> _Columns:
    """Those of every account are read once a night and kept: a page takes them from the cache in a few milliseconds."""
    if not scope.accounts.is_everything:
        return _read(scope)
    return remembered(NAME, _columns_state(scope), lambda: _read(scope))


def are_products_kept(scope: Scope) -> bool:
    """Whether a reader of every account's products waits for no query; two look-ups."""
    return is_remembered(COUNTS, _columns_state(scope))


def _columns_state(scope: Scope) -> tuple[object, ...]:
    return (*products_state(scope), scope.currencies, _Columns.__slots__)


def _read(scope: Scope, *, only: str = "", only_params: Sequence[Any] = ()) -> _Columns:
    view, params = scope.within("p.account_id")
    columns: dict[str, tuple[str, Kind]] = {
        "account_id": ("p.account_id", "int8"),
        "product_id": ("p.product_id", "int8"),
        "net": ("p.ttm_net", "float8"),
        "cost": ("p.ttm_cost", "float8"),
        "lines_without_cost": ("p.ttm_lines_without_cost", "int4"),
        "first_on": ("p.first_bought_on", "date"),
        "last_on": ("p.last_bought_on", "date"),
        "before": ("(p.prior_net > 0)::int", "int4"),
        "currency": ("array_position(%s::text[], p.currency::text) - 1", "int4"),
    }
    picked = ", ".join(as_sql(sql, kind) for sql, kind in columns.values())
    rows = fetch(
        f"SELECT {picked} FROM metrics_accountproduct p WHERE p.basis = %s AND {view}{only}"
        " ORDER BY p.account_id, p.product_id, p.currency",
        [list(scope.currencies), scope.basis, *params, *only_params],
        {name: kind for name, (_sql, kind) in columns.items()},
        using=scope.using,
    )
    return _Columns(
        account_ids=rows["account_id"],
        product_ids=rows["product_id"],
        net=rows["net"],
        cost=rows["cost"],
        lines_without_cost=rows["lines_without_cost"],
        first_on=rows["first_on"],
        last_on=rows["last_on"],
        is_bought_before=rows["before"] > 0,
        currency=rows["currency"],
    )


def products_state(scope: Scope) -> tuple[object, ...]:
    """Changes whenever a night changes the sums of products; one look-up."""
    night = ProductNight.objects.using(scope.using).first()
    known = (str(night.as_of), str(night.written_at)) if night else ()
    return (connections[scope.using].settings_dict["NAME"], scope.basis, *known)


def product_facts(scope: Scope) -> tuple[object, ...]:
    """Changes whenever a product is added or edited; one look-up."""
    found = Product.objects.using(scope.using).aggregate(count=Count("pk"), last=Max("updated_at"))
    return tuple(str(value) for value in found.values())


def segments_of(scope: Scope, account_ids: IntArray) -> IntArray:
    """A number for the segment of each account, -1 where none is given; two queries."""
    numbers = shared_values(scope, ["segment"], account_ids)
    nameless = scope.accounts.filter(segment="").order_by("pk").values_list("pk", flat=True).first()
    return np.where(numbers == (nameless or 0), -1, numbers)


def _rates(scope: Scope, as_of: date) -> tuple[FloatArray, tuple[MissingRate, ...]]:
    """(rate of each currency of the scope, NaN where there is none; the missing ones)."""
    month = last_complete_month(as_of)
    if not scope.is_translated:
        return np.ones(len(scope.currencies)), ()
    book = rate_book(scope.currency, currencies=scope.currencies, first=month, last=as_of)
    found = [book.of_month(currency, month) for currency in scope.currencies]
    missing = [
        MissingRate(month, currency, scope.currency)
        for currency, rate in zip(scope.currencies, found, strict=True)
        if rate is None
    ]
    return np.array([np.nan if rate is None else float(rate) for rate in found]), tuple(missing)
