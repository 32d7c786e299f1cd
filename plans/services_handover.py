"""Hand-overs of seats: agreed for a day, signed by both, done on that day by the service, kept for ever."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import teams
from accounts.enums import TeamRole
from accounts.models import Account, TeamMember, User
from accounts.signals import team_changed
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall
from plans.enums_team import HandOverState
from plans.models import (
    AccountPlan,
    HandOver,
    PlanAction,
    RelationshipAction,
    RelationshipPlan,
    RemediationAction,
    RemediationPlan,
    Task,
)
from plans.open_items import open_items
from service.models import ServiceRequest

logger = structlog.get_logger(__name__)
TAKERS = "whoever is to take a seat signs, and so takes it, or declines before they may open the account"


class HandOverRefused(CrmError):
    """A hand-over that cannot be agreed, signed or called off like that; the message says what to do."""

    code = "hand-over-refused"
    status = 409


@transaction.atomic
def agree_hand_over(
    *, account: Account, role: str, taker: User, on: date, made_by: User, today: date, note: str = ""
) -> HandOver:
    """Agree that the seat goes from whoever holds it today to ``taker`` on a day; nothing changes before both have signed.

    raises HandOverRefused : nobody holds the seat, the day has passed, the taker is switched off or holds it, or another
        hand-over of the seat is pending
    """
    Account.objects.select_for_update(of=("self",)).only("pk").get(pk=account.pk)
    held = TeamMember.objects.filter(account=account, role=role).holders().current(today).select_related("user").first()
    if held is None:
        raise HandOverRefused(
            _("Nobody holds the seat %(role)s: fill it on the tab Team.") % {"role": TeamRole(role).label}
        )
    if on < today:
        raise HandOverRefused(_("A seat is not handed over in the past. Choose today or a later day."))
    if not taker.is_active:
        raise HandOverRefused(
            _("%(user)s is switched off and cannot hold a seat. Choose somebody who works here.") % {"user": taker}
        )
    made = HandOver(account=account, role=role, giver=held.user, taker=taker, on=on, note=note.strip(), made_by=made_by)
    try:
        made.clean_fields(exclude=["account", "giver", "taker", "made_by"])
        made.validate_constraints()
    except ValidationError as error:
        raise HandOverRefused(" ".join(error.messages)) from error
    made.save()
    team_changed.send(sender=HandOver, account_ids=[account.pk])
    return made


@beyond_the_wall(TAKERS, may_change=True)
@transaction.atomic
def sign_hand_over(*, hand_over: HandOver, by: User, at: datetime, for_leaver: bool = False) -> HandOver:
    """Sign as oneself. With the second signature the open items are written down; on the agreed day, or at once where it
    has come, the seat changes.

    for_leaver : by whoever may change teams, in the place of a giver who is switched off
    raises HandOverRefused : somebody else's signature, signed before, or the hand-over is over
    """
    row = _pending(hand_over)
    if row.state == HandOverState.SIGNED:
        raise HandOverRefused(_("Both have signed already."))
    is_giver = by.pk == row.giver_id or (for_leaver and not row.giver.is_active)
    if not is_giver and by.pk != row.taker_id:
        raise HandOverRefused(
            _("%(giver)s and %(taker)s sign, each as themself.") % {"giver": row.giver, "taker": row.taker}
        )
    side = "giver_signed_at" if is_giver else "taker_signed_at"
    if getattr(row, side) is not None:
        raise HandOverRefused(_("You have signed already."))
    setattr(row, side, at)
    if row.giver_signed_at and row.taker_signed_at:
        today = timezone.localtime(at).date()
        row.state = HandOverState.SIGNED
        row.items = [one.as_json() for one in open_items(row.account, today=today)]
        row.save()
        if row.on <= today:
            _complete(row, today=today)
    row.save()
    return row


@beyond_the_wall(TAKERS, may_change=True)
@transaction.atomic
def cancel_hand_over(*, hand_over: HandOver) -> HandOver:
    """Call it off before its day. raises HandOverRefused : it is over"""
    row = _pending(hand_over)
    row.state = HandOverState.CANCELLED
    row.save()
    team_changed.send(sender=HandOver, account_ids=[row.account_id])
    return row


def complete_hand_overs(*, today: date) -> int:
    """Do those that both have signed and whose day has come; returns how many. A repeat, or a second worker, does none.

    One that cannot be done (its seat changed hands meanwhile) is called off with the reason in its note.
    """
    done = 0
    due = HandOver.objects.filter(state=HandOverState.SIGNED, on__lte=today).order_by("on", "pk")
    for pk in due.values_list("pk", flat=True):
        with transaction.atomic():
            row = HandOver.objects.select_for_update(skip_locked=True).filter(pk=pk, state=HandOverState.SIGNED).first()
            if row is not None:
                _complete(row, today=today)
                row.save()
                done += row.state == HandOverState.DONE
    return done


def _complete(row: HandOver, *, today: date) -> None:
    """The seat from today on, with what the giver had to do at the account; ownership too where the giver owned it."""
    held = TeamMember.objects.filter(account=row.account, role=row.role).holders().current(today).first()
    try:
        if held is None or held.user_id not in {row.giver_id, row.taker_id}:
            raise HandOverRefused(_("The seat changed hands before this day."))
        if held.user_id == row.giver_id:
            with transaction.atomic():
                teams.change_seat(account=row.account, role=row.role, user=row.taker, on=today)
    except CrmError as refused:
        logger.warning("hand_over_called_off", hand_over=row.pk, reason=str(refused))
        row.state = HandOverState.CANCELLED
        row.note = f"{row.note}\n{refused}".strip()[: HandOver._meta.get_field("note").max_length]  # noqa: SLF001
        return
    move_items(row.account, giver=row.giver, taker=row.taker, with_ownership=row.role == TeamRole.ACCOUNT_MANAGER)
    row.state, row.done_on = HandOverState.DONE, today
    row.save()
    team_changed.send(sender=HandOver, account_ids=[row.account_id])


def move_items(account: Account, *, giver: User, taker: User, with_ownership: bool) -> None:
    """What is open and the giver's at this account becomes the taker's; nine statements at most."""
    now: dict[str, Any] = {"updated_at": timezone.now()}
    if with_ownership:
        Account.objects.filter(pk=account.pk, owner=giver).update(owner=taker, **now)
    ServiceRequest.objects.filter(account=account, assigned_to=giver, resolved_at__isnull=True).update(
        assigned_to=taker, **now
    )
    Task.objects.filter(account=account, owner=giver, done_on__isnull=True).update(owner=taker, **now)
    AccountPlan.objects.filter(account=account, owner=giver).update(owner=taker, **now)
    RemediationPlan.objects.filter(account=account, owner=giver, closed_on__isnull=True).update(owner=taker, **now)
    RelationshipPlan.objects.filter(account=account, owner=giver).update(owner=taker, **now)
    for model in (PlanAction, RelationshipAction, RemediationAction):
        model.objects.filter(plan__account=account, owner=giver, done_on__isnull=True).update(owner=taker)


def _pending(hand_over: HandOver) -> HandOver:
    row = (
        HandOver.objects.select_for_update(of=("self",))
        .select_related("account", "giver", "taker")
        .get(pk=hand_over.pk)
    )
    if not row.is_pending:
        raise HandOverRefused(_("This hand-over is over: %(state)s.") % {"state": row.get_state_display()})
    return row
