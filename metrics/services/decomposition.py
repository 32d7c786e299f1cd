"""What drove the change? The change in revenue split over covered accounts, active rate and revenue per active account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import Period, check_comparable
from metrics import frames, reasons
from metrics.formulas import decomposition as formula
from metrics.formulas.decomposition import Factor, PerformanceCounts, SplitMethod
from metrics.formulas.exact import UNITS_PER_ONE, parts_in_units, units_total, whole_units
from metrics.formulas.movers import Mover, movers
from metrics.leaves import Dimension, Leaves, leaves_of
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.activity import UnitWindow, unit_window
from metrics.services.base import AccountRow, AccountTable, Answer, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import reason_without_records
from metrics.services.portfolio import Bar

# Factors by the names that figures of one period already have.
FACTOR_KEYS = {
    Factor.COVERED_ACCOUNTS: "covered_accounts",
    Factor.ACTIVE_RATE: "active_rate",
    Factor.REVENUE_PER_ACTIVE: "revenue_per_active_account",
    Factor.ORDER_FREQUENCY: "order_frequency",
    Factor.REVENUE_PER_ORDER: "average_order_value",
}
UNATTRIBUTED = "unattributed"
FORMS = {len(factors): factors for factors in (formula.THREE_FACTORS, formula.FOUR_FACTORS)}
# Accounts behind the effect of a factor: those that came or went, woke or fell silent, spent more or less.
BEHIND: Mapping[str, tuple[Mover, ...]] = {
    "covered_accounts": (Mover.NEWLY_COVERED, Mover.NO_LONGER_COVERED),
    "active_rate": (Mover.BECAME_ACTIVE, Mover.WENT_SILENT),
    "revenue_per_active_account": (Mover.SPENDS_MORE, Mover.SPENDS_LESS),
    "order_frequency": (Mover.SPENDS_MORE, Mover.SPENDS_LESS),
    "average_order_value": (Mover.SPENDS_MORE, Mover.SPENDS_LESS),
    UNATTRIBUTED: (Mover.WITHOUT_ORDERS,),
}
AVERAGES = ("revenue_per_active_account", "average_order_value")  # factors that are money
NO_DENOMINATOR = {"active_rate": "no_covered"}  # others lack an active account


@dataclass(frozen=True, slots=True)
class Part:
    """What a factor was in both periods, None where undefined, and what its change did to revenue."""

    base: int | float | Decimal | None
    comparison: int | float | Decimal | None
    effect: Decimal | None


@dataclass(frozen=True, slots=True)
class Split:
    """One leaf, or the whole. ``parts``: the factors, then unattributed; change = sum of their effects, to the last
    digit. ``key`` is the leaf's value as filters take it."""

    key: str
    label: Any
    base_revenue: Decimal | None
    comparison_revenue: Decimal | None
    change: Decimal | None
    base_active: int
    comparison_active: int
    parts: Mapping[str, Part]

    @property
    def reasons(self) -> dict[str, str]:
        """Why a factor is undefined, by period and factor; missing rates are a matter of the answer."""
        windows = {"base": self.base_active, "comparison": self.comparison_active}
        return {
            f"{window}.{name}": reasons.sentence(NO_DENOMINATOR.get(name, "no_active"))
            for name, part in self.parts.items()
            for window, active in windows.items()
            if getattr(part, window) is None and name != UNATTRIBUTED and not active
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecompositionFigures(Answer):
    """change = sum of ``effects``, to the last digit.

    method : the one used; requested_method : the one asked for, LMDI gives way to Shapley where a factor is below 0
    whole : the split of the totals; leaves : one a value of ``by``, largest change first, empty without ``by``
    effects : of the leaves added up, or those of ``whole`` without leaves; mix : effects - those of the whole; both
    splits are exact and differ by the mix of the leaves, so the mix adds up to 0
    movers : change in revenue and number of accounts by what happened to them; with those unmoved they are the change
    ``table`` has base, comparison, change, orders of both windows and the mover of each account.
    """

    method: SplitMethod
    requested_method: SplitMethod
    factors: tuple[str, ...]
    by: Dimension | None
    whole: Split
    leaves: tuple[Split, ...]
    effects: Mapping[str, Decimal | None]
    mix: Mapping[str, Decimal | None]
    movers: Mapping[str, Bar]

    @property
    def is_fallback(self) -> bool:
        return self.method is not self.requested_method

    @property
    def base_revenue(self) -> Decimal | None:
        return self.whole.base_revenue

    @property
    def comparison_revenue(self) -> Decimal | None:
        return self.whole.comparison_revenue

    @property
    def change(self) -> Decimal | None:
        return self.whole.change

    def moved(self, *names: str) -> AccountTable:
        """The accounts of some movers."""
        return self.table.where(np.isin(self.table.columns["mover"], names))

    def behind(self, part: str, *, limit: int | None = None) -> list[AccountRow]:
        """The accounts behind the effect of a factor, largest change first."""
        return self.moved(*BEHIND[part]).rows(order_by="change", by_size=True, limit=limit)


def decomposition(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    method: SplitMethod | str = SplitMethod.SHAPLEY,
    factors: int = len(formula.THREE_FACTORS),
    by: Dimension | str | None = None,
    **choices: Unpack[Choices],
) -> DecompositionFigures:
    """The change in revenue of ``accounts`` (already limited to what the caller may see) between two periods, split.

    factors : 3, or 4 with orders per active account and revenue per order in place of revenue per active account
    by : split each leaf and add up; leaves as the accounts stand today
    Covered and active as in ``services.activity``. One query for the figures, two more with ``by``. Raises PeriodError
    unless the base ends before the comparison begins.
    """
    check_comparable(base, comparison)
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    frame = frames.windows(scope, [base, comparison], level=level, with_orders=True)
    units = units_of(frame.spans, level)
    windows = _Windows(unit_window(frame, units, 0), unit_window(frame, units, 1))
    dimension = Dimension(by) if by else None
    shown = AccountTable(units.ids, {}, units.members).shown_ids
    no_records = "" if len(units.ids) else reason_without_records(accounts, choices.get("basis"))
    found = _split(
        windows,
        leaves_of(scope, shown, dimension) if dimension and len(shown) else None,
        factors=FORMS[factors],
        method=SplitMethod(method),
        is_known=not frame.missing and not no_records,
    )
    table = _table(windows, units.ids, units.members)
    lacking = rates_missing(frame.missing, _money_fields(found.effects))
    if no_records:
        lacking = dict.fromkeys(_money_fields(found.effects), no_records)
    why = {**lacking, **found.reasons(SplitMethod(method))}
    return DecompositionFigures(
        method=found.method,
        requested_method=SplitMethod(method),
        factors=tuple(FACTOR_KEYS[factor] for factor in FORMS[factors]),
        by=dimension,
        whole=found.whole,
        leaves=found.leaves,
        effects=found.effects,
        mix=found.mix,
        movers=_movers(table, is_known=not frame.missing),
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "decomposition", scope=scope, level=level, as_of=choices.get("as_of") or default_as_of(),
            accounts=len(table), base=base, comparison=comparison,
        ),
        table=table,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """Both windows of every account or group."""

    base: UnitWindow
    comparison: UnitWindow

    @property
    def both(self) -> tuple[UnitWindow, UnitWindow]:
        return self.base, self.comparison


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    method: SplitMethod
    whole: Split
    leaves: tuple[Split, ...]
    effects: dict[str, Decimal | None]
    mix: dict[str, Decimal | None]

    def reasons(self, asked: SplitMethod) -> dict[str, str]:
        fallback = {} if self.method is asked else {"method": reasons.sentence("negative_factor")}
        return self.whole.reasons | fallback


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """One window of every leaf: counts, and revenue in whole ten-thousandths, each shape (leaves,)."""

    covered: NDArray[np.int64]
    active: NDArray[np.int64]
    orders: NDArray[np.int64]
    revenue: NDArray[Any]

    @property
    def counts(self) -> PerformanceCounts:
        return PerformanceCounts(
            self.covered, self.active, self.orders, np.asarray(self.revenue, dtype=np.float64) / UNITS_PER_ONE
        )

    def total(self) -> _Sums:
        return _Sums(*(np.array([column.sum()]) for column in (self.covered, self.active, self.orders, self.revenue)))


def _split(
    windows: _Windows, leaves: Leaves | None, *, factors: tuple[Factor, ...], method: SplitMethod, is_known: bool
) -> _Found:
    place = np.zeros(len(windows.base.orders), dtype=np.int64) if leaves is None else leaves.place
    revenue = whole_units(windows.base.revenue, windows.comparison.revenue)
    count = 1 if leaves is None else len(leaves.keys)
    sums = [_sums(window, units, place, count) for window, units in zip(windows.both, revenue, strict=True)]
    rolled = formula.roll_up(sums[0].counts, sums[1].counts, factors=factors, method=method)
    whole_sums = [one.total() for one in sums]
    whole = _splits(rolled.totals, whole_sums, [""], [""], is_known=is_known)[0]
    if leaves is None:
        effects = {name: part.effect for name, part in whole.parts.items()}
        return _Found(rolled.totals.method, whole, (), effects, {})
    every = _splits(rolled.leaves, sums, leaves.keys, leaves.labels, is_known=is_known)
    effects = {name: _added([leaf.parts[name].effect for leaf in every]) for name in whole.parts}
    mix = {name: _added([effects[name], _minus(part.effect)]) for name, part in whole.parts.items()}
    _assert_identity(whole, effects, mix)
    shown = [leaf for leaf in every if leaf.base_revenue or leaf.comparison_revenue or any(_sizes(leaf))]
    return _Found(rolled.leaves.method, whole, tuple(sorted(shown, key=_by_size)), effects, mix)


def _sums(window: UnitWindow, revenue: NDArray[Any], place: NDArray[np.int64], leaves: int) -> _Sums:
    units = np.zeros(leaves, dtype=revenue.dtype)
    np.add.at(units, place, revenue)
    return _Sums(
        covered=np.bincount(place, window.is_covered, leaves).astype(np.int64),
        active=np.bincount(place, window.is_active, leaves).astype(np.int64),
        orders=np.bincount(place, window.orders, leaves).astype(np.int64),
        revenue=units,
    )


def _splits(
    found: formula.Decomposition, sums: Sequence[_Sums], keys: Sequence[str], labels: Sequence[Any], *, is_known: bool
) -> list[Split]:
    """Money of each leaf exact, so that its parts add up to its change; None where a rate is missing."""
    base, comparison = sums
    change = comparison.revenue - base.revenue
    left = [np.where(one.active > 0, 0, one.revenue) for one in sums]  # no active account carries it
    scale = np.maximum(*(np.abs(one.counts.revenue) for one in sums))
    effects = parts_in_units(found.effects, change - (left[1] - left[0]), scale=scale)
    splits = []
    for number, (key, label) in enumerate(zip(keys, labels, strict=True)):
        parts = {
            FACTOR_KEYS[factor]: Part(
                _factor(factor, base, number, is_known=is_known),
                _factor(factor, comparison, number, is_known=is_known),
                _money(effects[number, place], is_known=is_known),
            )
            for place, factor in enumerate(found.factors)
        }
        before, after = (_money(one[number], is_known=is_known) for one in left)
        parts[UNATTRIBUTED] = Part(before, after, _added([after, _minus(before)]))
        splits.append(
            Split(
                key=key, label=label,
                base_revenue=_money(base.revenue[number], is_known=is_known),
                comparison_revenue=_money(comparison.revenue[number], is_known=is_known),
                change=_money(change[number], is_known=is_known),
                base_active=int(base.active[number]), comparison_active=int(comparison.active[number]), parts=parts,
            )
        )  # fmt: skip
    return splits


def _factor(factor: Factor, sums: _Sums, number: int, *, is_known: bool) -> int | float | Decimal | None:
    covered, active, orders = (int(column[number]) for column in (sums.covered, sums.active, sums.orders))
    if factor is Factor.COVERED_ACCOUNTS:
        return covered
    if factor is Factor.ACTIVE_RATE:
        return active / covered if covered else None
    if factor is Factor.ORDER_FREQUENCY:
        return orders / active if active else None
    if not is_known:
        return None
    revenue = units_total(sums.revenue[number : number + 1])
    return money.average(revenue, active if factor is Factor.REVENUE_PER_ACTIVE else orders)


def _money_fields(effects: Mapping[str, Decimal | None]) -> list[str]:
    windows = [f"{window}.{name}" for name in (*AVERAGES, UNATTRIBUTED) for window in ("base", "comparison")]
    return [*(f"effects.{name}" for name in effects), *windows, "base_revenue", "comparison_revenue", "change"]


def _money(units: Any, *, is_known: bool) -> Decimal | None:
    return Decimal(int(units)).scaleb(-money.MONEY_PLACES) if is_known else None


def _added(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _minus(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


def _assert_identity(whole: Split, effects: Mapping[str, Decimal | None], mix: Mapping[str, Decimal | None]) -> None:
    if _added(list(effects.values())) != whole.change or _added(list(mix.values())) not in (0, None):
        raise AssertionError("the parts do not add up to the change")


def _sizes(leaf: Split) -> tuple[Any, Any]:
    part = leaf.parts[FACTOR_KEYS[Factor.COVERED_ACCOUNTS]]
    return part.base, part.comparison


def _by_size(leaf: Split) -> tuple[Decimal, str]:
    return -abs(leaf.change or Decimal(0)), leaf.key


def _table(windows: _Windows, ids: frames.IntArray, members: dict[int, list[int]]) -> AccountTable:
    """The accounts that were covered, active or had revenue in one of the windows."""
    base, comparison = windows.both
    found = movers(
        base.is_covered, comparison.is_covered, base.is_active, comparison.is_active, base.revenue, comparison.revenue
    )
    columns: dict[str, NDArray[Any]] = {
        "base": base.revenue,
        "comparison": comparison.revenue,
        "change": np.round(comparison.revenue - base.revenue, money.MONEY_PLACES),
        "base_orders": base.orders,
        "comparison_orders": comparison.orders,
        "mover": found,
    }
    is_behind = base.is_covered | comparison.is_covered | (base.revenue != 0) | (comparison.revenue != 0)
    return AccountTable(ids, columns, members).where(is_behind)


def _movers(table: AccountTable, *, is_known: bool) -> dict[str, Bar]:
    bars = {}
    for mover in Mover:
        is_in = table.columns["mover"] == str(mover)
        amount = units_total(whole_units(table.columns["change"][is_in])[0]) if is_known else None
        bars[str(mover)] = Bar(amount, int(is_in.sum()))
    return bars
