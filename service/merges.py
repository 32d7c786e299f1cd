"""What a merge of accounts does here, in its transaction: what was done for the merged account follows it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import AccountMerge
from accounts.models.people import DateRange
from service.models import Discount, Interaction, ServiceRequest, Sponsor

OWN: dict[str, type[Model]] = {
    "interactions": Interaction,
    "service_requests": ServiceRequest,
    "sponsors": Sponsor,
    "discounts": Discount,
}


def accounts_merged(sender: object = None, *, merge: AccountMerge, is_undone: bool, **_kwargs: object) -> None:
    """Move the rows to the account that stays, or those that moved back; a sponsor whose place is taken stays."""
    if is_undone:
        for name in OWN:
            mine = _rows(name).filter(account=merge.survivor_id, pk__in=merge.moved.get(name, ()))
            _point(name, _ids(_free(name, mine, merge.merged_id)), merge.merged_id)
        return
    for name in OWN:
        going = _ids(_free(name, _rows(name).filter(account=merge.merged_id), merge.survivor_id))
        _point(name, going, merge.survivor_id)
        merge.moved[name] = going
        left = _ids(_rows(name).filter(account=merge.merged_id))
        if left:
            merge.moved["stayed"][name] = left
    merge.save(update_fields=["moved"])


def _rows(name: str) -> QuerySet[Any]:
    return OWN[name]._default_manager.all()  # noqa: SLF001 - Django's public name


def _free(name: str, rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """Rows that break no rule at the account: sponsors of a kind that nobody else is in their days."""
    if name != "sponsors":
        return rows
    days = DateRange("valid_from", "valid_to")
    there = Sponsor.objects.filter(account=account_id, kind=OuterRef("kind")).annotate(days=days)
    return rows.annotate(days=days).exclude(Exists(there.filter(days__overlap=OuterRef("days"))))


def _point(name: str, ids: list[int], account_id: int) -> None:
    _rows(name).filter(pk__in=ids).update(account=account_id, updated_at=timezone.now())


def _ids(rows: QuerySet[Any]) -> list[int]:
    return sorted(rows.values_list("pk", flat=True))
