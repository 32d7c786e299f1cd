"""What a merge of accounts does here, in its transaction: what was done for the merged account follows it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.following import Kind, follow
from accounts.models import AccountMerge
from accounts.models.people import DateRange
from service.models import Discount, Interaction, ServiceRequest, Sponsor


def _free_sponsors(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """Sponsors of a kind that nobody else is in their days."""
    days = DateRange("valid_from", "valid_to")
    there = Sponsor.objects.filter(account=account_id, kind=OuterRef("kind")).annotate(days=days)
    return rows.annotate(days=days).exclude(Exists(there.filter(days__overlap=OuterRef("days"))))


OWN: dict[str, Kind] = {
    "interactions": Kind(Interaction),
    "service_requests": Kind(ServiceRequest),
    "sponsors": Kind(Sponsor, _free_sponsors),
    "discounts": Kind(Discount),
}


def accounts_merged(sender: object = None, *, merge: AccountMerge, is_undone: bool, **_kwargs: object) -> None:
    """Move the rows to the account that stays, or those that moved back; a sponsor whose place is taken stays."""
    follow(merge, OWN, is_undone=is_undone)
    merge.save(update_fields=["moved"])
