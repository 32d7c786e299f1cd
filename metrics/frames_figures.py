"""What the night kept of each account → arrays; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from datetime import date, timedelta

from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import FloatArray
from metrics.frames import IntArray
from metrics.scope import Scope


def alive_chances(scope: Scope, *, as_of: date, days: int) -> tuple[IntArray, FloatArray]:
    """(account ids ascending, P(alive)) as the last night gave them, where it is of the ``days`` that end on ``as_of``."""
    view, params = scope.within("f.account_id")
    columns: dict[str, Kind] = {"account_id": "int8", "p_alive": "float8"}
    picked = ", ".join(as_sql(f"f.{name}", kind) for name, kind in columns.items())
    rows = fetch(
        f"SELECT {picked} FROM metrics_accountfigures f WHERE f.p_alive IS NOT NULL AND f.as_of <= %s AND f.as_of > %s"
        f" AND {view} ORDER BY f.account_id",
        [as_of, as_of - timedelta(days=days), *params],
        columns,
        using=scope.using,
    )
    return rows["account_id"], rows["p_alive"]
