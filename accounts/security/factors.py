"""The second factor: codes of an app (TOTP), passkeys (WebAuthn), and recovery codes for the day the phone is lost.

The mathematics, the tables and the encryption are allauth's; when one is asked for, how often it may be tried and what is
written down is ours. Passkey functions need the request that allauth's middleware keeps.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Role
from accounts.enums_logins import LoginEventKind, LoginReason, SessionEnd
from accounts.models import LoginRule, User
from accounts.security import limits, sessions
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.logins import refused_until
from accounts.security.visitors import Visitor

Type = Authenticator.Type
FACTORS = (Type.TOTP, Type.WEBAUTHN)  # recovery codes stand in for one, they are none
PASSKEY_NAME_LENGTH = 60
MOST_PASSKEYS = 10


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has set up. ``codes_left``: recovery codes not used yet."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int

    @property
    def any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def factors_of(user: User) -> Factors:
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("pk"))
    app = next((row for row in rows if row.type == Type.TOTP), None)
    codes = next((row for row in rows if row.type == Type.RECOVERY_CODES), None)
    left = len(RecoveryCodes(codes).get_unused_codes()) if codes else 0
    return Factors(app, [row for row in rows if row.type == Type.WEBAUTHN], left)


def has_factor(user: User) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def is_required(user: User) -> bool:
    """Whether the administrators ask a second factor of the user's role."""
    return user.effective_role.value in LoginRule.current().second_factor_roles


@transaction.atomic
def require_of(*, roles: list[str], by: User, visitor: Visitor, now: datetime) -> LoginRule:
    """Ask a second factor of these roles, and of no others.

    Whoever is asked and has none is signed out: the next log-in leads through setting one up. Raises ValidationError for
    a role that does not exist.
    """
    rule = LoginRule.current(for_update=True)
    rule.second_factor_roles, rule.changed_by, rule.changed_at = sorted(roles), by, now
    rule.full_clean()
    rule.save()
    record(LoginEventKind.RULE_CHANGED, now=now, user=by, visitor=visitor, detail=", ".join(rule.second_factor_roles))
    with_factor = Authenticator.objects.filter(type__in=FACTORS).values("user")
    for user in User.objects.filter(is_active=True).exclude(pk__in=with_factor).exclude(pk=by.pk):
        if user.effective_role.value in rule.second_factor_roles:
            sessions.end_access(user=user, reason=SessionEnd.FACTOR, now=now)
    return rule


# --- An app that shows codes ---


def new_secret() -> str:
    return totp.generate_totp_secret()


@transaction.atomic
def add_app(*, user: User, secret: str, code: str, visitor: Visitor, now: datetime) -> list[str]:
    """Set up the app that holds ``secret``, proved by one of its codes.

    Returns new recovery codes where the user had none, else an empty list. Raises LoginRefused.
    """
    counter = _counter_of(secret, code)
    if counter is None:
        raise LoginRefused(_("This code does not fit. Take the one the app shows now, and check the phone's clock."),
                           reason=LoginReason.WRONG_CODE)  # fmt: skip
    User.objects.select_for_update().get(pk=user.pk)
    Authenticator.objects.filter(user_id=user.pk, type=Type.TOTP).delete()
    made = totp.TOTP.activate(user, secret).instance
    made.data["last_counter"] = counter
    made.save(update_fields=["data"])
    record(LoginEventKind.FACTOR_ADDED, now=now, user=user, visitor=visitor, detail=str(Type.TOTP.label))
    return _first_codes(user)


def _counter_of(secret: str, code: str) -> int | None:
    """Which of the codes that count now this is (the last, this and the next half minute)."""
    digits = re.sub(r"[\s-]", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    counters = totp.yield_hotp_counters_from_time()
    return next((one for one in counters if totp.format_hotp_value(totp.hotp_value(secret, one)) == digits), None)


def check_code(*, user: User, code: str, visitor: Visitor, now: datetime) -> None:
    """Take a code of the app or a recovery code; each is good once. Raises LoginRefused."""
    free_at = limits.take(limits.CODE, str(user.pk), now=now)
    if free_at is not None:
        _note(user, LoginReason.LOCKED_CODE, visitor, now)
        raise refused_until(LoginReason.LOCKED_CODE, free_at)
    if not (_takes_app_code(user, code, now) or _takes_recovery_code(user, code, now)):
        _note(user, LoginReason.WRONG_CODE, visitor, now)
        raise LoginRefused(_("This code is wrong or was used already. Wait for the next one and try again."),
                           reason=LoginReason.WRONG_CODE)  # fmt: skip
    limits.clear(limits.CODE, str(user.pk))


@transaction.atomic
def _takes_app_code(user: User, code: str, now: datetime) -> bool:
    found = Authenticator.objects.select_for_update().filter(user_id=user.pk, type=Type.TOTP).first()
    counter = _counter_of(decrypt(found.data["secret"]), code) if found else None
    if found is None or counter is None or counter <= found.data.get("last_counter", 0):
        return False
    found.data["last_counter"], found.last_used_at = counter, now
    found.save(update_fields=["data", "last_used_at"])
    return True


def _takes_recovery_code(user: User, code: str, now: datetime) -> bool:
    found = Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).first()
    digits = re.sub(r"[\s-]", "", code)
    if found is None or not re.fullmatch(r"[0-9]{8}", digits) or not RecoveryCodes(found).validate_code(digits):
        return False
    Authenticator.objects.filter(pk=found.pk).update(last_used_at=now)
    return True


def _note(user: User, reason: LoginReason, visitor: Visitor, now: datetime) -> None:
    record(LoginEventKind.SECOND_FACTOR, now=now, user=user, reason=reason, username=user.username, visitor=visitor)


# --- Recovery codes ---


def _first_codes(user: User) -> list[str]:
    if Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).exists():
        return []
    return RecoveryCodes.activate(user).get_unused_codes()


@transaction.atomic
def new_recovery_codes(*, user: User, visitor: Visitor, now: datetime) -> list[str]:
    """Ten fresh codes; those made before are worth nothing from now on. Raises LoginRefused without a second factor."""
    if not has_factor(user):
        raise LoginRefused(_("Set up a second factor first: recovery codes stand in for one."), reason="")
    Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).delete()
    record(LoginEventKind.CODES_MADE, now=now, user=user, visitor=visitor)
    return _first_codes(user)


def are_own_codes(*, user: User, codes: list[str]) -> bool:
    """Whether these are the user's own unused recovery codes, as they stand."""
    found = Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).first()
    return found is not None and bool(codes) and codes == RecoveryCodes(found).get_unused_codes()


# --- Passkeys ---


def begin_passkey(user: User) -> dict[str, Any]:
    """What the browser needs to make a key; the challenge stays in the session."""
    return webauthn.begin_registration(user, passwordless=False)


@transaction.atomic
def add_passkey(*, user: User, name: str, credential: Mapping[str, Any], visitor: Visitor, now: datetime) -> list[str]:
    """Keep the key that the browser made. Returns recovery codes as ``add_app`` does. Raises LoginRefused."""
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user_id=user.pk, type=Type.WEBAUTHN).count() >= MOST_PASSKEYS:
        raise LoginRefused(_("Ten passkeys are the most. Remove one that you no longer use."), reason="")
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(dict(credential))
    except (ValidationError, ValueError, TypeError, KeyError):
        raise LoginRefused(_("The passkey could not be checked. Begin again."), reason=LoginReason.WRONG_CODE) from None
    label = name.strip()[:PASSKEY_NAME_LENGTH] or _("Passkey")
    webauthn.WebAuthn.add(user, label, dict(credential))
    record(LoginEventKind.FACTOR_ADDED, now=now, user=user, visitor=visitor, detail=label)
    return _first_codes(user)


def ask_passkey(user: User) -> dict[str, Any]:
    """What the browser needs to use one of the user's keys."""
    return webauthn.begin_authentication(user)


def check_passkey(*, user: User, credential: Mapping[str, Any], visitor: Visitor, now: datetime) -> None:
    """Take the answer of a passkey to our challenge. Raises LoginRefused."""
    free_at = limits.take(limits.CODE, str(user.pk), now=now)
    if free_at is not None:
        _note(user, LoginReason.LOCKED_CODE, visitor, now)
        raise refused_until(LoginReason.LOCKED_CODE, free_at)
    try:
        webauthn.parse_authentication_response(credential)
        used = webauthn.complete_authentication(user, dict(credential))
    except (ValidationError, ValueError, TypeError, KeyError):
        _note(user, LoginReason.WRONG_CODE, visitor, now)
        raise LoginRefused(_("The passkey could not be checked. Begin again."), reason=LoginReason.WRONG_CODE) from None
    Authenticator.objects.filter(pk=used.pk).update(last_used_at=now)
    limits.clear(limits.CODE, str(user.pk))


# --- Away with them ---


@transaction.atomic
def remove_factor(*, user: User, factor: Authenticator, visitor: Visitor, now: datetime) -> None:
    """The user's own removal. Raises LoginRefused where the role asks for a second factor and this is the last."""
    User.objects.select_for_update().get(pk=user.pk)
    others = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exclude(pk=factor.pk).exists()
    if not others and is_required(user):
        raise LoginRefused(
            _("Your role needs a second factor. Set up another one first, then remove this one."), reason=""
        )
    detail = str(factor)
    factor.delete()
    if not others:
        Authenticator.objects.filter(user_id=user.pk).delete()
    record(LoginEventKind.FACTOR_REMOVED, now=now, user=user, visitor=visitor, detail=detail)


@transaction.atomic
def take_factor_away(*, factor: Authenticator, by: User, visitor: Visitor, now: datetime) -> None:
    """An administrator's help for who has lost one of several; recovery codes go with the last. Ends the user's sessions
    and tokens, so that whoever has found it is out too."""
    user = User.objects.select_for_update().get(pk=factor.user_id)
    detail = str(factor)
    Authenticator.objects.filter(pk=factor.pk).delete()
    if not has_factor(user):
        Authenticator.objects.filter(user_id=user.pk).delete()
    record(LoginEventKind.FACTOR_REMOVED, now=now, user=user, actor=by, visitor=visitor, detail=detail)
    sessions.end_access(user=user, reason=SessionEnd.FACTOR, now=now)


@transaction.atomic
def remove_all_factors(*, user: User, by: User, visitor: Visitor, now: datetime) -> int:
    """An administrator's help for who has lost the phone and the codes; ends the user's sessions. Returns how many."""
    removed = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).count()
    Authenticator.objects.filter(user_id=user.pk).delete()
    record(LoginEventKind.FACTOR_REMOVED, now=now, user=user, actor=by, visitor=visitor)
    sessions.end_access(user=user, reason=SessionEnd.FACTOR, now=now)
    return removed


ROLES = tuple(role.value for role in Role)
