"""The marked error file: the rejected rows as they came, with batch, row, column, value and reason beside them.

CSV in UTF-8 with a BOM, so that a spreadsheet opens it with every sign intact; cells that would start a formula are
guarded. Corrected and sent again, it goes through the same door.
"""

import csv
import heapq
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO

from accounts.imports.cells import shown
from accounts.imports.columns import Fault, Rejection
from accounts.imports.fields import MARKS
from accounts.imports.guard import guard
from accounts.imports.reasons import row_reason

EXAMPLES = 5  # rows shown for each reason
JOIN = "; "


@dataclass(frozen=True, slots=True)
class Example:
    """One rejected row as the check shows it."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Tally:
    """Rejections counted by the code of their decisive fault, with a few rows of each."""

    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return self.reasons.total()

    def add(self, rejection: Rejection) -> None:
        fault = rejection.faults[0]
        self.reasons[fault.code] += 1
        kept = self.examples.setdefault(fault.code, [])
        if len(kept) < EXAMPLES:
            kept.append(
                Example(rejection.number, fault.column, fault.value[:200], row_reason(fault.code, fault.details))
            )


class ErrorFile:
    """Collects rejections on disk. ``marks`` are the positions of _batch and _row in a file that is an error file itself."""

    def __init__(
        self, columns: Iterable[str], *, batch: int | None, marks: tuple[int, int] | None, keep: bool = False
    ) -> None:
        self._columns = list(columns)
        self._batch, self._marks = "" if batch is None else str(batch), marks
        self._kept = [at for at, name in enumerate(self._columns) if name not in MARKS] if marks else None
        self._spool: IO[bytes] = TemporaryFile("w+b")  # noqa: SIM115 - closed by close()
        self._text = io.TextIOWrapper(self._spool, encoding="utf-8", newline="", write_through=False)
        self._writer = csv.writer(self._text)
        self.tally = Tally()
        self.kept: list[Rejection] = []  # all of them, for a request of few rows
        self._keeps = keep
        self._sentences: dict[str, str] = {}

    def add(self, rejections: Iterable[Rejection]) -> None:
        """Rejections in the order of the file."""
        for rejection in rejections:
            self._count(rejection)
            self._writer.writerow([rejection.number, *self._row(rejection)])

    def _count(self, rejection: Rejection) -> None:
        self.tally.add(rejection)
        if self._keeps:
            self.kept.append(rejection)

    def _row(self, rejection: Rejection) -> list[str]:
        cells = rejection.cells
        batch, number = self._marks_of(rejection)
        kept = cells if self._kept is None else [cells[at] for at in self._kept if at < len(cells)]
        width = len(self._columns) if self._kept is None else len(self._kept)
        # A row of too many cells keeps them: they are put after the marks, where the correction finds them.
        padded = [*kept[:width], *[""] * (width - len(kept))]
        marks = [batch, number, *self._told(rejection.faults)]
        return [guard(cell) for cell in (*padded, *marks, *kept[width:])]

    def _marks_of(self, rejection: Rejection) -> tuple[str, str]:
        """The marks of the first file that rejected the row; this one's for a row that comes for the first time."""
        if self._marks and max(self._marks) < len(rejection.cells):
            batch, number = (shown(rejection.cells[at]).strip() for at in self._marks)
            if batch.isdigit() and number.isdigit():
                return batch, number
        return self._batch, str(rejection.number)

    def merge(self, late: Iterable[Rejection]) -> None:
        """Put rejections found after the first pass in their places."""
        self._text.flush()
        earlier, self._spool = self._spool, TemporaryFile("w+b")  # noqa: SIM115 - closed by close()
        earlier_text = self._text
        earlier.seek(0)
        self._text = io.TextIOWrapper(self._spool, encoding="utf-8", newline="")
        self._writer = csv.writer(self._text)
        first = ((int(row[0]), row[1:]) for row in csv.reader(earlier_text))
        second = ((rejection.number, self._counted_row(rejection)) for rejection in late)
        for number, row in heapq.merge(first, second, key=lambda pair: pair[0]):
            self._writer.writerow([number, *row])
        earlier_text.close()

    def _counted_row(self, rejection: Rejection) -> list[str]:
        self._count(rejection)
        return self._row(rejection)

    def write_to(self, target: IO[bytes]) -> None:
        """The whole error file, header first."""
        self._text.flush()
        self._spool.seek(0)
        text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
        writer = csv.writer(text)
        header = self._columns if self._kept is None else [self._columns[at] for at in self._kept]
        writer.writerow([guard(name) for name in (*header, *MARKS)])
        writer.writerows(row[1:] for row in self._spooled())
        text.flush()
        text.detach()

    def _spooled(self) -> Iterator[list[str]]:
        csv.field_size_limit(2**31 - 1)  # what was read within the limit is written whole
        return csv.reader(self._text)

    def _told(self, faults: list[Fault]) -> tuple[str, str, str]:
        """Column, value and reason of every fault of a row."""
        if len(faults) == 1:
            return faults[0].column, faults[0].value, self._reason(faults[0])
        return (
            JOIN.join(fault.column for fault in faults),
            JOIN.join(fault.value for fault in faults),
            JOIN.join(self._reason(fault) for fault in faults),
        )

    def _reason(self, fault: Fault) -> str:
        if fault.details:
            return row_reason(fault.code, fault.details)
        if fault.code not in self._sentences:
            self._sentences[fault.code] = row_reason(fault.code)
        return self._sentences[fault.code]

    def close(self) -> None:
        self._text.close()
