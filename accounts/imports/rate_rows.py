"""Rows of a file of exchange rates → typed rates, and the rows that are rejected. Pure: no Django import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.imports import cells
from accounts.imports.cells import NULL, CellFault, Guards, Typer
from accounts.imports.columns import Fault, Rejection, TypedColumn
from accounts.imports.fields import CURRENCIES, TECHNICAL
from accounts.imports.limits import SAMPLE_ROWS
from accounts.imports.plan import mark_positions
from accounts.imports.profiles import listed
from accounts.imports.readers import Chunk, Table
from accounts.imports.styles import POINT, DateEvidence, NumberEvidence, NumberStyle, date_parser
from accounts.imports.unreadable import Unreadable

RATE_DIGITS, RATE_PLACES = 10, 10  # of numeric(20, 10)
TOO_LARGE = Decimal(10) ** RATE_DIGITS
SOURCE_LENGTH = 80
MONTH_AVERAGE = "month_average"
COLUMNS = {  # field → the headers people write
    "from_currency": ("from_currency", "from currency", "from", "currency", "源币种", "原币", "源幣別", "原幣"),
    "to_currency": ("to_currency", "to currency", "to", "目标币种", "本币", "目標幣別", "本幣"),
    "valid_on": ("valid_on", "valid on", "date", "day", "日期", "生效日期"),
    "rate": ("rate", "exchange rate", "汇率", "匯率"),
    "kind": ("kind", "type", "类型", "類型"),
    "source": ("source", "来源", "來源"),
}
REQUIRED = ("from_currency", "to_currency", "valid_on", "rate")
KIND_WORDS = {
    "spot": "spot", "day": "spot", "rate of the day": "spot", "当日汇率": "spot", "當日匯率": "spot",
    "month_average": "month_average", "month average": "month_average", "average": "month_average",
    "average of the month": "month_average", "月均汇率": "month_average", "月均匯率": "month_average",
    "closing": "closing", "closing rate": "closing", "期末汇率": "closing", "期末匯率": "closing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateRow:
    """One good row: ``key`` is what a rate is stored once for."""

    number: int
    cells: list[str]
    from_currency: str
    to_currency: str
    valid_on: date
    rate: Decimal
    kind: str
    source: str

    @property
    def key(self) -> tuple[str, str, str, date]:
        return self.from_currency, self.to_currency, self.kind, self.valid_on


class RateTyper:
    """Types the rows of one table. Raises Unreadable for missing columns, or dates and numbers that fit two readings."""

    def __init__(self, table: Table, *, today: date) -> None:
        self.columns = list(table.columns)
        self.marks = mark_positions(self.columns)
        self._index = _bind(self.columns)
        self._guards = Guards(is_error_file=self.marks is not None, is_export=False)
        numbers, dates = self._evidence(table)
        self._typed = {
            key: TypedColumn(key, at, self._typer(key, numbers, dates, today), NULL if key == "rate" else "")
            for key, at in self._index.items()
        }

    def rows(self, table: Table) -> Iterator[tuple[list[RateRow], list[Rejection]]]:
        """Good rows and rejections of each piece of the file, in its order."""
        for chunk in table.chunks():
            yield self._chunk(chunk)

    def _evidence(self, table: Table) -> tuple[NumberStyle, tuple[str, ...]]:
        numbers, dates = NumberEvidence(), DateEvidence()
        for chunk in table.chunks(SAMPLE_ROWS):
            numbers.add({row[self._index["rate"]] for row in chunk.rows})
            dates.add({row[self._index["valid_on"]] for row in chunk.rows})
        formats = dates.decide()
        if formats is None:
            names = ", ".join(name for family in dates.families for name in family)
            raise Unreadable("ambiguous_rate_dates", example=dates.example, formats=names)
        # A rate such as 7.123 is no thousand: where nothing else tells, the point is the decimal mark.
        return numbers.decide() or POINT, tuple(formats) or ("%Y-%m-%d",)

    def _typer(self, key: str, numbers: NumberStyle, formats: tuple[str, ...], today: date) -> Typer:
        guards = self._guards
        if key in ("from_currency", "to_currency"):
            return cells.currency_typer(guards, CURRENCIES, default="")
        if key == "valid_on":
            return cells.date_typer(guards, date_parser(formats), today=today)
        if key == "rate":
            return cells.number_typer(guards, numbers, places=RATE_PLACES, digits=RATE_DIGITS)
        if key == "kind":
            return cells.word_typer(guards, KIND_WORDS, default="spot")
        return cells.text_typer(guards, length=SOURCE_LENGTH)

    def _chunk(self, chunk: Chunk) -> tuple[list[RateRow], list[Rejection]]:
        ragged = [
            Rejection(number, row, [Fault("", "", "cell_count", {"found": len(row), "expected": len(self.columns)})])
            for number, row in chunk.ragged
        ]
        raw = list(zip(*chunk.rows, strict=True)) if chunk.rows else [()] * len(self.columns)
        typed = {key: column.typed(raw[column.at]) for key, column in self._typed.items()}
        good, rejected = [], ragged
        for at, (number, row) in enumerate(zip(chunk.numbers, chunk.rows, strict=True)):
            told = {key: values[at] for key, values in typed.items()}
            faults = self._faults(row, told)
            if faults:
                rejected.append(Rejection(number, self._original(row), faults))
            else:
                good.append(_rate_row(number, self._original(row), told))
        return good, sorted(rejected, key=lambda one: one.number)

    def _faults(self, row: list[str], told: dict[str, str]) -> list[Fault]:
        found = [
            self._fault(key, row, column.faults[row[column.at]])
            for key, column in self._typed.items()
            if row[column.at] in column.faults
        ]
        if found:
            return found
        if told["rate"] == NULL:
            return [self._fault("rate", row, CellFault("missing_rate"))]
        if Decimal(told["rate"]) >= TOO_LARGE:  # short numbers pass the typer unmeasured
            return [self._fault("rate", row, CellFault("number_out_of_range", limit=RATE_DIGITS))]
        if Decimal(told["rate"]) <= 0:
            return [self._fault("rate", row, CellFault("rate_not_positive"))]
        if told["from_currency"] == told["to_currency"]:
            return [self._fault("to_currency", row, CellFault("same_currency"))]
        return []

    def _fault(self, key: str, row: list[str], fault: CellFault) -> Fault:
        at = self._index[key]
        return Fault(self.columns[at], cells.shown(self._guards.original(row[at])), fault.code, fault.details)

    def _original(self, row: list[str]) -> list[str]:
        return [cells.shown(self._guards.original(cell)) for cell in row]


def _rate_row(number: int, row: list[str], told: dict[str, str]) -> RateRow:
    day, kind = date.fromisoformat(told["valid_on"]), told.get("kind", "spot")
    return RateRow(
        number=number,
        cells=row,
        from_currency=told["from_currency"],
        to_currency=told["to_currency"],
        valid_on=day.replace(day=1) if kind == MONTH_AVERAGE else day,  # an average stands on the first of its month
        rate=Decimal(told["rate"]),
        kind=kind,
        source=cells.unescaped(told.get("source", "")),
    )


def _bind(columns: list[str]) -> dict[str, int]:
    """Field → position of its column. Raises Unreadable("rate_columns") naming what is missing and the columns found."""
    by_name = {name.casefold(): at for at, name in enumerate(columns) if name and name not in TECHNICAL}
    index = {
        key: next(by_name[name] for name in names if name in by_name)
        for key, names in COLUMNS.items()
        if any(name in by_name for name in names)
    }
    missing = [key for key in REQUIRED if key not in index]
    if missing:
        raise Unreadable("rate_columns", missing=", ".join(missing), found=listed(columns))
    return index
