"""A file → chunks of rows of text. Pure: no Django import.

``open_table`` looks at the file once (format, encoding, delimiter, safety) and returns a table whose ``chunks`` can be
walked any number of times; memory does not grow with the file. Cells come as the file has them; a row number is the
number people see in a spreadsheet, the header's being 1 in a file that begins with it.
"""

import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from accounts.imports import limits, sniff
from accounts.imports.unreadable import Unreadable

GZIP_MARK = b"\x1f\x8b"
ZIP_MARK = b"PK\x03\x04"
OLE_MARK = b"\xd0\xcf\x11\xe0"
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
# Put before the digits of a number cell that holds more of them than a spreadsheet keeps; no text can begin with it.
LOST_DIGITS = "\ufdd0"


@dataclass(slots=True)
class Chunk:
    """Rows with as many cells as the header has, and apart from them those that have not. Blank rows are left out."""

    numbers: list[int]
    rows: list[list[str]]
    ragged: list[tuple[int, list[str]]] = field(default_factory=list)


class Table(Protocol):
    """A readable table; ``columns`` are the header's cells, trimmed, "" where the header has none."""

    kind: str  # "csv" or "xlsx"
    columns: list[str]
    encoding: str
    delimiter: str
    sheet: str
    sheets: list[str]

    @property
    def rows_estimate(self) -> int: ...

    def chunks(self, size: int = limits.CHUNK_ROWS) -> Iterator[Chunk]: ...


def open_table(path: Path, *, encoding: str = "auto", delimiter: str = "auto", sheet: str | None = None) -> Table:
    """The table in ``path``. Raises Unreadable with the reason where the file cannot be taken."""
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise Unreadable("empty_file")
    if head.startswith(OLE_MARK):
        raise Unreadable("encrypted_workbook" if _is_encrypted(path) else "old_workbook")
    if head.startswith(ZIP_MARK):
        from accounts.imports.workbook import open_workbook

        return open_workbook(path, sheet=sheet)
    return TextTable.open(path, encoding=encoding, delimiter=delimiter)


def _is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        return ENCRYPTED_STREAM in file.read(4 * limits.BLOCK_BYTES)


@contextlib.contextmanager
def open_text_bytes(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked where it is gzip. Turns gzip's errors into Unreadable."""
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP_MARK
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except EOFError:
        raise Unreadable("truncated_gzip") from None
    except (zlib.error, gzip.BadGzipFile):
        raise Unreadable("broken_gzip") from None


def blocks_of(file: BinaryIO, *, packed_bytes: int) -> Iterator[bytes]:
    """The file in blocks. Raises Unreadable("gzip_bomb" | "too_large") before memory or disk suffer."""
    total = 0
    while block := file.read(limits.BLOCK_BYTES):
        total += len(block)
        if total > limits.BOMB_FLOOR and total > limits.BOMB_RATIO * packed_bytes:
            raise Unreadable("gzip_bomb", ratio=limits.BOMB_RATIO)
        if total > limits.MAX_TEXT_BYTES:
            raise Unreadable("too_large", limit=limits.MAX_TEXT_BYTES // 1024**3)
        yield block


@dataclass(slots=True)
class TextTable:
    """A CSV file, packed or not."""

    path: Path
    encoding: str
    delimiter: str
    columns: list[str]
    rows_estimate: int
    skipped: int  # lines before the header: a "sep=;" line
    kind: str = "csv"
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, *, encoding: str, delimiter: str) -> "TextTable":
        """Looks through the whole file once, so that no later pass meets a broken end or another encoding."""
        named = sniff.named_encoding(encoding)
        with open_text_bytes(path) as file:
            scanner = sniff.ByteScan()
            for block in blocks_of(file, packed_bytes=path.stat().st_size):
                scanner.feed(block)
        probe = scanner.probe() if not named else sniff.Probe(named, scanner.lines)
        sample = _text_sample(path, probe.encoding)
        told, skipped = _separator_line(sample)
        chosen = (delimiter if delimiter not in ("", "auto") else "") or told or sniff.sniff_delimiter(sample)
        table = cls(path, probe.encoding, chosen, [], max(probe.lines - skipped, 1), skipped)
        table.columns = header_columns(table._header())
        return table

    def _header(self) -> list[str]:
        with self._rows() as rows:
            try:
                return next((row for row in rows if any(map(str.strip, row))), [])
            except (csv.Error, UnicodeDecodeError) as error:
                raise self._broken(error) from None

    @contextlib.contextmanager
    def _rows(self) -> Iterator[Iterator[list[str]]]:
        csv.field_size_limit(limits.MAX_CELL_CHARACTERS)
        with (
            open_text_bytes(self.path) as file,
            io.TextIOWrapper(file, encoding=self.encoding, errors="strict", newline="") as text,
        ):
            for _ in range(self.skipped):
                text.readline()
            yield csv.reader(text, delimiter=self.delimiter, strict=True)

    def chunks(self, size: int = limits.CHUNK_ROWS) -> Iterator[Chunk]:
        """The rows under the header. Raises Unreadable with the row where the text breaks off or is no CSV."""
        number = self.skipped
        with self._rows() as rows:
            try:
                for row in rows:
                    number += 1
                    if any(map(str.strip, row)):
                        break
                while block := list(islice(rows, size)):
                    yield chunk_of(block, first=number + 1, width=len(self.columns))
                    number += len(block)
            except (csv.Error, UnicodeDecodeError) as error:
                raise self._broken(error) from None

    def _broken(self, error: Exception) -> Unreadable:
        """The refusal of a text that breaks off, with the row: found by a second walk, row by row."""
        number = self.skipped + 1
        with self._rows() as rows, contextlib.suppress(csv.Error, UnicodeDecodeError):
            for _row in rows:
                number += 1
        if isinstance(error, csv.Error):
            return Unreadable(_csv_reason(error), row=number, limit=limits.MAX_CELL_CHARACTERS)
        return Unreadable("broken_encoding_row", encoding=self.encoding, row=number)


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return "cell_too_long"
    return "open_quote" if "unexpected end" in text else "text_after_quote"


def _text_sample(path: Path, encoding: str) -> str:
    """The first whole lines of the file, decoded."""
    with open_text_bytes(path) as file:
        raw = file.read(limits.SAMPLE_BYTES)
        whole = len(raw) < limits.SAMPLE_BYTES
    try:
        text = raw.decode(encoding, errors="strict" if whole else "ignore")
    except UnicodeDecodeError:
        raise Unreadable("broken_encoding_row", encoding=encoding, row=1) from None
    return text if whole else text[: text.rfind("\n") + 1] or text


def _separator_line(sample: str) -> tuple[str, int]:
    """Excel's own first line "sep=;": the delimiter it names, and 1 for the line to skip."""
    first = sample.lstrip("\ufeff")[:8].split("\n", 1)[0].rstrip("\r").strip('"')
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    return "", 0


def header_columns(cells: Iterable[str]) -> list[str]:
    """The header, trimmed. Raises Unreadable for no header, too many columns, or a name given twice."""
    columns = [str(cell).strip().strip("\ufeff\u200b").strip() for cell in cells]
    if len(columns) > limits.MAX_COLUMNS:
        raise Unreadable("too_many_columns", found=len(columns), limit=limits.MAX_COLUMNS)
    if not any(columns):
        raise Unreadable("empty_file")
    seen: dict[str, int] = {}
    for position, name in enumerate(columns, start=1):
        if name and (earlier := seen.setdefault(name.casefold(), position)) != position:
            raise Unreadable("duplicate_header", column=name[:80], first=earlier, second=position)
    return columns


def chunk_of(block: list[list[str]], *, first: int, width: int) -> Chunk:
    """Sort the rows of a block: blank ones out, ragged ones apart."""
    if {len(row) for row in block} == {width} and width > 1:
        doubtful = [row for row in block if not row[0] or row[0].isspace()]
        if all(any(map(str.strip, row)) for row in doubtful):
            return Chunk(list(range(first, first + len(block))), block)
    chunk = Chunk([], [])
    for number, row in enumerate(block, start=first):
        if not any(map(str.strip, row)):
            continue
        if len(row) == width or (len(row) > width and not any(map(str.strip, row[width:]))):
            chunk.numbers.append(number)
            chunk.rows.append(row[:width])
        else:
            chunk.ragged.append((number, row))
    return chunk


@dataclass(slots=True)
class ListTable:
    """Rows that are in memory already: a request's."""

    columns: list[str]
    rows: list[list[str]]
    kind: str = "list"
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)

    @property
    def rows_estimate(self) -> int:
        return len(self.rows)

    def chunks(self, size: int = limits.CHUNK_ROWS) -> Iterator[Chunk]:
        for start in range(0, len(self.rows), size):
            block = self.rows[start : start + size]
            yield Chunk(list(range(start + 1, start + 1 + len(block))), block)
