"""Invitations: a link by which somebody makes their own log-in, once, within a week."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.access import Action
from accounts.enums_logins import LoginEventKind
from accounts.models import Invitation, OrgUnit, User
from accounts.security.events import record
from accounts.security.links import LinkRefused, mail_address, moment_text, send, sign, unsign
from accounts.security.visitors import Visitor
from crm.lib.exceptions import CrmError

GOOD_FOR = timedelta(days=7)


class InvitationProblem(CrmError):
    code = "bad-invitation"
    status = 409


@transaction.atomic
def invite(
    *,
    email: str,
    role: str,
    by: User,
    visitor: Visitor,
    now: datetime,
    first_name: str = "",
    last_name: str = "",
    language: str = "",
    unit: OrgUnit | None = None,
) -> Invitation:
    """Ask somebody in; an open invitation to the same address is replaced, and its link is worth nothing from now on.

    Raises BadAddress, InvitationProblem where somebody with the address has a log-in, and ValidationError.
    """
    address = mail_address(email)
    if User.objects.filter(email__iexact=address, is_active=True).exists():
        raise InvitationProblem(_("Somebody with this address has a log-in already."))
    open_ones = Invitation.objects.filter(email__iexact=address, used_at=None, withdrawn_at=None)
    open_ones.update(withdrawn_at=now)
    made = Invitation(
        email=address, role=role, first_name=first_name.strip(), last_name=last_name.strip(), language=language, unit=unit,
        nonce=secrets.token_hex(16), invited_by=by, invited_at=now, expires_at=now + GOOD_FOR,
    )  # fmt: skip
    made.full_clean()
    made.save()
    record(LoginEventKind.INVITED, now=now, user=by, visitor=visitor, detail=f"{address}: {made.get_role_display()}")
    return made


@transaction.atomic
def withdraw(*, invitation: Invitation, by: User, visitor: Visitor, now: datetime) -> None:
    """Its link is worth nothing from now on. Raises InvitationProblem where it was used."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if row.used_at is not None:
        raise InvitationProblem(_("This invitation was used already. Switch the log-in off instead."))
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        row.save(update_fields=["withdrawn_at"])
        record(LoginEventKind.INVITATION_WITHDRAWN, now=now, user=by, visitor=visitor, detail=row.email)


def link_path(invitation: Invitation) -> str:
    return reverse("join", args=[sign("invitation", invitation.pk, invitation.nonce)])


def invitation_of(token: str, *, now: datetime, for_update: bool = False) -> Invitation:
    """The open invitation behind a link. Raises LinkRefused."""
    key, _sep, nonce = "-".join(unsign("invitation", token)).partition("-")
    rows = Invitation.objects.select_for_update(of=("self",)) if for_update else Invitation.objects.all()
    found = rows.filter(pk=int(key), nonce=nonce).select_related("invited_by", "unit").first()
    if found is None or not found.is_open(now) or not _still_may(found.invited_by):
        raise LinkRefused
    return found


def _still_may(inviter: User) -> bool:
    """An invitation is worth no more than the right of who gave it."""
    return inviter.is_active and inviter.may(Action.USER_ADD)


@transaction.atomic
def join(
    *, token: str, username: str, password: str, first_name: str, last_name: str, visitor: Visitor, now: datetime
) -> User:
    """Make the log-in that an invitation asks for. Raises LinkRefused, InvitationProblem, ValidationError."""
    invitation = invitation_of(token, now=now, for_update=True)
    user = User(
        username=User.normalize_username(username), email=invitation.email, first_name=first_name.strip(),
        last_name=last_name.strip(), role=invitation.role, language=invitation.language,
        unit=invitation.unit,
    )  # fmt: skip
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # taken between the check and now
        raise InvitationProblem(_("This user name was taken just now. Choose another.")) from None
    invitation.used_at, invitation.user = now, user
    invitation.save(update_fields=["used_at", "user"])
    record(LoginEventKind.JOINED, now=now, user=user, actor=invitation.invited_by, visitor=visitor)
    return user


def mail_invitation(*, invitation_id: int, base: str, now: datetime) -> bool:
    """Send the link; ``base`` is the address of the site. False where the invitation is not open any more."""
    found = Invitation.objects.filter(pk=invitation_id).select_related("invited_by").first()
    if found is None or not found.is_open(now):
        return False
    with translation.override(found.language or settings.LANGUAGE_CODE):
        words = {
            "name": found.invited_by.display_name,
            "link": base + link_path(found),
            "until": moment_text(found.expires_at),
        }
        text = _(
            "%(name)s invites you to Facet.\n\nMake your log-in here, once, until %(until)s:\n%(link)s\n\n"
            "If you did not expect this, do nothing."
        )
        send(to=found.email, subject=_("Your log-in to Facet"), text=text % words)
    return True
