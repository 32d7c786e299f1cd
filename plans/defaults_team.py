"""What the team of each grade has to be like, as delivered (domain.md 5.4); which grades need deputies is ours [D]."""

from __future__ import annotations

from accounts.enums import Grade, TeamRole
from plans.models import TeamRule

ALL_THREE = list(TeamRole.values)
MANAGER = [TeamRole.ACCOUNT_MANAGER.value]
RULES: dict[str, tuple[list[str], bool, int]] = {
    Grade.DIAMOND: (ALL_THREE, True, 5),
    Grade.GOLD: (ALL_THREE, True, 3),
    Grade.STRATEGIC: (ALL_THREE, True, 3),
    Grade.POTENTIAL: (MANAGER, False, 2),
    Grade.GENERAL: (MANAGER, False, 1),
    Grade.PROBLEM: (MANAGER, False, 2),
}


def ensure_team_rules(*, using: str = "default") -> None:
    """A rule for each grade that has none; rules that are there stay as they are."""
    there = set(TeamRule.objects.using(using).values_list("grade", flat=True))
    TeamRule.objects.using(using).bulk_create(
        TeamRule(grade=grade, roles=roles, needs_deputy=needs_deputy, points=points)
        for grade, (roles, needs_deputy, points) in RULES.items()
        if grade not in there
    )
