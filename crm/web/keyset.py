"""Paging by key: the page after a row costs the same wherever that row stands; no OFFSET, no exact count.

Rows whose sort value is missing come last. They are read by a query of their own, so that the rows that have a value
are an index descent even when the value lies in a joined table.
"""

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from django.db.models import (
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    F,
    Field,
    FloatField,
    IntegerField,
    Q,
    QuerySet,
    TextField,
)

PAGE_SIZE = 50
COUNT_CAP = 10_000
LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by ``field``; ``tie`` is the unique column of the same table, so that one index serves both directions."""

    field: str
    descending: bool = False
    tie: str = "pk"
    nullable: bool = True
    tie_follows: bool = True

    def clauses(self, *, backwards: bool = False) -> list[Any]:
        descending = self.descending != backwards
        tie_descending = self.tie_descending != backwards
        # Both ways must be one index read forwards or backwards, so empty values are named where there can be any.
        last, ahead = (True, True) if self.nullable else (None, None)
        first = F(self.field).desc(nulls_last=last) if descending else F(self.field).asc(nulls_first=ahead)
        return [first, F(self.tie).desc() if tie_descending else F(self.tie).asc()]

    @property
    def tie_descending(self) -> bool:
        """Indexes on figures run (value desc, account asc), the one on names (name asc, id asc)."""
        return self.descending if self.tie_follows else not self.descending

    def beyond(self, key: "Key", *, backwards: bool = False) -> Q:
        """Rows strictly after ``key`` (before it, going backwards) among those with a value."""
        past = "lt" if self.descending != backwards else "gt"
        tie_past = "lt" if self.tie_descending != backwards else "gt"
        return Q(**{f"{self.field}__{past}e": key.value}) & (
            Q(**{f"{self.field}__{past}": key.value}) | Q(**{f"{self.tie}__{tie_past}": key.pk})
        )


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page begins or ends: sort value and primary key of a row, and that row's number for the reader."""

    value: Any
    pk: int
    number: int

    def token(self) -> str:
        kind, value = _pack(self.value)
        text = json.dumps([kind, value, self.pk, self.number], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, token: str) -> Self | None:
        """The key of a token; None for anything that is none of ours."""
        try:
            text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
            kind, value, pk, number = json.loads(text)
            key = cls(_unpack(kind, value), int(pk), max(1, int(number)))
        except (ValueError, TypeError, binascii.Error, InvalidOperation, OverflowError):
            return None
        return key if 0 <= key.pk <= LARGEST_KEY and key.number <= LARGEST_KEY else None

    def fits(self, rows: QuerySet, order: Order) -> bool:
        """Whether the value is of the column's type: a token of another order is none of this one's."""
        if self.value is None:
            return order.nullable
        column = rows.query.clone().resolve_ref(order.field, allow_joins=True).output_field
        return _is_of(self.value, column)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows (dicts) with the tokens of its neighbours; ``first`` is the number of its first row."""

    rows: list[dict[str, Any]]
    first: int
    previous: str = ""
    next: str = ""

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def page_of(
    rows: QuerySet, fields: Sequence[str], *, order: Order, after: str = "", before: str = "", size: int = PAGE_SIZE
) -> Page:
    """One page of ``rows`` as dicts of ``fields``; one query, two where missing values are reached."""
    columns = list(dict.fromkeys([*fields, "pk", order.field]))
    key = Key.read(after or before) if after or before else None
    key = key if key and key.fits(rows, order) else None
    if key and before:
        found = _backwards(rows, columns, order, key, size + 1)
        has_previous, found = len(found) > size, found[-size:]
        first = max(1, key.number - len(found))
        return _page(found, order, first, has_previous=has_previous, has_next=True)
    found = _forwards(rows, columns, order, key, size + 1)
    first = key.number + 1 if key else 1
    return _page(found[:size], order, first, has_previous=key is not None, has_next=len(found) > size)


def capped_count(rows: QuerySet, cap: int = COUNT_CAP) -> int:
    """How many rows there are, counting no further than ``cap`` + 1."""
    return rows.order_by().values("pk")[: cap + 1].count()


def _forwards(rows: QuerySet, columns: list[str], order: Order, key: Key | None, size: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if key is None or key.value is not None:
        valued = rows.filter(**{f"{order.field}__isnull": False}) if order.nullable else rows
        valued = valued.filter(order.beyond(key)) if key else valued
        found = list(valued.order_by(*order.clauses()).values(*columns)[:size])
    if order.nullable and len(found) < size:
        missing = rows.filter(**{f"{order.field}__isnull": True}).order_by("pk")
        missing = missing.filter(pk__gt=key.pk) if key and key.value is None else missing
        found += missing.values(*columns)[: size - len(found)]
    return found


def _backwards(rows: QuerySet, columns: list[str], order: Order, key: Key, size: int) -> list[dict[str, Any]]:
    """The ``size`` rows before ``key``, in page order."""
    found: list[dict[str, Any]] = []
    if key.value is None:
        missing = rows.filter(**{f"{order.field}__isnull": True}, pk__lt=key.pk).order_by("-pk")
        found = list(missing.values(*columns)[:size])
    if len(found) < size:
        valued = rows.filter(**{f"{order.field}__isnull": False}) if order.nullable else rows
        valued = valued.filter(order.beyond(key, backwards=True)) if key.value is not None else valued
        found += valued.order_by(*order.clauses(backwards=True)).values(*columns)[: size - len(found)]
    return found[::-1]


def _page(rows: list[dict[str, Any]], order: Order, first: int, *, has_previous: bool, has_next: bool) -> Page:
    def token(at: int, number: int) -> str:
        return Key(rows[at][order.field], rows[at]["pk"], number).token()

    if not rows:
        return Page(rows, first)
    return Page(
        rows,
        first,
        previous=token(0, first) if has_previous else "",
        next=token(-1, first + len(rows) - 1) if has_next else "",
    )


def _pack(value: Any) -> tuple[str, Any]:
    if isinstance(value, Decimal):
        return "n", str(value)
    if isinstance(value, datetime):
        return "t", value.isoformat()
    if isinstance(value, date):
        return "d", value.isoformat()
    return "v", value


def _unpack(kind: str, value: Any) -> Any:
    if kind == "n":
        return Decimal(value)
    if kind == "t":
        return datetime.fromisoformat(value)
    if kind == "d":
        return date.fromisoformat(value)
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError(kind)
    if isinstance(value, str) and b"\0" in value.encode():  # which refuses half a sign, as no column can hold either
        raise ValueError(kind)
    return value


def _is_of(value: Any, column: Field) -> bool:
    """Whether a column of this kind can be compared with the value."""
    if isinstance(column, DecimalField):
        digits = math.inf if column.max_digits is None else column.max_digits - (column.decimal_places or 0)
        return isinstance(value, Decimal) and value.is_finite() and value.adjusted() < digits
    if isinstance(column, DateTimeField):
        return isinstance(value, datetime) and value.tzinfo is not None
    if isinstance(column, DateField):
        return isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(column, FloatField):
        return isinstance(value, int | float) and math.isfinite(value)
    if isinstance(column, IntegerField):
        return isinstance(value, int) and abs(value) <= LARGEST_KEY
    return isinstance(value, str) and isinstance(column, CharField | TextField)
