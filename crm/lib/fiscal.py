"""Windows that can be compared, and fiscal calendars as explicit tables of periods.

``crm.lib.periods`` knows single periods; this module pairs a running period with the part of the base that has elapsed
as far, and holds calendars whose months are no calendar months. The clock is never read here. Source: domain.md 1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from django.utils.translation import gettext as _

from crm.lib.exceptions import PeriodError
from crm.lib.periods import (
    FIRST_YEAR,
    LAST_YEAR,
    MONTHS_PER_HALF,
    MONTHS_PER_QUARTER,
    MONTHS_PER_YEAR,
    Period,
    add_months,
    fiscal_label,
    fiscal_year,
    is_fiscal,
    is_month_end,
    month_end,
)

WEEK = timedelta(days=7)
WEEKS_PER_YEAR = 52
QUARTERS = 4
MOST_PERIODS = 13  # of a fiscal year: thirteen of four weeks
SATURDAY = 5  # Monday is 0


class Against(StrEnum):
    YEAR = "year"  # 同比, the same period one year earlier
    PREVIOUS = "previous"  # 环比, the period just before


class WeekPattern(StrEnum):
    """Weeks of the three months of each quarter."""

    FOUR_FOUR_FIVE = "4-4-5"
    FOUR_FIVE_FOUR = "4-5-4"
    FIVE_FOUR_FOUR = "5-4-4"

    @property
    def weeks(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.value.split("-"))


class YearEnd(StrEnum):
    """Which of the last weekdays of a week calendar's year it is."""

    NEAREST = "nearest"  # nearest to the last day of the month, as in retail: it may lie in the next month
    LAST = "last"  # the last one in the month


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two windows that have elapsed as far as each other. ``is_clipped``: the period asked for is still running."""

    base: Period
    comparison: Period
    is_clipped: bool

    @property
    def day_ratio(self) -> float:
        """Days of the comparison for each day of the base: an amount of the base times it is normalised per day."""
        return self.comparison.days / self.base.days


def elapsed_part(period: Period, *, as_of: date) -> Period:
    """What of ``period`` lies up to ``as_of``, that day included; PeriodError where it has not begun."""
    if as_of < period.start:
        raise PeriodError(
            _("The period %(period)s has not begun on %(day)s; choose an earlier one.")
            % {"period": period.label, "day": as_of}
        )
    return period if period.last_day <= as_of else Period(period.start, as_of + timedelta(days=1))


def like_for_like(period: Period, *, as_of: date, against: Against = Against.YEAR) -> Comparison:
    """``period`` as far as it has elapsed, and the same part of its base.

    One year earlier: same month and day; a month end goes with the month end, 29 February with 28 February. The period
    before: the same for whole months, else as many days. Day counts differ by what the calendar does: show them.
    """
    comparison = elapsed_part(period, as_of=as_of)
    is_clipped = comparison is not period
    if against is Against.YEAR:
        base = comparison.shift_years(-1)
    elif period.is_whole_months:
        base = _months_earlier(comparison, period.months)
    else:
        start = period.previous().start
        base = Period(start, start + timedelta(days=comparison.days))
    return Comparison(base=base, comparison=comparison, is_clipped=is_clipped)


def _months_earlier(period: Period, months: int) -> Period:
    last = add_months(period.last_day, -months)
    end = month_end(last) if is_month_end(period.last_day) else last
    return Period(add_months(period.start, -months), end + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class FiscalMonth:
    """One period of a fiscal year, ``number`` from 1."""

    year: int
    number: int
    period: Period

    @property
    def quarter(self) -> int:
        """1 to 4; a 13th period belongs to the last."""
        return min((self.number - 1) // MONTHS_PER_QUARTER + 1, QUARTERS)


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """A fiscal year and its periods, in order and without a gap.

    ``long_month`` is the number of the period that carries a 53rd week, None in a year without one.
    ``is_restated``: the first week was left out.
    """

    year: int
    months: tuple[FiscalMonth, ...]
    long_month: int | None = None
    is_restated: bool = False

    def __post_init__(self) -> None:
        if [month.number for month in self.months] != list(range(1, len(self.months) + 1)) or not self.months:
            raise PeriodError(
                _("The periods of the fiscal year %(year)s must be numbered from 1.") % {"year": self.year}
            )
        if any(month.year != self.year for month in self.months):
            raise PeriodError(_("A period of another year stands in the fiscal year %(year)s.") % {"year": self.year})
        _check_joined([month.period for month in self.months])
        if self.long_month is not None and not 1 <= self.long_month <= len(self.months):
            raise PeriodError(_("The fiscal year %(year)s has no period for its 53rd week.") % {"year": self.year})

    @property
    def period(self) -> Period:
        return Period(self.months[0].period.start, self.months[-1].period.end, f"FY{self.year}")

    @property
    def has_53_weeks(self) -> bool:
        return self.long_month is not None

    def quarter(self, number: int) -> Period:
        """The periods of one quarter together; PeriodError where the year has none of that number."""
        parts = [month.period for month in self.months if month.quarter == number]
        if not parts:
            raise PeriodError(
                _("The fiscal year %(year)s has no quarter %(number)s.") % {"year": self.year, "number": number}
            )
        return Period(parts[0].start, parts[-1].end, f"FY{self.year}-Q{number}")

    def restated(self) -> FiscalYear:
        """The year with 52 weeks: the first week is left out and every period up to the long one begins a week later.

        A year without a 53rd week is itself. Usual retail practice [R16], so that holidays fall into the same week.
        """
        if self.long_month is None:
            return self
        months = [
            month if month.number > self.long_month else _moved_a_week(month, is_long=month.number == self.long_month)
            for month in self.months
        ]
        return FiscalYear(self.year, tuple(months), long_month=None, is_restated=True)


@dataclass(frozen=True, slots=True)
class YearPair:
    """Two fiscal years to compare. ``is_uneven``: one has a 53rd week more, and the figures must say so."""

    base: FiscalYear
    comparison: FiscalYear

    @property
    def is_uneven(self) -> bool:
        return self.base.has_53_weeks != self.comparison.has_53_weeks


@dataclass(frozen=True)
class FiscalCalendar:
    """Fiscal years in a row, without a gap, as an explicit table."""

    years: tuple[FiscalYear, ...]

    def __post_init__(self) -> None:
        if not self.years or any(later.year != earlier.year + 1 for earlier, later in pairwise(self.years)):
            raise PeriodError(_("A fiscal calendar needs years that follow each other."))
        _check_joined([year.period for year in self.years])

    @cached_property
    def _by_year(self) -> dict[int, FiscalYear]:
        return {year.year: year for year in self.years}

    def __iter__(self) -> Iterator[FiscalMonth]:
        """Every period, ascending."""
        return (month for year in self.years for month in year.months)

    def year(self, number: int) -> FiscalYear:
        if number not in self._by_year:
            raise PeriodError(
                _("The fiscal calendar covers the years %(first)s to %(last)s, not %(year)s.")
                % {"first": self.years[0].year, "last": self.years[-1].year, "year": number}
            )
        return self._by_year[number]

    def part(self, year: int, *, months: int = MONTHS_PER_YEAR, number: int = 1, is_restated: bool = False) -> Period:
        """The ``number``-th stretch of ``months`` periods, as texts ask for it: the year, a half, a quarter or a period.

        is_restated : of a year with 53 weeks without its first one; a year with 52 is itself, under its own name
        """
        asked = self.year(year)
        if is_restated and asked.has_53_weeks:
            found = _part_of(asked.restated(), months=months, number=number)
            return Period(found.start, found.end, fiscal_label(year, months=months, number=number, is_restated=True))
        return _part_of(asked, months=months, number=number)

    def month_of(self, day: date) -> FiscalMonth:
        """The period a day lies in."""
        for month in self:
            if day in month.period:
                return month
        raise PeriodError(
            _("The fiscal calendar covers the years %(first)s to %(last)s, not %(year)s.")
            % {"first": self.years[0].year, "last": self.years[-1].year, "year": day}
        )

    def compared(self, base: int, comparison: int, *, is_restated: bool = True) -> YearPair:
        """Two years to compare: the first week of one with 53 weeks left out where the other has 52, or as they are."""
        pair = YearPair(self.year(base), self.year(comparison))
        if is_restated and pair.is_uneven:
            return YearPair(pair.base.restated(), pair.comparison.restated())
        return pair

    def like_for_like(self, number: int, *, as_of: date, is_restated: bool = True) -> Comparison:
        """A running fiscal year of weeks as far as it has elapsed against as many days of the year before.

        Weekdays match, because both begin on the same one. A running year keeps its first week, whatever its length; a
        base of 53 weeks leaves its own out. For a calendar of months take the function ``like_for_like``.
        """
        pair = self.compared(number - 1, number, is_restated=is_restated)
        running = self.year(number).period
        if running.last_day <= as_of:
            return Comparison(base=pair.base.period, comparison=pair.comparison.period, is_clipped=False)
        comparison, base = elapsed_part(running, as_of=as_of), pair.base.period
        end = min(base.end, base.start + timedelta(days=comparison.days))
        return Comparison(base=Period(base.start, end), comparison=comparison, is_clipped=True)


def _part_of(asked: FiscalYear, *, months: int, number: int) -> Period:
    if months in (MONTHS_PER_YEAR, MONTHS_PER_QUARTER):
        return asked.period if months == MONTHS_PER_YEAR else asked.quarter(number)
    if months == MONTHS_PER_HALF:
        first, last = asked.quarter(2 * number - 1), asked.quarter(2 * number)
        return Period(first.start, last.end, fiscal_label(asked.year, months=months, number=number))
    if number > len(asked.months):
        counted = {"year": asked.year, "count": len(asked.months)}
        raise PeriodError(_("The fiscal year %(year)s has %(count)s periods.") % counted)
    return asked.months[number - 1].period


def weeks_differ(base: Period, comparison: Period) -> bool:
    """Whether one of two fiscal periods of whole weeks has the 53rd week, or the week it brings, more than the other."""
    both_fiscal = is_fiscal(base.label) and is_fiscal(comparison.label)
    are_weeks = base.days % WEEK.days == 0 and comparison.days % WEEK.days == 0
    return both_fiscal and are_weeks and abs(base.days - comparison.days) == WEEK.days


def month_calendar(first: int, last: int, *, fiscal_start_month: int) -> FiscalCalendar:
    """Fiscal years of calendar months, named after the year they end in; start month 4 is the April year."""

    def one(year: int) -> FiscalYear:
        starts = fiscal_year(year, fiscal_start_month=fiscal_start_month).month_starts
        return _fiscal_year(year, [*starts, add_months(starts[-1], 1)])

    return FiscalCalendar(tuple(one(year) for year in _years(first, last)))


def week_calendar(
    first: int,
    last: int,
    *,
    pattern: WeekPattern,
    end_month: int,
    last_weekday: int = SATURDAY,
    year_end: YearEnd = YearEnd.NEAREST,
    is_named_by_start: bool = False,
) -> FiscalCalendar:
    """Fiscal years of 52 or 53 whole weeks that end on the same weekday at the end of ``end_month``.

    A 53rd week is the last of the last period. Years are named after the calendar year of their end month, or of the
    month after the last year's (the retail calendar: 4-5-4, January, Saturday, nearest, named by start).
    """
    if not 1 <= end_month <= MONTHS_PER_YEAR or not 0 <= last_weekday < WEEK.days:
        raise PeriodError(_("A year of weeks ends in a month from 1 to 12 on a weekday from 0 to 6."))

    def one(year: int) -> FiscalYear:
        named_end = year + (is_named_by_start and end_month < MONTHS_PER_YEAR)
        start = _last_day(named_end - 1, end_month, last_weekday, year_end) + timedelta(days=1)
        end = _last_day(named_end, end_month, last_weekday, year_end) + timedelta(days=1)
        edges = [start]
        for weeks in pattern.weeks * QUARTERS:
            edges.append(edges[-1] + weeks * WEEK)
        is_long = end > edges[-1]
        edges[-1] = end
        return _fiscal_year(year, edges, long_month=MONTHS_PER_YEAR if is_long else None)

    return FiscalCalendar(tuple(one(year) for year in _years(first, last)))


def calendar_from_rows(rows: Iterable[tuple[int, int, date, date]]) -> FiscalCalendar:
    """A company's own table: (fiscal year, number of the period, first day, last day included), in any order.

    The 53rd week of a year of 371 days lies in its first period that is a week longer than in a year of 52 weeks of the
    table, else in the last one.
    """
    by_year: dict[int, list[FiscalMonth]] = {}
    for year, number, start, last in sorted(rows):
        month = FiscalMonth(year, number, Period(start, last + timedelta(days=1), f"FY{year}-P{number:02}"))
        by_year.setdefault(year, []).append(month)
    short = next((months for months in by_year.values() if _weeks(months) == WEEKS_PER_YEAR), [])
    return FiscalCalendar(
        tuple(
            FiscalYear(year, tuple(months), long_month=_long_month(months, short)) for year, months in by_year.items()
        )
    )


def _years(first: int, last: int) -> range:
    if not FIRST_YEAR < first <= last <= LAST_YEAR:
        raise PeriodError(
            _("A fiscal calendar covers years from %(first)s to %(last)s, the first of them first.")
            % {"first": FIRST_YEAR + 1, "last": LAST_YEAR}
        )
    return range(first, last + 1)


def _fiscal_year(year: int, edges: Sequence[date], *, long_month: int | None = None) -> FiscalYear:
    months = [
        FiscalMonth(year, number, Period(start, end, f"FY{year}-P{number:02}"))
        for number, (start, end) in enumerate(pairwise(edges), 1)
    ]
    return FiscalYear(year, tuple(months), long_month=long_month)


def _last_day(year: int, month: int, weekday: int, year_end: YearEnd) -> date:
    """The last day of the year of weeks that ends with ``month`` of ``year``."""
    anchor = month_end(date(year, month, 1))
    last = anchor - timedelta(days=(anchor.weekday() - weekday) % WEEK.days)
    is_next_nearer = (anchor - last) * 2 > WEEK
    return last + WEEK if year_end is YearEnd.NEAREST and is_next_nearer else last


def _moved_a_week(month: FiscalMonth, *, is_long: bool) -> FiscalMonth:
    """The period begun a week later; the long one ends where it did."""
    end = month.period.end if is_long else month.period.end + WEEK
    return FiscalMonth(month.year, month.number, Period(month.period.start + WEEK, end, month.period.label))


def _weeks(months: Sequence[FiscalMonth]) -> float:
    return sum(month.period.days for month in months) / WEEK.days


def _long_month(months: Sequence[FiscalMonth], short: Sequence[FiscalMonth]) -> int | None:
    if _weeks(months) != WEEKS_PER_YEAR + 1:
        return None
    longer = (
        month.number for month, usual in zip(months, short, strict=False) if month.period.days > usual.period.days
    )
    return next(longer, months[-1].number)


def _check_joined(periods: Sequence[Period]) -> None:
    for earlier, later in pairwise(periods):
        if earlier.end != later.start:
            raise PeriodError(
                _("%(later)s must begin on the day after %(earlier)s ends.")
                % {"later": later.label, "earlier": earlier.label}
            )
