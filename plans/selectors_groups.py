"""Promises of a group, added up by the branches of its tree."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from crm.lib.arrays import as_array
from plans.models import AccountCompliance

SUMS = """
SELECT u.branch, sum(c.due), sum(c.broken), sum(c.weight_due), sum(c.weight_kept) FROM plans_accountcompliance c
JOIN unnest(%s::bigint[], %s::bigint[]) AS u(id, branch) ON u.id = c.account_id GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class BranchPromises:
    """due, broken : promises; compliance : weighted mean over what is due, None where nothing is."""

    due: int = 0
    broken: int = 0
    weight_due: float = 0.0
    weight_kept: float = 0.0

    def __add__(self, other: BranchPromises) -> BranchPromises:
        return BranchPromises(
            self.due + other.due,
            self.broken + other.broken,
            self.weight_due + other.weight_due,
            self.weight_kept + other.weight_kept,
        )

    @property
    def compliance(self) -> float | None:
        return min(1.0, self.weight_kept / self.weight_due) if self.weight_due else None


def promises_by_branch(members: dict[int, int]) -> dict[int, BranchPromises]:
    """branch → what the last measurement found of its accounts (account → branch); one query."""
    with connections[AccountCompliance.objects.db].cursor() as cursor:
        cursor.execute(SUMS, [as_array(members), as_array(members.values())])
        return {branch: BranchPromises(*sums) for branch, *sums in cursor.fetchall()}
