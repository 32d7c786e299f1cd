"""Do our contracts grow? The yearly value of the contracts in force on two days, by the formulas of revenue: growth, bridge
and retention of the same customers (the stock variant of domain.md 1.2).

Known is what was signed by the comparison day. A contract counts on a day within its term and before its cancellation, with
its value by the year at the exchange rate of the day it was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.money import rounded
from crm.lib.periods import Period, check_comparable
from metrics import reasons
from metrics.formulas import growth as growth_formula
from metrics.formulas.bridge import Bridge, BridgeLine, revenue_bridge
from metrics.formulas.contracts import annual_value, is_in_force
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.formulas.retention import Retention, cohort_retention
from metrics.frames import IntArray, Spans
from metrics.frames_backlog import (
    ContractBook,
    contract_book,
    contract_scope,
    contracts_in_view,
    signing_rates,
    units_of_accounts,
)
from metrics.leaves import Dimension
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope
from metrics.services.base import AccountTable, Answer, Reasons, passport, rates_missing, units_of
from metrics.services.breakdown import Breakdown, breakdown_of
from metrics.services.contract_lines import Listing, listing, without_answer
from metrics.services.portfolio import Bar, BridgeFigures, bar_of, bars_of

RATES = (
    "growth_rate", "overall_growth_rate", "net_revenue_retention", "gross_revenue_retention", "logo_retention",
)  # fmt: skip
AMOUNTS = ("base_value", "comparison_value", "total_base_value", "total_comparison_value")
COUNTS = ("cohort_accounts", "retained_accounts")
BARS = ("opening", *map(str, BridgeLine), "closing")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractGrowth(Answer):
    """Money is value by the year; cohort: accounts with a contract in force on the base day.

    left_out : contracts that may be in force on one of the days and of which nothing can be said; they are in no amount
    breakdown : the bridge leaf by leaf, where it was asked for
    """

    cohort_accounts: int | None
    retained_accounts: int | None
    base_value: Decimal | None
    comparison_value: Decimal | None
    total_base_value: Decimal | None
    total_comparison_value: Decimal | None
    growth_rate: float | None
    overall_growth_rate: float | None
    net_revenue_retention: float | None
    gross_revenue_retention: float | None
    logo_retention: float | None
    base_contracts: int
    comparison_contracts: int
    bridge: BridgeFigures
    breakdown: Breakdown | None
    left_out: Listing
    missing_rates: tuple[MissingRate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Contracts in force on one of the days, (r,): place in the book, value by the year on each day, NaN without a rate."""

    rows: IntArray
    base: FloatArray
    comparison: FloatArray
    is_running: BoolArray  # on the comparison day


@dataclass(frozen=True, slots=True, eq=False)
class _Stock:
    """Value by the year of each account or group on both days, (u,); first_on : first day of its first contract, ever.

    contracts : in force on the base day and on the comparison day, in number
    """

    table: AccountTable
    base: FloatArray
    comparison: FloatArray
    first_on: DateArray
    contracts: tuple[int, int]
    missing: tuple[MissingRate, ...]
    left_out: Listing


def contract_growth(
    accounts: AccountQuerySet,
    *,
    base: date,
    comparison: date,
    level: Level | str = Level.ENTITY,
    membership: Membership | str | None = None,
    currency: str | None = None,
    by: Dimension | str | None = None,
) -> ContractGrowth:
    """Contracts of ``accounts`` (already limited to what the caller may see) in force on two days; the same
    number of statements however many there are. Groups are those of today, whatever ``membership``.

    raises PeriodError : the base day is not before the comparison day
    """
    days = _day(base), _day(comparison)
    check_comparable(*days)
    level, scope = Level(level), contract_scope(accounts, currency=currency)
    stock = _stock(scope, level, base, comparison)
    carried = passport(
        "contract_growth", scope=scope, level=level, as_of=comparison, accounts=len(stock.table), base=days[0],
        comparison=days[1],
    )  # fmt: skip
    shared: dict[str, Any] = {
        "currency": scope.currency, "passport": carried, "table": stock.table, "missing_rates": stock.missing,
    }  # fmt: skip
    counted: dict[str, Any] = {
        "base_contracts": stock.contracts[0], "comparison_contracts": stock.contracts[1], "left_out": stock.left_out,
    }  # fmt: skip
    if stock.missing:
        unknown = rates_missing(stock.missing, [*RATES, *AMOUNTS, *COUNTS, *BARS])
        nothing: dict[str, Any] = dict.fromkeys((*RATES, *AMOUNTS, *COUNTS))
        bridge = _bridge_figures(None, shared | {"reasons": unknown})
        return ContractGrowth(**shared, **counted, **nothing, reasons=unknown, bridge=bridge, breakdown=None)
    why = Reasons()
    told = _told(cohort_retention(stock.base, stock.comparison), why)
    found = revenue_bridge(
        stock.base, stock.comparison, stock.first_on,
        base_end=np.datetime64(days[0].end), comparison_start=np.datetime64(comparison),
    )  # fmt: skip
    effects = {str(line): effect for line, effect in found.effects.items()}
    shared["table"] = stock.table.with_columns(effects)
    bridge = _bridge_figures(found, shared | {"reasons": {}})
    leaves = breakdown_of(scope, bridge, by=Dimension(by)) if by else None
    return ContractGrowth(**shared, **counted, **told, reasons=why.frozen(), bridge=bridge, breakdown=leaves)


def _told(found: Retention, why: Reasons) -> dict[str, Any]:
    amounts = {name: getattr(found, name.replace("value", "revenue")) for name in AMOUNTS}
    rates = {name: why.rate(name, getattr(found, name), "no_contract_in_force") for name in RATES}
    return {name: getattr(found, name) for name in COUNTS} | amounts | rates


def _bridge_figures(found: Bridge | None, shared: dict[str, Any]) -> BridgeFigures:
    """The lines as those of revenue; without a second reading at other rates, since those of signing are frozen."""
    nothing = Bar(None, None)
    bars = dict.fromkeys(BARS, nothing)
    if found is not None:
        bars = {"opening": bar_of(found.opening), **bars_of(found.lines), "closing": bar_of(found.closing)}
    return BridgeFigures(
        **shared, bars=bars, new_in_comparison=bar_of(found.new_in_comparison) if found else nothing,
        new_between=bar_of(found.new_between) if found else nothing, constant_lines={}, fx_effect=nothing,
        constant_growth_rate=None, constant_overall_growth_rate=None,
    )  # fmt: skip


def _stock(scope: Scope, level: Level, base: date, comparison: date) -> _Stock:
    book = contract_book(contracts_in_view(scope), as_of=comparison)
    every = np.ones(len(book.ids), dtype=bool)
    broken = without_answer(book, as_of=comparison, needs_term=every)
    broken = {
        at: key for at, key in broken.items() if key != "contract_other_currency"
    }  # what was recognised is no matter
    is_known = np.asarray(book.known_on <= np.datetime64(comparison), dtype=bool)
    is_known[list(broken)] = False
    is_on = [_in_force(book, day) & is_known for day in (base, comparison)]
    rows = np.flatnonzero(is_on[0] | is_on[1])
    rates, missing = signing_rates(scope, [book.currency[at] for at in rows], book.known_on[rows])
    worth = annual_value([book.amount[at] or Decimal(0) for at in rows], book.first_on[rows], book.last_on[rows])
    value = np.array(
        [float(rounded(one * rate)) if rate is not None else np.nan for one, rate in zip(worth, rates, strict=True)],
        dtype=np.float64,
    )
    listed = {at: reasons.sentence(key) for at, key in broken.items() if _may_matter(book, at, base, comparison)}
    counted = _Counted(rows, value * is_on[0][rows], value * is_on[1][rows], is_on[1][rows])
    table, first_on = _units(scope, level, book, is_known, counted)
    lacking = tuple(sorted({one for one in missing if one is not None}))
    return _Stock(
        table, table.columns["base"], table.columns["comparison"], first_on,
        (int(is_on[0].sum()), int(is_on[1].sum())), lacking, listing(book, listed),
    )  # fmt: skip


def _units(
    scope: Scope, level: Level, book: ContractBook, is_known: BoolArray, counted: _Counted
) -> tuple[AccountTable, DateArray]:
    """(base, comparison and change of every account or group with a contract on one of the days, first day of its first)."""
    known = np.flatnonzero(is_known)
    account_ids, place = np.unique(book.account_ids[known], return_inverse=True)
    unit_ids, is_older = units_of_accounts(scope, account_ids, level=level)
    first = np.full(len(account_ids), np.datetime64(date.max))
    np.minimum.at(first, place, book.first_on[known])
    first[is_older] = np.datetime64(date.min)  # a customer before the data start is never new
    never = np.full(len(account_ids), np.datetime64("NaT"), dtype="datetime64[D]")
    units = units_of(Spans(account_ids, unit_ids, never, never, first, never), level)
    at = np.searchsorted(account_ids, book.account_ids[counted.rows])
    flows = (counted.base, counted.comparison, np.ones(len(at)), counted.is_running.astype(np.float64))
    sums = [_sum(at, flow, len(account_ids)) for flow in flows]
    base, comparison, behind, running = (units.sums(one) for one in sums)
    is_behind = behind > 0
    columns: dict[str, NDArray[Any]] = {
        "base": base, "comparison": comparison, "change": np.round(comparison - base, 4),
        "growth_rate": growth_formula.growth_rate(base, comparison), "contracts": running.astype(np.int64),
    }  # fmt: skip
    table = AccountTable(units.ids, columns, units.members).where(is_behind)
    return table, units.earliest(first)[is_behind]


def _sum(place: IntArray, values: FloatArray, count: int) -> FloatArray:
    total = np.zeros(count)
    np.add.at(total, place, values)
    return np.round(total, 4)


def _in_force(book: ContractBook, day: date) -> BoolArray:
    return is_in_force(book.first_on, book.last_on, book.cancelled_on, day=np.datetime64(day))


def _may_matter(book: ContractBook, at: int, base: date, comparison: date) -> bool:
    """What is known of its term does not rule out that it is in force on one of the days."""
    first, last = book.first_on[at], book.last_on[at]
    begins = np.isnat(first) or first <= np.datetime64(comparison)
    return bool(begins and (np.isnat(last) or last >= np.datetime64(base)))


def _day(day: date) -> Period:
    return Period(day, day + timedelta(days=1), day.isoformat())
