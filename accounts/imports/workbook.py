"""XLSX → chunks of rows of text. Pure: no Django import.

Before anything is unpacked the directory of the archive is weighed; then each sheet's XML is walked once as bytes for
formulas, far-off cells and entities. Small sheets are read in one piece by calamine, large ones streamed by openpyxl.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from pathlib import Path

from accounts.imports import limits
from accounts.imports.readers import LOST_DIGITS, Chunk, chunk_of, header_columns
from accounts.imports.styles import NUMBER_CELL
from accounts.imports.unreadable import Unreadable

CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=\"([A-Z]{1,4})([0-9]{1,9})\"")
ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=\"([0-9]{1,12})\"")
FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
OVERLAP = 512  # bytes kept between blocks, so that no tag is cut in two
PRECISE_DIGITS = 15  # what a spreadsheet keeps of a number
# What a damaged archive or its XML raises, by the libraries that read it.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    EOFError,
    OSError,
    RuntimeError,
)
WORKSHEET = re.compile(r"xl/worksheets/[^/]+\.xml\Z")


@dataclass(slots=True)
class SheetFacts:
    """What one walk over the XML of the chosen sheet tells."""

    bytes: int
    last_row: int
    last_column: int


@dataclass(slots=True)
class WorkbookTable:
    """One sheet of a workbook."""

    path: Path
    sheet: str
    sheets: list[str]
    facts: SheetFacts
    columns: list[str] = field(default_factory=list)
    header_row: int = 1
    kind: str = "xlsx"
    encoding: str = ""
    delimiter: str = ""

    @property
    def rows_estimate(self) -> int:
        return max(self.facts.last_row - self.header_row, 1)

    def chunks(self, size: int = limits.CHUNK_ROWS) -> Iterator[Chunk]:
        block: list[list[str]] = []
        first = self.header_row + 1
        for number, cells in self._numbered():
            if number <= self.header_row:
                continue
            block.append(self._padded(cells))
            if len(block) >= size:
                yield chunk_of(block, first=first, width=len(self.columns))
                first, block = number + 1, []
        if block:
            yield chunk_of(block, first=first, width=len(self.columns))

    def _padded(self, cells: list[str]) -> list[str]:
        missing = len(self.columns) - len(cells)
        return cells + [""] * missing if missing > 0 else cells

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of the sheet from row 1 on with its number, gaps as empty rows."""
        if self.facts.bytes <= limits.CALAMINE_BYTES and self._cells <= limits.CALAMINE_CELLS:
            return _calamine_rows(self.path, self.sheet)
        return _openpyxl_rows(self.path, self.sheet)

    @property
    def _cells(self) -> int:
        return self.facts.last_row * self.facts.last_column

    def find_header(self) -> None:
        for number, cells in self._numbered():
            if any(map(str.strip, cells)):
                while cells and not cells[-1].strip():
                    cells.pop()
                self.header_row = number
                self.columns = header_columns(cell.strip(NUMBER_CELL + LOST_DIGITS) for cell in cells)
                return
        raise Unreadable("empty_file")


def open_workbook(path: Path, *, sheet: str | None = None) -> WorkbookTable:
    """The named sheet, or the first. Raises Unreadable for archives that are unsafe or no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            weigh(archive)
            refuse_foreign_parts(archive)
            names, part, sheets = _sheet_part(archive, path, sheet)
            refuse_entities(archive)
            facts = walk_sheet(archive, part)
    except BROKEN:
        raise Unreadable("broken_workbook") from None
    table = WorkbookTable(path, names, sheets, facts)
    table.find_header()
    return table


def weigh(archive: zipfile.ZipFile) -> None:
    """Refuse an archive whose parts overlap, repeat or unpack to more than the limit, by its directory alone."""
    parts = sorted(archive.infolist(), key=lambda part: part.header_offset)
    declared = sum(part.file_size for part in parts)
    if declared > limits.MAX_DECLARED_BYTES:
        raise Unreadable("workbook_too_large", declared=declared // 1024**2, limit=limits.MAX_DECLARED_BYTES // 1024**2)
    if len({part.filename for part in parts}) != len(parts):
        raise Unreadable("broken_workbook")
    for part, following in pairwise(parts):
        if part.header_offset + part.compress_size > following.header_offset:
            raise Unreadable("zip_bomb")
    packed = sum(part.compress_size for part in parts)
    if declared > limits.BOMB_FLOOR * 4 and declared > limits.BOMB_RATIO * max(packed, 1):
        raise Unreadable("zip_bomb")


def refuse_foreign_parts(archive: zipfile.ZipFile) -> None:
    """Raises Unreadable for an archive that is no workbook, is encrypted, or carries macros."""
    names = set(archive.namelist())
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise Unreadable("encrypted_workbook")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Unreadable("workbook_with_macros")
    if "xl/workbook.bin" in names:
        raise Unreadable("old_workbook")
    if "xl/workbook.xml" not in names:
        raise Unreadable("not_a_table", kind="ZIP")


def _sheet_part(archive: zipfile.ZipFile, path: Path, wanted: str | None) -> tuple[str, str, list[str]]:
    """(sheet's name, its part in the archive, all sheet names)."""
    book = archive.read("xl/workbook.xml")
    links = archive.read("xl/_rels/workbook.xml.rels")
    if ENTITY.search(book) or ENTITY.search(links):
        raise Unreadable("broken_workbook")
    targets = dict(_relations(links))
    found = [(name, targets.get(link, "")) for name, link in _sheets(book)]
    found = [(name, part) for name, part in found if WORKSHEET.search(part)]
    names = [name for name, _part in found]
    if not found:
        raise Unreadable("empty_file")
    if wanted and wanted not in names:
        raise Unreadable("unknown_sheet", sheet=wanted, sheets=", ".join(names))
    name, part = next(pair for pair in found if not wanted or pair[0] == wanted)
    return name, part, names


def _relations(xml: bytes) -> Iterator[tuple[str, str]]:
    from xml.etree import ElementTree as ET

    for link in ET.fromstring(xml):  # noqa: S314  # nosec B314 # entities were refused above
        target = link.get("Target", "")
        yield link.get("Id", ""), target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _sheets(xml: bytes) -> Iterator[tuple[str, str]]:
    from xml.etree import ElementTree as ET

    for node in ET.fromstring(xml).iter():  # noqa: S314  # nosec B314 # entities were refused above
        if node.tag.rpartition("}")[2] == "sheet":
            link = next((value for key, value in node.items() if key.endswith("}id")), "")
            yield node.get("name", ""), link


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Raises Unreadable for entity tricks and for a table of strings that would not fit into memory."""
    for part in archive.infolist():
        if not part.filename.endswith((".xml", ".rels")):
            continue
        with archive.open(part) as file:
            if ENTITY.search(file.read(4096)):
                raise Unreadable("broken_workbook")
        if part.filename.endswith("sharedStrings.xml") and part.file_size > limits.MAX_STRINGS_BYTES:
            raise Unreadable("workbook_too_large", declared=part.file_size // 1024**2, limit=256)


def walk_sheet(archive: zipfile.ZipFile, part: str) -> SheetFacts:
    """Read the sheet's XML once: its true size, its farthest cell, and a refusal at the first formula."""
    facts = SheetFacts(0, 0, 0)
    rest = b""
    with archive.open(part) as file:
        while block := file.read(limits.BLOCK_BYTES):
            facts.bytes += len(block)
            text = rest + block
            if found := FORMULA.search(text):
                cells = CELL.findall(text, 0, found.start())
                where = (cells[-1][0] + cells[-1][1]).decode() if cells else "?"
                raise Unreadable("formula_cells", cell=where)
            for letters, digits in set(CELL.findall(text)):
                facts.last_column = max(facts.last_column, _column_number(letters))
                facts.last_row = max(facts.last_row, int(digits))
            for digits in ROW.findall(text):
                facts.last_row = max(facts.last_row, int(digits))
            rest = text[-OVERLAP:]
    if facts.last_row > limits.MAX_SHEET_ROWS:
        raise Unreadable("too_many_rows", found=facts.last_row, limit=limits.MAX_SHEET_ROWS)
    if facts.last_column > limits.MAX_COLUMNS:
        raise Unreadable("too_many_columns", found=facts.last_column, limit=limits.MAX_COLUMNS)
    return facts


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _calamine_rows(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
        start = rows.start[0] if rows.start else 0
        for number, row in enumerate(rows.to_python(skip_empty_area=True), start=start + 1):
            yield number, [""] * (rows.start[1] if rows.start else 0) + texts(row)
    except CalamineError:
        raise Unreadable("broken_workbook") from None


def _openpyxl_rows(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, *BROKEN):
        raise Unreadable("broken_workbook") from None
    try:
        for number, row in enumerate(book[sheet].iter_rows(min_row=1, values_only=True), start=1):
            yield number, texts(row)
    except BROKEN:
        raise Unreadable("broken_workbook") from None
    finally:
        book.close()


def texts(row: Iterable[object]) -> list[str]:
    return [cell if type(cell) is str else cell_text(cell) for cell in row]


def cell_text(cell: object) -> str:
    """A typed cell as the text people read in it; numbers with the 15 digits that a spreadsheet keeps."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        return _number_text(cell)
    if isinstance(cell, datetime):
        midnight = cell.time() == time(0)
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell)


def _number_text(value: float) -> str:
    if not isfinite(value):
        return str(value)
    if abs(value) >= 10**PRECISE_DIGITS:
        return f"{LOST_DIGITS}{int(value)}"
    if value == int(value):
        return f"{NUMBER_CELL}{int(value)}"
    return NUMBER_CELL + format(Decimal(f"{value:.{PRECISE_DIGITS}g}"), "f")
