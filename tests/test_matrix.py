"""Route × method × who comes × how they stand to the object: nobody gets what the table does not give them (S1), and a
refusal leaves no trace (S3).

One small company: accounts that the owner owns, has a seat on, a colleague owns, a stranger owns; one in the owner's group
that somebody else owns. Each account carries a word nobody else's has, so that a leak shows wherever it comes out.
What a role may do is read from the list in ``tests/accounts/test_access.py``, written by hand, not from the code.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import NoReverseMatch, reverse

from accounts.access import READ_SCOPES, VIEW_ALL
from accounts.models import Account, User
from crm.access import PAGES
from crm.api.policy import POLICY
from tests.accounts.test_access import LADDER
from tests.company import MISSING, RELATIONS, ROLES, SEES, WORD, World, make_company, told
from tests.test_policy import methods_of, routes

EVERY = int(os.environ.get("FACET_MATRIX_EVERY", "1"))  # only each so many-th address, to look into one quickly
LOGS = ("django_session", "accounts_loginevent", "accounts_loginlimit", "accounts_usersession", "accounts_accesstoken")
COUNTERS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables WHERE relname <> ALL(%s)
"""
PARTS = 4  # of the matrix, so that the workers of a run share it
SLUGS = {
    "role": "account_manager", "key": "growth", "form": "csv", "metric": "ttm_revenue", "code": "gold", "verdict": "approve",
}  # fmt: skip


def may(person: str, action: str) -> bool:
    """By the hand-written ladder: a role may what it adds and what the roles below it may."""
    if person == "read-only token" and action not in {str(one) for one in READ_SCOPES}:
        return False
    mine: set[str] = set()
    for role, more in LADDER.items():
        mine |= set(more.split())
        if role is ROLES.get(person):
            return action in mine
    return False


@pytest.fixture
def world(db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)
    return make_company()


# Which row a key in the address means; by the route, else by the name of the key.
BY_ROUTE = {
    "attachment": "attachments", "service:attachment": "attachments",
    "service:request": "service-requests", "service:interaction": "interactions", "service:step_done": "interactions",
    "service:sponsor": "sponsors", "service:discount": "discounts", "metrics:growth_note": "growth-notes",
    "tiering:override_new": "accounts", "tiering:override": "overrides", "tiering:problem": "accounts",
    "tiering:band": "accounts", "ratings:": "accounts", "accounts:": "accounts", "imports:": "imports",
    "trail:person": "contacts",
}  # fmt: skip
BY_NAME = {"contact": "contacts", "rejection": "suggestion-rejections"}


def resource_of(route: str, name: str) -> str | None:
    if name in BY_NAME:
        return BY_NAME[name]
    if name != "pk":
        return None
    return next((resource for start, resource in BY_ROUTE.items() if route.startswith(start)), None)


@dataclass(frozen=True)
class Door:
    route: str
    method: str
    kind: str  # page, rest or admin
    names: tuple[str, ...]  # of the keys in its address
    resource: str | None  # what the key means; None: no object of an account


def doors() -> Iterator[Door]:
    for route, path, view in routes():
        names = tuple(re.findall(r"<(?:\w+:)?(\w+)>", path))
        if route.startswith("admin:"):
            yield from (Door(route, method, "admin", names, None) for method in ("GET", "POST"))
        elif route.startswith("api:"):
            name = route.removeprefix("api:")
            resource = name.rpartition("-")[0] if "pk" in names else None
            yield from (
                Door(name, method, "rest", names, resource)
                for (known, method), rule in POLICY.items()
                if known == name and not rule.open
            )
        elif route in PAGES:
            known = next((resource_of(route, one) for one in ("pk",) if one in names), None)
            methods = (methods_of(view) or {"GET", "POST"}) & set(PAGES[route])
            yield from (Door(route, method, "page", names, known) for method in sorted(methods))


def address(door: Door, world: World, relation: str) -> str | None:
    rows = world.rows.get(relation, {})
    given: dict[str, Any] = {}
    for name in door.names:
        resource = door.resource if name == "pk" else resource_of(door.route, name)
        if name in SLUGS:
            given[name] = SLUGS[name]
        elif name == "kind":
            about_people = door.route.startswith(("persons-", "trail:"))
            given[name] = "contact" if about_people else "ratings" if door.route.startswith("imports:") else "plan"
        else:
            given[name] = rows[resource].pk if resource in rows else MISSING
    try:
        return reverse(f"api:{door.route}" if door.kind == "rest" else door.route, kwargs=given)
    except NoReverseMatch:
        return None


class Writes:
    """Rows this transaction has written outside the logs, rolled back ones included. Asking every table's counter takes
    milliseconds, so they are asked only when the write-ahead log has grown since: nothing is written without it."""

    def __init__(self) -> None:
        self.position, self.rows = "", 0

    def count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            (position,) = cursor.fetchone()
            if position != self.position:
                cursor.execute(COUNTERS, [list(LOGS)])
                self.position, self.rows = position, int(cursor.fetchone()[0])
        return self.rows


def send(door: Door, world: World, person: str, path: str) -> tuple[int, str, str]:
    """The answer, with whatever was written taken back."""
    client = (world.rest if door.kind == "rest" else world.pages)[person]
    if door.kind != "rest":  # neither messages of an earlier answer nor its log-out
        client.cookies.clear()
        if person in world.cookies:
            client.cookies["sessionid"] = world.cookies[person]
    act: Callable[..., Any] = getattr(client, door.method.lower())
    given = {"format": "json", "headers": {"If-Match": "*"}} if door.kind == "rest" and door.method != "GET" else {}
    with transaction.atomic():
        response = act(path, {}, **given) if door.method != "GET" else act(path)
        answer = told(response, path)
        transaction.set_rollback(True)
    return answer


def gate(door: Door, person: str) -> bool:
    """Whether the role passes the table, by the hand-written ladder."""
    if door.kind == "admin":
        return person == "administrator"
    if door.kind == "rest":
        rule = POLICY[door.route, door.method]
        if rule.right == VIEW_ALL:
            return person in {"analyst", "director", "administrator"}
        from accounts.access import PERMISSIONS

        needed = [str(PERMISSIONS[rule.right])] if rule.right in PERMISSIONS else []
        if rule.right and not needed:
            return person == "administrator"
        return all(may(person, one) for one in needed) and (
            not rule.actions or any(may(person, str(one)) for one in rule.actions)
        )
    asked = PAGES[door.route][door.method]
    return asked.is_open or any(may(person, str(one)) for one in asked.actions)


# The names of those above in the group are told, without a way in (an account's path to the root of its group).
TOLD_ABOVE = {("other rep", "own")}


def leaked(person: str, text: str) -> list[str]:
    """Words of accounts that this person does not see, found in what they were told."""
    found = []
    for relation in set(WORD) - SEES[person] - {"missing"}:
        word = WORD[relation]
        words = (f"Person {word}", f"C{word}", f"R{word}") if (person, relation) in TOLD_ABOVE else (word,)
        found += [one for one in words if one in text]
    return found


@pytest.fixture
def bare_client(monkeypatch):
    """Requests without what nobody looks at here: a log line each, and a copy of the context of every template."""
    monkeypatch.setattr("django.test.client.store_rendered_templates", lambda *_args, **_kwargs: None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_gets_what_the_table_does_not_give_them(world, bare_client, part):
    cells: Counter[str] = Counter()
    faults: list[tuple[Any, ...]] = []
    writes = Writes()
    every = list(doors())
    chosen = [door for number, door in enumerate(every[part::PARTS]) if number % EVERY == 0]
    for door in chosen:
        for person in SEES:
            if door.kind == "page" and person == "read-only token":
                continue  # tokens open no page
            if door.kind == "admin" and person not in {"anonymous", "deactivated", "analyst", "manager", "director"}:
                continue  # rows and columns of the admin are tried in tests/accounts/test_admin.py
            faults += [
                (door.route, door.method, person, *fault) for fault in _faults(door, world, person, cells, writes)
            ]
    print(f"\nS1: {sum(cells.values())} cells {dict(cells)}, {len(faults)} faults")
    assert faults == [], "\n".join(map(str, sorted(faults, key=str)[:200]))
    assert EVERY > 1 or sum(cells.values()) >= 10_000 / PARTS


def _faults(door: Door, world: World, person: str, cells: Counter[str], writes: Writes) -> Iterator[tuple[Any, ...]]:
    relations = RELATIONS if door.resource in world.rows["own"] else ("own",)
    answers: dict[str, tuple[int, str, str]] = {}
    for relation in relations:
        path = address(door, world, relation)
        if path is None:
            continue
        before = writes.count() if door.method != "GET" else 0
        answer = send(door, world, person, path)
        answers[relation] = answer
        cells[door.kind] += 1
        status, _where, text = answer
        if status >= 500:
            yield relation, status, "broke", text[:300]
        if words := leaked(person, text):
            yield relation, status, "told", words
        if (
            status in {401, 403, 404, 302}
            and door.method != "GET"
            and not gate(door, person)
            and writes.count() != before
        ):
            yield relation, status, "wrote though refused"
        yield from _status_faults(door, person, relation, status, answer)
    missing = answers.get("missing")
    if missing and gate(door, person):
        for relation in set(RELATIONS) - SEES[person] - {"missing"}:
            if relation in answers and answers[relation] != missing:
                yield relation, answers[relation][0], "differs from missing", missing[0]


def _status_faults(
    door: Door, person: str, relation: str, status: int, answer: tuple[int, str, str]
) -> Iterator[tuple[Any, ...]]:
    if door.route in {"admin:login", "admin:logout", "admin:jsi18n"} or (
        door.kind == "page" and PAGES[door.route][door.method].is_open
    ):
        return
    if person in {"anonymous", "deactivated"}:
        if not (status == 401 if door.kind == "rest" else status == 302 and "login/" in answer[1]):
            yield relation, status, "let in without a log-in"
    elif not gate(door, person):
        if status not in {403, 405} and not (door.kind == "admin" and status == 302 and "login/" in answer[1]):
            yield relation, status, "let through"
    elif status == 401 or (status == 302 and "login/" in answer[1] and door.kind != "admin"):
        yield relation, status, "refused as if without a log-in"


def test_a_write_is_seen_though_it_is_taken_back(world):
    writes = Writes()
    before = writes.count()
    assert writes.count() == before

    with transaction.atomic():
        Account.objects.filter(pk=world.rows["own"]["accounts"].pk).update(region="Elsewhere")
        transaction.set_rollback(True)
    changed = writes.count()
    with transaction.atomic():
        User.objects.filter(pk=world.people["owner"].pk).update(first_name="Other")

    assert before < changed < writes.count()


def test_words_are_found_where_they_leak():
    assert leaked("owner", f"… Acct{WORD['stranger']} …") != []
    assert leaked("owner", f"Person {WORD['group']}") != []
    assert leaked("owner", f"Acct{WORD['own']}") == []
    assert leaked("other rep", f"Acct{WORD['own']}") == []
    assert leaked("other rep", f"Person {WORD['own']}") != []


def test_ladder_and_reach_by_hand(world):
    for person, sees in SEES.items():
        if person in ROLES and person != "read-only token":
            user = User.objects.get(pk=world.people[person].pk)
            names = set(Account.objects.visible_to(user).filter(name__startswith="Acct").values_list("name", flat=True))
            assert names == {f"Acct{WORD[one]}" for one in sees}, person
    assert may("owner", "contact.change")
    assert not may("read-only token", "contact.change")
    assert not may("anonymous", "account.view")
