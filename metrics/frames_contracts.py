"""Contracts → arrays, one query: what of them was known on a day, in the one currency of the scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from django.db.models import Count, Max, Q
from django.db.models.functions import Coalesce

from accounts.enums import SIGNED_CONTRACT_STATUSES, ContractStatus
from accounts.models import Contract, ExchangeRate
from crm.lib.periods import month_start
from crm.lib.wall import beyond_the_wall
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.frames import IntArray
from metrics.rates import rate_book
from metrics.scope import Scope

_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """Signed contracts with a term, known by the day asked about, ascending by account, first day and key; shape (n,).

    amount : money in the currency of the scope at the rate of the day it was signed, else the average of that month, None
    where the amount or the rate is missing; ``value`` is the same as numbers, NaN there
    """

    account_ids: IntArray
    first_on: DateArray
    last_on: DateArray
    is_cancelled: BoolArray
    amount: tuple[Decimal | None, ...]
    value: FloatArray


def contracts(scope: Scope, *, as_of: date) -> Contracts:
    """Contracts of the accounts in view that were signed by ``as_of``; a draft is none. One query, one more for rates."""
    found = Contract.objects.filter(
        status__in=[*SIGNED_CONTRACT_STATUSES, ContractStatus.CANCELLED], starts_on__isnull=False, ends_on__isnull=False
    )
    found = found.annotate(known_on=Coalesce("signed_on", "starts_on")).filter(known_on__lte=as_of)
    if not scope.accounts.is_everything:
        found = found.filter(account__in=scope.accounts.order_by().values("pk"))
    fields = ("account_id", "starts_on", "ends_on", "status", "amount", "currency", "known_on")
    rows = list(found.order_by("account_id", "starts_on", "pk").values_list(*fields))
    amounts = _translated(scope, [(row[4], row[5], row[6]) for row in rows])
    return Contracts(
        account_ids=np.array([row[0] for row in rows], dtype=np.int64),
        first_on=np.array([row[1] for row in rows], dtype="datetime64[D]"),
        last_on=np.array([row[2] for row in rows], dtype="datetime64[D]"),
        is_cancelled=np.array([row[3] == ContractStatus.CANCELLED for row in rows], dtype=bool),
        amount=amounts,
        value=np.array([np.nan if amount is None else float(amount) for amount in amounts], dtype=np.float64),
    )


@beyond_the_wall("the age of what everybody's kept answers rest on")
def contract_state(*, currency: str) -> str:
    """Changes with every contract, and with the rates where some contract is in another currency; two small look-ups."""
    known = Contract.objects.aggregate(
        count=Count("pk"), last=Max("updated_at"), foreign=Count("pk", filter=~Q(currency__in=["", currency]))
    )
    if not known["foreign"]:
        return f"{known['count']}/{known['last']}"
    rates = ExchangeRate.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    return f"{known['count']}/{known['last']}/{rates['count']}/{rates['last']}"


def _translated(scope: Scope, amounts: list[tuple[Decimal | None, str, date]]) -> tuple[Decimal | None, ...]:
    foreign = sorted({currency for _amount, currency, _day in amounts if currency not in ("", scope.currency)})
    if not foreign:
        return tuple(amount for amount, _currency, _day in amounts)
    days = [day for _amount, _currency, day in amounts]
    book = rate_book(scope.currency, currencies=foreign, first=min(days), last=max(days))
    found: list[Decimal | None] = []
    rate: Decimal | None
    for amount, currency, day in amounts:  # a contract is one row here, not an account's ledger
        rate = Decimal(1)
        if currency != scope.currency:
            rate = book.spot(currency, day) or book.average(currency, month_start(day))
        found.append(None if amount is None or rate is None else (amount * rate).quantize(_CENT))
    return tuple(found)
