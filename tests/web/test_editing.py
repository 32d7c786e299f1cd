"""Two who edit the same: the second is refused, sees both values, and may save again; nothing is lost on any way in."""

import re

import pytest
from django.urls import reverse

from accounts.access import Role
from accounts.models import Account
from service.models import Interaction, ServiceRequest
from tests.factories import make_account, make_interaction, make_request, make_user
from tests.web.people import make_cast


def hidden(page, name="seen"):
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page[:2000]
    return found.group(1)


def interaction_form(interaction, seen, **fields):
    given = {"kind": interaction.kind, "held_on": str(interaction.held_on), "summary": interaction.summary}
    return given | {"purpose": interaction.purpose, "seen": seen} | fields


@pytest.mark.django_db
def test_the_second_of_two_who_correct_an_interaction_sees_both(client):
    cast = make_cast()
    interaction = make_interaction(account=cast.account, logged_by=cast.owner, summary="As it was")
    address = reverse("service:interaction", args=[interaction.pk])
    client.force_login(cast.owner)
    first, second = (hidden(client.get(address).content.decode()) for _ in range(2))

    won = client.post(address, interaction_form(interaction, first, summary="The first wrote this"))
    lost = client.post(address, interaction_form(interaction, second, summary="The second wrote that"))

    page = lost.content.decode()
    assert (won.status_code, lost.status_code) == (302, 409)
    assert Interaction.objects.get().summary == "The first wrote this"
    row = page[page.index("data-clashes") :]
    assert "The first wrote this" in row
    assert "The second wrote that" in row
    assert "Somebody else changed this" in page

    again = client.post(address, interaction_form(interaction, hidden(page), summary="The second wrote that"))
    assert again.status_code == 302
    assert Interaction.objects.get().summary == "The second wrote that"


@pytest.mark.django_db
def test_the_second_of_two_who_change_a_request_sees_both(client):
    cast = make_cast()
    found = make_request(account=cast.account, subject="Late")
    address = reverse("service:request_change", args=[found.pk])
    client.force_login(cast.owner)
    page = client.get(address).content.decode()
    given = {"kind": found.kind, "severity": found.severity, "seen": hidden(page), "text": ""}

    assert client.post(address, given | {"subject": "Late again"}).status_code == 302
    lost = client.post(address, given | {"subject": "Solved", "severity": found.severity})

    assert lost.status_code == 409
    assert "Late again" in lost.content.decode()
    assert "Solved" in lost.content.decode()
    assert ServiceRequest.objects.get().subject == "Late again"


@pytest.mark.django_db
def test_a_form_that_names_no_version_changes_nothing(client):
    cast = make_cast()
    interaction = make_interaction(account=cast.account, logged_by=cast.owner, summary="As it was")
    client.force_login(cast.owner)

    answer = client.post(
        reverse("service:interaction", args=[interaction.pk]), interaction_form(interaction, "", summary="x")
    )

    assert answer.status_code == 409
    assert Interaction.objects.get().summary == "As it was"


@pytest.mark.django_db
def test_need_and_potential_of_the_second_are_named_beside_those_stored(client):
    account = make_account()
    client.force_login(make_user(role=Role.DIRECTOR))
    page = client.get(reverse("accounts:detail", args=[account.pk])).content.decode()
    address, seen = reverse("accounts:axes", args=[account.pk]), hidden(page)

    client.post(address, {"need": "price", "potential": "high", "seen": seen})
    lost = client.post(address, {"need": "service", "potential": "low", "seen": seen}, follow=True).content.decode()

    account.refresh_from_db()
    assert (account.need, account.potential) == ("price", "high")
    assert "Stored now: need Price, High potential. You chose: need Service, Low potential." in lost


@pytest.mark.django_db
def test_a_bulk_change_over_what_somebody_changed_meanwhile_is_shown_first(client):
    director = make_user(role=Role.DIRECTOR)
    one, other = make_account(segment="A"), make_account(segment="B")
    client.force_login(director)
    address, ticked = reverse("accounts:bulk"), {"action": "segment", "account": [one.pk, other.pk]}
    page = client.post(address, ticked).content.decode()
    seen = {f"was-{account.pk}": hidden(page, f"was-{account.pk}") for account in (one, other)}
    Account.objects.filter(pk=one.pk).update(segment="Z")

    lost = client.post(address, ticked | seen | {"confirmed": "1", "segment": "New"})

    assert lost.status_code == 409
    assert "changed meanwhile" in lost.content.decode()
    assert set(Account.objects.values_list("segment", flat=True)) == {"Z", "B"}
    seen = {f"was-{account.pk}": hidden(lost.content.decode(), f"was-{account.pk}") for account in (one, other)}
    assert client.post(address, ticked | seen | {"confirmed": "1", "segment": "New"}).status_code == 302
    assert set(Account.objects.values_list("segment", flat=True)) == {"New"}


@pytest.mark.django_db
def test_undoing_a_bulk_change_leaves_what_was_changed_since(client):
    one, other = make_account(segment="A"), make_account(segment="B")
    client.force_login(make_user(role=Role.DIRECTOR))
    ticked = {"action": "segment", "account": [one.pk, other.pk]}
    seen = {f"was-{one.pk}": "A", f"was-{other.pk}": "B"}
    client.post(reverse("accounts:bulk"), ticked | seen | {"confirmed": "1", "segment": "New"})
    Account.objects.filter(pk=one.pk).update(segment="Later")

    client.post(reverse("accounts:undo"))

    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.segment, other.segment) == ("Later", "B")
