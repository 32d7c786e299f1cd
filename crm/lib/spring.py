"""The Spring Festival (春节) moves between January and February: columns that join the two, and months it disturbs."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, add_months

FEBRUARY = 2
MARCH = 3


def month_columns(period: Period, *, is_spring_joined: bool) -> tuple[Period, ...]:
    """Months of a period of whole months, ascending; joined: January and February as one column where both are in it.

    The Spring Festival (春节) moves between the two, so only their sum compares with another year's.
    """
    if not period.is_whole_months:
        raise PeriodError(_("Only a period of whole months has columns by month."))
    columns: list[Period] = []
    for start in period.month_starts:
        label = f"{start:%Y-%m}"
        if is_spring_joined and start.month == FEBRUARY and columns:
            january = columns.pop()
            columns.append(Period(january.start, add_months(start, 1), f"{january.label}..{label}"))
        else:
            columns.append(Period(start, add_months(start, 1), label))
    return tuple(columns)


def is_moved_by_spring_festival(period: Period) -> bool:
    """A single calendar month from January to March, or part of one: its comparison with another year is marked."""
    return period.months == 1 and period.start.month <= MARCH
