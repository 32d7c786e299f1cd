"""Days of products → sums by product or category over two windows; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np

from accounts.models import Product
from crm.lib.periods import Period
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import FloatArray
from metrics.frames import IntArray
from metrics.models_products import NO_PRODUCT
from metrics.pieces import EVER, STILL, Pieces
from metrics.scope import Scope, rates_by_day

# Every category by the smallest key of its products, as leaves of accounts are numbered.
CATEGORIES = """
JOIN (
    SELECT p.id AS product_key, min(p.id) OVER (PARTITION BY p.category) AS part FROM accounts_product p
    UNION ALL SELECT {none}, {none}
) AS c ON c.product_key = d.product_key
"""


class ProductDimension(StrEnum):
    """What leaves of products are made of."""

    PRODUCT = "product"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """One row a class of accounts and part, (m,). part : a product, or the product that stands for its category; 0 for
    lines without a product. base, comparison : net of both windows. The rest counts units: with base or comparison above
    0, other than 0, and with a change."""

    group: IntArray
    part: IntArray
    base: FloatArray
    comparison: FloatArray
    base_above: IntArray
    comparison_above: IntArray
    base_moved: IntArray
    comparison_moved: IntArray
    changed: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class CountedIn:
    """One row an account and stretch of days, each (n,): the account or group of companies it counts in then."""

    account_ids: IntArray
    unit_ids: IntArray
    firsts: list[date]
    stops: list[date]

    @property
    def params(self) -> list[Any]:
        return [self.account_ids.tolist(), self.unit_ids.tolist(), self.firsts, self.stops]


def counted_in(account_ids: IntArray, unit_ids: IntArray, pieces: Pieces | None) -> CountedIn:
    """Accounts by the units they count in, since ever and still; one that has changed its group in its ``pieces``."""
    if pieces is None:
        return CountedIn(account_ids, unit_ids, [EVER] * len(account_ids), [STILL] * len(account_ids))
    changed, roots = (np.array(ids, dtype=np.int64) for ids in (pieces.account_ids, pieces.roots))
    is_whole = ~np.isin(account_ids, changed)
    is_asked = np.isin(roots, unit_ids)
    whole = int(is_whole.sum())
    return CountedIn(
        np.concatenate([account_ids[is_whole], changed[is_asked]]),
        np.concatenate([unit_ids[is_whole], roots[is_asked]]),
        [EVER] * whole + [day for day, asked in zip(pieces.firsts, is_asked, strict=True) if asked],
        [STILL] * whole + [day for day, asked in zip(pieces.stops, is_asked, strict=True) if asked],
    )


COUNTS = {
    "base_above": "base > 0", "comparison_above": "comparison > 0", "base_moved": "base <> 0",
    "comparison_moved": "comparison <> 0", "changed": "base <> comparison",
}  # fmt: skip


def parts_of(
    scope: Scope,
    windows: tuple[Period, Period],
    *,
    by: ProductDimension,
    counted: CountedIn,
    groups: Sequence[int],
) -> Parts:
    """Net revenue by part in both windows over accounts of a group (class) each; one query, two more for rates.

    groups : the class of each row of ``counted``
    """
    base, comparison = windows
    rates = rates_by_day(scope, first=min(base.start, comparison.start), end=max(base.end, comparison.end))
    params: list[Any] = [*counted.params, list(groups), base.start, base.end]
    params += [comparison.start, comparison.end]
    net, joined = "d.net", ""
    if scope.is_translated:
        net = "d.net * CASE WHEN d.currency = %s THEN 1 ELSE r.rate END"
        params = [*params[:5], scope.currency, *params[5:7], scope.currency, *params[7:]]
        joined = (
            "LEFT JOIN unnest(%s::text[], %s::date[], %s::numeric[]) AS r(currency, day, rate)"
            " ON r.currency = d.currency AND r.day = d.day"
        )
        params += [list(values) for values in zip(*rates, strict=True)] if rates else [[], [], []]
    is_category = by is ProductDimension.CATEGORY
    params += [scope.basis, base.start, base.end, comparison.start, comparison.end]
    sql = f"""
        WITH unit AS (
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[], %s::int[])
                AS u(account_id, unit_id, first, stop, "group")
        ),
        summed AS (
            SELECT u."group", u.unit_id, {"c.part" if is_category else "d.product_key"} AS part,
                   coalesce(sum({net}) FILTER (WHERE d.day >= %s AND d.day < %s), 0) AS base,
                   coalesce(sum({net}) FILTER (WHERE d.day >= %s AND d.day < %s), 0) AS comparison
            FROM metrics_productday d JOIN unit u ON u.account_id = d.account_id AND d.day >= u.first AND d.day < u.stop
                 {joined}
                 {CATEGORIES.format(none=NO_PRODUCT) if is_category else ""}
            WHERE d.basis = %s AND ((d.day >= %s AND d.day < %s) OR (d.day >= %s AND d.day < %s))
            GROUP BY 1, 2, 3
        )
        SELECT {", ".join(as_sql(expression, kind) for expression, kind in _columns().values())}
        FROM summed GROUP BY "group", part ORDER BY "group", part
    """
    rows = fetch(sql, params, {name: kind for name, (_sql, kind) in _columns().items()}, using=scope.using)
    return Parts(**rows)


def part_names(parts: Sequence[int], by: ProductDimension) -> dict[int, tuple[str, Any]]:
    """(key, label) of each part: a product by key and name, a category by itself; one query. Without those of no product."""
    known = Product.objects.in_bulk([part for part in parts if part != NO_PRODUCT])
    if by is ProductDimension.CATEGORY:
        return {pk: (product.category, product.category) for pk, product in known.items()}
    return {pk: (str(pk), str(product)) for pk, product in known.items()}


def _columns() -> dict[str, tuple[str, Kind]]:
    return {
        "group": ('"group"', "int8"),
        "part": ("part", "int8"),
        "base": ("round(sum(base), 4)", "float8"),
        "comparison": ("round(sum(comparison), 4)", "float8"),
        **{name: (f"count(*) FILTER (WHERE {condition})", "int8") for name, condition in COUNTS.items()},
    }
