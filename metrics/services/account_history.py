"""What has one account brought so far? Revenue and gross profit year by year and over its whole life with us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import Account
from crm.lib.exceptions import FormulaError
from crm.lib.periods import Period
from metrics import reasons
from metrics.formulas.exact import BoolArray, DateArray, FloatArray, exact_total
from metrics.formulas.lifetime import compounded_value
from metrics.formulas.margin import gross_profit
from metrics.frames_days import Days, days_of
from metrics.scope import Level, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import Passport, passport, rates_missing
from metrics.services.choices import Choices

MAX_COMPOUND_RATE = 1.0  # a year
MAX_ACQUISITION_COST = Decimal(10) ** 12
PROFITS = ("gross_profit", "compounded_gross_profit", "historical_value")
SUMS = ("revenue", "gross_profit", "compounded_revenue", "compounded_gross_profit")


@dataclass(frozen=True, slots=True)
class YearOfAccount:
    """One calendar year up to the as-of day, and everything since the first record in ``cumulated_…``. Gross profit is None
    where a record has no cost, its sum from then on too. ``is_running``: the as-of day lies within the year."""

    year: int
    revenue: Decimal | None
    gross_profit: Decimal | None
    orders: int
    cumulated_revenue: Decimal | None
    cumulated_gross_profit: Decimal | None
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHistory:
    """Money has 4 decimals; what is None has its reason.

    revenue, gross_profit, orders : over the whole life, the sums of ``years``, newest last
    compounded_… : each day's amount with interest of compound_rate a year from then to the as-of day, None where no rate
    was asked for; historical_value : gross profit, compounded where that was asked for, − acquisition_cost where given.
    The cost of winning one account is not recorded, so it is asked for; it is not compounded.
    """

    years: tuple[YearOfAccount, ...]
    first_record_on: date | None
    revenue: Decimal | None
    gross_profit: Decimal | None
    orders: int
    compound_rate: float | None
    compounded_revenue: Decimal | None
    compounded_gross_profit: Decimal | None
    acquisition_cost: Decimal | None
    historical_value: Decimal | None
    best_year: YearOfAccount | None
    currency: str
    reasons: Mapping[str, str]
    passport: Passport


def account_history(
    account: Account,
    *,
    compound_rate: float | None = None,
    acquisition_cost: Decimal | None = None,
    **choices: Unpack[Choices],
) -> AccountHistory:
    """The history of ``account``, which the caller must be allowed to see; two queries over the roll-up.

    Legal entity alone, whatever level is chosen. raises FormulaError : compound_rate outside 0..MAX_COMPOUND_RATE, or
    acquisition_cost outside 0..MAX_ACQUISITION_COST
    """
    _check(compound_rate, acquisition_cost)
    as_of = choices.get("as_of") or default_as_of()
    scope = scope_of(
        Account.objects.filter(pk=account.pk), basis=choices.get("basis"), currency=choices.get("currency")
    )
    days = days_of(scope, end=as_of + timedelta(days=1))
    profit = gross_profit(days.net, days.cost, days.lines_without_cost)
    found = _life_sums(days, profit, as_of=as_of, rate=compound_rate)
    why = rates_missing(days.missing, (*SUMS, "historical_value"))
    if found["gross_profit"] is None and not days.missing:
        why = dict.fromkeys(PROFITS, reasons.sentence("no_cost"))
    years = _years(days, profit, as_of)
    value = found["gross_profit"] if compound_rate is None else found["compounded_gross_profit"]
    return AccountHistory(
        years=years,
        first_record_on=days.day[0].item() if len(days.day) else None,
        orders=int(days.orders.sum()),
        compound_rate=compound_rate,
        acquisition_cost=acquisition_cost,
        historical_value=None if value is None else value - (acquisition_cost or 0),
        best_year=max((year for year in years if year.revenue), key=lambda year: year.revenue or 0, default=None),
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "account_history", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=1,
            comparison=_life(days.day, as_of),
        ),
        **found,
    )  # fmt: skip


def _check(compound_rate: float | None, acquisition_cost: Decimal | None) -> None:
    if compound_rate is not None and not 0 <= compound_rate <= MAX_COMPOUND_RATE:
        raise FormulaError(
            _("Give the interest as a fraction from 0 to %(most)g a year.") % {"most": MAX_COMPOUND_RATE}
        )
    if acquisition_cost is not None and not 0 <= acquisition_cost <= MAX_ACQUISITION_COST:
        raise FormulaError(_("Give the cost of winning the customer as an amount of 0 or more."))


def _life_sums(days: Days, profit: FloatArray, *, as_of: date, rate: float | None) -> dict[str, Any]:
    """SUMS over the whole life; all None where a rate is missing."""
    found: dict[str, Any] = dict.fromkeys(SUMS)
    if days.missing:
        return found
    found["revenue"], found["gross_profit"] = _sum(days.net), _sum(profit)
    if rate is not None:
        age = (np.datetime64(as_of) - days.day).astype(np.int64)
        for name, amounts in (("compounded_revenue", days.net), ("compounded_gross_profit", profit)):
            found[name] = _sum(np.round(compounded_value(amounts, age, rate=rate), 4))
    return found


def _years(days: Days, profit: FloatArray, as_of: date) -> tuple[YearOfAccount, ...]:
    """From the year of the first record to that of the as-of day, years without a record included."""
    if not len(days.day):
        return ()
    number = days.day.astype("datetime64[Y]").astype(np.int64) + 1970
    found = []
    for year in range(int(number[0]), as_of.year + 1):
        is_in, is_before = number == year, number <= year
        found.append(
            YearOfAccount(
                year=year,
                revenue=_known(days, days.net, is_in),
                gross_profit=_known(days, profit, is_in),
                orders=int(days.orders[is_in].sum()),
                cumulated_revenue=_known(days, days.net, is_before),
                cumulated_gross_profit=_known(days, profit, is_before),
                is_running=year == as_of.year and (as_of.month, as_of.day) < (12, 31),
            )
        )
    return tuple(found)


def _known(days: Days, amounts: FloatArray, is_in: BoolArray) -> Decimal | None:
    """The sum of some days; None where one of them lacks a rate or a cost."""
    return None if (days.is_missing & is_in).any() else _sum(amounts[is_in])


def _sum(amounts: NDArray[Any]) -> Decimal | None:
    return None if np.isnan(amounts).any() else exact_total(amounts)


def _life(day: DateArray, as_of: date) -> Period | None:
    if not len(day):
        return None
    first = day[0].item()
    return Period(first, as_of + timedelta(days=1), f"{first}..{as_of}")
