"""Periods as pages offer them: the text of a period in a form people can type again, and presets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.exceptions import PeriodError
from crm.lib.fiscal import WEEK, like_for_like, weeks_differ
from crm.lib.periods import (
    MONTHS_PER_QUARTER,
    MONTHS_PER_YEAR,
    Period,
    Running,
    add_months,
    is_fiscal,
    last_complete_month,
    running_of,
    ttm,
)
from crm.lib.spring import is_moved_by_spring_festival
from metrics.periods import last_fiscal_year, read_period


@dataclass(frozen=True, slots=True)
class Preset:
    """A pair of periods one click away; ``base`` lies before ``comparison``."""

    label: Any
    base: str
    comparison: str
    is_now: bool = False


def period_text(period: Period) -> str:
    """The period in one of the accepted forms; one that cuts a month by the form it was asked for."""
    first, last = period.start, period.last_day
    if not period.is_whole_months:
        return period.label
    if period.months == 1:
        return f"{first:%Y-%m}"
    if period.months == MONTHS_PER_YEAR:
        return f"{first:%Y}" if first.month == 1 else f"ttm@{last:%Y-%m}"
    if period.months == MONTHS_PER_QUARTER and first.month % MONTHS_PER_QUARTER == 1:
        return f"{first:%Y}-Q{last.month // MONTHS_PER_QUARTER}"
    return f"{first:%Y-%m}..{last:%Y-%m}"


def base_of(comparison: Period) -> Period:
    """The period a comparison is held against unless another is chosen: the same days or months a year earlier where they
    lie before it, else as many months just before it."""
    running = running_of(comparison)
    if running:
        day = comparison.last_day
        return running.until(like_for_like(running.whole(day), as_of=day).base.last_day)
    if not comparison.is_whole_months and is_fiscal(comparison.label):
        return _earlier_fiscal(comparison)
    earlier = comparison.shift_years(-1)
    return earlier if earlier.end <= comparison.start else comparison.previous()


def _earlier_fiscal(comparison: Period) -> Period:
    """The same periods of earlier fiscal years of a calendar of weeks. Raises PeriodError where it does not reach back."""
    years = [int(year) for year in _FISCAL_YEARS.findall(comparison.label)]
    behind = years[-1] - years[0] + 1
    return read_period(_FISCAL_YEARS.sub(lambda found: str(int(found[0]) - behind), comparison.label))


_FISCAL_YEARS = re.compile(r"(?<=FY)[0-9]{4}")


def notes_on(base: Period | None, comparison: Period | None) -> list[str]:
    """What to know before two periods are compared: that one is longer, or that a holiday moves between their months."""
    if base is None or comparison is None:
        return []
    notes = []
    if weeks_differ(base, comparison):
        weeks = {"comparison": comparison.days // WEEK.days, "base": base.days // WEEK.days}
        notes.append(
            _("%(comparison)s weeks against %(base)s: the longer period has a week more, which is part of the change.")
            % weeks
        )
    elif base.days != comparison.days:
        counts = {"comparison": comparison.days, "base": base.days}
        notes.append(_("The periods differ in length: %(comparison)s days against %(base)s.") % counts)
    if is_moved_by_spring_festival(base) or is_moved_by_spring_festival(comparison):
        notes.append(
            _("The Spring Festival moves from year to year, so single months from January to March compare badly; January"
              " and February together compare better.")
        )  # fmt: skip
    return notes


def default_comparison(as_of: date) -> Period:
    return ttm(as_of)


def last_complete_quarter(as_of: date) -> Period:
    """The last calendar quarter that is complete on ``as_of``."""
    month = last_complete_month(as_of)
    begin = add_months(month, -((month.month - 1) % MONTHS_PER_QUARTER))
    is_whole = month.month % MONTHS_PER_QUARTER == 0
    start = begin if is_whole else add_months(begin, -MONTHS_PER_QUARTER)
    return Period(start, add_months(start, MONTHS_PER_QUARTER))


def presets(as_of: date, *, base: str = "", comparison: str = "") -> Sequence[Preset]:
    """Whole periods and running ones, each against the same months or days before."""
    month = last_complete_month(as_of)
    offered = [
        (_("Last 12 months"), ttm(as_of)),
        (_("This year to date"), Running.YEAR.until(as_of)),
        (_("Last full fiscal year"), last_fiscal_year(as_of)),
        (_("Last full quarter"), last_complete_quarter(as_of)),
        (_("Last full month"), Period(month, add_months(month, 1))),
        (_("This quarter to date"), Running.QUARTER.until(as_of)),
        (_("This month to date"), Running.MONTH.until(as_of)),
    ]
    made, known = [], set()
    for label, period in offered:
        if period is None or (
            running_of(period) and period in known
        ):  # on the last day of a month, quarter or year nothing is running
            continue
        known.add(period)
        try:
            texts = period_text(base_of(period)), period_text(period)
        except PeriodError:  # the fiscal calendar begins with this year
            continue
        made.append(Preset(label, *texts, is_now=texts == (base, comparison)))
    return made
