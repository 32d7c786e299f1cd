"""A mapping tied to a file: every doubt about columns, dates and decimals is settled here, before a row is typed."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.imports.cells import Guards, shown
from accounts.imports.fields import (
    CURRENCIES,
    FIELDS,
    MARK_BATCH,
    MARK_ROW,
    ORIGIN_IDENTITY,
    ORIGIN_SOURCE,
    ORIGINS,
    Kind,
)
from accounts.imports.limits import SAMPLE_ROWS
from accounts.imports.mapping import AUTO, Mapping
from accounts.imports.profiles import listed
from accounts.imports.readers import Chunk, Table
from accounts.imports.styles import COMMA, POINT, DateEvidence, NumberEvidence, NumberStyle
from accounts.imports.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class Plan:
    """What is needed to type the rows of one table. ``index`` goes from a field to the position of its column.

    ``origins`` goes from the columns of our own export that say which record a row is to their positions.
    """

    mapping: Mapping
    columns: tuple[str, ...]
    index: dict[str, int]
    marks: tuple[int, int] | None
    origins: dict[str, int] | None
    numbers: NumberStyle
    date_formats: tuple[str, ...]
    currency: str
    guards: Guards
    has_marked_cells: bool  # whether cells may differ from what people saw: workbooks and error files

    def original_cells(self, row: list[str]) -> list[str]:
        """The cells of a row as they were before an error file guarded them or a workbook's reader marked them."""
        if not self.has_marked_cells:
            return row
        original = self.guards.original
        return [shown(original(cell)) for cell in row]


def make_plan(table: Table, mapping: Mapping, *, currency: str) -> Plan:
    """Tie ``mapping`` to ``table``; ``currency`` is for rows that give none.

    Raises Unreadable("unknown_column" | "ambiguous_dates" | "ambiguous_numbers" | "bad_currency").
    """
    if currency not in CURRENCIES:
        raise Unreadable("bad_currency", currency=currency)
    index = bind(mapping, table.columns)
    evidence = _Evidence(table, mapping, index)
    marks = mark_positions(table.columns)
    origins = origin_positions(table.columns, is_export=mapping.is_export)
    return Plan(
        mapping=mapping,
        columns=tuple(table.columns),
        index=index,
        marks=marks,
        origins=origins,
        numbers=evidence.number_style(),
        date_formats=evidence.date_formats(),
        currency=currency,
        guards=Guards(is_error_file=marks is not None, is_export=mapping.is_export or origins is not None),
        has_marked_cells=marks is not None or table.kind == "xlsx",
    )


def mark_positions(columns: list[str]) -> tuple[int, int] | None:
    """Where an error file carries _batch and _row; None in any other file."""
    if MARK_BATCH in columns and MARK_ROW in columns:
        return columns.index(MARK_BATCH), columns.index(MARK_ROW)
    return None


def origin_positions(columns: list[str], *, is_export: bool) -> dict[str, int] | None:
    """Where a file names the records its rows are; None in a file that does not.

    A file with both columns is our export whatever mapping reads it. To the profile of the export one of them is enough
    to tell that the other has been lost: its rows are rejected, and not posted a second time under another identity.
    """
    found = {name: columns.index(name) for name in ORIGINS if name in columns}
    naming = found.keys() & {ORIGIN_SOURCE, ORIGIN_IDENTITY}
    return found if len(naming) > (0 if is_export else 1) else None


def bind(mapping: Mapping, columns: list[str]) -> dict[str, int]:
    """Field → position of its column. Raises Unreadable("unknown_column") naming it and the columns found."""
    exact = {name: position for position, name in enumerate(columns) if name}
    folded = {name.casefold(): position for name, position in exact.items()}
    index = {}
    for key, wanted in mapping.columns.items():
        position = exact.get(wanted, folded.get(wanted.casefold()))
        if position is None:
            raise Unreadable("unknown_column", column=wanted, found=listed(columns))
        index[key] = position
    return index


class _Evidence:
    """Looks at a sample of the rows, and at all of them only where the sample leaves a doubt."""

    def __init__(self, table: Table, mapping: Mapping, index: dict[str, int]) -> None:
        self._table, self._mapping = table, mapping
        self._number_columns = [at for key, at in index.items() if FIELDS[key].kind is Kind.NUMBER]
        self._date_column = index.get("booked_on")
        self.numbers, self.dates = NumberEvidence(), DateEvidence()
        self._needs_numbers = mapping.decimal == AUTO and bool(self._number_columns)
        self._needs_dates = not mapping.date_formats and self._date_column is not None
        if self._needs_numbers or self._needs_dates:
            self._look()

    def _look(self) -> None:
        rows = 0
        for chunk in self._table.chunks(SAMPLE_ROWS):
            self._add(chunk)
            rows += len(chunk.rows)
            numbers_known = not self._needs_numbers or self.numbers.is_decisive
            dates_known = not self._needs_dates or self.dates.is_decisive
            if numbers_known and dates_known:
                return

    def _add(self, chunk: Chunk) -> None:
        if self._needs_numbers:
            for at in self._number_columns:
                self.numbers.add({row[at] for row in chunk.rows})
        if self._needs_dates:
            self.dates.add({row[self._date_column] for row in chunk.rows})  # type: ignore[index]

    def number_style(self) -> NumberStyle:
        """Raises Unreadable("ambiguous_numbers") where every number fits two readings."""
        mapping = self._mapping
        if mapping.decimal == AUTO:
            style = self.numbers.decide() if self._needs_numbers else POINT
            if style is None:
                raise Unreadable("ambiguous_numbers", example=self.numbers.example)
        else:
            style = COMMA if mapping.decimal == "," else POINT
        return style if mapping.thousands == AUTO else NumberStyle(style.decimal, mapping.thousands)

    def date_formats(self) -> tuple[str, ...]:
        """Raises Unreadable("ambiguous_dates") where every date fits two readings."""
        if not self._needs_dates:
            return self._mapping.date_formats or ("%Y-%m-%d",)
        formats = self.dates.decide()
        if formats is None:
            names = ", ".join(name for family in self.dates.families for name in family)
            raise Unreadable("ambiguous_dates", example=self.dates.example, formats=names)
        return tuple(formats)


def sample_cells(table: Table, *, rows: int) -> Iterator[tuple[int, list[str]]]:
    """The first rows of a table with their numbers."""
    for chunk in table.chunks(rows):
        yield from list(zip(chunk.numbers, chunk.rows, strict=True))[:rows]
        return
