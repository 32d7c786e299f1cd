"""Who sleeps? Covered accounts that have not ordered for longer than their own rhythm allows, and what is at stake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import prior_ttm, ttm
from metrics import frames
from metrics.formulas.activity import covered
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.formulas.patterns import OrderRhythm, order_rhythm
from metrics.formulas.rfm import ValueBand, value_bands
from metrics.frames import Windows
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.churn import RATIO_DECIMALS, is_churned
from metrics.services.empty_basis import says_why_empty

LATE_RATIO = 2.0  # days since the last order ÷ own median interval, from which an account is late (domain.md 3.6 L6)
MONEY_FIELDS = ("money_at_stake", "late_money", "churned_money")


class SleepState(StrEnum):
    LATE = "late"  # beyond its own rhythm, not yet churned
    CHURNED = "churned"


class NextStep(StrEnum):
    """What to do next, by state and by what the account used to bring ([S004]: offers for high value, else contact)."""

    OFFER = "offer"  # late, among the largest: call with an offer of its own
    CONTACT = "contact"  # late: get in touch, name the promotion that runs
    WIN_BACK = "win_back"  # churned, among the largest: visit, learn why, win back
    DECIDE = "decide"  # churned: one last try, then close or hand over


STEPS = {
    (SleepState.LATE, True): NextStep.OFFER,
    (SleepState.LATE, False): NextStep.CONTACT,
    (SleepState.CHURNED, True): NextStep.WIN_BACK,
    (SleepState.CHURNED, False): NextStep.DECIDE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SleeperFigures(Answer):
    """watched_accounts are on the books on the as-of day. What is at stake at an account is its revenue of the better of
    the last two years of 12 months, at least 0. no_rhythm_accounts have too few order days for a rhythm of their own and
    are not churned: nothing is said of them. The table holds the sleepers: state, next_step, last_order_on, days_silent,
    usual_interval, rhythm, ttm_revenue, prior_ttm_revenue, money_at_stake."""

    watched_accounts: int
    sleeping_accounts: int
    late_accounts: int
    churned_accounts: int
    no_rhythm_accounts: int
    sleeping_share: float | None
    money_at_stake: Decimal | None
    late_money: Decimal | None
    churned_money: Decimal | None


@says_why_empty
def sleepers(accounts: AccountQuerySet, **choices: Unpack[Choices]) -> SleeperFigures:
    """Sleepers among ``accounts`` (already limited to what the caller may see) on the as-of day; two queries.

    late: LATE_RATIO and more by the order rhythm; churned as in ``services.churn``.
    """
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    year, before = ttm(as_of), prior_ttm(as_of)
    frame = frames.windows(scope, [year, before], level=level)
    units = units_of(frame.spans, level)
    places, days = frames.order_places(scope, frame.spans, as_of=as_of)
    who = units.place[places]
    rhythm = order_rhythm(who, days, accounts=len(units.ids), as_of=np.datetime64(as_of))
    is_watched = _watched(frame, units, as_of)
    state = _states(rhythm, as_of)
    table = _table(frame, units, rhythm, state=state, is_watched=is_watched)
    is_mute = is_watched & np.isnan(rhythm.rhythm_ratio) & (state == "")
    why = Reasons()
    if frame.missing:
        why.by_field.update(rates_missing(frame.missing, MONEY_FIELDS))
    watched = int(is_watched.sum())
    is_late, is_churned = (table.columns["state"] == str(one) for one in SleepState)
    return SleeperFigures(
        watched_accounts=watched,
        sleeping_accounts=len(table),
        late_accounts=int(is_late.sum()),
        churned_accounts=int(is_churned.sum()),
        no_rhythm_accounts=int(is_mute.sum()),
        sleeping_share=why.rate("sleeping_share", len(table) / watched if watched else float("nan"), "no_covered"),
        **_money(
            table, {"money_at_stake": is_late | is_churned, "late_money": is_late, "churned_money": is_churned}, why
        ),
        currency=scope.currency,
        reasons=why.frozen(),
        passport=passport(
            "sleepers", scope=scope, level=level, as_of=as_of, accounts=watched, base=before, comparison=year
        ),
        table=table,
    )


def _watched(frame: Windows, units: Units, as_of: date) -> BoolArray:
    """Accounts on the books on the as-of day, gathered to units."""
    spans, today = frame.spans, np.datetime64(as_of)
    nothing = np.zeros(len(spans.account_ids), dtype=np.int64)
    return units.any(covered(spans.first_order_on, spans.closed_on, nothing, start=today, end=today + 1))


def _states(rhythm: OrderRhythm, as_of: date) -> NDArray[np.str_]:
    """The value of SleepState, "" for who is awake or has never ordered."""
    is_late = np.round(rhythm.rhythm_ratio, RATIO_DECIMALS) >= LATE_RATIO
    return np.select(
        [is_churned(rhythm, as_of=as_of), is_late], [SleepState.CHURNED.value, SleepState.LATE.value], default=""
    )


def _table(
    frame: Windows, units: Units, rhythm: OrderRhythm, *, state: NDArray[np.str_], is_watched: BoolArray
) -> AccountTable:
    net = np.where(units.any(frame.is_missing), np.nan, units.sums(frame.net))
    stake: FloatArray = np.maximum(net.max(axis=1, initial=-np.inf), 0.0)  # NaN where a year is not known
    is_high = np.zeros(len(stake), dtype=bool)
    is_high[is_watched] = value_bands(stake[is_watched]) == ValueBand.HIGH.value
    step = np.select(
        [(state == of.value) & (is_high == high) for of, high in STEPS],
        [one.value for one in STEPS.values()],
        default="",
    )
    columns = {
        "money_at_stake": stake,
        "ttm_revenue": net[:, 0],
        "prior_ttm_revenue": net[:, 1],
        "days_silent": rhythm.days_since_order,
        "usual_interval": rhythm.median_interval_days,
        "rhythm": rhythm.rhythm_ratio,
        "last_order_on": rhythm.last_order_on,
        "state": state,
        "next_step": step,
    }
    return AccountTable(units.ids, columns, units.members).where(is_watched & (state != ""))


def _money(table: AccountTable, parts: dict[str, BoolArray], why: Reasons) -> dict[str, Any]:
    """The stake of each part, None where an account of it lacks a rate."""
    found: dict[str, Any] = {}
    for name, is_in in parts.items():
        stake = table.columns["money_at_stake"][is_in]
        is_known = not np.isnan(stake).any()
        found[name] = exact_total(stake) if is_known else None
        if is_known:
            why.by_field.pop(name, None)
    return found
