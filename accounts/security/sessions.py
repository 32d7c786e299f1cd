"""Devices that are logged in: noted, listed, ended one by one or all at once.

What is checked at every request is Django's hash of the session, which holds the user's ``auth_version``: raising it
ends every session and token of the user with their next request, wherever they are kept.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.db.models.query import QuerySet
from django.db.models.signals import m2m_changed
from django.http import HttpRequest
from django.utils import timezone

from accounts.enums_logins import LoginEventKind, SessionEnd
from accounts.models import User, UserSession
from accounts.security.events import record
from accounts.security.visitors import Visitor, visitor_of

SEEN = "seen_at"  # in the session: when it was last noted, as a Unix time
NOTED_EVERY = timedelta(minutes=5)


def note_login(sender: type, request: HttpRequest, user: User, **_unused: Any) -> None:
    """A session has begun; Django has given it a key of its own by now."""
    now, key = timezone.now(), request.session.session_key
    if key is None:
        request.session.save()
        key = request.session.session_key
    visitor = visitor_of(request)
    UserSession.objects.update_or_create(
        session_key=key,
        defaults={
            "user": user, "auth_version": user.auth_version, "started_at": now, "last_seen_at": now, "address": visitor.address, "agent": visitor.agent,
            "ended_at": None, "ended_reason": "",
        },
    )  # fmt: skip
    request.session[SEEN] = int(now.timestamp())


def note_logout(sender: type, request: HttpRequest, user: User | None, **_unused: Any) -> None:
    key = request.session.session_key
    if user is None or key is None:
        return
    now = timezone.now()
    ended = UserSession.objects.filter(session_key=key, ended_at=None)
    if ended.update(ended_at=now, ended_reason=SessionEnd.LOGOUT):
        record(LoginEventKind.SIGNED_OUT, now=now, user=user, visitor=visitor_of(request))


def note_seen(request: HttpRequest, *, now: datetime) -> None:
    """Remember that the session is in use; written down every five minutes at most."""
    if now.timestamp() - request.session.get(SEEN, 0) < NOTED_EVERY.total_seconds():
        return
    visitor = visitor_of(request)
    rows = UserSession.objects.filter(session_key=request.session.session_key, last_seen_at__lt=now)
    rows.update(last_seen_at=now, address=visitor.address, agent=visitor.agent)
    request.session[SEEN] = int(now.timestamp())


def open_sessions(user: User) -> QuerySet[UserSession]:
    """Where a user is logged in now; what has run out by itself is left out."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return UserSession.objects.filter(
        user=user, auth_version=F("user__auth_version"), ended_at=None, session_key__in=living
    )


def carry_over(*, user: User, old_key: str | None, new_key: str | None) -> None:
    """The session in hand goes on under a new key after the user's own change of password."""
    rows = UserSession.objects.filter(user=user, session_key=old_key)
    rows.update(session_key=new_key, auth_version=user.auth_version)


@transaction.atomic
def end_session(
    *, session: UserSession, reason: SessionEnd, now: datetime, by: User | None = None, visitor: Visitor | None = None
) -> None:
    """End one session; its next request finds nobody logged in."""
    _end(UserSession.objects.filter(pk=session.pk), reason, now)
    record(LoginEventKind.SIGNED_OUT, now=now, user=session.user, actor=by, visitor=visitor, detail=session.agent)


@transaction.atomic
def end_other_sessions(*, user: User, keep: str | None, reason: SessionEnd, now: datetime) -> int:
    """End every session of a user but ``keep`` (a session key); returns how many."""
    return _end(UserSession.objects.filter(user=user).exclude(session_key=keep or ""), reason, now)


@transaction.atomic
def sign_out_others(*, user: User, keep: str | None, now: datetime, visitor: Visitor) -> int:
    """The user's own “everywhere else”; returns how many sessions that was."""
    number = open_sessions(user).exclude(session_key=keep or "").count()
    end_other_sessions(user=user, keep=keep, reason=SessionEnd.BY_USER, now=now)
    record(LoginEventKind.SIGNED_OUT, now=now, user=user, visitor=visitor, detail=str(number))
    return number


@transaction.atomic
def end_access(*, user: User, reason: SessionEnd, now: datetime) -> None:
    """End all sessions and tokens of a user with their next request."""
    User.objects.filter(pk=user.pk).update(auth_version=F("auth_version") + 1)
    user.refresh_from_db(fields=["auth_version"])
    _end(UserSession.objects.filter(user=user, ended_at=None), reason, now)


def _end(rows: QuerySet[UserSession], reason: SessionEnd, now: datetime) -> int:
    keys = list(rows.filter(ended_at=None).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    return UserSession.objects.filter(session_key__in=keys).update(ended_at=now, ended_reason=reason)


def why_ended(*, session_key: str) -> str:
    """The SessionEnd of a session that others ended; empty where nobody did."""
    found = UserSession.objects.filter(session_key=session_key, ended_at__isnull=False)
    reason = found.values_list("ended_reason", flat=True).first() or ""
    return "" if reason in {SessionEnd.LOGOUT, SessionEnd.REPLACED} else reason


def why_refused(*, user_id: str) -> str:
    """Why a session that still exists no longer counts."""
    user = User.objects.filter(pk=user_id).first()
    return SessionEnd.OFF if user is None or not user.is_active else SessionEnd.RIGHTS


def rights_taken(sender: type, *, instance: Any, action: str, reverse: bool, pk_set: Any, **_unused: Any) -> None:
    """Roles or rights were taken from users: what they hold open ends, whatever they gained at the same time."""
    if action == "pre_clear" and reverse:
        _raise_versions(set(instance.user_set.values_list("pk", flat=True)))
    elif action == "pre_clear" or (action == "post_remove" and not reverse and pk_set):
        _raise_versions({instance.pk})
    elif action == "post_remove" and reverse:
        _raise_versions(set(pk_set))


def _raise_versions(users: set[int]) -> None:
    User.objects.filter(pk__in=users).update(auth_version=F("auth_version") + 1)


def connect() -> None:
    user_logged_in.connect(note_login, dispatch_uid="accounts.note_login")
    user_logged_out.connect(note_logout, dispatch_uid="accounts.note_logout")
    for through in (User.groups.through, User.user_permissions.through):
        m2m_changed.connect(rights_taken, sender=through, dispatch_uid=f"accounts.rights_taken.{through.__name__}")
