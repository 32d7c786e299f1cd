"""Who is about to leave? Points of risk from named signals, what is at stake, and whether the points are any good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, prior_ttm, ttm
from metrics import frames
from metrics.formulas.decline import LATE_RHYTHM, DeclineRisk, RiskBand, Signal, decline_risk, lost_share
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.formulas.patterns import OrderRhythm, order_rhythm
from metrics.frames import Windows
from metrics.frames_figures import alive_chances
from metrics.frames_products import product_counts, products_as_of
from metrics.scope import Level, Scope
from metrics.selectors import company_basis, data_start, default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.decline_backtest import DeclineBacktest, decline_backtest
from metrics.services.empty_basis import says_why_empty

CHANCE_DAYS = 31  # a chance of the night is used for so long
RATIO_DECIMALS = 9  # to which a ratio is rounded before it meets a threshold
SIGNALS = (Signal.RHYTHM, Signal.CHANCE_GONE, Signal.REVENUE_TREND, Signal.BREADTH_LOSS)  # what the ledger can know
MONEY_FIELDS = ("at_risk_money", "late_rhythm_money")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeclineFigures(Answer):
    """Of accounts with revenue above 0 in the last 12 months; who bought nothing for a year has left already.

    at_risk : the band high; watch : the band below it; late_rhythm : two usual intervals and more since the last order,
    the plain rule that points must beat. ``is_by_points``: the points have beaten it in ``backtest``, or no test was
    possible; else the list goes by the plain rule. What is at stake at an account is its revenue of the better of the
    last two years. The table holds every such account: points, <signal>_points (NaN where the signal is not known),
    band, rhythm, evidence, ttm_revenue, prior_ttm_revenue, money_at_stake, last_order_on.
    """

    watched_accounts: int
    at_risk_accounts: int
    watch_accounts: int
    unknown_accounts: int
    late_rhythm_accounts: int
    at_risk_money: Decimal | None
    late_rhythm_money: Decimal | None
    is_by_points: bool
    backtest: DeclineBacktest

    @property
    def order_by(self) -> str:
        """The column the list goes by."""
        return "points" if self.is_by_points else "rhythm"

    @property
    def is_late_rhythm(self) -> BoolArray:
        """Of each row of the table, whether its next order is clearly late."""
        return _parts(self.table)["late_rhythm"]

    @property
    def points_precision(self) -> float | None:
        return None if self.backtest.points is None else self.backtest.points.precision

    @property
    def baseline_precision(self) -> float | None:
        return None if self.backtest.baseline is None else self.backtest.baseline.precision


@says_why_empty
def decline(accounts: AccountQuerySet, **choices: Unpack[Choices]) -> DeclineFigures:
    """Risk of ``accounts`` (already limited to what the caller may see) on the as-of day; three queries and the test.

    The test is over every account of the ledger and is computed once for a state of it (``decline_backtest``).
    """
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    year, before = ttm(as_of), prior_ttm(as_of)
    frame = frames.windows(scope, [year, before], level=level)
    units = units_of(frame.spans, level)
    rhythm = _rhythm(scope, frame, units, as_of)
    net = np.where(units.any(frame.is_missing), np.nan, units.sums(frame.net))
    risk = decline_risk(
        rhythm=rhythm.rhythm_ratio,
        revenue_lost=_trend(net, before=before),
        breadth_lost=_breadth(scope, frame, units, as_of),
        alive=_alive(scope, frame, units, as_of),
    )
    table = _table(units, rhythm, net, risk).where(_watched(frame, units, as_of))
    tested = decline_backtest(basis=scope.basis, currency=scope.currency, as_of=as_of)
    return DeclineFigures(
        **_counts(table),
        **_money(table, why := _reasons(frame, tested)),
        is_by_points=tested.is_better is not False,
        backtest=tested,
        currency=scope.currency,
        reasons=why.frozen(),
        passport=passport(
            "decline", scope=scope, level=level, as_of=as_of, accounts=len(table), base=before, comparison=year
        ),
        table=table,
    )


def _rhythm(scope: Scope, frame: Windows, units: Units, as_of: date) -> OrderRhythm:
    places, days = frames.order_places(scope, frame.spans, as_of=as_of)
    who = units.place[places]
    return order_rhythm(who, days, accounts=len(units.ids), as_of=np.datetime64(as_of))


def _trend(net: FloatArray, *, before: Period) -> FloatArray:
    """Share of the prior year's revenue that was lost; NaN where a rate is missing or the ledger begins later."""
    known_from, lost = data_start(), np.full(len(net), np.nan)
    if known_from is not None and known_from <= before.start:
        is_known = np.isfinite(net).all(axis=1)
        lost[is_known] = lost_share(net[is_known, 1], net[is_known, 0])
    return lost


def _alive(scope: Scope, frame: Windows, units: Units, as_of: date) -> FloatArray:
    """P(alive) of each unit: of a group the greatest of its members, for it stays while one of them does."""
    chance = np.full(len(units.ids), -1.0)
    if scope.basis == company_basis():  # the night knows no other
        account_ids, known = alive_chances(scope, as_of=as_of, days=CHANCE_DAYS)
        place, is_found = frame.spans.current(account_ids)
        np.maximum.at(chance, units.place[place], known[is_found])
    return np.where(chance < 0, np.nan, chance)


def _breadth(scope: Scope, frame: Windows, units: Units, as_of: date) -> FloatArray:
    """Share of the products of the year before that is no longer bought; known where the night's sums are of this day."""
    known_from, prior = data_start(), prior_ttm(as_of)
    if products_as_of() != as_of or known_from is None or known_from > prior.start:
        return np.full(len(units.ids), np.nan)
    account_ids, before, kept = product_counts(scope)
    counts = np.zeros((len(units.ids), 2))
    place, is_found = frame.spans.current(account_ids)
    np.add.at(counts, units.place[place], np.stack([before, kept], axis=1)[is_found])
    return lost_share(counts[:, 0], counts[:, 1])


def _watched(frame: Windows, units: Units, as_of: date) -> BoolArray:
    """Bought within the last 12 months and not closed by the as-of day."""
    is_open = ~(frame.spans.closed_on <= np.datetime64(as_of))  # NaT compares false
    return units.any(is_open) & ((units.sums(frame.net)[:, 0] > 0) | units.any(frame.is_missing[:, 0]))


def _table(units: Units, rhythm: OrderRhythm, net: FloatArray, risk: DeclineRisk) -> AccountTable:
    columns: dict[str, NDArray[Any]] = {
        "points": risk.points,
        **{
            f"{signal}_points": np.where(risk.is_known[signal], risk.contributions[signal], np.nan)
            for signal in SIGNALS
        },
        "band": risk.band,
        "evidence": risk.evidence,
        "rhythm": rhythm.rhythm_ratio,
        "ttm_revenue": net[:, 0],
        "prior_ttm_revenue": net[:, 1],
        "money_at_stake": np.maximum(net.max(axis=1, initial=-np.inf), 0.0),
        "last_order_on": rhythm.last_order_on,
    }
    return AccountTable(units.ids, columns, units.members)


def _parts(table: AccountTable) -> dict[str, BoolArray]:
    return {
        "at_risk": table.columns["band"] == RiskBand.HIGH.value,
        "watch": table.columns["band"] == RiskBand.WATCH.value,
        "unknown": table.columns["band"] == RiskBand.UNKNOWN.value,
        "late_rhythm": np.round(table.columns["rhythm"], RATIO_DECIMALS) >= LATE_RHYTHM,
    }


def _counts(table: AccountTable) -> dict[str, Any]:
    counted = {f"{name}_accounts": int(is_in.sum()) for name, is_in in _parts(table).items()}
    return {"watched_accounts": len(table), **counted}


def _reasons(frame: Windows, tested: DeclineBacktest) -> Reasons:
    why = Reasons()
    if tested.reason:
        why.undefined(("points_precision", "baseline_precision"), tested.reason)
    why.by_field.update(rates_missing(frame.missing, MONEY_FIELDS))
    return why


def _money(table: AccountTable, why: Reasons) -> dict[str, Any]:
    """The stake of each part, None where an account of it lacks a rate."""
    parts = _parts(table)
    found: dict[str, Any] = {}
    for field in MONEY_FIELDS:
        stake = table.columns["money_at_stake"][parts[field.removesuffix("_money")]]
        is_known = not np.isnan(stake).any()
        found[field] = exact_total(stake) if is_known else None
        if is_known:
            why.by_field.pop(field, None)
    return found
