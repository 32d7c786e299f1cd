"""Roll-ups by the currency they were booked in → arrays, untranslated; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass

from crm.lib.periods import Period
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import FloatArray
from metrics.frames_spans import IntArray, pieces_at, unit_of
from metrics.scope import Level, Scope, rows_of


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
    found = rows_of(scope, is_daily=not period.is_whole_months, pieces=pieces_at(scope, level))
    column = found.day
    unit, tree, join = unit_of(level, found.piece)
    view, view_params = scope.within("l.account_id")
    first = period.month_starts[0]
    number = (
        f"(extract(year FROM l.{column}) * 12 + extract(month FROM l.{column}))::int - {first.year * 12 + first.month}"
    )
    columns: dict[str, tuple[str, Kind]] = {
        "unit_id": (unit, "int8"),
        "currency": ("array_position(%s::text[], l.currency::text) - 1", "int8"),
        "month": (f"CASE WHEN l.currency = %s THEN 0 ELSE {number} END", "int8"),
        "net": ("round(sum(l.net), 4)", "float8"),
    }
    sql = (
        f"{tree} SELECT {', '.join(as_sql(expression, kind) for expression, kind in columns.values())}"
        f" FROM {found.source} l {join} WHERE l.basis = %s AND l.{column} >= %s AND l.{column} < %s AND {view} GROUP BY 1, 2, 3"
    )
    params = [
        list(scope.currencies), scope.currency, *found.params, scope.basis, period.start, period.end, *view_params
    ]  # fmt: skip
    rows = fetch(sql, params, {name: kind for name, (_expression, kind) in columns.items()}, using=scope.using)
    return CurrencyMonths(rows["unit_id"], rows["currency"], rows["month"], rows["net"])
