"""The portfolio at a glance: the answers of one page, computed together and kept for everybody who sees every account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, add_months, last_complete_month
from crm.lib.remember import is_remembered, remembered
from metrics.frames_contracts import contract_state
from metrics.frames_efforts import effort_state
from metrics.scope import Level, Membership, Scope, scope_of
from metrics.selectors import accounts_without_number
from metrics.services.acquisition import AcquisitionFigures, acquisition
from metrics.services.activity import ActivityFigures, activity
from metrics.services.base import Passport, without_accounts
from metrics.services.choices import Choices
from metrics.services.concentration import ConcentrationFigures, concentration
from metrics.services.lifetime import LifetimeFigures, lifetime
from metrics.services.lifetime_fit import stored_night
from metrics.services.portfolio import BridgeFigures, Growth, RetentionFigures, two_periods
from metrics.services.trend import Point, Trend, trends

NAME = "portfolio"
MONTHS = 24
SERIES = (
    "growth_rate", "net_revenue_retention", "logo_retention", "ttm_revenue", "revenue", "average_order_value",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortfolioSummary:
    """set_apart : accounts whose revenue or cost is stored as no number; no figure counts them. Figures of two periods; activity, acquisition and concentration of the later one; what customers are still worth, and
    the last MONTHS whole months of SERIES. No answer names the accounts behind it: ask its own service for them."""

    growth: Growth
    retention: RetentionFigures
    bridge: BridgeFigures
    concentration: ConcentrationFigures
    activity: ActivityFigures
    acquisition: AcquisitionFigures
    lifetime: LifetimeFigures
    series: Mapping[str, Trend]
    set_apart: tuple[int, ...] = ()


# What a release keeps it may change: answers kept by another one are not found again.
_SHAPE = tuple(
    (kind.__name__, tuple(field.name for field in fields(kind)))
    for kind in (
        PortfolioSummary, Growth, RetentionFigures, BridgeFigures, ConcentrationFigures, ActivityFigures,
        AcquisitionFigures, LifetimeFigures, Trend, Point, Passport,
    )
)  # fmt: skip


def portfolio_summary(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    as_of: date,
    level: Level | str = Level.ENTITY,
    membership: Membership | str | None = None,
    currency: str | None = None,
) -> PortfolioSummary:
    """The summary of ``accounts`` (already limited to what the caller may see).

    Over every account it is computed once for a state of the ledger and kept; a part of them is computed anew, in time
    that grows with that part. Raises PeriodError unless the base ends before the comparison begins.
    """
    scope = scope_of(accounts, currency=currency, membership=membership)
    choices: Choices = {"level": level, "membership": membership, "currency": currency, "as_of": as_of}

    apart = accounts_without_number(accounts)
    sound = accounts.exclude(pk__in=apart) if apart else accounts

    def compute() -> PortfolioSummary:
        found = _computed(sound, base=base, comparison=comparison, as_of=as_of, choices=choices)
        return replace(found, set_apart=apart)

    if not accounts.is_everything:
        return compute()
    return remembered(NAME, (*_state(scope, base, comparison, as_of, level), apart), compute)


def is_summary_kept(*, base: Period, comparison: Period, as_of: date) -> bool:
    """Whether who asks for these periods over every account waits for no computation; a few look-ups."""
    accounts = Account.objects.all()
    state = _state(scope_of(accounts), base, comparison, as_of, Level.ENTITY)
    return is_remembered(NAME, (*state, accounts_without_number(accounts)))


def _state(scope: Scope, base: Period, comparison: Period, as_of: date, level: Level | str) -> tuple[object, ...]:
    night = stored_night(as_of=as_of, basis=scope.basis, currency=scope.currency)  # brings the intervals
    signed = contract_state(currency=scope.currency)
    spent = effort_state(currency=scope.currency)
    return (*scope.state, base, comparison, as_of, str(level), night, signed, spent, _SHAPE)


def _computed(
    accounts: AccountQuerySet, *, base: Period, comparison: Period, as_of: date, choices: Choices
) -> PortfolioSummary:
    found = two_periods(accounts, base=base, comparison=comparison, **choices)
    last = last_complete_month(as_of)
    series = trends(
        accounts,
        metrics=SERIES,
        first=add_months(last, 1 - MONTHS),
        last=last,
        **choices,
    )
    return PortfolioSummary(
        growth=without_accounts(found.growth()),
        retention=without_accounts(found.retention()),
        bridge=without_accounts(found.bridge()),
        concentration=without_accounts(concentration(accounts, period=comparison, **choices)),
        activity=without_accounts(activity(accounts, period=comparison, **choices)),
        acquisition=without_accounts(acquisition(accounts, period=comparison, **choices)),
        lifetime=without_accounts(lifetime(accounts, currency=choices["currency"], as_of=as_of)),
        series=series,
    )
