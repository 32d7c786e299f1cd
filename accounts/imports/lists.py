"""A list in a file (receivables, ratings, wallet estimates) → typed rows, and what became of each: read = new + already
there + rejected. What a row means and how it is kept is the list's own module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO, Any

from django.db import transaction
from django.utils import timezone

from accounts.imports import cells
from accounts.imports.cells import NULL, CellFault, Guards, Typer
from accounts.imports.columns import Fault, Rejection, TypedColumn
from accounts.imports.errors_file import ErrorFile, Example
from accounts.imports.fields import CURRENCIES, TECHNICAL
from accounts.imports.importing import ConservationError
from accounts.imports.limits import SAMPLE_ROWS
from accounts.imports.options import refusing
from accounts.imports.plan import mark_positions
from accounts.imports.profiles import listed
from accounts.imports.readers import Chunk, ListTable, Table
from accounts.imports.styles import POINT, DateEvidence, NumberEvidence, NumberStyle, date_parser
from accounts.imports.unreadable import Unreadable
from accounts.locks import lists_lock
from accounts.models import Account
from accounts.querysets import AccountQuerySet

MOST_ROWS = 200_000  # kept in memory while the rows of one invoice are put together
AT_ONCE = 2_000  # rows looked up or written by one statement
MONEY_DIGITS, MONEY_PLACES = 15, 4
CODE_LENGTH = 64
ACCOUNT_WORDS = (
    "account", "account code", "account_code", "customer", "customer code", "customer id",
    "客户编号", "客户编码", "客户", "客戶編號", "客戶代碼", "客戶",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row whose every cell can be read: ``values`` by field, in normal form."""

    number: int
    cells: list[str]
    values: dict[str, str]

    def money(self, key: str) -> Decimal | None:
        text = self.values.get(key, NULL)
        return None if text == NULL else Decimal(text)

    def day(self, key: str) -> date | None:
        text = self.values.get(key, "")
        return date.fromisoformat(text) if text else None

    def given_money(self, key: str) -> Decimal:
        """Of a required field."""
        return Decimal(self.values[key])

    def given_day(self, key: str) -> date:
        return date.fromisoformat(self.values[key])

    def text(self, key: str) -> str:
        return cells.unescaped(self.values.get(key, ""))


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a list: the headers people write, and how a cell is read.

    kind : "text", "money", "count", "day", "currency" or "word"
    required : the code of what is said of an empty cell; "" where it may be empty
    """

    headers: tuple[str, ...]
    kind: str
    required: str = ""
    length: int = CODE_LENGTH
    words: Mapping[str, str] = field(default_factory=dict)


Contradictions = Callable[[TypedRow], Iterator[tuple[str, CellFault]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a file of one kind holds. contradictions : what the cells of a row say together that cannot be."""

    columns: Mapping[str, Column]
    contradictions: Contradictions

    @property
    def required(self) -> list[str]:
        return [key for key, column in self.columns.items() if column.required]


@dataclass(slots=True)
class ListResult:
    """What became of every row: read = new + already there + rejected."""

    read: int = 0
    new: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        names = ("read", "new", "already_there", "rejected", "reasons", "seconds")
        return {name: getattr(self, name) for name in names}


Keep = Callable[[Sequence[TypedRow], ListResult], list[Rejection]]


def import_list(
    table: Callable[[], Table], listing: Listing, keep: Keep, *, dry_run: bool, errors: IO[bytes] | None
) -> ListResult:
    """Type every row, let ``keep`` store what is new, and tell what became of each; one transaction.

    table : opens the file; keep : counts ``new`` and ``already_there`` and returns the rows that it refuses
    errors : takes the marked error file where a row was rejected
    Raises ImportRefused for a file that cannot be read, ConservationError where a row is lost.
    """
    begun = time.monotonic()
    with refusing():
        opened = table()
        if opened.rows_estimate > MOST_ROWS + 1:
            raise Unreadable("too_many_listed_rows", limit=MOST_ROWS)
        typer = ListTyper(opened, listing, today=timezone.localdate())
        good, refused = typer.rows(opened)
    result = ListResult(read=len(good) + len(refused))
    with transaction.atomic():
        lists_lock()
        refused += keep(good, result)
        _tell(result, sorted(refused, key=lambda one: one.number), typer, errors)
        transaction.set_rollback(dry_run)
    result.seconds = round(time.monotonic() - begun, 2)
    return result


def post_list(rows: Sequence[Mapping[str, Any]], listing: Listing, keep: Keep) -> ListResult:
    """The rows of a request, all of them or none: with ``rejected`` above 0 nothing is kept."""
    columns = list(listing.columns)
    table = ListTable(columns, [[_cell(row.get(name)) for name in columns] for row in rows])
    with transaction.atomic():
        result = import_list(lambda: table, listing, keep, dry_run=False, errors=None)
        if result.rejected:
            transaction.set_rollback(True)
    return result


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def accounts_named(rows: Sequence[TypedRow], accounts: AccountQuerySet) -> dict[str, int]:
    """Code → account that carries it, of those the sender may see; the code of a merged account leads to the other one.
    One query."""
    codes = {row.text("account") for row in rows}
    found = Account.objects.none() if not codes else accounts.with_merged().filter(code__in=codes)
    return {code: merged_into or pk for code, pk, merged_into in found.values_list("code", "pk", "merged_into")}


def refusal(row: TypedRow, key: str, code: str, **details: object) -> Rejection:
    """The whole row refused for what stands in one field."""
    return Rejection(row.number, row.cells, [Fault(key, row.text(key), code, details)])


class ListTyper:
    """Types the rows of one table. Raises Unreadable for missing columns, or dates and numbers that fit two readings."""

    def __init__(self, table: Table, listing: Listing, *, today: date) -> None:
        self.columns, self.listing = list(table.columns), listing
        self.marks = mark_positions(self.columns)
        self._index = _bind(self.columns, listing)
        self._guards = Guards(is_error_file=self.marks is not None, is_export=False)
        numbers, formats = self._evidence(table)
        self._typed = {
            key: TypedColumn(key, at, self._typer(listing.columns[key], numbers, formats, today), "")
            for key, at in self._index.items()
        }

    def rows(self, table: Table) -> tuple[list[TypedRow], list[Rejection]]:
        """Good rows and rejections in the order of the file."""
        good: list[TypedRow] = []
        refused: list[Rejection] = []
        for chunk in table.chunks():
            self._type_chunk(chunk, good, refused)
        return good, refused

    def _evidence(self, table: Table) -> tuple[NumberStyle, tuple[str, ...]]:
        numbers, dates = NumberEvidence(), DateEvidence()
        kinds = {key: self.listing.columns[key].kind for key in self._index}
        for chunk in table.chunks(SAMPLE_ROWS):
            for key, kind in kinds.items():
                if kind in ("money", "day"):
                    seen = {row[self._index[key]] for row in chunk.rows}
                    (numbers if kind == "money" else dates).add(seen)
        formats = dates.decide()
        if formats is None:
            names = ", ".join(name for family in dates.families for name in family)
            raise Unreadable("ambiguous_rate_dates", example=dates.example, formats=names)
        style = numbers.decide()
        if style is None:
            raise Unreadable("ambiguous_amounts", example=numbers.example)
        return style or POINT, tuple(formats) or ("%Y-%m-%d",)

    def _typer(self, column: Column, numbers: NumberStyle, formats: tuple[str, ...], today: date) -> Typer:
        guards = self._guards
        if column.kind == "currency":
            return _given(cells.currency_typer(guards, CURRENCIES, default=""), guards, column.required)
        if column.kind == "day":
            typed = cells.date_typer(guards, date_parser(formats), today=today)
            return typed if column.required else _optional(typed, guards)
        if column.kind in ("money", "count"):
            places = MONEY_PLACES if column.kind == "money" else 0
            style = numbers if column.kind == "money" else POINT
            number = cells.number_typer(guards, style, places=places, digits=MONEY_DIGITS)
            return _required(number, column.required) if column.required else number
        if column.kind == "word":
            return _required(cells.word_typer(guards, dict(column.words), default=NULL), column.required)
        return cells.text_typer(guards, length=column.length, required=column.required)

    def _type_chunk(self, chunk: Chunk, good: list[TypedRow], refused: list[Rejection]) -> None:
        for number, row in chunk.ragged:
            details: dict[str, object] = {"found": len(row), "expected": len(self.columns)}
            refused.append(Rejection(number, row, [Fault("", "", "cell_count", details)]))
        raw = list(zip(*chunk.rows, strict=True)) if chunk.rows else [()] * len(self.columns)
        typed = {key: column.typed(raw[column.at]) for key, column in self._typed.items()}
        for at, (number, row) in enumerate(zip(chunk.numbers, chunk.rows, strict=True)):
            shown = [cells.shown(self._guards.original(cell)) for cell in row]
            told = TypedRow(number, shown, {key: values[at] for key, values in typed.items()})
            faults = self._faults(row, told)
            if faults:
                refused.append(Rejection(number, shown, faults))
            else:
                good.append(told)

    def _faults(self, row: list[str], told: TypedRow) -> list[Fault]:
        found = [
            self._fault(key, row, column.faults[row[column.at]])
            for key, column in self._typed.items()
            if row[column.at] in column.faults
        ]
        return found or [self._fault(key, row, fault) for key, fault in self.listing.contradictions(told)]

    def _fault(self, key: str, row: list[str], fault: CellFault) -> Fault:
        if key not in self._index:
            return Fault(key, "", fault.code, fault.details)
        at = self._index[key]
        return Fault(self.columns[at], cells.shown(self._guards.original(row[at])), fault.code, fault.details)


def _required(typer: Typer, code: str) -> Typer:
    """An empty cell is refused with ``code``."""

    def typed(cell: str) -> str:
        found = typer(cell)
        if found == NULL:
            raise CellFault(code)
        return found

    return typed


def _given(typer: Typer, guards: Guards, code: str) -> Typer:
    """As ``_required``, asked before the cell is read."""

    def typed(cell: str) -> str:
        if not guards.text(cell):
            raise CellFault(code)
        return typer(cell)

    return typed


def _optional(typer: Typer, guards: Guards) -> Typer:
    """An empty cell stays empty."""
    return lambda cell: typer(cell) if guards.text(cell) else ""


def _bind(columns: list[str], listing: Listing) -> dict[str, int]:
    """Field → position of its column. Raises Unreadable("list_columns") naming what is missing and the columns found."""
    by_name = {name.casefold(): at for at, name in enumerate(columns) if name and name not in TECHNICAL}
    index = {
        key: next(by_name[name] for name in (key, *column.headers) if name in by_name)
        for key, column in listing.columns.items()
        if any(name in by_name for name in (key, *column.headers))
    }
    missing = [key for key in listing.required if key not in index]
    if missing:
        raise Unreadable(
            "list_columns", missing=", ".join(missing), needed=", ".join(listing.required), found=listed(columns)
        )
    return index


def _tell(result: ListResult, refused: list[Rejection], typer: ListTyper, errors: IO[bytes] | None) -> None:
    """Count the rejections, keep them, and write the error file. Raises ConservationError where a row is lost."""
    file = ErrorFile(typer.columns, batch=None, marks=typer.marks)
    file.add(refused)
    result.rejections, result.rejected = refused, file.tally.rejected
    result.reasons, result.examples = dict(file.tally.reasons.most_common()), file.tally.examples
    if refused and errors is not None:
        file.write_to(errors)
    file.close()
    if result.read != result.new + result.already_there + result.rejected:
        raise ConservationError(
            f"{result.read} rows read, but {result.new} new, {result.already_there} already there and {result.rejected}"
            " rejected."
        )
