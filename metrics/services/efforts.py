"""What was spent on winning and on keeping customers, in money and hours: shared by every question that weighs it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from accounts.enums import EffortPurpose
from crm.lib import money
from crm.lib.periods import Period
from metrics import reasons
from metrics.formulas.acquisition import acquisition_cost
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.frames import Spans
from metrics.frames_efforts import Efforts, efforts, month_place
from metrics.scope import Scope
from metrics.services.base import Units


@dataclass(frozen=True, slots=True)
class EffortTotal:
    """Money and hours of one purpose in one period; None where unknown, with its sentence.

    recorded_months : months with any effort of the purpose; hours_only : efforts without money, whose cost is not in it
    """

    money: Decimal | None
    hours: Decimal | None
    money_reason: str
    hours_reason: str
    recorded_months: int
    hours_only: int


@dataclass(frozen=True, slots=True, eq=False)
class EffortBook:
    """Efforts of some months, loaded once; periods are read off it.

    is_whole : all accounts are in view, and with them what was spent for none in particular
    """

    found: Efforts
    is_whole: bool

    def total(self, purpose: EffortPurpose, period: Period) -> EffortTotal:
        """Undefined for periods that cut a month, and where only some accounts are in view."""
        if not period.is_whole_months or not self.is_whole:
            why = reasons.sentence("efforts_by_month" if not period.is_whole_months else "efforts_company_wide")
            return EffortTotal(None, None, why, why, 0, 0)
        rows, found = self._rows(purpose, period), self.found
        money_reason = self._money_reason(purpose, period, rows)
        has_hours = bool(found.timed[rows].sum())
        return EffortTotal(
            money=None if money_reason else exact_total(found.amount[rows]),
            hours=exact_total(found.hours[rows]) if has_hours else None,
            money_reason=money_reason,
            hours_reason="" if has_hours else reasons.sentence(f"no_{purpose.value}_hours"),
            recorded_months=len(np.unique(found.month[rows])),
            hours_only=int(found.unpaid[rows].sum()),
        )

    def _money_reason(self, purpose: EffortPurpose, period: Period, rows: BoolArray) -> str:
        """Why the money is not known; empty where it is."""
        if self.found.is_missing[rows].any():
            waiting = [rate for rate in self.found.missing if period.start <= rate.month < period.end]
            return reasons.missing_rates_sentence(waiting)
        return "" if self.found.paid[rows].sum() else reasons.sentence(f"no_{purpose.value}_money")

    def by_unit(
        self, purpose: EffortPurpose, period: Period, spans: Spans, units: Units
    ) -> tuple[FloatArray, FloatArray]:
        """(money, hours) spent for each account or group by name, (u,); NaN where none is recorded or a rate is missing."""
        count, found = len(units.ids), self.found
        if not period.is_whole_months or not count:
            return np.full(count, np.nan), np.full(count, np.nan)
        at, is_found = spans.current(found.account_ids)  # no account is in nobody's place
        rows = self._rows(purpose, period) & is_found
        place = units.place[at[rows[is_found]]]
        money, hours = (np.round(np.bincount(place, given[rows], count), 4) for given in (found.amount, found.hours))
        paid, timed = (np.bincount(place, given[rows], count) > 0 for given in (found.paid, found.timed))
        waits = np.bincount(place, found.is_missing[rows], count) > 0
        return np.where(paid & ~waits, money, np.nan), np.where(timed, hours, np.nan)

    def _rows(self, purpose: EffortPurpose, period: Period) -> BoolArray:
        first, last = month_place(period, self.found.first)
        is_purpose = self.found.is_acquisition == (purpose is EffortPurpose.ACQUISITION)
        return np.asarray(is_purpose & (self.found.month >= first) & (self.found.month < last))


def cost_each(
    total: EffortTotal, count: int, nobody: str, name: str, why: dict[str, str], *, times: float = 1.0
) -> Decimal | None:
    """Money ÷ customers; None where either is missing, or ``why`` says so already; its reason goes there as ``name``."""
    if name in why:
        return None
    if total.money is None:
        why[name] = total.money_reason
        return None
    each = acquisition_cost([float(total.money) * times], [count])[0]
    if np.isnan(each):
        why[name] = reasons.sentence(nobody)
        return None
    return money.rounded(Decimal(float(each)))


def effort_book(scope: Scope, period: Period) -> EffortBook:
    """The efforts of every month that ``period`` touches; the queries of ``frames_efforts.efforts``."""
    return EffortBook(
        efforts(scope, first=period.month_starts[0], months=period.months), is_whole=scope.accounts.is_everything
    )
