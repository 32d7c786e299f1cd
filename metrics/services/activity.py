"""How many of our accounts order, how often, for how much?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Unpack

import numpy as np

from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import Period
from metrics import frames, reasons
from metrics.formulas import activity as formula
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty

MONEY_FIELDS = ("revenue", "average_order_value", "revenue_per_active_account", "unattributed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActivityFigures(Answer):
    """revenue = covered_accounts × active_rate × revenue_per_active_account wherever an account is active; averages of
    money have 12 decimals. unattributed: revenue of a period without an active account (late credit notes)."""

    covered_accounts: int
    active_accounts: int
    active_rate: float | None
    orders: int
    average_order_value: Decimal | None
    revenue_per_active_account: Decimal | None
    revenue: Decimal | None
    unattributed: Decimal | None
    repeat_rate: float | None
    returning_rate: float | None
    order_frequency: float | None


@dataclass(frozen=True, slots=True, eq=False)
class UnitWindow:
    """One window of every account or group, each shape (u,): on the books, number of orders, net revenue."""

    is_covered: BoolArray
    orders: frames.IntArray
    revenue: FloatArray

    @property
    def is_active(self) -> BoolArray:
        return self.orders > 0


def unit_window(frame: frames.Windows, units: Units, number: int) -> UnitWindow:
    """Window ``number`` of a frame that was read with orders: the one place that says who is covered and active."""
    period, spans, orders = frame.periods[number], frame.spans, frame.orders[:, number]
    on_books = formula.covered(
        spans.first_order_on, spans.closed_on, orders, start=np.datetime64(period.start), end=np.datetime64(period.end)
    )
    return UnitWindow(units.any(on_books), units.sums(orders), units.sums(frame.net[:, number]))


@says_why_empty
def activity(accounts: AccountQuerySet, *, period: Period, **choices: Unpack[Choices]) -> ActivityFigures:
    """Activity of ``accounts`` (already limited to what the caller may see) in one period; two queries."""
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    frame = frames.windows(scope, [period], level=level, with_orders=True)
    units = units_of(frame.spans, level)
    window, first = unit_window(frame, units, 0), units.earliest(frame.spans.first_order_on)
    is_covered, net, unit_orders = window.is_covered, window.revenue, window.orders
    days = np.zeros(len(units.ids), dtype=np.int64)
    ordered_ids, ordered_days = frames.order_days(scope, period, level=level)
    days[np.searchsorted(units.ids, ordered_ids)] = ordered_days
    start = np.datetime64(period.start)
    found = formula.window_activity(net, unit_orders, days, first, is_covered, start=start)
    why = Reasons()
    if frame.missing:
        why.by_field.update(rates_missing(frame.missing, MONEY_FIELDS))
    columns = {"revenue": net, "orders": unit_orders, "order_days": days, "first_order_on": first}
    table = AccountTable(units.ids, columns, units.members).where(is_covered | (net != 0))
    as_of: date = choices.get("as_of") or default_as_of()
    return ActivityFigures(
        covered_accounts=found.covered_accounts,
        active_accounts=found.active_accounts,
        active_rate=why.rate("active_rate", found.active_rate, "no_covered"),
        orders=found.orders,
        average_order_value=_average(why, "average_order_value", found.revenue, found.orders),
        revenue_per_active_account=_average(why, "revenue_per_active_account", found.revenue, found.active_accounts),
        revenue=None if frame.missing else found.revenue,
        unattributed=None if frame.missing else found.unattributed,
        repeat_rate=why.rate("repeat_rate", found.repeat_rate, "no_active"),
        returning_rate=why.rate("returning_rate", found.returning_rate, "no_active"),
        order_frequency=why.rate("order_frequency", found.order_frequency, "no_active"),
        currency=scope.currency,
        reasons=why.frozen(),
        passport=passport(
            "activity", scope=scope, level=level, as_of=as_of, accounts=found.covered_accounts, comparison=period
        ),
        table=table,
    )


def _average(why: Reasons, field: str, total: Decimal, count: int) -> Decimal | None:
    if field in why.by_field:
        return None
    value = money.average(total, count)
    if value is None:
        why.by_field[field] = reasons.sentence("no_active")
    return value
