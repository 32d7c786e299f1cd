"""Invoices and payments over REST, many in one request."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Receivable, ReceivablePayment
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_receivable, make_user

URL = "/api/v1/receivables/"


@pytest.fixture
def account(db):
    return make_account(code="A1")


def invoice(account, **fields):
    sane = {"account": account.pk, "number": "R-1", "issued_on": "2024-01-05", "due_on": "2024-02-05"}
    return sane | {"amount": "1000.50", "currency": "CNY"} | fields


def test_invoices_and_payments_are_posted_many_at_once_or_not_at_all(admin, account):
    rows = [
        invoice(account, paid_on="2024-02-01", paid_amount="400"),
        invoice(account, paid_on="2024-03-01", paid_amount="600.50"),
        invoice(account, number="R-2"),
    ]
    first, again = (admin.post(URL, rows, format="json") for _ in range(2))

    assert (first.status_code, first.json()) == (201, {"read": 3, "new": 3, "already_there": 0})
    assert (again.status_code, again.json()) == (200, {"read": 3, "new": 0, "already_there": 3})
    bad = [invoice(account, number="R-3"), invoice(account, amount="1"), rows[1] | {"paid_on": "2024-04-01"}]
    problem = assert_problem(admin.post(URL, bad, format="json"), 400)
    assert pointers(problem) == ["/1/number", "/2/paid_amount"]
    assert problem["errors"][0]["detail"].startswith("posted before with other content (1000.5000 CNY")
    assert not Receivable.objects.filter(number="R-3").exists()
    assert [row["paid"] for row in admin.get(f"{URL}?ordering=id").json()["results"]] == ["1000.5000", "0.0000"]


def test_one_invoice_is_still_one_object(admin, account):
    answer = admin.post(URL, invoice(account), format="json")

    assert (answer.status_code, answer.json()["number"]) == (201, "R-1")


def test_rights_and_visibility(rest, account):
    owner = make_editor("accounts.add_receivable")
    account.owner = owner
    account.save()
    paid = [invoice(account, paid_on="2024-02-01", paid_amount="400")]

    assert_problem(rest(owner).post(URL, paid, format="json"), 403)
    assert rest(owner).post(URL, [invoice(account)], format="json").status_code == 201
    other = make_editor("accounts.add_receivable", "accounts.add_receivablepayment")
    problem = assert_problem(rest(other).post(URL, paid, format="json"), 400)
    assert pointers(problem) == ["/0/account"]
    assert not ReceivablePayment.objects.exists()
    assert Receivable.objects.get().amount == Decimal("1000.5")


def test_ageing_answers_to_the_letter(rest):
    owner = make_user()
    account = make_account(name="Late", owner=owner)
    for days, amount in ((-5, 10), (10, 20), (100, 70)):
        make_receivable(account=account, amount=amount, due_on=date(2024, 12, 31) - timedelta(days=days))
    make_receivable(account=make_account(), amount=5000)
    url = "/api/v1/metrics/receivables/"
    answer = rest(owner).get(url, {"as_of": "2024-12-31"}).json()

    assert {name: answer[name] for name in ("owed", "owed_not_due", "owed_overdue", "owed_30", "owed_older")} == {
        "owed": "100.0000", "owed_not_due": "10.0000", "owed_overdue": "90.0000", "owed_30": "20.0000", "owed_older": "70.0000",
    }  # fmt: skip
    assert (answer["overdue_share"], answer["on_time_share"], answer["currency"]) == (0.9, 0.0, "CNY")
    assert (answer["passport"]["metric"], answer["passport"]["basis"]) == ("receivables", "receivables")
    assert [(row["name"], row["oldest"], row["open_invoices"]) for row in answer["results"]] == [("Late", 100.0, 3)]
    assert rest(owner).get(url, {"as_of": "2024-12-31", "account": account.pk}).json()["owed"] == "100.0000"
    assert rest(make_user()).get(url).json()["results"] == []
    assert_problem(rest(owner).get(url, {"basis": "cash"}), 400)
