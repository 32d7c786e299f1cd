"""Periods as pages offer them: the text of a period in a form people can type again, and presets in whole months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from crm.lib.periods import (
    MONTHS_PER_QUARTER,
    MONTHS_PER_YEAR,
    Period,
    add_months,
    last_complete_fiscal_year,
    last_complete_month,
    parse_period,
    ttm,
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A pair of periods one click away; ``base`` lies before ``comparison``."""

    label: Any
    base: str
    comparison: str
    is_now: bool = False


def read_period(text: str) -> Period:
    """A period as typed, by the company's fiscal year; raises PeriodError that names the accepted forms."""
    return parse_period(text, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)


def period_text(period: Period) -> str:
    """The period in one of the accepted forms; only for whole months."""
    first, last = period.start, period.last_day
    if period.months == 1:
        return f"{first:%Y-%m}"
    if period.months == MONTHS_PER_YEAR:
        return f"{first:%Y}" if first.month == 1 else f"ttm@{last:%Y-%m}"
    if period.months == MONTHS_PER_QUARTER and first.month % MONTHS_PER_QUARTER == 1:
        return f"{first:%Y}-Q{last.month // MONTHS_PER_QUARTER}"
    return f"{first:%Y-%m}..{last:%Y-%m}"


def base_of(comparison: Period) -> Period:
    """The period a comparison is held against unless another is chosen: the same months a year earlier where they lie
    before it, else as many months just before it."""
    earlier = comparison.shift_years(-1)
    return earlier if earlier.end <= comparison.start else comparison.previous()


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
    """Last 12 months, last full quarter, last full fiscal year, last month, each against the same months before."""
    fiscal = last_complete_fiscal_year(as_of, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
    month = last_complete_month(as_of)
    offered = (
        (_("Last 12 months"), ttm(as_of)),
        (_("Last full fiscal year"), fiscal),
        (_("Last full quarter"), last_complete_quarter(as_of)),
        (_("Last full month"), Period(month, add_months(month, 1))),
    )
    made = []
    for label, period in offered:
        before = base_of(period)
        texts = period_text(before), period_text(period)
        made.append(Preset(label, *texts, is_now=texts == (base, comparison)))
    return made
