"""Groups that are graded as one, as a night reads them: who is in which, and their figures added up (domain.md 5.5).

The account that carries the grade of its group is measured as if all companies below it were one customer: money, orders,
products, the time with us, contracts, receivables and wallets are the group's. What people say of a company stays with
that company: ratings, complaints, attitudes, credit stops. The companies below keep their own figures and grades.

Who belongs to a group is asked of the as-of day, and counts with its whole past: a company bought last month brings the
twelve months it has behind it, as the group it is now has them behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection

from accounts.group_tree import CHILDREN
from metrics.binary import Kind, as_sql, fetch, send
from tiering.facts import USING, Dates
from tiering.grading import MONEY_DECIMALS
from tiering.grouping import Ints, places_of
from tiering.scoring import Bools, Floats

TABLE = "tiering_gradedmember"
COLUMNS: dict[str, Kind] = {"account_id": "int8", "node_id": "int8"}
# From every graded account down, as far as the next one: on days long past two of them may have been on one path.
MEMBERS = f"""
WITH RECURSIVE below(node, id) AS (
    SELECT a.id, a.id FROM accounts_account a WHERE a.is_graded_node AND a.merged_into_id IS NULL
    UNION
    SELECT b.node, e.child FROM below b CROSS JOIN LATERAL ({CHILDREN.format("b.id")}) AS e
    JOIN accounts_account c ON c.id = e.child
    WHERE e.days @> %s::date AND NOT (c.is_graded_node AND c.merged_into_id IS NULL)
)
SELECT b.id AS account_id, b.node AS node_id FROM below b JOIN accounts_account a ON a.id = b.id
WHERE a.merged_into_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Groups:
    """members : accounts of groups graded as one, ascending, the graded one among them; nodes : the graded one of each."""

    members: Ints
    nodes: Ints

    def __len__(self) -> int:
        return len(self.members)

    def among(self, ids: Ints) -> Groups:
        """Those whose members are in ``ids``; a group is in it whole or not at all (``whole``)."""
        here = np.isin(self.members, ids)
        return Groups(self.members[here], self.nodes[here])

    def whole(self, ids: Ints) -> Ints:
        """``ids`` with all companies of the groups they belong to: what the figures of a group are made of."""
        return np.union1d(ids, self.members[np.isin(self.nodes, self.node_of(ids))])

    def with_nodes(self, ids: Ints) -> Ints:
        """``ids`` with who is graded for their groups: what moves a company may move its group's grade."""
        nodes = self.node_of(ids)
        return np.union1d(ids, nodes[nodes > 0])

    def node_of(self, ids: Ints) -> Ints:
        """The graded account of each, 0 for who is in no such group."""
        found = np.zeros(len(ids), dtype=np.int64)
        here = np.isin(ids, self.members)
        found[here] = self.nodes[places_of(ids[here], among=self.members)]
        return found


NO_GROUPS = Groups(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class RollUp:
    """Adds up arrays over n accounts at the graded ones; everybody else keeps what is theirs."""

    members: Ints  # places of the members, and of the graded account of each
    nodes: Ints
    count: int

    @classmethod
    def over(cls, groups: Groups, ids: Ints) -> RollUp:
        return cls(places_of(groups.members, among=ids), places_of(groups.nodes, among=ids), len(ids))

    @property
    def is_node(self) -> Bools:
        return np.bincount(self.nodes, minlength=self.count) > 0

    def total(self, values: Floats) -> Floats:
        """Sums of money; what of one member is not known, is not known of the group."""
        sums = np.bincount(self.nodes, weights=values[self.members], minlength=self.count)
        return np.where(self.is_node, np.round(sums, MONEY_DECIMALS), values)

    def some(self, mask: Bools) -> Bools:
        """Whether it holds for any member."""
        return np.where(self.is_node, np.bincount(self.nodes[mask[self.members]], minlength=self.count) > 0, mask)

    def earliest(self, days: Dates) -> Dates:
        """The first day any member has; NaT where none has one."""
        never = np.iinfo(np.int64).max
        numbers = np.where(np.isnat(days), never, days.astype(np.int64))
        np.minimum.at(numbers, self.nodes, numbers[self.members])
        return np.where(numbers == never, np.datetime64("NaT", "D"), numbers.astype("datetime64[D]"))


def read(as_of: date) -> Groups:
    """The groups of a day by the accounts that carry a grade now, those of more than one company; one query."""
    picked = ", ".join(as_sql(f"m.{name}", kind) for name, kind in COLUMNS.items())
    rows = fetch(f"SELECT {picked} FROM ({MEMBERS}) AS m ORDER BY 1", [as_of], COLUMNS, using=USING)
    members, nodes = rows["account_id"], rows["node_id"]
    shared = np.isin(nodes, nodes[members != nodes])
    return Groups(members[shared], nodes[shared])


def kept() -> Groups:
    """The groups as the last night counted them; one query."""
    picked = ", ".join(as_sql(name, kind) for name, kind in COLUMNS.items())
    rows = fetch(f"SELECT {picked} FROM {TABLE} ORDER BY 1", [], COLUMNS, using=USING)
    return Groups(rows["account_id"], rows["node_id"])


def moved(now: Groups) -> Ints:
    """Who is graded for a group that has other companies than the last night counted; ascending, also who no longer is.

    Whatever moved them: a change of parent, one that was dated ahead, a merge, or who carries the grade.
    """
    was = kept()
    ids = np.union1d(was.members, now.members)
    before, after = was.node_of(ids), now.node_of(ids)
    differs = before != after
    nodes = np.union1d(before[differs], after[differs])
    return nodes[nodes > 0]


def keep(groups: Groups) -> None:
    """Write down what the night counted by; belongs to the transaction that publishes."""
    if not len(moved(groups)):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
    send(TABLE, {"account_id": groups.members, "node_id": groups.nodes}, COLUMNS, using=USING)
