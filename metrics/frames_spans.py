"""Accounts in view with their first and last days, whole or in the pieces that groups as they were are made of.

Beside ``frames``, whose rules hold here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm.lib.wall import is_walled
from metrics.binary import Kind, as_sql
from metrics.formulas.exact import BoolArray, DateArray
from metrics.pieces import STILL, Pieces, pieces_of
from metrics.scope import PIECES, Level, Membership, Scope

IntArray = NDArray[np.int64]

# Each account with the root of its group tree; a parent outside the view still makes the group.
_ROOTS = (
    "WITH RECURSIVE tree AS (SELECT id, id AS root FROM accounts_account WHERE parent_id IS NULL"
    " UNION ALL SELECT a.id, t.root FROM accounts_account a JOIN tree t ON a.parent_id = t.id)"
)
# The same to whoever may not read those in between.
_ROOTS_FOR_VIEWERS = "WITH tree AS (SELECT id, root FROM accounts_tree())"
SPAN_COLUMNS: dict[str, Kind] = {
    "account_id": "int8", "unit_id": "int8", "first_order_on": "date", "last_order_on": "date",
    "first_revenue_on": "date", "closed_on": "date", "before_data_start": "int4",
}  # fmt: skip
GROUP_COLUMNS: dict[str, Kind] = {"is_root_seen": "int4"}
PIECE_COLUMNS: dict[str, Kind] = {"piece": "int8", "is_current": "int4"}


def roots() -> str:
    """What stands before a statement that joins ``tree``: id and root of each account."""
    return _ROOTS_FOR_VIEWERS if is_walled() else _ROOTS


@dataclass(frozen=True, slots=True)
class Spans:
    """One row an account in view that has a ledger line on the basis, ascending by id; dates are NaT where none.

    first_revenue_on is before every date where the account was a customer before the data start. unit_id is the account
    itself, or the root of its group.
    Of groups as they were, an account that has changed its group has a row for each group in which it has a ledger line,
    ascending by root: its dates are those of the piece, which ends as if closed when the account left the group.
    piece : that root, 0 for an account that is whole; None where every account is. is_current : the piece of the
    group of today. is_root_seen : of groups, whether their root is in view.
    """

    account_ids: IntArray
    unit_ids: IntArray
    first_order_on: DateArray
    last_order_on: DateArray
    first_revenue_on: DateArray
    closed_on: DateArray
    piece: IntArray | None = None
    is_current: BoolArray | None = None
    is_root_seen: BoolArray | None = None

    def places(self, account_ids: IntArray, piece: IntArray | None) -> IntArray:
        """The row of each account, or of each piece of one; all of them must have a row."""
        if self.piece is None or piece is None:
            return np.searchsorted(self.account_ids, account_ids).astype(np.int64)
        roots = np.unique(self.piece)
        own, wanted = (
            np.searchsorted(self.account_ids, ids).astype(np.int64) * len(roots) + np.searchsorted(roots, part)
            for ids, part in ((self.account_ids, self.piece), (account_ids, piece))
        )
        return np.searchsorted(own, wanted).astype(np.int64)

    def current(self, account_ids: IntArray) -> tuple[IntArray, BoolArray]:
        """(rows of the accounts as they stand today, which of ``account_ids`` have one); the rest of them bought nothing,
        or nothing in the group they belong to."""
        mine = np.arange(len(self.account_ids)) if self.is_current is None else np.flatnonzero(self.is_current)
        place = np.searchsorted(self.account_ids[mine], account_ids).clip(max=max(len(mine) - 1, 0))
        if not len(mine):
            return place[:0].astype(np.int64), np.zeros(len(account_ids), dtype=bool)
        is_found = self.account_ids[mine][place] == account_ids
        return mine[place[is_found]], is_found


def pieces_at(scope: Scope, level: Level) -> Pieces | None:
    """The pieces of accounts that make groups as they were; None where accounts are whole."""
    return pieces_of(scope) if level == Level.GROUP and scope.membership == Membership.AS_WAS else None


def unit_of(level: Level, piece: str) -> tuple[str, str, str]:
    """(SQL of the account or group of rows ``l``, what comes before the statement, what is joined)."""
    if level != Level.GROUP:
        return "l.account_id", "", ""
    unit = f"coalesce(nullif({piece}, 0), t.root)" if piece else "t.root"
    return unit, roots(), "JOIN tree t ON t.id = l.account_id"


def rounded_parts(summed: str, money: Sequence[str], others: Sequence[str], keys: Sequence[str]) -> str:
    """SQL of the rows of ``summed`` with money rounded to 4 decimals, so that the pieces of an account add up to what the
    whole account rounds to: each is the sum so far, rounded, less that before it.

    keys : what the pieces of one whole have in common; columns come as keys, piece, money, others
    """
    whole = ", ".join(keys)
    parts = [
        f"round(sum(coalesce({name}, 0)) OVER part, 4)"
        f" - round(sum(coalesce({name}, 0)) OVER part - coalesce({name}, 0), 4) AS {name}"
        for name in money
    ]
    picked = ", ".join([whole, "piece", *parts, *others])
    return f"SELECT {picked} FROM ({summed}) AS raw WINDOW part AS (PARTITION BY {whole} ORDER BY piece)"


def span_columns(level: Level, pieces: Pieces | None) -> dict[str, Kind]:
    return {
        **SPAN_COLUMNS,
        **(GROUP_COLUMNS if level == Level.GROUP else {}),
        **(PIECE_COLUMNS if pieces else {}),
    }


@dataclass(frozen=True, slots=True)
class SpanParams:
    """Of a span query: those before the joined part, and those after it."""

    before: list[Any]
    after: list[Any]


def in_order(params: SpanParams, joined: list[Any]) -> list[Any]:
    return [*params.before, *joined, *params.after]


def span_query(
    scope: Scope, level: Level, pieces: Pieces | None, *, picked: list[str], joined: str
) -> tuple[str, SpanParams]:
    """SQL of SPAN_COLUMNS (and PIECE_COLUMNS with ``pieces``) and ``picked`` for every account in view, ascending."""
    view, view_params = scope.within("s.account_id")
    is_group = level == Level.GROUP
    source, order = "metrics_accountspan", "s.account_id"
    unit = "t.root" if is_group else "s.account_id"
    if pieces:
        source, order, unit = SPANS_WITH_PIECES, "s.account_id, s.piece", "coalesce(nullif(s.piece, 0), t.root)"
    seen, seen_params = scope.within(unit)
    extra = [as_sql(f"({seen})::int", "int4")] if is_group else []
    if pieces:
        extra += [as_sql("s.piece", "int8"), as_sql("(s.piece IN (0, t.root))::int", "int4")]
    spans = [
        as_sql("s.account_id", "int8"),
        as_sql(unit, "int8"),
        *(as_sql(f"s.{name}", "date") for name in ("first_order_on", "last_order_on", "first_revenue_on")),
        as_sql("least(a.closed_on, s.left_on)" if pieces else "a.closed_on", "date"),
        as_sql(f"(a.before_data_start{' AND s.is_first' if pieces else ''})::int", "int4"),
        *extra,
    ]
    sql = (
        f"{roots() if is_group else ''} SELECT {', '.join([*spans, *picked])} FROM {source} s"
        f" JOIN accounts_account a ON a.id = s.account_id {'JOIN tree t ON t.id = s.account_id' if is_group else ''}"
        f" {joined} WHERE s.basis = %s AND {view} ORDER BY {order}"
    )
    before = [*seen_params] if is_group else []
    before += [pieces.account_ids, STILL, *pieces.params, scope.basis] if pieces else []
    return sql, SpanParams(before, [scope.basis, *view_params])


# Whole accounts as the roll-up has them, and the pieces of the others from their days.
SPANS_WITH_PIECES = f"""(
    SELECT account_id, basis, 0 AS piece, true AS is_first, NULL::date AS left_on,
           first_order_on, last_order_on, first_revenue_on
    FROM metrics_accountspan WHERE account_id NOT IN (SELECT unnest(%s::bigint[]))
    UNION ALL
    SELECT l.account_id, l.basis, p.root, bool_or(p.is_first), max(p.left_on),
           min(l.day) FILTER (WHERE l.orders > 0), max(l.day) FILTER (WHERE l.orders > 0),
           min(l.day) FILTER (WHERE l.has_positive)
    FROM (
        SELECT p.*, row_number() OVER (PARTITION BY p.account_id ORDER BY p.first) = 1 AS is_first,
               nullif(max(p.stop) OVER piece, %s) - 1 AS left_on
        FROM {PIECES} WINDOW piece AS (PARTITION BY p.account_id, p.root)
    ) AS p
    JOIN metrics_accountday l
      ON l.account_id = p.account_id AND l.day >= p.first AND l.day < p.stop
    WHERE l.basis = %s
    GROUP BY l.account_id, l.basis, p.root
)"""


def spans_from(rows: dict[str, NDArray[Any]]) -> Spans:
    first_revenue_on = rows["first_revenue_on"]
    first_revenue_on[rows["before_data_start"] > 0] = np.datetime64(date.min)
    return Spans(
        account_ids=rows["account_id"],
        unit_ids=rows["unit_id"],
        first_order_on=rows["first_order_on"],
        last_order_on=rows["last_order_on"],
        first_revenue_on=first_revenue_on,
        closed_on=rows["closed_on"],
        piece=rows.get("piece"),
        is_current=rows["is_current"] > 0 if "is_current" in rows else None,
        is_root_seen=rows["is_root_seen"] > 0 if "is_root_seen" in rows else None,
    )
