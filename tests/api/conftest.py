"""A REST client with a real bearer token, and people with and without rights."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AccessToken, User
from tests.factories import make_superuser, make_user

Rest = Callable[..., APIClient]


@pytest.fixture
def rest(db: None) -> Rest:
    """rest(user) → a client that logs in by token and checks CSRF; rest() → nobody."""

    def make(user: User | None = None, **headers: Any) -> APIClient:
        client = APIClient(enforce_csrf_checks=True, headers=headers or None)
        if user is not None:
            _row, token = AccessToken.objects.create(user=user, last_used_at=timezone.now())
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return make


@pytest.fixture
def admin(rest: Rest) -> APIClient:
    """The client of a superuser, who hangs on it as ``.user``."""
    user = make_superuser()
    client = rest(user)
    client.user = user  # type: ignore[attr-defined]
    return client


def allow(user: User, *rights: str) -> User:
    """Give the user Django permissions by their full names and forget what was cached."""
    known = Permission.objects.select_related("content_type")
    found = [right for right in known if f"{right.content_type.app_label}.{right.codename}" in rights]
    assert len(found) == len(set(rights))
    user.user_permissions.add(*found)
    return User.objects.get(pk=user.pk)


def make_editor(*rights: str, **fields: Any) -> User:
    return allow(make_user(**fields), *rights)


def assert_problem(response: Any, status: int) -> dict[str, Any]:
    """The response is an RFC 9457 document of that status; returns it."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    more = {"current"} if status == 412 else set()
    assert set(body) == {"type", "title", "status", "detail", "errors"} | more
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def pointers(body: dict[str, Any]) -> list[str]:
    return [error.get("pointer", error.get("parameter")) for error in body["errors"]]


def told_without(body: dict[str, Any], key: int) -> str:
    """What a problem tells, with the key that was asked for taken out."""
    return re.sub(rf"\b{key}\b", "?", f"{body['detail']} {body['errors']}")
