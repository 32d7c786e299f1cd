"""The days of an account as arrays, for its history; see ``metrics.frames``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames import LEDGER_START
from metrics.frames_spans import IntArray
from metrics.reasons import MissingRate
from metrics.scope import Scope, lines


@dataclass(frozen=True, slots=True)
class Days:
    """Sums of each day with a ledger line, (n,), ascending. is_missing : a document of the day has no rate; its sums are
    without it and must not be shown."""

    day: DateArray
    net: FloatArray
    cost: FloatArray
    lines_without_cost: IntArray
    orders: IntArray
    is_missing: BoolArray
    missing: tuple[MissingRate, ...]


def days_of(scope: Scope, *, end: date) -> Days:
    """Every day with a ledger line before ``end``, ascending, summed over the accounts in view; made for one of them."""
    source = lines(scope, first=LEDGER_START, end=end, is_daily=True)
    columns: dict[str, tuple[str, Kind]] = {
        "day": ("day", "date"),
        "net": ("round(sum(net), 4)", "float8"),
        "cost": ("round(sum(cost), 4)", "float8"),
        "lines_without_cost": ("sum(lines_without_cost)", "int8"),
        "orders": ("sum(orders)", "int8"),
        "missing": ("sum(is_missing::int)", "int8"),
    }
    picked = ", ".join(as_sql(expression, kind) for expression, kind in columns.values())
    sql = f"SELECT {picked} FROM ({source.sql}) AS line GROUP BY day ORDER BY day"
    rows = fetch(sql, source.params, {name: kind for name, (_sql, kind) in columns.items()}, using=scope.using)
    is_missing = rows.pop("missing") > 0
    return Days(**rows, is_missing=is_missing, missing=source.missing)
