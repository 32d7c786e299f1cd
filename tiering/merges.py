"""What a merge of accounts does here, in its transaction: what people decided about its grade follows the account.

An override moves unless one of the account that stays holds in its days, and a request unless one waits there; those stay
with the merged account, where nothing reads them, and the word of the account that stays counts. All decisions of its
value band move: the newest of both counts. Scores, periods and decisions on proposed problems are about the nights of the
merged account itself, and stay.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.following import Kind, follow
from accounts.models import AccountMerge
from accounts.models.people import DateRange
from tiering.enums import HELD_OVERRIDES, OverrideState
from tiering.models import BandDecision, Override


def _free_overrides(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """Those whose days no override holds at the account, and requests where none waits there."""
    days = DateRange("valid_from", "valid_to")
    there = Override.objects.filter(account=account_id)
    held = there.filter(state__in=HELD_OVERRIDES).annotate(days=days).filter(days__overlap=OuterRef("days"))
    waiting = there.filter(state=OverrideState.REQUESTED)
    return rows.annotate(days=days).exclude(
        Q(Exists(held), state__in=HELD_OVERRIDES) | Q(Exists(waiting), state=OverrideState.REQUESTED)
    )


OWN: dict[str, Kind] = {"overrides": Kind(Override, _free_overrides), "band_decisions": Kind(BandDecision)}


def accounts_merged(sender: object = None, *, merge: AccountMerge, is_undone: bool, **_kwargs: object) -> None:
    follow(merge, OWN, is_undone=is_undone)
    merge.save(update_fields=["moved"])
