"""Invoices and payments over REST, many in one request."""

from decimal import Decimal

import pytest

from accounts.models import Receivable, ReceivablePayment
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account

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
