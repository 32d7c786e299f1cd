"""Seats of the iron triangle: who holds which from when, who stands in, and one step from one holder to the next.

Rows are half-open in days. A change never rewrites days that have passed: it ends one row and begins another.
"""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.enums import TeamRole
from accounts.models import Account, TeamMember, User
from accounts.signals import team_changed
from crm.lib.exceptions import CrmError


class SeatRefused(CrmError):
    """A seat that cannot be given or ended like that; the message says what to do."""

    code = "seat-refused"
    status = 409


@transaction.atomic
def change_seat(*, account: Account, role: str, user: User | None, on: date) -> TeamMember | None:
    """Give a seat to ``user`` from a day on, in one step: whoever holds it on that day holds it until then.

    ``None`` leaves it empty from that day. Returns the new row. A deputy of the seat who becomes its holder stops being
    its deputy. The same holder again changes nothing that has begun.
    raises SeatRefused : the holder began after that day, somebody follows later already, a user who is switched off
    """
    role_label = TeamRole(role).label
    _lock(account)
    if user is not None and not user.is_active:
        raise SeatRefused(
            _("%(user)s is switched off and cannot hold a seat. Choose somebody who works here.") % {"user": user}
        )
    seat = TeamMember.objects.select_for_update().filter(account=account, role=role)
    later = seat.holders().filter(valid_from__gt=on).order_by("valid_from").select_related("user").first()
    if later is not None:
        raise SeatRefused(
            _(
                "%(role)s: %(user)s begins on %(day)s, after the day you chose. Choose that day or a later one, or end"
                " that seat first."
            )
            % {"role": role_label, "user": later.user, "day": day_text(later.valid_from)}
        )
    now = seat.holders().current(on).select_related("user").first()
    if user is not None and now is not None and now.user_id == user.pk and now.valid_to is None:
        raise SeatRefused(
            _("%(user)s holds this seat since %(day)s. Nothing to change.")
            % {"user": user, "day": day_text(now.valid_from)}
        )
    if now is None and user is None:
        raise SeatRefused(_("Nobody holds this seat on %(day)s. Nothing to end.") % {"day": day_text(on)})
    if now is not None:
        _stop(now, on=on)
    made = None
    if user is not None:
        for place in seat.filter(is_deputy=True, user=user).exclude(valid_to__lte=on):
            _stop(place, on=on)
        made = _add(TeamMember(account=account, role=role, user=user, valid_from=on))
    team_changed.send(sender=TeamMember, account_ids=[account.pk])
    return made


@transaction.atomic
def name_deputy(
    *, account: Account, role: str, user: User, valid_from: date, valid_to: date | None = None
) -> TeamMember:
    """Let somebody stand in for the holder of a seat, from a day on, until a day (half-open; None: for good).

    raises SeatRefused : it would end before it begins, the user is switched off, holds the seat, or is its deputy already
    """
    _lock(account)
    if not user.is_active:
        raise SeatRefused(
            _("%(user)s is switched off and cannot stand in. Choose somebody who works here.") % {"user": user}
        )
    made = _add(
        TeamMember(account=account, role=role, user=user, is_deputy=True, valid_from=valid_from, valid_to=valid_to)
    )
    team_changed.send(sender=TeamMember, account_ids=[account.pk])
    return made


@transaction.atomic
def end_place(*, member: TeamMember, on: date) -> TeamMember | None:
    """Let a holder or deputy stop: ``on`` is the first day without. A place that has not begun is taken back (None).

    raises SeatRefused : that day lies before the first one, or the place ended before it
    """
    _lock(member.account)
    row = TeamMember.objects.select_for_update().filter(pk=member.pk).first()
    if row is None:
        raise SeatRefused(_("This place was taken back meanwhile."))
    if on < row.valid_from:
        raise SeatRefused(
            _("It would end on %(end)s, before it began on %(start)s. Choose %(start)s or a later day.")
            % {"end": day_text(on), "start": day_text(row.valid_from)}
        )
    if row.valid_to is not None and row.valid_to <= on:
        raise SeatRefused(_("It ended on %(day)s already.") % {"day": day_text(row.valid_to)})
    kept = _stop(row, on=on)
    team_changed.send(sender=TeamMember, account_ids=[row.account_id])
    return kept


@transaction.atomic
def set_capacity(*, user: User, points: int) -> None:
    """How many points of accounts somebody can carry (domain.md 5.4); raises ValidationError outside 0 to 999."""
    user.capacity = points
    User._meta.get_field("capacity").clean(points, user)  # noqa: SLF001 - Django's public name
    User.objects.filter(pk=user.pk).update(capacity=points)


def day_text(day: date) -> str:
    is_chinese = (get_language() or "").startswith("zh")
    return date_format(day, "SHORT_DATE_FORMAT" if is_chinese else "j M Y")


def _lock(account: Account) -> None:
    """Two changes of one team wait for each other, so that the second one is told what the first one did."""
    Account.objects.select_for_update(of=("self",)).only("pk").get(pk=account.pk)


def _stop(row: TeamMember, *, on: date) -> TeamMember | None:
    """End a row on a day; one without a day left goes."""
    if row.valid_from >= on:
        row.delete()
        return None
    row.valid_to = on
    row.save(update_fields=["valid_to", "updated_at"])
    return row


def _add(row: TeamMember) -> TeamMember:
    try:
        row.clean_fields(exclude=["account", "user"])
        if row.valid_to is not None and row.valid_to <= row.valid_from:
            raise SeatRefused(
                _("The role would end on %(end)s, before it has begun on %(start)s. Choose a later end, or none.")
                % {"end": day_text(row.valid_to), "start": day_text(row.valid_from)}
            )
        row.validate_constraints()
    except ValidationError as error:
        raise SeatRefused(" ".join(error.messages)) from error
    row.save()
    return row
