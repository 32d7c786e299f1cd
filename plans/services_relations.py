"""Relationship plans: goal, review day, and dated steps for each layer."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, Contact, User
from accounts.validators_relations import in_one_group
from plans.models import RelationshipAction, RelationshipPlan
from plans.services_work import PlanRefused


@transaction.atomic
def save_relationship_plan(*, account: Account, goal: str, owner: User | None, review_on: date) -> RelationshipPlan:
    """Keep the one plan of an account, new or changed. Raises ValidationError where a rule of the row is broken."""
    row = RelationshipPlan.objects.select_for_update().filter(account=account).first()
    row = row or RelationshipPlan(account=account)
    row.goal, row.owner, row.review_on = goal.strip(), owner, review_on
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def add_relationship_step(
    *,
    plan: RelationshipPlan,
    layer: str,
    text: str,
    due_on: date,
    owner: User | None,
    contact: Contact | None = None,
) -> RelationshipAction:
    """Raises PlanRefused for a contact of another customer, ValidationError where a rule of the row is broken."""
    if contact is not None and not in_one_group(plan.account_id, contact.account_id):
        raise PlanRefused(_("This person belongs to another customer. Choose a contact of this account."))
    row = RelationshipAction(plan=plan, layer=layer, text=text.strip(), due_on=due_on, owner=owner, contact=contact)
    row.full_clean()
    row.save()
    return row
