"""Signatures as the Standard Webhooks specification has them, and how the secret is kept.

A receiver checks ``webhook-signature``: "v1," and the base64 of HMAC-SHA256 over ``id.timestamp.body`` under the secret
without its prefix; it drops what is older than it likes by ``webhook-timestamp``. Source: standardwebhooks.com,
specification 1.0.0.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.utils.translation import gettext as _

from crm.lib.exceptions import CrmError

PREFIX = "whsec_"
SECRET_BYTES = 32


class SecretLost(CrmError):
    """SECRET_KEY has changed since the secret was sealed."""

    code = "webhook-secret-lost"
    status = 409


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def seal(secret: str) -> str:
    return _cipher().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises SecretLost where SECRET_KEY is no longer the one it was sealed under."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretLost(
            _("The secret cannot be read since SECRET_KEY has changed: give the webhook a new one.")
        ) from None


def _cipher() -> Fernet:
    derived = hashlib.sha256(b"webhook secrets\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(derived))
