"""Mail over REST: a raw message in, and one's own that wait."""

import pytest

from service.models import IncomingMail, Interaction
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_contact, make_user
from tests.service.letters import letter

ROOT = "/api/v1/mails/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def mei(db):
    user = make_user()
    make_contact(account=make_account(owner=user), email="wang@customer.example")
    return user


def send(client, raw, kind="message/rfc822"):
    return client.generic("POST", ROOT, raw, content_type=kind)


def test_a_raw_message_is_logged_once(rest, mei):
    client = rest(mei)

    made, again = send(client, letter(files=[("a.exe", "application/x", b"MZ")])), send(client, letter())

    row = Interaction.objects.get()
    assert (made.status_code, again.status_code) == (201, 200)
    told = made.json()
    assert (told["is_new"], told["mail"]["state"], told["mail"]["interactions"]) == (True, "logged", [row.pk])
    assert "a.exe" in told["refused"][0]
    assert (again.json()["is_new"], again.json()["mail"]["interactions"]) == (False, [row.pk])
    assert row.logged_by == mei


def test_one_that_fits_no_account_waits_for_its_user_alone(rest, mei):
    client, stranger = rest(mei), rest(make_user())
    send(client, letter(sender="li@other.example"))
    (waits,) = client.get(ROOT, {"state": "waiting"}).json()["results"]
    assert (waits["sender"], waits["text"]) == ("li@other.example", "We agree on 42.")
    assert stranger.get(ROOT).json()["results"] == []
    for step in ("assign", "aside"):
        assert_problem(stranger.post(f"{ROOT}{waits['id']}/{step}/", {}, format="json"), 404)
    assign = f"{ROOT}{waits['id']}/assign/"

    assert_problem(client.post(assign, {"account": make_account().pk}, format="json"), 400)
    mine = make_account(owner=mei)
    told = client.post(assign, {"account": mine.pk}, format="json").json()

    assert Interaction.objects.get(pk=told["mail"]["interactions"][0]).account == mine
    assert_problem(client.post(assign, {"account": mine.pk}, format="json"), 422)
    send(client, letter(sender="li@other.example", message_id="<2@x>"))
    second = IncomingMail.objects.get(state="waiting")
    assert client.post(f"{ROOT}{second.pk}/aside/").json()["state"] == "aside"


def test_what_is_no_mail_too_large_or_of_another_type_is_refused(rest, mei, settings):
    client = rest(mei)
    settings.MAIL_IN_MAX_MB = 1

    assert "no mail" in assert_problem(send(client, b"hello"), 422)["detail"]
    assert_problem(send(client, b"{}", "application/json"), 415)
    assert "larger than 1 MB" in assert_problem(send(client, letter(text="x\n" * (1 << 20))), 413)["detail"]
    assert_problem(send(rest(make_user(role="analyst")), letter()), 403)
    assert not IncomingMail.objects.exists()
