"""Half-open periods of whole local dates, and the forms people write them in.

Every window of the product is a ``Period``: the start belongs to it, the end does not. The clock is never read here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol, Self

from django.utils.translation import gettext as _

from crm.lib.exceptions import PeriodError

FIRST_YEAR = 1970
LAST_YEAR = 9998  # the end of a period is exclusive, and the year 10000 is no date
MONTHS_PER_YEAR = 12
MONTHS_PER_QUARTER = 3
MONTHS_PER_HALF = 6
ACCEPTED_FORMS = (
    "2011, 2011-Q2, 2011-H1, 2011-06, 2010-12..2011-05, ttm@2011-11, FY2011, FY2011-Q2, FY2011-P03, FY2011R,"
    " ytd@2011-05-10, ytd"
)
SHOWN_CHARACTERS = 40  # of a text that could not be read


class Running(StrEnum):
    """Periods that run up to a day: this year, quarter or month to date (累计)."""

    YEAR = "ytd"
    QUARTER = "qtd"
    MONTH = "mtd"

    @property
    def months(self) -> int:
        return {"ytd": MONTHS_PER_YEAR, "qtd": MONTHS_PER_QUARTER, "mtd": 1}[self.value]

    def whole(self, day: date) -> Period:
        """The whole calendar year, quarter or month of ``day``."""
        start = date(day.year, (day.month - 1) // self.months * self.months + 1, 1)
        return Period(start, add_months(start, self.months))

    def until(self, day: date) -> Period:
        """What of it lies up to ``day``, that day included, under the name it is asked for by: ytd@2011-05-10."""
        return Period(self.whole(day).start, day + timedelta(days=1), f"{self}@{day}")


RUNNING = frozenset(map(str, Running))


class FiscalTable(Protocol):
    """A company's own fiscal calendar."""

    def part(self, year: int, *, months: int = ..., number: int = ..., is_restated: bool = ...) -> Period:
        """The ``number``-th stretch of ``months`` periods of a fiscal year; 12 months are the whole year. Restated: of a
        year with 53 weeks without its first one. PeriodError where the calendar does not hold it."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Dates d with ``start <= d < end``. ``label`` is how it was asked for and takes no part in comparisons."""

    start: date
    end: date
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise PeriodError(_("A period must end after it begins; swap the two ends."))
        if not self.label:
            object.__setattr__(self, "label", f"{self.start}..{self.last_day}")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        return self.label

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def is_whole_months(self) -> bool:
        return self.start.day == 1 and self.end.day == 1

    @property
    def months(self) -> int:
        """Number of calendar months the period touches."""
        last = self.last_day
        return (last.year - self.start.year) * MONTHS_PER_YEAR + last.month - self.start.month + 1

    @property
    def month_starts(self) -> tuple[date, ...]:
        """First day of every calendar month the period touches, ascending."""
        first = self.start.replace(day=1)
        return tuple(add_months(first, step) for step in range(self.months))

    def overlaps(self, other: Period) -> bool:
        return self.start < other.end and other.start < self.end

    def shift_years(self, years: int) -> Self:
        """The same dates ``years`` later (negative: earlier), like for like.

        A last day that ends its month stays at the end of the month, and 29 February becomes 28 February where there
        is none: 2024-01-01..2024-02-29 one year back is 2023-01-01..2023-02-28, and 2025-01-01..2025-02-28 one year
        back is 2024-01-01..2024-02-29.
        """
        start = same_day_in_year(self.start, self.start.year + years, keep_month_end=False)
        last = same_day_in_year(self.last_day, self.last_day.year + years, keep_month_end=True)
        return type(self)(start, last + timedelta(days=1))

    def shift_months(self, months: int) -> Self:
        """The period ``months`` later; only for periods of whole months, so that nothing is clipped."""
        if not self.is_whole_months:
            raise PeriodError(_("Only a period of whole months can be moved by months."))
        return type(self)(add_months(self.start, months), add_months(self.end, months))

    def previous(self) -> Self:
        """The period of the same length that ends where this one begins (period on period)."""
        if self.is_whole_months:
            return self.shift_months(-self.months)
        return type(self)(self.start - (self.end - self.start), self.start)


def add_months(day: date, months: int) -> date:
    """``day`` moved by whole months; a day the target month lacks becomes its last day."""
    index = day.year * MONTHS_PER_YEAR + day.month - 1 + months
    year, month = divmod(index, MONTHS_PER_YEAR)
    if not date.min.year <= year <= date.max.year:
        raise PeriodError(_("The year %(year)s is out of reach.") % {"year": year})
    return date(year, month + 1, min(day.day, _days_in_month(year, month + 1)))


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_end(day: date) -> date:
    """Last day of the month of ``day``."""
    return day.replace(day=_days_in_month(day.year, day.month))


def is_month_end(day: date) -> bool:
    return day == month_end(day)


def same_day_in_year(day: date, year: int, *, keep_month_end: bool) -> date:
    """``day`` in another year; with ``keep_month_end`` the last day of a month stays the last day of that month."""
    if not date.min.year <= year <= date.max.year:
        raise PeriodError(_("The year %(year)s is out of reach.") % {"year": year})
    last = _days_in_month(year, day.month)
    return date(year, day.month, last if keep_month_end and is_month_end(day) else min(day.day, last))


def month_ends(first: date, last: date) -> Iterator[date]:
    """Every month end from ``first`` to ``last``, both included, ascending."""
    end = month_end(first)
    while end <= last:
        yield end
        end = month_end(end + timedelta(days=1))


def last_complete_month(as_of: date) -> date:
    """First day of the last month that is complete at ``as_of``: a month is complete on its last day."""
    start = month_start(as_of)
    return start if is_month_end(as_of) else add_months(start, -1)


def ttm(as_of: date) -> Period:
    """The 12 whole months that end with the last month complete at ``as_of``."""
    last = last_complete_month(as_of)
    return Period(add_months(last, 1 - MONTHS_PER_YEAR), add_months(last, 1), f"ttm@{last:%Y-%m}")


def prior_ttm(as_of: date) -> Period:
    """The 12 whole months before ``ttm(as_of)``."""
    last = add_months(last_complete_month(as_of), -MONTHS_PER_YEAR)
    return Period(add_months(last, 1 - MONTHS_PER_YEAR), add_months(last, 1), f"ttm@{last:%Y-%m}")


def fiscal_year(year: int, *, fiscal_start_month: int) -> Period:
    """The fiscal year that ends in ``year``. A start month of 12 gives December before .. November of ``year``."""
    _check_fiscal_start(fiscal_start_month)
    first = date(year if fiscal_start_month == 1 else year - 1, fiscal_start_month, 1)
    return Period(first, add_months(first, MONTHS_PER_YEAR), f"FY{year}")


def last_complete_fiscal_year(as_of: date, *, fiscal_start_month: int) -> Period:
    """The last fiscal year that is complete at ``as_of`` (it is complete on its last day)."""
    current = fiscal_year(as_of.year + 1, fiscal_start_month=fiscal_start_month)
    year = as_of.year + 1
    while current.last_day > as_of:
        year -= 1
        current = fiscal_year(year, fiscal_start_month=fiscal_start_month)
    return current


def year_to_date(as_of: date) -> Period:
    """1 January .. ``as_of`` included."""
    return Running.YEAR.until(as_of)


def running_of(period: Period) -> Running | None:
    """Which running period this one was asked for as, if it was."""
    kind, separator, _day = period.label.partition("@")
    return Running(kind) if separator and kind in RUNNING else None


def check_comparable(base: Period, comparison: Period) -> None:
    """Raise PeriodError unless the base ends before the comparison begins."""
    if base.end > comparison.start:
        raise PeriodError(
            _("The base (%(base)s) must end before the comparison (%(comparison)s) begins; choose an earlier base.")
            % {"base": base.label, "comparison": comparison.label}
        )


def parse_period(
    text: str, *, fiscal_start_month: int = 1, as_of: date | None = None, fiscal: FiscalTable | None = None
) -> Period:
    """Read one of ACCEPTED_FORMS, whatever its case; raises PeriodError that names them all.

    as_of : the day up to which ytd, qtd and mtd run where they name none; without it they are refused
    fiscal : the company's own calendar; without one fiscal years begin with ``fiscal_start_month``
    """
    _check_fiscal_start(fiscal_start_month)
    fiscal = fiscal or _FiscalMonths(fiscal_start_month)
    cleaned = text.strip()
    if ".." in cleaned:
        first_text, _separator, last_text = cleaned.partition("..")
        first, last = _parse_unit(first_text, text, fiscal), _parse_unit(last_text, text, fiscal)
        if last.end <= first.start or last.start < first.start:
            raise PeriodError(
                _("The period “%(text)s” ends before it begins; write the earlier end first.") % {"text": _shown(text)}
            )
        return Period(first.start, last.end, f"{first.label}..{last.label}")
    trailing = _TTM.fullmatch(cleaned)
    if trailing:
        year, month = _year(trailing["year"], text), int(trailing["month"])
        return ttm(month_end(date(year, month, 1)))
    running = _RUNNING.fullmatch(cleaned)
    if running:
        return Running(running["kind"].lower()).until(_running_day(running["day"], text, as_of))
    return _parse_unit(cleaned, text, fiscal)


def is_running_now(text: str) -> bool:
    """ytd, qtd or mtd without a day: who reads it must say up to which."""
    return text.strip().lower() in RUNNING


def is_fiscal(text: str) -> bool:
    """The text asks for a fiscal period: who reads it must know the company's calendar."""
    return "fy" in text.lower()


_TTM = re.compile(r"ttm@(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])", re.IGNORECASE)
_RUNNING = re.compile(r"(?P<kind>[yqm]td)(?:@(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.IGNORECASE)
_UNIT = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|H(?P<half>[12])|(?P<month>0[1-9]|1[0-2])))?", re.IGNORECASE
)
_FISCAL = re.compile(
    r"FY(?P<year>[0-9]{4})(?P<restated>R)?(?:-(?:Q(?P<quarter>[1-4])|H(?P<half>[12])|P(?P<month>0[1-9]|1[0-3])))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _FiscalMonths:
    """Fiscal years of calendar months, where the company has no calendar of its own."""

    start_month: int

    def part(self, year: int, *, months: int = MONTHS_PER_YEAR, number: int = 1, is_restated: bool = False) -> Period:
        if is_restated:
            raise PeriodError(
                _(
                    "FY%(year)sR leaves out the first of 53 weeks, and this fiscal calendar is not one of weeks; write FY%(year)s."
                )
                % {"year": year}
            )
        span = fiscal_year(year, fiscal_start_month=self.start_month)
        if months == MONTHS_PER_YEAR:
            return span
        if number * months > MONTHS_PER_YEAR:
            raise PeriodError(
                _("The fiscal year %(year)s has %(count)s periods.") % {"year": year, "count": MONTHS_PER_YEAR}
            )
        return _part(span, number, months, fiscal_label(year, months=months, number=number))


def fiscal_label(year: int, *, months: int, number: int, is_restated: bool = False) -> str:
    """FY2011, FY2011-H1, FY2011-Q2 or FY2011-P03; restated FY2011R, FY2011R-Q2 and so on."""
    letter, name = {MONTHS_PER_HALF: "H", MONTHS_PER_QUARTER: "Q"}.get(months), f"FY{year}{'R' * is_restated}"
    if months == MONTHS_PER_YEAR:
        return name
    return f"{name}-{letter}{number}" if letter else f"{name}-P{number:02}"


def _parse_unit(unit: str, whole: str, fiscal: FiscalTable) -> Period:
    """Month, quarter, half or year, calendar or fiscal; ``whole`` is the full text, for the error message."""
    cleaned = unit.strip()
    found = _UNIT.fullmatch(cleaned) or _FISCAL.fullmatch(cleaned)
    if not found:
        raise _unreadable(whole)
    year = _year(found["year"], whole)
    parts = {MONTHS_PER_QUARTER: found["quarter"], MONTHS_PER_HALF: found["half"], 1: found["month"]}
    months, number = next(((size, int(text)) for size, text in parts.items() if text), (MONTHS_PER_YEAR, 1))
    if found.re is _FISCAL:
        return fiscal.part(year, months=months, number=number, is_restated=bool(found["restated"]))
    span = Period(date(year, 1, 1), date(year + 1, 1, 1), str(year))
    if months == MONTHS_PER_YEAR:
        return span
    return _part(span, number, months, f"{year}-{found.string[found.end('year') + 1 :].upper()}")


def _running_day(text: str | None, whole: str, as_of: date | None) -> date:
    if text is None:
        if as_of is None:
            raise _unreadable(whole)
        return as_of
    _year(text[:4], whole)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unreadable(whole) from None


def _part(span: Period, number: int, months: int, label: str) -> Period:
    start = add_months(span.start, (number - 1) * months)
    return Period(start, add_months(start, months), label)


def _year(text: str, whole: str) -> int:
    year = int(text)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise PeriodError(
            _("The period “%(text)s” lies outside the years %(first)s to %(last)s.")
            % {"text": _shown(whole), "first": FIRST_YEAR, "last": LAST_YEAR}
        )
    return year


def _unreadable(text: str) -> PeriodError:
    return PeriodError(
        _("The period “%(text)s” cannot be read. Write one of: %(forms)s.")
        % {"text": _shown(text), "forms": ACCEPTED_FORMS}
    )


def _shown(text: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in text[:SHOWN_CHARACTERS])
    return printable + ("…" if len(text) > SHOWN_CHARACTERS else "")


def _check_fiscal_start(month: int) -> None:
    if not 1 <= month <= MONTHS_PER_YEAR:
        raise PeriodError(_("The fiscal year must start in a month from 1 to 12."))


def _days_in_month(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
