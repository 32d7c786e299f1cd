"""What comes with a log-in: limits, the log, sessions that end when they should, and nothing that leads elsewhere."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client, override_settings

from accounts.enums_logins import LoginEventKind, LoginReason, SessionEnd
from accounts.models import LoginEvent, LoginLimit, User, UserSession
from accounts.security import limits
from tests.factories import make_superuser, make_user
from tests.routes import addresses

PASSWORD = "a-long-Passw0rd"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def log_in(client, user, password=PASSWORD, **data):
    return client.post("/login/", {"username": user.username, "password": password, **data})


def events():
    return list(LoginEvent.objects.order_by("pk").values_list("kind", "ok", "reason", "user"))


def is_in(client):
    return client.get("/password/").status_code == 200


def test_log_in_is_written_down_with_address_and_device(client):
    user = make_user()

    client.post(
        "/login/",
        {"username": user.username, "password": PASSWORD},
        REMOTE_ADDR="203.0.113.7",
        headers={"user-agent": "Firefox"},
    )

    event, session = LoginEvent.objects.get(), UserSession.objects.get()
    assert (event.kind, event.ok, event.user, event.address, event.agent) == (
        LoginEventKind.PASSWORD, True, user, "203.0.113.7", "Firefox",
    )  # fmt: skip
    assert (session.user, session.address, session.agent, session.ended_at) == (user, "203.0.113.7", "Firefox", None)


def test_wrong_names_and_wrong_passwords_are_told_the_same_and_written_down(client):
    user = make_user()

    answers = [log_in(client, user, "wrong"), client.post("/login/", {"username": "nobody", "password": "wrong"})]

    texts = {
        re.sub(
            r"(X-CSRFToken\": |csrfmiddlewaretoken\" value=)\"\w+",
            "",
            answer.content.decode().replace(user.username, "nobody"),
        )
        for answer in answers
    }
    assert len(texts) == 1
    assert events() == [
        (LoginEventKind.PASSWORD, False, LoginReason.WRONG, user.pk),
        (LoginEventKind.PASSWORD, False, LoginReason.WRONG, None),
    ]


def test_switched_off_log_in_is_told_to_those_alone_who_know_the_password(client):
    user = make_user(is_active=False)

    assert "switched off" not in log_in(client, user, "wrong").content.decode()
    assert "switched off" in log_in(client, user).content.decode()
    assert "_auth_user_id" not in client.session


def test_right_password_is_refused_once_the_name_is_locked_and_taken_when_time_has_passed(client):
    user = make_user()
    with time_machine.travel(NOON, tick=False):
        for _ in range(limits.USER.tries):
            log_in(client, user, "wrong")
        locked = log_in(client, user)
    with time_machine.travel(NOON + limits.USER.span, tick=False):
        later = log_in(client, user)

    assert "Too many wrong tries for this name. Try again after 12:15" in locked.content.decode()
    assert later.status_code == 302
    assert LoginEvent.objects.filter(reason=LoginReason.LOCKED_USER).count() == 1


def test_right_password_before_the_limit_starts_the_count_anew(client):
    user = make_user()
    for _ in range(2):
        for _ in range(limits.USER.tries - 1):
            log_in(client, user, "wrong")
        assert log_in(client, user).status_code == 302
        client.post("/logout/")

    assert LoginLimit.objects.get(kind="address").attempts == 2 * (limits.USER.tries - 1)


def test_other_spellings_of_a_name_are_the_same_name(client):
    user = make_user(username="Ärger")
    for spelling in ("ÄRGER", "A\u0308rger", "ärger") * 4:
        client.post("/login/", {"username": spelling, "password": "wrong"})

    assert "Too many wrong tries" in log_in(client, user).content.decode()


def test_address_is_locked_whatever_the_names_and_others_are_not(client):
    user = make_user()
    LoginLimit.objects.create(
        kind="address", subject="127.0.0.1", attempts=limits.ADDRESS.tries, since=datetime.now(UTC)
    )

    here = log_in(client, user)
    elsewhere = client.post("/login/", {"username": user.username, "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")

    assert "from your network" in here.content.decode()
    assert elsewhere.status_code == 302


@pytest.mark.parametrize(
    ("proxies", "told", "noted"),
    [
        (0, "198.51.100.1", "203.0.113.7"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "203.0.113.7"),
        (1, "rubbish", None),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_address_is_what_the_outermost_proxy_of_ours_saw(client, settings, proxies, told, noted):
    settings.TRUSTED_PROXIES = proxies
    user = make_user()

    client.post(
        "/login/",
        {"username": user.username, "password": PASSWORD},
        REMOTE_ADDR="203.0.113.7",
        headers={"x-forwarded-for": told},
    )

    assert LoginEvent.objects.get().address == noted


def test_one_ipv6_subscriber_is_one_address(client):
    user = make_user()
    since = datetime.now(UTC)
    LoginLimit.objects.create(kind="address", subject="2001:db8:1:2::/64", attempts=limits.ADDRESS.tries, since=since)

    answer = client.post(
        "/login/", {"username": user.username, "password": PASSWORD}, REMOTE_ADDR="2001:db8:1:2:3:4:5:6"
    )

    assert "from your network" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_limit_is_exact_under_parallel_tries():
    """FACET_LOGINS=1000 for the whole of reliability.md S9."""
    user, tries = make_user(), int(os.environ.get("FACET_LOGINS", "200"))

    def attempt(number: int) -> bool:
        try:
            answer = Client(REMOTE_ADDR=f"10.0.{number // 250}.{number % 250 + 1}").post(
                "/login/", {"username": user.username, "password": "wrong"}
            )
            return "do not match" in answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        looked_at = sum(pool.map(attempt, range(tries)))

    assert looked_at == limits.USER.tries
    assert LoginEvent.objects.filter(reason=LoginReason.WRONG).count() == limits.USER.tries
    assert LoginEvent.objects.filter(reason=LoginReason.LOCKED_USER).count() == tries - limits.USER.tries


def test_log_in_takes_a_new_session_key(client):
    user = make_user()
    client.get("/login/")
    session = client.session
    session["left"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key

    log_in(client, user)

    assert client.cookies["sessionid"].value != session.session_key
    assert Client().get("/password/", headers={"cookie": f"sessionid={session.session_key}"}).status_code == 302


def test_log_out_ends_the_session_for_good(client):
    log_in(client, make_user())
    key = client.cookies["sessionid"].value

    client.post("/logout/")

    client.cookies["sessionid"] = key
    assert not is_in(client)
    assert UserSession.objects.get(session_key=key).ended_reason == SessionEnd.LOGOUT


@pytest.mark.parametrize("lost", ["is_active", "is_staff", "is_superuser"])
@pytest.mark.parametrize("way", ["save", "update"])
def test_lost_rank_ends_sessions_with_the_next_request(client, lost, way):
    user = make_superuser()
    log_in(client, user)
    assert is_in(client)

    if way == "save":
        setattr(user, lost, False)
        user.save()
    else:
        User.objects.filter(pk=user.pk).update(**{lost: False})

    assert not is_in(client)
    User.objects.filter(pk=user.pk).update(is_active=True, is_staff=True, is_superuser=True)
    assert not is_in(client)


def test_another_role_ends_sessions_with_the_next_request(client):
    user = make_user(role="director")
    log_in(client, user)

    User.objects.filter(pk=user.pk).update(role="analyst")

    assert not is_in(client)
    assert "your rights were changed" in client.get("/login/").content.decode()


@pytest.mark.parametrize("way", ["remove", "clear", "reverse", "set"])
def test_lost_role_ends_sessions_with_the_next_request(client, way):
    user, group = make_user(), Group.objects.create(name="Managers")
    user.groups.add(group)
    log_in(client, user)

    {
        "remove": lambda: user.groups.remove(group),
        "clear": user.groups.clear,
        "reverse": lambda: group.user_set.remove(user),
        "set": lambda: user.groups.set([]),
    }[way]()

    assert not is_in(client)


def test_lost_right_ends_sessions_and_a_gained_one_does_not(client):
    user, right = make_user(), Permission.objects.get(codename="add_account")
    log_in(client, user)

    user.user_permissions.add(right)
    assert is_in(client)
    user.user_permissions.remove(right)

    assert not is_in(client)


def test_row_written_back_by_somebody_who_read_it_earlier_revives_nothing(client):
    user = make_user()
    log_in(client, user)
    stale = User.objects.get(pk=user.pk)
    User.objects.filter(pk=user.pk).update(is_active=False)

    stale.save()

    assert not is_in(client)


def test_changed_password_ends_the_others_and_keeps_this_one(client):
    user, other, new = make_user(), Client(), "another-Passw0rd-x"
    log_in(client, user)
    log_in(other, user)

    client.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert is_in(client)
    assert not is_in(other)
    assert "your password was changed" in other.get("/login/").content.decode()
    assert UserSession.objects.filter(user=user, ended_at=None).get().session_key == client.cookies["sessionid"].value


def test_log_in_page_says_why_one_was_signed_out(client):
    user = make_user()
    log_in(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    page = client.get("/accounts/", follow=True)

    assert "this log-in was switched off" in page.content.decode()


def test_older_hash_becomes_argon2_at_log_in_and_ends_no_session(client):
    user, other = make_user(), Client()
    log_in(other, user)
    argon2_first = ["accounts.hashers.Argon2", "django.contrib.auth.hashers.MD5PasswordHasher"]

    with override_settings(PASSWORD_HASHERS=argon2_first):
        assert log_in(client, user).status_code == 302

        user.refresh_from_db()
        assert identify_hasher(user.password).algorithm == "argon2"
        assert "m=19456,t=2,p=1" in user.password
        assert is_in(client)
        assert is_in(other)
        client.post("/logout/")
        assert log_in(client, user).status_code == 302


def test_session_in_use_is_noted_every_five_minutes(client):
    user = make_user()
    with time_machine.travel(NOON, tick=False):
        log_in(client, user)
    with time_machine.travel(NOON + timedelta(minutes=4), tick=False):
        client.get("/password/")
        assert UserSession.objects.get().last_seen_at == NOON
    with time_machine.travel(NOON + timedelta(minutes=6), tick=False):
        client.get("/password/")

    assert UserSession.objects.get().last_seen_at == NOON + timedelta(minutes=6)


FOREIGN = [
    "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "http:\\\\evil.example", "HTTPS://EVIL.EXAMPLE",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "ftp://evil.example", "mailto:a@evil.example",
    " //evil.example", "\t//evil.example", "\n//evil.example", "\r\n//evil.example", "\x00//evil.example",
    "/\t/evil.example", "/\n/evil.example", "//testserver@evil.example", "https://testserver@evil.example",
    "https://testserver.evil.example", "https://testserver:x@evil.example/", "http://[::1", "http://2130706433/",
    "//evil%2Eexample", "//evil.example\\@testserver", "http://testserver\\.evil.example", "\u2044\u2044evil.example//x:",
    "https://evil.example#@testserver/", "https://evil.example?testserver", "//\u3002evil.example", "\\\t\\evil.example",
]  # fmt: skip


@pytest.mark.parametrize("wanted", FOREIGN)
def test_log_in_leads_nowhere_else(client, wanted):
    response = log_in(client, make_user(), next=wanted)

    goal = response.headers["Location"]
    assert response.status_code == 302
    assert re.match(r"/(?![/\\])", goal)
    again = client.get("/login/", {"next": wanted})
    assert again.headers["Location"] == goal


def test_log_in_itself_is_no_goal(client):
    client.force_login(make_user())

    assert client.get("/login/?next=/login/%3Fnext=/login/").headers["Location"] == "/"


def test_every_unsafe_request_is_refused_without_the_token_of_its_form():
    """The session's cookie alone, as another site's form would send it."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(make_superuser())
    taken = []
    for address in addresses():
        for method in ("post", "put", "patch", "delete"):
            status = getattr(client, method)(address, {}, content_type="application/json").status_code
            if status not in {403, 404, 405, 415}:  # 415: told by its kind, before anything else is looked at
                taken.append((method, address, status))

    assert taken == []
    assert is_in(client)
    assert len(addresses()) > 400
