"""What would better retention be worth? One uplift by three readings, and where the claims about it hold.

The claims of the articles ("+5 % retention gives +30 % profit", "new costs 3x", "existing earns 16x") carry no source:
they are inputs with a default, never facts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Unpack

import numpy as np

from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.exceptions import FormulaError
from metrics import reasons
from metrics.formulas import economics as formula
from metrics.formulas.economics import Reading, RetentionTerms, UpliftKind
from metrics.services.base import Answer, passport
from metrics.services.choices import Choices
from metrics.services.economics_inputs import EconomicsInputs
from metrics.services.economics_portfolio import PortfolioEconomics, Source, portfolio_economics

PARTS = ("before", "after", "lift", "break_even_cost")
CURVE_FIRST, CURVE_LAST = 0.50, 0.95  # retentions the lift is drawn over
CURVE_STEPS = 180  # a quarter of a point each
RATIO_STEPS = 150  # at least, over the cost shares at which a new customer still earns something in the first year


@dataclass(frozen=True, slots=True)
class LiftPoint:
    """The lift by each reading at one retention."""

    retention: float
    raised_retention: float
    lifts: Mapping[Reading, float | None]


@dataclass(frozen=True, slots=True)
class RatioPoint:
    """How many times the first-year profit of a new customer an existing one earns, by what keeping one costs of the
    margin, where a new one costs the claimed multiple of that."""

    cost_share: float
    ratio: float


@dataclass(frozen=True, kw_only=True, eq=False)
class EconomicsFigures(Answer):
    """``inputs`` are the ones computed with: what was not said is filled from ``portfolio``; the sources say where from.

    Each reading has the value before and after, the lift, the extra spend per customer and year at which they are equal,
    and every retention at which the uplift brings the claimed lift, rising: empty where none.
    cost_ratio and own_profit_ratio : the articles' 3x and 16x by the costs that were given
    lost_word_of_mouth : None, nobody records referrals
    """

    inputs: EconomicsInputs
    portfolio: PortfolioEconomics
    margin_per_customer: float | None
    margin_source: Source | None
    retention_source: Source | None
    new_customers_source: Source | None
    acquisition_cost_source: Source | None
    keeping_cost_source: Source | None
    raised_retention: float | None
    is_capped: bool | None
    customer_value_before: Decimal | None
    customer_value_after: Decimal | None
    customer_value_lift: float | None
    customer_value_break_even_cost: Decimal | None
    customer_value_claim_true_at: tuple[float, ...] | None
    steady_state_before: Decimal | None
    steady_state_after: Decimal | None
    steady_state_lift: float | None
    steady_state_break_even_cost: Decimal | None
    steady_state_claim_true_at: tuple[float, ...] | None
    first_year_before: Decimal | None
    first_year_after: Decimal | None
    first_year_lift: float | None
    first_year_break_even_cost: Decimal | None
    first_year_claim_true_at: tuple[float, ...] | None
    claimed_cost_share: float
    claimed_acquisition_share: float
    cost_ratio: float | None
    own_profit_ratio: float | None
    lost_accounts: int | None
    lost_spend: Decimal | None
    lost_spend_per_account: Decimal | None
    lost_word_of_mouth: Decimal | None = None

    @cached_property
    def curve(self) -> list[LiftPoint]:
        """The lift over retentions from CURVE_FIRST to CURVE_LAST; empty while it cannot be said."""
        terms = self.inputs.terms()
        if terms is None:
            return []
        retentions = np.round(np.linspace(CURVE_FIRST, CURVE_LAST, CURVE_STEPS + 1), 6)
        found = formula.retention_economics(retentions, terms=terms)
        return [
            LiftPoint(
                float(retention),
                float(found.raised_retention[at]),
                {reading: _known(gain.lift[at]) for reading, gain in found.gains.items()},
            )
            for at, retention in enumerate(retentions)
        ]

    @cached_property
    def ratio_curve(self) -> list[RatioPoint]:
        multiple = self.inputs.cost_multiple
        step = _round_step(1 / multiple / RATIO_STEPS)
        shares = np.round(np.arange(math.ceil(1 / multiple / step)) * step, 9)
        shares = shares[multiple * shares < 1]
        ratios = formula.profit_ratio(shares, cost_multiple=multiple)
        return [RatioPoint(float(share), float(ratio)) for share, ratio in zip(shares, ratios, strict=True)]


def retention_economics(
    accounts: AccountQuerySet, *, inputs: EconomicsInputs, **choices: Unpack[Choices]
) -> EconomicsFigures:
    """The calculator over ``accounts`` (already limited to what the caller may see); queries of ``portfolio_economics``.

    Raises FormulaError for inputs with ``problems``.
    """
    return economics_of(portfolio_economics(accounts, **choices), inputs)


def economics_of(portfolio: PortfolioEconomics, inputs: EconomicsInputs) -> EconomicsFigures:
    """The same for a portfolio that is loaded; no query."""
    said, inputs = inputs, portfolio.completed(inputs)
    problems = inputs.problems()
    if problems:
        raise FormulaError("; ".join(f"{name}: {sentence}" for name, sentence in problems.items()))
    why = dict(portfolio.reasons)
    terms = inputs.terms()
    raised, is_capped, readings = _readings(inputs, terms, why)
    share, acquisition = formula.cost_share_for_ratio([inputs.profit_ratio], cost_multiple=inputs.cost_multiple)
    cost_ratio, profit_ratio = _own_ratios(inputs, why)
    why["lost_word_of_mouth"] = reasons.sentence("no_referrals")
    return EconomicsFigures(
        inputs=inputs,
        portfolio=portfolio,
        margin_per_customer=inputs.margin_per_customer,
        margin_source=Source.GIVEN if said.margin_per_customer is not None else portfolio.margin_source,
        retention_source=_source(said.retention, portfolio.retention),
        new_customers_source=_source(said.new_customers, portfolio.new_customers),
        acquisition_cost_source=_source(said.acquisition_cost, portfolio.acquisition_cost, Source.EFFORTS),
        keeping_cost_source=_source(said.keeping_cost, portfolio.keeping_cost, Source.EFFORTS),
        raised_retention=raised,
        is_capped=is_capped,
        **readings,
        claimed_cost_share=float(share[0]),
        claimed_acquisition_share=float(acquisition[0]),
        cost_ratio=cost_ratio,
        own_profit_ratio=profit_ratio,
        lost_accounts=portfolio.lost_accounts,
        lost_spend=portfolio.lost_spend,
        lost_spend_per_account=portfolio.lost_spend_per_account,
        currency=portfolio.scope.currency,
        reasons=why,
        passport=passport(
            "retention_economics", scope=portfolio.scope, level=portfolio.level, as_of=portfolio.as_of,
            accounts=len(portfolio.table), base=portfolio.base, comparison=portfolio.comparison,
        ),
        table=portfolio.table,
    )  # fmt: skip


def _readings(
    inputs: EconomicsInputs, terms: RetentionTerms | None, why: dict[str, str]
) -> tuple[float | None, bool | None, dict[str, Any]]:
    """Raised retention, whether it was capped, and every field of the three readings; the reasons of what is None."""
    if terms is None or inputs.retention is None:
        return None, None, _without_uplift(inputs, inputs.unsaid(), why)
    found = formula.retention_economics([inputs.retention], terms=terms)
    values: dict[str, Any] = {}
    for reading, gain in found.gains.items():
        before, lift = _money(gain.before[0]), _known(gain.lift[0])
        if before is None:
            why |= {f"{reading}_{part}": reasons.sentence("no_steady_state") for part in PARTS}
        elif lift is None:
            why[f"{reading}_lift"] = reasons.sentence("nothing_earned_before")
        values |= {
            f"{reading}_before": before,
            f"{reading}_after": _money(gain.after[0]),
            f"{reading}_lift": lift,
            f"{reading}_break_even_cost": _money(gain.break_even_cost[0]),
            f"{reading}_claim_true_at": _claim_true_at(reading, inputs, terms, why),
        }
    return float(found.raised_retention[0]), bool(found.is_capped[0]), values


def _without_uplift(inputs: EconomicsInputs, unsaid: tuple[str, ...], why: dict[str, str]) -> dict[str, Any]:
    """What can be said while something is unsaid: only the values before, where the kind of uplift alone is missing."""
    values: dict[str, Any] = dict.fromkeys(
        f"{reading}_{part}" for reading in Reading for part in (*PARTS, "claim_true_at")
    )
    if unsaid == ("uplift_kind",):
        today = replace(inputs, uplift_kind=UpliftKind.POINTS, uplift=0.0)
        found = _readings(today, today.terms(), {})[2]
        values |= {name: found[name] for name in values if name.endswith("_before")}
    missing = ["raised_retention", *(name for name, value in values.items() if value is None)]
    why |= dict.fromkeys(missing, reasons.sentence(_UNSAID[unsaid[0]]))
    return values


_UNSAID = {
    "margin_per_customer": "margin_unsaid",
    "retention": "retention_unsaid",
    "uplift_kind": "uplift_kind_unsaid",
}


def _claim_true_at(
    reading: Reading, inputs: EconomicsInputs, terms: RetentionTerms, why: dict[str, str]
) -> tuple[float, ...] | None:
    name = f"{reading}_claim_true_at"
    if inputs.uplift <= 0:
        why[name] = reasons.sentence("uplift_not_positive")
        return None
    try:
        found = formula.retentions_with_lift(reading, target_lift=inputs.claimed_lift, terms=terms)
    except FormulaError:  # within its domain the formula refuses only a claim that is true everywhere
        why[name] = reasons.sentence("claim_always_true")
        return None
    return tuple(found.tolist())


def _own_ratios(inputs: EconomicsInputs, why: dict[str, str]) -> tuple[float | None, float | None]:
    """A new customer's cost as a multiple of a kept one's, and the profit of a kept one as a multiple of a new one's."""
    kept, won, margin = inputs.keeping_cost, inputs.acquisition_cost, inputs.margin_per_customer
    names = ("cost_ratio", "own_profit_ratio")
    if kept is None or won is None:
        why |= dict.fromkeys(names, reasons.sentence("costs_unsaid"))
        return None, None
    if kept == 0:
        why |= dict.fromkeys(names, reasons.sentence("keeping_costs_nothing"))
        return None, None
    key = ""
    if margin is None:
        key = "margin_unsaid"
    elif won <= kept:
        key = "keeping_not_cheaper"
    elif won >= margin:
        key = "new_customer_earns_nothing"
    if key or margin is None:
        why["own_profit_ratio"] = reasons.sentence(key)
        return won / kept, None
    return won / kept, float(formula.profit_ratio([kept / margin], cost_multiple=won / kept)[0])


def _round_step(value: float) -> float:
    """The largest of 1, 2, 5 × a power of ten that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(size * power for size in (5, 2, 1) if size * power <= value)


def _source(said: float | None, known: float | None, known_from: Source = Source.LEDGER) -> Source | None:
    if said is not None:
        return Source.GIVEN
    return None if known is None else known_from


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _money(value: float) -> Decimal | None:
    return None if math.isnan(value) else money.rounded(Decimal(float(value)))
