"""What one may not see changes nothing one is told (S2): every address that can be read, in two worlds, byte for byte."""

import os
import re
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import READ_SCOPES
from accounts.models import AccessToken
from tests.company import World
from tests.draws import draws
from tests.visits import Visit, visits
from tests.worlds import change_what_is_hidden, hidden_kinds, make_first_world

NOW = datetime(2024, 7, 10, 8, tzinfo=UTC)
PEOPLE = (
    "owner", "other rep", "deputy", "manager", "other manager", "analyst", "read-only token", "narrow token",
)  # fmt: skip
SCOPES = {"read-only token": [str(one) for one in READ_SCOPES], "narrow token": ["account.view", "reference.view"]}
# Random combinations of filters, orders and searches, over all eight people; FACET_WORLDS=2000 asks for more, and for every
# address by everybody.
DRAWN = int(os.environ.get("FACET_WORLDS", "80"))
# Each address is asked by so many-th of the eight people in a usual run, and by all of them in a full one.
EVERY = 1 if DRAWN >= 2000 else 4
HEADERS = (
    "Location",
    "Content-Type",
    "Content-Disposition",
    "ETag",
    "Link",
    "HX-Trigger",
    "HX-Redirect",
    "HX-Push-Url",
)
MASKS = (
    (re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"'), "csrf"),
    (re.compile(r'"X-CSRFToken": ?"[^"]*"'), "csrf"),
    (re.compile(r"X-CSRFToken&quot;: ?&quot;[^&]*&quot;"), "csrf"),
    (re.compile(r'content="[A-Za-z0-9]{64}"'), "csrf"),
    (re.compile(r"challenge&quot;: &quot;[^&]*&quot;"), "challenge"),  # of a passkey
)
# New secrets of one's own at each visit: the picture and the words of an authenticator app.
RANDOM = {"you:app"}
# Told on purpose, whoever asks: the search for duplicates is company-wide, and shows what one may not open by name and owner
# alone, lest a customer is entered twice (CHANGELOG, crm/web/duplicates.py).
TOLD_TO_ALL = {"accounts:similar", "accounts-similar"}


@pytest.fixture
def world(db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)
    with time_machine.travel(NOW, tick=False):
        yield make_first_world()


def client_of(world: World, person: str, kind: str) -> Client:
    if kind == "page":
        page = Client(raise_request_exception=False)
        page.force_login(world.people[person])
        return page
    rest = APIClient(raise_request_exception=False)
    _row, token = AccessToken.objects.create(
        user=world.people[person], last_used_at=timezone.now(), scopes=SCOPES.get(person)
    )
    rest.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return rest


def answers(clients: dict[str, Any], asked: list[Visit]) -> dict[Visit, tuple[Any, ...]]:
    cache.clear()
    return {visit: answer(clients[visit.kind], visit) for visit in asked}


def answer(client: Any, visit: Visit) -> tuple[Any, ...]:
    headers = {"HX-Request": "true"} if visit.is_part else {}
    cookies = client.cookies.copy()
    with transaction.atomic():
        response = client.get(visit.path, dict(visit.query), headers=headers)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    client.cookies = cookies
    text = body.decode(errors="surrogateescape")
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return response.status_code, tuple((name, response.headers.get(name)) for name in HEADERS), text


def difference(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    if one[:2] != other[:2]:
        return f"{one[:2]} | {other[:2]}"
    at = next(
        (i for i, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), min(len(one[2]), len(other[2]))
    )
    return f"…{one[2][max(0, at - 80) : at + 60]!r} | {other[2][max(0, at - 20) : at + 60]!r}"


@pytest.mark.parametrize("person", PEOPLE)
def test_what_is_hidden_changes_no_answer(world, person):
    clients = {kind: client_of(world, person, kind) for kind in (("rest",) if person in SCOPES else ("page", "rest"))}
    everything = [
        one for one in visits(world, person, has_pages="page" in clients) if one.route not in RANDOM | TOLD_TO_ALL
    ]
    asked = everything[PEOPLE.index(person) % EVERY :: EVERY]
    first = answers(clients, asked)
    pages = {one: told[2] for one, told in first.items() if one.kind == "page" and told[0] == 200 and "<" in told[2]}
    drawn = list(dict.fromkeys(draws(Random(person), world, world.people[person], pages, DRAWN // len(PEOPLE))))
    first |= answers(clients, drawn)
    asked = list(first)
    with transaction.atomic():
        changed = change_what_is_hidden(
            world, world.people[person], hidden_kinds(world.people[person], SCOPES.get(person))
        )
        second = answers(clients, asked)
        transaction.set_rollback(True)
    differing = {visit: difference(first[visit], second[visit]) for visit in asked if first[visit] != second[visit]}
    good = sum(answer[0] == 200 for answer in first.values())
    print(
        f"\nS2 {person}: {len(asked)} answers ({len(drawn)} drawn), {good} of them 200, {sum(changed.values())} hidden values changed"
    )
    assert differing == {}, "\n" + "\n".join(
        f"{one.kind} {one.path} {one.query} {one.is_part}: {told}" for one, told in differing.items()
    )
