"""Whose figures, on which basis, in which currency: the part every frame query begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from django.core.exceptions import EmptyResultSet
from django.db import connections

from accounts.enums import CreditNotes
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, month_start
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.selectors import (
    MOVED,
    common_currency,
    company_basis,
    currencies_in_view,
    has_linked_credit_notes,
    ledger_state,
)

LINE_SUMS = ("net", "cost")  # money of a roll-up row, translated
LINE_COUNTS = ("lines_without_cost", "orders")


class Level(StrEnum):
    """Legal entities, or groups: the root of the tree stands for all below it."""

    ENTITY = "entity"
    GROUP = "group"


class Membership(StrEnum):
    """Whose revenue is a group's: on each day that of its members of that day, or on all days that of today's members."""

    AS_WAS = "as_was"
    AS_NOW = "as_now"


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts a caller may see and asked about, with basis, currency and membership of groups settled. Build it
    with ``scope_of``.

    has_moves : credit notes count in the period of their original, and some in view lie elsewhere
    kept : what was looked up for it once
    """

    accounts: AccountQuerySet
    basis: str
    currency: str
    currencies: tuple[str, ...]
    using: str
    credit_notes: str = CreditNotes.BOOKED
    has_moves: bool = False
    membership: Membership = Membership.AS_WAS
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_single_rows(self) -> bool:
        """An account has one roll-up row a day or month: one currency, and no credit note moved onto another day."""
        return len(self.currencies) < 2 and not self.has_moves

    def source(self, *, is_daily: bool) -> tuple[str, str]:
        """What to read roll-up rows from, as SQL that stands after FROM, and its column of days or months."""
        if self.has_moves:
            return (RESTATED_DAYS, "day") if is_daily else (RESTATED_MONTHS, "month")
        return DAYS if is_daily else MONTHS

    @property
    def is_translated(self) -> bool:
        """Some record is in another currency than the figures."""
        return any(currency != self.currency for currency in self.currencies)

    @property
    def state(self) -> tuple[object, ...]:
        """Everything the figures of this scope rest on, where it is every account; see ``ledger_state``."""
        found = ledger_state(using=self.using, with_rates=self.is_translated)
        return (*found, self.basis, self.currency, self.currencies, self.has_moves, str(self.membership))

    def within(self, column: str) -> tuple[str, list[Any]]:
        """SQL condition that ``column`` is an account in view, and its parameters; "true" where all are."""
        if self.accounts.is_everything:
            return "true", []
        try:
            sql, params = self.accounts.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return "false", []
        return f"{column} IN ({sql})", list(params)


@dataclass(frozen=True, slots=True)
class Lines:
    """SQL of roll-up rows in the currency of the figures: account_id, day (month start for monthly rows), LINE_SUMS,
    LINE_COUNTS and is_missing; ``missing`` names the rates that some row needs and does not have."""

    sql: str
    params: list[Any]
    missing: tuple[MissingRate, ...]


def scope_of(
    accounts: AccountQuerySet,
    *,
    basis: str | None = None,
    currency: str | None = None,
    credit_notes: str | None = None,
    membership: Membership | str | None = None,
) -> Scope:
    """``accounts`` must already be limited to what the caller may see; groups are as they were unless said otherwise."""
    chosen, mode = str(basis or company_basis()), str(credit_notes or CreditNotes.BOOKED)
    found = currencies_in_view(accounts, basis=chosen)
    return Scope(
        accounts, chosen, currency or common_currency(found), found, using=accounts.db, credit_notes=mode,
        has_moves=mode == CreditNotes.RESTATED and has_linked_credit_notes(accounts, basis=chosen),
        membership=Membership(membership or Membership.AS_WAS),
    )  # fmt: skip


def lines(
    scope: Scope,
    *,
    first: date,
    end: date,
    is_daily: bool = False,
    needed_in: Sequence[Period] | None = None,
    pieces: PiecesOfAccounts | None = None,
) -> Lines:
    """Roll-up rows of first <= day < end: months where that is enough, days where a rate of the day is needed, or where
    an account of ``pieces`` changes its group within a month; with ``pieces`` rows have a column ``piece`` too, the root
    of the group of that day, 0 for the other accounts.

    is_daily : days throughout, for windows that do not begin and end with a month
    needed_in : a rate is missing only where a row of these periods waits for it; what lies between them needs none
    """
    part = _Part(scope, first, end)
    by_days, by_months = (rows_of(scope, is_daily=daily, pieces=pieces) for daily in (True, False))
    if not scope.is_translated:
        return Lines(*part.plain(by_days if is_daily else by_months), ())
    if is_daily:
        pairs = part.foreign_pairs(*scope.source(is_daily=True))
        book = rate_book(scope.currency, currencies=scope.currencies, first=first, last=end)
        rates = [(currency, day, book.on(currency, day)) for currency, day in pairs]
        return Lines(*part.rated(by_days, rates, keeps_own=True), _missing(scope, rates, needed_in))
    months = part.foreign_pairs(*scope.source(is_daily=False))
    book = rate_book(scope.currency, currencies=scope.currencies, first=first, last=end)
    averages = [(c, month, book.average(c, month)) for c, month in months if book.average(c, month) is not None]
    is_dayless = {(c, month) for c, month, _rate in averages}
    needs_days = [pair for pair in months if pair not in is_dayless]
    days = part.foreign_pairs(*scope.source(is_daily=True))
    days = [pair for pair in days if (pair[0], month_start(pair[1])) not in is_dayless]
    rates = [(currency, day, book.spot(currency, day)) for currency, day in (days if needs_days else [])]
    by_month, month_params = part.rated(by_months, averages, keeps_own=True)
    by_day, day_params = part.rated(by_days, rates, keeps_own=False)
    return Lines(f"{by_month} UNION ALL {by_day}", [*month_params, *day_params], _missing(scope, rates, needed_in))


def rates_by_day(scope: Scope, *, first: date, end: date) -> Rates:
    """(currency, day, rate) of every day of first <= day < end with a row in view in another currency than the figures,
    as ``lines`` translates it; None where there is no rate. Empty where one currency is all there is."""
    if not scope.is_translated:
        return []
    pairs = _Part(scope, first, end).foreign_pairs(*DAYS)
    book = rate_book(scope.currency, currencies=scope.currencies, first=first, last=end)
    return [(currency, day, book.on(currency, day)) for currency, day in pairs]


class PiecesOfAccounts(Protocol):
    """What ``metrics.pieces.Pieces`` gives to a statement."""

    @property
    def params(self) -> list[Any]: ...

    @property
    def split_params(self) -> list[Any]: ...

    @property
    def is_all(self) -> bool:
        """Whether lines outside the pieces are not asked for."""
        ...


DAYS = ("metrics_accountday", "day")
MONTHS = ("metrics_accountmonth", "month")


def _restated(table: str, column: str, place: str) -> str:
    """Roll-up rows with credit notes moved onto the day (or month, by ``place``) of their original.

    Summed up, so that a day whose lines have all moved away is none: it needs no rate.
    """
    moved = (
        f"SELECT account_id, {{day}} AS {column}, currency, basis, {{sign}}net AS net, {{sign}}cost AS cost,"
        " {sign}lines_without_cost AS lines_without_cost, 0 AS orders, {sign}lines AS lines"
        f" FROM metrics_accountcredit WHERE {MOVED}"
    )
    onto, away = moved.format(day=place.format("original_on"), sign=""), moved.format(day=place.format("day"), sign="-")
    sums = (*LINE_SUMS, *LINE_COUNTS)
    own = f"SELECT account_id, {column}, currency, basis, {', '.join(sums)}, lines FROM {table}"
    return (
        f"(SELECT account_id, {column}, currency, basis, {', '.join(f'sum({name}) AS {name}' for name in sums)}"
        f" FROM ({own} UNION ALL {onto} UNION ALL {away}) AS moved GROUP BY 1, 2, 3, 4 HAVING sum(lines) > 0)"
    )


RESTATED_DAYS = _restated(*DAYS, "{}")
RESTATED_MONTHS = _restated(*MONTHS, "date_trunc('month', {})::date")
Rates = list[tuple[str, date, Decimal | None]]
PIECES = "unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[]) AS p(account_id, root, first, stop)"
SPLITS = "unnest(%s::bigint[], %s::date[]) AS x(account_id, month)"


@dataclass(frozen=True, slots=True)
class Rows:
    """Roll-up rows to select from as ``l``: their day, the day or month that their rate is of, and the piece of an
    account they belong to ("" where accounts are whole)."""

    source: str
    params: list[Any]
    day: str
    rated_on: str
    piece: str = ""

    @property
    def leading(self) -> str:
        """The columns every line begins with."""
        return f"l.account_id, {self.piece} AS piece, " if self.piece else "l.account_id, "


def rows_of(scope: Scope, *, is_daily: bool, pieces: PiecesOfAccounts | None) -> Rows:
    """Roll-up rows of a scope, or with ``pieces`` those rows by account and group: a month in which an account changes
    its group comes as its days."""
    source, column = scope.source(is_daily=is_daily)
    if pieces is None:
        return Rows(source, [], column, column)
    values = ", ".join(f"l.{value}" for value in ("currency", "basis", *LINE_SUMS, *LINE_COUNTS))
    inside = "p.account_id = l.account_id AND l.{0} >= p.first AND l.{0} < p.stop"
    join = "JOIN" if pieces.is_all else "LEFT JOIN"
    whole = (
        f"SELECT l.account_id, coalesce(p.root, 0) AS piece, l.{column} AS day, l.{column} AS rated_on, {values}"
        f" FROM {source} l {join} {PIECES} ON {inside.format(column)}"
    )
    if is_daily:
        return Rows(f"({whole})", pieces.params, "day", "rated_on", "l.piece")
    days, _day = scope.source(is_daily=True)
    cut = (
        f"SELECT l.account_id, p.root AS piece, l.day, x.month AS rated_on, {values} FROM {SPLITS}"
        f" JOIN {days} l ON l.account_id = x.account_id AND l.day >= x.month"
        f" AND l.day < (x.month + interval '1 month')::date JOIN {PIECES} ON {inside.format('day')}"
    )
    uncut = f"NOT EXISTS (SELECT 1 FROM {SPLITS} WHERE x.account_id = l.account_id AND x.month = l.{column})"
    params = [*pieces.params, *pieces.split_params, *pieces.split_params, *pieces.params]
    return Rows(f"({whole} WHERE {uncut} UNION ALL {cut})", params, "day", "rated_on", "l.piece")


class _Part:
    """SQL over one roll-up table, limited to basis, view and range."""

    def __init__(self, scope: Scope, first: date, end: date) -> None:
        self.scope = scope
        view, view_params = scope.within("l.account_id")
        self.where = f"l.basis = %s AND l.{{column}} >= %s AND l.{{column}} < %s AND {view}"
        self.params: list[Any] = [scope.basis, first, end, *view_params]

    def plain(self, rows: Rows) -> tuple[str, list[Any]]:
        values = ", ".join(f"l.{name}" for name in (*LINE_SUMS, *LINE_COUNTS))
        where = self.where.replace("{column}", rows.day)
        sql = (
            f"SELECT {rows.leading}l.{rows.day} AS day, {values}, false AS is_missing FROM {rows.source} l"
            f" WHERE {where}"
        )
        return sql, [*rows.params, *self.params]

    def rated(self, rows: Rows, rates: Rates, *, keeps_own: bool) -> tuple[str, list[Any]]:
        """Rows that ``rates`` (currency, day or month, rate) cover, translated; with keeps_own also rows in the
        currency of the figures."""
        sums = ", ".join(f"l.{name} * f.rate AS {name}" for name in LINE_SUMS)
        counts = ", ".join(f"l.{name}" for name in LINE_COUNTS)
        join, kept = ("LEFT JOIN", "(l.currency = %s OR r.currency IS NOT NULL)") if keeps_own else ("JOIN", "true")
        where = self.where.replace("{column}", rows.day)
        sql = (
            f"SELECT {rows.leading}l.{rows.day} AS day, {sums}, {counts}, f.rate IS NULL AS is_missing"
            f" FROM {rows.source} l {join} unnest(%s::text[], %s::date[], %s::numeric[]) AS r(currency, day, rate)"
            f" ON r.currency = l.currency AND r.day = l.{rows.rated_on}"
            " CROSS JOIN LATERAL (SELECT CASE WHEN l.currency = %s THEN 1 ELSE r.rate END AS rate) AS f"
            f" WHERE {kept} AND {where}"
        )
        columns = [list(values) for values in zip(*rates, strict=True)] if rates else [[], [], []]
        own = [self.scope.currency] if keeps_own else []
        return sql, [*rows.params, *columns, self.scope.currency, *own, *self.params]

    def foreign_pairs(self, table: str, column: str) -> list[tuple[str, date]]:
        """Different (currency, day or month) in view that need a rate, ascending."""
        where = self.where.replace("{column}", column)
        with connections[self.scope.using].cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT l.currency, l.{column} FROM {table} l WHERE l.currency <> %s AND {where}"
                " ORDER BY 1, 2",
                [self.scope.currency, *self.params],
            )
            return list(cursor.fetchall())


def _missing(scope: Scope, rates: Rates, needed_in: Sequence[Period] | None) -> tuple[MissingRate, ...]:
    lacking = [(currency, day) for currency, day, rate in rates if rate is None]
    if needed_in is not None:
        lacking = [(currency, day) for currency, day in lacking if any(day in period for period in needed_in)]
    months = {(month_start(day), currency) for currency, day in lacking}
    return tuple(MissingRate(month, currency, scope.currency) for month, currency in sorted(months))
