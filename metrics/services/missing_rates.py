"""Which exchange rates the records in view wait for: by basis, pair of currencies and month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import EmptyResultSet
from django.db import connections

from accounts.querysets import AccountQuerySet
from crm.lib.periods import month_start
from metrics.rates import rate_book
from metrics.selectors import bases_in_view, common_currency, currencies_in_view


@dataclass(frozen=True, slots=True)
class WaitingRecords:
    """Records of one month that no rate covers. ``amount`` is their net in ``from_currency``, ``gross`` the sum of the
    sizes of their daily sums: what waits even where credits cancel it."""

    basis: str
    from_currency: str
    to_currency: str
    month: date
    first_day: date
    last_day: date
    records: int
    amount: Decimal
    gross: Decimal


def missing_rates(
    accounts: AccountQuerySet, *, basis: str | None = None, currency: str | None = None
) -> tuple[WaitingRecords, ...]:
    """What ``accounts`` (already limited to what the caller may see) wait for, by basis, newest month first.

    basis : that one alone; currency : of the figures, else of each basis the one all its records share, which needs no
    rate, or the company's. A month with an average needs no other rate; else each day needs its own, or one of the ten
    days before. One query a basis over the daily roll-up, and one for the rates.
    """
    found: list[WaitingRecords] = []
    for one in bases_in_view(accounts):
        if basis in (None, one):
            found += _of_basis(accounts, one, currency)
    return tuple(found)


def _of_basis(accounts: AccountQuerySet, basis: str, currency: str | None) -> list[WaitingRecords]:
    currencies = currencies_in_view(accounts, basis=basis)
    target = currency or common_currency(currencies)
    if all(one == target for one in currencies):
        return []
    days = _foreign_days(accounts, basis, target)
    if not days:
        return []
    book = rate_book(target, currencies=currencies, first=min(d.day for d in days), last=max(d.day for d in days))
    lacking = [day for day in days if book.on(day.currency, day.day) is None]
    months: dict[tuple[date, str], list[_Day]] = {}
    for day in lacking:
        months.setdefault((month_start(day.day), day.currency), []).append(day)
    return [
        _gathered(basis, target, month, source, inside)
        for (month, source), inside in sorted(months.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1]))
    ]


@dataclass(frozen=True, slots=True)
class _Day:
    currency: str
    day: date
    records: int
    net: Decimal


def _foreign_days(accounts: AccountQuerySet, basis: str, target: str) -> list[_Day]:
    """Every day with records in another currency, summed over the accounts in view."""
    view, params = "true", []
    if not accounts.is_everything:
        try:
            sql, values = accounts.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return []
        view, params = f"account_id IN ({sql})", list(values)
    with connections[accounts.db].cursor() as cursor:
        cursor.execute(
            "SELECT currency, day, sum(lines), sum(net) FROM metrics_accountday"
            f" WHERE basis = %s AND currency <> %s AND {view} GROUP BY currency, day",
            [basis, target, *params],
        )
        return [_Day(*row) for row in cursor.fetchall()]


def _gathered(basis: str, target: str, month: date, source: str, days: Iterable[_Day]) -> WaitingRecords:
    days = list(days)
    return WaitingRecords(
        basis=basis,
        from_currency=source,
        to_currency=target,
        month=month,
        first_day=min(one.day for one in days),
        last_day=max(one.day for one in days),
        records=sum(one.records for one in days),
        amount=sum((one.net for one in days), Decimal(0)),
        gross=sum((abs(one.net) for one in days), Decimal(0)),
    )
