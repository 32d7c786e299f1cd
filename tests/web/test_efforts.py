"""The page of recorded efforts: what one may see of them, and the file they come in by."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import MarketEffort
from tests.factories import make_account, make_effort, make_superuser, make_user
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
ADDRESS = "/metrics/efforts/"


def send(client, text, **fields):
    file = SimpleUploadedFile("e.csv", text.encode())
    return client.post(ADDRESS, {"file": file, "currency": "CNY", **fields})


def test_a_file_is_added_and_every_row_is_told_of(client):
    client.force_login(make_superuser())

    response = send(client, "month,purpose,category,amount\n2024-03,acquisition,Fair,1200\n2024-3x,acquisition,Fair,1")
    html = response.content.decode()

    assert response.status_code == 200
    assert MarketEffort.objects.get().source == "e.csv"
    assert "no month such as 2024-03 or 03/2024" in html
    assert [(row.month, row.acquisition) for row in response.context["rows"]] == [(date(2024, 3, 1), "1,200")]


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [("month\n2024-03", "CNY", "The file lacks a column for"), ("", "CNY", "The file is empty"), ("a", "yuan", "at most 3"),
     ("a", "QQQ", "three letters of the currency")],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_says_why(client, text, currency, sentence):
    client.force_login(make_superuser())

    response = send(client, text, currency=currency)

    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_each_sees_the_efforts_of_their_own_accounts(client):
    cast = make_cast()
    make_effort(account=cast.account, amount=Decimal(7))
    make_effort(account=make_account(), amount=Decimal(90))
    make_effort(amount=Decimal(1000))
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        response = client.get(ADDRESS)
        seen[role] = [row.acquisition for row in response.context["rows"]]
        assert "seen by those who see every account" in response.content.decode()
    client.force_login(make_superuser())

    assert seen == {"owner": ["7"], "teammate": ["7"], "stranger": []}
    assert [row.acquisition for row in client.get(ADDRESS).context["rows"]] == ["1,097"]


def test_only_who_may_add_efforts_is_offered_and_allowed_to(client):
    client.force_login(make_user())
    refused = send(client, "month,purpose,category,amount\n2024-03,acquisition,Fair,1")
    assert (refused.status_code, "effort-form" in client.get(ADDRESS).content.decode()) == (403, False)

    client.force_login(grant(make_user(), "add_marketeffort"))
    answer = send(client, "month,purpose,category,amount\n2024-03,acquisition,Fair,1")
    assert answer.context["result"].reasons == {"account_needed": 1}
    assert not MarketEffort.objects.exists()


def test_query_count_does_not_grow(client):
    client.force_login(make_superuser())

    def count():
        with CaptureQueriesContext(connection) as captured:
            client.get(ADDRESS)
        return len(captured)

    make_effort()
    count()
    before = count()
    for at in range(1, 7):
        make_effort(month=date(2023, at, 1), account=make_account())

    assert count() == before


def test_page_is_for_those_who_are_logged_in(client):
    assert client.get(ADDRESS).status_code == 302
