"""What is signed and still to come? Contracts in view with what was recognised of them, and when the rest comes.

Recognised is what the books say where they say anything of a contract, else a stand-in that decides no recognition
(straight line, or milestones at acceptance); the two stand apart in every answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics import reasons
from metrics.formulas.backlog import Progress, translated
from metrics.formulas.exact import BoolArray
from metrics.frames import IntArray, Spans
from metrics.frames_backlog import contract_scope, contracts_in_view, signing_rates, units_of_accounts
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport, rates_missing, units_of
from metrics.services.contract_lines import ContractLines, Listing, contract_lines, listing, months_ahead

TOTALS = ("signed", "recognised", "recognised_from_records", "recognised_by_proxy")
TO_COME = ("backlog", "overrun", "next_12_months", "later", "overdue", "undated")  # nothing of a contract that is done
MONEY = (*TOTALS, *TO_COME)


class RecognisedSource(StrEnum):
    """Where the recognised amount of several contracts comes from."""

    RECORDS = "records"
    PROXY = "proxy"
    BOTH = "both"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MonthAhead:
    """What of the backlog comes in a month."""

    period: Period
    amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BacklogFigures(Answer):
    """Money at the rates of the days of signing. signed - recognised = backlog - overrun, and
    recognised = recognised_from_records + recognised_by_proxy, backlog = next_12_months + later + overdue + undated.

    overrun : recognised beyond what was signed, of the contracts in ``overrun_contracts``; their backlog is 0
    left_out : contracts of which nothing can be said, and why; they are in no amount
    """

    signed: Decimal | None
    recognised: Decimal | None
    recognised_from_records: Decimal | None
    recognised_by_proxy: Decimal | None
    backlog: Decimal | None
    overrun: Decimal | None
    next_12_months: Decimal | None
    later: Decimal | None
    overdue: Decimal | None
    undated: Decimal | None
    contracts: int
    contracts_from_records: int
    contracts_by_proxy: int
    recognised_source: RecognisedSource
    months: tuple[MonthAhead, ...]
    overrun_contracts: Listing
    left_out: Listing
    missing_rates: tuple[MissingRate, ...]


def backlog(
    accounts: AccountQuerySet,
    *,
    as_of: date | None = None,
    level: Level | str = Level.ENTITY,
    membership: Membership | str | None = None,
    currency: str | None = None,
) -> BacklogFigures:
    """Contracts of ``accounts`` (already limited to what the caller may see) at the end of ``as_of``; the same
    number of statements however many there are. Groups are those of today, whatever ``membership``."""
    as_of, level, scope = as_of or default_as_of(), Level(level), contract_scope(accounts, currency=currency)
    lines = contract_lines(contracts_in_view(scope), as_of=as_of)
    book, rows = lines.book, lines.rows
    rates, missing = signing_rates(scope, [book.currency[at] for at in rows], book.known_on[rows])
    is_rated = np.array([rate is not None for rate in rates], dtype=bool)
    found = translated(lines.found, [rate if rate is not None else Decimal(0) for rate in rates])
    is_open = np.asarray((lines.found.backlog > Decimal(0)) | (lines.found.overrun > Decimal(0)), dtype=bool)
    lacking = _lacking(missing)
    table = _table(scope, book.account_ids[rows], found, level, is_rated=is_rated, is_done=~is_open)
    why = Reasons()
    if not len(rows):
        why.undefined(MONEY, reasons.sentence("no_signed_contract"))
    why.by_field |= rates_missing(lacking, TOTALS)
    why.by_field |= rates_missing(_lacking([missing[at] for at in np.flatnonzero(is_open)]), TO_COME)
    amounts = _amounts(found)
    recorded = int(found.is_recorded.sum())
    return BacklogFigures(
        **{name: None if name in why.by_field else sum(amounts[name], Decimal(0)) for name in MONEY},
        contracts=len(rows),
        contracts_from_records=recorded,
        contracts_by_proxy=len(rows) - recorded,
        recognised_source=_source(recorded, len(rows)),
        months=_months(found, as_of, is_said="next_12_months" not in why.by_field),
        overrun_contracts=_overrun(lines),
        left_out=listing(book, {at: reasons.sentence(key) for at, key in lines.left_out.items()}),
        missing_rates=lacking,
        currency=scope.currency,
        reasons=why.frozen(),
        passport=passport("backlog", scope=scope, level=level, as_of=as_of, accounts=len(table)),
        table=table,
    )


def _lacking(missing: Sequence[MissingRate | None]) -> tuple[MissingRate, ...]:
    return tuple(sorted({one for one in missing if one is not None}))


def _amounts(found: Progress) -> dict[str, NDArray[Any]]:
    """The money of each contract by its name in the answer."""
    nothing = np.full(len(found.signed), Decimal(0), dtype=object)
    return {
        "signed": found.signed,
        "recognised": found.recognised,
        "recognised_from_records": np.where(found.is_recorded, found.recognised, nothing),
        "recognised_by_proxy": np.where(found.is_recorded, nothing, found.recognised),
        "backlog": found.backlog,
        "overrun": found.overrun,
        "next_12_months": found.periods.sum(axis=1) if len(nothing) else nothing,
        "later": found.later,
        "overdue": found.overdue,
        "undated": found.undated,
    }


def _table(
    scope: Scope, owners: IntArray, found: Progress, level: Level, *, is_rated: BoolArray, is_done: BoolArray
) -> AccountTable:
    """One row an account or group with a contract that counts; NaN where the rate of one of its contracts is missing, in
    what is to come only where the contract is not done."""
    account_ids, place = np.unique(owners, return_inverse=True)
    units = contract_units(scope, account_ids, level)
    columns: dict[str, NDArray[Any]] = {}
    for name, money in _amounts(found).items():
        is_known = is_rated if name in TOTALS else is_rated | is_done
        values = np.where(is_known, money.astype(np.float64), np.nan)
        total = np.zeros(len(account_ids))
        np.add.at(total, place, values)
        columns[name] = units.sums(np.round(total, 4))
    columns["contracts"] = units.sums(np.bincount(place, minlength=len(account_ids)).astype(np.int64))
    return AccountTable(units.ids, columns, units.members)


def contract_units(scope: Scope, account_ids: IntArray, level: Level) -> Units:
    """How accounts with contracts gather to the level asked for; one query."""
    unit_ids, _is_older = units_of_accounts(scope, account_ids, level=level)
    never = np.full(len(account_ids), np.datetime64("NaT"), dtype="datetime64[D]")
    return units_of(Spans(account_ids, unit_ids, never, never, never, never), level)


def _months(found: Progress, as_of: date, *, is_said: bool) -> tuple[MonthAhead, ...]:
    periods = months_ahead(as_of)
    totals = [sum(found.periods[:, at], Decimal(0)) if is_said else None for at in range(len(periods))]
    return tuple(MonthAhead(period, total) for period, total in zip(periods, totals, strict=True))


def _overrun(lines: ContractLines) -> Listing:
    over = {
        int(lines.rows[at]): lines.found.overrun[at] for at in np.flatnonzero(lines.found.overrun > Decimal(0)).tolist()
    }
    words = {at: reasons.sentence("contract_overrun") for at in over}
    return listing(lines.book, words, amounts=over)


def _source(recorded: int, contracts: int) -> RecognisedSource:
    if not contracts:
        return RecognisedSource.NONE
    if not recorded:
        return RecognisedSource.PROXY
    return RecognisedSource.RECORDS if recorded == contracts else RecognisedSource.BOTH
