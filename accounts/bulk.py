"""Changing one thing on many accounts at once, and taking it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, User


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What a bulk change did: how many accounts were named, the value before of each that changed, and the one they have."""

    field: str
    named: int
    before: Mapping[int, Any]
    after: Any = None

    @property
    def changed(self) -> int:
        return len(self.before)


@transaction.atomic
def assign_owner(*, accounts: QuerySet[Account], owner: User | None) -> BulkChange:
    """Make ``owner`` the owner of every account in ``accounts``; None leaves them without. Two statements."""
    return _set(accounts, "owner_id", owner.pk if owner else None)


@transaction.atomic
def set_segment(*, accounts: QuerySet[Account], segment: str) -> BulkChange:
    return _set(accounts, "segment", segment.strip())


@transaction.atomic
def set_need(*, accounts: QuerySet[Account], need: str) -> BulkChange:
    """What these customers look for first, a code of AccountNeed; "" for not known. Two statements."""
    return _set(accounts, "need", need)


@transaction.atomic
def set_potential(*, accounts: QuerySet[Account], potential: str) -> BulkChange:
    """How far the market of these customers can carry them, a code of MarketPotential; "" for not known."""
    return _set(accounts, "potential", potential)


@transaction.atomic
def restore(*, accounts: QuerySet[Account], field: str, before: Mapping[int, Any], after: Any) -> int:
    """Give accounts back the values they had; only those still in ``accounts`` that hold what the change left (``after``):
    what somebody changed since stays. Returns how many were restored."""
    if field not in {"owner_id", "segment", "need", "potential"}:
        raise ValueError(field)
    restored = 0
    for value in set(before.values()):
        ids = [pk for pk, old in before.items() if old == value]
        restored += accounts.filter(pk__in=ids, **{field: after}).update(**{field: value, "updated_at": timezone.now()})
    return restored


def _set(accounts: QuerySet[Account], field: str, value: Any) -> BulkChange:
    found = dict(accounts.select_for_update(of=("self",)).order_by("pk").values_list("pk", field))
    before = {pk: old for pk, old in found.items() if old != value}
    if before:
        Account.objects.filter(pk__in=before).update(**{field: value, "updated_at": timezone.now()})
    return BulkChange(field=field, named=len(found), before=before, after=value)
