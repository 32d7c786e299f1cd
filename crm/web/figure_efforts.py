"""The drawers of the figures of what customers cost and earn: the answer, and the accounts behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from crm.web.efforts_form import lag_of
from crm.web.figure import Kind
from metrics.services.acquisition import acquisition
from metrics.services.base import Answer
from metrics.services.effort_split import effort_split
from metrics.services.margins import MAIN_CLASS, margins
from metrics.services.wallet import WalletState, share_of_wallet

Heads = Sequence[tuple[Any, str, Kind]]
ACQUISITION = frozenset({
    "cac", "acquisition_money", "acquisition_hours", "retention_money", "retention_hours", "new_accounts", "kept_accounts",
    "monthly_margin", "payback_months", "keeping_cost", "acquisition_cost_ratio",
})  # fmt: skip
SPLIT = frozenset({"new_effort_share", "new_hours_share", "new_revenue_share", "new_gross_profit_share"})
WALLET = frozenset({
    "portfolio_share", "own_revenue", "wallet", "headroom", "account_coverage", "revenue_coverage", "invalid_accounts",
    "expired_accounts", "none_accounts",
})  # fmt: skip
MARGINS = frozenset({
    "gross_profit", "known_gross_profit", "known_margin", "known_revenue_share", "cost_to_serve", "contribution",
    "missing_cost_accounts", "main_accounts", "main_profit_accounts",
})  # fmt: skip
EFFORT_KEYS = ACQUISITION | SPLIT | WALLET | MARGINS
_REVENUE, _PROFIT = (_("Revenue"), "revenue", Kind.MONEY), (_("Gross profit"), "gross_profit", Kind.MONEY)
_SPENT = (_("Spent on it by name"), "effort_money", Kind.MONEY)
_SERVE, _LEFT = (_("Cost to serve"), "cost_to_serve", Kind.MONEY), (_("Contribution"), "contribution", Kind.MONEY)
WALLET_HEADS: Heads = (
    (_("Headroom"), "headroom", Kind.MONEY),
    (_("Their spending"), "wallet", Kind.MONEY),
    _REVENUE,
)
STATES = {
    "invalid_accounts": WalletState.INVALID,
    "expired_accounts": WalletState.EXPIRED,
    "none_accounts": WalletState.NONE,
}


def effort_answer(
    key: str, accounts: AccountQuerySet, params: Mapping[str, Any], period: Period, **choices: Any
) -> tuple[Answer, Heads]:
    """(answer with the accounts behind the figure, their columns)."""
    if key in ACQUISITION:
        lag = lag_of(params.get("lag_months", ""))
        return acquisition(accounts, period=period, lag_months=lag, **choices), (_REVENUE, _PROFIT, _SPENT)
    if key in SPLIT:
        return effort_split(accounts, period=period, **choices), (_REVENUE, _PROFIT, _SPENT)
    if key in WALLET:
        wallets = share_of_wallet(accounts, **choices)
        if key in STATES:
            return replace(wallets, table=wallets.behind(STATES[key])), (_REVENUE, *WALLET_HEADS[:2])
        return replace(wallets, table=wallets.behind(WalletState.VALID)), WALLET_HEADS
    return _margins(key, accounts, period, **choices)


def _margins(key: str, accounts: AccountQuerySet, period: Period, **choices: Any) -> tuple[Answer, Heads]:
    found = margins(accounts, period=period, **choices)
    columns = found.table.columns
    if key == "missing_cost_accounts":
        lines = (_("Lines without cost"), "lines_without_cost", Kind.COUNT)
        return replace(found, table=found.table.where(columns["lines_without_cost"] > 0)), (lines, _REVENUE)
    if key in ("main_accounts", "main_profit_accounts"):
        is_revenue = key == "main_accounts"
        main = columns["abc" if is_revenue else "abc_profit"] == MAIN_CLASS
        return replace(found, table=found.table.where(main)), (_REVENUE, _PROFIT) if is_revenue else (_PROFIT, _REVENUE)
    heads = {"cost_to_serve": (_SERVE, _LEFT, _PROFIT), "contribution": (_LEFT, _PROFIT, _SERVE)}
    return found, heads.get(key, (_PROFIT, _REVENUE))
