"""Fiscal calendars as data: generated, checked whole, one of them active; the one place that says which."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import CalendarPattern
from accounts.models import FiscalCalendar, FiscalPeriodRow
from crm.lib import fiscal
from crm.lib.exceptions import PeriodError

MOST_YEARS = 100  # of one generated calendar


@transaction.atomic
def generate_calendar(
    *,
    name: str,
    pattern: str,
    first: int,
    last: int,
    month: int,
    last_weekday: int = fiscal.SATURDAY,
    year_end: fiscal.YearEnd = fiscal.YearEnd.NEAREST,
    is_named_by_start: bool = False,
) -> FiscalCalendar:
    """A calendar of the fiscal years first..last, not active yet.

    month : the first one of years of months; the one that years of weeks end in, on ``last_weekday`` (Monday is 0)
    raises PeriodError : the years or the month make no calendar, or the name is taken
    """
    if last - first >= MOST_YEARS:
        raise PeriodError(_("A calendar holds at most %(count)s years.") % {"count": MOST_YEARS})
    if FiscalCalendar.objects.filter(name=name).exists():
        raise PeriodError(_("There is a calendar “%(name)s” already; choose another name.") % {"name": name})
    if pattern == CalendarPattern.MONTHS:
        table = fiscal.month_calendar(first, last, fiscal_start_month=month)
    else:
        table = fiscal.week_calendar(
            first, last, pattern=fiscal.WeekPattern(pattern), end_month=month, last_weekday=last_weekday,
            year_end=year_end, is_named_by_start=is_named_by_start,
        )  # fmt: skip
    calendar = FiscalCalendar.objects.create(name=name)
    FiscalPeriodRow.objects.bulk_create(
        FiscalPeriodRow(
            calendar=calendar, year=one.year, number=one.number, starts_on=one.period.start, ends_on=one.period.last_day
        )
        for one in table
    )
    return calendar


@transaction.atomic
def activate_calendar(*, calendar: FiscalCalendar) -> FiscalCalendar:
    """From now on this calendar reads fiscal periods; a repeat changes nothing. PeriodError where it has a gap."""
    locked = {row.pk: row for row in FiscalCalendar.objects.select_for_update().order_by("pk")}
    chosen = locked[calendar.pk]
    table_of(chosen)
    for other in locked.values():
        if other.is_active and other.pk != chosen.pk:
            other.is_active = False
            other.save()
    chosen.is_active = True
    chosen.save()
    return chosen


@transaction.atomic
def deactivate_calendar(*, calendar: FiscalCalendar) -> None:
    """From now on fiscal years begin with FISCAL_YEAR_START_MONTH again."""
    chosen = FiscalCalendar.objects.select_for_update().get(pk=calendar.pk)
    chosen.is_active = False
    chosen.save()


def table_of(calendar: FiscalCalendar) -> fiscal.FiscalCalendar:
    """The rows as a calendar; one query. Raises PeriodError that names the gap."""
    return fiscal.calendar_from_rows(calendar.rows.values_list("year", "number", "starts_on", "ends_on"))


def active_calendar() -> fiscal.FiscalCalendar | None:
    """The active calendar, None where there is none; one look-up, its rows are read once a change."""
    found = FiscalCalendar.objects.filter(is_active=True).values_list("pk", "updated_at").first()
    return _table(*found) if found else None


@lru_cache(maxsize=8)
def _table(pk: int, _updated_at: datetime) -> fiscal.FiscalCalendar:
    return table_of(FiscalCalendar(pk=pk))
