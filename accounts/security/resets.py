"""A new password by mail: one link, good once and for two hours.

The link is bound to the password, the number of the log-in, the address and whether it is on: any of them changing makes
it worthless. Nothing of it is stored.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _

from accounts.enums_logins import LoginEventKind, SessionEnd
from accounts.models import User
from accounts.security import sessions
from accounts.security.events import record
from accounts.security.links import LinkRefused, send
from accounts.security.visitors import Visitor


class ResetTokens(PasswordResetTokenGenerator):
    key_salt = "accounts.security.resets"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{user.pk}|{user.password}|{user.auth_version}|{user.email}|{user.is_active}|{timestamp}"


TOKENS = ResetTokens()


def link_path(user: User) -> str:
    return reverse("login_reset", args=[urlsafe_base64_encode(force_bytes(user.pk)), TOKENS.make_token(user)])


def user_of_link(key: str, token: str, *, for_update: bool = False) -> User:
    """Whose password the link sets. Raises LinkRefused."""
    rows = User.objects.select_for_update() if for_update else User.objects.all()
    try:
        user = rows.filter(pk=int(force_str(urlsafe_base64_decode(key))), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not TOKENS.check_token(user, token):
        raise LinkRefused
    return user


def mail_reset_link(*, email: str, base: str, language: str, now: datetime) -> int:
    """Send a link to everybody who logs in and has this address; returns how many. Called by a worker, so that the page
    answers in the same time whether there is such a person or not."""
    sent = 0
    for user in User.objects.filter(email__iexact=email, is_active=True).order_by("pk"):
        if user.has_usable_password():
            _mail(user, base, language)
            sent += 1
    return sent


def mail_reset_link_to(*, user_id: int, base: str) -> bool:
    """Send a link to one person, whom an administrator named; False where there is nobody to send one to."""
    user = User.objects.filter(pk=user_id, is_active=True).exclude(email="").first()
    if user is None or not user.has_usable_password():
        return False
    _mail(user, base, "")
    return True


def _mail(user: User, base: str, language: str) -> None:
    with translation.override(user.language or language or settings.LANGUAGE_CODE):
        words = {"name": user.username, "link": base + link_path(user)}
        text = _(
            "Somebody, probably you, asked for a new password for the user %(name)s of Facet.\n\n"
            "Set it here, once, within two hours:\n%(link)s\n\nIf it was not you, do nothing: the old one stays."
        )
        send(to=user.email, subject=_("A new password for Facet"), text=text % words)


@transaction.atomic
def set_password_by_link(*, key: str, token: str, password: str, visitor: Visitor, now: datetime) -> User:
    """Set the password, once; sessions and tokens end. The second factor stays. Raises LinkRefused, ValidationError."""
    user = user_of_link(key, token, for_update=True)
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions.end_other_sessions(user=user, keep=None, reason=SessionEnd.PASSWORD, now=now)
    record(LoginEventKind.RESET_DONE, now=now, user=user, visitor=visitor)
    return user
