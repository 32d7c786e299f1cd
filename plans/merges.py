"""What a merge of accounts does here, in its transaction: plans follow the account, and with them what they cover.

A plan that starts on a day on which one of the account that stays starts keeps its place. Where both have an open
remediation plan, that of the account that stays goes on and takes over the open steps of the other, which waits at the
merged account; an undone merge gives the steps back, done or not.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.following import Kind, follow
from accounts.models import Account, AccountMerge
from plans.enums_team import PENDING_HAND_OVERS, TaskOrigin
from plans.models import AccountPlan, HandOver, RelationshipPlan, RemediationAction, RemediationPlan, Task
from plans.services_work import cover

COVERED = ("planned_from", "planned_until")


def _free_plans(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    return rows.exclude(Exists(AccountPlan.objects.filter(account=account_id, valid_from=OuterRef("valid_from"))))


def _free_remedies(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    there = RemediationPlan.objects.filter(account=account_id, closed_on__isnull=True)
    return rows.exclude(Q(Exists(there), closed_on__isnull=True))


def _written_tasks(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """Tasks of gaps stay: the night closes them, and opens those of the account that goes on."""
    return rows.filter(origin=TaskOrigin.MANUAL)


def _free_hand_overs(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """Those that are over; one that is pending was about a seat that stands elsewhere now."""
    return rows.exclude(state__in=PENDING_HAND_OVERS)


def _free_relationship_plans(rows: QuerySet[Any], account_id: int) -> QuerySet[Any]:
    """An account has one."""
    return rows.none() if RelationshipPlan.objects.filter(account=account_id).exists() else rows


OWN: dict[str, Kind] = {
    "tasks": Kind(Task, _written_tasks),
    "hand_overs": Kind(HandOver, _free_hand_overs),
    "account_plans": Kind(AccountPlan, _free_plans),
    "remediation_plans": Kind(RemediationPlan, _free_remedies),
    "relationship_plans": Kind(RelationshipPlan, _free_relationship_plans),
}


def accounts_merged(sender: object = None, *, merge: AccountMerge, is_undone: bool, **_kwargs: object) -> None:
    if is_undone:
        _give_steps_back(merge)
        follow(merge, OWN, is_undone=True)
        _uncover(merge)
        return
    follow(merge, OWN, is_undone=False)
    _move_steps(merge)
    before = _covered(merge.survivor_id)
    _cover_by(_approved(merge.survivor_id).filter(pk__in=merge.moved["account_plans"]))
    merge.moved["covered"] = {"before": before, "after": _covered(merge.survivor_id)}
    merge.save(update_fields=["moved"])


def _move_steps(merge: AccountMerge) -> None:
    """The open steps of a plan that had to stay join the plan that goes on."""
    left = _open_plan(merge.merged_id)
    goes_on = _open_plan(merge.survivor_id)
    if left is None or goes_on is None:
        return
    steps = RemediationAction.objects.filter(plan=left, done_on__isnull=True)
    merge.moved["remediation_steps"] = sorted(steps.values_list("pk", flat=True))
    merge.moved["remediation_steps_of"] = left.pk
    RemediationAction.objects.filter(pk__in=merge.moved["remediation_steps"]).update(plan=goes_on)


def _give_steps_back(merge: AccountMerge) -> None:
    steps = RemediationAction.objects.filter(
        plan__account=merge.survivor_id, pk__in=merge.moved.get("remediation_steps", ())
    )
    home = RemediationPlan.objects.filter(pk=merge.moved.get("remediation_steps_of"), account=merge.merged_id).first()
    if home is not None:
        steps.update(plan=home)


def _open_plan(account_id: int) -> RemediationPlan | None:
    return RemediationPlan.objects.select_for_update().filter(account=account_id, closed_on__isnull=True).first()


def _uncover(merge: AccountMerge) -> None:
    """Both accounts are covered as before, and by what was approved since."""
    noted = merge.moved.get("covered")
    if noted is not None:
        is_as_left = _covered(merge.survivor_id) == noted["after"]
        days = noted["before"] if is_as_left else [None, None]  # changed since: counted from the plans it has
        Account.objects.filter(pk=merge.survivor_id).update(**dict(zip(COVERED, days, strict=True)))
        _cover_by(_approved(merge.survivor_id))
    _cover_by(_approved(merge.merged_id))


def _approved(account_id: int) -> QuerySet[AccountPlan]:
    """In the order in which they were approved, by which they cover."""
    plans = AccountPlan.objects.filter(account=account_id, approved_on__isnull=False)
    return plans.order_by("approved_on", "valid_from", "pk")


def _cover_by(plans: QuerySet[AccountPlan]) -> None:
    for plan in plans:  # a handful, of one account
        cover(plan)


def _covered(account_id: int) -> list[str | None]:
    found: tuple[date | None, ...] = Account.objects.filter(pk=account_id).values_list(*COVERED).get()
    return [day.isoformat() if day else None for day in found]
