"""The periods people write, read by the company's own facts: page, REST and drawer ask here."""

from __future__ import annotations

from django.conf import settings

from crm.lib.periods import Period, is_running_now, parse_period
from metrics.selectors import default_as_of


def read_period(text: str) -> Period:
    """A period as typed, by the company's fiscal year; ytd, qtd and mtd run up to the day the data go up to.

    Raises PeriodError that names the accepted forms.
    """
    return parse_period(
        text,
        fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
        as_of=default_as_of() if is_running_now(text) else None,
    )
