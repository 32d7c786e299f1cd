"""The second factor: set up, asked for, used once, and never to be got round."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.models import LoginEvent, LoginRule, User, UserSession
from accounts.security import factors, limits
from accounts.security.visitors import Visitor
from tests.factories import make_superuser, make_user
from tests.routes import addresses

PASSWORD = "a-long-Passw0rd"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

pytestmark = pytest.mark.django_db


def code_at(moment, secret=SECRET):
    return format_hotp_value(hotp_value(secret, int(moment.timestamp()) // 30))


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def with_app(**fields):
    """A user whose app was set up ten minutes before noon, and the recovery codes."""
    user = make_user(**fields)
    with time_machine.travel(NOON - timedelta(minutes=10), tick=False):
        codes = factors.add_app(
            user=user, secret=SECRET, code=code_at(datetime.now(UTC)), visitor=Visitor(), now=datetime.now(UTC)
        )
    return user, codes


def half_in(client, user, **data):
    """Name and password shown; the second factor is asked for."""
    answer = client.post("/login/", {"username": user.username, "password": PASSWORD, **data})
    assert answer.headers["Location"] == "/login/code/"
    return client


def is_in(client):
    return client.get("/password/").status_code == 200


def test_log_in_with_an_app_takes_two_steps_and_keeps_where_to(client, clock):
    user, _codes = with_app()
    half_in(client, user, next="/accounts/?grade=gold")
    before = client.cookies["sessionid"].value

    answer = client.post("/login/code/", {"code": code_at(NOON)})

    assert answer.headers["Location"] == "/accounts/?grade=gold"
    assert is_in(client)
    assert client.cookies["sessionid"].value != before
    assert list(LoginEvent.objects.filter(user=user).order_by("pk").values_list("kind", "ok")) == [
        (LoginEventKind.FACTOR_ADDED, True),
        (LoginEventKind.PASSWORD, True),
        (LoginEventKind.SECOND_FACTOR, True),
    ]


def test_secret_of_the_app_is_not_in_the_database(clock):
    user, codes = with_app()

    kept = str(list(Authenticator.objects.filter(user=user).values_list("data", flat=True)))

    assert SECRET not in kept
    assert len(codes) == 10
    assert not any(code in kept for code in codes)


OPEN = re.compile(
    r"/(healthz|readyz|login/.*|join/.*|i18n/.*|choices/language/|static/.*|api/v1/(schema|docs)/|admin/jsi18n/|api/x)"
)


@pytest.mark.parametrize("role", ["member", "administrator"])
def test_no_address_lets_past_the_second_step(clock, role):
    """Every route there is, read and written to between the two steps, as by somebody who is not logged in at all."""
    user, _codes = with_app(role=role, is_superuser=role == "administrator", is_staff=role == "administrator")
    let_in = []
    client = half_in(Client(raise_request_exception=False), user)
    for address in addresses():
        if OPEN.fullmatch(address):
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(address)
            if answer.status_code in {200, 201, 204, 500} or "_auth_user_id" in client.session:
                let_in.append((method, address, answer.status_code))

    assert let_in == []
    half_in(client, user)  # logging out is among the addresses
    assert client.post("/login/code/", {"code": code_at(NOON)}).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize("way", ["/login/setup/", "/you/second-factor/app/", "/login/"])
def test_setting_up_another_app_is_no_way_round(client, clock, way):
    user, _codes = with_app()
    LoginRule.objects.create(second_factor_roles=["member"])
    half_in(client, user)

    answer = client.get(way)

    assert "data:image/svg+xml" not in answer.content.decode()
    assert not is_in(client)


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "abcdef", "１２３４５６", "00000000", "1" * 21, "\x00"])
def test_wrong_code_is_refused_with_words(client, clock, wrong):
    user, _codes = with_app()
    half_in(client, user)

    answer = client.post("/login/code/", {"code": wrong})

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode() or "field-error" in answer.content.decode()
    assert not is_in(client)


def test_code_is_good_once(clock):
    user, _codes = with_app()
    first, second = half_in(Client(), user), half_in(Client(), user)

    assert first.post("/login/code/", {"code": code_at(NOON)}).status_code == 302
    again = second.post("/login/code/", {"code": code_at(NOON)})
    earlier = second.post("/login/code/", {"code": code_at(NOON - timedelta(seconds=30))})

    assert "used already" in again.content.decode()
    assert "used already" in earlier.content.decode()


def test_code_of_the_neighbouring_half_minutes_counts_and_no_other(client, clock):
    user, _codes = with_app()
    half_in(client, user)

    for seconds in (-90, -60, 60, 90):
        assert client.post("/login/code/", {"code": code_at(NOON + timedelta(seconds=seconds))}).status_code == 200
    assert client.post("/login/code/", {"code": code_at(NOON + timedelta(seconds=30))}).status_code == 302


def test_sixth_wrong_code_locks_the_right_one_out_until_time_has_passed(client, clock):
    user, _codes = with_app()
    half_in(client, user)
    for _ in range(limits.CODE.tries):
        client.post("/login/code/", {"code": "000000"})

    locked = client.post("/login/code/", {"code": code_at(NOON)})
    clock.move_to(NOON + limits.CODE.span)
    half_in(client, user)
    later = client.post("/login/code/", {"code": code_at(NOON + limits.CODE.span)})

    assert "Too many wrong codes" in locked.content.decode()
    assert later.status_code == 302
    assert LoginEvent.objects.filter(reason=LoginReason.LOCKED_CODE).count() == 1


def test_wrong_codes_are_counted_over_log_ins(clock):
    """A new log-in with the right password does not start the count anew."""
    user, _codes = with_app()
    for _ in range(limits.CODE.tries):
        half_in(Client(), user).post("/login/code/", {"code": "000000"})

    assert (
        "Too many wrong codes" in half_in(Client(), user).post("/login/code/", {"code": code_at(NOON)}).content.decode()
    )


def test_recovery_code_stands_in_once(clock):
    user, codes = with_app()
    first, second = half_in(Client(), user), half_in(Client(), user)

    assert first.post("/login/code/", {"code": f" {codes[3][:4]}-{codes[3][4:]} "}).status_code == 302
    assert second.post("/login/code/", {"code": codes[3]}).status_code == 200
    assert second.post("/login/code/", {"code": codes[4]}).status_code == 302
    assert factors.factors_of(user).codes_left == 8


@pytest.mark.parametrize("what", ["password", "off", "time"])
def test_half_way_in_ends_with_what_it_rests_on(client, clock, what):
    user, _codes = with_app()
    half_in(client, user)

    if what == "password":
        user.set_password("another-Passw0rd-x")
        user.save()
    elif what == "off":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        clock.move_to(NOON + timedelta(minutes=11))

    answer = client.post("/login/code/", {"code": code_at(datetime.now(UTC))})
    assert answer.headers["Location"] == "/login/"
    assert not is_in(client)


def set_up(client, path, **data):
    page = client.get(path).content.decode()
    assert "data:image/svg+xml;base64," in page
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
    return client.post(path, {"code": code_at(NOON, secret), **data})


def test_app_is_set_up_with_the_password_and_codes_are_shown_once(client, clock):
    user = make_user()
    client.force_login(user)

    refused = set_up(client, "/you/second-factor/app/", password="wrong")
    made = set_up(client, "/you/second-factor/app/", password=PASSWORD)
    codes = re.findall(r"<li><code>([0-9]{8})</code>", made.content.decode())

    assert refused.status_code == 422
    assert "This is not your password" in refused.content.decode()
    assert len(codes) == 10
    assert made.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert not any(code in client.get("/you/").content.decode() for code in codes)
    file = client.post("/you/second-factor/codes/file/", {"codes": " ".join(codes)})
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.content.decode().split()[-10:] == codes
    assert client.post("/you/second-factor/codes/file/", {"codes": "12345678"}).status_code == 302


def test_role_that_needs_a_second_factor_sets_one_up_before_anything_else(client, clock):
    user = make_user(role="director")
    LoginRule.objects.create(second_factor_roles=["director"])

    answer = client.post("/login/", {"username": user.username, "password": PASSWORD, "next": "/metrics/"})
    assert answer.headers["Location"] == "/login/setup/"
    assert not is_in(client)
    assert client.get("/login/code/").headers["Location"] == "/login/"
    made = set_up(client, "/login/setup/")

    assert "Recovery codes" in made.content.decode()
    assert 'href="/metrics/"' in made.content.decode()
    assert is_in(client)


def test_new_rule_signs_out_those_who_lack_what_it_asks_for(client, clock):
    boss, user, (ready, _codes) = make_superuser(), make_user(), with_app()
    client.force_login(user)
    other = Client()
    other.force_login(ready)

    factors.require_of(roles=["member"], by=boss, visitor=Visitor(), now=NOON)

    assert not is_in(client)
    assert is_in(other)
    assert LoginEvent.objects.get(kind=LoginEventKind.RULE_CHANGED).detail == "member"


def test_last_factor_of_a_role_that_needs_one_stays(client, clock):
    user, _codes = with_app()
    LoginRule.objects.create(second_factor_roles=["member"])
    client.force_login(user)
    app = Authenticator.objects.get(user=user, type="totp")

    answer = client.post(f"/you/second-factor/{app.pk}/remove/", {"password": PASSWORD}, follow=True)

    assert "Your role needs a second factor" in answer.content.decode()
    assert factors.has_factor(user)


def test_removed_factor_takes_its_recovery_codes_along(client, clock):
    user, _codes = with_app()
    client.force_login(user)
    app = Authenticator.objects.get(user=user, type="totp")

    refused = client.post(f"/you/second-factor/{app.pk}/remove/", {"password": "wrong"})
    done = client.post(f"/you/second-factor/{app.pk}/remove/", {"password": PASSWORD})

    assert (refused.status_code, done.status_code) == (422, 302)
    assert not Authenticator.objects.filter(user=user).exists()


def test_factor_of_somebody_else_is_a_missing_one(client, clock):
    theirs, _codes = with_app()
    client.force_login(make_user())
    app = Authenticator.objects.get(user=theirs, type="totp")

    assert client.post(f"/you/second-factor/{app.pk}/remove/", {"password": PASSWORD}).status_code == 404
    assert factors.has_factor(theirs)


def test_new_codes_replace_the_old_ones(client, clock):
    user, codes = with_app()
    client.force_login(user)

    page = client.post("/you/second-factor/codes/", {"password": PASSWORD}).content.decode()

    assert not set(re.findall(r"<li><code>([0-9]{8})</code>", page)) & set(codes)
    assert half_in(Client(), user).post("/login/code/", {"code": codes[0]}).status_code == 200


def test_administrator_takes_everything_away_and_the_log_says_who(client, clock):
    boss, (user, _codes) = make_superuser(), with_app()
    client.force_login(user)

    removed = factors.remove_all_factors(user=user, by=boss, visitor=Visitor(), now=NOON)

    assert removed == 1
    assert not is_in(client)
    assert "second factor was changed" in client.get("/login/").content.decode()
    event = LoginEvent.objects.get(kind=LoginEventKind.FACTOR_REMOVED)
    assert (event.user, event.actor) == (user, boss)


def test_sessions_are_listed_and_ended_one_by_one_and_all_but_this(client):
    user, other, third = make_user(), Client(), Client()
    for one in (client, other, third):
        one.post("/login/", {"username": user.username, "password": PASSWORD})
    page = client.get("/you/sessions/").content.decode()
    theirs = UserSession.objects.get(session_key=other.cookies["sessionid"].value)

    client.post(f"/you/sessions/{theirs.pk}/end/")
    assert (is_in(client), is_in(other), is_in(third)) == (True, False, True)
    assert "ended this session elsewhere" in other.get("/login/").content.decode()
    client.post("/you/sessions/end-others/")

    assert (is_in(client), is_in(third)) == (True, False)
    assert page.count("/end/") == 3
    assert client.get("/you/sessions/").content.decode().count("/end/") == 1


def test_session_of_somebody_else_is_a_missing_one(client):
    theirs = Client()
    theirs.force_login(make_user())
    client.force_login(make_user())
    session = UserSession.objects.get(session_key=theirs.cookies["sessionid"].value)

    assert client.post(f"/you/sessions/{session.pk}/end/").status_code == 404
    assert is_in(theirs)


def test_log_shows_ones_own_lines_alone(client):
    user, stranger = make_user(), make_user()
    for name in (user.username, stranger.username):
        client.post("/login/", {"username": name, "password": "wrong"}, REMOTE_ADDR=f"203.0.113.{len(name)}")
    client.force_login(user)

    assert client.get("/you/log/").content.decode().count("<tr data-row>") == 1
