"""Growth notes on the pages: beside the growth answer, on the page of an account, for those who see it."""

import pytest
from django.urls import reverse

from crm.lib.periods import parse_period
from metrics.models import GrowthNote
from metrics.services.growth_notes import add_note
from tests.factories import make_superuser
from tests.web.people import make_cast, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db
ADD = "/metrics/growth-notes/new/"
GROWTH = "/metrics/growth/?base=2023&comparison=2024"
FIELDS = {
    "base": "2023",
    "comparison": "2024",
    "factor": "market",
    "strategy": "segmentation",
    "text": "Prices <fell>.",
}


@pytest.fixture
def cast():
    cast = make_cast(name="Ours")
    sell(cast.account, prior=100, last=150)
    reach_end_of_2024(cast.account)
    return cast


def note(author, account=None, **fields):
    asked = {
        "factor": "market",
        "text": "Prices <fell>.",
        "base": parse_period("2023"),
        "comparison": parse_period("2024"),
    }
    return add_note(author=author, account=account, **(asked | fields))


def html_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_note_is_written_on_the_page_of_an_account_and_stands_beside_growth(client, cast):
    client.force_login(cast.owner)
    page = cast.account.get_absolute_url()

    response = client.post(ADD, {**FIELDS, "account": cast.account.pk, "next": page})

    assert response.headers["Location"] == f"{page}#growth-notes"
    for address in (page, GROWTH, f"{GROWTH}&account={cast.account.pk}"):
        html = html_of(client, address)
        assert "Prices &lt;fell&gt;." in html
        assert "Market trend" in html
        assert "Market segmentation" in html
    assert "Prices" not in html_of(client, "/metrics/growth/?base=2022&comparison=2023")


def test_owner_and_teammate_read_it_and_a_stranger_does_not(client, cast):
    kept = note(cast.owner, cast.account)
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        add = client.post(ADD, {**FIELDS, "account": cast.account.pk}).status_code
        seen[role] = ("Prices" in html_of(client, GROWTH), add)
    withdrawn = client.post(reverse("metrics:growth_note_withdraw", args=[kept.pk])).status_code

    assert seen == {"owner": (True, 302), "teammate": (True, 302), "stranger": (False, 404)}
    assert withdrawn == 404
    assert GrowthNote.objects.standing().count() == 3


def test_note_on_the_whole_is_for_those_who_see_all(client, cast):
    client.force_login(cast.owner)
    refused = client.post(ADD, FIELDS, follow=True).content.decode()
    form_for_owner = f'action="{ADD}"' in html_of(client, GROWTH)
    client.force_login(make_superuser())
    form_for_chief = f'action="{ADD}"' in html_of(client, GROWTH)
    client.post(ADD, FIELDS)

    assert "see every account" in refused
    assert (form_for_owner, form_for_chief) == (False, True)
    assert GrowthNote.objects.get().account is None
    assert "all accounts" in html_of(client, GROWTH)


def test_withdrawn_note_leaves_the_pages(client, cast):
    kept = note(cast.owner, cast.account)
    client.force_login(cast.teammate)

    client.post(reverse("metrics:growth_note_withdraw", args=[kept.pk]), {"next": "https://elsewhere.example/"})

    assert "Prices" not in html_of(client, cast.account.get_absolute_url())
    kept.refresh_from_db()
    assert kept.withdrawn_by == cast.teammate


@pytest.mark.parametrize(
    "wrong", [{"text": " "}, {"factor": "x"}, {"base": "soon"}, {"base": "2024"}, {"strategy": "hope"}]
)
def test_what_cannot_be_kept_is_said(client, cast, wrong):
    client.force_login(cast.owner)

    response = client.post(ADD, {**FIELDS, "account": cast.account.pk, **wrong}, follow=True)

    assert response.status_code == 200
    assert 'class="toast' in response.content.decode()
    assert not GrowthNote.objects.exists()


def test_get_does_not_write_and_addresses_lead_nowhere_else(client, cast):
    client.force_login(cast.owner)

    answer = client.post(ADD, {**FIELDS, "account": cast.account.pk, "next": "//elsewhere.example/"})

    assert client.get(ADD).status_code == 405
    assert answer.headers["Location"] == f"{cast.account.get_absolute_url()}#growth-notes"
