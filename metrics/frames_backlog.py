"""Contracts with their milestones and what the books say of them → arrays; beside ``frames_contracts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from numpy.typing import NDArray

from accounts.enums import SIGNED_CONTRACT_STATUSES, ContractStatus
from accounts.models import Contract, ContractMilestone
from accounts.querysets import AccountQuerySet
from crm.lib.periods import month_start
from metrics.binary import as_sql, fetch
from metrics.formulas.backlog import Milestones
from metrics.formulas.exact import BoolArray, DateArray
from metrics.frames_spans import IntArray, roots
from metrics.models import ContractDay
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope

CONTRACTS = "contracts"  # the basis of figures of contracts: what was agreed, whatever the books say
FIELDS = (
    "pk", "account_id", "number", "amount", "currency", "status", "signed_on", "starts_on", "ends_on", "cancelled_on",
)  # fmt: skip
_COLUMNS = {"unit_id": "int8", "account_id": "int8", "before_data_start": "int4"}


@dataclass(frozen=True, slots=True, eq=False)
class ContractBook:
    """Signed contracts, cancelled ones too, ascending by key, in their own currencies; shape (n,).

    known_on : the day it was signed, else the first of its term; NaT where neither is given
    recorded : recognised of it by the books up to the day asked about, None where they say nothing of it, ever
    is_foreign : the books recognised some of it in another currency than its own
    milestones : (m,), with the places of their contracts
    """

    ids: IntArray
    account_ids: IntArray
    numbers: tuple[str, ...]
    amount: tuple[Decimal | None, ...]
    currency: tuple[str, ...]
    known_on: DateArray
    first_on: DateArray
    last_on: DateArray
    is_cancelled: BoolArray
    cancelled_on: DateArray
    recorded: tuple[Decimal | None, ...]
    is_foreign: BoolArray
    milestones: Milestones

    @property
    def has_milestones(self) -> BoolArray:
        return np.isin(np.arange(len(self.ids)), self.milestones.contract)


def contract_scope(accounts: AccountQuerySet, *, currency: str | None = None) -> Scope:
    """Scope of figures of contracts: in the one currency that all contracts in view share, else BASE_CURRENCY; groups are
    those of today, for a contract belongs to who holds it now."""
    found = _signed(accounts).exclude(currency="").order_by("currency").values_list("currency", flat=True).distinct()
    known = tuple(found)
    chosen = currency or (known[0] if len(known) == 1 else str(settings.BASE_CURRENCY))
    return Scope(accounts, CONTRACTS, chosen, known, using=accounts.db, membership=Membership.AS_NOW)


def contract_book(found: QuerySet[Contract], *, as_of: date) -> ContractBook:
    """The signed ones of ``found``; three queries. ``as_of`` is the last day of the books that counts."""
    signed = found.filter(status__in=[*SIGNED_CONTRACT_STATUSES, ContractStatus.CANCELLED]).order_by("pk")
    rows = list(signed.values_list(*FIELDS))
    ids = [row[0] for row in rows]
    place = {pk: at for at, pk in enumerate(ids)}
    keys = signed.order_by().values("pk")
    recorded, is_foreign = _recorded(keys, rows, place, as_of)
    return ContractBook(
        ids=np.array(ids, dtype=np.int64),
        account_ids=np.array([row[1] for row in rows], dtype=np.int64),
        numbers=tuple(row[2] for row in rows),
        amount=tuple(row[3] for row in rows),
        currency=tuple(row[4] for row in rows),
        known_on=_days([row[6] or row[7] for row in rows]),
        first_on=_days([row[7] for row in rows]),
        last_on=_days([row[8] for row in rows]),
        is_cancelled=np.array([row[5] == ContractStatus.CANCELLED for row in rows], dtype=bool),
        cancelled_on=_days([row[9] for row in rows]),
        recorded=tuple(recorded),
        is_foreign=is_foreign,
        milestones=_milestones(keys, place),
    )


def contracts_in_view(scope: Scope) -> QuerySet[Contract]:
    return _signed(scope.accounts)


def signing_rates(
    scope: Scope, currencies: Sequence[str], days: DateArray
) -> tuple[list[Decimal | None], tuple[MissingRate | None, ...]]:
    """The rate of each contract into the currency of the scope, frozen on the day it was signed: that day's, else the
    average of that month; and what is missing where there is none. One query where some contract needs a rate."""
    foreign = sorted({one for one in currencies if one not in ("", scope.currency)})
    if not foreign:
        return [Decimal(1)] * len(currencies), (None,) * len(currencies)
    when: list[date] = days.tolist()
    book = rate_book(scope.currency, currencies=foreign, first=min(when), last=max(when))
    rates: list[Decimal | None] = []
    missing: list[MissingRate | None] = []
    for currency, day in zip(currencies, when, strict=True):  # a contract is one row here, not an account's ledger
        rate: Decimal | None = Decimal(1)
        if currency not in ("", scope.currency):
            rate = book.spot(currency, day) or book.average(currency, month_start(day))
        rates.append(rate)
        missing.append(MissingRate(month_start(day), currency, scope.currency) if rate is None else None)
    return rates, tuple(missing)


def units_of_accounts(scope: Scope, account_ids: IntArray, *, level: Level) -> tuple[IntArray, BoolArray]:
    """(unit of each of ``account_ids``, ascending: itself or the root of its group; whether it was a customer before the
    data start); one query."""
    unit = "t.root" if level == Level.GROUP else "a.id"
    expressions = {"unit_id": unit, "account_id": "a.id", "before_data_start": "a.before_data_start::int"}
    columns = ", ".join(as_sql(expressions[name], kind) for name, kind in _COLUMNS.items())  # type: ignore[arg-type]
    sql = (
        f"{roots() if level == Level.GROUP else ''} SELECT {columns} FROM accounts_account a"
        f" {'JOIN tree t ON t.id = a.id' if level == Level.GROUP else ''} WHERE a.id = ANY(%s) ORDER BY a.id"
    )
    rows = fetch(sql, [account_ids.tolist()], _COLUMNS, using=scope.using)  # type: ignore[arg-type]
    return rows["unit_id"], rows["before_data_start"].astype(bool)


def _signed(accounts: AccountQuerySet) -> QuerySet[Contract]:
    found = Contract.objects.filter(status__in=[*SIGNED_CONTRACT_STATUSES, ContractStatus.CANCELLED])
    if accounts.is_everything:
        return found
    return found.filter(account__in=accounts.order_by().values("pk"))


def _milestones(keys: Any, place: dict[int, int]) -> Milestones:
    found = ContractMilestone.objects.filter(contract__in=keys).order_by("planned_on", "pk")
    rows = list(found.values_list("contract_id", "amount", "planned_on", "accepted_on"))
    return Milestones(
        contract=np.array([place[row[0]] for row in rows], dtype=np.int64),
        amount=tuple(row[1] for row in rows),
        planned_on=_days([row[2] for row in rows]),
        accepted_on=_days([row[3] for row in rows]),
    )


def _recorded(
    keys: Any, rows: Sequence[tuple[Any, ...]], place: dict[int, int], as_of: date
) -> tuple[list[Decimal | None], NDArray[np.bool_]]:
    """What the books recognised of each contract by ``as_of``; 0 where they say something of it, but only later."""
    amounts: list[Decimal | None] = [None] * len(rows)
    is_foreign = np.zeros(len(rows), dtype=bool)
    found = ContractDay.objects.filter(contract__in=keys).order_by().values("contract_id", "currency")
    sums = found.annotate(until=Sum("net", filter=Q(day__lte=as_of)))
    for contract, currency, net in sums.values_list("contract_id", "currency", "until"):
        at = place[contract]
        is_foreign[at] |= currency != rows[at][4]
        amounts[at] = (amounts[at] or Decimal(0)) + (net or Decimal(0))
    return amounts, is_foreign


def _days(days: Sequence[date | None]) -> DateArray:
    return np.array([np.datetime64("NaT") if day is None else day for day in days], dtype="datetime64[D]")
