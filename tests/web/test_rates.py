"""The page of exchange rates: what is missing, and a file in three steps."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import ExchangeRate
from tests.factories import make_rate, post_revenue
from tests.web.people import grant, make_cast

FILE = (
    b"from_currency,to_currency,valid_on,rate\nUSD,CNY,2024-01-05,7\nUSD,CNY,2024-02-05,7.1\nUSD,USD,2024-02-05,7.1\n"
)


@pytest.fixture
def cast(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    found = make_cast()
    post_revenue(
        [
            {"account": found.account, "booked_on": date(2024, 1, 5), "amount": Decimal(100), "currency": "USD"},
            {"account": found.account, "booked_on": date(2024, 1, 5), "amount": Decimal(100), "currency": "CNY"},
        ]
    )
    return found


def sent(client, content=FILE, name="rates.csv"):
    return client.post("/imports/rates/new/", {"file": SimpleUploadedFile(name, content)})


def test_each_sees_what_their_own_accounts_wait_for(client, cast):
    for user, waits in ((cast.owner, True), (cast.teammate, True), (cast.stranger, False)):
        client.force_login(user)
        html = client.get("/imports/rates/").content.decode()
        assert ("USD → CNY" in html) is waits
        assert ("No rate is missing" in html) is not waits
        file = b"".join(client.get("/imports/rates/export/csv/")).decode("utf-8-sig")
        assert ("2024-01-05" in file) is waits
        assert "Import rates" not in html
        assert client.get("/imports/rates/new/").status_code == 403
        assert client.get("/imports/rates/check/").status_code == 403
        assert client.get("/imports/rates/errors/").status_code == 403


def test_nobody_sees_it_without_a_log_in(client, db):
    assert client.get("/imports/rates/").status_code == 302


def test_upload_check_and_post(client, cast):
    client.force_login(grant(cast.owner, "add_exchangerate", "change_exchangerate"))
    assert sent(client).headers["Location"] == "/imports/rates/check/"
    page = client.get("/imports/rates/check/")
    html = page.content.decode()

    assert [count for _label, count in page.context["counts"]] == [3, 2, 0, 0, 1]
    assert "both currencies are the same" in html
    assert not ExchangeRate.objects.exists()
    errors = b"".join(client.get("/imports/rates/errors/").streaming_content).decode("utf-8-sig")
    assert "USD,USD" in errors
    assert client.post("/imports/rates/check/").headers["Location"] == "/imports/rates/"
    assert ExchangeRate.objects.count() == 2
    assert "No rate is missing" in client.get("/imports/rates/").content.decode()
    assert client.get("/imports/rates/check/").headers["Location"] == "/imports/rates/new/"


def test_stored_values_are_replaced_only_where_that_was_chosen(client, cast):
    make_rate(valid_on=date(2024, 1, 5), rate=Decimal(6))
    client.force_login(grant(cast.owner, "add_exchangerate", "change_exchangerate"))
    sent(client)

    assert "Replace 1 stored value" in client.get("/imports/rates/check/").content.decode()
    assert [count for _l, count in client.get("/imports/rates/check/?replace=on").context["counts"]] == [3, 1, 0, 1, 1]
    client.post("/imports/rates/check/", {"replace": "on"})
    assert ExchangeRate.objects.get(valid_on=date(2024, 1, 5)).rate == Decimal(7)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x00\x01"])
def test_a_file_that_cannot_be_read_says_why_and_is_not_kept(client, cast, content, tmp_path):
    client.force_login(grant(cast.owner, "add_exchangerate", "change_exchangerate"))
    response = sent(client, content)

    assert response.status_code == 422
    assert "field-error" in response.content.decode() or "notice-bad" in response.content.decode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_answer_that_waits_for_rates_leads_to_the_list(client, cast):
    client.force_login(cast.owner)
    page = client.get("/metrics/growth/?base=2023&comparison=2024").content.decode()
    drawer = client.get("/figures/growth_rate/?base=2023&comparison=2024").content.decode()

    assert 'href="/imports/rates/"' in page
    assert 'href="/imports/rates/"' in drawer
