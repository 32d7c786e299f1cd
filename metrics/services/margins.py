"""What do they earn us? Revenue, cost, gross profit and contribution of each account, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

import numpy as np

from accounts.enums import EffortPurpose
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics import frames, reasons
from metrics.formulas.acquisition import contribution
from metrics.formulas.advice import Advice, margin_advice
from metrics.formulas.concentration import abc_classes
from metrics.formulas.exact import BoolArray, FloatArray, exact_ratio, exact_total, positive_part
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.frames import Windows
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.efforts import effort_book

MAIN_CLASS = "A"  # main sources of revenue or profit: the accounts that carry the first four fifths (domain.md 1.8)
TOTALS = ("revenue", "cost", "gross_profit", "margin", "known_margin", "known_revenue_share", "contribution")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginFigures(Answer):
    """Strict totals are None while any account lacks a cost; known_… are over those whose every line has one.

    contribution : gross profit less recorded cost to serve, over the ``served_accounts`` that have both
    main_accounts, main_profit_accounts : class A by revenue, and by gross profit
    advice_accounts : accounts by advice. The table has revenue, cost, gross_profit, margin, cost_to_serve, contribution,
    lines_without_cost, abc, abc_profit, advice.
    """

    accounts: int
    revenue: Decimal | None
    cost: Decimal | None
    gross_profit: Decimal | None
    margin: float | None
    known_gross_profit: Decimal | None
    known_margin: float | None
    known_revenue_share: float | None
    missing_cost_accounts: int
    missing_cost_lines: int
    cost_to_serve: Decimal | None
    contribution: Decimal | None
    served_accounts: int
    main_accounts: int | None
    main_profit_accounts: int | None
    advice_accounts: dict[str, int]

    def behind(self, advice: Advice) -> AccountTable:
        return self.table.where(self.table.columns["advice"] == advice.value)


def margins(accounts: AccountQuerySet, *, period: Period, **choices: Unpack[Choices]) -> MarginFigures:
    """Margin and contribution of ``accounts`` (already limited to what the caller may see) in one period.

    One query for the accounts and those of the efforts. Cost to serve are the efforts of keeping that name the account.
    """
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    frame = frames.windows(scope, [period], level=level, with_cost=True)
    units = units_of(frame.spans, level)
    served, _hours = effort_book(scope, period).by_unit(EffortPurpose.RETENTION, period, frame.spans, units)
    table = _table(frame, units, served)
    why: dict[str, str] = {}
    if frame.missing:
        figures: dict[str, Any] = _without_rates()
        why |= rates_missing(frame.missing, [name for name, value in figures.items() if value is None])
    else:
        table, figures = _advised(table, period, why)
    lines, advices = table.columns["lines_without_cost"], table.columns["advice"]
    return MarginFigures(
        accounts=len(table),
        **figures,
        missing_cost_accounts=int((lines > 0).sum()),
        missing_cost_lines=int(lines.sum()),
        advice_accounts={one.value: int((advices == one.value).sum()) for one in Advice},
        currency=scope.currency,
        reasons=why,
        passport=passport("margins", scope=scope, level=level, as_of=as_of, accounts=len(table), comparison=period),
        table=table,
    )


def _table(frame: Windows, units: Units, served: FloatArray) -> AccountTable:
    """Accounts with revenue, cost or a document without a rate in the period; the advice is still open."""
    net, cost = units.sums(frame.net[:, 0]), units.sums(frame.cost[:, 0])
    lines = units.sums(frame.lines_without_cost[:, 0])
    is_missing = units.any(frame.is_missing[:, 0])
    net = np.where(is_missing, np.nan, net)
    profit = gross_profit(net, cost, lines)
    columns = {
        "revenue": net,
        "cost": np.where(np.isnan(profit), np.nan, cost),
        "gross_profit": profit,
        "margin": gross_margin(net, profit),
        "cost_to_serve": served,
        "contribution": contribution(profit, {"cost to serve": served}),
        "lines_without_cost": lines,
        "abc": np.full(len(net), ""),
        "abc_profit": np.full(len(net), ""),
        "advice": np.full(len(net), "", dtype="U20"),
    }
    is_behind = is_missing | (net != 0) | (cost != 0) | ~np.isnan(served)
    return AccountTable(units.ids, columns, units.members).where(np.asarray(is_behind))


def _advised(table: AccountTable, period: Period, why: dict[str, str]) -> tuple[AccountTable, dict[str, Any]]:
    """Totals, classes and the advice of every account; all rates are there."""
    columns = table.columns
    net, profit = columns["revenue"], columns["gross_profit"]
    is_known = ~np.isnan(profit)
    revenue, known_revenue = exact_total(net), exact_total(net[is_known])
    known_profit = exact_total(profit[is_known])
    known_margin = exact_ratio(known_profit, known_revenue) if known_revenue > 0 else float("nan")
    advice = margin_advice(net, columns["margin"], columns["contribution"], pooled_margin=known_margin)
    classes = {
        "abc": abc_classes(net, table.unit_ids),
        "abc_profit": abc_classes(np.nan_to_num(profit), table.unit_ids),
    }
    is_whole = bool(is_known.all())
    unknown = reasons.sentence("cost_missing_for_accounts", found=int((~is_known).sum()))
    if not is_whole:
        why |= dict.fromkeys(("cost", "gross_profit", "margin"), unknown)
    elif revenue <= 0:
        why["margin"] = reasons.sentence("revenue_not_positive")
    if np.isnan(known_margin):
        why["known_margin"] = reasons.sentence("no_known_margin")
    positive = exact_total(positive_part(net))
    if not positive:
        why["known_revenue_share"] = reasons.sentence("no_revenue")
    figures = {
        "revenue": revenue,
        "cost": exact_total(columns["cost"]) if is_whole else None,
        "gross_profit": known_profit if is_whole else None,
        "margin": known_margin if is_whole and revenue > 0 else None,
        "known_gross_profit": known_profit,
        "known_margin": None if np.isnan(known_margin) else known_margin,
        "known_revenue_share": exact_ratio(exact_total(positive_part(net[is_known])), positive) if positive else None,
        "main_accounts": int((classes["abc"] == MAIN_CLASS).sum()),
        "main_profit_accounts": int((classes["abc_profit"] == MAIN_CLASS).sum()) if is_whole else None,
        **_served(columns["cost_to_serve"], columns["contribution"], period, why),
    }
    if not is_whole:
        why["main_profit_accounts"] = unknown
    return table.with_columns({**classes, "advice": advice}), figures


def _served(cost: FloatArray, left: FloatArray, period: Period, why: dict[str, str]) -> dict[str, Any]:
    """Cost to serve as recorded, and the contribution of the accounts that have both."""
    has_cost: BoolArray = ~np.isnan(cost)
    has_both: BoolArray = ~np.isnan(left)
    reason = reasons.sentence("no_cost_to_serve" if period.is_whole_months else "efforts_by_month")
    if not has_cost.any():
        why["cost_to_serve"] = reason
    if not has_both.any():
        why["contribution"] = reason if not has_cost.any() else reasons.sentence("no_cost")
    return {
        "cost_to_serve": exact_total(cost[has_cost]) if has_cost.any() else None,
        "contribution": exact_total(left[has_both]) if has_both.any() else None,
        "served_accounts": int(has_both.sum()),
    }


def _without_rates() -> dict[str, Any]:
    names = (*TOTALS, "known_gross_profit", "cost_to_serve", "main_accounts", "main_profit_accounts")
    return dict.fromkeys(names) | {"served_accounts": 0}
