"""Links of mails: new passwords and invitations; signed, good once, and telling strangers nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client

from accounts.access import Role
from accounts.enums_logins import LoginEventKind
from accounts.models import Invitation, LoginEvent, LoginLimit, LoginRule, User
from accounts.security import invitations, limits, people, resets
from accounts.security.links import BadAddress, mail_address, send
from accounts.security.visitors import Visitor
from accounts.tasks import mail_invitation_task, mail_reset_task
from tests.factories import make_superuser, make_user

PASSWORD, NEW = "a-long-Passw0rd", "another-Passw0rd-x"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """A worker does at once what it is sent."""
    for name in ("crm.web.doors.send", "crm.web.logins.send"):
        monkeypatch.setattr(name, lambda task, **arguments: task(**arguments))


def link_of(message):
    return re.search(r"http://testserver(/\S+)", message.body).group(1)


def set_by(path, password=NEW, client=None):
    return (client or Client()).post(path, {"new_password1": password, "new_password2": password})


def test_mail_leads_to_a_new_password_once(client):
    user = make_user(email="lin@example.com")
    client.force_login(user)

    page = Client().post("/login/forgot/", {"email": "LIN@example.com"})
    path = link_of(mail.outbox[0])
    first, second = set_by(path), set_by(path, "third-Passw0rd-x")

    user.refresh_from_db()
    assert "a mail is on its way" in page.content.decode()
    assert mail.outbox[0].to == ["lin@example.com"]
    assert (first.status_code, first.headers["Location"]) == (302, "/login/")
    assert second.status_code == 410
    assert user.check_password(NEW)
    assert client.get("/password/").status_code == 302
    assert "_auth_user_id" not in client.session
    assert LoginEvent.objects.filter(kind=LoginEventKind.RESET_DONE, user=user).count() == 1


def test_unknown_address_is_told_the_same_and_no_mail_leaves(client):
    make_user(email="lin@example.com")
    make_user(email="off@example.com", is_active=False)
    answers = {}
    for address in ("lin@example.com", "off@example.com", "nobody@example.com"):
        page = Client().post("/login/forgot/", {"email": address}).content.decode()
        answers[address] = re.sub(r'"X-CSRFToken": "\w+"|csrfmiddlewaretoken" value="\w+"', "", page)

    assert len(set(answers.values())) == 1
    assert [message.to for message in mail.outbox] == [["lin@example.com"]]


def test_page_does_the_same_for_known_and_unknown_addresses(client, django_assert_num_queries, monkeypatch):
    """Who has the address is looked up by a worker: the page's time cannot tell."""
    sent = []
    monkeypatch.setattr("crm.web.doors.send", lambda task, **arguments: sent.append((task, arguments["email"])))
    make_user(email="lin@example.com")
    counts = []
    for address in ("lin@example.com", "nobody@example.com"):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            client.post("/login/forgot/", {"email": address})
        counts.append([query["sql"].split()[0] for query in captured])

    assert counts[0] == counts[1]
    assert sent == [(mail_reset_task, "lin@example.com"), (mail_reset_task, "nobody@example.com")]


@pytest.mark.parametrize("change", ["password", "email", "off", "role", "time", "used"])
def test_link_dies_with_what_it_rests_on(change):
    with time_machine.travel(NOON, tick=False) as clock:
        user = make_user(email="lin@example.com", role="director")
        path = resets.link_path(user)
        assert Client().get(path).status_code == 200
        if change == "password":
            user.set_password("third-Passw0rd-x")
            user.save()
        elif change == "email":
            User.objects.filter(pk=user.pk).update(email="other@example.com")
        elif change == "off":
            people.switch_off(user=user, by=make_superuser(), visitor=Visitor(), now=NOON)
            assert Client().get(path).status_code == 410
            people.switch_on(user=user, by=make_superuser(), visitor=Visitor(), now=NOON)
        elif change == "role":
            User.objects.filter(pk=user.pk).update(role="member")
        elif change == "time":
            clock.move_to(NOON + timedelta(hours=2, seconds=1))
        else:
            set_by(path)

        assert Client().get(path).status_code == 410
        assert set_by(path).status_code == 410


@pytest.mark.parametrize(
    "path", ["/login/reset/x/y-z/", "/login/reset/OTk5OTk5/a-b/", "/login/reset/MQ/c/", "/join/x/", "/join/1-a.b/"]
)
def test_made_up_links_are_refused(client, path):
    answer = client.get(path)

    assert answer.status_code == 410
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_weak_password_is_refused_and_the_link_stays_good():
    user = make_user(email="lin@example.com")
    path = resets.link_path(user)

    assert set_by(path, "12345").status_code == 200
    assert set_by(path).status_code == 302


def test_new_password_leaves_the_second_factor_before_the_door(client):
    user = make_user(email="lin@example.com")
    LoginRule.objects.create(second_factor_roles=["member"])
    set_by(resets.link_path(user), client=client)

    answer = client.post("/login/", {"username": user.username, "password": NEW})

    assert answer.headers["Location"] == "/login/setup/"


def test_mails_for_one_address_are_limited(client):
    make_user(email="lin@example.com")
    for number in range(limits.RESET.tries + 3):
        Client(REMOTE_ADDR=f"203.0.113.{number + 1}").post("/login/forgot/", {"email": "lin@example.com"})

    assert len(mail.outbox) == limits.RESET.tries


INJECTED = [
    f"{head}{tail}"
    for head in ("lin@example.com", "lin")
    for tail in (
        "\nBcc: x@evil.example", "\r\nBcc: x@evil.example", "\rBcc: x@evil.example", "%0aBcc:x@evil.example\n",
        "\x00", "\x0bBcc: x", "\x0cBcc: x", "\x85Bcc: x", "\u2028Bcc: x", "\u2029Bcc: x", ", x@evil.example",
        ",x@evil.example", ";x@evil.example", " x@evil.example", "\tx@evil.example", "<x@evil.example>",
        "\r\n\r\n<script>alert(1)</script>", "\nSubject: x", "\nContent-Type: text/html", "\n.\nMAIL FROM:<x>",
    )
]  # fmt: skip


@pytest.mark.parametrize("address", INJECTED)
def test_address_that_carries_more_than_an_address_is_none(address):
    with pytest.raises(BadAddress):
        mail_address(address)


# A NUL never reaches a page: it counts as nothing typed.
@pytest.mark.parametrize("address", [one for one in INJECTED if one.replace("\x00", "") != "lin@example.com"])
def test_address_that_carries_more_than_an_address_is_refused(client, address):
    client.post("/login/forgot/", {"email": address})
    client.force_login(make_superuser())
    refused = client.post("/logins/invitations/new/", {"email": address, "role": "member"})

    assert refused.status_code == 422
    assert mail.outbox == []
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("subject", ["Hello\nBcc: x@evil.example", "Hello\r\nBcc: x", "Hello\x00\u2028Bcc: x"])
def test_subject_stays_one_line(subject):
    send(to="lin@example.com", subject=subject, text="x")

    headers = mail.outbox[0].message()
    assert headers["Bcc"] is None
    assert "\n" not in headers["Subject"]
    assert sorted(headers.keys()) == sorted(set(headers.keys()))


def invite(**fields):
    fields = {"email": "wang@example.com", "role": "member", "by": make_superuser(), "visitor": Visitor(),
              "now": datetime.now(UTC), **fields}  # fmt: skip
    return invitations.invite(**fields)


def joining(**fields):
    return {"username": "wang", "first_name": "Wei", "last_name": "Wang", "password1": NEW, "password2": NEW, **fields}


def test_invitation_makes_a_log_in_once_with_the_role_that_was_chosen(client):
    boss = make_superuser()
    client.force_login(boss)
    page = client.post(
        "/logins/invitations/new/", {"email": "wang@example.com", "role": "manager", "language": "zh-hans"}
    )
    path = link_of(mail.outbox[0])
    first, second, guest = Client(), Client(), Client()

    assert path in page.content.decode()
    assert "wang" in guest.get(path).content.decode()
    answer = first.post(path, joining())
    assert second.post(path, joining(username="wang2")).status_code == 410

    user = User.objects.get(username="wang")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert (user.role, user.email, user.language) == ("manager", "wang@example.com", "zh-hans")
    assert not user.is_staff
    assert not user.is_superuser
    assert first.get("/password/").status_code == 200
    assert Invitation.objects.get().user == user


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"password2": "different"}, "The two passwords differ"),
        ({"password1": "12345", "password2": "12345"}, "too short"),
        ({"username": ""}, "required"),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "taken"}, "already exists"),
        ({"password1": "wang@example.com", "password2": "wang@example.com"}, "too similar"),
    ],
)
def test_invitation_refuses_what_cannot_be_and_stays_open(client, fields, word):
    make_user(username="taken")
    path = invitations.link_path(invite())

    answer = client.post(path, joining(**fields))

    assert word in answer.content.decode()
    assert not User.objects.filter(username="wang").exists()
    assert client.post(path, joining()).status_code == 302


def test_fields_that_are_not_asked_for_change_nothing(client):
    path = invitations.link_path(invite())

    client.post(path, joining(role="administrator", is_superuser="on", is_staff="on", email="x@evil.example"))

    user = User.objects.get(username="wang")
    assert (user.role, user.is_superuser, user.is_staff, user.email) == ("member", False, False, "wang@example.com")


@pytest.mark.parametrize("end", ["withdrawn", "expired", "replaced", "inviter off", "inviter lost the right"])
def test_invitation_ends(client, end):
    boss = make_user(role="administrator")
    made = invite(by=boss, now=NOON if end == "expired" else datetime.now(UTC))
    path = invitations.link_path(made)
    if end == "withdrawn":
        client.force_login(make_superuser())
        client.post(f"/logins/invitations/{made.pk}/withdraw/")
    elif end == "replaced":
        newer = invite(by=make_superuser(), email="WANG@example.com")
        assert Client().get(invitations.link_path(newer)).status_code == 200
    elif end == "inviter off":
        User.objects.filter(pk=boss.pk).update(is_active=False)
    elif end == "inviter lost the right":
        User.objects.filter(pk=boss.pk).update(role="director")

    assert Client().post(path, joining()).status_code == 410
    assert not User.objects.filter(username="wang").exists()


def test_invitation_to_somebody_who_logs_in_already_is_refused(client):
    make_user(email="wang@example.com")
    client.force_login(make_superuser())

    answer = client.post("/logins/invitations/new/", {"email": "Wang@Example.com", "role": "member"})

    assert answer.status_code == 422
    assert "has a log-in already" in answer.content.decode()


def test_invited_role_that_needs_a_second_factor_sets_one_up_first(client):
    LoginRule.objects.create(second_factor_roles=["member"])

    answer = client.post(invitations.link_path(invite()), joining())

    assert answer.headers["Location"] == "/login/setup/"
    assert client.get("/password/").status_code == 302


def test_mail_of_a_withdrawn_invitation_is_not_sent():
    made = invite()
    invitations.withdraw(invitation=made, by=make_superuser(), visitor=Visitor(), now=datetime.now(UTC))

    mail_invitation_task(invitation_id=made.pk, base="http://testserver")

    assert mail.outbox == []


LOOKING = ["/logins/", "/logins/invitations/", "/logins/log/", "/logins/locks/", "/logins/rule/"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_log_ins_of_others_are_for_administrators(client, role):
    user, other = make_user(role=role.value), make_user()
    client.force_login(user)

    for path in [*LOOKING, "/logins/invitations/new/"]:
        assert client.get(path).status_code == 403
    for path in ("off", "on", "sign-out", "second-factor/remove", "reset-link"):
        assert client.post(f"/logins/{other.pk}/{path}/").status_code == 403
    assert client.post("/logins/locks/lift/", {"kind": "user", "subject": "x"}).status_code == 403
    assert client.post("/logins/rule/", {"roles": ["member"]}).status_code == 403
    other.refresh_from_db()
    assert other.is_active


@pytest.mark.parametrize("path", LOOKING)
def test_lists_ask_as_many_statements_for_three_as_for_one(client, path):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    boss = make_superuser()
    client.force_login(boss)

    def add(number):
        user = make_user()
        Client().post("/login/", {"username": user.username, "password": "wrong"})
        since = datetime.now(UTC)
        LoginLimit.objects.create(kind="user", subject=f"x{number}", attempts=99, since=since)
        invite(by=boss, email=f"x{number}@example.com")

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    add(1)
    client.get(path)
    with_one = count()
    add(2)
    add(3)

    assert count() == with_one


def test_administrator_switches_off_at_once_and_lets_in_again(client):
    user, other = make_user(), Client()
    other.force_login(user)
    client.force_login(make_user(role="administrator"))

    client.post(f"/logins/{user.pk}/off/")
    assert other.get("/password/").status_code == 302
    assert "switched off" in other.get("/login/").content.decode()
    client.post(f"/logins/{user.pk}/on/")

    assert other.post("/login/", {"username": user.username, "password": PASSWORD}).status_code == 302
    assert list(LoginEvent.objects.filter(actor__isnull=False, user=user).order_by("pk").values_list("kind", flat=True)) == [
        LoginEventKind.SWITCHED_OFF, LoginEventKind.SWITCHED_ON,
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["off", "sign-out", "second-factor/remove", "reset-link"])
def test_administrators_do_not_touch_superusers_nor_themselves_here(client, path):
    root, boss = make_superuser(), make_user(role="administrator")
    client.force_login(boss)

    for target in (root, boss):
        answer = client.post(f"/logins/{target.pk}/{path}/", follow=True)
        assert "log-in" in answer.content.decode()
        assert "/login/reset/" not in answer.content.decode()
    root.refresh_from_db()
    boss.refresh_from_db()
    assert (root.is_active, boss.is_active) == (True, True)
    assert client.get("/password/").status_code == 200


def test_administrator_lifts_a_lock(client):
    user = make_user()
    for _ in range(limits.USER.tries):
        Client().post("/login/", {"username": user.username, "password": "wrong"})
    client.force_login(make_superuser())
    assert user.username not in client.get("/logins/locks/").content.decode()
    Client().post("/login/", {"username": user.username, "password": "wrong"})
    assert user.username in client.get("/logins/locks/").content.decode()

    client.post("/logins/locks/lift/", {"kind": "user", "subject": user.username})

    assert Client().post("/login/", {"username": user.username, "password": PASSWORD}).status_code == 302
    assert LoginEvent.objects.filter(kind=LoginEventKind.UNLOCKED).count() == 1


def test_administrator_sets_the_rule_of_the_second_factor(client):
    client.force_login(make_superuser())

    client.post("/logins/rule/", {"roles": ["director", "analyst"]})
    wrong = client.post("/logins/rule/", {"roles": ["emperor"]})

    assert LoginRule.current().second_factor_roles == ["analyst", "director"]
    assert wrong.status_code == 200


def test_link_for_a_new_password_is_shown_to_the_administrator_and_written_down(client):
    user = make_user()
    client.force_login(make_superuser())

    page = client.post(f"/logins/{user.pk}/reset-link/").content.decode()
    path = re.search(r"http://testserver(/login/reset/\S+/)<", page).group(1)

    assert set_by(path).status_code == 302
    assert LoginEvent.objects.filter(kind=LoginEventKind.RESET_ASKED, user=user, actor__isnull=False).exists()


def test_explicit_right_opens_what_the_role_does_not(client):
    user = make_user()
    user.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client.force_login(user)

    assert client.get("/logins/").status_code == 200
    assert client.post(f"/logins/{make_user().pk}/off/").status_code == 403


@pytest.mark.parametrize(
    "query", ["?q=%00", "?address=nonsense", "?page=99999", "?q=" + "x" * 5000, "?refused=1&q=%E7%8E%8B"]
)
def test_odd_filters_of_the_log_answer(client, query):
    client.force_login(make_superuser())

    assert client.get(f"/logins/log/{query}").status_code == 200
