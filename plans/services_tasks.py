"""Tasks: written by somebody, or opened where a team has a gap; those of gaps close by themselves."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import AccountStatus
from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from plans.enums_team import GAP_DAYS, TaskOrigin, TaskOutcome, TeamGap
from plans.models import Task
from plans.team_frames import ROLES
from plans.team_health import GAPS, NO_ROLE, TeamHealth, team_health

IN_STATEMENT = 2000
Key = tuple[int, str, str]  # account, gap, role


class TaskRefused(CrmError):
    """A task that cannot be changed like that; the message says what to do."""

    code = "task-refused"
    status = 409


@transaction.atomic
def settle_gap_tasks(*, accounts: AccountQuerySet, today: date) -> dict[str, int]:
    """Open a task for each gap that has none, close those whose gap is closed, give ownerless ones to whoever it is for.

    A repeat changes nothing. Six statements more than reading the teams, however many accounts there are.
    returns : ``opened`` and ``settled``, how many
    """
    standing = accounts.filter(merged_into__isnull=True)
    found = team_health(standing, on=today)
    wanted = _wanted(found)
    rows = Task.objects.select_for_update(of=("self",)).filter(
        account__in=accounts.order_by().values("pk"), origin=TaskOrigin.GAP, done_on__isnull=True
    )
    there: dict[Key, tuple[int, int | None, bool]] = {
        (account, gap, role): (pk, owner, bool(works))
        for pk, account, gap, role, owner, works in rows.order_by().values_list(
            "pk", "account", "gap", "role", "owner", "owner__is_active"
        )
    }
    opened = [
        Task(account_id=key[0], origin=TaskOrigin.GAP, gap=key[1], role=key[2], owner_id=owner or None,
             due_on=today + timedelta(days=GAP_DAYS[key[1]]))
        for key, owner in wanted.items()
        if key not in there
    ]  # fmt: skip
    Task.objects.bulk_create(opened, batch_size=IN_STATEMENT, ignore_conflicts=True)
    gone = [pk for key, (pk, _owner, _works) in there.items() if key not in wanted]
    Task.objects.filter(pk__in=gone).update(done_on=today, outcome=TaskOutcome.SETTLED)
    _give(
        {pk: wanted[key] for key, (pk, _owner, works) in there.items() if key in wanted and wanted[key] and not works}
    )
    return {"opened": len(opened), "settled": len(gone)}


@transaction.atomic
def settle_all(*, today: date) -> dict[str, int]:
    """The tasks of every account and of every person who carries too much; the night's step."""
    counts = settle_gap_tasks(accounts=Account.objects.all(), today=today)
    over = _settle_overloads(team_health(Account.objects.standing(), on=today), today=today)
    return {name: counts[name] + over[name] for name in counts}


def _wanted(found: TeamHealth) -> dict[Key, int]:
    """Account, gap and role of each gap that somebody has to close → who (0: nobody yet)."""
    asked = np.array([gap in GAP_DAYS for gap in GAPS])
    gaps = found.gaps.where(asked[found.gaps.gap])
    ids, owners = found.ids[gaps.at].tolist(), found.assignee(gaps).tolist()
    return {
        (account, GAPS[gap], ROLES[role] if role != NO_ROLE else ""): owner
        for account, gap, role, owner in zip(ids, gaps.gap.tolist(), gaps.role.tolist(), owners, strict=True)
    }


def _give(owners: dict[int, int]) -> None:
    """Task id → new owner; a statement for each owner who is given some."""
    by_owner: dict[int, list[int]] = {}
    for pk, owner in owners.items():
        by_owner.setdefault(owner, []).append(pk)
    for owner, ids in by_owner.items():
        Task.objects.filter(pk__in=ids).update(owner=owner)


def _settle_overloads(found: TeamHealth, *, today: date) -> dict[str, int]:
    loads = found.loads()
    working = User.objects.filter(pk__in=loads, is_active=True).values_list("pk", "capacity", "unit__head")
    over = {pk: head for pk, capacity, head in working if loads[pk][0] > capacity}
    rows = Task.objects.filter(account__isnull=True, gap=TeamGap.OVERLOAD, done_on__isnull=True)
    there = dict(rows.values_list("about", "pk"))
    due = today + timedelta(days=GAP_DAYS[TeamGap.OVERLOAD])
    opened = [
        Task(
            about_id=pk, origin=TaskOrigin.GAP, gap=TeamGap.OVERLOAD, due_on=due, owner_id=head if head != pk else None
        )
        for pk, head in over.items()
        if pk not in there
    ]
    Task.objects.bulk_create(opened, ignore_conflicts=True)
    gone = [pk for about, pk in there.items() if about not in over]
    Task.objects.filter(pk__in=gone).update(done_on=today, outcome=TaskOutcome.SETTLED)
    return {"opened": len(opened), "settled": len(gone)}


@transaction.atomic
def write_task(
    *, text: str, owner: User, due_on: date, made_by: User, account: Account | None = None
) -> Task:  # fmt: skip
    """raises TaskRefused : nothing is said, the account is closed, the owner is switched off or may not see the account"""
    words = text.strip()
    if not words:
        raise TaskRefused(_("Say what is to be done."))
    if account is not None and account.status == AccountStatus.CLOSED:
        raise TaskRefused(_("%(account)s is closed. Choose an account we work with.") % {"account": account})
    _fits(owner, account)
    return Task.objects.create(text=words, owner=owner, due_on=due_on, made_by=made_by, account=account)


@transaction.atomic
def change_task(*, task: Task, **fields: Any) -> Task:
    """Text, owner and day of an open task; of one that a gap opened, its owner and day.

    raises TaskRefused : the task is closed, or the words of a gap would change
    """
    row = _still_open(task)
    if "text" in fields:
        words = fields["text"].strip()
        if row.origin == TaskOrigin.GAP and words != row.text:
            raise TaskRefused(_("What a gap asks for cannot be reworded. Change who does it, or by when."))
        row.text = words
    if "owner" in fields:
        if fields["owner"] is not None:
            _fits(fields["owner"], row.account)
        row.owner = fields["owner"]
    row.due_on = fields.get("due_on", row.due_on)
    row.full_clean(validate_unique=False)
    row.save()
    return row


@transaction.atomic
def end_task(*, task: Task, by: User, on: date, outcome: str = TaskOutcome.DONE) -> Task:
    """Done, or dropped. raises TaskRefused : closed already, or a gap that is still there closes it by itself"""
    row = _still_open(task)
    if row.origin == TaskOrigin.GAP:
        raise TaskRefused(
            _("This closes by itself once the gap is closed. Close the gap, or give the task to another.")
        )
    row.done_on, row.done_by, row.outcome = on, by, outcome
    row.save()
    return row


def _still_open(task: Task) -> Task:
    row = Task.objects.select_for_update().get(pk=task.pk)
    if not row.is_open:
        raise TaskRefused(_("This task is closed already."))
    return row


def _fits(owner: User, account: Account | None) -> None:
    if not owner.is_active:
        raise TaskRefused(
            _("%(user)s is switched off and gets no tasks. Choose somebody who works here.") % {"user": owner}
        )
    if account is not None and not Account.objects.visible_to(owner).filter(pk=account.pk).exists():
        raise TaskRefused(
            _("%(user)s does not see this account. Put them on its team first, or choose another.") % {"user": owner}
        )
