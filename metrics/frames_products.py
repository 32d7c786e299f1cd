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
from django.db.models import Count, Max, Sum

from crm.lib.periods import last_complete_month
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames import IntArray
from metrics.leaves import shared_values
from metrics.models import AccountProduct
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Scope


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


def products_as_of() -> date | None:
    """The day the sums of products are of; None before the first night."""
    found: date | None = AccountProduct.objects.order_by().values_list("as_of", flat=True).first()
    return found


def product_rows(scope: Scope, *, as_of: date) -> ProductRows:
    """The products of every account in view; one query, one more for rates. ``as_of`` is that of the table."""
    return _product_rows(scope, as_of=as_of, only="", params=[])


def rows_of_products(scope: Scope, product_ids: Sequence[int], *, as_of: date) -> ProductRows:
    """The same of some products alone."""
    return _product_rows(scope, as_of=as_of, only=" AND p.product_id = ANY(%s)", params=[list(product_ids)])


def _product_rows(scope: Scope, *, as_of: date, only: str, params: list[Any]) -> ProductRows:
    view, view_params = scope.within("p.account_id")
    columns: dict[str, tuple[str, Kind]] = {
        "account_id": ("p.account_id", "int8"),
        "product_id": ("p.product_id", "int8"),
        "net": ("p.ttm_net", "float8"),
        "cost": ("p.ttm_cost", "float8"),
        "lines_without_cost": ("p.ttm_lines_without_cost", "int8"),
        "first_on": ("p.first_bought_on", "date"),
        "last_on": ("p.last_bought_on", "date"),
        "currency": ("array_position(%s::text[], p.currency::text) - 1", "int8"),
    }
    picked = ", ".join(as_sql(sql, kind) for sql, kind in columns.values())
    rows = fetch(
        f"SELECT {picked} FROM metrics_accountproduct p WHERE p.basis = %s AND {view}{only}"
        " ORDER BY p.account_id, p.product_id, p.currency",
        [list(scope.currencies), scope.basis, *view_params, *params],
        {name: kind for name, (_sql, kind) in columns.items()},
        using=scope.using,
    )
    rates, missing = _rates(scope, as_of)
    rate = rates[rows["currency"]] if len(rates) else np.ones(0)
    return ProductRows(
        account_ids=rows["account_id"],
        product_ids=rows["product_id"],
        net=np.round(rows["net"] * rate, 4),
        cost=np.round(rows["cost"] * rate, 4),
        lines_without_cost=rows["lines_without_cost"],
        is_bought_now=rows["net"] > 0,
        first_on=rows["first_on"],
        last_on=rows["last_on"],
        missing=missing,
    )


def product_counts(scope: Scope) -> tuple[IntArray, IntArray, IntArray]:
    """(account ids, products bought in the year before the rolling year, those of them bought again in it), ascending."""
    view, params = scope.within("p.account_id")
    columns: dict[str, Kind] = {"account_id": "int8", "before": "int8", "kept": "int8"}
    bought = (
        "SELECT p.account_id, p.product_id, bool_or(p.prior_net > 0) AS before, bool_or(p.ttm_net > 0) AS now"
        f" FROM metrics_accountproduct p WHERE p.basis = %s AND {view} GROUP BY p.account_id, p.product_id"
    )
    counted = (
        "SELECT account_id, count(*) FILTER (WHERE before) AS before, count(*) FILTER (WHERE before AND now) AS kept"
        f" FROM ({bought}) AS b GROUP BY account_id ORDER BY account_id"
    )
    picked = ", ".join(as_sql(name, kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {picked} FROM ({counted}) AS c", [scope.basis, *params], columns, using=scope.using)
    return rows["account_id"], rows["before"], rows["kept"]


def products_state(scope: Scope) -> tuple[object, ...]:
    """Changes whenever a night changes the sums of the basis; one pass over them."""
    rows = AccountProduct.objects.using(scope.using).filter(basis=scope.basis)
    found = rows.aggregate(
        rows=Count("pk"), last=Max("pk"), year=Sum("ttm_lines"), prior=Sum("prior_lines"), day=Max("as_of")
    )
    return (connections[scope.using].settings_dict["NAME"], scope.basis, *found.values())


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
