"""The periods people write, read by the company's own facts: page, REST and drawer ask here."""

from __future__ import annotations

from datetime import date

from django.conf import settings

from accounts.calendars import active_calendar
from crm.lib.fiscal import WEEK, WEEKS_PER_YEAR
from crm.lib.periods import Period, is_fiscal, is_running_now, last_complete_fiscal_year, parse_period
from metrics.selectors import default_as_of

LONGEST_YEAR = (WEEKS_PER_YEAR + 1) * WEEK


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
    """The last fiscal year complete on a day; None where the active calendar does not reach so far."""
    calendar = active_calendar()
    if calendar is not None:
        complete = [year.period for year in calendar.years if year.period.last_day <= as_of]
        return complete[-1] if complete and as_of - complete[-1].last_day < LONGEST_YEAR else None
    return last_complete_fiscal_year(as_of, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
