"""The drawers of the figures of cohorts, sleepers and kinds of customers: the answer, and the accounts behind each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period
from crm.web.figure import Kind
from metrics.formulas.cohorts import CohortBase
from metrics.formulas.rfm import ValueBand
from metrics.services.base import AccountTable, Answer
from metrics.services.choices import Choices
from metrics.services.cohorts import cohorts
from metrics.services.segments import segments
from metrics.services.sleepers import SleepState, sleepers
from metrics.services.trend import Interval

Heads = Sequence[tuple[Any, str, Kind]]
COHORTS = frozenset({
    "placed_accounts", "left_out_accounts", "next_active_share", "next_revenue_share", "year_active_share",
    "year_revenue_share",
})  # fmt: skip
SLEEPERS = frozenset({
    "watched_accounts", "sleeping_accounts", "sleeping_share", "late_accounts", "churned_accounts", "no_rhythm_accounts",
    "money_at_stake", "late_money", "churned_money",
})  # fmt: skip
SEGMENTS = frozenset({
    "scored_accounts", "high_value_accounts", "high_value_share", "stable_accounts", "stable_profitable_accounts",
})  # fmt: skip
KIND_KEYS = COHORTS | SLEEPERS | SEGMENTS
COHORT_HEADS: Heads = ((_("Revenue since"), "revenue", Kind.MONEY), (_("Periods"), "active_periods", Kind.COUNT))
SLEEPER_HEADS: Heads = ((_("At stake"), "money_at_stake", Kind.MONEY), (_("Days silent"), "days_silent", Kind.COUNT))
SEGMENT_HEADS: Heads = ((_("Revenue"), "revenue", Kind.MONEY), (_("Orders"), "orders", Kind.COUNT))
NOBODY_NAMED = frozenset({"left_out_accounts", "watched_accounts", "no_rhythm_accounts"})  # counted, not listed
Mask = Callable[[AccountTable], Any]
BEHIND: Mapping[str, Mask] = {
    "late_accounts": lambda table: table.columns["state"] == str(SleepState.LATE),
    "late_money": lambda table: table.columns["state"] == str(SleepState.LATE),
    "churned_accounts": lambda table: table.columns["state"] == str(SleepState.CHURNED),
    "churned_money": lambda table: table.columns["state"] == str(SleepState.CHURNED),
    "high_value_accounts": lambda table: table.columns["band"] == str(ValueBand.HIGH),
    "high_value_share": lambda table: table.columns["band"] == str(ValueBand.HIGH),
    "stable_accounts": lambda table: table.columns["is_stable"],
    "stable_profitable_accounts": lambda table: table.columns["is_stable_profitable"],
}


def kinds_answer(
    key: str, accounts: AccountQuerySet, params: Mapping[str, Any], period: Period, **choices: Any
) -> tuple[Answer, Heads]:
    """(answer with the accounts behind the figure, their columns). Raises PeriodError for an interval or a base that
    there is not."""
    taken: Choices = choices  # type: ignore[assignment]
    found: Answer
    if key in COHORTS:
        interval = _one_of(Interval, params.get("interval"), Interval.QUARTER)
        share_base = _one_of(CohortBase, params.get("share_base"), CohortBase.FIRST_PERIOD)
        found, heads = cohorts(accounts, interval=interval, share_base=share_base, **taken), COHORT_HEADS
    elif key in SLEEPERS:
        found, heads = sleepers(accounts, **taken), SLEEPER_HEADS
    else:
        found, heads = segments(accounts, period=period, **taken), SEGMENT_HEADS
    table = found.table
    if key in NOBODY_NAMED:
        table = table.where(np.zeros(len(table), dtype=bool))
    elif key in BEHIND:
        table = table.where(BEHIND[key](table))
    return replace(found, table=table), heads


def _one_of(kinds: Any, asked: str | None, default: Any) -> Any:
    if not asked:
        return default
    if asked not in {str(one) for one in kinds}:
        raise PeriodError(gettext("Choose one of: %(names)s.") % {"names": ", ".join(str(one) for one in kinds)})
    return kinds(asked)
