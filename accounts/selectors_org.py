"""The sales organisation as somebody sees it: the tree, and how many people and accounts stand below each unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from accounts.models import Account, OrgUnit, User
from accounts.organisation import tree


@dataclass(slots=True)
class Node:
    """A unit in the tree. ``depth`` counts from the highest unit the reader sees; ``place`` and ``brothers`` are those among
    the units below the same one. The numbers with ``_below`` hold the unit's own too; accounts are those that the reader
    may see, by the unit of their owner."""

    unit: OrgUnit
    depth: int
    people: int
    accounts: int
    people_below: int = 0
    accounts_below: int = 0
    has_children: bool = False
    place: int = 1
    brothers: int = 1

    @property
    def level(self) -> int:
        return self.depth + 1


def organisation(viewer: User) -> list[Node]:
    """The units the reader sees, each below its parent, brothers by name. Four statements beside those of the rights,
    however large the tree."""
    seen = set(OrgUnit.objects.visible_to(viewer).values_list("pk", flat=True))
    people, accounts = _people_by_unit(), _accounts_by_unit(viewer)
    nodes: dict[int, Node] = {}
    for unit, _depth in tree():
        if unit.pk in seen:
            above = nodes.get(unit.parent_id or 0)
            depth = above.depth + 1 if above else 0
            nodes[unit.pk] = Node(unit, depth, people[unit.pk], accounts[unit.pk])
    _sum_up(nodes)
    _number(nodes)
    return list(nodes.values())


def _people_by_unit() -> Counter[int]:
    """Those who may log in."""
    rows = (
        User.objects.filter(is_active=True, unit__isnull=False).order_by().values("unit").annotate(number=Count("pk"))
    )
    return Counter({row["unit"]: row["number"] for row in rows})


def _accounts_by_unit(viewer: User) -> Counter[int]:
    rows = Account.objects.visible_to(viewer).filter(owner__unit__isnull=False).order_by()
    counted = rows.values("owner__unit").annotate(number=Count("pk"))
    return Counter({row["owner__unit"]: row["number"] for row in counted})


def _sum_up(nodes: dict[int, Node]) -> None:
    """Children come after their parent, so that walking backwards meets each unit when its sums are complete."""
    for node in reversed(nodes.values()):
        node.people_below += node.people
        node.accounts_below += node.accounts
        above = nodes.get(node.unit.parent_id or 0)
        if above is not None:
            above.people_below += node.people_below
            above.accounts_below += node.accounts_below
            above.has_children = True


def _number(nodes: dict[int, Node]) -> None:
    brothers: dict[int | None, list[Node]] = {}
    for node in nodes.values():
        above = node.unit.parent_id if node.unit.parent_id in nodes else None
        brothers.setdefault(above, []).append(node)
    for together in brothers.values():
        for place, node in enumerate(together, start=1):
            node.place, node.brothers = place, len(together)


def path_to(unit: OrgUnit) -> list[OrgUnit]:
    """The units above, highest first; one statement."""
    by_key = {one.pk: one for one, _depth in tree()}
    found: list[OrgUnit] = []
    above = by_key.get(unit.parent_id or 0)
    while above is not None and above not in found:
        found.append(above)
        above = by_key.get(above.parent_id or 0)
    return found[::-1]
