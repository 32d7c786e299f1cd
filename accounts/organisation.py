"""Changes of the sales organisation: units, their heads, and who is placed where. Visibility follows at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import ngettext

from accounts.locks import org_lock
from accounts.models import OrgUnit, User
from crm.lib.exceptions import CrmError

FIELDS = ("name", "level", "parent", "head")


class UnitInUse(CrmError):
    """A unit that is not empty; the message says what is still there."""

    code = "unit-in-use"
    status = 409


@transaction.atomic
def save_unit(unit: OrgUnit, **fields: Any) -> OrgUnit:
    """Make or change a unit; unknown names are refused. Raises ValidationError by field, for a loop or a level out of order
    too."""
    org_lock()
    for name, value in fields.items():
        if name not in FIELDS:
            raise TypeError(name)
        setattr(unit, name, value)
    unit.full_clean()
    unit.save()
    return unit


@transaction.atomic
def remove_unit(unit: OrgUnit) -> None:
    """Take an empty unit away. Raises UnitInUse while units stand below it or people are placed in it."""
    org_lock()
    below, people = unit.children.count(), unit.people.count()
    if below:
        raise UnitInUse(
            ngettext(
                "%(count)s unit stands below this one. Move it or remove it first.",
                "%(count)s units stand below this one. Move or remove them first.",
                below,
            )
            % {"count": below}
        )
    if people:
        raise UnitInUse(
            ngettext(
                "%(count)s person is placed in this unit. Place them elsewhere first.",
                "%(count)s people are placed in this unit. Place them elsewhere first.",
                people,
            )
            % {"count": people}
        )
    unit.delete()


@transaction.atomic
def place(people: Collection[User], unit: OrgUnit | None) -> int:
    """Place people in a unit (None: in none), one statement; returns how many moved."""
    org_lock()
    rows = User.objects.filter(pk__in=[user.pk for user in people])
    moved = rows.exclude(unit=unit) if unit is not None else rows.exclude(unit=None)
    return moved.update(unit=unit)


@transaction.atomic
def move_out(people: Collection[User], *, out_of: OrgUnit, into: OrgUnit | None) -> int:
    """Place people of one unit in another (None: in none); whoever was placed elsewhere meanwhile stays there. Returns how
    many moved."""
    org_lock()
    rows = User.objects.filter(pk__in=[user.pk for user in people], unit=out_of)
    return rows.update(unit=into)


def tree() -> list[tuple[OrgUnit, int]]:
    """Every unit below its parent, with its depth; brothers by name. One query."""
    by_parent: dict[int | None, list[OrgUnit]] = {}
    for unit in OrgUnit.objects.select_related("head").order_by("name", "pk"):
        by_parent.setdefault(unit.parent_id, []).append(unit)
    found: list[tuple[OrgUnit, int]] = []
    waiting = [(unit, 0) for unit in reversed(by_parent.get(None, []))]
    while waiting:
        unit, depth = waiting.pop()
        found.append((unit, depth))
        waiting += [(child, depth + 1) for child in reversed(by_parent.get(unit.pk, []))]
    return found
