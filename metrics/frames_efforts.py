"""What was spent on winning and keeping customers → arrays; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connections
from django.db.models import Count, Max, Q

from accounts.enums import EffortPurpose
from accounts.models import ExchangeRate, MarketEffort
from crm.lib.periods import Period, add_months
from crm.lib.wall import beyond_the_wall
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.frames import IntArray
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Scope

NO_ACCOUNT = 0  # of efforts for no account in particular


@dataclass(frozen=True, slots=True)
class Efforts:
    """Sums of efforts by month, purpose and account, each shape (m,), money in the currency of the figures.

    account_ids : NO_ACCOUNT for the company's; month : place among the months asked for
    amount, hours : sums of those given; paid, timed : how many gave one; unpaid : how many gave hours alone
    is_missing : an amount waits for a rate and is not in ``amount``
    """

    first: date
    account_ids: IntArray
    month: IntArray
    is_acquisition: BoolArray
    amount: FloatArray
    hours: FloatArray
    paid: IntArray
    timed: IntArray
    unpaid: IntArray
    is_missing: BoolArray
    missing: tuple[MissingRate, ...]


COLUMNS: dict[str, tuple[str, Kind]] = {
    "account_id": (f"coalesce(e.account_id, {NO_ACCOUNT})", "int8"),
    "month": ("(extract(year FROM e.month) * 12 + extract(month FROM e.month))::int - %s", "int8"),
    "is_acquisition": ("(e.purpose = %s)::int", "int4"),
    "amount": ("coalesce(round(sum(e.amount * r.rate), 4), 0)", "float8"),
    "hours": ("coalesce(sum(e.hours), 0)", "float8"),
    "paid": ("count(e.amount)", "int8"),
    "timed": ("count(e.hours)", "int8"),
    "unpaid": ("count(*) FILTER (WHERE e.amount IS NULL)", "int8"),
    "missing": ("count(*) FILTER (WHERE e.amount IS NOT NULL AND r.rate IS NULL)", "int8"),
}


def efforts(scope: Scope, *, first: date, months: int) -> Efforts:
    """Efforts of the accounts in view in ``months`` months from ``first``; of the company too where all are in view.

    Translated by one rate for each month: its average, else the mean of its days (metrics.rates). Two queries, one more
    for the rates where some effort is in another currency.
    """
    end = add_months(first, months)
    view, view_params = scope.within("e.account_id")
    where = f"e.month >= %s AND e.month < %s AND {view}"
    inside = [first, end, *view_params]
    with connections[scope.using].cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT e.currency, e.month FROM accounts_marketeffort e WHERE e.amount IS NOT NULL AND {where}"
            " ORDER BY 1, 2",
            inside,
        )
        pairs: list[tuple[str, date]] = cursor.fetchall()
    foreign = {currency for currency, _month in pairs} - {scope.currency}
    book = rate_book(scope.currency, currencies=foreign, first=first, last=end) if foreign else None
    rates = [(code, month, book.of_month(code, month) if book and code in foreign else 1) for code, month in pairs]
    known = [list(column) for column in zip(*rates, strict=True)] if rates else [[], [], []]
    picked = ", ".join(as_sql(expression, kind) for expression, kind in COLUMNS.values())
    sql = (
        f"SELECT {picked} FROM accounts_marketeffort e"
        " LEFT JOIN unnest(%s::text[], %s::date[], %s::numeric[]) AS r(currency, month, rate)"
        f" ON r.currency = e.currency AND r.month = e.month WHERE {where} GROUP BY e.account_id, e.month, e.purpose"
    )
    params = [first.year * 12 + first.month, EffortPurpose.ACQUISITION.value, *known, *inside]
    rows = fetch(sql, params, {name: kind for name, (_sql, kind) in COLUMNS.items()}, using=scope.using)
    return Efforts(
        first=first,
        account_ids=rows["account_id"],
        month=rows["month"],
        is_acquisition=rows["is_acquisition"] > 0,
        amount=rows["amount"],
        hours=rows["hours"],
        paid=rows["paid"],
        timed=rows["timed"],
        unpaid=rows["unpaid"],
        is_missing=rows["missing"] > 0,
        missing=tuple(MissingRate(month, code, scope.currency) for code, month, rate in rates if rate is None),
    )


@beyond_the_wall("the age of what everybody's kept answers rest on")
def effort_state(*, currency: str) -> str:
    """Changes with every effort, and with the rates where some effort is in another currency; two small look-ups."""
    known = MarketEffort.objects.aggregate(
        count=Count("pk"), last=Max("updated_at"), foreign=Count("pk", filter=~Q(currency__in=["", currency]))
    )
    if not known["foreign"]:
        return f"{known['count']}/{known['last']}"
    rates = ExchangeRate.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    return f"{known['count']}/{known['last']}/{rates['count']}/{rates['last']}"


def month_place(period: Period, first: date) -> tuple[int, int]:
    """(place of the first month of a period of whole months, place after its last) among the months from ``first``."""
    start = (period.start.year - first.year) * 12 + period.start.month - first.month
    return start, start + period.months
