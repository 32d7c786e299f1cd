"""Facts about the ledger that every figure starts from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Count, F, Max, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.enums import RevenueBasis
from accounts.models import AccountMerge, ExchangeRate, FactChange, ImportBatch, RevenueRecord
from accounts.querysets import AccountQuerySet
from crm.lib.wall import beyond_the_wall
from metrics.models import AccountCredit, AccountDay, AccountMonth, AccountSpan

OF_THE_LEDGER = "days, currencies and age of the ledger as a whole: nobody's in particular"
MOVED = "original_on <> day"  # of a row of AccountCredit: its original is there, and lies on another day


def company_basis() -> str:
    """The basis figures are on unless another is asked for: the company's setting (domain.md 1.1)."""
    return str(settings.REVENUE_BASIS)


@beyond_the_wall(OF_THE_LEDGER)
def last_booked_on() -> date | None:
    """Last day with a counting record, None in an empty ledger; one index look-up."""
    found: date | None = AccountDay.objects.aggregate(last=Max("day"))["last"]
    return found


def default_as_of(*, today: date | None = None) -> date:
    """The earlier of yesterday and the ledger's last booked day: "data until …" of night, pages and REST alike."""
    yesterday = (today or timezone.localdate()) - timedelta(days=1)
    booked = last_booked_on()
    return min(yesterday, booked) if booked else yesterday


@beyond_the_wall(OF_THE_LEDGER)
def data_start() -> date | None:
    """First day of the month of the earliest counting record."""
    first: date | None = AccountMonth.objects.order_by("month").values_list("month", flat=True).first()
    return first


@beyond_the_wall(OF_THE_LEDGER)
def ledger_fingerprint() -> str:
    """Changes whenever a record is added or withdrawn, or counts for another account: the last record, the last
    withdrawal and the last merge of accounts; two index look-ups."""
    last_record = RevenueRecord.all_objects.order_by("-pk").values_list("pk", flat=True).first()
    merges = AccountMerge.objects.annotate(last=Greatest("merged_at", "undone_at")).order_by("-last").values("last")
    last = ImportBatch.objects.aggregate(withdrawn=Max("withdrawn_at"), merged=Max(Subquery(merges[:1])))
    withdrawn_at, merged_at = last["withdrawn"], last["merged"]
    found = f"{last_record or 0}/{withdrawn_at.isoformat() if withdrawn_at else '-'}"
    return f"{found}/{merged_at.isoformat()}" if merged_at else found


def accounts_without_number(accounts: AccountQuerySet) -> tuple[int, ...]:
    """Accounts among these with an amount or a cost that is stored as no number, ascending; no formula can use them.

    One look-up in an index that holds such rows alone, by rights none: every door of the product refuses them.
    """
    with connections[accounts.db].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT account_id FROM metrics_accountmonth WHERE net = 'NaN' OR cost = 'NaN' ORDER BY account_id"
        )
        found = [pk for (pk,) in cursor.fetchall()]
    if not found or accounts.is_everything:
        return tuple(found)
    return tuple(accounts.filter(pk__in=found).order_by("pk").values_list("pk", flat=True))


def ledger_state(*, using: str, with_rates: bool) -> tuple[object, ...]:
    """What figures rest on: changes with every posting and withdrawal, with the accounts and their facts and, where it is
    asked for, with the exchange rates. Small look-ups; the database is named, since a cache may serve several."""
    facts = FactChange.objects.using(using).aggregate(count=Count("pk"), last=Max("pk"))
    rates = ExchangeRate.objects.using(using).aggregate(count=Count("pk"), last=Max("updated_at")) if with_rates else {}
    known = [str(value) for value in (*facts.values(), *rates.values())]
    return (connections[using].settings_dict["NAME"], ledger_fingerprint(), *known)


def currencies_in_view(accounts: AccountQuerySet, *, basis: str) -> tuple[str, ...]:
    """Currencies of all records of these accounts, sorted.

    The ledger's own answer is remembered until the ledger changes; only where it has several are the accounts asked.
    """
    everywhere = _ledger_currencies(ledger_fingerprint(), basis)
    if len(everywhere) < 2:
        return everywhere
    if accounts.is_everything:
        return everywhere
    try:
        view, params = accounts.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return ()
    with connections[accounts.db].cursor() as cursor:
        cursor.execute(
            "SELECT currency FROM unnest(%s::text[]) AS known(currency) WHERE EXISTS (SELECT 1 FROM"
            " metrics_accountmonth m WHERE m.currency = known.currency AND m.basis = %s AND m.account_id IN"
            f" ({view})) ORDER BY currency",
            [list(everywhere), basis, *params],
        )
        return tuple(row[0] for row in cursor.fetchall())


def bases_in_view(accounts: AccountQuerySet) -> tuple[str, ...]:
    """Bases on which these accounts have records, as RevenueBasis orders them; remembered like the currencies."""
    everywhere = _ledger_bases(ledger_fingerprint(), connections[accounts.db].settings_dict["NAME"])
    if len(everywhere) < 2 or accounts.is_everything:
        return everywhere
    view, params = _view(accounts)
    return _found(
        "SELECT basis FROM unnest(%s::text[]) WITH ORDINALITY AS known(basis, place) WHERE EXISTS (SELECT 1 FROM"
        f" metrics_accountspan s WHERE s.basis = known.basis AND {view}) ORDER BY place",
        [list(everywhere), *params],
        using=accounts.db,
    )


def has_linked_credit_notes(accounts: AccountQuerySet, *, basis: str) -> bool:
    """Whether some credit note of these accounts on the basis has its original in the ledger, on another day."""
    if basis not in _linked_bases(ledger_fingerprint(), connections[accounts.db].settings_dict["NAME"]):
        return False
    if accounts.is_everything:
        return True
    view, params = _view(accounts)
    sql = f"SELECT 1 FROM metrics_accountcredit s WHERE {MOVED} AND s.basis = %s AND {view} LIMIT 1"
    return bool(_found(sql, [basis, *params], using=accounts.db))


def _view(accounts: AccountQuerySet) -> tuple[str, list[Any]]:
    """SQL condition that ``s.account_id`` is one of the accounts, and its parameters."""
    try:
        sql, params = accounts.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "false", []
    return f"s.account_id IN ({sql})", list(params)


def _found(sql: str, params: list[Any], *, using: str) -> tuple[str, ...]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return tuple(row[0] for row in cursor.fetchall())


def common_currency(currencies: Sequence[str]) -> str:
    """The one currency all records in view share, else BASE_CURRENCY."""
    return currencies[0] if len(currencies) == 1 else str(settings.BASE_CURRENCY)


@lru_cache(maxsize=64)
@beyond_the_wall(OF_THE_LEDGER)
def _ledger_currencies(fingerprint: str, basis: str) -> tuple[str, ...]:
    found = AccountMonth.objects.filter(basis=basis).order_by("currency").values_list("currency", flat=True).distinct()
    return tuple(found)


@lru_cache(maxsize=64)
@beyond_the_wall(OF_THE_LEDGER)
def _ledger_bases(fingerprint: str, _database: str) -> tuple[str, ...]:
    """In the order of RevenueBasis; one pass over the spans, a row an account and basis."""
    found = set(AccountSpan.objects.order_by().values_list("basis", flat=True).distinct())
    return tuple(basis for basis in RevenueBasis.values if basis in found)


@lru_cache(maxsize=64)
@beyond_the_wall(OF_THE_LEDGER)
def _linked_bases(fingerprint: str, _database: str) -> frozenset[str]:
    linked = AccountCredit.objects.filter(original_on__isnull=False).exclude(original_on=F("day"))
    return frozenset(linked.order_by().values_list("basis", flat=True).distinct())
