"""Groups as they were: the stretches of days in which an account belonged to one group, where that has changed.

Few accounts change their group. Each of them falls into pieces, one a group, and a line counts for the piece of its day;
all others belong to the root of today's tree since ever and are read as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.db import connections

from accounts.groups import EDGES
from accounts.models import GroupMembership
from crm.lib.periods import month_start
from crm.lib.wall import beyond_the_wall
from metrics.scope import Scope

EVER, STILL = date.min, date.max  # of a stretch that has no beginning, or no end

# Accounts with dated parents and all below them, by any tree; then up from each, day by day, to who has no parent.
STRETCHES = f"""
WITH RECURSIVE {EDGES.replace("edge AS (", "edge AS NOT MATERIALIZED (", 1)}, dated(id) AS (
    SELECT account_id FROM accounts_groupmembership
    UNION
    SELECT a.id FROM accounts_account a JOIN dated ON a.parent_id = dated.id
), climb(account_id, top, days) AS (
    SELECT id, id, daterange(NULL, NULL) FROM dated
    UNION ALL
    SELECT c.account_id, e.parent, c.days * e.days FROM climb c JOIN edge e ON e.child = c.top AND e.days && c.days
), stood AS (
    SELECT c.account_id, c.top AS root, unnest(
        datemultirange(c.days) - coalesce((SELECT range_agg(e.days) FROM edge e WHERE e.child = c.top), '{{}}')
    ) AS days FROM climb c
)
SELECT account_id, root, coalesce(lower(days), %s), coalesce(upper(days), %s) FROM (
    SELECT s.*, min(root) OVER account <> max(root) OVER account AS has_changed FROM stood s
    WINDOW account AS (PARTITION BY account_id)
) AS s WHERE has_changed AND {{view}} ORDER BY account_id, lower(days) NULLS FIRST
"""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """One row a stretch: the group (its root) of an account from ``firsts`` until ``stops`` (exclusive), by account and
    day; each account has at least two and no gap."""

    account_ids: list[int]
    roots: list[int]
    firsts: list[date]
    stops: list[date]
    is_all: ClassVar[bool] = False  # whoever never changed has no piece

    def __len__(self) -> int:
        return len(self.account_ids)

    @property
    def params(self) -> list[Any]:
        """Of ``scope.PIECES``."""
        return [self.account_ids, self.roots, self.firsts, self.stops]

    @property
    def split_params(self) -> list[Any]:
        """Of ``scope.SPLITS``: months in which an account changes its group on another day than the first."""
        split = sorted({
            (account, month_start(first))
            for account, first in zip(self.account_ids, self.firsts, strict=True)
            if first != EVER and first.day != 1
        })  # fmt: skip
        return [[account for account, _month in split], [month for _account, month in split]]


def pieces_of(scope: Scope) -> Pieces | None:
    """The pieces of the accounts in view, None where none has changed its group; at most two queries a scope."""
    if "pieces" not in scope.kept:
        scope.kept["pieces"] = _pieces_of(scope)
    found: Pieces | None = scope.kept["pieces"]
    return found


@beyond_the_wall("groups are whole trees; rows come of accounts in view alone, with the keys of their roots")
def _pieces_of(scope: Scope) -> Pieces | None:
    if not GroupMembership.objects.using(scope.using).exists():
        return None
    view, params = scope.within("account_id")
    with connections[scope.using].cursor() as cursor:
        cursor.execute(STRETCHES.replace("{view}", view), [EVER, STILL, *params])
        rows = cursor.fetchall()
    return Pieces(*(list(column) for column in zip(*rows, strict=True))) if rows else None
