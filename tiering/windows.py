"""The dates an evaluation looks at, all from its as-of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crm.lib.periods import MONTHS_PER_HALF, Period, add_months, last_complete_fiscal_year, prior_ttm, ttm

MONEY_WINDOWS = ("ttm", "prior_ttm", "fy1", "fy2", "half1", "half2")


@dataclass(frozen=True, slots=True)
class Windows:
    """Whole months throughout: the last 12, the 12 before, two fiscal years, two half-years."""

    as_of: date
    ttm: Period
    prior: Period
    fy1: Period  # last complete fiscal year
    fy2: Period  # the one before
    half1: Period  # last complete half of a fiscal year
    half2: Period  # the one before

    @property
    def money(self) -> dict[str, Period]:
        periods = (self.ttm, self.prior, self.fy1, self.fy2, self.half1, self.half2)
        return dict(zip(MONEY_WINDOWS, periods, strict=True))

    @property
    def span(self) -> Period:
        """From the first to the last day any window needs."""
        periods = self.money.values()
        return Period(min(period.start for period in periods), max(period.end for period in periods))


def windows_at(as_of: date, *, fiscal_start_month: int) -> Windows:
    """Every window of an evaluation as of one day; a period is complete on its last day.

    Fiscal years here begin with ``fiscal_start_month`` and hold whole months, whatever fiscal calendar is active for
    pages and REST: grades compare years of equal length, and a calendar chosen later must change no past one.
    """
    fy1 = last_complete_fiscal_year(as_of, fiscal_start_month=fiscal_start_month)
    first_half_of_next = Period(fy1.end, add_months(fy1.end, MONTHS_PER_HALF))
    half1 = first_half_of_next
    if half1.last_day > as_of:
        half1 = first_half_of_next.previous()
    return Windows(
        as_of=as_of,
        ttm=ttm(as_of),
        prior=prior_ttm(as_of),
        fy1=fy1,
        fy2=fy1.previous(),
        half1=half1,
        half2=half1.previous(),
    )
