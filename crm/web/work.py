"""All that is due to one person, whatever it is part of: tasks, steps of plans, next steps, signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account, User
from crm.lib.wall import beyond_the_wall
from plans.models import HandOver, PlanAction, RelationshipAction, RemediationAction, Task
from plans.wording_team import task_text
from service.selectors import due_steps

MOST = 200  # of a kind


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do; ``href`` is where it is done."""

    text: str
    kind: str
    due_on: date
    account: Account | None
    href: str
    is_late: bool
    task: Task | None = None


def work_of(user: User, *, today: date) -> list[Work]:
    """What is open for ``user``, the longest overdue first. Seven statements however much it is."""
    return sorted(_found(user, today), key=lambda one: (one.due_on, one.text))


def _found(user: User, today: date) -> Iterator[Work]:
    visible = Account.objects.visible_to(user)
    ids = visible.order_by().values("pk")
    tasks = Task.objects.visible_to(user).still_open().filter(owner=user).select_related("account", "about")
    for task in tasks.order_by("due_on", "pk")[:MOST]:
        href = (
            reverse("accounts:team", args=[task.account_id])
            if task.gap and task.account_id
            else reverse("tasks:change", args=[task.pk])
        )
        yield Work(task_text(task), _("task"), task.due_on, task.account, href, task.due_on < today, task)
    models: tuple[tuple[Any, str], ...] = (
        (PlanAction, _("plan step")),
        (RemediationAction, _("remediation step")),
        (RelationshipAction, _("relationship step")),
    )
    for model, kind in models:
        steps = model.objects.filter(owner=user, done_on__isnull=True, plan__account__in=ids)
        for step in steps.select_related("plan__account").order_by("due_on", "pk")[:MOST]:
            account = step.plan.account
            yield Work(
                step.text, kind, step.due_on, account, reverse("accounts:plan", args=[account.pk]), step.due_on < today
            )
    for one in due_steps(visible, until=today, person=user, limit=MOST):
        day = one.next_step_on or today
        yield Work(
            one.next_step,
            _("next step"),
            day,
            one.account,
            reverse("accounts:service", args=[one.account_id]),
            day < today,
        )
    for hand_over in to_sign(user):
        words = _("Sign the hand-over: %(role)s") % {"role": hand_over.get_role_display()}
        href = reverse("teams:hand_over", args=[hand_over.pk])
        yield Work(words, _("hand-over"), hand_over.on, hand_over.account, href, hand_over.on < today)


@beyond_the_wall("whoever is to take a seat reads what waits for their signature before they may open the account")
def to_sign(user: User) -> list[HandOver]:
    """Hand-overs that wait for this person's own signature."""
    rows = HandOver.objects.filter(state="open").select_related("account")
    mine = rows.filter(giver=user, giver_signed_at__isnull=True) | rows.filter(taker=user, taker_signed_at__isnull=True)
    return list(mine.order_by("on", "pk")[:MOST])
