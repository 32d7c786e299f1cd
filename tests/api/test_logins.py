"""Tokens, sessions, the log and the log-ins of others over REST."""

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AccessToken, Invitation, User, UserSession
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_superuser, make_user

PASSWORD = "a-long-Passw0rd"
TOKENS, SESSIONS, EVENTS = "/api/v1/tokens/", "/api/v1/sessions/", "/api/v1/login-events/"
INVITATIONS, LOG_INS = "/api/v1/invitations/", "/api/v1/log-ins/"
JSON = {"content_type": "application/json"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_browser():
    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


def test_token_is_made_and_revoked_at_a_browser(at_browser):
    client = at_browser(make_user())

    made = client.post(TOKENS, {"name": "robot", "days": 30, "password": PASSWORD}, **JSON)
    text = made.json()["token"]
    listed = client.get(TOKENS).json()["results"]

    assert made.status_code == 201
    assert "no-store" in made.headers["Cache-Control"]
    assert [row["name"] for row in listed] == ["robot"]
    assert "token" not in listed[0]
    assert "revenue.add" not in listed[0]["scopes"]
    header = {"authorization": f"Bearer {text}"}
    assert Client().get("/api/v1/accounts/", headers=header).status_code == 200
    assert client.delete(f"{TOKENS}{listed[0]['id']}/").status_code == 204
    assert_problem(Client().get("/api/v1/accounts/", headers=header), 401)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/name", "/days"]),
        ({"name": "x", "days": 366}, ["/days"]),
        ({"name": "x", "days": 0}, ["/days"]),
        ({"name": "x", "days": 1, "scopes": []}, ["/scopes"]),
        ({"name": "x", "days": 1, "scopes": ["token.own"]}, ["/scopes/0"]),
        ({"name": "x", "days": 1, "password": "wrong"}, ["/password"]),
        ({"name": "x", "days": 1, "user": 1}, ["/user"]),
    ],
)
def test_token_that_cannot_be_is_refused_at_its_field(at_browser, body, where):
    answer = at_browser(make_user()).post(TOKENS, {"password": PASSWORD, **body}, **JSON)

    assert pointers(assert_problem(answer, 400)) == where
    assert not AccessToken.objects.exists()


def test_token_sees_itself_and_looks_after_no_tokens_and_sessions(rest):
    user = make_superuser()
    client = rest(user)
    other, _text = AccessToken.objects.create(user=user)
    Client().force_login(user)

    assert [row["id"] for row in client.get(TOKENS).json()["results"]] != [other.pk]
    assert client.get(TOKENS).json()["count"] == 1
    assert client.get(SESSIONS).json()["count"] == 0
    assert_problem(client.post(TOKENS, {"name": "x", "days": 1}, format="json"), 403)
    assert_problem(client.delete(f"{TOKENS}{other.pk}/"), 403)
    assert_problem(client.delete(f"{SESSIONS}{UserSession.objects.get().pk}/"), 403)
    assert AccessToken.objects.count() == 2


def test_token_of_somebody_else_is_a_missing_one(at_browser):
    theirs, _text = AccessToken.objects.create(user=make_user())

    assert_problem(at_browser(make_superuser()).delete(f"{TOKENS}{theirs.pk}/"), 404)
    assert AccessToken.objects.exists()


def test_sessions_are_listed_and_ended(at_browser):
    user = make_user()
    client, other = at_browser(user), at_browser(user)
    theirs = UserSession.objects.get(session_key=other.cookies["sessionid"].value)

    listed = client.get(SESSIONS).json()["results"]
    ended = client.delete(f"{SESSIONS}{theirs.pk}/")

    assert sorted(row["is_this"] for row in listed) == [False, True]
    assert ended.status_code == 204
    assert_problem(other.get(SESSIONS), 401)
    assert_problem(at_browser(make_user()).delete(f"{SESSIONS}{listed[0]['id']}/"), 404)


def test_log_is_ones_own_unless_one_may_see_users(at_browser):
    user, boss = make_user(), make_superuser()
    for one in (user, boss):
        Client().post("/login/", {"username": one.username, "password": "wrong"})

    assert {row["user"] for row in at_browser(user).get(EVENTS).json()["results"]} == {user.pk}
    assert {row["user"] for row in at_browser(boss).get(f"{EVENTS}?ok=false").json()["results"]} == {user.pk, boss.pk}
    assert_problem(at_browser(boss).get(f"{EVENTS}?password=x"), 400)


def test_invitation_is_made_and_withdrawn(rest, monkeypatch):
    monkeypatch.setattr("crm.api.logins.send", lambda task, **arguments: task(**arguments))
    client = rest(make_superuser())

    made = client.post(INVITATIONS, {"email": "wang@example.com", "role": "manager"}, format="json")
    withdrawn = client.post(f"{INVITATIONS}{made.json()['id']}/withdraw/")

    assert made.status_code == 201
    assert "nonce" not in made.json()
    assert "/join/" in mail.outbox[0].body
    assert withdrawn.json()["withdrawn_at"]
    assert_problem(client.post(INVITATIONS, {"email": "x\nBcc: y", "role": "member"}, format="json"), 400)
    assert_problem(client.post(INVITATIONS, {"email": "x@example.com", "role": "emperor"}, format="json"), 400)
    assert Invitation.objects.count() == 1


def test_log_ins_of_others_are_switched_off_at_once(rest):
    user = make_user()
    theirs, boss = rest(user), rest(make_superuser())
    assert theirs.get("/api/v1/accounts/").status_code == 200

    answer = boss.post(f"{LOG_INS}{user.pk}/switch-off/")

    assert answer.json()["is_active"] is False
    assert_problem(theirs.get("/api/v1/accounts/"), 401)
    assert boss.post(f"{LOG_INS}{user.pk}/switch-on/").json()["is_active"] is True
    assert_problem(theirs.get("/api/v1/accounts/"), 401)


@pytest.mark.parametrize("step", ["sign-out", "switch-off", "remove-second-factor"])
def test_own_and_superusers_log_ins_are_refused(rest, step):
    root, boss = make_superuser(), make_user(role="administrator")
    client = rest(boss)

    for one in (root, boss):
        assert_problem(client.post(f"{LOG_INS}{one.pk}/{step}/"), 409)
    assert User.objects.filter(is_active=True).count() == 2


@pytest.mark.parametrize("path", [INVITATIONS, LOG_INS])
@pytest.mark.parametrize("role", ["director", "manager", "member", "analyst"])
def test_log_ins_of_others_are_for_administrators(rest, path, role):
    user = make_user(role=role)

    assert_problem(rest(user).get(path), 403)
    assert_problem(rest(user).post(f"{LOG_INS}{make_user().pk}/switch-off/"), 403)
