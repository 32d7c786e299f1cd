"""Estimates of what accounts spend → arrays; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connections

from crm.lib.periods import month_start
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames import IntArray
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Scope


@dataclass(frozen=True, slots=True)
class Wallets:
    """The latest estimate of each account that has one, ascending by id, (n,).

    amount : a year, in the currency of the figures, NaN without a rate of the month it was made in
    """

    account_ids: IntArray
    amount: FloatArray
    estimated_on: DateArray
    expires_on: DateArray
    is_expired: BoolArray
    missing: tuple[MissingRate, ...]


LATEST = (
    "SELECT DISTINCT ON (w.account_id) w.account_id, w.amount, w.currency, w.estimated_on, w.expires_on"
    " FROM accounts_walletestimate w WHERE w.estimated_on <= %s AND {view}"
    " ORDER BY w.account_id, w.estimated_on DESC, w.id DESC"
)
COLUMNS: dict[str, tuple[str, Kind]] = {
    "account_id": ("w.account_id", "int8"),
    "amount": ("round(w.amount * r.rate, 4)", "float8"),
    "estimated_on": ("w.estimated_on", "date"),
    "expires_on": ("w.expires_on", "date"),
    "expired": ("(w.expires_on <= %s)::int", "int4"),
}


def wallets(scope: Scope, *, as_of: date) -> Wallets:
    """Latest estimates of the accounts in view on a day; an older one that runs longer does not count beside it.

    Two queries, one more for the rates where some estimate is in another currency.
    """
    view, view_params = scope.within("w.account_id")
    latest, inside = LATEST.replace("{view}", view), [as_of, *view_params]
    with connections[scope.using].cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT currency, date_trunc('month', estimated_on)::date FROM ({latest}) AS w ORDER BY 1, 2",
            inside,
        )
        pairs: list[tuple[str, date]] = cursor.fetchall()
    foreign = {currency for currency, _month in pairs} - {scope.currency}
    months = [month for _currency, month in pairs]
    book = rate_book(scope.currency, currencies=foreign, first=min(months), last=max(months)) if foreign else None
    rates = [
        (code, month, book.of_month(code, month_start(month)) if book and code in foreign else 1)
        for code, month in pairs
    ]
    known = [list(column) for column in zip(*rates, strict=True)] if rates else [[], [], []]
    sql = (
        f"SELECT {', '.join(as_sql(expression, kind) for expression, kind in COLUMNS.values())} FROM ({latest}) AS w"
        " JOIN unnest(%s::text[], %s::date[], %s::numeric[]) AS r(currency, month, rate)"
        " ON r.currency = w.currency AND r.month = date_trunc('month', w.estimated_on)::date ORDER BY w.account_id"
    )
    kinds = {name: kind for name, (_sql, kind) in COLUMNS.items()}
    rows = fetch(sql, [as_of, *inside, *known], kinds, using=scope.using)
    return Wallets(
        account_ids=rows["account_id"],
        amount=rows["amount"],
        estimated_on=rows["estimated_on"],
        expires_on=rows["expires_on"],
        is_expired=rows["expired"] > 0,
        missing=tuple(MissingRate(month, code, scope.currency) for code, month, rate in rates if rate is None),
    )
