"""What is sent beside the fields that a door lists changes nothing (S10).

Each door that writes is used twice by everybody it admits: as it is meant, and with the value of every other column of
its model, of columns nobody sets (``is_superuser``, ``grade``, ``withdrawn_at`` …) and of what it only shows. Both have to
leave the same rows behind, or the second is refused and leaves none.
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import models
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import READ_SCOPES, Role
from accounts.models import AccessToken, OrgUnit, User
from crm.access import PAGES
from crm.api.policy import POLICY
from tests.api import test_policy as doors
from tests.api.test_policy import World, world  # noqa: F401 - the fixture
from tests.changes import Change, Watcher
from tests.company import make_company
from tests.factories import make_account, make_user
from tests.test_matrix import address
from tests.test_matrix import doors as page_doors

EVERY = 1 if os.environ.get("FACET_MASS") else 2  # each so many-th door of a role in a usual run, another one for each
ROLES = ("administrator", "director", "manager", "member", "analyst", "read-only token")
# Never a field of anything one sends; several are columns that decide who may do what, or what is true.
NOBODYS = {
    "id": 77_777, "pk": 77_777, "is_superuser": True, "is_staff": True, "role": "administrator", "password": "odd",
    "user_permissions": [1], "groups": [1], "grade": "diamond", "underlying_grade": "diamond", "composite": 99.5,
    "withdrawn_at": "2001-01-01T00:00:00Z", "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z",
    "version": 77_777, "merged_into": 1, "is_graded_node": True, "planned_from": "2001-01-01", "auth_version": 77_777,
}  # fmt: skip
PEOPLE = ("administrator", "director", "manager", "owner", "analyst")
APART = {"logout", "login", "login_code", "login_setup", "login_forgot", "login_reset", "join", "password_change"}
# Names that a page reads though its form does not show them at first, and why.
TAKEN: dict[str, dict[str, str]] = {}
# Names that mean something at this door though its serializer does not declare them, and why.
MEANT: dict[str, dict[str, str]] = {}


def odd(one: models.Field, user: User, account: Any) -> Any:
    """A value of the column's kind that nothing in these tests has."""
    if isinstance(one, models.ForeignKey):
        return {"User": user.pk, "Account": account.pk}.get(one.related_model.__name__, 1)
    if one.choices:
        return one.flatchoices[-1][0]
    kind = one.get_internal_type()
    if kind in {"DateField", "DateTimeField"}:
        return "2001-01-01" if kind == "DateField" else "2001-01-01T00:00:00Z"
    return {"BooleanField": True, "CharField": "Odd", "TextField": "Odd", "JSONField": {"odd": 1}}.get(kind, 7)


class Loaded:
    """A client that adds more to whatever is sent."""

    def __init__(self, client: APIClient, extra: dict[str, Any]) -> None:
        self.client, self.extra = client, extra

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self.client.get(*args, **kwargs)

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        return self.client.generic(*args, **kwargs)  # a file as it is: there is no field in it

    def __getattr__(self, method: str) -> Any:
        def act(path: str, data: Any = None, **kwargs: Any) -> Any:
            extra = self.extra
            if kwargs.get("format") == "multipart":
                extra = {name: value for name, value in extra.items() if isinstance(value, str | int)}
            return getattr(self.client, method)(path, {**(data or {}), **extra}, **kwargs)

        return act


@pytest.fixture
def clients(world: World) -> dict[str, APIClient]:  # noqa: F811
    """One of each role, who reaches the account of these tests as far as the role goes."""
    owner = world.people["owner"]
    found = {}
    for role in ROLES:
        user = make_user(role=role if role in set(Role) else Role.MEMBER)
        if role == "administrator":
            user = world.people["admin"]
        elif role == "manager":
            unit = OrgUnit.objects.create(name="Its own", level="team", head=user)
            User.objects.filter(pk=owner.pk).update(unit=unit)
        elif role in {"member", "read-only token"}:
            user = owner
        scopes = [str(one) for one in READ_SCOPES] if role == "read-only token" else None
        _row, token = AccessToken.objects.create(user=user, last_used_at=timezone.now(), scopes=scopes)
        found[role] = APIClient(raise_request_exception=False)
        found[role].credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return found


def serializer_of(route: str, method: str) -> Any:
    """The one that reads what is sent; None where a view reads it otherwise."""
    view = next(view for name, _path, view in doors.routes() if name == route)
    kind = getattr(view, "cls", None)
    return getattr(kind, "serializer_class", None)


def extras(route: str, row: Any, user: User, account: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what it is, what to send): columns the door does not list, and what it only shows."""
    serializer = serializer_of(route, "")
    declared = serializer().fields if serializer else {}
    model = type(row) if isinstance(row, models.Model) else getattr(getattr(serializer, "Meta", None), "model", None)
    columns = {one.name: odd(one, user, account) for one in model._meta.concrete_fields} if model else {}
    unlisted = {name: value for name, value in {**columns, **NOBODYS}.items() if name not in declared}
    shown = {
        name: {**NOBODYS, **columns}.get(name, "Odd")
        for name, entry in declared.items()
        if entry.read_only and name not in MEANT.get(route, {})
    }
    yield "unlisted", unlisted
    if shown:
        yield "only shown", shown


def writes() -> list[tuple[str, str]]:
    return [(route, method) for route, method in POLICY if method in {"POST", "PUT", "PATCH"} and route != "unknown"]


@pytest.fixture(autouse=True)
def one_moment():
    """So that what the clock writes is the same twice."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def test_rest_writes_what_its_serializers_list_and_nothing_else(world, clients):  # noqa: F811
    user, account, watcher = make_user(), make_account(), Watcher()
    tried: Counter[str] = Counter()
    faults = []
    for number, (route, method) in enumerate(writes()):
        row = world.rows.get(route.rpartition("-")[0])
        for place, (role, client) in enumerate(clients.items()):
            if (number + place) % EVERY:
                continue
            plain = watcher.watch(partial(doors.send, client, route, method, world))
            for what, extra in extras(route, row, user, account):
                loaded = watcher.watch(partial(doors.send, Loaded(client, extra), route, method, world))
                tried["refused" if loaded.response.status_code >= 400 else "taken"] += 1
                if told := fault(plain, loaded):
                    faults.append((route, method, role, what, told))
    print(f"\nS10 REST: {dict(tried)}")
    assert faults == [], "\n" + "\n".join(map(str, faults))
    assert tried["refused"] > 100
    assert tried["taken"] > 100


def fault(plain: Change, loaded: Change) -> Any:
    """What the second request did that the first had not; None where all is well."""
    if loaded.response.status_code >= 500:
        return "broke", loaded.response.content[:200]
    if loaded.response.status_code >= 400:
        return ("refused and written", loaded.settled()) if loaded else None
    if more := loaded.settled() ^ plain.settled():
        return "differs", sorted(more)
    return None


class Form(HTMLParser):
    """What a page would send as it stands, with something in the blanks that have to be filled."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.names: set[str] = set()  # also of boxes that are not ticked, which send nothing
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "")
        if tag == "option" and self.select and given.get("value") and ("selected" in given or not self._is_filled()):
            self.data[self.select] = given["value"]
        if (
            tag not in {"input", "select", "textarea"}
            or name in {"", "csrfmiddlewaretoken"}
            or kind in {"file", "search"}
        ):
            return
        self.names.add(name)
        self.select = name if tag == "select" else ""
        if tag == "select" or (kind in {"checkbox", "radio"} and "checked" not in given):
            return
        blank = {"date": "2030-01-01", "number": "1", "email": "new@example.com", "hidden": ""}.get(kind, "New")
        self.data.setdefault(name, given.get("value", "") or blank)

    def _is_filled(self) -> bool:
        return bool(self.data.get(self.select))


def column_values(user: User, account: Any) -> dict[str, Any]:
    """The name of every column there is, with an odd value."""
    every = (one for model in apps.get_models() for one in model._meta.concrete_fields)
    found = {one.name: odd(one, user, account) for one in every}
    return {name: value for name, value in {**found, **NOBODYS}.items() if isinstance(value, str | int)}


def test_pages_write_what_their_forms_show_and_nothing_else(db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)
    company, watcher, tried = make_company(), Watcher(), Counter()
    columns = column_values(make_user(), make_account())
    faults = []
    buttons = [
        door for door in page_doors() if door.kind == "page" and door.method == "POST" and door.route not in APART
    ]
    for number, door in enumerate(buttons):
        for place, person in enumerate(PEOPLE):
            path = address(door, company, "own")
            if path is None or (number + place) % EVERY:
                continue
            client = Client(raise_request_exception=False)
            client.cookies["sessionid"] = company.cookies[person]
            shown = Form()
            is_form = "GET" in PAGES[door.route]
            if is_form:
                shown.feed(client.get(path).content.decode())
            extra = {
                name: value
                for name, value in (columns if is_form else NOBODYS).items()
                if name not in shown.names and isinstance(value, str | int)
            }
            extra = {name: value for name, value in extra.items() if name not in TAKEN.get(door.route, ())}
            plain = watcher.watch(partial(client.post, path, shown.data))
            loaded = watcher.watch(partial(client.post, path, {**extra, **shown.data}))
            tried["written" if plain else "nothing written"] += 1
            if told := fault(plain, loaded):
                faults.append((door.route, person, told))
    print(f"\nS10 pages: {dict(tried)}")
    assert faults == [], "\n" + "\n".join(map(str, faults))
    assert tried["written"] > 20
