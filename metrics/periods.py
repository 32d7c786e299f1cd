"""The periods people write, read by the company's own facts: page, REST and drawer ask here."""

from __future__ import annotations

import re
from datetime import date

from django.conf import settings

from accounts.calendars import active_calendar
from crm.lib.exceptions import PeriodError
from crm.lib.fiscal import WEEK, WEEKS_PER_YEAR, weeks_differ
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


def restated_pair(base: Period | None, comparison: Period | None) -> tuple[str, str] | None:
    """The texts of base and comparison with the 53rd week's year restated; None where both have as many weeks."""
    if base is None or comparison is None or not weeks_differ(base, comparison):
        return None
    longer, other = (base, comparison) if base.days > comparison.days else (comparison, base)
    text = _YEAR_NAME.sub(r"\g<0>R", longer.label)
    try:
        is_mended = read_period(text).days == other.days
    except PeriodError:
        return None
    if not is_mended:
        return None
    return (text, comparison.label) if longer is base else (base.label, text)


_YEAR_NAME = re.compile(r"FY[0-9]{4}(?!R)", re.IGNORECASE)
