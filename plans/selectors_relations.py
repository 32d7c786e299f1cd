"""Relationship plans, read: the plan of one account, and the next step of each layer for many."""

from __future__ import annotations

from collections.abc import Collection

from accounts.models import Account
from plans.models import RelationshipAction, RelationshipPlan


def relationship_plan(account: Account) -> RelationshipPlan | None:
    """With its steps, the open ones first and the next to be done on top; two queries."""
    return (
        RelationshipPlan.objects.filter(account=account)
        .select_related("owner")
        .prefetch_related("actions__owner", "actions__contact")
        .first()
    )


def next_steps(accounts: Collection[int]) -> dict[tuple[int, str], RelationshipAction]:
    """(account id, layer) → the open step that is due first. One query."""
    rows = (
        RelationshipAction.objects.filter(plan__account__in=accounts, done_on__isnull=True)
        .select_related("owner", "plan")
        .order_by("plan__account_id", "layer", "due_on", "pk")
        .distinct("plan__account_id", "layer")
    )
    return {(row.plan.account_id, row.layer): row for row in rows}
