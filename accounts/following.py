"""Rows that follow a merged account to the one that stays, and back: how an app to the right does it (accounts_merged).

A row that would break a rule at the account that stays, because its place is taken there, stays where it was. What moved
is written down in the merge, so that undoing it gives back exactly those rows, as they are by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts.models import AccountMerge


def _all_of_them(rows: QuerySet[Any], _account_id: int) -> QuerySet[Any]:
    return rows


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of one model with a key ``account``. free : of some rows those that break no rule at another account"""

    model: type[Model]
    free: Callable[[QuerySet[Any], int], QuerySet[Any]] = _all_of_them

    def rows_of(self, account_id: int) -> QuerySet[Any]:
        return self.model._default_manager.filter(account=account_id)  # noqa: SLF001 - Django's public name

    def movable(self, merged_id: int, survivor_id: int) -> QuerySet[Any]:
        return self.free(self.rows_of(merged_id), survivor_id)

    def point(self, ids: list[int], account_id: int) -> None:
        stamped = {field.name for field in self.model._meta.get_fields()} & {"updated_at"}  # noqa: SLF001
        now = dict.fromkeys(stamped, timezone.now())
        self.model._default_manager.filter(pk__in=ids).update(account=account_id, **now)  # noqa: SLF001


def follow(merge: AccountMerge, kinds: Mapping[str, Kind], *, is_undone: bool) -> None:
    """Move the rows of each kind, or those that moved back; the caller saves the merge, in its transaction."""
    for name, kind in kinds.items():
        if is_undone:
            mine = kind.rows_of(merge.survivor_id).filter(pk__in=merge.moved.get(name, ()))
            kind.point(_ids(kind.free(mine, merge.merged_id)), merge.merged_id)
            continue
        going = _ids(kind.movable(merge.merged_id, merge.survivor_id))
        kind.point(going, merge.survivor_id)
        merge.moved[name] = going
        left = _ids(kind.rows_of(merge.merged_id))
        if left:
            merge.moved["stayed"][name] = left


def counts(kinds: Mapping[str, Kind], *, merged_id: int, survivor_id: int) -> dict[str, tuple[int, int]]:
    """What ``follow`` would do now: (rows that move, rows that stay) by kind; two queries each."""
    found = {}
    for name, kind in kinds.items():
        going = kind.movable(merged_id, survivor_id).count()
        found[name] = (going, kind.rows_of(merged_id).count() - going)
    return found


def _ids(rows: QuerySet[Any]) -> list[int]:
    return sorted(rows.values_list("pk", flat=True))
