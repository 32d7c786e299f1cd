"""Value bands on the page: whose accounts, what is asked of each band, who decides, what is due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_account, make_superuser
from tests.web.people import grant, make_cast, reach_end_of_2024, sell
from tiering.models import BandDecision
from tiering.services_bands import decide_band

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/bands/"


@pytest.fixture
def cast():
    """The owner has a large and a small account; a foreign one is larger than both."""
    cast = make_cast(name="Small")
    large, foreign = make_account(name="Large", owner=cast.owner), make_account(name="Foreign")
    for account, revenue in ((cast.account, 10), (large, 500), (foreign, 900)):
        sell(account, prior=revenue, last=revenue)
    reach_end_of_2024(foreign)
    return cast


def opened(client, user, **query):
    client.force_login(user)
    response = client.get(ADDRESS, query)
    assert response.status_code == 200
    return response


def listed(response):
    return [row["account"].name for row in response.context["rows"]]


def test_bands_are_made_of_the_accounts_one_sees(client, cast):
    seen = {
        name: [listed(opened(client, getattr(cast, name), band=band)) for band in ("high", "mid", "low")]
        for name in ("owner", "teammate", "stranger")
    }

    assert seen == {"owner": [["Large"], [], ["Small"]], "teammate": [[], ["Small"], []], "stranger": [[], [], []]}


def test_a_decision_takes_the_right_and_an_account_one_sees(client, cast):
    asked = {"verdict": "end", "text": "No margin", "review_on": timezone.localdate() + timedelta(days=40)}
    address = f"{ADDRESS}{cast.account.pk}/decide/"
    found = {}
    for name, user in (
        ("owner without the right", cast.owner),
        ("stranger with it", grant(cast.stranger, "add_banddecision")),
        ("teammate with it", grant(cast.teammate, "add_banddecision")),
    ):
        client.force_login(user)
        found[name] = (client.get(address).status_code, client.post(address, asked).status_code)

    assert found == {
        "owner without the right": (403, 403), "stranger with it": (404, 404), "teammate with it": (200, 302),
    }  # fmt: skip
    made = BandDecision.objects.get()
    assert (made.account, made.verdict, made.decided_by, made.decided_on) == (
        cast.account, "end", cast.teammate, timezone.localdate(),
    )  # fmt: skip
    assert "No margin" in opened(client, cast.owner, band="low").content.decode()


def test_a_form_that_is_refused_keeps_what_was_typed(client, cast):
    client.force_login(make_superuser())

    response = client.post(
        f"{ADDRESS}{cast.account.pk}/decide/",
        {"verdict": "end", "text": "No margin", "review_on": timezone.localdate()},
    )

    assert response.status_code == 422
    html = response.content.decode()
    assert "Choose a day for the review after today" in html
    assert "No margin" in html


def test_reviews_that_are_due_have_a_list_of_their_own(client, cast):
    today = timezone.localdate()
    decide_band(
        account=cast.account, verdict="improve", text="Try", review_on=today - timedelta(days=1),
        decided_by=cast.owner, decided_on=today - timedelta(days=90),
    )  # fmt: skip

    response = opened(client, cast.owner, band="due")

    assert [one.account for one in response.context["page"]] == [cast.account]
    assert response.context["due_count"] == 1
    assert opened(client, cast.stranger, band="due").context["due_count"] == 0


@pytest.mark.parametrize("count", [2, 6])
def test_statements_do_not_grow(client, count, django_assert_num_queries):
    cast = make_cast()
    accounts = [cast.account, *(make_account(owner=cast.owner) for _ in range(count - 1))]
    for place, account in enumerate(accounts, 1):
        sell(account, prior=10 * place, last=10 * place)
        decide_band(
            account=account, verdict="keep", text="x", review_on=timezone.localdate() + timedelta(days=9),
            decided_by=cast.owner, decided_on=timezone.localdate(),
        )  # fmt: skip
    reach_end_of_2024(accounts[0])
    client.force_login(cast.owner)
    client.get(ADDRESS)

    with django_assert_num_queries(28):
        response = client.get(ADDRESS, {"band": "low"}, headers={"HX-Request": "true"})

    assert len(response.context["rows"]) == count // 2
