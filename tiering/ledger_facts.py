"""What the ledger says of every account, kept from night to night: only accounts that changed are counted anew.

Most accounts book nothing between two nights, and their sums stay what they were until a window moves with the month.
The roll-up marks whom a posting touched (``metrics.models_touched``); those, and whoever has an order between the last
night and this one, are read again. Ages are derived from the kept dates, so nothing goes stale by waiting. What is found
equals a full count, value for value (tests/tiering/test_ledger_facts.py). Which accounts a night looks at, and what is
written down for the next one, is in ``tiering.standing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Kind, as_sql, fetch
from metrics.rollup import EVERY_ACCOUNT, TOUCHED_ACCOUNT
from metrics.scope import Scope
from tiering import facts
from tiering.facts import USING, Dates, MonthLines
from tiering.graded_groups import Groups
from tiering.grading import MONEY_DECIMALS
from tiering.grouping import (
    Ints,
    distinct_pairs,
    group_counts,
    group_medians,
    places_of,
    sorted_distinct,
    window_sums,
)
from tiering.models_facts import KEPT, KEPT_MONEY, KeptLedger
from tiering.scoring import Bools, Floats
from tiering.windows import Windows

TABLE, TOUCHED = "tiering_ledgerfacts", TOUCHED_ACCOUNT
# Reading single accounts costs more each than reading all of them at once.
MOST_READ_ONE_BY_ONE = 0.2
COLUMNS: dict[str, Kind] = {"account_id": "int8", **dict.fromkeys(KEPT, "float8")}

Values = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class LedgerCount:
    """One array a name of KEPT, aligned with the accounts, and what it takes to keep them.

    values : NaN is not known; money and months of the windows, order days up to the as-of
    counted : which accounts were read from the ledger tonight; the others come from what was kept
    marks : (account id, mark) of the postings that are dealt with by it
    is_part : the accounts are some of all
    """

    ids: Ints
    values: Values
    counted: Bools
    question: str
    as_of: date
    marks: tuple[Ints, Ints]
    is_part: bool = False

    @property
    def is_full(self) -> bool:
        return bool(self.counted.all())


@dataclass(frozen=True, slots=True)
class _Asked:
    scope: Scope
    windows: Windows
    with_products: bool

    @property
    def question(self) -> str:
        return question_of(
            self.windows, basis=self.scope.basis, currency=self.scope.currency, with_products=self.with_products
        )


def question_of(windows: Windows, *, basis: str, currency: str, with_products: bool) -> str:
    """What the values are for; kept ones for another question are of no use."""
    spans = " ".join(f"{name}={period.start}..{period.end}" for name, period in windows.money.items())
    return f"{basis} {currency} {'products ' if with_products else ''}{spans}"


def count_ledger(
    scope: Scope, ids: Ints, windows: Windows, *, with_products: bool, use_kept: bool, is_part: bool = False
) -> LedgerCount:
    """The ledger's part of an evaluation for ``ids`` (ascending), read anew only where something changed.

    use_kept : False reads all of it; so does a foreign currency, as a rate may have changed under every account
    is_part : ``ids`` are some of all accounts
    Call it in the snapshot in which everything else is read.
    """
    asked = _Asked(scope, windows, with_products)
    marks = posted_marks()
    kept = _kept(asked, ids, is_part=is_part) if use_kept and not scope.is_translated else None
    counted = np.ones(len(ids), dtype=bool)
    if kept is not None and EVERY_ACCOUNT not in marks[0]:
        values, is_kept, until = kept
        counted = ~is_kept | np.isin(ids, marks[0]) | np.isin(ids, _ordered_since(scope, until, windows.as_of))
    if kept is None or (not is_part and counted.mean() > MOST_READ_ONE_BY_ONE):
        counted[:] = True
        values = _count(asked, ids, only=ids if is_part else None)
    elif counted.any():
        fresh = _count(asked, ids[counted], only=ids[counted])
        for name, found in fresh.items():
            values[name][counted] = found
    return LedgerCount(ids, values, counted, asked.question, windows.as_of, marks, is_part)


def count_groups(
    scope: Scope, own: LedgerCount, groups: Groups, windows: Windows, *, with_products: bool
) -> LedgerCount:
    """``own`` with the counts of whole groups at the accounts that are graded for them, all companies as one customer.

    Orders of several companies on one day are one day, a product that two of them buy is one: so these are counted from
    the roll-up of the members, and not added up.
    """
    if not len(groups):
        return own
    nodes = np.unique(groups.nodes)
    asked, places = _Asked(scope, windows, with_products), places_of(nodes, among=own.ids)
    values = {name: column.copy() for name, column in own.values.items()}
    for name, found in _count(asked, nodes, only=groups.members, groups=groups).items():
        values[name][places] = found
    return replace(own, values=values)


def forget() -> None:
    """Count everything anew the next night."""
    KeptLedger.objects.all().delete()


def posted_marks() -> tuple[Ints, Ints]:
    """(account id, mark) of what was posted since the last night; EVERY_ACCOUNT may be among them."""
    sql = f"SELECT {as_sql('account_id', 'int8')}, {as_sql('mark', 'int8')} FROM {TOUCHED}"
    rows = fetch(sql, [], {"account_id": "int8", "mark": "int8"}, using=USING)
    return rows["account_id"], rows["mark"]


def _kept(asked: _Asked, ids: Ints, *, is_part: bool) -> tuple[Values, Bools, date] | None:
    """(values, which accounts have some, the day up to which) of the same question; None where they are of no use."""
    known = KeptLedger.objects.filter(question=asked.question, as_of__lte=asked.windows.as_of).first()
    if known is None:
        return None
    picked = ", ".join(as_sql(name, kind) for name, kind in COLUMNS.items())
    only = ids if is_part else None
    sql = f"SELECT {picked} FROM {TABLE} WHERE true{facts.among('account_id', only)}"
    rows = fetch(sql, facts.these(only), COLUMNS, using=USING)
    here = np.isin(rows["account_id"], ids)
    places = places_of(rows["account_id"][here], among=ids)
    is_kept = np.zeros(len(ids), dtype=bool)
    is_kept[places] = True
    values = {name: np.full(len(ids), np.nan) for name in KEPT}
    for name, column in values.items():
        column[places] = rows[name][here]
    return values, is_kept, known.as_of


def _ordered_since(scope: Scope, after: date, until: date) -> Ints:
    """Accounts with an order on a day that was still ahead when the kept values were counted."""
    sql = (
        f"SELECT DISTINCT {as_sql('account_id', 'int8')} FROM metrics_accountday"
        " WHERE basis = %s AND orders > 0 AND day > %s AND day <= %s"
    )
    return fetch(sql, [scope.basis, after, until], {"account_id": "int8"}, using=USING)["account_id"]


def _count(asked: _Asked, ids: Ints, *, only: Ints | None, groups: Groups | None = None) -> Values:
    """Every name of KEPT for ``ids``, from the roll-up; ``only`` restricts the reads to them.

    groups : what is read of a member counts for the account graded for its group; ``ids`` are those accounts then
    """
    windows, scope = asked.windows, asked.scope
    lines = facts.month_lines(scope, first=windows.span.start, end=windows.span.end, only=only)
    lines = MonthLines(*_regrouped(groups, *(getattr(lines, one.name) for one in fields(lines))))
    days = _regrouped(groups, *facts.order_days(as_of=windows.as_of, basis=scope.basis, only=only))
    values = _money(lines, ids, windows) | _rhythm(ids, windows.as_of, *days)
    if asked.with_products:
        bought = facts.products_bought(windows=windows, basis=scope.basis, only=only)
        return values | _products(ids, *_regrouped(groups, *bought))
    return values | {name: np.full(len(ids), np.nan) for name in ("recent_products", "prior_products")}


def _regrouped(groups: Groups | None, account_ids: Ints, *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Rows of members under the account graded for their group; of others none."""
    if groups is None:
        return account_ids, *columns
    nodes = groups.node_of(account_ids)
    return tuple(column[nodes > 0] for column in (nodes, *columns))


def _money(lines: MonthLines, ids: Ints, windows: Windows) -> Values:
    """Revenue and gross profit of each window; NaN revenue where a rate is missing, NaN profit also without a cost.

    A stored cost that is no number gives an infinite profit, so that it is not taken for a missing one (quarantine).
    The windows cut time into slots; every line is added to its slot once, and a window is the sum of its slots.
    """
    places = places_of(lines.account_ids, among=ids)
    edges = sorted({edge for period in windows.money.values() for edge in (period.start, period.end)})
    slots = np.searchsorted(np.array(edges, dtype="datetime64[D]"), lines.days, side="right")
    inside = {
        name: [slot for slot in range(1, len(edges)) if period.start <= edges[slot - 1] < period.end]
        for name, period in windows.money.items()
    }

    def sums(values: Floats) -> Values:
        found = window_sums(
            values,
            places=places,
            slots=slots,
            windows=list(inside.values()),
            count=len(ids),
            slot_count=len(edges) + 1,
        )
        return dict(zip(inside, found, strict=True))

    revenue, cost = sums(lines.net), sums(lines.cost)
    unknown = sums(lines.lines_without_cost.astype(np.float64))
    found: Values = {}
    for name in inside:
        found[f"revenue_{name}"] = np.round(revenue[name], MONEY_DECIMALS)
        profit = np.round(revenue[name] - cost[name], MONEY_DECIMALS)
        profit = np.where(np.isnan(cost[name]) & ~np.isnan(revenue[name]), np.inf, profit)
        found[f"gross_profit_{name}"] = np.where(unknown[name] > 0, np.nan, profit)
    active = np.isin(slots, inside["ttm"]) & (lines.orders > 0)
    months = lines.days[active].astype("datetime64[M]").astype(np.int64)
    found["active_months"] = distinct_pairs(places[active], months, count=len(ids)).astype(np.float64)
    return found


def _rhythm(ids: Ints, as_of: date, account_ids: Ints, days: Dates) -> Values:
    """Last order day, median days between different order days, and how many of those there are."""
    places = places_of(account_ids, among=ids)
    width = int(np.datetime64(as_of).astype(np.int64)) + 1
    keys = sorted_distinct(places * width + days.astype(np.int64))
    places, numbers = keys // width, keys % width
    same = places[1:] == places[:-1]
    last = np.full(len(ids), np.nan)
    last[places] = numbers  # ascending, so the last one stays
    return {
        "last_order": last,
        "usual_gap": group_medians(np.diff(numbers)[same], places=places[1:][same], count=len(ids)),
        "order_days": group_counts(places, count=len(ids)).astype(np.float64),
    }


def _products(ids: Ints, account_ids: Ints, product_ids: Ints, is_recent: Bools) -> Values:
    """How many different products were bought in the last 12 months, and in the 12 before."""
    places = places_of(account_ids, among=ids)

    def different(chosen: Bools) -> Floats:
        return distinct_pairs(places[chosen], product_ids[chosen], count=len(ids)).astype(np.float64)

    return {"recent_products": different(is_recent), "prior_products": different(~is_recent)}


def of_money(count: LedgerCount) -> Mapping[str, Floats]:
    """The values that come from windows of time."""
    return {name: count.values[name] for name in (*KEPT_MONEY, "active_months")}
