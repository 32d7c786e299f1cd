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
from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import Period, prior_ttm, ttm
from metrics import frames, reasons
from metrics.formulas import growth as growth_formula
from metrics.formulas.exact import exact_total
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.frames import LEDGER_START, Windows
from metrics.models import AccountDay, AccountMonth
from metrics.scope import Level, Scope
from metrics.selectors import data_start, default_as_of
from metrics.services.account_lifetime import lifetime_of_account
from metrics.services.backlog import backlog
from metrics.services.base import Passport, passport, rates_missing
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import reason_without_records, undefined
from metrics.services.lifetime import HORIZON_MONTHS, YEARLY_DISCOUNT, check_outlook
from metrics.services.lifetime_interval import Outlook

MIN_ORDER_DAYS = 3  # for an interval of one's own
MONEY_FIELDS = (
    "ttm_revenue", "prior_ttm_revenue", "growth_rate", "arc_growth", "ttm_gross_profit", "margin",
    "average_order_value", "historical_revenue", "historical_gross_profit",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountMetrics:
    """Money has 4 decimals (an average 12), rates are fractions; what is None has its reason.

    method: how clv and expected_revenue were found (domain.md 2.4); data_grade: how far they can be trusted for this one
    account (A own history or contract schedule, B estimate for accounts with this history, C no model). contract_value:
    what its running contracts still bring, discounted, spread evenly over their days; renewal_method: of their renewals.
    contract_signed, contract_recognised, backlog: of its contracts as in ``metrics.services.backlog``, undiscounted.
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
    contract_value: Decimal | None
    renewal_method: str | None
    contract_signed: Decimal | None
    contract_recognised: Decimal | None
    recognised_source: str
    backlog: Decimal | None
    method: str
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
    scope = asked_scope(mine, choices)
    year, before = ttm(as_of), prior_ttm(as_of)
    windows = frames.windows(
        scope, [year, Period(LEDGER_START, as_of + timedelta(days=1)), before], with_orders=True, with_cost=True
    )
    why: dict[str, str] = rates_missing(windows.missing, MONEY_FIELDS)
    days = _order_days(account, scope, as_of)
    outlook = Outlook(as_of, horizon_months, discount)
    contracts, no_contracts = _contracts(mine, as_of=as_of, currency=scope.currency)
    found = AccountMetrics(
        **_revenue(windows, before, why),
        **_orders(account=account, scope=scope, windows=windows, days=days, as_of=as_of, why=why),
        **lifetime_of_account(account.pk, scope=scope, windows=windows, outlook=outlook, why=why),
        **contracts,
        horizon_months=horizon_months,
        discount=discount,
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "account", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=1, base=before, comparison=year
        ),
    )
    reason = "" if len(windows.spans.account_ids) else reason_without_records(mine, choices.get("basis"))
    if reason:
        found = undefined(found, reason)
    said = {name: words for name, words in found.reasons.items() if name not in contracts}
    return replace(found, **contracts, reasons=said | no_contracts)


def _contracts(mine: AccountQuerySet, *, as_of: date, currency: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(figures of its contracts, why some are None): they hold whatever the books are asked by."""
    found = backlog(mine, as_of=as_of, currency=currency)
    names = {"contract_signed": "signed", "contract_recognised": "recognised", "backlog": "backlog"}
    why = {name: found.reasons[field] for name, field in names.items() if field in found.reasons}
    told = {name: getattr(found, field) for name, field in names.items()}
    return told | {"recognised_source": str(found.recognised_source)}, why


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


def _order_days(account: Account, scope: Scope, as_of: date) -> NDArray[np.datetime64]:
    days = AccountDay.objects.filter(account=account, basis=scope.basis, orders__gt=0, day__lte=as_of)
    return np.array(list(days.order_by("day").values_list("day", flat=True).distinct()), dtype="datetime64[D]")


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """The one row of the account, zeros where nothing is booked for it."""
    return values[0] if len(values) else np.zeros(values.shape[1], dtype=values.dtype)


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
