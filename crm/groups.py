"""A group as one reader may see it: figures, grades and promises of a node by its direct subsidiaries.

The rule of what is shown, here and nowhere else:

1. Only who may open an account sees it as a node: its own line, its total, and the subsidiaries below it.
2. The total counts every account below, whether the reader may open it or not: it is the group's figure, not theirs.
3. A subsidiary the reader may not open has no line, no name and no way down. Two or more of them are added up in one
   line, "others". Of a single one nothing is broken out, not even the number of companies below it: that line would be
   its figure. Who holds the total against the visible lines can still work it out; that is the price of a total that is
   true, and the reason why a total is shown only to those who may open the node.
4. Accounts below a hidden subsidiary stay behind it, also those the reader may open elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.group_tree import grades_by_branch
from accounts.models import Account, User
from crm.lib.periods import Period
from crm.lib.wall import beyond_the_wall
from metrics.scope import Membership
from metrics.services.group_rollup import GroupFigures, GroupRollup, group_rollup
from plans.selectors_groups import BranchPromises, promises_by_branch

LEAST_TOGETHER = 2  # hidden subsidiaries that may be shown as one line
FACTS = ("pk", "code", "name", "grade", "status", "sort_key")


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A line of the tree. ``account``: its facts by name, None for the sum of others and the total."""

    figures: GroupFigures
    promises: BranchPromises
    grades: dict[str, int]
    account: dict[str, Any] | None = None

    @property
    def is_former(self) -> bool:
        """It left the group: what it brought before counts, and nobody of it is a member any more."""
        return self.figures.accounts == 0

    @property
    def has_more(self) -> bool:
        return self.figures.accounts > 1

    def __add__(self, other: GroupLine) -> GroupLine:
        grades = {key: self.grades.get(key, 0) + other.grades.get(key, 0) for key in {*self.grades, *other.grades}}
        return GroupLine(self.figures + other.figures, self.promises + other.promises, grades)


NOTHING = GroupLine(GroupFigures(), BranchPromises(), {})


@dataclass(frozen=True, slots=True)
class GroupView:
    """``lines``: subsidiaries the reader may open, by revenue; ``others`` is None where fewer than two are hidden."""

    rollup: GroupRollup
    total: GroupLine
    own: GroupLine
    lines: list[GroupLine]
    hidden: int
    others: GroupLine | None

    @property
    def is_alone(self) -> bool:
        """Nobody is or was below the account."""
        return not self.lines and not self.hidden


def group_view(
    node: Account,
    *,
    viewer: User,
    period: Period,
    membership: Membership | str,
    as_of: date | None = None,
    **choices: Any,
) -> GroupView:
    """What ``viewer``, who may open ``node``, sees of it; the same number of statements whatever the size of the group.

    choices : basis, credit_notes and currency, as the services of figures take them
    """
    with beyond_the_wall("rule 2: the total counts every account below; of hidden ones no line leaves this function"):
        rollup = group_rollup(node, period=period, membership=membership, as_of=as_of, **choices)
        grades, promises = grades_by_branch(rollup.members), promises_by_branch(rollup.members)
    lines = {
        branch: GroupLine(figures, promises.get(branch, BranchPromises()), grades.get(branch, {}))
        for branch, figures in rollup.branches.items()
    }
    below = {branch: line for branch, line in lines.items() if branch != node.pk}
    seen = Account.objects.visible_to(viewer).filter(pk__in=list(below)).order_by()
    facts = {row["pk"]: row for row in seen.values(*FACTS)}
    hidden = [line for branch, line in below.items() if branch not in facts]
    shown = [
        GroupLine(line.figures, line.promises, line.grades, facts[branch])
        for branch, line in below.items()
        if branch in facts
    ]
    return GroupView(
        rollup=rollup,
        total=sum(lines.values(), NOTHING),
        own=lines.get(node.pk, NOTHING),
        lines=sorted(shown, key=_by_revenue),
        hidden=len(hidden),
        others=sum(hidden, NOTHING) if len(hidden) >= LEAST_TOGETHER else None,
    )


def _by_revenue(line: GroupLine) -> tuple[Any, ...]:
    """Largest first; what is not known after what is, then by name."""
    revenue, account = line.figures.revenue, line.account or {}
    return (revenue is None, -(revenue or 0), account["sort_key"], account["pk"])
