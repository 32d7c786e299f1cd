"""Contracts with what is signed, recognised and still to come of each: of one account, or of all in view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from django.db.models import QuerySet

from accounts.enums import RecognitionMethod
from accounts.models import Account, Contract
from crm.lib.periods import Period, add_months, month_start
from metrics import reasons
from metrics.formulas.backlog import Milestones, Progress, Terms, progress
from metrics.formulas.exact import BoolArray, DateArray
from metrics.frames import IntArray
from metrics.frames_backlog import ContractBook, contract_book

MONTHS_AHEAD = 12


@dataclass(frozen=True, slots=True, eq=False)
class ContractLines:
    """rows : places in the book of the contracts that count on the day, (n,); found : theirs, in their own currencies
    left_out : place in the book → key of the reason why nothing can be said of a contract that was signed by then"""

    book: ContractBook
    rows: IntArray
    found: Progress
    left_out: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class ContractState:
    """One contract on a day, in its own currency; None with ``reason`` where nothing can be said of it.

    is_recorded : recognised is that of the books; else it is a stand-in by ``method``
    """

    signed: Decimal | None = None
    recognised: Decimal | None = None
    backlog: Decimal | None = None
    overrun: Decimal | None = None
    is_recorded: bool = False
    method: RecognitionMethod = RecognitionMethod.STRAIGHT_LINE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListedContract:
    """A contract named for its reader, and why."""

    contract: int
    number: str
    account: int
    account_name: str
    reason: str
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The first of the contracts that something has to be said of, and how many there are."""

    count: int = 0
    shown: tuple[ListedContract, ...] = field(default_factory=tuple)


SHOWN = 50  # of a listing


def months_ahead(as_of: date) -> tuple[Period, ...]:
    """The calendar months that follow a day; the first begins the day after it and may be the rest of a month."""
    start = as_of + timedelta(days=1)
    ends = [add_months(month_start(start), step) for step in range(1, MONTHS_AHEAD + 1)]
    return tuple(Period(begin, end, f"{begin:%Y-%m}") for begin, end in zip([start, *ends[:-1]], ends, strict=True))


def contract_lines(contracts: QuerySet[Contract], *, as_of: date) -> ContractLines:
    """Of the signed ones among ``contracts`` that were signed by ``as_of``; three queries."""
    book = contract_book(contracts, as_of=as_of)
    left_out = without_answer(book, as_of=as_of, needs_term=~book.has_milestones)
    is_known = np.asarray(book.known_on <= np.datetime64(as_of), dtype=bool)
    is_known[list(left_out)] = False
    rows = np.flatnonzero(is_known)
    periods = months_ahead(as_of)
    edges: DateArray = np.array([one.start for one in periods] + [periods[-1].end], dtype="datetime64[D]")
    terms = Terms(
        [book.amount[at] or Decimal(0) for at in rows], book.first_on[rows], book.last_on[rows],
        book.cancelled_on[rows], [book.recorded[at] for at in rows],
    )  # fmt: skip
    found = progress(terms, _milestones_of(book, is_known), as_of=np.datetime64(as_of), edges=edges)
    return ContractLines(book, rows, found, left_out)


def without_answer(book: ContractBook, *, as_of: date, needs_term: BoolArray) -> dict[int, str]:
    """Place in the book → why nothing can be said of a contract, those signed after ``as_of`` left aside."""
    checks = (
        ("contract_without_dates", np.isnat(book.known_on)),
        ("contract_without_amount", np.array([amount is None for amount in book.amount], dtype=bool)),
        ("contract_below_zero", np.array([amount is not None and amount < 0 for amount in book.amount], dtype=bool)),
        ("contract_without_term", needs_term & (np.isnat(book.first_on) | np.isnat(book.last_on))),
        ("contract_cancelled_undated", book.is_cancelled & np.isnat(book.cancelled_on)),
        ("contract_other_currency", book.is_foreign),
    )
    is_later = book.known_on > np.datetime64(as_of)
    found: dict[int, str] = {}
    for key, is_so in checks:
        for at in np.flatnonzero(is_so & ~is_later).tolist():
            found.setdefault(at, key)
    return dict(sorted(found.items()))


def account_contracts(account: Account, *, as_of: date) -> dict[int, ContractState]:
    """Key → state of each contract of an account that was signed by ``as_of``; three queries whatever their number."""
    lines = contract_lines(Contract.objects.filter(account=account), as_of=as_of)
    book, has_parts = lines.book, lines.book.has_milestones
    method = {
        at: RecognitionMethod.MILESTONES if has_parts[at] else RecognitionMethod.STRAIGHT_LINE
        for at in range(len(book.ids))
    }
    states = {
        int(book.ids[at]): ContractState(reason=reasons.sentence(key), method=method[at])
        for at, key in lines.left_out.items()
    }
    found = lines.found
    for number, at in enumerate(lines.rows.tolist()):
        states[int(book.ids[at])] = ContractState(
            signed=found.signed[number],
            recognised=found.recognised[number],
            backlog=found.backlog[number],
            overrun=found.overrun[number],
            is_recorded=bool(found.is_recorded[number]),
            method=method[at],
        )
    return states


def listing(book: ContractBook, why: Mapping[int, str], *, amounts: Mapping[int, Decimal] | None = None) -> Listing:
    """The contracts at these places with their words; one query for the names of those shown."""
    shown = list(why.items())[:SHOWN]
    names = dict(Account.objects.filter(pk__in=[book.account_ids[at] for at, _key in shown]).values_list("pk", "name"))
    return Listing(
        len(why),
        tuple(
            ListedContract(
                contract=int(book.ids[at]),
                number=book.numbers[at],
                account=int(book.account_ids[at]),
                account_name=names[int(book.account_ids[at])],
                reason=words,
                amount=(amounts or {}).get(at, book.amount[at]),
                currency=book.currency[at],
            )
            for at, words in shown
        ),
    )


def _milestones_of(book: ContractBook, chosen: BoolArray) -> Milestones:
    """Those of the chosen contracts, with their places among them."""
    parts, place = book.milestones, np.cumsum(chosen) - 1
    kept = np.flatnonzero(chosen[parts.contract]) if len(parts.contract) else np.zeros(0, dtype=np.int64)
    return Milestones(
        contract=place[parts.contract[kept]].astype(np.int64),
        amount=[parts.amount[at] for at in kept.tolist()],
        planned_on=parts.planned_on[kept],
        accepted_on=parts.accepted_on[kept],
    )
