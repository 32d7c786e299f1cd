"""The periods people write, read by the company's own facts: page, REST and drawer ask here."""

from __future__ import annotations

from datetime import date

from django.conf import settings

from accounts.calendars import active_calendar
from crm.lib.periods import Period, is_fiscal, is_running_now, last_complete_fiscal_year, parse_period
from metrics.selectors import default_as_of


def read_period(text: str) -> Period:
    """A period as typed, fiscal ones by the active calendar, else by FISCAL_YEAR_START_MONTH; ytd, qtd and mtd run up to the day the data go up to.

    Raises PeriodError that names the accepted forms.
    """
    return parse_period(
        text,
        fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
        as_of=default_as_of() if is_running_now(text) else None,
        fiscal=active_calendar() if is_fiscal(text) else None,
    )


def last_fiscal_year(as_of: date) -> Period | None:
    """The last fiscal year complete on a day; None where the active calendar does not reach it."""
    calendar = active_calendar()
    if calendar is not None:
        return calendar.last_complete(as_of)
    return last_complete_fiscal_year(as_of, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
