"""What do they owe us, and since when? Open invoices of many accounts by age, and how much is paid in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import ttm
from metrics import reasons
from metrics.formulas.exact import exact_ratio, exact_total
from metrics.frames_receivables import AGES, SUMS, Debts, debts_by_age, receivables_scope
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope
from metrics.selectors import default_as_of
from metrics.services.backlog import contract_units
from metrics.services.base import AccountTable, Answer, Reasons, passport, rates_missing

OVERDUE_AGES = AGES[1:]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReceivablesFigures(Answer):
    """Money in one currency at closing rates. owed = owed_not_due + owed_overdue; owed_overdue is the sum of the four ages.

    overdue_share : owed_overdue ÷ owed; fell_due, paid_in_time : over the 12 whole months before ``as_of`` ends, and until
    then; on_time_share : one over the other; days_outstanding : owed ÷ issued since then × the days since then
    The table has the same money by account, on_time_share, open_invoices and oldest (days after the due day).
    """

    since: date
    owed: Decimal | None
    owed_not_due: Decimal | None
    owed_30: Decimal | None
    owed_60: Decimal | None
    owed_90: Decimal | None
    owed_older: Decimal | None
    owed_overdue: Decimal | None
    overdue_share: float | None
    fell_due: Decimal | None
    paid_in_time: Decimal | None
    on_time_share: float | None
    issued: Decimal | None
    days_outstanding: float | None
    open_invoices: int
    owing_accounts: int
    late_accounts: int
    missing_rates: tuple[MissingRate, ...]

    def behind(self, column: str) -> AccountTable:
        """The accounts with an amount in a column, also where it is not known."""
        return self.table.where(self.table.columns[column] != 0)


def receivables_ageing(
    accounts: AccountQuerySet,
    *,
    as_of: date | None = None,
    level: Level | str = Level.ENTITY,
    membership: Membership | str | None = None,
    currency: str | None = None,
) -> ReceivablesFigures:
    """What ``accounts`` (already limited to what the caller may see) owe at the end of ``as_of``; the same number of
    statements however many there are. Groups are those of today, whatever ``membership``."""
    as_of, level, scope = as_of or default_as_of(), Level(level), receivables_scope(accounts, currency=currency)
    since = ttm(as_of).start
    found = debts_by_age(scope, as_of=as_of, first=since)
    table = _table(scope, found, level)
    why = Reasons()
    totals = _totals(table, why) | _rates_of(table, why, days=(as_of - since).days + 1)
    if found.missing:
        unknown = [name for name, value in totals.items() if value is None]
        why.by_field |= rates_missing(found.missing, unknown)
    return ReceivablesFigures(
        since=since,
        **totals,
        open_invoices=int(table.columns["open_invoices"].sum()),
        owing_accounts=int((table.columns["owed"] != 0).sum()),
        late_accounts=int((table.columns["owed_overdue"] != 0).sum()),
        missing_rates=found.missing,
        currency=scope.currency,
        reasons=why.frozen(),
        passport=passport("receivables", scope=scope, level=level, as_of=as_of, accounts=len(table)),
        table=table,
    )


def _table(scope: Scope, found: Debts, level: Level) -> AccountTable:
    """One row an account or group that owes something, or had something due or issued within 12 months."""
    account_ids, place = np.unique(found.account_ids, return_inverse=True)
    units = contract_units(scope, account_ids, level)
    columns: dict[str, NDArray[Any]] = {}
    for name in SUMS:
        total = np.zeros(len(account_ids))
        np.add.at(total, place, found.sums[name])
        columns[name] = units.sums(np.round(total, 4))
    counts = np.zeros(len(account_ids), dtype=np.int64)
    np.add.at(counts, place, found.open_invoices)
    columns["open_invoices"] = units.sums(counts)
    oldest = np.full(len(units.ids), -np.inf)
    np.maximum.at(oldest, units.place[place], np.nan_to_num(found.oldest, nan=-np.inf))
    columns["oldest"] = np.where(np.isfinite(oldest), oldest, np.nan)
    columns["owed_overdue"] = np.round(sum((columns[name] for name in OVERDUE_AGES), np.zeros(len(units.ids))), 4)
    columns["owed"] = np.round(columns["owed_not_due"] + columns["owed_overdue"], 4)
    with np.errstate(invalid="ignore", divide="ignore"):
        due = columns["fell_due"]
        columns["on_time_share"] = np.where(due > 0, columns["paid_in_time"] / due, np.nan)
    is_behind = (columns["owed"] != 0) | (due != 0) | (columns["issued"] != 0)
    return AccountTable(units.ids, columns, units.members).where(np.asarray(is_behind))


def _totals(table: AccountTable, why: Reasons) -> dict[str, Any]:
    """The money of all; None where an account's is not known, or where there is no invoice at all."""
    names = (*SUMS, "owed_overdue", "owed")
    if not len(table):
        why.undefined(names, reasons.sentence("no_receivables"))
        return dict.fromkeys(names)
    known = {name: not np.isnan(table.columns[name]).any() for name in names}
    return {name: exact_total(table.columns[name]) if known[name] else None for name in names}


def _rates_of(table: AccountTable, why: Reasons, *, days: int) -> dict[str, float | None]:
    """Shares and days from sums; a missing rate leaves them undefined, and is said elsewhere. days : over which was issued"""
    totals = {
        name: exact_total(np.nan_to_num(table.columns[name]))
        for name in ("owed", "owed_overdue", "fell_due", "paid_in_time", "issued")
    }
    is_known = {name: not np.isnan(table.columns[name]).any() for name in totals}

    def over(part: str, whole: str, key: str, name: str) -> float | None:
        if not (is_known[part] and is_known[whole]):
            return None
        return why.rate(name, exact_ratio(totals[part], totals[whole]), key)

    outstanding = over("owed", "issued", "nothing_issued", "days_outstanding")
    return {
        "overdue_share": over("owed_overdue", "owed", "nothing_owed", "overdue_share"),
        "on_time_share": over("paid_in_time", "fell_due", "nothing_fell_due", "on_time_share"),
        "days_outstanding": None if outstanding is None else outstanding * days,
    }
