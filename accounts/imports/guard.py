"""Cells that a spreadsheet would run as a formula, made harmless on the way out and restored on the way in.

``unguard(guard(cell)) == cell`` for every text, so a file of ours that is opened, corrected and sent again comes back
as it was. Plain numbers keep their sign. The patterns are written so that Python and PostgreSQL read them alike.
"""

import re

# Full-width signs are folded to ASCII by spreadsheets; tab, CR and LF are trimmed before the cell is looked at.
_LIVE = r"[=+\-@\t\r\n＝＋－＠]"
# Every blank of Unicode and the marks nobody sees, by number: \s is not the same set to both engines.
_BLANK = r"[\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]*"
_NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]+)*)"
_DANGER = re.compile(rf"'*(?!{_NUMBER}\Z)(?:[\t\r\n]|{_BLANK}{_LIVE})")
_GUARDED = re.compile(rf"'+(?!{_NUMBER}\Z)(?:[\t\r\n]|{_BLANK}{_LIVE})")
# No text of PostgreSQL holds a NUL, and its patterns take none.
_DANGER_SQL = "^" + _DANGER.pattern.replace(r"\u0000", r"\u0001").replace("'", "''")
FORMULA = re.compile(rf"{_BLANK}[=＝]")


def guard(cell: str) -> str:
    """``cell`` as no spreadsheet runs it: an apostrophe before what would start a formula."""
    return "'" + cell if cell and not cell[0].isalnum() and _DANGER.match(cell) else cell


def guard_sql(text: str) -> str:
    """``guard`` as an SQL expression over the expression ``text``; NULL stays NULL.

    Most texts begin with an ASCII letter or digit: those are passed over by their first sign.
    """
    return (
        f"CASE WHEN ascii({text}) BETWEEN 48 AND 57 OR ascii({text}) BETWEEN 65 AND 126 OR {text} = '' THEN {text}"
        f" WHEN {text} ~ '{_DANGER_SQL}' THEN '''' || {text} ELSE {text} END"
    )


def unguard(cell: str) -> str:
    """The cell that ``guard`` was given."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether the cell begins as a formula does."""
    return bool(FORMULA.match(cell))
