"""Tokens of programs: made, looked at on every request, and taken back."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.query import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from knox.crypto import hash_token
from knox.settings import CONSTANTS

from accounts.access import READ_SCOPES, TOKEN_SCOPES, unknown_scopes
from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.models import AccessToken, User
from accounts.security import limits
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.visitors import Visitor
from crm.lib.exceptions import CrmError

NOTED_EVERY = timedelta(minutes=5)
MOST_TOKENS = 50  # of one user at a time
NAME_LENGTH = 80


class TokenProblem(CrmError):
    """A token that cannot be made as asked. ``field`` names what is wrong."""

    code = "bad-token-request"
    status = 422

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def preset(name: str) -> list[str] | None:
    """``read``: everything that only looks; ``all``: whatever the user may (None)."""
    return {"read": [scope.value for scope in READ_SCOPES], "all": None}[name]


@transaction.atomic
def make_token(
    *,
    user: User,
    name: str,
    days: int,
    scopes: Iterable[str] | None,
    now: datetime,
    visitor: Visitor | None = None,
    by: User | None = None,
) -> tuple[AccessToken, str]:
    """A new token and its text, which nobody can show again.

    It lasts ``days``, at most API_TOKEN_MAX_DAYS, and ends earlier with a new password, another role or the log-in
    itself. ``scopes``: values of accounts.access.TOKEN_SCOPES; None: all its user may. Raises TokenProblem.
    """
    name, most = name.strip(), settings.API_TOKEN_MAX_DAYS
    wanted = None if scopes is None else sorted(set(scopes))
    if not name or len(name) > NAME_LENGTH or "\x00" in name:
        raise TokenProblem(_("Give the token a name of up to 80 characters, by which you will know it."), field="name")
    if not 1 <= days <= most:
        raise TokenProblem(_("A token lasts from 1 to %(most)s days.") % {"most": most}, field="days")
    if wanted is not None and (not wanted or unknown_scopes(wanted)):
        raise TokenProblem(_scope_words(wanted), field="scopes")
    User.objects.select_for_update().get(pk=user.pk)
    if usable_tokens(user, now=now).count() >= MOST_TOKENS:
        raise TokenProblem(_("Fifty tokens are the most. Revoke one that is no longer used."), field="name")
    row, text = AccessToken.objects.create(user=user, expiry=timedelta(days=days), name=name, scopes=wanted)
    record(LoginEventKind.TOKEN_MADE, now=now, user=user, actor=by, visitor=visitor, detail=name)
    return row, text


def _scope_words(wanted: list[str]) -> str:
    unknown = unknown_scopes(wanted)
    if not unknown:
        return _("Choose what the token may do.")
    return _("No token may carry %(scopes)s. Choose from the list of scopes.") % {"scopes": ", ".join(unknown)}


def usable_tokens(user: User, *, now: datetime) -> QuerySet[AccessToken]:
    return AccessToken.objects.filter(user=user, expiry__gt=now, auth_version=F("user__auth_version"))


@transaction.atomic
def revoke_token(*, token: AccessToken, by: User, now: datetime, visitor: Visitor | None = None) -> None:
    """Its next use is refused. A repeat does nothing."""
    if AccessToken.objects.filter(pk=token.pk).delete()[0]:
        record(LoginEventKind.TOKEN_REVOKED, now=now, user=token.user, actor=by, visitor=visitor, detail=token.name)


def token_of(*, text: str, visitor: Visitor, now: datetime) -> AccessToken:
    """The token with its user, who carries its scopes from here on.

    Raises LoginRefused with the reason; where an address sends too many wrong ones, ``free_at`` is set.
    """
    rows = AccessToken.objects.filter(token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH]).select_related("user")
    digest = hash_token(text)
    found = next((row for row in rows if row.digest == digest), None)
    if found is None:
        free_at = limits.take(limits.TOKEN, visitor.neighbourhood, now=now) if visitor.neighbourhood else None
        raise LoginRefused(_("Invalid token."), reason=LoginReason.WRONG, free_at=free_at)
    user = found.user
    reason = _refusal(found, now)
    if reason:
        record(
            LoginEventKind.TOKEN, now=now, user=user, reason=reason, username=user.username, visitor=visitor,
            detail=found.name,
        )  # fmt: skip
        raise LoginRefused(_refusal_words(found, reason), reason=reason)
    _note_use(found, visitor, now)
    user.scopes = None if found.scopes is None else frozenset(found.scopes)
    return found


def _refusal(token: AccessToken, now: datetime) -> str:
    if not token.user.is_active:
        return LoginReason.OFF
    if token.expiry <= now:
        return LoginReason.EXPIRED
    return LoginReason.OWNER_CHANGED if token.auth_version != token.user.auth_version else ""


def _refusal_words(token: AccessToken, reason: str) -> str:
    if reason == LoginReason.EXPIRED:
        day = date_format(timezone.localtime(token.expiry), "Y-m-d H:i")
        return _("This token expired on %(day)s. Make a new one.") % {"day": day}
    if reason == LoginReason.OFF:
        return _("The log-in this token belongs to is switched off.")
    return _("The password or the rights of this token's user were changed after it was made. Make a new one.")


def _note_use(token: AccessToken, visitor: Visitor, now: datetime) -> None:
    stale = now - NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < stale:
        rows = AccessToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=stale), pk=token.pk)
        rows.update(last_used_at=now, last_address=visitor.address)


SCOPE_CHOICES = [(scope.value, scope.value) for scope in TOKEN_SCOPES]
