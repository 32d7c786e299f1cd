"""Half-open periods of whole local dates, and the forms people write them in.

Every window of the product is a ``Period``: the start belongs to it, the end does not. The clock is never read here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

from django.utils.translation import gettext as _

from crm.lib.exceptions import PeriodError

FIRST_YEAR = 1970
LAST_YEAR = 9998  # the end of a period is exclusive, and the year 10000 is no date
MONTHS_PER_YEAR = 12
MONTHS_PER_QUARTER = 3
MONTHS_PER_HALF = 6
ACCEPTED_FORMS = "2011, 2011-Q2, 2011-H1, 2011-06, 2010-12..2011-05, ttm@2011-11, FY2011, FY2011-Q2"
SHOWN_CHARACTERS = 40  # of a text that could not be read


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
    return Period(date(as_of.year, 1, 1), as_of + timedelta(days=1))


def check_comparable(base: Period, comparison: Period) -> None:
    """Raise PeriodError unless the base ends before the comparison begins."""
    if base.end > comparison.start:
        raise PeriodError(
            _("The base (%(base)s) must end before the comparison (%(comparison)s) begins; choose an earlier base.")
            % {"base": base.label, "comparison": comparison.label}
        )


def parse_period(text: str, *, fiscal_start_month: int = 1) -> Period:
    """Read one of ACCEPTED_FORMS, whatever its case; raises PeriodError that names them all."""
    _check_fiscal_start(fiscal_start_month)
    cleaned = text.strip()
    if ".." in cleaned:
        first_text, _separator, last_text = cleaned.partition("..")
        first = _parse_unit(first_text, text, fiscal_start_month)
        last = _parse_unit(last_text, text, fiscal_start_month)
        if last.end <= first.start or last.start < first.start:
            raise PeriodError(
                _("The period “%(text)s” ends before it begins; write the earlier end first.") % {"text": _shown(text)}
            )
        return Period(first.start, last.end, f"{first.label}..{last.label}")
    trailing = _TTM.fullmatch(cleaned)
    if trailing:
        year, month = _year(trailing["year"], text), int(trailing["month"])
        return ttm(month_end(date(year, month, 1)))
    return _parse_unit(cleaned, text, fiscal_start_month)


_TTM = re.compile(r"ttm@(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])", re.IGNORECASE)
_UNIT = re.compile(
    r"(?P<fiscal>FY)?(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|H(?P<half>[12])|(?P<month>0[1-9]|1[0-2])))?",
    re.IGNORECASE,
)


def _parse_unit(unit: str, whole: str, fiscal_start_month: int) -> Period:
    """Month, quarter, half or year, calendar or fiscal; ``whole`` is the full text, for the error message."""
    found = _UNIT.fullmatch(unit.strip())
    if not found or (found["fiscal"] and found["month"]):
        raise _unreadable(whole)
    year = _year(found["year"], whole)
    if found["fiscal"]:
        span, name = fiscal_year(year, fiscal_start_month=fiscal_start_month), f"FY{year}"
    else:
        span, name = Period(date(year, 1, 1), date(year + 1, 1, 1), str(year)), str(year)
    if found["quarter"]:
        return _part(span, int(found["quarter"]), MONTHS_PER_QUARTER, f"{name}-Q{found['quarter']}")
    if found["half"]:
        return _part(span, int(found["half"]), MONTHS_PER_HALF, f"{name}-H{found['half']}")
    if found["month"]:
        return _part(span, int(found["month"]), 1, f"{name}-{found['month']}")
    return span


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
