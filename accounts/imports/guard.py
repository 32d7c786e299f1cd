"""Cells that a spreadsheet would run as a formula, made harmless on the way out and restored on the way in.

``unguard(guard(cell)) == cell`` for every text, so a file of ours that is opened, corrected and sent again comes back
as it was. Plain numbers keep their sign.
"""

import re

# Full-width signs are folded to ASCII by spreadsheets; tab, CR and LF are trimmed before the cell is looked at.
_LIVE = r"[=+\-@\t\r\n＝＋－＠]"
_BLANK = r"[\s\u00a0\u3000\x00-\x1f\u200b\ufeff]*"
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)*)"
_DANGER = re.compile(rf"'*(?!{_NUMBER}\Z)(?:[\t\r\n]|{_BLANK}{_LIVE})")
_GUARDED = re.compile(rf"'+(?!{_NUMBER}\Z)(?:[\t\r\n]|{_BLANK}{_LIVE})")
FORMULA = re.compile(rf"{_BLANK}[=＝]")


def guard(cell: str) -> str:
    """``cell`` as no spreadsheet runs it: an apostrophe before what would start a formula."""
    return "'" + cell if cell and not cell[0].isalnum() and _DANGER.match(cell) else cell


def unguard(cell: str) -> str:
    """The cell that ``guard`` was given."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether the cell begins as a formula does."""
    return bool(FORMULA.match(cell))
