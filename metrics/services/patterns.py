"""How do they buy? Interval, order size, breadth, season, weekdays and products, of a portfolio or of one account."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.models import Product
from accounts.querysets import AccountQuerySet
from crm.lib import money
from crm.lib.periods import MONTHS_PER_YEAR, Period, add_months, last_complete_month, ttm
from crm.lib.remember import is_remembered, remembered
from metrics import frames, reasons
from metrics.formulas.bridge_parts import with_whole
from metrics.formulas.exact import exact_total, units_total, whole_units
from metrics.formulas.patterns import (
    INTERVAL_ORDER_DAYS,
    interval_spread,
    order_rhythm,
    season_index,
    season_shares,
    spring_festival_share,
    weekday_shares,
)
from metrics.frames import Windows
from metrics.frames_patterns import Bought, Breadth, bought, breadth, months_of, order_day_sizes
from metrics.frames_products import product_facts
from metrics.models_products import NO_PRODUCT
from metrics.reasons import MissingRate
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import data_start, default_as_of
from metrics.services.base import AccountTable, Answer, passport
from metrics.services.choices import Choices
from metrics.services.empty_basis import says_why_empty

NAME = "purchase_patterns"
TOP_PRODUCTS = 15
MIN_SEASON_YEARS = 2  # of whole years: one alone is no season
MAX_SEASON_YEARS = 5
FESTIVAL_MONTHS = 2


@dataclass(frozen=True, slots=True)
class BoughtProduct:
    """A product bought in the period; None and no name stand for lines without a product. order_days : counted an
    account; buyers, new_buyers : accounts, and those of them that bought it for the first time."""

    product_id: int | None
    code: str
    name: str
    revenue: Decimal | None
    share: float | None
    order_days: int
    buyers: int
    new_buyers: int
    first_on: date | None
    last_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternFigures(Answer):
    """Of orders and revenue of the period, intervals of all orders up to the as-of day, season of whole years before it.

    interval_low_days, interval_high_days : quartiles; order_day_… : quartiles of the net of an order day. breadth : mean
    number of different products on an order day, breadth_before a year earlier. revenue = known_product_revenue +
    new_product_revenue + no_product_revenue, to the last digit: products that each account had bought before the period,
    had not, and lines without one. season : index of each calendar month, January first, 1 is average; spring_index that
    of January and February together. weekdays : shares of the order days, Monday first. breadth_months : (month, breadth).
    ``table`` has revenue, orders, order_days, usual_interval, products, new_products, new_product_revenue.
    """

    usual_interval_days: float | None
    interval_low_days: float | None
    interval_high_days: float | None
    rhythm_accounts: int
    orders: int
    order_days: int
    average_order_value: Decimal | None
    order_day_size: Decimal | None
    order_day_low: Decimal | None
    order_day_high: Decimal | None
    breadth: float | None
    breadth_before: float | None
    breadth_change: float | None
    breadth_months: tuple[tuple[date, float], ...]
    revenue: Decimal | None
    known_product_revenue: Decimal | None
    new_product_revenue: Decimal | None
    no_product_revenue: Decimal | None
    new_product_share: float | None
    products_bought: int
    season: tuple[float, ...] | None
    season_years: int
    spring_index: float | None
    peak_month_index: float | None
    weekdays: tuple[float, ...] | None
    peak_weekday_share: float | None
    products: tuple[BoughtProduct, ...]


_SHAPE = tuple((kind.__name__, tuple(one.name for one in fields(kind))) for kind in (PatternFigures, BoughtProduct))


@says_why_empty
def patterns(accounts: AccountQuerySet, *, period: Period | None = None, **choices: Unpack[Choices]) -> PatternFigures:
    """How ``accounts`` (already limited to what the caller may see) buy; by default in the last 12 whole months.

    Legal entities, whatever level is chosen, and credit notes in their own period. A dozen queries, whatever the number of accounts; over every account the
    answer is kept for a state of the ledger.
    """
    day = choices.get("as_of") or default_as_of()
    scope = scope_of(accounts, basis=choices.get("basis"), currency=choices.get("currency"))
    window = period or ttm(day)
    if not accounts.is_everything:
        return _computed(scope, window, day)
    return remembered(NAME, _state(scope, window, day), lambda: _computed(scope, window, day))


def is_usual_kept(accounts: AccountQuerySet) -> bool:
    """Whether who asks about every account for the usual period waits for no computation; a few look-ups."""
    day = default_as_of()
    return is_remembered(NAME, _state(scope_of(accounts), ttm(day), day))


def _state(scope: Scope, window: Period, day: date) -> tuple[object, ...]:
    return (*scope.state, *product_facts(scope), window.start, window.end, window.label, day, _SHAPE)


def _computed(scope: Scope, period: Period, as_of: date) -> PatternFigures:
    before = period.shift_years(-1)
    found = frames.windows(scope, [period], with_orders=True)
    by_product, by_account = bought(scope, period)
    why: dict[str, str] = {}
    account, order_on = _history(scope, found, min(as_of, period.last_day))
    in_period = (order_on >= np.datetime64(period.start)) & (order_on < np.datetime64(period.end))
    values = {
        **_intervals(found, account, order_on, why),
        **_sizes(scope, period, found, why),
        **_breadth(breadth(scope, before, period), before, why),
        **_revenue(found, by_product, why),
        **_season(scope, as_of, why),
        **_weekdays(order_on[in_period], why),
        "order_days": int(in_period.sum()),
        "products": _products(by_product, is_known=not found.missing),
        "products_bought": int(((by_product.key != NO_PRODUCT) & (by_product.pairs > 0)).sum()),
    }
    table = _table(found, by_account, account, order_on, in_period, as_of=min(as_of, period.last_day))
    return PatternFigures(
        **values, currency=scope.currency, reasons=why, table=table,
        passport=passport(
            "patterns", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(table), base=before, comparison=period
        ),
    )  # fmt: skip


def _history(scope: Scope, found: Windows, last: date) -> tuple[NDArray[np.int64], NDArray[np.datetime64]]:
    """(place among the spans, order day) of every order day up to and with ``last``."""
    ids, days = frames.order_history(scope, as_of=last)
    return np.searchsorted(found.spans.account_ids, ids).astype(np.int64), days


def _intervals(found: Windows, account: NDArray[Any], order_on: NDArray[Any], why: dict[str, str]) -> dict[str, Any]:
    low, middle, high, known = interval_spread(account, order_on, accounts=len(found.spans.account_ids))
    values = {"interval_low_days": low, "usual_interval_days": middle, "interval_high_days": high}
    if not known:
        why |= dict.fromkeys(values, reasons.sentence("few_order_days", needed=INTERVAL_ORDER_DAYS))
        return dict.fromkeys(values) | {"rhythm_accounts": 0}
    return values | {"rhythm_accounts": known}


def _sizes(scope: Scope, period: Period, found: Windows, why: dict[str, str]) -> dict[str, Any]:
    """Mean of an order, quartiles of an order day."""
    orders = int(found.orders[:, 0].sum())
    names = ("average_order_value", "order_day_low", "order_day_size", "order_day_high")
    if found.missing or not orders:
        why |= dict.fromkeys(names, _no_money(found.missing) or reasons.sentence("no_active"))
        return dict.fromkeys(names) | {"orders": orders}
    quartiles = np.round(np.quantile(order_day_sizes(scope, period), (0.25, 0.5, 0.75)), 4)
    sizes = dict(zip(names[1:], (exact_total([value]) for value in quartiles), strict=True))
    return {"average_order_value": money.average(exact_total(found.net[:, 0]), orders), **sizes, "orders": orders}


def _breadth(rows: Breadth, before: Period, why: dict[str, str]) -> dict[str, Any]:
    now, then = (_mean(rows, window) for window in (1, 0))
    known_from = data_start()
    if known_from is None or before.start < known_from:
        then, reason = None, "short_history"
    else:
        reason = "no_product_day"
    if now is None:
        why |= dict.fromkeys(("breadth", "breadth_change"), reasons.sentence("no_product_day"))
    if then is None:
        why |= dict.fromkeys(("breadth_before", "breadth_change"), reasons.sentence(reason))
    change = now / then - 1 if now is not None and then is not None else None
    return {
        "breadth": now,
        "breadth_before": then,
        "breadth_change": change,
        "breadth_months": tuple(months_of(rows, 1)),
    }


def _mean(rows: Breadth, window: int) -> float | None:
    is_in = rows.window == window
    days = int(rows.days[is_in].sum())
    return int(rows.products[is_in].sum()) / days if days else None


def _revenue(found: Windows, by_product: Bought, why: dict[str, str]) -> dict[str, Any]:
    """Revenue, and its parts by whether the account knew the product; rounding of rates goes to the largest part."""
    names = ("revenue", "known_product_revenue", "new_product_revenue", "no_product_revenue", "new_product_share")
    if found.missing:
        why |= dict.fromkeys(names, _no_money(found.missing))
        return dict.fromkeys(names)
    is_none = by_product.key == NO_PRODUCT
    whole, net, new = whole_units(found.net[:, 0], by_product.net, by_product.net_new)
    parts = np.array([[(net - new)[~is_none].sum(), new.sum(), net[is_none].sum()]])
    parts, _rest = with_whole(parts, np.array([whole.sum()]), rounding=len(whole) + len(net))
    known, fresh, without = (units_total(parts[:, at]) for at in range(3))
    revenue = units_total(whole)
    of_products = known + fresh
    share = float(fresh / of_products) if known >= 0 and fresh >= 0 and of_products > 0 else None
    if share is None:
        why["new_product_share"] = reasons.sentence("revenue_not_positive")
    return dict(zip(names, (revenue, known, fresh, without, share), strict=True))


def _season(scope: Scope, as_of: date, why: dict[str, str]) -> dict[str, Any]:
    names = ("season", "spring_index", "peak_month_index")
    end, known_from = add_months(last_complete_month(as_of), 1), data_start()
    months = 0 if known_from is None else (end.year - known_from.year) * MONTHS_PER_YEAR + end.month - known_from.month
    years = min(months // MONTHS_PER_YEAR, MAX_SEASON_YEARS)
    if years < MIN_SEASON_YEARS:
        why |= dict.fromkeys(names, reasons.sentence("season_short_history", found=max(months, 0)))
        return dict.fromkeys(names) | {"season_years": 0}
    first = add_months(end, -years * MONTHS_PER_YEAR)
    _spans, net, missing = frames.monthly(scope, first=first, months=years * MONTHS_PER_YEAR)
    shares = season_shares(np.round(net.sum(axis=0, keepdims=True), 4), first_month=first.month)
    if missing or np.isnan(shares).any():
        why |= dict.fromkeys(names, _no_money(missing) or reasons.sentence("revenue_not_positive"))
        return dict.fromkeys(names) | {"season_years": 0}
    index = season_index(shares)[0]
    spring = float(spring_festival_share(shares)[0]) * MONTHS_PER_YEAR / FESTIVAL_MONTHS
    found = {"season": tuple(index.tolist()), "spring_index": spring, "peak_month_index": float(index.max())}
    return found | {"season_years": years}


def _weekdays(order_on: NDArray[np.datetime64], why: dict[str, str]) -> dict[str, Any]:
    if not len(order_on):
        why |= dict.fromkeys(("weekdays", "peak_weekday_share"), reasons.sentence("no_active"))
        return {"weekdays": None, "peak_weekday_share": None}
    shares = weekday_shares(order_on)
    return {"weekdays": tuple(shares.tolist()), "peak_weekday_share": float(shares.max())}


def _products(rows: Bought, *, is_known: bool) -> tuple[BoughtProduct, ...]:
    """Every product of the period, most revenue first; one query for their names."""
    named = {pk: (code, name) for pk, code, name in Product.objects.filter(pk__in=rows.key.tolist()).values_list("pk", "code", "name")}  # fmt: skip
    total = float(np.maximum(rows.net, 0).sum())
    found = []
    for at in np.lexsort((rows.key, -rows.net)).tolist():
        key, net = int(rows.key[at]), float(rows.net[at])
        code, name = named.get(key, ("", ""))
        found.append(
            BoughtProduct(
                product_id=key or None, code=code, name=name, revenue=exact_total([net]) if is_known else None,
                share=net / total if is_known and net > 0 else None, order_days=int(rows.days[at]),
                buyers=int(rows.pairs[at]), new_buyers=int(rows.new_pairs[at]), first_on=_day(rows.first_on[at]),
                last_on=_day(rows.last_on[at]),
            )
        )  # fmt: skip
    return tuple(found)


def _table(
    found: Windows, rows: Bought, account: NDArray[Any], order_on: NDArray[Any], in_period: NDArray[Any], *, as_of: date
) -> AccountTable:
    """The accounts with a line in the period."""
    ids, count = found.spans.account_ids, len(found.spans.account_ids)
    place = np.searchsorted(ids, rows.key)
    rhythm = order_rhythm(account, order_on, accounts=count, as_of=np.datetime64(as_of))

    def of(values: NDArray[Any]) -> NDArray[Any]:
        spread = np.zeros(count, dtype=values.dtype)
        spread[place] = values
        return spread

    net = np.where(found.is_missing[:, 0], np.nan, found.net[:, 0])
    table = AccountTable(ids, {
        "revenue": net,
        "orders": found.orders[:, 0],
        "order_days": np.bincount(account[in_period], minlength=count),
        "usual_interval": rhythm.median_interval_days,
        "products": of(rows.pairs),
        "new_products": of(rows.new_pairs),
        "new_product_revenue": np.where(np.isnan(net), np.nan, of(rows.net_new)),
    })  # fmt: skip
    is_behind = np.zeros(count, dtype=bool)
    is_behind[place] = True
    return table.where(is_behind)


def _no_money(missing: tuple[MissingRate, ...]) -> str:
    return reasons.missing_rates_sentence(missing) if missing else ""


def _day(value: np.datetime64) -> date | None:
    day: date | None = None if np.isnat(value) else value.astype("datetime64[D]").item()
    return day
