"""Days of products → what accounts buy and how broadly; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from crm.lib.periods import Period
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import DateArray, FloatArray
from metrics.frames import IntArray
from metrics.models_products import NO_PRODUCT
from metrics.scope import Scope, lines, rates_by_day


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """Sums of a window by ``key``, each (m,): a product (0: lines without one), or an account.

    net : of the window; net_new : of it with products that the account bought for the first time in it. days : days with
    a line above 0 in the window, counted an account; pairs, new_pairs : accounts of the product (products of the account)
    with such a day, and those of them for which it was the first. first_on, last_on : first and last such day, up to the
    window's end.
    """

    key: IntArray
    net: FloatArray
    net_new: FloatArray
    days: IntArray
    pairs: IntArray
    new_pairs: IntArray
    first_on: DateArray
    last_on: DateArray


@dataclass(frozen=True, slots=True, eq=False)
class Breadth:
    """Of each window (0: the earlier one) and month with order days on which products were bought, each (m,): how many
    such days, counted an account, and how many different products on them together."""

    window: IntArray
    month: DateArray
    days: IntArray
    products: IntArray


def bought(scope: Scope, period: Period) -> tuple[Bought, Bought]:
    """(by product, by account) what was bought in the period, and which of it was new; one query, two more for rates."""
    view, view_params = scope.within("d.account_id")
    net, joined, params = "d.net", "", list[Any]()
    if scope.is_translated:
        rates = rates_by_day(scope, first=period.start, end=period.end)
        net = "d.net * CASE WHEN d.currency = %s THEN 1 ELSE r.rate END"
        joined = (
            "LEFT JOIN unnest(%s::text[], %s::date[], %s::numeric[]) AS r(currency, day, rate)"
            " ON r.currency = d.currency AND r.day = d.day"
        )
        params = [list(values) for values in zip(*rates, strict=True)] if rates else [[], [], []]
    ends = [period.start] * 3
    own = [scope.currency] if scope.is_translated else []
    columns = _columns()
    picked = ", ".join(as_sql(expression, kind) for expression, kind in columns.values())
    sql = f"""
        WITH pair AS MATERIALIZED (
            SELECT d.account_id, d.product_key, sum({net}) FILTER (WHERE d.day >= %s) AS net,
                   count(*) FILTER (WHERE d.day >= %s AND d.has_positive) AS days,
                   bool_or(d.day >= %s) AS is_inside,
                   min(d.day) FILTER (WHERE d.has_positive) AS first_on,
                   max(d.day) FILTER (WHERE d.has_positive) AS last_on
            FROM metrics_productday d {joined}
            WHERE d.basis = %s AND d.day < %s AND {view}
            GROUP BY 1, 2
        ), told AS (
            SELECT *, product_key <> {NO_PRODUCT} AND coalesce(first_on >= %s, false) AS is_new FROM pair
        )
        SELECT {picked} FROM (
            SELECT 0 AS side, product_key AS key, * FROM told
            UNION ALL SELECT 1 AS side, account_id AS key, * FROM told
        ) AS both_sides GROUP BY side, key HAVING bool_or(is_inside) ORDER BY side, key
    """
    given = [*own, *ends, *params, scope.basis, period.end, *view_params, period.start]
    rows = fetch(sql, given, {name: kind for name, (_sql, kind) in columns.items()}, using=scope.using)
    is_account = rows.pop("side") == 1
    by_product, by_account = (
        {name: values[mask] for name, values in rows.items()} for mask in (~is_account, is_account)
    )
    return Bought(**by_product), Bought(**by_account)


def breadth(scope: Scope, before: Period, period: Period) -> Breadth:
    """Different products on the order days of two windows, by month; one query."""
    view, view_params = scope.within("d.account_id")
    products = (
        "count(DISTINCT d.product_key)" if len(scope.currencies) > 1 else "count(*)"
    )  # else a day is one row a product
    columns: dict[str, tuple[str, Kind]] = {
        "window": ('"window"', "int8"),
        "month": ("month", "date"),
        "days": ("count(*)", "int8"),
        "products": ("sum(products)", "int8"),
    }
    sql = f"""
        SELECT {", ".join(as_sql(expression, kind) for expression, kind in columns.values())} FROM (
            SELECT (d.day >= %s)::int AS "window", date_trunc('month', d.day)::date AS month, {products} AS products
            FROM metrics_productday d
            WHERE d.basis = %s AND ((d.day >= %s AND d.day < %s) OR (d.day >= %s AND d.day < %s)) AND {view}
                  AND d.has_positive AND d.product_key <> {NO_PRODUCT}
                  AND (d.account_id, d.day) IN (
                      SELECT a.account_id, a.day FROM metrics_accountday a
                      WHERE a.basis = %s AND a.orders > 0 AND a.day >= %s AND a.day < %s
                  )
            GROUP BY d.account_id, d.day
        ) AS baskets GROUP BY "window", month ORDER BY "window", month
    """
    params = [period.start, scope.basis, before.start, before.end, period.start, period.end, *view_params]
    params += [scope.basis, before.start, period.end]
    return Breadth(**fetch(sql, params, {name: kind for name, (_sql, kind) in columns.items()}, using=scope.using))


def order_day_sizes(scope: Scope, period: Period) -> FloatArray:
    """Net revenue of each order day of the period, counted an account, (m,); without the days of a missing rate."""
    source = lines(scope, first=period.start, end=period.end, is_daily=True)
    sql = (
        f"SELECT {as_sql('round(sum(net), 4)', 'float8')} FROM ({source.sql}) AS line"
        " GROUP BY account_id, day HAVING sum(orders) > 0 AND NOT bool_or(is_missing)"
    )
    return fetch(sql, source.params, {"net": "float8"}, using=scope.using)["net"]


def months_of(rows: Breadth, window: int) -> list[tuple[date, float]]:
    """(month, mean number of products on an order day) of one window."""
    is_in = rows.window == window
    means = rows.products[is_in] / np.maximum(rows.days[is_in], 1)
    return list(zip(rows.month[is_in].tolist(), means.tolist(), strict=True))


def _columns() -> dict[str, tuple[str, Kind]]:
    return {
        "side": ("side", "int8"),
        "key": ("key", "int8"),
        "net": ("round(coalesce(sum(net), 0), 4)", "float8"),
        "net_new": ("round(coalesce(sum(net) FILTER (WHERE is_new), 0), 4)", "float8"),
        "days": ("sum(days)", "int8"),
        "pairs": (f"count(*) FILTER (WHERE days > 0 AND product_key <> {NO_PRODUCT})", "int8"),
        "new_pairs": ("count(*) FILTER (WHERE days > 0 AND is_new)", "int8"),
        "first_on": ("min(first_on)", "date"),
        "last_on": ("max(last_on)", "date"),
    }
