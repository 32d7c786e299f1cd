"""What one request changed in the database, row by row: for tests in which the whole of it has to be right.

The tables that this transaction has touched are known from PostgreSQL's own counters, so that only those are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import ForeignKey

# Who came and what was tried; it differs from one request to the next.
LOGS = frozenset(
    {
        *("django_session", "accounts_loginevent", "accounts_loginlimit", "accounts_usersession"),
        *("accounts_accesstoken", "crm_idempotencykey"),
    }
)
# What triggers write after the other tables: the trail, sealed, and marks of what the next night counts anew.
MIRRORS = frozenset({"tiering_changedaccount", "crm_trailentry", "crm_traillink", "crm_trailseal", "crm_personkey"})
COUNTERS = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()"
# A new row is told from another by what it holds, not by its number. The rest is drawn anew each time, or written by the
# clock of the database.
UNSTABLE = frozenset(
    {
        *("id", "message_id", "sealed_secret", "digest", "token", "token_key", "stored_as", "changed_at"),
        "service_servicerequest.number",
    }
)

Row = dict[str, Any]


@dataclass
class Change:
    """Of one request: its answer, and by table the rows that were added, changed (before, after) and removed."""

    response: Any
    added: dict[str, list[Row]] = field(default_factory=dict)
    changed: dict[str, dict[str, tuple[Row, Row]]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def cells(self) -> Iterator[tuple[str, str, Any]]:
        """(table, column, new value) of everything that was written."""
        for table, rows in self.added.items():
            yield from ((table, name, value) for row in rows for name, value in row.items())
        for table, pairs in self.changed.items():
            for before, after in pairs.values():
                yield from ((table, name, after[name]) for name in after if after[name] != before[name])

    def settled(self) -> set[str]:
        """The same for two requests that did the same, as text."""
        new = {table: {row["id"] for row in rows if "id" in row} for table, rows in self.added.items()}
        points_at = references()

        def text(table: str, row: Row) -> str:
            told = {
                name: "new" if value in new.get(points_at.get((table, name), ""), ()) else value
                for name, value in row.items()
                if not {name, f"{table}.{name}"} & UNSTABLE
            }
            return json.dumps(told, sort_keys=True)

        found = {f"{table} + {text(table, row)}" for table, rows in self.added.items() for row in rows}
        for table, pairs in self.changed.items():
            for key, (before, after) in pairs.items():
                found.add(f"{table} {key} {text(table, {k: after[k] for k in after if after[k] != before[k]})}")
        return found | {f"{table} - {key}" for table, keys in self.removed.items() for key in keys}


@cache
def references() -> dict[tuple[str, str], str]:
    """(table, column) → the table it points at."""
    return {
        (model._meta.db_table, one.column): one.related_model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        for one in model._meta.concrete_fields
        if isinstance(one, ForeignKey)
    }


class Watcher:
    """Sees what requests write; each is taken back."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {}

    def watch(self, act: Callable[[], Any]) -> Change:
        before = self._counters()
        with transaction.atomic():
            found = Change(act())
            touched = [table for table, count in self._counters().items() if count != before.get(table, 0)]
            after = {table: _read(table) for table in touched if table not in LOGS | MIRRORS}
            transaction.set_rollback(True)
        for table, rows in after.items():
            if table not in self.rows:
                self.rows[table] = _read(table)
            _compare(found, table, self.rows[table], rows)
        return found

    def _counters(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(COUNTERS)
            return dict(cursor.fetchall())


def _read(table: str) -> dict[str, Row]:
    """Rows by key; those of a table without the column ``id`` by all they hold."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')
        rows = [json.loads(text) for (text,) in cursor.fetchall()]
    return {str(row["id"]) if "id" in row else json.dumps(row, sort_keys=True): row for row in rows}


def _compare(found: Change, table: str, before: dict[str, Row], after: dict[str, Row]) -> None:
    if added := [row for key, row in after.items() if key not in before]:
        found.added[table] = added
    if changed := {key: (before[key], row) for key, row in after.items() if key in before and before[key] != row}:
        found.changed[table] = changed
    if removed := [key for key in before if key not in after]:
        found.removed[table] = removed
