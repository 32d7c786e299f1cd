"""Adding an account beside those its name resembles, and settling pairs."""

import pytest
from django.urls import reverse

from accounts.enums import UserRole
from accounts.models import Account, DuplicateDismissal
from tests.factories import make_account, make_superuser, make_user

pytestmark = pytest.mark.django_db
NEW = reverse("accounts:new")


@pytest.fixture
def acme():
    return make_account(name="Acme Pumps Ltd", code="AC1", owner=make_user(first_name="Ann", last_name="Owner"))


@pytest.fixture
def seller(client):
    user = make_user(role=UserRole.MANAGER)
    client.force_login(user)
    return user


def test_name_like_another_is_shown_once_and_then_added(client, seller, acme):
    given = {"name": "ACME pumps limited", "code": "AC2"}

    warned = client.post(NEW, given)
    html = warned.content.decode()
    assert warned.status_code == 200
    assert "Acme Pumps Ltd" in html
    assert "ask Ann Owner" in html
    assert "AC1" not in html
    assert not Account.objects.filter(code="AC2").exists()

    assert client.post(NEW, {**given, "is_other": "1"}).status_code == 302
    made = Account.objects.get(code="AC2")
    assert (made.owner, made.name_key) == (seller, "acme pump")


def test_name_like_no_other_is_added_at_once(client, seller, acme):
    parent = make_account(owner=seller)

    assert client.post(NEW, {"name": "+Plus @home", "code": "X1", "parent": parent.code}).status_code == 302

    assert (Account.objects.get(code="X1").name, Account.objects.get(code="X1").parent) == ("+Plus @home", parent)


@pytest.mark.parametrize("name", ["=cmd()", " \u200b＝1+1", "\u2060=cmd|' /C calc'!A0"])
def test_formula_is_no_name(client, seller, acme, name):
    refused = client.post(NEW, {"name": name, "code": "X1"})

    assert refused.status_code == 422
    assert dict(refused.context["form"].errors) == {
        "name": ["This begins as a formula does. Write it without the equals sign in front."]
    }
    assert not Account.objects.filter(code="X1").exists()


def test_form_says_what_is_wrong_and_keeps_what_was_typed(client, seller, acme):
    response = client.post(NEW, {"name": "New", "code": "AC1", "parent": "AC1"})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"code", "parent"}
    assert 'value="New"' in response.content.decode()


def test_matches_come_while_typing(client, seller, acme):
    html = client.get(reverse("accounts:similar"), {"name": "acme pumps"}).content.decode()

    assert "Acme Pumps Ltd" in html
    assert reverse("accounts:detail", args=[acme.pk]) not in html
    assert "Acme" not in client.get(reverse("accounts:similar"), {"name": "Pump\x00s"}).content.decode()


def test_members_may_not_add(client):
    client.force_login(make_user())

    assert client.get(NEW).status_code == client.get(reverse("accounts:similar"), {"name": "a"}).status_code == 403
    assert client.get(reverse("accounts:duplicates")).status_code == 403


def test_pairs_lead_to_the_merge_or_are_dismissed(client, acme):
    twin = make_account(name="ACME Pumps Inc", code="A&B")
    client.force_login(make_superuser())
    page = reverse("accounts:duplicates")

    html = client.get(page).content.decode()
    assert f"{reverse('accounts:merge', args=[twin.pk])}?into=AC1" in html
    dismiss = reverse("accounts:dismiss_duplicate")
    assert client.post(dismiss, {"first": acme.pk, "second": twin.pk}).status_code == 302
    assert twin.name not in client.get(page).content.decode().split("No two accounts")[-1]
    assert "No two accounts look alike" in client.get(page).content.decode()
    assert client.post(dismiss, {"first": "1e9", "second": twin.pk}).status_code == 404


def test_hidden_account_cannot_be_dismissed(client, seller, acme):
    mine = make_account(name="Acme Pumps", owner=seller)

    answer = client.post(reverse("accounts:dismiss_duplicate"), {"first": acme.pk, "second": mine.pk})

    assert answer.status_code == 404
    assert not DuplicateDismissal.objects.exists()
