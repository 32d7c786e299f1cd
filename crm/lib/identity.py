"""What is fixed about the OpenID Connect provider before anything starts. Read by settings, so it knows no model."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def provider_id(issuer: str) -> str:
    """Under which identities are kept: another issuer may give the same subject to somebody else."""
    return f"sso-{hashlib.sha256(issuer.encode()).hexdigest()[:12]}"


def is_safe_address(url: str) -> bool:
    """HTTPS, or this machine itself."""
    parts = urlsplit(url)
    return (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def provider_settings(*, issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """What allauth is told: no provider without an issuer, else one, kept under its issuer, always with PKCE."""
    if not issuer:
        return {}
    app = {
        "provider_id": provider_id(issuer),
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
