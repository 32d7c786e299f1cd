"""Roll-ups → arrays, one query a question; the only place where Decimal becomes float64.

Reads AccountDay, AccountMonth and AccountSpan, never the ledger. Amounts arrive in the one currency of the scope, per
account and window rounded to 4 decimals, so that sums over accounts add up to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm.lib.periods import FIRST_YEAR, Period, add_months
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames_spans import (
    IntArray,
    Spans,
    in_order,
    pieces_at,
    rounded_parts,
    span_columns,
    span_query,
    spans_from,
    unit_of,
)  # fmt: skip
from metrics.pieces import pieces_of
from metrics.reasons import MissingRate
from metrics.scope import LINE_COUNTS, LINE_SUMS, Level, Scope, lines, rows_of

__all__ = [
    "LEDGER_START",
    "MONTH_NUMBER",
    "Histories",
    "IntArray",
    "Purchases",
    "Spans",
    "Windows",
    "bucket_totals",
    "histories",
    "monthly",
    "order_days",
    "order_history",
    "order_places",
    "purchases",
    "spans_of",
    "windows",
]

LEDGER_START = date(FIRST_YEAR, 1, 1)  # no record is older
MONTH_NUMBER = "(date_part('year', day) * 12 + date_part('month', day))::int"  # extract() reckons in numeric, slower


@dataclass(frozen=True, slots=True)
class Windows:
    """Sums of each account (rows, as in ``spans``) in each window (columns), shape (n, w); series holds net alone.

    cost, lines_without_cost and orders are NaN where they were not asked for.

    is_missing : some document of the window has no rate; its sums are without it and must not be shown.
    """

    spans: Spans
    periods: tuple[Period, ...]
    currency: str
    net: FloatArray
    cost: FloatArray
    lines_without_cost: IntArray
    orders: IntArray
    series: FloatArray
    is_missing: BoolArray
    missing: tuple[MissingRate, ...]


@dataclass(frozen=True, slots=True)
class Histories:
    """Repeat purchases of each account that has ordered by ``as_of``, ascending by id: days of the first and last order,
    different order days after the first, and the net revenue of those days (NaN where a rate is missing)."""

    account_ids: IntArray
    first_order_on: DateArray
    last_order_on: DateArray
    repeat_days: IntArray
    repeat_revenue: FloatArray
    missing: tuple[MissingRate, ...]


@dataclass(frozen=True, slots=True)
class Purchases:
    """Rows of an account and stretch of months with a ledger line, (m,): account is its place in the spans, bucket the
    place of the stretch. is_missing : some document has no rate; net is without it and must not be shown."""

    account: IntArray
    bucket: IntArray
    net: FloatArray
    orders: IntArray
    is_missing: BoolArray
    missing: tuple[MissingRate, ...]


def windows(
    scope: Scope,
    periods: Sequence[Period],
    *,
    level: Level = Level.ENTITY,
    with_orders: bool = False,
    with_cost: bool = False,
    series: Sequence[Period] = (),
) -> Windows:
    """Revenue of every account in each of ``periods``, and its orders and cost where asked; spans and sums in one query.

    series : further periods of which only the net revenue is wanted, such as the months of a small chart
    """
    every = [*periods, *series]
    first, end = min(p.start for p in every), max(p.end for p in every)
    is_daily = not all(p.is_whole_months for p in every)
    pieces = pieces_at(scope, level)
    source = lines(scope, first=first, end=end, is_daily=is_daily, needed_in=every, pieces=pieces)
    wanted = {"net", *_COST * with_cost, *_ORDERS * with_orders, *_MISSING * scope.is_translated}
    columns, sums, money, picked, params = span_columns(level, pieces), [], [], [], []
    for number, period in enumerate(every):
        for name, expression, kind in _WINDOW_SUMS:
            if name not in (wanted if number < len(periods) else {"net"}):
                continue
            column = f"{name}_{number}"
            money += [column] * (kind == "float8")
            sums.append(f"{_rounded(expression, kind, is_whole=not pieces).replace('INSIDE', _INSIDE)} AS {column}")
            picked.append(as_sql(f"coalesce(w.{column}, 0)", kind))
            columns[column] = kind
            params += [period.start, period.end]
    keys = ("account_id", "piece") if pieces else ("account_id",)
    by = ", ".join(keys)
    summed = f"SELECT {by}, {', '.join(sums)} FROM ({source.sql}) AS line GROUP BY {by}"
    if pieces:
        others = [name for name in columns if name not in {*span_columns(level, pieces), *money}]
        summed = rounded_parts(summed, money, others, ["account_id"])
    joined = f"LEFT JOIN ({summed}) AS w ON {' AND '.join(f'w.{key} = s.{key}' for key in keys)}"
    sql, span_params = span_query(scope, level, pieces, picked=picked, joined=joined)
    rows = fetch(sql, in_order(span_params, [*params, *source.params]), columns, using=scope.using)

    count = len(rows["account_id"])

    def of(name: str, numbers: range = range(len(periods)), default: float = 0) -> NDArray[Any]:
        absent = np.full(count, default)
        return np.stack([rows.get(f"{name}_{number}", absent) for number in numbers] or [absent], axis=1)

    return Windows(
        spans=spans_from(rows),
        periods=tuple(periods),
        currency=scope.currency,
        net=of("net"),
        cost=of("cost", default=np.nan),
        lines_without_cost=of("lines_without_cost", default=np.nan),
        orders=of("orders", default=np.nan),
        series=of("net", range(len(periods), len(every))),
        is_missing=of("missing") > 0,
        missing=source.missing,
    )


def order_days(scope: Scope, period: Period, *, level: Level = Level.ENTITY) -> tuple[IntArray, IntArray]:
    """(unit ids ascending, different days with an order in the period); units without one are left out."""
    view, view_params = scope.within("l.account_id")
    rows = rows_of(scope, is_daily=True, pieces=pieces_at(scope, level))
    unit, tree, join = unit_of(level, rows.piece)
    sql = (
        f"{tree} SELECT {as_sql('unit_id', 'int8')}, {as_sql('count(DISTINCT day)', 'int8')} FROM"
        f" (SELECT {unit} AS unit_id, l.day FROM {rows.source} l {join}"
        f" WHERE l.basis = %s AND l.day >= %s AND l.day < %s AND l.orders > 0 AND {view}) AS bought"
        " GROUP BY unit_id ORDER BY unit_id"
    )
    params = [*rows.params, scope.basis, period.start, period.end, *view_params]
    found = fetch(sql, params, {"unit_id": "int8", "days": "int8"}, using=scope.using)
    return found["unit_id"], found["days"]


def order_history(scope: Scope, *, as_of: date, among: IntArray | None = None) -> tuple[IntArray, DateArray]:
    """(account id, order day) of every account and different day with an order, up to and with ``as_of``.

    among : ids of accounts in view, where the others are not needed
    """
    view, view_params = scope.within("d.account_id")
    if among is not None:
        view, view_params = "d.account_id = ANY(%s::bigint[])", [among.tolist()]
    columns: dict[str, Kind] = {"account_id": "int8", "day": "date"}
    sql = (
        f"SELECT {', '.join(as_sql(f'd.{name}', kind) for name, kind in columns.items())} FROM metrics_accountday d"
        f" WHERE d.basis = %s AND d.day <= %s AND d.orders > 0 AND {view}"
    )
    if len(scope.currencies) > 1:  # else a day is one row already
        sql += " GROUP BY d.account_id, d.day"
    rows = fetch(sql, [scope.basis, as_of, *view_params], columns, using=scope.using)
    return rows["account_id"], rows["day"]


def order_places(scope: Scope, spans: Spans, *, as_of: date) -> tuple[IntArray, DateArray]:
    """``order_history`` by the rows of ``spans``: (row, order day) up to and with ``as_of``."""
    if spans.piece is None:
        account_ids, days = order_history(scope, as_of=as_of)
        return spans.places(account_ids, None), days
    rows = rows_of(scope, is_daily=True, pieces=pieces_of(scope))
    view, view_params = scope.within("l.account_id")
    columns: dict[str, Kind] = {"account_id": "int8", "piece": "int8", "day": "date"}
    sql = (
        f"SELECT {', '.join(as_sql(f'l.{name}', kind) for name, kind in columns.items())} FROM {rows.source} l"
        f" WHERE l.basis = %s AND l.day <= %s AND l.orders > 0 AND {view} GROUP BY l.account_id, l.piece, l.day"
    )
    found = fetch(sql, [*rows.params, scope.basis, as_of, *view_params], columns, using=scope.using)
    return spans.places(found["account_id"], found["piece"]), found["day"]


def spans_of(scope: Scope, *, level: Level = Level.ENTITY) -> Spans:
    """First and last days of every account in view."""
    pieces = pieces_at(scope, level)
    sql, params = span_query(scope, level, pieces, picked=[], joined="")
    return spans_from(fetch(sql, in_order(params, []), span_columns(level, pieces), using=scope.using))


def purchases(scope: Scope, spans: Spans, *, first: date, buckets: int, months_each: int) -> Purchases:
    """What each account of ``spans`` bought in each of ``buckets`` stretches of months that begin with ``first``.

    An account may have several rows a stretch. Amounts of the ledger have 4 decimals and are added without loss by whoever
    adds them, so rows travel as they are: grouping them takes the database four times as long. Translated ones, and those
    of accounts that changed their group, are summed and rounded once a stretch.
    """
    pieces = pieces_of(scope) if spans.piece is not None else None
    source = lines(scope, first=first, end=add_months(first, buckets * months_each), pieces=pieces)
    bucket = f"({MONTH_NUMBER} - {first.year * 12 + first.month}) / {months_each}"
    columns: dict[str, Kind] = {
        "account_id": "int8", "bucket": "int4", "net": "float8", "orders": "int8", "missing": "int8",
    }  # fmt: skip
    counts = "sum(orders) AS orders, sum(is_missing::int) AS missing"
    if pieces:
        columns["piece"] = "int8"
        summed = (
            f"SELECT account_id, {bucket} AS bucket, piece, sum(net) AS net, {counts} FROM ({source.sql}) AS line"
            " GROUP BY 1, 2, 3"
        )
        summed = rounded_parts(summed, ["net"], ["orders", "missing"], ["account_id", "bucket"])
    elif scope.is_translated:
        summed = (
            f"SELECT account_id, {bucket} AS bucket, round(sum(net), 4) AS net, {counts} FROM ({source.sql}) AS line"
            f" GROUP BY account_id, {bucket}"
        )
    else:
        columns["bucket"] = "date"
        summed = (
            f"SELECT account_id, day AS bucket, net, orders, is_missing::int AS missing FROM ({source.sql}) AS line"
        )
    picked = ", ".join(as_sql(name, kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {picked} FROM ({summed}) AS summed", source.params, columns, using=scope.using)
    stretch = rows["bucket"]
    if columns["bucket"] == "date":
        months = stretch.astype("datetime64[M]") - np.datetime64(first, "M")
        stretch = months.astype(np.int64) // months_each
    return Purchases(
        account=spans.places(rows["account_id"], rows.get("piece")),
        bucket=stretch.astype(np.int64),
        net=np.nan_to_num(rows["net"]),
        orders=rows["orders"],
        is_missing=rows["missing"] > 0,
        missing=source.missing,
    )


def monthly(
    scope: Scope, *, first: date, months: int, level: Level = Level.ENTITY
) -> tuple[Spans, FloatArray, tuple[MissingRate, ...]]:
    """(spans, net revenue of each account in each month, shape (n, months), missing rates); a document without a rate
    counts as nothing, so the months of a missing rate must not be shown."""
    pieces = pieces_at(scope, level)
    source = lines(scope, first=first, end=add_months(first, months), pieces=pieces)
    number = f"{MONTH_NUMBER} - {first.year * 12 + first.month}"
    columns: dict[str, Kind] = {"account_id": "int8", "month": "int4", "net": "float8"}
    summed = f"SELECT account_id, {number} AS month, net FROM ({source.sql}) AS line"
    if pieces:
        columns["piece"] = "int8"
        summed = (
            f"SELECT account_id, {number} AS month, piece, sum(net) AS net FROM ({source.sql}) AS line GROUP BY 1, 2, 3"
        )
        summed = rounded_parts(summed, ["net"], [], ["account_id", "month"])
    elif not scope.has_single_rows:  # else a month is one row already
        summed = (
            f"SELECT account_id, {number} AS month, round(sum(net), 4) AS net FROM ({source.sql}) AS line GROUP BY 1, 2"
        )
    picked = ", ".join(as_sql(name, kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {picked} FROM ({summed}) AS summed", source.params, columns, using=scope.using)
    spans = spans_of(scope, level=level)
    net = np.zeros((len(spans.account_ids), months))
    net[spans.places(rows["account_id"], rows.get("piece")), rows["month"]] = np.nan_to_num(rows["net"])
    return spans, net, source.missing


def bucket_totals(
    scope: Scope,
    *,
    first: date,
    buckets: int,
    months_each: int | Sequence[int],
    level: Level = Level.ENTITY,
) -> tuple[dict[str, NDArray[Any]], tuple[MissingRate, ...]]:
    """Totals over all accounts in view of ``buckets`` stretches of months that begin with ``first``, each shape (buckets,).

    months_each : of every stretch, or of each of them in order
    Names: net, cost, lines_without_cost, orders, active (accounts or groups with an order), is_missing.
    """
    each = [months_each] * buckets if isinstance(months_each, int) else months_each
    bucket_of = np.repeat(np.arange(buckets), each)  # of each month
    pieces = pieces_at(scope, level)
    source = lines(scope, first=first, end=add_months(first, len(bucket_of)), pieces=pieces)
    unit, tree, join = unit_of(level, "l.piece" if pieces else "")
    month = f"{MONTH_NUMBER} - {first.year * 12 + first.month}"
    number = f"(ARRAY[{', '.join(map(str, bucket_of))}])[{month} + 1]"
    totals = [
        (name, _rounded(expression, kind, is_whole=True).replace("INSIDE", ""), kind)
        for name, expression, kind in _WINDOW_SUMS
    ]
    totals.append(("active", f"count(DISTINCT {unit}) FILTER (WHERE orders > 0)", "int8"))
    picked = ", ".join(as_sql(expression, kind) for _name, expression, kind in totals)
    sql = f"{tree} SELECT {as_sql(number, 'int4')}, {picked} FROM ({source.sql}) AS l {join} GROUP BY {number}"
    columns: dict[str, Kind] = {"bucket": "int4"}
    columns |= {name: kind for name, _expression, kind in totals}
    rows = fetch(sql, source.params, columns, using=scope.using)
    tables: dict[str, NDArray[Any]] = {}
    for name, _expression, kind in totals:
        tables[name] = np.zeros(buckets, dtype=np.float64 if kind == "float8" else np.int64)
        tables[name][rows["bucket"]] = rows[name]
    tables["is_missing"] = tables.pop("missing") > 0
    return tables, source.missing


def histories(scope: Scope, *, as_of: date) -> Histories:
    """Repeat purchases up to and with ``as_of``; an order day is one occasion, whatever was bought that day."""
    source = lines(scope, first=LEDGER_START, end=as_of + timedelta(days=1), is_daily=True)
    occasions = f"SELECT account_id, day, net, is_missing FROM ({source.sql}) AS line WHERE orders > 0"
    if not scope.has_single_rows:  # else a day is one row already
        occasions = (
            "SELECT account_id, day, sum(net) AS net, bool_or(is_missing) AS is_missing"
            f" FROM ({source.sql}) AS line GROUP BY account_id, day HAVING sum(orders) > 0"
        )
    columns: dict[str, tuple[str, Kind]] = {
        "account_id": ("o.account_id", "int8"),
        "first_day": ("s.first_order_on", "date"),
        "last_day": ("max(o.day)", "date"),
        "repeats": ("count(*) - 1", "int8"),
        "revenue": ("round(coalesce(sum(o.net) FILTER (WHERE o.day > s.first_order_on), 0), 4)", "float8"),
        "missing": ("count(*) FILTER (WHERE o.is_missing)", "int8"),
    }
    sql = (
        f"SELECT {', '.join(as_sql(expression, kind) for expression, kind in columns.values())} FROM ({occasions}) AS o"
        " JOIN metrics_accountspan s ON s.account_id = o.account_id AND s.basis = %s"
        " GROUP BY o.account_id, s.first_order_on"
    )
    kinds = {name: kind for name, (_expression, kind) in columns.items()}
    rows = fetch(sql, [*source.params, scope.basis], kinds, using=scope.using)
    order = np.argsort(rows["account_id"])
    rows = {name: values[order] for name, values in rows.items()}
    return Histories(
        account_ids=rows["account_id"],
        first_order_on=rows["first_day"],
        last_order_on=rows["last_day"],
        repeat_days=rows["repeats"],
        repeat_revenue=np.where(rows["missing"] > 0, np.nan, rows["revenue"]),
        missing=source.missing,
    )


def _rounded(expression: str, kind: Kind, *, is_whole: bool) -> str:
    """Money of whole accounts has 4 decimals; that of pieces is rounded together, see ``rounded_parts``."""
    return f"round({expression}, 4)" if kind == "float8" and is_whole else expression


# name, SQL over roll-up rows (INSIDE limits it to a window), kind it travels as
_INSIDE = "FILTER (WHERE day >= %s AND day < %s)"
_COST, _ORDERS, _MISSING = ("cost", "lines_without_cost"), ("orders",), ("missing",)
_WINDOW_SUMS: tuple[tuple[str, str, Kind], ...] = (
    *((name, f"sum({name}) INSIDE", "float8") for name in LINE_SUMS),
    *((name, f"sum({name}) INSIDE", "int8") for name in LINE_COUNTS),
    ("missing", "sum(is_missing::int) INSIDE", "int8"),
)
