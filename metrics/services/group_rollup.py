"""What a group is and brings at any node: the node and all below it, added up by direct subsidiary.

Revenue counts by the group of the day it was booked on ("as was": a company that was sold keeps its past revenue in the
old group), or as if today's tree had always been ("as now"); what is there on a day (contracts, receivables, wallets)
counts by the tree of the as-of day, or of today. Read from the roll-ups, never from the revenue table; the number of
statements is the same whatever the size of the group (domain.md 5.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from django.db import connections, transaction
from django.db.models import Exists, OuterRef
from django.db.models.expressions import RawSQL

from accounts.enums import ContractStatus
from accounts.group_tree import EVER, STILL, Subtree, subtree_of
from accounts.models import Account, WalletEstimate
from accounts.querysets import AccountQuerySet
from crm.lib.arrays import as_array
from crm.lib.periods import Period, month_start
from metrics.binary import FOR_LARGE_READS
from metrics.frames_receivables import debts_by_age, receivables_scope
from metrics.rates import closing_rates
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope, lines, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import Passport, passport, rates_missing
from metrics.services.wallet import WalletState, share_of_wallet

OVERDUE = ("owed_30", "owed_60", "owed_90", "owed_older")
CENT = Decimal("0.0001")
RUNNING = """
SELECT u.branch, c.currency, count(*), sum(c.amount) FROM accounts_contract c
JOIN unnest(%s::bigint[], %s::bigint[]) AS u(id, branch) ON u.id = c.account_id
WHERE c.status = %s AND coalesce(c.signed_on, c.starts_on, %s) <= %s AND (c.ends_on IS NULL OR c.ends_on >= %s)
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Sums over a node or a branch; money in one currency, None where a part of it is not known.

    accounts : in it on the as-of day (as was) or today; prior_revenue : of the same period a year before
    contracts, contract_amount : running on the as-of day; own_revenue, wallet : of the ``estimated`` accounts whose
    estimate of their wallet counts, last 12 whole months
    """

    accounts: int = 0
    revenue: Decimal | None = Decimal(0)
    prior_revenue: Decimal | None = Decimal(0)
    gross_profit: Decimal | None = Decimal(0)
    contracts: int = 0
    contract_amount: Decimal | None = Decimal(0)
    owed: Decimal | None = Decimal(0)
    owed_overdue: Decimal | None = Decimal(0)
    estimated: int = 0
    own_revenue: Decimal | None = Decimal(0)
    wallet: Decimal | None = Decimal(0)

    def __add__(self, other: GroupFigures) -> GroupFigures:
        """Side by side; what one of them does not know, the sum does not know."""
        pairs = {one.name: (getattr(self, one.name), getattr(other, one.name)) for one in fields(self)}
        sums: dict[str, Any] = {name: None if a is None or b is None else a + b for name, (a, b) in pairs.items()}
        return GroupFigures(**sums)

    @property
    def growth_rate(self) -> float | None:
        if self.revenue is None or self.prior_revenue is None or self.prior_revenue <= 0:
            return None
        return float(self.revenue / self.prior_revenue - 1)

    @property
    def share_of_wallet(self) -> float | None:
        if self.own_revenue is None or not self.wallet:
            return None
        return float(self.own_revenue / self.wallet)


@dataclass(frozen=True, slots=True, eq=False)
class GroupRollup:
    """``branches``: figures by direct subsidiary (its own group with it), the node's own under its id.

    members : account → branch on the as-of day (as was) or today; missing : rates some amount waits for
    """

    node_id: int
    branches: dict[int, GroupFigures]
    members: dict[int, int]
    period: Period
    prior: Period
    currency: str
    passport: Passport
    missing: tuple[MissingRate, ...]
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> GroupFigures:
        return sum(self.branches.values(), GroupFigures())

    @property
    def own(self) -> GroupFigures:
        return self.branches.get(self.node_id, GroupFigures())


@dataclass(frozen=True, slots=True)
class _Stretches:
    """A subtree as pieces of accounts (``metrics.scope``): a month in which an account joins or leaves comes as days."""

    tree: Subtree
    is_all: ClassVar[bool] = True

    @property
    def params(self) -> list[Any]:
        tree = self.tree
        return [as_array(tree.account_ids), as_array(tree.branches), as_array(tree.firsts), as_array(tree.stops)]

    @property
    def split_params(self) -> list[Any]:
        ends = zip(self.tree.account_ids, self.tree.firsts, self.tree.stops, strict=True)
        split = sorted({
            (account, month_start(day)) for account, first, stop in ends for day in (first, stop)
            if day not in {EVER, STILL} and day.day != 1
        })  # fmt: skip
        return [as_array(account for account, _month in split), as_array(month for _account, month in split)]


def group_rollup(
    node: Account,
    *,
    period: Period,
    membership: Membership | str = Membership.AS_WAS,
    as_of: date | None = None,
    currency: str | None = None,
    basis: str | None = None,
    credit_notes: str | None = None,
) -> GroupRollup:
    """Figures of ``node`` and everything below it, whoever is reading: the caller decides what of it is shown.

    period : of the revenue; as_of : of what is there on a day, default the day the figures go up to
    """
    as_of, membership = as_of or default_as_of(), Membership(membership)
    is_as_was = membership == Membership.AS_WAS
    tree = subtree_of(node, is_as_was=is_as_was)
    members = tree.on(as_of)
    prior = period.shift_years(-1)
    booked = tree.within(prior.start, period.end)
    scope = scope_of(
        among(booked.account_ids), basis=basis, currency=currency, credit_notes=credit_notes, membership=membership
    )
    there = among(list(members))
    parts: dict[int, dict[str, Any]] = {}
    for branch in members.values():
        cell = parts.setdefault(branch, {"accounts": 0})
        cell["accounts"] += 1
    missing = [
        *_revenue(parts, scope, booked, period, prior),
        *_contracts(parts, members, scope.currency, as_of),
        *_receivables(parts, members, there, scope.currency, as_of),
        *_wallets(parts, members, there, scope.currency, as_of),
    ]
    return GroupRollup(
        node_id=node.pk,
        branches={branch: GroupFigures(**values) for branch, values in parts.items()},
        members=members,
        period=period,
        prior=prior,
        currency=scope.currency,
        passport=passport(
            "group_revenue",
            scope=scope,
            level=Level.GROUP,
            as_of=as_of,
            accounts=len(members),
            base=prior,
            comparison=period,
        ),
        missing=tuple(dict.fromkeys(missing)),
        reasons=rates_missing(tuple(dict.fromkeys(missing)), [one.name for one in fields(GroupFigures)]),
    )


def among(ids: list[int]) -> AccountQuerySet:
    """Accounts by a long list of ids, as one parameter."""
    return Account.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [as_array(ids)]))


def _revenue(
    parts: dict[int, dict[str, Any]], scope: Scope, tree: Subtree, period: Period, prior: Period
) -> tuple[MissingRate, ...]:
    """Net revenue of both periods and gross profit of the first by branch; one query, more where rates are needed."""
    is_daily = not (period.is_whole_months and prior.is_whole_months)
    source = lines(
        scope, first=prior.start, end=period.end, is_daily=is_daily, needed_in=[prior, period], pieces=_Stretches(tree)
    )
    inside = "FILTER (WHERE day >= %s AND day < %s)"
    sql = (
        f"SELECT piece, sum(net) {inside}, sum(net) {inside}, sum(cost) {inside}, sum(lines_without_cost) {inside},"
        f" bool_or(is_missing) {inside}, bool_or(is_missing) {inside} FROM ({source.sql}) AS line"
        " GROUP BY piece"
    )
    now, before = [period.start, period.end], [prior.start, prior.end]
    params = [*now, *before, *now, *now, *now, *before, *source.params]
    with transaction.atomic(using=scope.using), connections[scope.using].cursor() as cursor:
        cursor.execute(FOR_LARGE_READS)  # compiling the statement takes longer than running it
        cursor.execute(sql, params)
        for branch, net, earlier, cost, without_cost, lacks, lacked in cursor.fetchall():
            cell = parts.setdefault(branch, {})
            cell["revenue"] = None if lacks else _rounded(net)
            cell["prior_revenue"] = None if lacked else _rounded(earlier)
            cell["gross_profit"] = None if lacks or without_cost else _rounded(net) - _rounded(cost)
    return source.missing


def _contracts(
    parts: dict[int, dict[str, Any]], members: dict[int, int], currency: str, as_of: date
) -> list[MissingRate]:
    """Contracts that run on the day, at its closing rates; two queries."""
    with connections[Account.objects.db].cursor() as cursor:
        pairs = [as_array(members), as_array(members.values())]
        cursor.execute(RUNNING, [*pairs, ContractStatus.ACTIVE, as_of, as_of, as_of])
        rows = cursor.fetchall()
    codes = sorted({code for _branch, code, _count, amount in rows if amount is not None})
    rates = dict(zip(codes, closing_rates(currency, currencies=codes, on=as_of), strict=True))
    for branch, code, count, amount in rows:
        cell = parts[branch]
        cell["contracts"] = cell.get("contracts", 0) + count
        known, rate = cell.get("contract_amount", Decimal(0)), rates.get(code)
        if amount is not None:
            cell["contract_amount"] = None if known is None or rate is None else known + _rounded(amount * rate)
    return [MissingRate(month_start(as_of), code, currency) for code in codes if rates[code] is None]


def _receivables(
    parts: dict[int, dict[str, Any]], members: dict[int, int], there: AccountQuerySet, currency: str, as_of: date
) -> tuple[MissingRate, ...]:
    found = debts_by_age(receivables_scope(there, currency=currency), as_of=as_of, first=as_of)
    late = np.sum([found.sums[name] for name in OVERDUE], axis=0)
    owed = late + found.sums["owed_not_due"]
    _add_up(parts, members, found.account_ids, owed=owed, owed_overdue=late)
    return found.missing


def _wallets(
    parts: dict[int, dict[str, Any]], members: dict[int, int], there: AccountQuerySet, currency: str, as_of: date
) -> tuple[MissingRate, ...]:
    """Own revenue and wallet of the accounts whose estimate counts (domain.md 1.8); the others are not read."""
    estimated = there.filter(Exists(WalletEstimate.objects.filter(account_id=OuterRef("pk"))))
    table = share_of_wallet(estimated, currency=currency, as_of=as_of).table
    counts = table.columns["state"] == WalletState.VALID.value
    ids = table.unit_ids[counts]
    own, wallet = table.columns["revenue"][counts], table.columns["wallet"][counts]
    for account in ids.tolist():
        cell = parts[members[account]]
        cell["estimated"] = cell.get("estimated", 0) + 1
    _add_up(parts, members, ids, own_revenue=np.maximum(own, 0), wallet=wallet)
    return ()


def _add_up(parts: dict[int, dict[str, Any]], members: dict[int, int], ids: Any, **columns: Any) -> None:
    """Add float columns of accounts to their branches, as exact money of four decimals; NaN makes a sum unknown."""
    for name, values in columns.items():
        for account, value in zip(ids.tolist(), values.tolist(), strict=True):
            cell = parts[members[account]]
            known = cell.get(name, Decimal(0))
            cell[name] = None if known is None or value != value else known + _rounded(Decimal(repr(value)))  # noqa: PLR0124


def _rounded(value: Decimal | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(value).quantize(CENT)
