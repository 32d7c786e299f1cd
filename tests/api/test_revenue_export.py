"""The ledger as one file over REST."""

import csv
import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import RevenueRecord
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_team_member, make_user, post_revenue

EXPORT = "/api/v1/revenue/export/"


def rows_of(response):
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"), newline="")))


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_export_is_a_csv_that_comes_back_by_the_same_door(admin):
    post_revenue([{"account": make_account(name="=Acme")}, {"source": "erp"}])

    response = admin.get(EXPORT)
    content = b"".join(response)

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="ledger-')
    assert "no-cache" in response.headers["Cache-Control"]
    upload = SimpleUploadedFile("ledger.csv", content)
    told = admin.post("/api/v1/imports/", {"file": upload, "wait": "true"}, format="multipart").json()
    assert (told["profile"], told["read"], told["posted"], told["already_there"]) == ("facet", 2, 0, 2)


def test_each_gets_the_records_of_the_accounts_they_see(rest):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    account = make_account(owner=owner)
    make_team_member(account=account, user=teammate)
    post_revenue([{"account": account}, {}])

    seen = [[row["account_code"] for row in rows_of(rest(user).get(EXPORT))] for user in (owner, teammate, stranger)]

    assert seen == [[account.code], [account.code], []]
    assert_problem(rest().get(EXPORT), 401)


def test_filters_are_those_of_the_list(admin):
    first, second = make_account(), make_account()
    post_revenue(
        [
            {"account": first, "reference": "1", "booked_on": date(2024, 1, 31)},
            {"account": first, "reference": "2", "booked_on": date(2024, 2, 1), "source": "erp"},
            {"account": second, "reference": "3", "booked_on": date(2024, 3, 1), "currency": "EUR"},
        ]
    )
    batch = RevenueRecord.objects.first().batch_id

    for query, expected in (
        ({"booked_on__gte": "2024-02-01"}, ["2", "3"]),
        ({"booked_on__lt": "2024-02-01"}, ["1"]),
        ({"source": "erp"}, ["2"]),
        ({"currency": "EUR"}, ["3"]),
        ({"account": [first.pk, second.pk], "kind": "invoice"}, ["1", "2", "3"]),
        ({"account": second.pk}, ["3"]),
        ({"batch": batch}, ["1", "2", "3"]),
    ):
        assert [row["reference"] for row in rows_of(admin.get(EXPORT, query))] == expected, query


@pytest.mark.parametrize(
    "query", [{"page": "2"}, {"ordering": "amount"}, {"search": "x"}, {"cursor": "x"}, {"booked_on": "x"}, {"no": "1"}, {"account": "999999"}]
)  # fmt: skip
def test_what_the_export_does_not_know_is_400(admin, query):
    assert_problem(admin.get(EXPORT, query), 400)


@pytest.mark.parametrize(("accept", "status"), [("text/csv", 200), ("application/json", 200), ("*/*", 200), ("image/png", 406)])  # fmt: skip
def test_csv_may_be_asked_for(admin, accept, status):
    assert admin.get(EXPORT, headers={"accept": accept}).status_code == status


def test_only_reading_is_open(admin):
    assert_problem(admin.post(EXPORT, {}, format="json"), 405)
