"""Tokens: made once, scoped, ending; over the page, the command and REST."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.access import TOKEN_SCOPES, Action
from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.models import AccessToken, LoginEvent, LoginLimit, User
from accounts.security import limits
from accounts.security.tokens import TokenProblem, make_token, preset
from crm.web.access_words import WORDS
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_superuser, make_user

PASSWORD = "a-long-Passw0rd"
LIST = "/api/v1/accounts/"

pytestmark = pytest.mark.django_db


def make(user, **fields):
    fields = {"name": "robot", "days": 30, "scopes": None, "now": timezone.now(), **fields}
    return make_token(user=user, **fields)


def call(text, path=LIST, method="get", **data):
    return getattr(Client(), method)(
        path, data or None, content_type="application/json", headers={"authorization": f"Bearer {text}"}
    )


def form(**fields):
    return {"name": "robot", "days": "30", "reach": "read", "password": PASSWORD, **fields}


def test_page_makes_a_token_that_only_looks_and_shows_it_once(client):
    user = make_superuser()
    client.force_login(user)

    page = client.post("/you/tokens/new/", form())
    text = re.search(r'secret-line">(\w+)<', page.content.decode()).group(1)

    assert call(text).status_code == 200
    assert_problem(call(text, method="post", code="X1", name="New"), 403)
    assert text not in client.get("/you/tokens/").content.decode()
    assert text[:15] in client.get("/you/tokens/").content.decode()
    row = AccessToken.objects.get()
    assert set(row.scopes) == set(preset("read"))
    assert timedelta(days=29) < row.expiry - timezone.now() <= timedelta(days=30)
    assert row.last_used_at is not None


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "required"),
        ({"name": "x" * 81}, "80"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "366"}, "from 1 to 365 days"),
        ({"days": "many"}, "whole number"),
        ({"reach": "some"}, "Choose what the token may do"),
        ({"reach": "some", "scopes": ["token.own"]}, "not one of the available choices"),
        ({"reach": "everything"}, "not one of the available choices"),
        ({"password": "wrong"}, "This is not your password"),
    ],
)
def test_page_refuses_what_cannot_be_and_says_why(client, fields, word):
    client.force_login(make_user())

    answer = client.post("/you/tokens/new/", form(**fields))

    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert not AccessToken.objects.exists()


def test_form_says_in_words_what_each_scope_lets_a_program_do(client):
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="add_account"))
    client.force_login(user)

    html = client.get("/you/tokens/new/").content.decode()

    offered = set(re.findall(r'name="scopes" value="([a-z.]+)"', html))
    assert offered == {scope.value for scope in TOKEN_SCOPES if user.may(scope)}
    assert "account.add" in offered  # by the permission, beyond the role
    for scope in offered:
        assert f'{escape(WORDS[Action(scope)])} <code class="small muted">{scope}</code>' in html
    assert html.index(">Accounts and figures<") < html.index("account.view<") < html.index(">Service and plans<")


@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        (None, "All that you may do"),
        (preset("read"), "Only look: nothing it does changes anything"),
        (["account.view"], "What it may do (1)"),
        (["account.view", "task.write"], "What it may do (2)"),
    ],
)
def test_list_says_in_words_what_each_token_may(client, scopes, told):
    user = make_user()
    make(user, scopes=scopes)
    client.force_login(user)

    html = client.get("/you/tokens/").content.decode()

    assert told in html
    for scope in scopes or []:
        assert f'{escape(WORDS[Action(scope)])} <code class="muted">{scope}</code>' in html


def test_list_names_scopes_that_mean_nothing_any_more_apart(client):
    user = make_user()
    row, _text = make(user, scopes=["account.view"])
    AccessToken.objects.filter(pk=row.pk).update(scopes=["account.view", "account.paint"])
    client.force_login(user)

    html = client.get("/you/tokens/").content.decode()

    assert "What it may do (1)" in html
    assert html.index("Scopes that mean nothing any more") < html.index("<code>account.paint</code>")


def test_scopes_bind_superusers_too():
    make_account()
    _row, text = make(make_superuser(), scopes=["account.view"])

    assert call(text).json()["count"] == 1
    assert_problem(call(text, method="post", code="X1", name="New"), 403)


def test_token_without_scopes_does_what_its_user_may():
    _row, text = make(make_superuser())

    assert call(text, method="post", code="X1", name="New").status_code == 201


@pytest.mark.parametrize(
    "scopes", [[], ["nonsense"], ["token.own"], ["admin.use", "account.view"], ["account.view\x00"]]
)
def test_scopes_no_token_may_carry_are_refused(scopes):
    with pytest.raises(TokenProblem):
        make(make_user(), scopes=scopes)

    assert not AccessToken.objects.exists()


def test_expired_token_is_refused_with_its_day_every_time():
    _row, text = make(make_user())
    AccessToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    told = [assert_problem(call(text), 401)["detail"] for _ in range(2)]

    assert told[0].startswith("This token expired on")
    assert told[0] == told[1]
    assert LoginEvent.objects.filter(kind=LoginEventKind.TOKEN, reason=LoginReason.EXPIRED).count() == 2


@pytest.mark.parametrize("change", ["off", "password", "role", "right"])
def test_token_ends_with_the_next_call_after_what_it_rests_on(change):
    user = make_user(role="director")
    _row, text = make(user)
    assert call(text).status_code == 200

    if change == "off":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif change == "password":
        user.set_password("another-Passw0rd-x")
        user.save()
    elif change == "role":
        User.objects.filter(pk=user.pk).update(role="member")
    else:
        right = Permission.objects.get(codename="add_account")
        user.user_permissions.add(right)
        assert call(text).status_code == 200
        user.user_permissions.remove(right)

    detail = assert_problem(call(text), 401)["detail"]
    assert ("switched off" if change == "off" else "were changed") in detail


def test_revoked_token_is_refused_and_only_by_its_owner(client):
    user = make_user()
    row, text = make(user)
    client.force_login(make_user())
    assert client.post(f"/you/tokens/{row.pk}/revoke/").status_code == 404
    client.force_login(user)

    client.post(f"/you/tokens/{row.pk}/revoke/")

    assert_problem(call(text), 401)
    assert LoginEvent.objects.get(kind=LoginEventKind.TOKEN_REVOKED).detail == "robot"


def test_hundred_and_first_wrong_token_is_told_to_wait_and_a_right_one_is_not():
    since = timezone.now()
    LoginLimit.objects.create(kind="token", subject="127.0.0.1", attempts=limits.TOKEN.tries - 1, since=since)
    _row, text = make(make_user())

    hundredth, next_one = call("a" * 64), call("a" * 64)

    assert_problem(hundredth, 401)
    assert_problem(next_one, 429)
    assert 0 < int(next_one.headers["Retry-After"]) <= 901
    assert call(text).status_code == 200


def test_fifty_tokens_are_the_most(client):
    user = make_user()
    for number in range(50):
        make(user, name=str(number))

    with pytest.raises(TokenProblem):
        make(user)


def test_command_makes_what_it_is_asked_for():
    user, out = make_user(), StringIO()

    call_command("create_api_token", user.username, "--days", "7", "--scopes", "account.view,revenue.add", stdout=out)

    row = AccessToken.objects.get()
    assert row.scopes == ["account.view", "revenue.add"]
    assert call(out.getvalue().strip()).status_code == 200


@pytest.mark.parametrize("arguments", [["--days", "366"], ["--scopes", "nonsense"], ["--scopes", ""], ["--name", " "]])
def test_command_refuses_what_no_token_may_be(arguments):
    user = make_user()

    with pytest.raises(CommandError):
        call_command("create_api_token", user.username, *arguments, stdout=StringIO())

    assert not AccessToken.objects.exists()
