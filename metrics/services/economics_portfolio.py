"""What the ledger knows of margin, retention and losses of the accounts in view: where the calculator begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Unpack

import numpy as np

from accounts.enums import EffortPurpose
from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import Period, prior_ttm, ttm
from metrics import frames, reasons
from metrics.formulas.acquisition import is_new_account
from metrics.formulas.bridge import Bridge, BridgeLine, revenue_bridge
from metrics.formulas.exact import FloatArray, exact_total
from metrics.formulas.margin import gross_profit
from metrics.formulas.retention import cohort_retention
from metrics.scope import Level, Scope
from metrics.selectors import data_start, default_as_of
from metrics.services.base import AccountTable, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.economics_inputs import EconomicsInputs
from metrics.services.efforts import cost_each, effort_book

LOSSES = ("lost_accounts", "lost_spend", "lost_spend_per_account")
COSTS = ("acquisition_cost", "keeping_cost")
TWO_YEARS = ("retention", "new_customers", *LOSSES)  # what needs the year before the last one too


class Source(StrEnum):
    """Where a value of the calculator comes from."""

    GIVEN = "given"
    GROSS_PROFIT = "gross_profit"  # of the rolling year, per active account
    REVENUE = "revenue"  # the same without cost, which some line does not have
    LEDGER = "ledger"
    EFFORTS = "efforts"  # recorded spending of the rolling year, per customer won or kept


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioEconomics:
    """Figures of the rolling year over the accounts in view; None has its reason by field.

    margin_per_customer : gross profit per active account, or revenue where cost is missing (``margin_source`` says which)
    retention : share of the accounts of the year before that bought again; new_customers : accounts with their first
    revenue in the year; acquisition_cost, keeping_cost : what was spent on winning ÷ them, and on keeping ÷ the others that
    bought, by the recorded efforts; lost_spend : revenue in the year before of those that bought nothing since
    """

    scope: Scope
    level: Level
    as_of: date
    base: Period
    comparison: Period
    table: AccountTable
    reasons: Mapping[str, str]
    margin_per_customer: float | None = None
    margin_source: Source | None = None
    retention: float | None = None
    new_customers: float | None = None
    acquisition_cost: float | None = None
    keeping_cost: float | None = None
    lost_accounts: int | None = None
    lost_spend: Decimal | None = None
    lost_spend_per_account: Decimal | None = None

    def completed(self, inputs: EconomicsInputs) -> EconomicsInputs:
        """``inputs`` with what the portfolio knows in place of what was not said."""
        known = {
            name: getattr(self, name)
            for name in ("margin_per_customer", "retention", "new_customers", *COSTS)
            if getattr(inputs, name) is None
        }
        return replace(inputs, **known)


def portfolio_economics(accounts: AccountQuerySet, **choices: Unpack[Choices]) -> PortfolioEconomics:
    """What the ledger knows of ``accounts`` (already limited to what the caller may see); two queries besides the scope's,
    and those of the efforts."""
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    as_of = choices.get("as_of") or default_as_of()
    base, comparison = prior_ttm(as_of), ttm(as_of)
    frame = frames.windows(scope, [base, comparison], level=level, with_orders=True, with_cost=True)
    units = units_of(frame.spans, level)
    net, cost = units.sums(frame.net), units.sums(frame.cost[:, 1])
    bare, orders = units.sums(frame.lines_without_cost[:, 1]), units.sums(frame.orders[:, 1])
    profit = gross_profit(net[:, 1], cost, bare)
    is_behind = (net != 0).any(axis=1) | (orders > 0) | units.any(frame.is_missing).any(axis=1)
    columns = {"base": net[:, 0], "comparison": net[:, 1], "change": np.round(net[:, 1] - net[:, 0], 4),
               "gross_profit": profit, "orders": orders}  # fmt: skip
    found = PortfolioEconomics(
        scope, level, as_of, base, comparison, AccountTable(units.ids, columns, units.members).where(is_behind), {}
    )
    if frame.missing:
        return replace(found, reasons=rates_missing(frame.missing, ["margin_per_customer", *TWO_YEARS, *COSTS]))
    first = units.earliest(frame.spans.first_revenue_on)
    return _with_costs(_with_losses(_with_margin(found, profit, orders > 0), first, net), first, net[:, 1])


def _with_margin(found: PortfolioEconomics, profit: FloatArray, is_active: np.ndarray) -> PortfolioEconomics:
    """Gross profit of the year, of all accounts in view, over the active ones; revenue where any line has no cost."""
    active = int(is_active.sum())
    if not active:
        return replace(found, reasons={**found.reasons, "margin_per_customer": reasons.sentence("no_active")})
    has_cost = bool(np.isfinite(profit).all())
    total = exact_total(profit if has_cost else found.table.columns["comparison"])
    if total <= 0:
        return replace(found, reasons={**found.reasons, "margin_per_customer": reasons.sentence("margin_not_positive")})
    return replace(
        found,
        margin_per_customer=float(total) / active,
        margin_source=Source.GROSS_PROFIT if has_cost else Source.REVENUE,
    )


def _with_losses(found: PortfolioEconomics, first_revenue_on: np.ndarray, net: FloatArray) -> PortfolioEconomics:
    """Retention, new and lost customers of the two years, where the ledger reaches back to the start of the first."""
    known_from = data_start()
    if known_from is None or found.base.start < known_from:
        short = dict.fromkeys(TWO_YEARS, reasons.sentence("short_history"))
        return replace(found, reasons={**found.reasons, **short})
    stayed = cohort_retention(net[:, 0], net[:, 1])
    moved: Bridge = revenue_bridge(
        net[:, 0], net[:, 1], first_revenue_on,
        base_end=np.datetime64(found.base.end), comparison_start=np.datetime64(found.comparison.start),
    )  # fmt: skip
    lost, new = moved.lines[BridgeLine.CHURNED], moved.lines[BridgeLine.NEW].accounts
    why = dict(found.reasons)
    if not stayed.cohort_accounts:
        why |= dict.fromkeys(("retention", *LOSSES), reasons.sentence("no_cohort"))
    elif not lost.accounts:
        why["lost_spend_per_account"] = reasons.sentence("nobody_lost")
    if not new:
        why["new_customers"] = reasons.sentence("nobody_new")
    has_cohort = stayed.cohort_accounts > 0
    return replace(
        found,
        reasons=why,
        retention=stayed.logo_retention if has_cohort else None,
        new_customers=float(new) if new else None,
        lost_accounts=lost.accounts if has_cohort else None,
        lost_spend=abs(lost.amount) if has_cohort else None,
        lost_spend_per_account=money.average(abs(lost.amount), lost.accounts),
    )


def _with_costs(found: PortfolioEconomics, first_revenue_on: np.ndarray, net: FloatArray) -> PortfolioEconomics:
    """What winning and keeping a customer cost in the year, where it is recorded and who is new is known."""
    book, why = effort_book(found.scope, found.comparison), dict(found.reasons)
    if "new_customers" in why and found.lost_accounts is None:  # the ledger does not tell who is new
        return replace(found, reasons={**why, **dict.fromkeys(COSTS, reasons.sentence("short_history"))})
    is_new = is_new_account(first_revenue_on, start=np.datetime64(found.comparison.start))
    new, kept = int((is_new & (net > 0)).sum()), int((~is_new & (net > 0)).sum())
    spent, keeping = (book.total(purpose, found.comparison) for purpose in EffortPurpose)
    cac = cost_each(spent, new, "no_new_account", "acquisition_cost", why)
    keep = cost_each(keeping, kept, "no_kept_account", "keeping_cost", why)
    return replace(
        found,
        reasons=why,
        acquisition_cost=None if cac is None else float(cac),
        keeping_cost=None if keep is None else float(keep),
    )
