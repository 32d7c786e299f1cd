"""The second wall in requests that may write: what they read before they write, and whose rows they may change."""

from contextlib import nullcontext

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AccessToken, Account, Contact, TeamMember
from accounts.querysets import AccountQuerySet
from accounts.wall import raise_wall_for_writes
from crm.lib.wall import VIEWER_ROLE, beyond_the_wall, is_walled, lower_wall, narrowed
from crm.lib.wall_statements import is_write
from crm.trail.signature import signed
from tests.factories import make_account, make_contact, make_user
from tests.test_matrix import SEES, WORD, address, bare_client, doors, send, world

__all__ = ["bare_client", "world"]  # fixtures


@pytest.fixture(autouse=True)
def no_wall_left():
    yield
    assert not is_walled()


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", False),
        ("(SELECT 1) UNION (SELECT 2)", False),
        ("SELECT id FROM t FOR UPDATE", False),
        ("WITH a AS (SELECT id FROM t FOR NO KEY UPDATE) SELECT * FROM a", False),
        ("  update t SET a = 1", True),
        ("INSERT INTO t VALUES (1)", True),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone", True),
        ("WITH a AS (SELECT 1 AS id)\nUPDATE t SET a = 1 FROM a", True),
        ("CREATE TEMP TABLE t (id int)", True),
        ("DROP TABLE IF EXISTS t", True),
        ("LOCK TABLE t", True),
        ("SAVEPOINT s", False),
        ("ROLLBACK TO SAVEPOINT s", False),
    ],
)
def test_what_writes(sql, expected):
    assert is_write(sql) is expected


# --- One transaction ---


@pytest.fixture
def member(db):
    """Of two accounts one is theirs; the wall is up, as in a request of theirs."""
    person = make_user(role="member")
    make_account(name="Mine", owner=person)
    make_account(name="Hidden")
    raise_wall_for_writes(person)
    with signed(via="page", request_id="1", actor=lambda: person.pk):
        yield person
    lower_wall()


def test_services_read_whole_within_their_transactions_and_what_is_named_is_looked_up_narrow(member):
    assert (Account.objects.count(), role()) == (1, VIEWER_ROLE)
    with transaction.atomic():
        assert Account.objects.count() == 2
        assert not is_walled()
        with narrowed():
            mine = Account.objects.select_for_update().get()
            assert is_walled()
        Account.objects.filter(pk=mine.pk).update(region="North")
        with beyond_the_wall("a test"), narrowed():
            assert Account.objects.count() == 1
    assert is_walled()
    assert (Account.objects.count(), role()) == (1, VIEWER_ROLE)


def test_a_statement_of_its_own_is_a_transaction_of_its_own(member):
    Account.objects.filter(name="Mine").update(region="North")

    assert Account.objects.count() == 1


def test_nothing_of_a_hidden_account_is_changed(member):
    for change in (
        lambda: Account.objects.update(region="North"),
        lambda: Contact.objects.create(account=hidden(), name="Ada"),
        lambda: TeamMember.objects.create(
            account=hidden(), user=member, role="account_manager", valid_from="2026-01-01"
        ),
        lambda: hidden().delete(),
    ):
        with pytest.raises(ProgrammingError, match="out of sight for whoever asked"), transaction.atomic():
            change()
    with beyond_the_wall("a test"):
        assert not Account.objects.filter(region="North").exists()
        assert not Contact.objects.exists()


def hidden() -> Account:
    with beyond_the_wall("a test that brings a key of its own"):
        return Account.objects.get(name="Hidden")


def test_beyond_the_wall_changes_are_held_unless_it_is_said_otherwise(member):
    with beyond_the_wall("a test"), transaction.atomic():
        assert Account.objects.count() == 2
        with pytest.raises(ProgrammingError, match="out of sight"), transaction.atomic():
            Account.objects.update(region="North")
    with beyond_the_wall("a test", may_change=True), transaction.atomic():
        Account.objects.update(region="North")
        assert Account.objects.filter(region="North").count() == 2


def test_what_was_made_or_given_away_in_the_request_is_still_theirs_to_change(member):
    with transaction.atomic():
        made = make_account(owner=make_user())
        make_contact(account=made)
    mine = Account.objects.get(name="Mine")
    mine.owner = make_user()
    mine.save()
    assert Account.objects.filter(pk__in=[mine.pk, made.pk]).update(region="North") == 2
    assert {one.pk for one in Account.objects.all()} == {mine.pk, made.pk}
    with pytest.raises(ProgrammingError, match="out of sight"), transaction.atomic():
        make_contact(account=hidden())


def test_what_comes_into_sight_is_read_after_its_transaction(member):
    with transaction.atomic():
        made = make_account(owner=member)
    assert Account.objects.filter(pk=made.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", [True, False])
def test_what_is_read_piece_by_piece_is_as_narrow_as_the_rest(inside):
    person = make_user(role="member")
    make_account(name="Mine", owner=person)
    make_account(name="Hidden")
    raise_wall_for_writes(person)
    with transaction.atomic() if inside else nullcontext():
        found = [one.name for one in Account.objects.order_by("pk").iterator(chunk_size=1)]
    assert found == (["Mine", "Hidden"] if inside else ["Mine"])
    lower_wall()
    assert Account.objects.count() == 2
    assert "chunked_cursor" not in vars(connection._connections[connection._alias])


# --- Requests ---


@pytest.fixture
def forgotten(monkeypatch):
    """Whoever asks whom somebody may see is told: everybody."""
    monkeypatch.setattr(AccountQuerySet, "visible_to", lambda self, user: self.standing())


@pytest.mark.parametrize("name", ["owner", "manager", "other rep"])
def test_requests_whose_filter_is_forgotten_answer_hidden_and_missing_alike(world, forgotten, bare_client, name):
    found = []
    tried = 0
    for door in doors():
        if door.method == "GET" or door.kind == "admin" or door.resource not in world.rows["own"]:
            continue
        missing = send(door, world, name, address(door, world, "missing"))
        for relation in {"stranger", "own", "colleague"} - SEES[name]:
            if relation not in world.rows or door.resource not in world.rows[relation]:
                continue
            tried += 1
            answer = send(door, world, name, address(door, world, relation))
            if answer[0] != missing[0]:
                found.append((door.route, door.method, relation, answer[0], missing[0]))
    assert tried > 100
    assert found == []


def test_a_bulk_change_whose_filter_is_forgotten_is_refused_as_a_whole(world, forgotten):
    mine, theirs = (Account.objects.get(name=f"Acct{WORD[one]}") for one in ("own", "stranger"))
    sent = {"action": "segment", "account": [mine.pk, theirs.pk], "segment": "new", "confirmed": "1"}
    sent |= {f"was-{one.pk}": one.segment for one in (mine, theirs)}
    client = world.pages["manager"]
    client.raise_request_exception = False

    assert client.post("/accounts/bulk/", sent).status_code == 500
    assert not Account.objects.filter(segment="new").exists()
    sent["account"] = [mine.pk]
    assert client.post("/accounts/bulk/", sent).status_code == 302
    assert Account.objects.get(segment="new") == mine


@pytest.mark.parametrize("way", ["page", "rest"])
def test_a_code_that_a_hidden_account_has_is_said_to_be_taken(world, way):
    taken = {"code": Account.objects.get(name=f"Acct{WORD['stranger']}").code, "name": "New"}
    before = Account.objects.count()

    if way == "page":
        answer = world.pages["manager"].post("/accounts/new/", taken)
        assert b"already exists" in answer.content
    else:
        answer = world.rest["manager"].post("/api/v1/accounts/", taken, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/code")

    assert Account.objects.count() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_survives_a_request_that_writes(is_there):
    member = make_user(role="member")
    account = make_account(owner=member)
    client = Client(raise_request_exception=False)
    client.force_login(member)
    key = account.pk if is_there else 999_999

    response = client.post(f"/accounts/{key}/contacts/new/", {"name": "Ada", "level": "other"})

    assert response.status_code == (302 if is_there else 404) or is_there
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user = session_user, coalesce(current_setting('facet.changes', true), ''),"
            " coalesce(current_setting('facet.sees', true), '')"
        )
        assert cursor.fetchone() == (True, "", "")
    assert getattr(connection, "writer", None) is None


@pytest.mark.django_db(transaction=True)
def test_each_answer_of_a_day_of_commits_is_of_what_was_just_written():
    """Over several requests and transactions that end: an account made, worked on and given away."""
    manager, heir = make_user(role="manager"), make_user(role="member")
    make_account(name="Hidden")
    client = APIClient(headers={"authorization": f"Bearer {AccessToken.objects.create(user=manager)[1]}"})

    def sent(method: str, path: str, expected: int, **body):
        headers = {"If-Match": "*"} if method == "patch" else {"Idempotency-Key": f"{path}{body['name']}"}
        answer = getattr(client, method)(f"/api/v1/{path}", body, format="json", headers=headers)
        assert answer.status_code == expected, answer.content
        return answer.json()

    account = sent("post", "accounts/", 201, code="N1", name="New")
    assert account["owner"] == manager.pk
    contact = sent("post", "contacts/", 201, account=account["id"], name="Ada")
    assert sent("patch", f"contacts/{contact['id']}/", 200, title="CFO")["title"] == "CFO"
    assert sent("patch", f"accounts/{account['id']}/", 200, owner=heir.pk)["owner"] == heir.pk
    sent("patch", f"accounts/{account['id']}/", 404, name="Other")
    sent("post", "contacts/", 400, account=account["id"], name="Bob")
    assert [one["name"] for one in client.get("/api/v1/accounts/").json()["results"]] == []
    assert Account.objects.get(pk=account["id"]).name == "New"
