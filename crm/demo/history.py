"""The demo company has been graded before: the last month-ends, one night each, so that grades have a past."""

from datetime import date, timedelta

from django.utils import timezone

from crm.demo.promises import fill_remediations
from crm.pipeline import run_night
from metrics.selectors import default_as_of, last_booked_on
from tiering.enums import RunTrigger
from tiering.models import TierRun
from tiering.publishing import last_published

MONTHS = 6


def grade_past_months(*, months: int = MONTHS) -> list[TierRun]:
    """Publish the nights of the last month-ends and of the default as-of that are not published yet, oldest first.

    A start that was killed half-way goes on where it stopped; a database that is up to date gets nothing.
    """
    if last_booked_on() is None:
        return []
    as_of = default_as_of()
    published = last_published()
    missing = [
        day for day in [*month_ends_before(as_of, months=months), as_of] if not published or day > published.as_of
    ]
    runs = [run_night(as_of=day, trigger=RunTrigger.COMMAND) for day in missing]
    if runs:
        fill_remediations(timezone.localdate())
    return runs


def month_ends_before(day: date, *, months: int) -> list[date]:
    """The ``months`` last month-ends before ``day``, oldest first."""
    ends: list[date] = []
    while len(ends) < months:
        day = day.replace(day=1) - timedelta(days=1)
        ends.append(day)
    return ends[::-1]
