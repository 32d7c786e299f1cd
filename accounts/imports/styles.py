"""How numbers and dates are written in a file. Pure: no Django import.

Evidence is gathered over distinct cells; what only one reading explains decides. Where every cell fits two readings
nothing is guessed: ``decide`` answers None and the caller asks for the option.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

# Put before the text of a spreadsheet's number cell: it has a decimal point whatever the style of the texts is.
NUMBER_CELL = "\ufdd1"
BLANKS = "\u00a0\u202f\u2009 "
NUMBER_SHAPE = re.compile(r"[-+(−]?\s*[\d.,'’\s]*\d[\d.,'’\s]*\)?-?\Z")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """``thousands`` is "" where groups are not allowed; a blank stands for every kind of blank."""

    decimal: str = "."
    thousands: str = ","


POINT, COMMA = NumberStyle(".", ","), NumberStyle(",", ".")


@dataclass(slots=True)
class NumberEvidence:
    """Cells that only a decimal point explains, only a decimal comma, or either."""

    point: int = 0
    comma: int = 0
    either: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    example: str = ""

    def add(self, cells: Iterable[str]) -> None:
        for cell in cells:
            text = cell.strip().strip("()+-−").strip()
            if text[:1] == NUMBER_CELL or text.isdigit() or not text or not NUMBER_SHAPE.match(text):
                continue
            self._weigh(text)

    def _weigh(self, text: str) -> None:
        for mark in ("'", "’", *BLANKS):
            if mark in text:
                self.groups["'" if mark in "'’" else " "] += 1
                text = text.replace(mark, "")
        commas, points = text.count(","), text.count(".")
        if commas and points:
            self._vote(point=text.rfind(".") > text.rfind(","))
        elif commas + points > 1:
            self._vote(point=bool(commas))
        elif commas + points == 1:
            head, tail = re.split("[.,]", text)
            if len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0"):
                self.either += 1
                self.example = self.example or text
            else:
                self._vote(point=bool(points))

    def _vote(self, *, point: bool) -> None:
        if point:
            self.point += 1
        else:
            self.comma += 1

    @property
    def is_decisive(self) -> bool:
        return self.point != self.comma

    def decide(self) -> NumberStyle | None:
        """The style, or None where every cell with a mark fits two."""
        if not self.is_decisive and (self.either or self.point):
            return None
        style = POINT if self.point >= self.comma else COMMA
        for mark in ("'", " "):
            if self.groups[mark]:
                return NumberStyle(style.decimal, mark)
        return style


# A time after the date is not read: the ledger books days.
TIME_TAIL = re.compile(
    r"[T\s]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?|上午|下午)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?\Z"
)
SHAPES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}\Z"), ("%Y{0}%m{0}%d",)),
    (re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{4}\Z"), ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
    (re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2}\Z"), ("%d{0}%m{0}%y", "%m{0}%d{0}%y")),
    (re.compile(r"(?:19|20)\d{6}()\Z"), ("%Y%m%d",)),
    (re.compile(r"\d{4}年\d{1,2}月\d{1,2}日()\Z"), ("%Y年%m月%d日",)),
    (re.compile(r"\d{1,2}([- ])[A-Za-z]{3}\1\d{4}\Z"), ("%d{0}%b{0}%Y",)),
    (re.compile(r"\d{1,2}([- ])[A-Za-z]{3}\1\d{2}\Z"), ("%d{0}%b{0}%y",)),
    (re.compile(r"\d{1,2} [A-Za-z]{4,9}() \d{4}\Z"), ("%d %B %Y",)),
    (re.compile(r"[A-Za-z]{3}() \d{1,2}, \d{4}\Z"), ("%b %d, %Y",)),
    (re.compile(r"[A-Za-z]{4,9}() \d{1,2}, \d{4}\Z"), ("%B %d, %Y",)),
)


@dataclass(slots=True)
class DateEvidence:
    """Per family of formats that share a shape: how many distinct cells only one reading explains."""

    families: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)
    example: str = ""

    def add(self, cells: Iterable[str]) -> None:
        for cell in cells:
            text = TIME_TAIL.sub("", cell.strip())
            if family := date_family(text):
                self._weigh(family, text)

    def _weigh(self, family: tuple[str, ...], text: str) -> None:
        votes = self.families.setdefault(family, Counter())
        readings = {name: parsed for name in family if (parsed := parse_by(name, text))}
        if len(set(readings.values())) > 1:
            votes["either"] += 1
            self.example = self.example or text
        elif len(readings) == 1:
            votes[next(iter(readings))] += 1

    @property
    def is_decisive(self) -> bool:
        return any(_won(*item) for item in self.families.items())

    def decide(self) -> list[str] | None:
        """The formats in use, most frequent first; None where every cell fits two readings.

        Beside a decided format an undecided one is dropped: its cells are rejected, not guessed.
        """
        won = [(name, votes[name]) for family, votes in self.families.items() if (name := _won(family, votes))]
        if won:
            return [name for name, _count in sorted(won, key=lambda pair: -pair[1])]
        if any(sum(votes.values()) for votes in self.families.values()):
            return None
        return [family[0] for family in self.families]


def _won(family: tuple[str, ...], votes: Counter[str]) -> str:
    """The format that explains more cells of the family than any other; "" on a draw."""
    ranked = sorted(family, key=lambda name: -votes[name])
    runner_up = votes[ranked[1]] if len(ranked) > 1 else 0
    return ranked[0] if votes[ranked[0]] > runner_up else ""


def date_family(text: str) -> tuple[str, ...]:
    """The formats that share the shape of ``text``; empty where it has none of the known shapes."""
    for shape, formats in SHAPES:
        if found := shape.match(text):
            return tuple(name.format(found.group(1)) for name in formats)
    return ()


def parse_by(name: str, text: str) -> date | None:
    try:
        return datetime.strptime(text, name).date()  # noqa: DTZ007 - a date in a book has no zone
    except ValueError:
        return None


DateParser = Callable[[str], date | None]


def date_parser(formats: Iterable[str]) -> DateParser:
    """A function from a cell, with or without a time, to its date; None where no format fits."""
    parsers = [_iso if name == "%Y-%m-%d" else partial(_by_format, name) for name in formats]

    def parse(text: str) -> date | None:
        bare = TIME_TAIL.sub("", text)
        for parser in parsers:
            if (found := parser(bare)) or (bare != text and (found := parser(text))):
                return found
        return None

    return parse


def _iso(text: str) -> date | None:
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not text.isascii():
        return _by_format("%Y-%m-%d", text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _by_format(name: str, text: str) -> date | None:
    return parse_by(name, text)
