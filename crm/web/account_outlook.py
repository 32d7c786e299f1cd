"""What lies ahead of one account, on its page: what is lost with one that went silent, and the coming months of a key
account."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.enums import KEY_GRADES
from accounts.models import Account
from crm.web import formats
from crm.web.cohort_words import STATES, STEPS
from metrics.services.account import account_metrics
from metrics.services.account_history import YearOfAccount, account_history
from metrics.services.forecast import ForecastFigures, forecast
from metrics.services.sleepers import NextStep, SleepState, sleepers

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LossCard:
    """A sleeper, or an account that was closed: since when, and what went with it. ``stake`` is a year's revenue, the better of the
    last two, None where a rate is missing; ``best_year`` of its whole life. Referrals are recorded nowhere."""

    state: str
    label: Any
    next_step: Any
    last_order_on: date | None
    days_silent: int | None
    usual_interval: float | None
    stake: Decimal | None
    best_year: YearOfAccount | None
    currency: str
    reason: str


def loss_card(account: Account, *, as_of: date) -> LossCard | None:
    """None for who neither sleeps nor is closed."""
    if account.closed_on is not None and account.closed_on <= as_of:
        return _closed(account, as_of=as_of)
    found = sleepers(Account.objects.filter(pk=account.pk), as_of=as_of)
    row = next(iter(found.table.rows()), None)
    if row is None:
        return None
    state = SleepState(row.values["state"])
    return LossCard(
        state=str(state),
        label=STATES[state],
        next_step=STEPS[NextStep(row.values["next_step"])],
        last_order_on=row.values["last_order_on"],
        days_silent=int(row.values["days_silent"]),
        usual_interval=row.values["usual_interval"],
        stake=row.values["money_at_stake"],
        best_year=account_history(account, as_of=as_of).best_year,
        currency=found.currency,
        reason=found.reasons.get("money_at_stake", ""),
    )


def _closed(account: Account, *, as_of: date) -> LossCard:
    """What went with an account that was closed; its rhythm says nothing any more."""
    found = account_metrics(account, as_of=as_of)
    years = (found.ttm_revenue, found.prior_ttm_revenue)
    stake = None if None in years else max(Decimal(0), *(year for year in years if year is not None))
    return LossCard(
        state=CLOSED,
        label=_("closed on %(day)s") % {"day": formats.day(account.closed_on)},
        next_step="",
        last_order_on=found.last_order_on,
        days_silent=(as_of - found.last_order_on).days if found.last_order_on else None,
        usual_interval=None,
        stake=stake,
        best_year=account_history(account, as_of=as_of).best_year,
        currency=found.currency,
        reason=found.reasons.get("ttm_revenue", ""),
    )


def key_forecast(account: Account, *, as_of: date) -> ForecastFigures | None:
    """The coming months of a key account, or why nothing is shown; None for other accounts."""
    if account.grade not in KEY_GRADES:
        return None
    return forecast(Account.objects.filter(pk=account.pk), as_of=as_of)
