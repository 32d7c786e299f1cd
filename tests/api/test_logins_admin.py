"""Second factors, the rule about them, locks, sessions and new passwords of others over REST."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import LoginEvent, LoginLimit, LoginRule, User, UserSession
from accounts.security import limits
from tests.api.conftest import allow, assert_problem, pointers
from tests.factories import make_superuser, make_user

FACTORS, LOCKS, RULE = "/api/v1/second-factors/", "/api/v1/log-in-locks/", "/api/v1/log-in-rule/"
pytestmark = pytest.mark.django_db


def factor_of(user, kind="totp", name=""):
    return Authenticator.objects.create(user=user, type=kind, data={"secret": "sealed-secret", "name": name})


def log_ins(user, step=""):
    return f"/api/v1/log-ins/{user.pk}/{step}"


def test_factors_are_listed_without_secrets_and_recovery_codes(admin):
    user = make_user()
    app, key = factor_of(user), factor_of(user, "webauthn", "Blue key")
    factor_of(user, "recovery_codes")
    factor_of(make_user())

    answer = admin.get(FACTORS, {"user": user.pk})

    rows = [(row["id"], row["type"], row["name"]) for row in answer.json()["results"]]
    assert rows == [(app.pk, "totp", ""), (key.pk, "webauthn", "Blue key")]
    assert "sealed" not in answer.content.decode()
    assert [row["id"] for row in admin.get(FACTORS, {"type": "webauthn"}).json()["results"]] == [key.pk]
    assert_problem(admin.get(FACTORS, {"secret": "x"}), 400)


def test_one_factor_goes_with_log_and_sessions_and_the_last_takes_the_codes_along(admin):
    user = make_user()
    app, key = factor_of(user), factor_of(user, "webauthn", "Blue key")
    factor_of(user, "recovery_codes")
    client = Client()
    client.force_login(user)

    assert admin.delete(f"{FACTORS}{app.pk}/").status_code == 204
    assert set(Authenticator.objects.filter(user=user).values_list("type", flat=True)) == {"webauthn", "recovery_codes"}
    assert client.get("/accounts/").status_code == 302
    line = LoginEvent.objects.get(kind="factor_removed")
    assert (line.user, line.actor) == (user, admin.user)
    assert admin.delete(f"{FACTORS}{key.pk}/").status_code == 204
    assert not Authenticator.objects.filter(user=user).exists()
    assert_problem(admin.delete(f"{FACTORS}{key.pk}/"), 404)


def test_ones_own_and_a_superusers_factors_are_not_taken_away_here(admin, rest):
    own, root = factor_of(admin.user), factor_of(make_superuser())
    helper = rest(allow(make_user(), "accounts.change_user", "accounts.view_user"))

    assert_problem(admin.delete(f"{FACTORS}{own.pk}/"), 409)
    assert_problem(helper.delete(f"{FACTORS}{root.pk}/"), 409)
    assert Authenticator.objects.count() == 2


def test_rule_is_read_and_changed_with_if_match(admin):
    without = make_user(role="director")
    client = Client()
    client.force_login(without)
    first = admin.get(RULE)

    assert first.json() == {"second_factor_roles": [], "changed_at": None, "changed_by": None}
    body = {"second_factor_roles": ["director", "director"]}
    assert_problem(admin.put(RULE, body, format="json"), 428)
    changed = admin.put(RULE, body, format="json", headers={"If-Match": first.headers["ETag"]})
    assert changed.json()["second_factor_roles"] == ["director"]
    assert changed.json()["changed_by"] == admin.user.pk
    assert_problem(admin.put(RULE, body, format="json", headers={"If-Match": first.headers["ETag"]}), 412)
    assert client.get("/accounts/").status_code == 302
    again = admin.get(RULE)
    assert again.headers["ETag"] == changed.headers["ETag"]
    wrong = admin.put(RULE, {"second_factor_roles": ["king"]}, format="json", headers={"If-Match": "*"})
    assert pointers(assert_problem(wrong, 400)) == ["/second_factor_roles/0"]
    assert LoginRule.current().second_factor_roles == ["director"]


def test_locks_are_listed_and_lifted(admin):
    now = timezone.now()
    locked = LoginLimit.objects.create(kind="user", subject="anna", attempts=limits.USER.tries + 1, since=now)
    LoginLimit.objects.create(kind="user", subject="mistyped", attempts=2, since=now)
    LoginLimit.objects.create(kind="user", subject="over", attempts=99, since=now - timedelta(days=1))

    told = admin.get(LOCKS).json()["results"]

    assert [(one["kind"], one["subject"], one["attempts"]) for one in told] == [("user", "anna", 11)]
    assert admin.delete(f"{LOCKS}{locked.pk}/").status_code == 204
    assert admin.get(LOCKS).json()["count"] == 0
    assert LoginEvent.objects.filter(kind="unlocked", user=admin.user, detail="user: anna").count() == 1
    assert_problem(admin.delete(f"{LOCKS}{locked.pk}/"), 404)
    assert LoginLimit.objects.count() == 2


def test_sessions_of_somebody_are_listed_and_one_is_ended(admin):
    user, phone, desk = make_user(), Client(), Client()
    for client in (phone, desk):
        client.force_login(user)
    first, second = UserSession.objects.filter(user=user).order_by("pk")

    told = admin.get(log_ins(user, "sessions/")).json()

    assert {one["id"] for one in told} == {first.pk, second.pk}
    assert admin.post(log_ins(user, "end-session/"), {"session": first.pk}, format="json").status_code == 204
    assert (phone.get("/accounts/").status_code, desk.get("/accounts/").status_code) == (302, 200)
    assert_problem(admin.post(log_ins(user, "end-session/"), {"session": first.pk}, format="json"), 400)
    assert_problem(admin.post(log_ins(make_user(), "end-session/"), {"session": second.pk}, format="json"), 400)
    assert desk.get("/accounts/").status_code == 200


def test_a_token_starts_a_new_password_by_mail_and_never_sees_the_link(admin, monkeypatch):
    sent = []
    monkeypatch.setattr("crm.api.logins.send", lambda task, **given: sent.append((task, given)))
    user = make_user(email="anna@example.com")

    answer = admin.post(log_ins(user, "reset-password/"), format="json")

    assert answer.json() == {"mailed_to": "anna@example.com", "link": None}
    ((task, given),) = sent
    task(**given)
    assert [message.to for message in mail.outbox] == [["anna@example.com"]]
    assert "/login/reset/" in mail.outbox[0].body
    assert LoginEvent.objects.filter(kind="reset_asked", user=user, actor=admin.user).exists()


@pytest.mark.parametrize("fields", [{"email": ""}, {"email": "a@example.com", "is_active": False}])
def test_no_mail_goes_where_none_can(admin, monkeypatch, fields):
    sent = []
    monkeypatch.setattr("crm.api.logins.send", lambda task, **given: sent.append(task))
    user = make_user(**fields)

    assert_problem(admin.post(log_ins(user, "reset-password/"), format="json"), 409)
    assert sent == []
    assert not LoginEvent.objects.exists()


def test_at_a_browser_the_link_is_answered_and_works_once():
    root, user = make_superuser(), make_user()
    client = Client()
    client.force_login(root)

    answer = client.post(log_ins(user, "reset-password/"), content_type="application/json")

    assert "no-store" in answer.headers["Cache-Control"]
    link = answer.json()["link"].removeprefix("http://testserver")
    new = {"new_password1": "another-long-Passw0rd", "new_password2": "another-long-Passw0rd"}
    assert Client().post(link, new).status_code == 302
    assert User.objects.get(pk=user.pk).check_password("another-long-Passw0rd")
    assert Client().post(link, new).status_code != 302
    assert_problem(client.post(log_ins(root, "reset-password/"), content_type="application/json"), 409)
