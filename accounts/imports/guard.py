"""Cells that a spreadsheet would run as a formula, made harmless on the way out and restored on the way in.

``unguard(guard(cell)) == cell`` for every text, so a file of ours that is opened, corrected and sent again comes back
as it was. Plain numbers and percentages keep their sign. A spreadsheet whose lists are separated by semicolons cuts our lines at those
inside a cell, whatever stands in quotes: what would start a formula behind one, or on a new line, is guarded too. The
patterns are written so that Python and PostgreSQL read them alike.
"""

import re

# Full-width and small signs are folded to ASCII by spreadsheets.
_SIGN = r"=+\-@＝＋－＠﹦﹢﹣﹫"
# Every blank of Unicode and the marks nobody sees, by number: \s is not the same set to both engines.
_UNSEEN = (
    r"\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
_UNSEEN_LETTERS = "\u115f\u1160\u3164\uffa0"
_BLANK = rf"[\u0000-\u0020{_UNSEEN}]*"
# Within one line, between two separators. Cut there, a cell may begin with a quote, which is then taken away.
_BLANK_INSIDE = rf"[\u0000-\u0008\u000b\u000c\u000e-\u0020\"{_UNSEEN}]*"
_CUT = r"[;\t\r\n]"
# The percent sign goes by number, so that no statement takes it for a place of a parameter.
_NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]+)*)\u0025?"
# Tab, CR and LF are trimmed before the cell is looked at.
_LIVE = rf"(?!{_NUMBER}\Z)(?:[\t\r\n]|{_BLANK}[{_SIGN}\t\r\n])"
_LIVE_INSIDE = rf"(?!{_NUMBER}(?:{_CUT}|\Z)){_BLANK_INSIDE}[{_SIGN}]"
_DANGER, _GUARDED = re.compile(rf"'*{_LIVE}"), re.compile(rf"'+{_LIVE}")
_HAS_CUT = re.compile(_CUT)
_DANGER_INSIDE = re.compile(rf"({_CUT})(?='*{_LIVE_INSIDE})")
_GUARDED_INSIDE = re.compile(rf"({_CUT})'(?='*{_LIVE_INSIDE})")
FORMULA = re.compile(rf"{_BLANK}[=＝﹦]")


def guard(cell: str) -> str:
    """``cell`` as no spreadsheet runs it: an apostrophe before what would start a formula."""
    if _HAS_CUT.search(cell):
        cell = _DANGER_INSIDE.sub(r"\1'", cell)
    may_be_live = cell and (not cell[0].isalnum() or cell[0] in _UNSEEN_LETTERS)
    return "'" + cell if may_be_live and _DANGER.match(cell) else cell


def guard_sql(text: str) -> str:
    """``guard`` as an SQL expression over the expression ``text``; NULL stays NULL.

    Most texts begin with an ASCII letter or digit and hold no separator: those are passed over.
    """
    inside = f"regexp_replace({text}, '{_sql(_DANGER_INSIDE)}', '\\1''', 'g')"
    return f"CASE WHEN {text} ~ '{_sql(_HAS_CUT)}' THEN {_guard_start(inside)} ELSE {_guard_start(text)} END"


def _guard_start(text: str) -> str:
    return (
        f"CASE WHEN ascii({text}) BETWEEN 48 AND 57 OR ascii({text}) BETWEEN 65 AND 126 OR {text} = '' THEN {text}"
        f" WHEN {text} ~ '^{_sql(_DANGER)}' THEN '''' || {text} ELSE {text} END"
    )


def _sql(pattern: re.Pattern[str]) -> str:
    """As PostgreSQL reads it: no text of its holds a NUL, and its patterns take none."""
    return pattern.pattern.replace(r"\u0000", r"\u0001").replace("'", "''")


def unguard(cell: str) -> str:
    """The cell that ``guard`` was given."""
    cell = cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell
    return _GUARDED_INSIDE.sub(r"\1", cell) if _HAS_CUT.search(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether the cell begins as a formula does."""
    return bool(FORMULA.match(cell))
