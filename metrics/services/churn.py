"""Churned or only lapsed? Who bought nothing in a period may order seldom; gone is who is silent for longer than that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import numpy as np

from crm.lib.periods import add_months
from metrics import frames
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import BoolArray, exact_total
from metrics.formulas.patterns import OrderRhythm, order_rhythm
from metrics.frames_spans import IntArray
from metrics.scope import Level, Membership
from metrics.services.base import AccountTable
from metrics.services.portfolio import Bar, BridgeFigures, TwoPeriods

CHURN_MONTHS = 12  # without an order for longer, and for longer than CHURN_INTERVALS: churned (domain.md 1.2)
CHURN_INTERVALS = 2.0  # own median intervals
RATIO_DECIMALS = 9  # to which a ratio is rounded before it meets a threshold
STATE = "loss_state"  # the column of the table


class LossState(StrEnum):
    """What became of an account in the churned line of the bridge."""

    CHURNED = "churned"
    LAPSED = "lapsed"  # bought nothing in the comparison period, and by its own rhythm may still come


@dataclass(frozen=True, slots=True, eq=False)
class LossSplit:
    """The churned line of a bridge: churned + lapsed = the line, in amounts and accounts.

    as_of : the day the silence is counted to, the last of the comparison period or, earlier, of the data
    table : that of the bridge with loss_state, "" for accounts outside the line
    """

    as_of: date
    churned: Bar
    lapsed: Bar
    table: AccountTable

    def of(self, state: LossState) -> Bar:
        return self.churned if state is LossState.CHURNED else self.lapsed

    def behind(self, state: LossState) -> AccountTable:
        return self.table.where(self.table.columns[STATE] == state.value)


def is_churned(rhythm: OrderRhythm, *, as_of: date) -> BoolArray:
    """No order for more than CHURN_MONTHS and for more than CHURN_INTERVALS own median intervals, shape (n,).

    An account without a median interval: CHURN_MONTHS alone. One that has never ordered is not churned.
    """
    is_silent = rhythm.last_order_on < np.datetime64(add_months(as_of, -CHURN_MONTHS))
    ratio = np.round(rhythm.days_since_order / rhythm.median_interval_days, RATIO_DECIMALS)
    return np.asarray(is_silent & ~(ratio <= CHURN_INTERVALS))  # no interval of its own: not within it


def loss_split(found: TwoPeriods, bridge: BridgeFigures) -> LossSplit:
    """Tell the churned from the lapsed in the churned line of ``bridge``, the bridge of ``found``; one query.

    A group orders when any of its members does. Amounts are those of the line, at most 0.
    """
    as_of = min(found.as_of, found.comparison.last_day)
    table = bridge.table
    state = np.full(len(table), "", dtype=f"<U{max(map(len, LossState))}")
    line = str(BridgeLine.CHURNED)
    if line not in table.columns:  # a rate is missing, so nothing is known
        unknown = Bar(None, None)
        return LossSplit(as_of, unknown, unknown, table.with_columns({STATE: state}))
    lost = np.flatnonzero(table.columns[line] != 0)
    if len(lost):
        gone = is_churned(_rhythm(found, table, lost, as_of), as_of=as_of)
        state[lost] = np.where(gone, LossState.CHURNED.value, LossState.LAPSED.value)
    split = LossSplit(
        as_of=as_of,
        churned=_bar(table, state == LossState.CHURNED.value),
        lapsed=_bar(table, state == LossState.LAPSED.value),
        table=table.with_columns({STATE: state}),
    )
    _assert_whole(split, bridge.bars[line])
    return split


def _rhythm(found: TwoPeriods, table: AccountTable, lost: IntArray, as_of: date) -> OrderRhythm:
    """The rhythm of each account or group in the line, by the orders of all its accounts in view."""
    units = table.unit_ids[lost]
    if found.level == Level.GROUP and found.scope.membership == Membership.AS_WAS:
        return _rhythm_of_pieces(found, units, as_of)
    members = [table.members.get(unit, [unit]) for unit in units.tolist()]
    accounts = np.array([account for each in members for account in each], dtype=np.int64)
    place = np.repeat(np.arange(len(units)), [len(each) for each in members])
    order = np.argsort(accounts)
    account_ids, days = frames.order_history(found.scope, as_of=as_of, among=accounts)
    who = place[order][np.searchsorted(accounts[order], account_ids)]
    return order_rhythm(who, days, accounts=len(units), as_of=np.datetime64(as_of))


def _rhythm_of_pieces(found: TwoPeriods, units: IntArray, as_of: date) -> OrderRhythm:
    """Of groups as they were: an order belongs to the group its account was in on the day; two queries."""
    spans = frames.spans_of(found.scope, level=found.level)
    rows, days = frames.order_places(found.scope, spans, as_of=as_of)
    group = spans.unit_ids[rows]
    is_in = np.isin(group, units)
    who = np.searchsorted(units, group[is_in])
    return order_rhythm(who, days[is_in], accounts=len(units), as_of=np.datetime64(as_of))


def _bar(table: AccountTable, is_in: BoolArray) -> Bar:
    return Bar(exact_total(table.columns[str(BridgeLine.CHURNED)][is_in]), int(is_in.sum()))


def _assert_whole(split: LossSplit, line: Bar) -> None:
    parts = (split.churned, split.lapsed)
    whole = Bar(sum((bar.amount or Decimal(0) for bar in parts), Decimal(0)), sum(bar.accounts or 0 for bar in parts))
    if whole != line:
        raise AssertionError("churned and lapsed do not add up to the line")
