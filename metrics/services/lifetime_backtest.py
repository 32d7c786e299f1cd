"""Did the model know? Fitted on what was known at a date, against what came, beside "next year is like last year".

The model of orders alone: what was known of a contract on a past day is not recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Unpack

import numpy as np

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import FormulaError
from crm.lib.periods import Period, add_months, is_month_end, month_end
from crm.lib.remember import is_remembered, remembered
from metrics import frames, reasons
from metrics.formulas import bgnbd, gammagamma
from metrics.formulas.exact import FloatArray
from metrics.formulas.lifetime_evaluation import ForecastQuality, forecast_quality
from metrics.frames import IntArray
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import data_start, default_as_of
from metrics.services.base import NOBODY, AccountTable, Answer, passport
from metrics.services.choices import Choices, asked_scope
from metrics.services.lifetime_fit import DAYS_PER_UNIT, FittedLifetime, lifetime_fit, purchases_of

NAME = "lifetime_backtest"
HOLDOUT_MONTHS = 12
MAX_HOLDOUT_MONTHS = 60


@dataclass(frozen=True, slots=True)
class Contest:
    """What came in the holdout, and how near the model and "like the months before" were."""

    actual: float
    model: ForecastQuality
    naive: ForecastQuality

    @property
    def is_better(self) -> bool:
        """The model's mean error is below the other's."""
        return self.model.mean_error < self.naive.mean_error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifetimeBacktest(Answer):
    """orders: order days of each account; revenue: net, money. accounts: those in view that had ordered by ``cut_on``,
    the last day the model knew. base and comparison of the passport: the months before it, and the holdout."""

    cut_on: date
    holdout_months: int
    accounts: int
    orders: Contest | None
    revenue: Contest | None


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What each account that had ordered by the cut did before and after it, (n,): order days and net revenue."""

    ids: IntArray
    expected: dict[str, FloatArray]
    before: dict[str, FloatArray]
    after: dict[str, FloatArray]
    why: dict[str, str]


def lifetime_backtest(
    accounts: AccountQuerySet, *, holdout_months: int = HOLDOUT_MONTHS, **choices: Unpack[Choices]
) -> LifetimeBacktest:
    """The test over ``accounts`` (already limited to what the caller may see), with the model of the whole base.

    The fit on what was known at the cut takes most of the time; over every account the answer is kept for a state of the
    ledger. Raises FormulaError for a holdout outside 1..MAX_HOLDOUT_MONTHS.
    """
    if not 1 <= holdout_months <= MAX_HOLDOUT_MONTHS:
        raise FormulaError(f"holdout_months must lie in 1 to {MAX_HOLDOUT_MONTHS}")
    as_of = choices.get("as_of") or default_as_of()
    scope = asked_scope(accounts, choices)
    if not accounts.is_everything:
        return _computed(scope, as_of, holdout_months)
    return remembered(NAME, _state(scope, as_of, holdout_months), lambda: _computed(scope, as_of, holdout_months))


def is_lifetime_backtest_kept(*, as_of: date) -> bool:
    """Whether who asks for the usual test over every account waits for no computation; a few look-ups."""
    return is_remembered(NAME, _state(scope_of(Account.objects.all()), as_of, HOLDOUT_MONTHS))


def _state(scope: Scope, as_of: date, months: int) -> tuple[object, ...]:
    shape = (LifetimeBacktest.__slots__, Contest.__slots__, ForecastQuality.__slots__)
    return (*scope.state, as_of, months, shape)


def _computed(scope: Scope, as_of: date, months: int) -> LifetimeBacktest:
    cut = _back(as_of, months)
    after = Period(cut + timedelta(days=1), as_of + timedelta(days=1))
    before = Period(_back(cut, months) + timedelta(days=1), after.start)
    fitted = lifetime_fit(as_of=cut, basis=scope.basis, currency=scope.currency)
    known_from = data_start()
    found: _Known | None = None
    why: dict[str, str] = {}
    if known_from is None or before.start < known_from:
        why = dict.fromkeys(("orders", "revenue"), reasons.sentence("backtest_short_history"))
    elif fitted.model is None:
        why = dict.fromkeys(("orders", "revenue"), fitted.sentence())
    else:
        found = _known(scope, fitted, before, after)
        why = found.why
    contests = {name: _contest(found, name, why) for name in ("orders", "revenue")}
    return LifetimeBacktest(
        cut_on=cut,
        holdout_months=months,
        accounts=len(found.ids) if found else 0,
        orders=contests["orders"],
        revenue=contests["revenue"],
        currency=scope.currency,
        reasons=why,
        passport=passport(
            NAME, scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(found.ids) if found else 0,
            base=before, comparison=after,
        ),
        table=_table(found) if found else NOBODY,
    )  # fmt: skip


def _known(scope: Scope, fitted: FittedLifetime, before: Period, after: Period) -> _Known:
    cut = before.last_day
    histories = frames.histories(scope, as_of=cut)
    windows = frames.windows(scope, [before, after])
    place = np.searchsorted(windows.spans.account_ids, histories.account_ids)
    is_closed = windows.spans.closed_on[place] <= np.datetime64(cut)
    own, weeks = purchases_of(histories, as_of=cut), after.days / DAYS_PER_UNIT
    assert fitted.model is not None
    orders = bgnbd.expected_purchases(fitted.model, own.frequency, own.recency, own.age, weeks)
    orders = np.where(is_closed, 0.0, orders)
    why: dict[str, str] = {}
    value = np.full(len(orders), np.nan)
    if fitted.spend is None:
        why["revenue"] = fitted.spend_sentence()
    elif windows.missing or histories.missing:
        missing = sorted({*windows.missing, *histories.missing})
        why["revenue"] = reasons.missing_rates_sentence(missing)
    else:
        value = gammagamma.expected_value(fitted.spend, own.frequency, np.nan_to_num(own.mean_value))
    return _Known(
        ids=histories.account_ids,
        expected={"orders": orders, "revenue": orders * value},
        before={"orders": _days(scope, before, histories.account_ids), "revenue": windows.net[place, 0]},
        after={"orders": _days(scope, after, histories.account_ids), "revenue": windows.net[place, 1]},
        why=why,
    )


def _days(scope: Scope, period: Period, ids: IntArray) -> FloatArray:
    """Different days with an order in the period, of each of ``ids``."""
    who, days = frames.order_days(scope, period)
    found = np.zeros(len(ids))
    is_known = np.isin(who, ids)
    found[np.searchsorted(ids, who[is_known])] = days[is_known]
    return found


def _contest(found: _Known | None, name: str, why: dict[str, str]) -> Contest | None:
    if found is None or name in why:
        return None
    if not len(found.ids):
        why[name] = reasons.sentence("no_ledger")
        return None
    actual = found.after[name]
    return Contest(
        actual=float(actual.sum()),
        model=forecast_quality(found.expected[name], actual),
        naive=forecast_quality(found.before[name], actual),
    )


def _table(found: _Known) -> AccountTable:
    columns = {
        f"{stage}_{name}": values[name]
        for stage, values in (("expected", found.expected), ("before", found.before), ("actual", found.after))
        for name in ("orders", "revenue")
    }
    return AccountTable(found.ids, columns)


def _back(day: date, months: int) -> date:
    """The day so many months before; a month's end stays one."""
    earlier = add_months(day, -months)
    return month_end(earlier) if is_month_end(day) else earlier
