"""What does a new customer cost, when has it paid, and what does keeping one cost?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np

from accounts.enums import EffortPurpose
from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.exceptions import PeriodError
from crm.lib.periods import MONTHS_PER_QUARTER, MONTHS_PER_YEAR, Period, add_months
from metrics import frames, reasons
from metrics.formulas import acquisition as formula
from metrics.formulas.exact import BoolArray, DateArray, FloatArray, exact_total
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.scope import Level
from metrics.selectors import data_start, default_as_of
from metrics.services.base import AccountTable, Answer, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.efforts import EffortBook, EffortTotal, cost_each, effort_book
from metrics.services.trend import Interval, Point

QUARTERS = 8  # of the trend, up to the one the period ends in
HISTORY_MONTHS = 12  # of ledger before a window: without them an account that buys once a year would pass for a new one
MAX_LAG_MONTHS = 36
COST_MULTIPLE = 3.0  # the article's claim "a new customer costs at least 3 times as much", source unknown
NEW = (
    "new_accounts",
    "cac",
    "monthly_margin",
    "payback_months",
    "kept_accounts",
    "keeping_cost",
    "acquisition_cost_ratio",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AcquisitionFigures(Answer):
    """Money of the currency; what is None has its reason.

    acquisition_money, acquisition_hours : spent on winning customers in the period moved back by ``lag_months``
    new_accounts : first revenue ever within the period, and revenue above 0 in it; cac = acquisition_money ÷ them
    monthly_margin : gross profit of the new ÷ the months they were customers in; payback_months = cac ÷ monthly_margin
    is_never_paid_back : that margin is 0 or less
    kept_accounts : existing customers that bought; keeping_cost : what was spent on keeping ÷ them, for 12 months
    acquisition_cost_ratio : cac ÷ keeping_cost; acquisition_months, hours_only : months recorded, efforts without money
    trend : CAC of each quarter; ``table`` holds the new accounts
    """

    lag_months: int
    acquisition_money: Decimal | None
    acquisition_hours: Decimal | None
    new_accounts: int | None
    cac: Decimal | None
    monthly_margin: Decimal | None
    payback_months: float | None
    is_never_paid_back: bool
    retention_money: Decimal | None
    retention_hours: Decimal | None
    kept_accounts: int | None
    keeping_cost: Decimal | None
    acquisition_cost_ratio: float | None
    acquisition_months: int
    hours_only: int
    claimed_ratio: float
    trend: tuple[Point, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Customers:
    """Who was new and who was kept in the period, by account or group; NaN profit where a line has no cost."""

    table: AccountTable
    is_new: BoolArray
    is_kept: BoolArray
    months: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Won:
    """The net revenue of each quarter and the day of the first one, to count who was won in it."""

    frame: frames.Windows
    units: Units
    first: DateArray

    def in_quarter(self, number: int, quarter: Period) -> int:
        is_first = (self.first >= np.datetime64(quarter.start)) & (self.first < np.datetime64(quarter.end))
        return int((is_first & (self.units.sums(self.frame.series[:, number]) > 0)).sum())


def acquisition(
    accounts: AccountQuerySet, *, period: Period, lag_months: int = 0, **choices: Unpack[Choices]
) -> AcquisitionFigures:
    """Cost of winning and keeping customers among ``accounts`` (already limited to what the caller may see).

    One query for the customers and those of the efforts. Raises PeriodError for a lag outside 0 to MAX_LAG_MONTHS.
    """
    if not 0 <= lag_months <= MAX_LAG_MONTHS:
        raise PeriodError(str(reasons.sentence("out_of_range", low=0, high=MAX_LAG_MONTHS)))
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    quarters = _quarters(period)
    frame = frames.windows(scope, [period], level=level, with_cost=True, series=quarters)
    units = units_of(frame.spans, level)
    first = units.earliest(frame.spans.first_revenue_on)
    book = effort_book(scope, _loaded(period, quarters, lag_months))
    customers = _customers(frame, units, first, period)
    spent = book.total(EffortPurpose.ACQUISITION, _moved(period, lag_months))
    kept = book.total(EffortPurpose.RETENTION, period)
    known_from = data_start()
    why: dict[str, str] = {}
    if not is_new_known(period, known_from):
        why |= dict.fromkeys(NEW, reasons.sentence("new_unknown"))
    why |= rates_missing([rate for rate in frame.missing if rate.month in period.month_starts], NEW)
    figures = _figures(customers, spent, kept, period, why)
    won, hours = book.by_unit(EffortPurpose.ACQUISITION, period, frame.spans, units)
    table = customers.table.with_columns({"effort_money": won, "effort_hours": hours})
    return AcquisitionFigures(
        **figures,
        lag_months=lag_months,
        claimed_ratio=COST_MULTIPLE,
        trend=tuple(
            _trend(_Won(frame, units, first), book, quarters, lag_months=lag_months, as_of=as_of, known_from=known_from)
        ),
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "acquisition", scope=scope, level=level, as_of=as_of, accounts=len(units.ids), comparison=period
        ),
        table=table.where(customers.is_new),
    )


def _customers(frame: frames.Windows, units: Units, first: DateArray, period: Period) -> _Customers:
    net, cost = units.sums(frame.net[:, 0]), units.sums(frame.cost[:, 0])
    profit = gross_profit(net, cost, units.sums(frame.lines_without_cost[:, 0]))
    start, end = np.datetime64(period.start), np.datetime64(period.end)
    is_new, is_buying = formula.is_new_account(first, start=start), net > 0
    months = formula.customer_months(first, start=start, end=end)
    columns = {
        "revenue": net,
        "gross_profit": profit,
        "margin": gross_margin(net, profit),
        "months": months,
        "first_revenue_on": first,
    }
    return _Customers(AccountTable(units.ids, columns, units.members), is_new & is_buying, ~is_new & is_buying, months)


def _figures(
    customers: _Customers, spent: EffortTotal, kept: EffortTotal, period: Period, why: dict[str, str]
) -> dict[str, Any]:
    """Every figure of the period, with the reason of what is None put into ``why``, which may hold some already."""
    for name, total in (("acquisition", spent), ("retention", kept)):
        if total.money is None:
            why[f"{name}_money"] = total.money_reason
        if total.hours is None:
            why[f"{name}_hours"] = total.hours_reason
    is_known = "new_accounts" not in why
    new, old = int(customers.is_new.sum()), int(customers.is_kept.sum())
    cac = cost_each(spent, new, "no_new_account", "cac", why)
    yearly = MONTHS_PER_YEAR / period.months
    keeping = cost_each(kept, old, "no_kept_account", "keeping_cost", why, times=yearly)
    margin = _monthly_margin(customers, why)
    found = formula.payback([_number(cac)], [_number(margin)])
    if found.is_never[0]:
        why["payback_months"] = reasons.sentence("payback_never")
    elif cac is None or margin is None:
        why.setdefault("payback_months", why.get("cac") or why.get("monthly_margin", ""))
    if cac is None or keeping is None:
        why.setdefault("acquisition_cost_ratio", why.get("cac") or why.get("keeping_cost", ""))
    elif not keeping:
        why["acquisition_cost_ratio"] = reasons.sentence("keeping_costs_nothing")
    return {
        "acquisition_money": spent.money,
        "acquisition_hours": spent.hours,
        "retention_money": kept.money,
        "retention_hours": kept.hours,
        "new_accounts": new if is_known else None,
        "kept_accounts": old if is_known else None,
        "cac": cac,
        "keeping_cost": keeping,
        "monthly_margin": margin,
        "payback_months": None if np.isnan(found.months[0]) else float(found.months[0]),
        "is_never_paid_back": bool(found.is_never[0]),
        "acquisition_cost_ratio": float(cac / keeping) if cac is not None and keeping else None,
        "acquisition_months": spent.recorded_months,
        "hours_only": spent.hours_only,
    }


def _monthly_margin(customers: _Customers, why: dict[str, str]) -> Decimal | None:
    """Gross profit of the new customers ÷ the months they were customers in; one line without cost leaves it unknown."""
    if "monthly_margin" in why:
        return None
    profit, months = customers.table.columns["gross_profit"][customers.is_new], customers.months[customers.is_new]
    unknown = int(np.isnan(profit).sum())
    if not len(profit):
        why["monthly_margin"] = reasons.sentence("no_new_account")
    elif unknown:
        why["monthly_margin"] = reasons.sentence("cost_missing_for_accounts", found=unknown)
    else:
        return _money(float(exact_total(profit)) / months.sum())
    return None


def _trend(
    won: _Won, book: EffortBook, quarters: list[Period], *, lag_months: int, as_of: date, known_from: date | None
) -> Iterator[Point]:
    """CAC of each quarter: what was spent, ``lag_months`` before it, ÷ the customers won in it."""
    for number, quarter in enumerate(quarters):
        spent = book.total(EffortPurpose.ACQUISITION, _moved(quarter, lag_months))
        why: dict[str, str] = {}
        waiting = [rate for rate in won.frame.missing if rate.month in quarter.month_starts]
        if quarter.last_day > as_of:
            why["cac"] = reasons.sentence("period_open")
        elif not is_new_known(quarter, known_from):
            why["cac"] = reasons.sentence("new_unknown")
        elif waiting:
            why["cac"] = reasons.missing_rates_sentence(waiting)
        value = cost_each(spent, won.in_quarter(number, quarter), "no_new_account", "cac", why)
        yield Point(quarter, value, why.get("cac", ""))


def _quarters(period: Period) -> list[Period]:
    """The QUARTERS calendar quarters up to the one in which the period ends, oldest first."""
    last = Interval.QUARTER.start_of(period.last_day)
    starts = [add_months(last, -MONTHS_PER_QUARTER * back) for back in range(QUARTERS - 1, -1, -1)]
    return [Period(start, add_months(start, MONTHS_PER_QUARTER), Interval.QUARTER.label_of(start)) for start in starts]


def _loaded(period: Period, quarters: list[Period], lag_months: int) -> Period:
    """Every month that some window or its lag touches."""
    first = add_months(min(period.month_starts[0], quarters[0].start), -lag_months)
    return Period(first, max(add_months(period.month_starts[-1], 1), quarters[-1].end))


def _moved(period: Period, months: int) -> Period:
    """The period ``months`` earlier; one that cuts a month stays, for it has no efforts anyhow."""
    if not months or not period.is_whole_months:
        return period
    return Period(add_months(period.start, -months), add_months(period.end, -months))


def is_new_known(period: Period, known_from: date | None) -> bool:
    """The ledger reaches back HISTORY_MONTHS before the period, so that who is new in it can be told."""
    return known_from is not None and known_from <= add_months(period.start, -HISTORY_MONTHS)


def _number(value: Decimal | None) -> float:
    return float("nan") if value is None else float(value)


def _money(value: float) -> Decimal:
    return money.rounded(Decimal(float(value)))
