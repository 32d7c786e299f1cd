"""A mail server hands a mail on to the command: what goes in, and with which exit code."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from service import mails
from service.models import IncomingMail, Interaction
from tests.factories import make_account, make_contact, make_user
from tests.service.letters import letter


@pytest.fixture(autouse=True)
def _setup(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT, settings.MAIL_IN_DOMAIN = tmp_path, "in.us.example"
    for name in ("ORIGINAL_RECIPIENT", "RECIPIENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mei(db):
    user = make_user()
    make_contact(account=make_account(owner=user), email="wang@customer.example")
    return user


def hand_on(monkeypatch, raw, *args):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    out = io.StringIO()
    call_command("receive_mail", *args, stdout=out)
    return out.getvalue()


def refusal(monkeypatch, raw, *args):
    with pytest.raises(CommandError) as refused:
        hand_on(monkeypatch, raw, *args)
    return refused.value.returncode


def test_the_argument_the_environment_and_the_headers_say_to_whom(mei, monkeypatch):
    address = mails.address_of(mei)

    assert hand_on(monkeypatch, letter(), "--to", address) == "logged one@customer.example\n"
    monkeypatch.setenv("RECIPIENT", address)
    assert hand_on(monkeypatch, letter(message_id="<two@x>")) == "logged two@x\n"
    monkeypatch.delenv("RECIPIENT")
    for number, raw in enumerate(
        (
            letter(cc=address, message_id="<three@x>"),
            f"Delivered-To: {address}\r\n".encode() + letter(message_id="<4@x>"),
        )
    ):
        assert hand_on(monkeypatch, raw).startswith("logged"), number
    assert Interaction.objects.filter(logged_by=mei).count() == 4
    assert hand_on(monkeypatch, letter(sender="x@y.example", message_id="<5@x>"), "--to", address) == "waits 5@x\n"
    assert hand_on(monkeypatch, letter(), "--to", address) == "logged one@customer.example\n"
    assert Interaction.objects.count() == 4


def test_exit_codes_are_those_that_mail_servers_know(mei, monkeypatch, settings):
    address = mails.address_of(mei)
    assert refusal(monkeypatch, letter(), "--to", "log+nobody@in.us.example") == 67
    assert refusal(monkeypatch, letter()) == 67
    assert refusal(monkeypatch, b"hello", "--to", address) == 65

    def away(**_fields):
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(mails, "receive", away)
        assert refusal(patched, letter(), "--to", address) == 75
    settings.MAIL_IN_MAX_MB = 1
    assert refusal(monkeypatch, letter(text="x\n" * (1 << 20)), "--to", address) == 65
    settings.MAIL_IN_DOMAIN = ""
    assert refusal(monkeypatch, letter(), "--to", address) == 78
    assert not IncomingMail.objects.exists()
