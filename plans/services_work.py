"""Account plans and remediation plans: opened, approved by somebody else, followed step by step, closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.enums import AccountStatus, Grade
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from plans.models import AccountPlan, PlanAction, RelationshipAction, RemediationAction, RemediationPlan
from plans.services import NotYours

REMEDY_DAYS = 90  # until a remediation plan that a night opened is due [D]
LONGEST_PLAN_MONTHS = 12


class PlanRefused(CrmError):
    """A plan that cannot be changed like that; the message says what to do."""

    code = "plan-refused"
    status = 409


@transaction.atomic
def open_remediations(*, as_of: date) -> int:
    """A plan for each account whose problem state went on and that has none since; returns how many were opened.

    Two statements, however many accounts there are. A repeat opens none.
    """
    since = RemediationPlan.objects.filter(
        account=OuterRef("pk"), opened_on__gte=Coalesce(OuterRef("grade_since"), Value(date(1970, 1, 1)))
    )
    still_open = RemediationPlan.objects.filter(account=OuterRef("pk"), closed_on__isnull=True)
    troubled = Account.objects.standing().filter(~Exists(since), ~Exists(still_open), grade=Grade.PROBLEM)
    troubled = troubled.exclude(status=AccountStatus.CLOSED)
    due = as_of + timedelta(days=REMEDY_DAYS)
    rows = [
        RemediationPlan(account_id=pk, owner_id=owner, opened_on=as_of, due_on=due)
        for pk, owner in troubled.values_list("pk", "owner")
    ]
    RemediationPlan.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def change_remediation(*, plan: RemediationPlan, owner: User | None, due_on: date, exit_test: str) -> RemediationPlan:
    locked = _still_open(plan)
    locked.owner, locked.due_on, locked.exit_test = owner, due_on, exit_test
    if due_on < locked.opened_on:
        raise PlanRefused(_("It cannot be due before it is opened. Choose a later day."))
    locked.save()
    return locked


@transaction.atomic
def close_remediation(*, plan: RemediationPlan, outcome: str, text: str, by: User, on: date) -> RemediationPlan:
    """End it with what came of it. Where the problem state holds on, the next one opens only when it goes on again."""
    locked = _still_open(plan)
    locked.closed_on, locked.closed_by = max(on, locked.opened_on), by
    locked.outcome, locked.closing_text = outcome, text
    locked.save()
    return locked


def _still_open(plan: RemediationPlan) -> RemediationPlan:
    locked = RemediationPlan.objects.select_for_update().get(pk=plan.pk)
    if not locked.is_open:
        raise PlanRefused(_("This plan is closed already."))
    return locked


@transaction.atomic
def make_account_plan(
    *, account: Account, made_by: User, valid_from: date, valid_to: date, **fields: Any
) -> AccountPlan:
    """A plan that waits for its approval.

    raises PlanRefused : it covers more than twelve months
    """
    _require_a_year(valid_from, valid_to)
    return AccountPlan.objects.create(
        account=account, made_by=made_by, valid_from=valid_from, valid_to=valid_to, **fields
    )


@transaction.atomic
def change_account_plan(*, plan: AccountPlan, by: User, **fields: Any) -> AccountPlan:
    """Change a plan that still waits. Whoever changes it is its maker from then on, so that somebody else approves it;
    what is sent as it was changes nothing.

    raises PlanRefused : it is approved, or covers more than twelve months
    """
    locked = AccountPlan.objects.select_for_update().get(pk=plan.pk)
    if locked.is_approved:
        raise PlanRefused(_("This plan is approved and stays as it is. Make a new one from its last day on."))
    changed = {name: value for name, value in fields.items() if getattr(locked, name) != value}
    if not changed:
        return locked
    for name, value in changed.items():
        setattr(locked, name, value)
    _require_a_year(locked.valid_from, locked.valid_to)
    locked.made_by = by
    locked.save()
    return locked


def _require_a_year(first: date, last: date) -> None:
    if last > add_months(first, LONGEST_PLAN_MONTHS):
        raise PlanRefused(_("A plan covers 12 months at most. Choose an earlier end."))


@transaction.atomic
def approve_account_plan(*, plan: AccountPlan, approved_by: User, on: date) -> AccountPlan:
    """raises NotYours : whoever made the plan. Approving twice changes nothing."""
    locked = AccountPlan.objects.select_for_update().get(pk=plan.pk)
    if locked.is_approved:
        return locked
    if locked.made_by_id == approved_by.pk:
        raise NotYours(_("You made this plan. Another person must approve it."))
    locked.approved_by, locked.approved_on = approved_by, on
    locked.save()
    cover(locked)
    return locked


def cover(plan: AccountPlan) -> None:
    """Tell the account from when until when an approved plan covers it: grading asks for that (domain.md 3.6, lines 0 and 4).

    A plan that follows the one before without a gap goes on with it; one that ends earlier changes nothing.
    """
    account = Account.objects.select_for_update().get(pk=plan.account_id)
    start, until = max(plan.valid_from, plan.approved_on or plan.valid_from), plan.valid_to
    if start >= until or (account.planned_until and account.planned_until >= until):
        return
    goes_on = account.planned_from and account.planned_until and account.planned_until >= start
    account.planned_from = min(start, account.planned_from) if goes_on and account.planned_from else start
    account.planned_until = until
    account.save(update_fields=["planned_from", "planned_until", "updated_at"])


@transaction.atomic
def add_step(
    *, plan: AccountPlan | RemediationPlan, text: str, owner: User | None, due_on: date
) -> PlanAction | RemediationAction:
    """raises PlanRefused : the remediation plan is closed."""
    if isinstance(plan, RemediationPlan):
        _still_open(plan)
        return RemediationAction.objects.create(plan=plan, text=text, owner=owner, due_on=due_on)
    return PlanAction.objects.create(plan=plan, text=text, owner=owner, due_on=due_on)


def finish_step(*, step: PlanAction | RemediationAction | RelationshipAction, on: date | None) -> None:
    """Mark a step as done on a day, or as open again (None)."""
    change_step(step=step, done_on=on)


@transaction.atomic
def change_step(
    *, step: PlanAction | RemediationAction | RelationshipAction, **fields: Any
) -> PlanAction | RemediationAction | RelationshipAction:
    """Change what a step is, whose, its day, or whether it is done.

    raises PlanRefused : its remediation plan is closed
    """
    if isinstance(step, RemediationAction):
        _still_open(step.plan)
    locked = type(step).objects.select_for_update().get(pk=step.pk)
    for name, value in fields.items():
        setattr(locked, name, value)
    locked.save()
    return locked
