"""What would it take to double? Covered accounts, active rate and revenue per active account, played with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import Period
from metrics import frames, reasons
from metrics.formulas import drivers as formula
from metrics.formulas.exact import BoolArray, exact_total, parts_in_units, positive_part, units_total
from metrics.formulas.peers import peer_gaps
from metrics.leaves import shared_values
from metrics.reasons import MissingRate
from metrics.scope import Level, Scope
from metrics.selectors import default_as_of
from metrics.services.activity import UnitWindow, unit_window
from metrics.services.base import AccountTable, Answer, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty
from metrics.services.portfolio import Bar

DRIVERS = ("covered_accounts", "active_rate", "revenue_per_active_account")
TARGET_MULTIPLE = 2.0  # the question as it is asked; the article's doubling principle [S004]
MIN_TARGET_MULTIPLE, MAX_TARGET_MULTIPLE = 0.01, 1000.0
MAX_ACCOUNTS = 10**9
MAX_MONEY = Decimal(10) ** 12
MAX_NEEDED = 1e15  # a driver that would have to be larger counts as out of reach
FLOAT_DIGITS = 15  # significant digits that every float64 holds
RATIO_DECIMALS = 9  # to which a ratio is rounded before it meets a threshold
WITHOUT_ORDER, BELOW_PEERS = "without_order", "below_peers"
PEERS = ("segment", "size")  # accounts of one value in both are peers (domain.md 7.1)
COMPARED = ("scenario_revenue", "change", "scenario_multiple", "target_revenue", "is_reached")
DriverValue = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: as it was in the period, as it is set, and what a target asks of it.

    multiple : value / current; effect : its part of the change, the three add up to it
    equal_value, equal_multiple : where all three grow alike until the target; an active rate stops at 1, and the others
    carry what it cannot
    needed : what this driver alone would have to be, the others as set; is_reachable : it exists, and as an active rate
    does not pass 1. Numbers of accounts are unrounded.
    """

    current: DriverValue | None
    value: DriverValue | None
    multiple: float | None = None
    effect: Decimal | None = None
    equal_value: DriverValue | None = None
    equal_multiple: float | None = None
    needed: DriverValue | None = None
    is_reachable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoublingFigures(Answer):
    """scenario_revenue = covered accounts × active rate × revenue per active account, as set; equal_factor is the cube
    root of the target multiple.

    without_order : accounts on the books without an order in the period, with their revenue above 0 of a year before;
    whether one is later than its own rhythm is another question (``services.sleepers``)
    below_peers : active accounts below the median of their peers, with what they lack to it
    ``table`` has revenue, prior_revenue, orders, last_order_on, peer_median, peer_gap, potential (either of the two) and
    the standing of each account.
    """

    revenue: Decimal | None
    scenario_revenue: Decimal | None
    change: Decimal | None
    scenario_multiple: float | None
    target_multiple: float
    target_revenue: Decimal | None
    is_reached: bool | None
    equal_factor: float
    drivers: Mapping[str, Driver]
    without_order: Bar
    below_peers: Bar
    prior: Period

    @property
    def without_order_revenue(self) -> Decimal | None:
        return self.without_order.amount

    @property
    def peer_gap(self) -> Decimal | None:
        return self.below_peers.amount

    def standing(self, name: str) -> AccountTable:
        """The accounts without an order in the period, or those that lie below their peers."""
        return self.table.where(self.table.columns["standing"] == name)


@says_why_empty
def doubling(
    accounts: AccountQuerySet,
    *,
    period: Period,
    covered_accounts: float | None = None,
    active_rate: float | None = None,
    revenue_per_active_account: Decimal | None = None,
    target_multiple: float = TARGET_MULTIPLE,
    **choices: Unpack[Choices],
) -> DoublingFigures:
    """What other drivers would have made of ``period`` for ``accounts`` (already limited to what the caller may see).

    A driver that is not given stays as it was. Covered and active as in ``services.activity``. Two queries over the
    roll-up and the accounts. Raises FormulaError for a driver below 0, an active rate above 1, a multiple not above 0.
    """
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    prior = _year_before(period)
    frame = frames.windows(scope, [period, prior], level=level, with_orders=True)
    units = units_of(frame.spans, level)
    now, is_known = unit_window(frame, units, 0), not frame.missing
    revenue = exact_total(now.revenue) if is_known else None
    current = _current(now, revenue)
    given = dict(zip(DRIVERS, (covered_accounts, active_rate, revenue_per_active_account), strict=True))
    asked = {name: current[name] if value is None else value for name, value in given.items()}
    problem = _problem(frame.missing, current, revenue)
    table = _table(scope, frame, units, now, is_known=is_known)
    if problem or revenue is None:
        found = _without_today(current, asked)
    else:
        found = _scenario(current, asked, revenue, target_multiple)
    undefined = [name for name in COMPARED if found[name] is None]
    why = dict.fromkeys(undefined, problem) | rates_missing(
        frame.missing, ("revenue", "without_order_revenue", "peer_gap")
    )
    return DoublingFigures(
        revenue=revenue,
        **found,
        target_multiple=target_multiple,
        equal_factor=float(formula.equal_driver_multiple(target_multiple)),
        without_order=_opportunity(table, WITHOUT_ORDER, "prior_revenue", is_known=is_known),
        below_peers=_opportunity(table, BELOW_PEERS, "peer_gap", is_known=is_known),
        prior=prior,
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "doubling", scope=scope, level=level, as_of=choices.get("as_of") or default_as_of(),
            accounts=int(now.is_covered.sum()), comparison=period,
        ),
        table=table,
    )  # fmt: skip


Values = Mapping[str, DriverValue | None]


def _year_before(period: Period) -> Period:
    """The same dates a year earlier where they lie before the period, else as long a period just before it."""
    earlier = period.shift_years(-1)
    return earlier if earlier.end <= period.start else period.previous()


def _current(now: UnitWindow, revenue: Decimal | None) -> dict[str, DriverValue | None]:
    covered, active = int(now.is_covered.sum()), int(now.is_active.sum())
    average = money.average(revenue, active) if revenue is not None else None
    return dict(zip(DRIVERS, (covered, active / covered if covered else None, average), strict=True))


def _problem(missing: Sequence[MissingRate], current: Values, revenue: Decimal | None) -> str:
    """Why today's drivers cannot be multiplied; empty where they can."""
    if missing:
        return reasons.missing_rates_sentence(missing)
    if not current["covered_accounts"]:
        return reasons.sentence("no_covered")
    if current["revenue_per_active_account"] is None:
        return reasons.sentence("no_active")
    return "" if revenue is not None and revenue > 0 else reasons.sentence("revenue_not_positive")


def _without_today(current: Values, asked: Values) -> dict[str, Any]:
    """What can be said where today's revenue is unknown or not above 0: the product of what was set, if all was."""
    values = [asked[name] for name in DRIVERS]
    known = [float(value) for value in values if value is not None and value >= 0]
    scenario = _rounded(float(formula.driver_scenario(known, known).revenue)) if len(known) == len(DRIVERS) else None
    drivers = {name: Driver(current[name], asked[name]) for name in DRIVERS}
    return dict.fromkeys(COMPARED) | {"scenario_revenue": scenario, "drivers": drivers}


def _scenario(current: Values, asked: Values, revenue: Decimal, target_multiple: float) -> dict[str, Any]:
    """The scenario against today, where today's revenue is above 0."""
    now, then = (np.array([float(values[name] or 0) for name in DRIVERS]) for values in (current, asked))
    played = formula.driver_scenario(now, then)
    after = revenue if current == asked else _rounded(float(played.revenue))
    change = np.array([int((after - revenue).scaleb(money.MONEY_PLACES))], dtype=object)
    effects = parts_in_units(played.effects[None, :], change, scale=float(revenue))[0]
    target = money.rounded(revenue * Decimal(str(target_multiple)))
    needed = formula.needed_drivers(then, target=float(revenue) * target_multiple)
    # A ratio meets its threshold rounded, so that float noise never decides.
    reachable = needed.is_reachable | (np.round(needed.values, RATIO_DECIMALS) <= 1)
    equal = formula.equal_driver_multiples(now, target_multiple=target_multiple)
    drivers = {
        name: Driver(
            current=current[name],
            value=asked[name],
            multiple=float(played.driver_multiples[at]),
            effect=units_total(effects[at : at + 1]),
            equal_value=_as_driver(name, float(now[at] * equal[at])),
            equal_multiple=float(equal[at]),
            needed=_as_driver(name, float(needed.values[at])),
            is_reachable=bool(reachable[at]) and float(needed.values[at]) <= MAX_NEEDED,
        )
        for at, name in enumerate(DRIVERS)
    }
    return {
        "scenario_revenue": after,
        "change": after - revenue,
        "scenario_multiple": float(played.multiple),
        "target_revenue": target,
        "is_reached": after >= target,
        "drivers": drivers,
    }


def _as_driver(name: str, value: float) -> DriverValue | None:
    """As the driver is written: money as Decimal; None where no value brings the target, or one beyond all reason."""
    if math.isnan(value) or value > MAX_NEEDED:
        return None
    return money.rounded(Decimal(value), places=money.AVERAGE_PLACES) if name == DRIVERS[-1] else value


def _rounded(amount: float) -> Decimal:
    """Money with 4 decimals; digits that float64 does not hold are no part of it."""
    return money.rounded(Decimal(f"{amount:.{FLOAT_DIGITS}g}"))


def _table(scope: Scope, frame: frames.Windows, units: Units, now: UnitWindow, *, is_known: bool) -> AccountTable:
    """The accounts on the books or with revenue: those without an order, and those below the median of their peers."""
    shown = AccountTable(units.ids, {}, units.members).shown_ids
    prior = units.sums(frame.net[:, 1])
    peers = shared_values(scope, PEERS, shown) if len(shown) else shown
    median, gap = peer_gaps(now.revenue, peers, now.is_active)
    is_silent = now.is_covered & ~now.is_active
    is_below: BoolArray = np.nan_to_num(gap) > 0
    unknown = np.full(prior.shape, np.nan)
    columns: dict[str, NDArray[Any]] = {
        "revenue": now.revenue,
        "prior_revenue": prior,
        "orders": now.orders,
        "last_order_on": units.latest(frame.spans.last_order_on),
        "peer_median": median if is_known else unknown,
        "peer_gap": gap if is_known else unknown,
        "potential": np.where(is_silent, positive_part(prior), np.nan_to_num(gap)) if is_known else unknown,
        "standing": np.select([is_silent, is_below & is_known], [WITHOUT_ORDER, BELOW_PEERS], default=""),
    }
    return AccountTable(units.ids, columns, units.members).where(now.is_covered | (now.revenue != 0))


def _opportunity(table: AccountTable, standing: str, column: str, *, is_known: bool) -> Bar:
    is_in = table.columns["standing"] == standing
    amount = exact_total(positive_part(table.columns[column][is_in])) if is_known else None
    return Bar(amount, int(is_in.sum()))
