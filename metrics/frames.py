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
from metrics.reasons import MissingRate
from metrics.scope import LINE_COUNTS, LINE_SUMS, Level, Scope, lines

LEDGER_START = date(FIRST_YEAR, 1, 1)  # no record is older
IntArray = NDArray[np.int64]

# Each account with the root of its group tree; a parent outside the view still makes the group.
ROOTS = (
    "WITH RECURSIVE tree AS (SELECT id, id AS root FROM accounts_account WHERE parent_id IS NULL"
    " UNION ALL SELECT a.id, t.root FROM accounts_account a JOIN tree t ON a.parent_id = t.id)"
)
SPAN_COLUMNS: dict[str, Kind] = {
    "account_id": "int8", "unit_id": "int8", "first_order_on": "date", "last_order_on": "date",
    "first_revenue_on": "date", "closed_on": "date", "before_data_start": "int4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spans:
    """One row an account in view that has a ledger line on the basis, ascending by id; dates are NaT where none.

    first_revenue_on is before every date where the account was a customer before the data start. unit_id is the account
    itself, or the root of its group.
    """

    account_ids: IntArray
    unit_ids: IntArray
    first_order_on: DateArray
    last_order_on: DateArray
    first_revenue_on: DateArray
    closed_on: DateArray


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
    """One row an account and stretch of months with a ledger line, (m,): account is its place in the spans, bucket the
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
    source = lines(scope, first=first, end=end, is_daily=is_daily, needed_in=every)
    wanted = {"net", *_COST * with_cost, *_ORDERS * with_orders, *_MISSING * scope.is_translated}
    columns, sums, picked, params = dict(SPAN_COLUMNS), [], [], []
    for number, period in enumerate(every):
        for name, expression, kind in _WINDOW_SUMS:
            if name not in (wanted if number < len(periods) else {"net"}):
                continue
            column = f"{name}_{number}"
            sums.append(f"{expression.replace('INSIDE', _INSIDE)} AS {column}")
            picked.append(as_sql(f"coalesce(w.{column}, 0)", kind))
            columns[column] = kind
            params += [period.start, period.end]
    joined = (
        f"LEFT JOIN (SELECT account_id, {', '.join(sums)} FROM ({source.sql}) AS line GROUP BY account_id) AS w"
        " ON w.account_id = s.account_id"
    )
    sql, span_params = _span_query(scope, level, picked=picked, joined=joined)
    rows = fetch(sql, [*params, *source.params, *span_params], columns, using=scope.using)

    count = len(rows["account_id"])

    def of(name: str, numbers: range = range(len(periods)), default: float = 0) -> NDArray[Any]:
        absent = np.full(count, default)
        return np.stack([rows.get(f"{name}_{number}", absent) for number in numbers] or [absent], axis=1)

    return Windows(
        spans=_spans(rows),
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
    view, view_params = scope.within("d.account_id")
    is_group = level == Level.GROUP
    sql = (
        f"{ROOTS if is_group else ''} SELECT {as_sql('unit_id', 'int8')}, {as_sql('count(DISTINCT day)', 'int8')} FROM"
        f" (SELECT {'t.root' if is_group else 'd.account_id'} AS unit_id, d.day FROM metrics_accountday d"
        f" {'JOIN tree t ON t.id = d.account_id' if is_group else ''}"
        f" WHERE d.basis = %s AND d.day >= %s AND d.day < %s AND d.orders > 0 AND {view}) AS bought"
        " GROUP BY unit_id ORDER BY unit_id"
    )
    params = [scope.basis, period.start, period.end, *view_params]
    rows = fetch(sql, params, {"unit_id": "int8", "days": "int8"}, using=scope.using)
    return rows["unit_id"], rows["days"]


def order_history(scope: Scope, *, as_of: date) -> tuple[IntArray, DateArray]:
    """(account id, order day) of every account and different day with an order, up to and with ``as_of``."""
    view, view_params = scope.within("d.account_id")
    columns: dict[str, Kind] = {"account_id": "int8", "day": "date"}
    sql = (
        f"SELECT {', '.join(as_sql(f'd.{name}', kind) for name, kind in columns.items())} FROM metrics_accountday d"
        f" WHERE d.basis = %s AND d.day <= %s AND d.orders > 0 AND {view}"
    )
    if len(scope.currencies) > 1:  # else a day is one row already
        sql += " GROUP BY d.account_id, d.day"
    rows = fetch(sql, [scope.basis, as_of, *view_params], columns, using=scope.using)
    return rows["account_id"], rows["day"]


def spans_of(scope: Scope, *, level: Level = Level.ENTITY) -> Spans:
    """First and last days of every account in view."""
    sql, params = _span_query(scope, level, picked=[], joined="")
    return _spans(fetch(sql, params, SPAN_COLUMNS, using=scope.using))


def purchases(scope: Scope, spans: Spans, *, first: date, buckets: int, months_each: int) -> Purchases:
    """What each account of ``spans`` bought in each of ``buckets`` stretches of months that begin with ``first``."""
    source = lines(scope, first=first, end=add_months(first, buckets * months_each))
    month = f"((extract(year FROM day) * 12 + extract(month FROM day))::int - {first.year * 12 + first.month})"
    is_summed = months_each == 1 and scope.has_single_rows and not scope.is_translated  # one row already
    columns: dict[str, tuple[str, Kind]] = {
        "account_id": ("account_id", "int8"),
        "bucket": (f"{month} / {months_each}", "int4"),
        "net": ("net" if is_summed else "round(sum(net), 4)", "float8"),
        "orders": ("orders" if is_summed else "sum(orders)", "int8"),
        "missing": ("is_missing::int" if is_summed else "sum(is_missing::int)", "int8"),
    }
    picked = ", ".join(as_sql(expression, kind) for expression, kind in columns.values())
    sql = f"SELECT {picked} FROM ({source.sql}) AS line"
    if not is_summed:
        sql += f" GROUP BY account_id, {month} / {months_each}"
    rows = fetch(sql, source.params, {name: kind for name, (_sql, kind) in columns.items()}, using=scope.using)
    return Purchases(
        account=np.searchsorted(spans.account_ids, rows["account_id"]).astype(np.int64),
        bucket=rows["bucket"].astype(np.int64),
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
    source = lines(scope, first=first, end=add_months(first, months))
    number = f"(extract(year FROM day) * 12 + extract(month FROM day))::int - {first.year * 12 + first.month}"
    summed = f"SELECT account_id, {number} AS month, net FROM ({source.sql}) AS line"
    if not scope.has_single_rows:  # else a month is one row already
        summed = (
            f"SELECT account_id, {number} AS month, round(sum(net), 4) AS net FROM ({source.sql}) AS line GROUP BY 1, 2"
        )
    columns: dict[str, Kind] = {"account_id": "int8", "month": "int4", "net": "float8"}
    picked = ", ".join(as_sql(name, kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {picked} FROM ({summed}) AS summed", source.params, columns, using=scope.using)
    spans = spans_of(scope, level=level)
    net = np.zeros((len(spans.account_ids), months))
    net[np.searchsorted(spans.account_ids, rows["account_id"]), rows["month"]] = np.nan_to_num(rows["net"])
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
    source = lines(scope, first=first, end=add_months(first, len(bucket_of)))
    is_group = level == Level.GROUP
    unit = "t.root" if is_group else "line.account_id"
    month = f"(extract(year FROM day) * 12 + extract(month FROM day))::int - {first.year * 12 + first.month}"
    number = f"(ARRAY[{', '.join(map(str, bucket_of))}])[{month} + 1]"
    totals = [(name, expression.replace("INSIDE", ""), kind) for name, expression, kind in _WINDOW_SUMS]
    totals.append(("active", f"count(DISTINCT {unit}) FILTER (WHERE orders > 0)", "int8"))
    picked = ", ".join(as_sql(expression, kind) for _name, expression, kind in totals)
    sql = (
        f"{ROOTS if is_group else ''} SELECT {as_sql(number, 'int4')}, {picked}"
        f" FROM ({source.sql}) AS line {'JOIN tree t ON t.id = line.account_id' if is_group else ''} GROUP BY {number}"
    )
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


# name, SQL over roll-up rows (INSIDE limits it to a window), kind it travels as
_INSIDE = "FILTER (WHERE day >= %s AND day < %s)"
_COST, _ORDERS, _MISSING = ("cost", "lines_without_cost"), ("orders",), ("missing",)
_WINDOW_SUMS: tuple[tuple[str, str, Kind], ...] = (
    *((name, f"round(sum({name}) INSIDE, 4)", "float8") for name in LINE_SUMS),
    *((name, f"sum({name}) INSIDE", "int8") for name in LINE_COUNTS),
    ("missing", "sum(is_missing::int) INSIDE", "int8"),
)


def _span_query(scope: Scope, level: Level, *, picked: list[str], joined: str) -> tuple[str, list[Any]]:
    """SQL of SPAN_COLUMNS and ``picked`` for every account in view, ascending; its parameters come after joined's."""
    view, view_params = scope.within("s.account_id")
    is_group = level == Level.GROUP
    spans = [
        as_sql("s.account_id", "int8"),
        as_sql("t.root" if is_group else "s.account_id", "int8"),
        *(as_sql(f"s.{name}", "date") for name in ("first_order_on", "last_order_on", "first_revenue_on")),
        as_sql("a.closed_on", "date"),
        as_sql("a.before_data_start::int", "int4"),
    ]
    sql = (
        f"{ROOTS if is_group else ''} SELECT {', '.join([*spans, *picked])} FROM metrics_accountspan s"
        f" JOIN accounts_account a ON a.id = s.account_id {'JOIN tree t ON t.id = s.account_id' if is_group else ''}"
        f" {joined} WHERE s.basis = %s AND {view} ORDER BY s.account_id"
    )
    return sql, [scope.basis, *view_params]


def _spans(rows: dict[str, NDArray[Any]]) -> Spans:
    first_revenue_on = rows["first_revenue_on"]
    first_revenue_on[rows["before_data_start"] > 0] = np.datetime64(date.min)
    return Spans(
        account_ids=rows["account_id"],
        unit_ids=rows["unit_id"],
        first_order_on=rows["first_order_on"],
        last_order_on=rows["last_order_on"],
        first_revenue_on=first_revenue_on,
        closed_on=rows["closed_on"],
    )
