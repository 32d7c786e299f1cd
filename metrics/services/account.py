"""Every figure of one account on one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.models import Account
from crm.lib import money
from crm.lib.periods import Period, prior_ttm, ttm
from metrics import frames, reasons
from metrics.formulas import growth as growth_formula
from metrics.formulas.exact import exact_total
from metrics.formulas.lifetime import simple_lifetime_value
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.frames import LEDGER_START, Windows
from metrics.models import AccountDay, AccountMonth
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import data_start, default_as_of
from metrics.services.base import Passport, passport, rates_missing
from metrics.services.choices import Choices
from metrics.services.lifetime import (
    HORIZON_MONTHS,
    RETENTION_RANGE,
    YEARLY_DISCOUNT,
    AccountLifetimes,
    account_lifetimes,
    check_outlook,
    explain_intervals,
)
from metrics.services.lifetime_fit import FittedLifetime, lifetime_fit
from metrics.services.lifetime_interval import Outlook, intervals

MIN_ORDER_DAYS = 3  # for an interval of one's own
MONEY_FIELDS = (
    "ttm_revenue", "prior_ttm_revenue", "growth_rate", "arc_growth", "ttm_gross_profit", "margin",
    "average_order_value", "historical_revenue", "historical_gross_profit",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountMetrics:
    """Money has 4 decimals (an average 12), rates are fractions; what is None has its reason.

    data_grade: how far clv, expected_revenue and p_alive can be trusted for this one account (A own history, B estimate
    for accounts with this history, C no model).
    """

    ttm_revenue: Decimal | None
    prior_ttm_revenue: Decimal | None
    growth_rate: float | None
    arc_growth: float | None
    is_small_base: bool
    ttm_gross_profit: Decimal | None
    margin: float | None
    orders_ttm: int
    average_order_value: Decimal | None
    active_months: int
    first_order_on: date | None
    last_order_on: date | None
    first_revenue_on: date | None
    tenure_days: int | None
    order_days: int
    order_interval_days: float | None
    rhythm: float | None
    historical_revenue: Decimal | None
    historical_gross_profit: Decimal | None
    p_alive: float | None
    expected_orders: float | None
    expected_revenue: Decimal | None
    expected_revenue_low: Decimal | None
    expected_revenue_high: Decimal | None
    clv: Decimal | None
    clv_low: Decimal | None
    clv_high: Decimal | None
    simple_clv_low: Decimal | None
    simple_clv_high: Decimal | None
    data_grade: str
    horizon_months: int
    discount: float
    currency: str
    reasons: Mapping[str, str]
    passport: Passport


def account_metrics(
    account: Account,
    *,
    horizon_months: int = HORIZON_MONTHS,
    discount: float = YEARLY_DISCOUNT,
    **choices: Unpack[Choices],
) -> AccountMetrics:
    """Figures of ``account``, which the caller must be allowed to see; a handful of indexed queries.

    Legal entity alone, whatever level is chosen: a group is asked for by its accounts.
    """
    check_outlook(horizon_months, discount)
    as_of = choices.get("as_of") or default_as_of()
    mine = Account.objects.filter(pk=account.pk)
    scope = scope_of(mine, basis=choices.get("basis"), currency=choices.get("currency"))
    year, before = ttm(as_of), prior_ttm(as_of)
    windows = frames.windows(
        scope, [year, Period(LEDGER_START, as_of + timedelta(days=1)), before], with_orders=True, with_cost=True
    )
    why: dict[str, str] = rates_missing(windows.missing, MONEY_FIELDS)
    days = _order_days(account, scope, as_of)
    return AccountMetrics(
        **_revenue(windows, before, why),
        **_orders(account=account, scope=scope, windows=windows, days=days, as_of=as_of, why=why),
        **_lifetime(
            scope=scope, windows=windows, as_of=as_of, horizon_months=horizon_months, discount=discount, why=why
        ),
        horizon_months=horizon_months,
        discount=discount,
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "account", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=1, base=before, comparison=year
        ),
    )


def _revenue(windows: Windows, before: Period, why: dict[str, str]) -> dict[str, Any]:
    """Revenue, growth, profit: windows are the TTM, all history, the prior TTM, at most one account row."""
    net, cost, gaps = (_single(values) for values in (windows.net, windows.cost, windows.lines_without_cost))
    profit = gross_profit(net, cost, gaps)
    found: dict[str, Any] = {
        "ttm_revenue": exact_total(net[:1]),
        "prior_ttm_revenue": exact_total(net[2:3]),
        "historical_revenue": exact_total(net[1:2]),
        "ttm_gross_profit": _known(profit[0], "ttm_gross_profit", "no_cost", why),
        "historical_gross_profit": _known(profit[1], "historical_gross_profit", "no_cost", why),
        "is_small_base": bool(growth_formula.is_small_base(net[2:3])[0]),
    }
    margin = gross_margin(net[:1], profit[:1])[0]
    found["margin"] = _rate(margin, "margin", "no_cost" if net[0] > 0 else "revenue_not_positive", why)
    rate, positive = growth_formula.growth_rate(net[2:3], net[:1])[0], np.maximum(net, 0)
    arc = growth_formula.arc_growth(positive[2:3], positive[:1])[0]
    known_from = data_start()
    if known_from is None or before.start < known_from:
        rate, arc, key, arc_key = float("nan"), float("nan"), "short_history", "short_history"
    else:
        key, arc_key = "base_zero" if net[2] == 0 else "base_negative", "both_zero"
    found |= {"growth_rate": _rate(rate, "growth_rate", key, why), "arc_growth": _rate(arc, "arc_growth", arc_key, why)}
    if windows.missing:
        found |= {name: None for name in found if name in MONEY_FIELDS}
        why |= rates_missing(windows.missing, MONEY_FIELDS)
    return found


def _orders(
    *, account: Account, scope: Scope, windows: Windows, days: NDArray[np.datetime64], as_of: date, why: dict[str, str]
) -> dict[str, Any]:
    orders, year = int(_single(windows.orders)[0]), windows.periods[0]
    first = windows.spans.first_revenue_on
    first_revenue_on = None if not len(first) or np.isnat(first[0]) else first[0].item()
    if account.before_data_start:
        first_revenue_on = None
    gaps = np.diff(days).astype(np.float64)
    interval = float(np.median(gaps)) if len(days) >= MIN_ORDER_DAYS else float("nan")
    since = (as_of - days[-1].item()).days if len(days) else None
    value = None if windows.missing else money.average(exact_total(_single(windows.net)[:1]), orders)
    if value is None and "average_order_value" not in why:
        why["average_order_value"] = reasons.sentence("no_order_in_period")
    few = reasons.sentence("few_order_days", needed=MIN_ORDER_DAYS)
    if np.isnan(interval):
        why |= {"order_interval_days": few, "rhythm": few}
    if not len(days):
        why |= dict.fromkeys(("first_order_on", "last_order_on"), reasons.sentence("no_order"))
    if first_revenue_on is None:
        key = "before_data_start" if account.before_data_start else "no_order"
        why |= dict.fromkeys(("first_revenue_on", "tenure_days"), reasons.sentence(key))
    months = AccountMonth.objects.filter(
        account=account, basis=scope.basis, orders__gt=0, month__gte=year.start, month__lt=year.end
    )
    return {
        "orders_ttm": orders,
        "average_order_value": value,
        "active_months": months.values("month").distinct().count(),
        "first_order_on": days[0].item() if len(days) else None,
        "last_order_on": days[-1].item() if len(days) else None,
        "first_revenue_on": first_revenue_on,
        "tenure_days": (as_of - first_revenue_on).days if first_revenue_on else None,
        "order_days": len(days),
        "order_interval_days": None if np.isnan(interval) else interval,
        "rhythm": None if np.isnan(interval) or since is None else since / interval,
    }


def _lifetime(
    *, scope: Scope, windows: Windows, as_of: date, horizon_months: int, discount: float, why: dict[str, str]
) -> dict[str, Any]:
    fitted = lifetime_fit(as_of=as_of, basis=scope.basis, currency=scope.currency)
    histories = frames.histories(scope, as_of=as_of)
    found = account_lifetimes(
        fitted, histories, windows, as_of=as_of, horizon_months=horizon_months, discount=discount
    )  # fmt: skip
    if not len(found.account_ids):
        why |= dict.fromkeys(("p_alive", "expected_orders", "expected_revenue", "clv"), reasons.sentence("no_order"))
    else:
        _explain(fitted, found, why)
    sure = intervals(scope, fitted, found.valued(), Outlook(as_of, horizon_months, discount))
    ends = sure.totals if len(found.account_ids) else dict.fromkeys(sure.totals)
    explain_intervals(replace(sure, totals=ends), why)
    low, high = _by_formula(windows, discount, why)
    return {
        **ends,
        "p_alive": _first(found.p_alive),
        "expected_orders": _first(found.expected_orders),
        "expected_revenue": _money(_first(found.expected_revenue)),
        "clv": _money(_first(found.clv)),
        "simple_clv_low": low,
        "simple_clv_high": high,
        "data_grade": str(found.grade[0]) if len(found.grade) else "C",
    }


def _explain(fitted: FittedLifetime, found: AccountLifetimes, why: dict[str, str]) -> None:
    """Why a lifetime figure of the one account is undefined."""
    if fitted.model is None:
        fields = ("p_alive", "expected_orders", "expected_revenue", "clv")
        why |= dict.fromkeys(fields, fitted.sentence())
        return
    if found.is_closed[0]:
        why["p_alive"] = reasons.sentence("account_closed")
    elif found.repeats[0] == 0:
        why["p_alive"] = reasons.sentence("one_order_day")
    if not np.isfinite(found.expected_revenue[0]):
        sentence = fitted.spend_sentence() or reasons.sentence("lifetime_missing_rates")
        why |= dict.fromkeys(("expected_revenue", "clv"), sentence)
    elif not np.isfinite(found.clv[0]):
        why["clv"] = reasons.sentence("no_cost")


def _by_formula(windows: Windows, discount: float, why: dict[str, str]) -> tuple[Decimal | None, Decimal | None]:
    profit = gross_profit(*(_single(v)[:1] for v in (windows.net, windows.cost, windows.lines_without_cost)))
    if windows.missing or not np.isfinite(profit).all():
        sentence = why.get("ttm_gross_profit") or reasons.sentence("no_cost")
        why |= dict.fromkeys(("simple_clv_low", "simple_clv_high"), sentence)
        return None, None
    low, high = (exact_total(simple_lifetime_value(profit, [r], discount=discount)) for r in RETENTION_RANGE)
    return low, high


def _order_days(account: Account, scope: Scope, as_of: date) -> NDArray[np.datetime64]:
    days = AccountDay.objects.filter(account=account, basis=scope.basis, orders__gt=0, day__lte=as_of)
    return np.array(list(days.order_by("day").values_list("day", flat=True).distinct()), dtype="datetime64[D]")


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """The one row of the account, zeros where nothing is booked for it."""
    return values[0] if len(values) else np.zeros(values.shape[1], dtype=values.dtype)


def _first(values: NDArray[Any]) -> float | None:
    return float(values[0]) if len(values) and np.isfinite(values[0]) else None


def _money(value: float | None) -> Decimal | None:
    return None if value is None else exact_total([value])


def _known(value: float, field: str, key: str, why: dict[str, str]) -> Decimal | None:
    if np.isfinite(value):
        return exact_total([value])
    why[field] = reasons.sentence(key)
    return None


def _rate(value: float, field: str, key: str, why: dict[str, str]) -> float | None:
    if np.isfinite(value):
        return float(value)
    why[field] = reasons.sentence(key)
    return None
