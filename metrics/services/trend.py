"""How a figure moved: totals of every month, quarter or year, and rolling-year rates at the end of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, add_months, last_complete_month, month_start
from crm.lib.spring import month_columns
from metrics import frames, reasons
from metrics.formulas.exact import exact_total
from metrics.formulas.retention import Retention, cohort_retention
from metrics.formulas.trend import year_pairs
from metrics.scope import Level, Scope
from metrics.selectors import data_start, default_as_of
from metrics.services.base import Passport, passport, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import reason_without_records

MAX_POINTS = 240
DEFAULT_MONTHS = 36
TTM_MONTHS = 12
MONTHS_BEHIND = 23  # months before the first point that a rolling comparison needs
Value = Decimal | float | int | None


class Interval(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        return {"month": 1, "quarter": 3, "year": 12}[self.value]

    def start_of(self, day: date) -> date:
        """First day of the calendar period ``day`` lies in."""
        return date(day.year, (day.month - 1) // self.months * self.months + 1, 1)

    def label_of(self, begin: date) -> str:
        """How the period that begins on this day is written: 2011, 2011-Q2, 2011-06."""
        if self is Interval.YEAR:
            return f"{begin.year}"
        return f"{begin.year}-Q{begin.month // 3 + 1}" if self is Interval.QUARTER else f"{begin:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series; None with its reason."""

    period: Period
    value: Value
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trend:
    """A series, oldest first. Rates of a rolling year compare the 12 months to the end of each period with the 12
    before."""

    metric: str
    interval: Interval
    points: tuple[Point, ...]
    currency: str
    passport: Passport


def _profit(sums: dict[str, Any]) -> Value:
    return None if sums["lines_without_cost"] else _amount(sums["net"]) - _amount(sums["cost"])


def _margin(sums: dict[str, Any]) -> Value:
    profit = _profit(sums)
    return None if profit is None or sums["net"] <= 0 else float(profit) / float(sums["net"])


# metric → (value of the sums of one period, reason where it is None)
FLOWS: dict[str, tuple[Callable[[dict[str, Any]], Value], str]] = {
    "revenue": (lambda sums: _amount(sums["net"]), ""),
    "orders": (lambda sums: int(sums["orders"]), ""),
    "active_accounts": (lambda sums: int(sums["active"]), ""),
    "average_order_value": (lambda sums: money.average(_amount(sums["net"]), int(sums["orders"])), "no_active"),
    "revenue_per_active_account": (lambda sums: money.average(_amount(sums["net"]), int(sums["active"])), "no_active"),
    "gross_profit": (_profit, "no_cost"),
    "margin": (_margin, "no_cost"),
}
NEEDS_RATES = frozenset(FLOWS) - {"orders", "active_accounts"}

ROLLING: dict[str, tuple[Callable[[Retention], Value], str]] = {
    "growth_rate": (lambda found: found.growth_rate, "no_cohort"),
    "overall_growth_rate": (lambda found: found.overall_growth_rate, "no_base"),
    "net_revenue_retention": (lambda found: found.net_revenue_retention, "no_cohort"),
    "gross_revenue_retention": (lambda found: found.gross_revenue_retention, "no_cohort"),
    "logo_retention": (lambda found: found.logo_retention, "no_cohort"),
    "ttm_revenue": (lambda found: found.total_comparison_revenue, ""),
}
TREND_METRICS = (*FLOWS, *ROLLING)


def trends(
    accounts: AccountQuerySet,
    *,
    metrics: Sequence[str],
    interval: Interval | str = Interval.MONTH,
    first: date | None = None,
    last: date | None = None,
    is_spring_joined: bool = False,
    **choices: Unpack[Choices],
) -> dict[str, Trend]:
    """Several series of ``accounts`` (already limited to what the caller may see), at most two queries for all of them.

    first, last : dates in the first and last period wanted; by default the last 36 complete months of the ledger.
    is_spring_joined : of a series by month, January and February as one point: the Spring Festival moves between them
    raises PeriodError : nothing between the two, or more than MAX_POINTS periods
    """
    interval, as_of = Interval(interval), choices.get("as_of") or default_as_of()
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    periods = _periods(interval, first=first, last=last, as_of=as_of)
    if is_spring_joined and interval is Interval.MONTH:
        periods = list(month_columns(Period(periods[0].start, periods[-1].end), is_spring_joined=True))
    found: dict[str, list[Point]] = {}
    flows, rolling = [m for m in metrics if m in FLOWS], [m for m in metrics if m in ROLLING]
    if flows:
        found |= _flow_points(scope, level, flows, periods, as_of)
    if rolling:
        found |= _rolling_points(scope, level, rolling, periods, as_of)
    is_empty = not any(point.value for points in found.values() for point in points)
    if is_empty and (reason := reason_without_records(accounts, choices.get("basis"))):
        found = {metric: [Point(point.period, None, reason) for point in points] for metric, points in found.items()}
    span = Period(periods[0].start, periods[-1].end)
    carried = passport("trend", scope=scope, level=level, as_of=as_of, accounts=scope.accounts.count(), comparison=span)
    return {m: Trend(m, interval, tuple(found[m]), scope.currency, carried) for m in metrics}


def trend(accounts: AccountQuerySet, *, metric: str, **choices: Any) -> Trend:
    """One series; choices as in ``trends``."""
    return trends(accounts, metrics=[metric], **choices)[metric]


def _periods(interval: Interval, *, first: date | None, last: date | None, as_of: date) -> list[Period]:
    end = last or last_complete_month(as_of)
    start = first or max(add_months(month_start(end), 1 - DEFAULT_MONTHS), data_start() or date.min)
    periods: list[Period] = []
    begin = interval.start_of(start)
    while begin <= end:
        if len(periods) == MAX_POINTS:
            raise PeriodError(
                _("A series has at most %(count)s points; choose a longer interval.") % {"count": MAX_POINTS}
            )
        after = add_months(begin, interval.months)
        periods.append(Period(begin, after, interval.label_of(begin)))
        begin = after
    if not periods:
        raise PeriodError(_("The series ends before it begins; choose an earlier start."))
    return periods


def _flow_points(
    scope: Scope, level: Level, metrics: list[str], periods: list[Period], as_of: date
) -> dict[str, list[Point]]:
    widths = [period.months for period in periods]
    sums, missing = frames.bucket_totals(
        scope, first=periods[0].start, buckets=len(periods), months_each=widths, level=level
    )
    known_from, found = data_start(), {}
    for metric in metrics:
        value_of, reason = FLOWS[metric]
        points = []
        for number, period in enumerate(periods):
            gap = _gap(period, known_from=known_from, as_of=as_of)
            if not gap and metric in NEEDS_RATES and sums["is_missing"][number]:
                gap = reasons.missing_rates_sentence(rate for rate in missing if rate.month in period.month_starts)
            value = None if gap else value_of({name: values[number] for name, values in sums.items()})
            points.append(Point(period, value, gap or (reasons.sentence(reason) if value is None else "")))
        found[metric] = points
    return found


def _rolling_points(
    scope: Scope, level: Level, metrics: list[str], periods: list[Period], as_of: date
) -> dict[str, list[Point]]:
    first = add_months(periods[0].end, -1 - MONTHS_BEHIND)
    columns = [Period(periods[0].start, period.end).months - periods[0].months for period in periods]
    months = MONTHS_BEHIND + 1 + columns[-1]
    # What a missing rate leaves unknown counts as nothing here; the points it touches are undefined below.
    spans, net, missing = frames.monthly(scope, first=first, months=months, level=level)
    monthly = units_of(spans, level).sums(net)
    prior, last = year_pairs(monthly)
    known_from = data_start()
    found: dict[str, list[Point]] = {metric: [] for metric in metrics}
    for column, period in zip(columns, periods, strict=True):
        retention = cohort_retention(prior[:, column], last[:, column])
        for metric in metrics:
            months_needed = TTM_MONTHS if metric == "ttm_revenue" else MONTHS_BEHIND + 1
            begins = add_months(period.end, -months_needed)
            gap = _rolling_gap(period, begins, known_from=known_from, as_of=as_of)
            lacking = [rate for rate in missing if begins <= rate.month < period.end]
            gap = gap or (reasons.missing_rates_sentence(lacking) if lacking else "")
            found[metric].append(Point(period, None, gap) if gap else _rolling_point(metric, period, retention))
    return found


def _rolling_point(metric: str, period: Period, retention: Retention) -> Point:
    value_of, reason = ROLLING[metric]
    value = value_of(retention)
    is_undefined = isinstance(value, float) and np.isnan(value)
    return Point(period, None, reasons.sentence(reason)) if is_undefined else Point(period, value)


def _gap(period: Period, *, known_from: date | None, as_of: date) -> str:
    if period.last_day > as_of:
        return reasons.sentence("period_open")
    return reasons.sentence("before_data") if known_from is None or period.end <= known_from else ""


def _rolling_gap(period: Period, begins: date, *, known_from: date | None, as_of: date) -> str:
    if period.last_day > as_of:
        return reasons.sentence("period_open")
    return reasons.sentence("short_history") if known_from is None or begins < known_from else ""


def _amount(value: NDArray[Any] | float) -> Decimal:
    return exact_total([float(value)])
