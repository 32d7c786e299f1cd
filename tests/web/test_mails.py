"""One's own address for mail on the pages, and the mails without an account."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from service import mails
from service.models import IncomingMail, Interaction
from tests.factories import make_account, make_contact, make_user
from tests.service.letters import letter

pytestmark = pytest.mark.django_db
PAGE = "/you/mail/"


@pytest.fixture(autouse=True)
def _setup(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MAIL_IN_DOMAIN = tmp_path, "in.us.example"


def html(response, status=200):
    assert response.status_code == status
    return response.content.decode()


def receive(user, **fields):
    return mails.receive(raw=letter(**fields), user=user, now=timezone.now()).mail


def test_the_page_shows_the_address_and_makes_a_new_one(client):
    user = make_user()
    client.force_login(user)

    first = re.search(r"log\+[a-z2-7]{26}@in\.us\.example", html(client.get(PAGE))).group()
    second = html(client.post(reverse("you:mail_renew"), follow=True))

    assert mails.user_of([first]) is None
    assert first not in second
    assert mails.address_of(user) in second


def test_without_a_domain_the_page_says_who_can_help(client, settings):
    settings.MAIL_IN_DOMAIN = ""
    client.force_login(make_user())

    assert "MAIL_IN_DOMAIN" in html(client.get(PAGE))
    assert client.post(reverse("you:mail_renew")).status_code == 302


def test_an_analyst_has_no_address(client):
    client.force_login(make_user(role="analyst"))

    assert client.get(PAGE).status_code == 403


def test_a_mail_that_waits_is_shown_escaped_and_assigned_by_tap_code_or_name(client):
    user = make_user()
    client.force_login(user)
    one, two = make_account(owner=user, name="Aurora Pumps"), make_account(owner=user, name="Aurora Valves")
    for account in (one, two):
        make_contact(account=account, email="wang@customer.example")
    found = [receive(user, subject=f"<b>Mail {n}</b>", message_id=f"<{n}@x>") for n in range(4)]
    page = html(client.get(PAGE))
    assert "&lt;b&gt;Mail 0&lt;/b&gt;" in page
    assert page.count("Aurora Pumps</button>") == 4
    assert "4 mails without an account" in html(client.get(reverse("service:index")))

    def assign(mail, typed):
        return client.post(reverse("you:mail_assign", args=[mail.pk]), {"account": typed}, follow=True)

    assert "Logged at Aurora Pumps" in html(assign(found[0], one.code))
    assert "Logged at Aurora Valves" in html(assign(found[1], "aurora val"))
    assert "Several accounts fit" in html(assign(found[2], "aurora"), 422)
    assert "No account of yours fits" in html(assign(found[2], make_account(name="Hidden").code), 422)
    assert "dealt with" in html(assign(found[0], one.code))
    assert "Put aside" in html(client.post(reverse("you:mail_aside", args=[found[3].pk]), follow=True))
    assert sorted(Interaction.objects.values_list("account", flat=True)) == sorted([one.pk, two.pk])
    assert "1 mail without" in html(client.get(reverse("service:index")))


def test_mails_of_others_are_not_there(client):
    mail = receive(make_user())
    client.force_login(make_user())

    assert "Prices for March" not in html(client.get(PAGE))
    for name in ("you:mail_assign", "you:mail_aside"):
        assert client.post(reverse(name, args=[mail.pk]), {"account": "x"}).status_code == 404
    assert IncomingMail.objects.get().state == "waiting"
