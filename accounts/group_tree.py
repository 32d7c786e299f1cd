"""Reads of the group tree: who is below an account, on which days and by which branch; who is above it; graded nodes.

Both directions walk indexes, so that a group of thousands is one statement. Nothing here asks who is reading: what a
reader may see of it is decided where it is shown (``crm.groups``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connections, transaction

from accounts.models import Account
from crm.lib.arrays import as_array
from crm.lib.wall import beyond_the_wall

EVER, STILL = date.min, date.max  # of a stay that has no beginning, or no end

# Rows of the parents of one account ({0}), or of the children of one: an account without memberships has today's parent
# since ever. LATERAL, so that each step is an index look-up and not a scan of every membership.
PARENTS = """
    SELECT m.parent_id AS parent, daterange(m.valid_from, m.valid_to) AS days
    FROM accounts_groupmembership m WHERE m.account_id = {0}
    UNION ALL
    SELECT a.parent_id, daterange(NULL, NULL) FROM accounts_account a WHERE a.id = {0} AND a.parent_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM accounts_groupmembership m WHERE m.account_id = a.id)
"""
CHILDREN = """
    SELECT m.account_id AS child, daterange(m.valid_from, m.valid_to) AS days
    FROM accounts_groupmembership m WHERE m.parent_id = {0}
    UNION ALL
    SELECT a.id, daterange(NULL, NULL) FROM accounts_account a WHERE a.parent_id = {0}
    AND NOT EXISTS (SELECT 1 FROM accounts_groupmembership m WHERE m.account_id = a.id)
"""
AS_WAS = f"""
WITH RECURSIVE below(id, branch, days) AS (
    SELECT %(node)s::bigint, %(node)s::bigint, daterange(NULL, NULL)
    UNION ALL
    SELECT e.child, CASE WHEN b.id = %(node)s THEN e.child ELSE b.branch END, b.days * e.days
    FROM below b CROSS JOIN LATERAL ({CHILDREN.format("b.id")}) AS e WHERE e.days && b.days
)
SELECT b.id, b.branch, coalesce(lower(b.days), %(ever)s), coalesce(upper(b.days), %(still)s)
FROM below b JOIN accounts_account a ON a.id = b.id WHERE a.merged_into_id IS NULL ORDER BY 1, 3
"""
AS_NOW = """
WITH RECURSIVE below(id, branch) AS (
    SELECT %(node)s::bigint, %(node)s::bigint
    UNION ALL
    SELECT a.id, CASE WHEN b.id = %(node)s THEN a.id ELSE b.branch END
    FROM below b JOIN accounts_account a ON a.parent_id = b.id
)
SELECT b.id, b.branch, %(ever)s::date, %(still)s::date
FROM below b JOIN accounts_account a ON a.id = b.id WHERE a.merged_into_id IS NULL ORDER BY 1
"""
ABOVE_ON = f"""
WITH RECURSIVE up(id, height) AS (
    SELECT %(node)s::bigint, 0
    UNION ALL
    SELECT e.parent, u.height + 1 FROM up u CROSS JOIN LATERAL ({PARENTS.format("u.id")}) AS e
    WHERE e.days @> %(day)s::date
) SELECT a.id, a.name, a.code FROM up u JOIN accounts_account a ON a.id = u.id ORDER BY u.height DESC
"""


@dataclass(frozen=True, slots=True, eq=False)
class Subtree:
    """A node and all below it, a row a stretch of days: account, the direct child it is reached by (the node for itself),
    first day and the first day no longer. Each account has one branch a day."""

    node_id: int
    account_ids: list[int]
    branches: list[int]
    firsts: list[date]
    stops: list[date]

    def on(self, day: date) -> dict[int, int]:
        """account → branch of a day."""
        rows = zip(self.account_ids, self.branches, self.firsts, self.stops, strict=True)
        return {account: branch for account, branch, first, stop in rows if first <= day < stop}

    def within(self, first: date, end: date) -> Subtree:
        """The stretches with a day of first <= day < end."""
        rows = zip(self.account_ids, self.branches, self.firsts, self.stops, strict=True)
        kept = [row for row in rows if row[2] < end and row[3] > first]
        columns = [list(column) for column in zip(*kept, strict=True)] if kept else [[], [], [], []]
        return Subtree(self.node_id, *columns)


def subtree_of(node: Account, *, is_as_was: bool) -> Subtree:
    """As it was on each day, or on all days as it is today; one query, accounts merged into others left out."""
    values = {"node": node.pk, "ever": EVER, "still": STILL}
    rows = _rows(AS_WAS if is_as_was else AS_NOW, values)
    return Subtree(node.pk, *([list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]))


@dataclass(frozen=True, slots=True)
class Ancestor:
    """An account above another, or that one itself."""

    id: int
    name: str
    code: str


def path_on(node: Account, day: date) -> list[Ancestor]:
    """From the root of the group of a day down to the node itself; one query."""
    return [Ancestor(*row) for row in _rows(ABOVE_ON, {"node": node.pk, "day": day})]


@beyond_the_wall("a group is one tree, whoever asks; ``crm.groups`` decides what of it its reader gets")
def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with transaction.atomic(using=Account.objects.db), connections[Account.objects.db].cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")  # compiling the statement takes longer than running it
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def grades_by_branch(members: dict[int, int]) -> dict[int, dict[str, int]]:
    """branch → grade → accounts; one query."""
    sql = (
        "SELECT u.branch, a.grade, count(*) FROM accounts_account a"
        " JOIN unnest(%(ids)s::bigint[], %(branches)s::bigint[]) AS u(id, branch) ON u.id = a.id GROUP BY 1, 2"
    )
    found: dict[int, dict[str, int]] = {}
    for branch, grade, count in _rows(sql, {"ids": as_array(members), "branches": as_array(members.values())}):
        found.setdefault(branch, {})[grade] = count
    return found
