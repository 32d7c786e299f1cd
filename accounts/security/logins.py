"""Name and password: looked at only within the limits, and every try written down."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.models import User
from accounts.security import limits
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.visitors import Visitor


def subject_of(username: str) -> str:
    """Under which a name is counted: capitals and other forms of the same letters are no new name."""
    return unicodedata.normalize("NFKC", username).casefold()[:254]


@dataclass(frozen=True, slots=True)
class Try:
    """One go at a log-in: under which name, from where, when."""

    username: str
    visitor: Visitor
    now: datetime

    def take(self, limit: limits.Limit, subject: str, reason: LoginReason) -> None:
        """Raises LoginRefused where this try lies beyond the limit."""
        free_at = limits.take(limit, subject, now=self.now) if subject else None
        if free_at is not None:
            user = User.objects.filter(username=self.username).first()
            self.note(user, reason)
            raise refused_until(reason, free_at)

    def note(self, user: User | None, reason: str) -> None:
        record(
            LoginEventKind.PASSWORD,
            now=self.now,
            user=user,
            reason=reason,
            username=self.username,
            visitor=self.visitor,
        )


def try_password(*, username: str, password: str, visitor: Visitor, now: datetime) -> User:
    """The user whose name and password these are.

    Raises LoginRefused with the words for the person. A wrong name takes as long as a wrong password, and is told the
    same; that a log-in is switched off is told to those alone who know the password.
    """
    this = Try(username, visitor, now)
    this.take(limits.ADDRESS, visitor.neighbourhood, LoginReason.LOCKED_ADDRESS)
    this.take(limits.USER, subject_of(username), LoginReason.LOCKED_USER)
    user = User.objects.filter(username=username).first()
    if user is None:
        User().set_password(password)  # as long as a look at a real one
    right = user is not None and user.check_password(password)
    reason = LoginReason.WRONG if not right else LoginReason.OFF if user and not user.is_active else ""
    if user is None or reason:
        this.note(user, reason)
        raise LoginRefused(REFUSALS[LoginReason(reason)](), reason=reason)
    limits.clear(limits.USER, subject_of(username))
    limits.give_back(limits.ADDRESS, visitor.neighbourhood)
    return user


def confirm_password(*, user: User, password: str, visitor: Visitor, now: datetime) -> None:
    """Somebody who is logged in shows the password once more. Raises LoginRefused; counts as a try to log in."""
    this = Try(user.username, visitor, now)
    this.take(limits.USER, subject_of(user.username), LoginReason.LOCKED_USER)
    if not user.check_password(password):
        this.note(user, LoginReason.WRONG)
        raise LoginRefused(_("This is not your password."), reason=LoginReason.WRONG)
    limits.clear(limits.USER, subject_of(user.username))


def refused_until(reason: LoginReason, free_at: datetime) -> LoginRefused:
    until = timezone.localtime(free_at).strftime("%H:%M")
    return LoginRefused(LOCKS[reason]() % {"time": until}, reason=reason, free_at=free_at)


REFUSALS = {
    LoginReason.WRONG: lambda: _("User name and password do not match. Mind upper and lower case, and try again."),
    LoginReason.OFF: lambda: _("This log-in is switched off. Ask your administrator to switch it on."),
}
LOCKS = {
    LoginReason.LOCKED_USER: lambda: _(
        "Too many wrong tries for this name. Try again after %(time)s, or ask your administrator to lift the lock."
    ),
    LoginReason.LOCKED_ADDRESS: lambda: _(
        "Too many wrong tries from your network. Try again after %(time)s, or ask your administrator to lift the lock."
    ),
    LoginReason.LOCKED_CODE: lambda: _(
        "Too many wrong codes. Try again after %(time)s, or ask your administrator to lift the lock."
    ),
}
