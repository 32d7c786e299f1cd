"""OpenID Connect: which answers of an identity provider are believed, and whose log-in they open.

The flow (state, PKCE, fetching the token) is allauth's. It neither looks at a nonce nor at a signature that came over
TLS; here every identity token is checked whole (OpenID Connect Core 1.0, 3.1.3.7), whatever way it came.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.enums import UserRole
from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.models import User
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.visitors import Visitor
from crm.lib.identity import is_safe_address, provider_id

# Signed with a key of the provider's alone: none of "none", and of HMAC, whose key would be our client secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 30
MOST_AGE_SECONDS = 600  # an identity token is fetched right after it was made


class UntrustedAnswer(Exception):
    """The provider's answer cannot be believed; the text is for the log."""


def check_configuration(found: Mapping[str, Any], *, issuer: str) -> None:
    """What the provider tells about itself has to be about the issuer we were told. Raises UntrustedAnswer."""
    if found.get("issuer") != issuer:
        raise UntrustedAnswer(f"the discovery document is of {found.get('issuer')!r}, not of {issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str) or not is_safe_address(found[name]):
            raise UntrustedAnswer(f"{name} is no HTTPS address")


def claims_of(id_token: Any, *, keys: Mapping[str, Any], issuer: str, client_id: str) -> dict[str, Any]:
    """What an identity token says, if it is signed by the issuer, for us, and fresh. Raises UntrustedAnswer."""
    try:
        header = jwt.get_unverified_header(id_token)
        if header.get("alg") not in ALGORITHMS:
            raise UntrustedAnswer(f"signed by {header.get('alg')!r}")
        key = _key_of(keys, header.get("kid"))
        found: dict[str, Any] = jwt.decode(
            id_token,
            key=key,
            algorithms=[header["alg"]],
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise UntrustedAnswer(f"{type(error).__name__}: {error}") from error
    audience = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
    if (len(audience) > 1 or "azp" in found) and found.get("azp") != client_id:
        raise UntrustedAnswer("made for another client")
    if datetime.now().timestamp() - float(found["iat"]) > MOST_AGE_SECONDS:  # noqa: DTZ005 - a Unix time
        raise UntrustedAnswer("made too long ago")
    if not isinstance(found["sub"], str) or not 0 < len(found["sub"]) <= 255:
        raise UntrustedAnswer("without a subject")
    return found


def _key_of(keys: Mapping[str, Any], kid: Any) -> Any:
    """The provider's key that signed; without a name, the only one there is."""
    known = jwt.PyJWKSet.from_dict(dict(keys)).keys
    fitting = [key for key in known if key.key_id == kid] if kid is not None else known
    if len(fitting) != 1:
        raise UntrustedAnswer(f"no key {kid!r}")
    return fitting[0].key


def require_nonce(claims: Mapping[str, Any], expected: Any) -> None:
    """The token answers the very question that this browser asked. Raises UntrustedAnswer."""
    given = claims.get("nonce")
    if not isinstance(expected, str) or not isinstance(given, str) or not secrets.compare_digest(given, expected):
        raise UntrustedAnswer("the nonce is another")


def _verified_address(claims: Mapping[str, Any]) -> str:
    """The e-mail address that the provider vouches for; empty where it does not."""
    email, verified = claims.get("email"), claims.get("email_verified")
    return email if isinstance(email, str) and verified in (True, "true") and "@" in email else ""


@transaction.atomic
def user_of_identity(*, claims: Mapping[str, Any], account: SocialAccount, visitor: Visitor, now: datetime) -> User:
    """Whose log-in the identity opens; ``account`` is its row, not saved yet where the identity is new here.

    A known identity opens the log-in it is linked to. A new one is linked by a verified address only where
    OIDC_LINK_BY_EMAIL allows it, and makes a log-in only where OIDC_SIGN_UP does. Raises LoginRefused.
    """
    email = _verified_address(claims)
    user = account.user if account.pk else _user_by_address(email)
    if user is None:
        user = _sign_up(claims, email)
    if user is None:
        raise LoginRefused(
            _("Nobody here belongs to this identity. Log in by password and link it under “Your log-in”, or ask your "
              "administrator."),
            reason=LoginReason.NOT_LINKED,
        )  # fmt: skip
    if not user.is_active:
        raise LoginRefused(
            _("This log-in is switched off. Ask your administrator to switch it on."), reason=LoginReason.OFF
        )
    if not account.pk:
        link_identity(user=user, account=account, visitor=visitor, now=now)
    return user


def _user_by_address(email: str) -> User | None:
    if not settings.OIDC_LINK_BY_EMAIL or not email:
        return None
    found = list(User.objects.filter(email__iexact=email)[:2])
    return found[0] if len(found) == 1 else None


def _sign_up(claims: Mapping[str, Any], email: str) -> User | None:
    if not settings.OIDC_SIGN_UP or not email or User.objects.filter(email__iexact=email).exists():
        return None
    base = email.partition("@")[0][:140] or "user"
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    name = base if base not in taken else next(f"{base}{n}" for n in range(2, 10_000) if f"{base}{n}" not in taken)
    user = User(
        username=User.normalize_username(name), email=email, role=UserRole.MEMBER,
        first_name=_text(claims, "given_name"), last_name=_text(claims, "family_name"),
    )  # fmt: skip
    user.set_unusable_password()
    user.full_clean()
    user.save()
    return user


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.replace("\x00", "").strip()[:150] if isinstance(value, str) else ""


def identities_of(user: User) -> list[SocialAccount]:
    """What the present provider's identities open this log-in."""
    return list(SocialAccount.objects.filter(user=user, provider=provider_id(settings.OIDC_ISSUER)).order_by("pk"))


@transaction.atomic
def link_identity(*, user: User, account: SocialAccount, visitor: Visitor, now: datetime) -> SocialAccount:
    """Let the identity open the user's log-in. Raises LoginRefused where it opens another's."""
    known = SocialAccount.objects.filter(provider=account.provider, uid=account.uid).first()
    if known is not None and known.user_id != user.pk:
        raise LoginRefused(_("This identity belongs to another log-in here."), reason=LoginReason.NOT_LINKED)
    if known is not None:
        return known
    account.user, account.extra_data = user, {}  # what the provider tells about a person is not kept
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise LoginRefused(_("This identity belongs to another log-in here."), reason=LoginReason.NOT_LINKED) from None
    record(LoginEventKind.SSO, now=now, user=user, visitor=visitor, detail=_("linked"))
    return account


@transaction.atomic
def unlink_identity(*, user: User, account: SocialAccount, visitor: Visitor, now: datetime) -> None:
    """The identity opens the log-in no longer. Raises LoginRefused where there would be no way in left."""
    others = SocialAccount.objects.filter(user=user).exclude(pk=account.pk).exists()
    if not others and not user.has_usable_password():
        raise LoginRefused(_("This is your only way in. Ask your administrator for a link to set a password first."),
                           reason="")  # fmt: skip
    SocialAccount.objects.filter(pk=account.pk, user=user).delete()
    record(LoginEventKind.SSO, now=now, user=user, visitor=visitor, detail=_("unlinked"))
