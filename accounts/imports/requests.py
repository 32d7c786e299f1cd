"""Rows of a request as a table: the same door as a file's, with the fields' own names as header."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.imports.fields import FIELDS
from accounts.imports.mapping import Mapping, check_required
from accounts.imports.readers import ListTable
from accounts.imports.unreadable import Unreadable

MAX_ROWS = 1_000


def request_table(rows: Sequence[dict[str, Any]]) -> ListTable:
    """Raises Unreadable("no_rows" | "too_many_api_rows" | "unknown_column")."""
    if not rows:
        raise Unreadable("no_rows")
    if len(rows) > MAX_ROWS:
        raise Unreadable("too_many_api_rows", limit=MAX_ROWS)
    names = {name for row in rows for name in row}
    if unknown := sorted(names - set(FIELDS)):
        raise Unreadable("unknown_column", column=unknown[0], found=", ".join(FIELDS))
    # Fields of the rules are always there, so that a row without them is rejected and not the request.
    columns = [key for key in FIELDS if key in names or key in ("account_code", "booked_on", "amount")]
    return ListTable(columns, [[_text(row.get(key)) for key in columns] for row in rows])


def request_mapping(table: ListTable, *, name: str) -> Mapping:
    mapping = Mapping(
        name=name,
        columns={key: key for key in table.columns},
        date_formats=("%Y-%m-%d",),
        decimal=".",
        thousands="",
    )
    check_required(mapping)
    return mapping


def _text(value: Any) -> str:
    """A JSON value as the text of a cell; numbers without an exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Decimal, float)):
        number = Decimal(str(value))
        return format(number, "f") if number.is_finite() else str(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
