"""Roll-ups by the currency they were booked in → arrays, untranslated; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass

from crm.lib.periods import Period
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import FloatArray
from metrics.frames import ROOTS, IntArray
from metrics.scope import Level, Scope


@dataclass(frozen=True, slots=True)
class CurrencyMonths:
    """Net revenue as booked: one row a unit, currency and month, each shape (m,).

    currency, month : places among the scope's currencies and among the months the period touches; the currency of the
    figures needs no rate, so all its months stand in the first
    """

    unit_ids: IntArray
    currency: IntArray
    month: IntArray
    net: FloatArray


def currency_months(scope: Scope, period: Period, *, level: Level = Level.ENTITY) -> CurrencyMonths:
    """What every account or group bought in a period, by currency and month, untranslated; one query.

    Reads the monthly roll-up, the daily one where the period cuts a month.
    """
    table, column = scope.source(is_daily=not period.is_whole_months)
    view, view_params = scope.within("l.account_id")
    is_group = level == Level.GROUP
    first = period.month_starts[0]
    number = (
        f"(extract(year FROM l.{column}) * 12 + extract(month FROM l.{column}))::int - {first.year * 12 + first.month}"
    )
    columns: dict[str, tuple[str, Kind]] = {
        "unit_id": ("t.root" if is_group else "l.account_id", "int8"),
        "currency": ("array_position(%s::text[], l.currency::text) - 1", "int8"),
        "month": (f"CASE WHEN l.currency = %s THEN 0 ELSE {number} END", "int8"),
        "net": ("round(sum(l.net), 4)", "float8"),
    }
    sql = (
        f"{ROOTS if is_group else ''}"
        f" SELECT {', '.join(as_sql(expression, kind) for expression, kind in columns.values())} FROM {table} l"
        f" {'JOIN tree t ON t.id = l.account_id' if is_group else ''}"
        f" WHERE l.basis = %s AND l.{column} >= %s AND l.{column} < %s AND {view} GROUP BY 1, 2, 3"
    )
    params = [list(scope.currencies), scope.currency, scope.basis, period.start, period.end, *view_params]
    rows = fetch(sql, params, {name: kind for name, (_expression, kind) in columns.items()}, using=scope.using)
    return CurrencyMonths(rows["unit_id"], rows["currency"], rows["month"], rows["net"])
