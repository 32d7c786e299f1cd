"""What administrators do with other people's log-ins."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.query import QuerySet
from django.utils.translation import gettext as _

from accounts.enums_logins import LoginEventKind, SessionEnd
from accounts.models import LoginLimit, User, UserSession
from accounts.security import limits, sessions
from accounts.security.events import record
from accounts.security.factors import FACTORS
from accounts.security.visitors import Visitor
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall


class PersonProblem(CrmError):
    code = "not-with-this-log-in"
    status = 409


def people(*, now: datetime, text: str = "") -> QuerySet[User]:
    """Everybody who logs in, with ``has_factor`` and ``sessions_open``; narrowed to a name, user name or address."""
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    living = Session.objects.filter(expire_date__gt=now).values("session_key")
    open_rows = Q(
        login_sessions__ended_at=None,
        login_sessions__auth_version=F("auth_version"),
        login_sessions__session_key__in=living,
    )
    rows = User.objects.annotate(has_factor=Exists(factor), sessions_open=Count("login_sessions", filter=open_rows))
    for word in text.split():
        rows = rows.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )  # fmt: skip
    return rows.order_by("-is_active", "username", "pk")


def require_manageable(*, user: User, by: User) -> None:
    """Nobody but a superuser changes a superuser, and nobody their own log-in here. Raises PersonProblem."""
    if user.pk == by.pk:
        raise PersonProblem(_("This is your own log-in. Ask another administrator."))
    if user.is_superuser and not by.is_superuser:
        raise PersonProblem(_("This is a superuser's log-in; only another superuser changes it."))


@transaction.atomic
def switch_off(*, user: User, by: User, visitor: Visitor, now: datetime) -> None:
    """End everything the user has open, at once, and let nobody in with this name. A repeat does nothing."""
    row = User.objects.select_for_update().get(pk=user.pk)
    require_manageable(user=row, by=by)
    if not row.is_active:
        return
    row.is_active = False
    row.save(update_fields=["is_active"])
    UserSession.objects.filter(user=row, ended_at=None).update(ended_at=now, ended_reason=SessionEnd.OFF)
    record(LoginEventKind.SWITCHED_OFF, now=now, user=row, actor=by, visitor=visitor)


@transaction.atomic
def switch_on(*, user: User, by: User, visitor: Visitor, now: datetime) -> None:
    """Let the user log in again. Sessions and tokens of before stay ended. A repeat does nothing."""
    row = User.objects.select_for_update().get(pk=user.pk)
    require_manageable(user=row, by=by)
    if row.is_active:
        return
    row.is_active = True
    row.save(update_fields=["is_active"])
    record(LoginEventKind.SWITCHED_ON, now=now, user=row, actor=by, visitor=visitor)


@transaction.atomic
def sign_out(*, user: User, by: User, visitor: Visitor, now: datetime) -> None:
    """End the user's sessions everywhere; tokens end with them."""
    require_manageable(user=user, by=by)
    sessions.end_access(user=user, reason=SessionEnd.BY_ADMINISTRATOR, now=now)
    record(LoginEventKind.SIGNED_OUT, now=now, user=user, actor=by, visitor=visitor)


@transaction.atomic
def unlock(*, kind: str, subject: str, by: User, visitor: Visitor, now: datetime) -> bool:
    """Lift a lock before its time; False where there was none."""
    limit = limits.LIMITS.get(kind)
    if limit is None or not limits.clear(limit, subject):
        return False
    record(LoginEventKind.UNLOCKED, now=now, user=by, visitor=visitor, detail=f"{kind}: {subject}")
    return True


def locks(*, now: datetime) -> list[tuple[LoginLimit, datetime, str]]:
    """What is locked now, until when, and in words; two statements a kind of lock at most."""
    found = limits.locked(now=now)
    keys = [int(row.subject) for row, _until in found if row.kind == limits.CODE.kind]
    names = {str(user.pk): user.display_name for user in User.objects.filter(pk__in=keys)}
    return [(row, until, names.get(row.subject, row.subject)) for row, until in found]


@transaction.atomic
def note_reset_link(*, user: User, by: User, visitor: Visitor, now: datetime) -> None:
    """Write down that an administrator was shown a link for a new password. Raises PersonProblem."""
    require_manageable(user=user, by=by)
    record(LoginEventKind.RESET_ASKED, now=now, user=user, actor=by, username=user.username, visitor=visitor)


@transaction.atomic
def end_session(*, session: UserSession, by: User, visitor: Visitor, now: datetime) -> None:
    """End one session of somebody else; tokens and other sessions go on. Raises PersonProblem."""
    require_manageable(user=session.user, by=by)
    sessions.end_session(session=session, reason=SessionEnd.BY_ADMINISTRATOR, now=now, by=by, visitor=visitor)


def require_mailable(user: User) -> None:
    """Raises PersonProblem for somebody to whom no link for a new password can be sent."""
    if not user.is_active:
        raise PersonProblem(_("This log-in is switched off. Switch it on first."))
    if not user.email:
        raise PersonProblem(_("This log-in has no e-mail address. Give it one, or hand a link over at the browser."))
    with beyond_the_wall("whether somebody's log-in has a password at all; the hash is told to nobody"):
        user.refresh_from_db(fields=["password"])
    if not user.has_usable_password():
        raise PersonProblem(_("This log-in has no password: it comes in through the identity provider."))
