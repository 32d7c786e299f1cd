"""The accounts behind an answer as a table: sorted by a column, a page at a time, the same rows as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from crm.web import formats
from crm.web.figure import Kind, format_value
from crm.web.formats import NumberStyle
from metrics.services.base import AccountRow, AccountTable

ROWS_A_PAGE = 25
MINUS = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an account table. ``is_sortable`` only for numbers: the frames order by them alone."""

    key: str
    label: Any
    kind: Kind
    is_sortable: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """A heading with the query that sorts by it."""

    label: Any
    is_number: bool
    query: str = ""
    sorted: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One account with its cells as text; ``members`` above 1 in a group."""

    account_id: int
    name: str
    code: str
    members: int
    grade: str
    cells: list[str | SafeString]


@dataclass(frozen=True, slots=True)
class Order:
    key: str
    descending: bool
    by_size: bool = False


@dataclass
class Accounts:
    """A table of accounts as asked for in the address."""

    table: AccountTable
    columns: Sequence[Column]
    order: Order
    params: QueryDict
    style: NumberStyle
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.order = self._asked_order()
        self.page = Paginator(_Slices(self.table, self.order), ROWS_A_PAGE).get_page(self.params.get("page"))

    def _asked_order(self) -> Order:
        asked = self.params.get("sort", "")
        key = asked.removeprefix(MINUS)
        known = {column.key for column in self.columns if column.is_sortable}
        return Order(key, asked.startswith(MINUS)) if key in known else self.order

    @property
    def heads(self) -> list[Head]:
        return [self._head(column) for column in self.columns]

    def _head(self, column: Column) -> Head:
        if not column.is_sortable:
            return Head(column.label, is_number=column.kind is not Kind.TEXT)
        is_now = self.order.key == column.key
        params = self.params.copy()
        params.pop("page", None)
        params["sort"] = column.key if is_now and self.order.descending else f"{MINUS}{column.key}"
        direction = ("descending" if self.order.descending else "ascending") if is_now else ""
        return Head(column.label, is_number=True, query=params.urlencode(), sorted=direction)

    @cached_property
    def lines(self) -> list[Line]:
        """The rows of the page; one query for their names, one for their grades."""
        rows = list(self.page.object_list)
        grades = dict(Account.objects.filter(pk__in=[row.account_id for row in rows]).values_list("pk", "grade"))
        return [
            Line(
                row.account_id,
                row.name,
                row.code,
                row.members,
                grades.get(row.account_id, ""),
                [self._cell(row.values.get(column.key), column.kind) for column in self.columns],
            )
            for row in rows
        ]

    def _cell(self, value: Any, kind: Kind) -> str | SafeString:
        if value is None:
            return format_html('<span class="na">{}</span>', "–")
        if isinstance(value, date):
            return formats.day(value)
        if kind is Kind.MONEY:
            return formats.money(value)
        text = format_value(value, kind, self.style)
        if kind is Kind.CHANGE and text[:1] in ("+", formats.MINUS):
            return format_html('<span class="{}">{}</span>', "up" if text[0] == "+" else "down", text)
        return text

    def export_rows(self) -> Iterator[list[Any]]:
        """Code, name and the raw values of every account, in the order shown."""
        order = self.order
        rows = self.table.rows(order_by=order.key, descending=order.descending, by_size=order.by_size)
        for row in rows:
            yield [row.code, row.name, *(row.values.get(column.key) for column in self.columns)]


class _Slices(Sequence[AccountRow]):
    """Lets the paginator take pages of a table without reading the names of the others."""

    def __init__(self, table: AccountTable, order: Order) -> None:
        self._table, self._order = table, order

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, wanted: Any) -> Any:
        start, stop, _step = wanted.indices(len(self))
        order = self._order
        return self._table.rows(
            order_by=order.key,
            descending=order.descending,
            by_size=order.by_size,
            limit=stop - start,
            offset=start,
        )
