"""One cell → the normal form that is posted and hashed, or a CellFault. Pure: no Django import.

The normal form is what COPY takes: text escaped, numbers without idle zeros (6.950 and 6.95 are one number), dates ISO,
NULL where an optional cell is blank.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.imports.guard import is_formula, unguard
from accounts.imports.readers import LOST_DIGITS
from accounts.imports.styles import BLANKS, NUMBER_CELL, POINT, DateParser, NumberStyle

NULL = r"\N"
EARLIEST = date(1970, 1, 1)
LATEST_AFTER_TOMORROW = timedelta(days=366)
EDGE = "\ufeff\u200b\u200e\u200f"
PLAIN_NUMBER = re.compile(r"-?\d{1,13}(?:\.\d{1,4})?\Z", re.ASCII)
DIGITS = re.compile(r"\d+\Z", re.ASCII)
GROUPED = re.compile(r"\d{1,3}(?:(?P<mark>[,.' ])\d{3})(?:(?P=mark)\d{3})*\Z", re.ASCII)
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
ESCAPED = re.compile(r"\\([\\tnr])")
UNESCAPES = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
NEEDS_ESCAPE = re.compile(r"[\\\t\n\r]")


class CellFault(ValueError):
    """Why a cell cannot be posted. ``code`` is a key of reasons.ROW_REASONS, ``details`` fill its sentence."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


Typer = Callable[[str], str]


def trimmed(cell: str) -> str:
    """Without blanks at the ends; U+3000, no-break space and invisible marks are blanks."""
    text = cell.strip()
    return text.strip(EDGE).strip() if text and (text[0] in EDGE or text[-1] in EDGE) else text


def shown(cell: str) -> str:
    """The cell as people saw it in their file: without the readers' marks."""
    return cell[1:] if cell[:1] in (NUMBER_CELL, LOST_DIGITS) and cell else cell


@dataclass(frozen=True, slots=True)
class Guards:
    """Which apostrophes of guard.py a file carries: an error file's, and below them our own export's."""

    is_error_file: bool = False
    is_export: bool = False

    def original(self, cell: str) -> str:
        """The cell before an error file guarded it."""
        return unguard(cell) if self.is_error_file else cell

    def text(self, cell: str) -> str:
        """The cell trimmed and freed of guards. Raises CellFault for what no honest cell holds."""
        text = trimmed(self.original(cell))
        if text[:1] in (LOST_DIGITS, NUMBER_CELL):
            if text[0] == LOST_DIGITS:
                raise CellFault("digits_lost")
            text = text[1:]
        if "\0" in text:
            raise CellFault("nul")
        if is_formula(text):
            raise CellFault("formula")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise CellFault("broken_text")
        return unguard(text) if self.is_export else text


def escaped(text: str) -> str:
    return text.translate(ESCAPES) if NEEDS_ESCAPE.search(text) else text


def unescaped(text: str) -> str:
    """What ``escaped`` was given; "" for NULL."""
    if text == NULL:
        return ""
    return ESCAPED.sub(lambda found: UNESCAPES[found.group(1)], text) if "\\" in text else text


def text_typer(guards: Guards, *, length: int, required: str = "", blank: str = "") -> Typer:
    """Codes and names: trimmed, else as they are.

    ``blank`` is what an empty cell becomes; ``required`` the fault of an empty cell that nothing fills.
    """

    def type_text(cell: str) -> str:
        text = guards.text(cell)
        if not text:
            if required and not blank:
                raise CellFault(required)
            return blank
        if len(text) > length:
            raise CellFault("too_long", limit=length)
        return escaped(text)

    return type_text


def word_typer(guards: Guards, words: dict[str, str], *, default: str) -> Typer:
    """One of a vocabulary, in any case; the default where the cell is blank."""

    def type_word(cell: str) -> str:
        text = guards.text(cell)
        if not text:
            return default
        try:
            return words[text.casefold()]
        except KeyError:
            raise CellFault("unknown_word", words=", ".join(sorted(set(words.values())))) from None

    return type_word


def currency_typer(guards: Guards, known: frozenset[str], *, default: str) -> Typer:
    def type_currency(cell: str) -> str:
        text = guards.text(cell).upper() or default
        if text not in known:
            raise CellFault("unknown_currency")
        return text

    return type_currency


def date_typer(guards: Guards, parse: DateParser, *, today: date) -> Typer:
    """ISO dates from 1970-01-01 to 366 days after tomorrow."""
    latest = today + timedelta(days=1) + LATEST_AFTER_TOMORROW

    def type_date(cell: str) -> str:
        text = guards.text(cell)
        if not text:
            raise CellFault("missing_date")
        day = parse(text) or parse(unicodedata.normalize("NFKC", text))
        if day is None:
            raise CellFault("no_date")
        if not EARLIEST <= day <= latest:
            raise CellFault("date_out_of_range", first=EARLIEST.isoformat(), last=latest.isoformat())
        return day.isoformat()

    return type_date


def number_typer(guards: Guards, style: NumberStyle, *, places: int, digits: int, blank: str = NULL) -> Typer:
    """Plain decimals of at most ``places`` decimals and ``digits`` digits before the point; never rounded."""
    is_plain = style.decimal == "."

    def type_number(cell: str) -> str:
        text = cell.strip()
        if is_plain and PLAIN_NUMBER.match(text):
            return normal_number(text)
        is_number_cell = text[:1] == NUMBER_CELL
        text = guards.text(text)
        if not text:
            return blank
        plain = plain_number(text, POINT if is_number_cell else style)
        if plain is None:
            raise CellFault("no_number")
        number = normal_number(plain)
        whole, _, decimals = number.lstrip("-").partition(".")
        if len(decimals) > places:
            raise CellFault("too_many_decimals", limit=places)
        if len(whole) > digits:
            raise CellFault("number_out_of_range", limit=digits)
        return number

    return type_number


def normal_number(text: str) -> str:
    """``text``, ASCII digits with at most one point, without idle zeros: "-0.50" → "-0.5", "-0" → "0"."""
    negative = text[0] == "-"
    whole, point, decimals = text.lstrip("-").partition(".")
    if point:
        decimals = decimals.rstrip("0")
    if len(whole) > 1 and whole[0] == "0":
        whole = whole.lstrip("0") or "0"
    bare = f"{whole or '0'}.{decimals}" if decimals else whole or "0"
    return "-" + bare if negative and bare != "0" else bare


def plain_number(text: str, style: NumberStyle) -> str | None:
    """The number as ASCII digits, point and minus; None where ``text`` is none in this style."""
    text = unicodedata.normalize("NFKC", text).replace("−", "-").strip()
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    elif text[:1] in "+-" or text[-1:] == "-":
        negative = text[0] == "-" or text[-1] == "-"
        text = text[1:] if text[0] in "+-" else text[:-1]
        text = text.strip()
    grouped, point, decimals = text.partition(style.decimal)
    whole = _ungrouped(grouped, style.thousands)
    if whole is None or (point and not DIGITS.match(decimals or "")) or not (whole or decimals):
        return None
    bare = f"{whole or '0'}.{decimals}" if point else whole
    return "-" + bare if negative else bare


def _ungrouped(whole: str, thousands: str) -> str | None:
    """``whole`` without its group marks; None where it is no whole number in groups of three."""
    if not whole or DIGITS.match(whole):
        return whole
    for blank in BLANKS:
        whole = whole.replace(blank, " ")
    whole = whole.replace("’", "'")
    if thousands and GROUPED.match(whole) and thousands in whole:
        return whole.replace(thousands, "")
    return None
