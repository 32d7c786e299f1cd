"""What a reader without the right to personal data or the whole portfolio is not told by pages, found by comparing worlds."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from accounts.access import Role
from accounts.fields import Hidden, hidden_from, kind_of
from accounts.models import Account, User
from metrics.services.lifetime import lifetime
from plans.services_work import make_account_plan
from tests.factories import make_account, make_contact, make_member, make_revenue, make_user


@pytest.fixture
def analyst(db):
    return make_user(role=Role.ANALYST)


@pytest.fixture
def against_us(db):
    contact = make_contact(
        account=make_account(), name="Li Wei", email="li@example.com", phone="555", attitude=-2,
        attitude_since=date(2024, 1, 1),
    )  # fmt: skip
    make_member(contact=contact)
    return contact


def test_people_page_keeps_personal_data_from_analysts(client, analyst, against_us):
    address = reverse("accounts:people", args=[against_us.account_id])
    told = {}
    for name, user in (("analyst", analyst), ("director", make_user(role=Role.DIRECTOR))):
        client.force_login(user)
        told[name] = client.get(address).content.decode()

    assert [word in told["director"] for word in ("Li Wei", "li@example.com", "tel:555")] == [True, True, True]
    assert [word in told["analyst"] for word in ("Li Wei", "li@example.com", "tel:555")] == [True, False, False]


def test_who_is_against_us_is_an_attitude(client, analyst, against_us):
    told = {}
    for name, user in (("analyst", analyst), ("director", make_user(role=Role.DIRECTOR))):
        client.force_login(user)
        told[name] = client.get(reverse("relationships:export", args=["csv"])).getvalue().decode()

    assert "A decider is against us" in told["director"]
    assert "A decider is against us" not in told["analyst"]
    assert "A decider was not contacted in time" in told["analyst"]


def test_how_credit_notes_are_counted_is_nobodys_personal_data(analyst):
    assert (kind_of("credit_notes"), kind_of("notes")) == (None, Hidden.PERSONAL)
    assert hidden_from(User.objects.get(pk=analyst.pk)) == {Hidden.MARGIN, Hidden.PERSONAL}


def test_ranked_plans_show_accounts_that_no_night_has_measured(client, db):
    director = make_user(role=Role.DIRECTOR)
    account = make_account(name="Not measured")
    make_account_plan(
        account=account, made_by=director, valid_from=date.today(), valid_to=date.today() + timedelta(days=90), goal="Grow",
        priority_rank=1, planned_hours=10,
    )  # fmt: skip
    client.force_login(director)

    response = client.get(reverse("plans:ranking"))

    assert response.status_code == 200
    assert "Not measured" in response.content.decode()


def test_the_size_of_the_whole_base_is_told_to_whom_sees_it(db):
    mine = make_revenue(account=make_account()).account
    make_revenue(account=make_account())

    whole, part = lifetime(Account.objects.all()), lifetime(Account.objects.filter(pk=mine.pk))

    assert (whole.accounts, part.accounts) == (2, None)
    assert "2" not in part.reasons["clv"].replace("200", "")


def test_value_bands_of_analysts_are_made_of_revenue(client, analyst):
    """Bands of gross profit, and who is stable and profitable, would tell where the margins are."""
    for day in (1, 8, 15, 22):
        make_revenue(account=make_account(), booked_on=date(2024, 6, day), amount=100, cost=40 + day)
    told = {}
    for name, user in (("analyst", analyst), ("director", make_user(role=Role.DIRECTOR))):
        client.force_login(user)
        told[name] = client.get("/api/v1/metrics/segments/", {"period": "2024"}).json()

    assert (told["director"]["measure"], told["director"]["stable_profitable_accounts"]) == ("gross_profit", 0)
    assert (told["analyst"]["measure"], told["analyst"]["stable_profitable_accounts"]) == ("revenue", None)
    assert told["analyst"]["reasons"]["stable_profitable_accounts"] == "costs and margins are not shown to you"
