"""How sure is a lifetime value? The middle 80 % of what refits on resampled customers say, account by account and together.

The refits are the night's (metrics.services.lifetime_fit): a page only values its accounts with each of them, and only
where these are few; what every account is worth together is kept by the night.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from crm.lib.remember import remembered
from metrics import reasons
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas import uncertainty
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.formulas.lifetime import per_step_discount
from metrics.formulas.uncertainty import ParameterDraws
from metrics.frames import IntArray
from metrics.scope import Scope
from metrics.selectors import company_basis
from metrics.services.lifetime_fit import FittedLifetime, Purchases

NAMES = ("clv", "expected_revenue")
ENDS = tuple(f"{name}_{end}" for name in NAMES for end in ("low", "high"))
MAX_ACCOUNTS = 1000  # that a page values with every refit, about half a second once; above it the night alone does
STEPS_PER_YEAR = 52  # weeks, as the yearly discount is split


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """The accounts an interval is about, in the units of the fit: ``ids`` ascending, all shape (n,).

    is_drawn : the model of orders values the account, and it is open; the rest adds ``fixed`` (money: expected revenue
    and its margin) to every draw, and rests_on names what that depends on besides the ledger
    """

    ids: IntArray
    purchases: Purchases
    margin: FloatArray
    is_drawn: BoolArray
    fixed: dict[str, FloatArray]
    rests_on: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """``columns`` hold the ends of each account under ENDS, NaN where it has none; ``totals`` those of all together, None
    where ``reason`` says why, or where some account's margin is not known."""

    columns: dict[str, FloatArray]
    totals: dict[str, Decimal | None]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    as_of: date
    horizon_months: int
    discount: float

    @property
    def steps(self) -> int:
        return max(1, round(self.horizon_months * STEPS_PER_YEAR / 12))

    @property
    def weekly(self) -> float:
        return per_step_discount(self.discount, steps_per_year=STEPS_PER_YEAR)


def intervals(scope: Scope, fitted: FittedLifetime, valued: Valued, outlook: Outlook) -> Intervals:
    """Intervals of the accounts of ``scope``: the night's where they are all accounts in the usual outlook, else computed
    where they are few and kept; otherwise none, with its reason. Never a refit."""
    if not valued.is_drawn.any() and (valued.fixed["expected_revenue"] > 0).any():
        return _nothing(valued, reasons.sentence("interval_contracts"))
    if fitted.draws is None:
        return _nothing(valued, reasons.sentence(fitted.draws_reason))
    kept = fitted.intervals
    if _is_the_nights(scope) and kept.get("of") == _about(scope, valued, outlook):
        return Intervals(_stored_columns(scope, valued, outlook), {name: _money(kept[name]) for name in ENDS})
    if len(valued.ids) > MAX_ACCOUNTS:
        return _nothing(valued, reasons.sentence("interval_many_accounts", limit=MAX_ACCOUNTS))
    draws, asked = fitted.draws, hashlib.sha256(valued.ids.tobytes()).hexdigest()
    night = (draws.point, draws.spend, draws.purchases[0], draws.asked)
    state = (*scope.state, valued.rests_on, *night, outlook, asked)
    columns, totals = remembered("lifetime_interval", state, lambda: computed(draws, valued, outlook))
    return Intervals(columns, {name: _money(value) for name, value in totals.items()})


def of_the_night(scope: Scope, valued: Valued, draws: ParameterDraws, outlook: Outlook) -> tuple[Any, dict[str, Any]]:
    """(ends of each account, what is to be stored of all together), for every account."""
    columns, totals = computed(draws, valued, outlook)
    return columns, {"of": _about(scope, valued, outlook), **totals}


def computed(
    draws: ParameterDraws, valued: Valued, outlook: Outlook
) -> tuple[dict[str, FloatArray], dict[str, float | None]]:
    """Both ends of each account, shape (n,), and of their sum; the sum is taken draw by draw."""
    n, drawn, own = len(valued.ids), valued.is_drawn, valued.purchases
    columns = {name: np.full(n, np.nan) for name in ENDS}
    totals: dict[str, float | None] = dict.fromkeys(ENDS, 0.0)
    if drawn.any():
        found = uncertainty.value_intervals(
            draws, frequency=own.frequency[drawn], recency=own.recency[drawn], age=own.age[drawn],
            mean_value=own.mean_value[drawn], margin=valued.margin[drawn], steps=outlook.steps, discount=outlook.weekly,
        )  # fmt: skip
        each = {"clv": (found.clv, found.total_clv), "expected_revenue": (found.revenue, found.total_revenue)}
        for name, (one, total) in each.items():
            columns[f"{name}_low"][drawn], columns[f"{name}_high"][drawn] = one.low, one.high
            totals[f"{name}_low"], totals[f"{name}_high"] = float(total.low), float(total.high)
    for end in ENDS:
        fixed = valued.fixed[end.rsplit("_", 1)[0]]
        value = float(totals[end] or 0.0) + float(fixed[~drawn].sum())
        totals[end] = value if np.isfinite(value) else None
        columns[end][~drawn & (fixed == 0)] = 0.0
    return columns, totals


def _is_the_nights(scope: Scope) -> bool:
    return scope.accounts.is_everything and scope.basis == company_basis() and not scope.has_moves


def _about(scope: Scope, valued: Valued, outlook: Outlook) -> str:
    """What the stored totals rest on, as a short text."""
    rests_on = repr((scope.state, valued.rests_on, outlook))
    return hashlib.sha256(rests_on.encode()).hexdigest()[:32]


def _nothing(valued: Valued, reason: str) -> Intervals:
    empty = np.full(len(valued.ids), np.nan)
    return Intervals(dict.fromkeys(ENDS, empty), dict.fromkeys(ENDS), reason)


def _stored_columns(scope: Scope, valued: Valued, outlook: Outlook) -> dict[str, FloatArray]:
    """The ends the night wrote for each account; one query."""
    kinds: dict[str, Kind] = {"account_id": "int8", **dict.fromkeys(ENDS, "float8")}
    picked = ", ".join(as_sql(name, kind) for name, kind in kinds.items())
    rows = fetch(
        f"SELECT {picked} FROM metrics_accountfigures WHERE as_of = %s AND currency = %s ORDER BY account_id",
        [outlook.as_of, scope.currency],
        kinds,
        using=scope.using,
    )
    columns = {name: np.full(len(valued.ids), np.nan) for name in ENDS}
    if len(rows["account_id"]):
        place = np.searchsorted(rows["account_id"], valued.ids).clip(max=len(rows["account_id"]) - 1)
        is_there = rows["account_id"][place] == valued.ids
        for name in ENDS:
            columns[name][is_there] = rows[name][place[is_there]]
    return columns


def _money(value: float | None) -> Decimal | None:
    return None if value is None else exact_total([round(value, 4)])
