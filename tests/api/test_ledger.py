import json
from datetime import date
from decimal import Decimal

import pytest

from accounts.models import ExchangeRate
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_contract, make_product, make_rate, make_revenue, make_user

PRODUCTS = "/api/v1/products/"
CONTRACTS = "/api/v1/contracts/"
RATES = "/api/v1/rates/"


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_everybody_sees_products_and_rates(rest):
    product, rate = make_product(), make_rate()
    client = rest(make_user())

    assert ids(client.get(PRODUCTS)) == [product.pk]
    assert ids(client.get(RATES)) == [rate.pk]


def test_contracts_hang_on_visible_accounts(rest):
    editor = make_editor("accounts.add_contract", "accounts.change_contract")
    mine = make_contract(account=make_account(owner=editor))
    hidden = make_contract()
    client = rest(editor)

    assert ids(client.get(CONTRACTS)) == [mine.pk]
    assert_problem(client.get(f"{CONTRACTS}{hidden.pk}/"), 404)
    body = {"account": hidden.account_id, "number": "N1"}
    assert pointers(assert_problem(client.post(CONTRACTS, body, format="json"), 400)) == ["/account"]


def test_a_contract_carries_exact_money(admin):
    head = json.dumps({"account": make_account().pk, "number": "N2", "currency": "CNY"})[:-1]
    exact = head + ', "amount": 123456789012345.6789}'

    response = admin.generic("POST", CONTRACTS, exact, content_type="application/json")

    assert (response.status_code, response.json()["amount"]) == (201, "123456789012345.6789")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "5"},
        {"amount": "1234567890123456"},
        {"amount": "Infinity"},
        {"starts_on": "2024-02-01", "ends_on": "2024-01-31"},
        {"status": "lost"},
        {"number": ""},
    ],
)
def test_bad_contracts_are_400(admin, wrong):
    body = {"account": make_account().pk, "number": "N1"} | wrong

    assert_problem(admin.post(CONTRACTS, body, format="json"), 400)


def test_contracts_can_be_filtered(admin):
    contract = make_contract(status="active", starts_on=date(2024, 1, 1), ends_on=date(2024, 12, 31))
    make_contract(starts_on=date(2020, 1, 1))

    assert ids(admin.get(CONTRACTS, {"status": "active"})) == [contract.pk]
    assert ids(admin.get(CONTRACTS, {"starts_on__gte": "2023-01-01", "ends_on__lte": "2024-12-31"})) == [contract.pk]
    assert ids(admin.get(CONTRACTS, {"search": contract.number.lower()})) == [contract.pk]


@pytest.mark.parametrize("rows", [1, 3])
def test_contracts_are_listed_with_a_constant_number_of_statements(rest, rows, django_assert_num_queries):
    user = make_user()
    for _ in range(rows):
        make_contract(account=make_account(owner=user))
    client = rest(user)

    with django_assert_num_queries(6):
        assert len(ids(client.get(CONTRACTS))) == rows


def test_a_rate_keeps_its_ten_decimals(admin):
    body = {"from_currency": "GBP", "to_currency": "CNY", "valid_on": "2024-01-01", "rate": "9.1234567891"}

    created = admin.post(RATES, body, format="json")

    assert (created.status_code, created.json()["rate"], created.json()["kind"]) == (201, "9.1234567891", "spot")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": "0"},
        {"rate": "-1"},
        {"rate": "1.12345678901"},
        {"from_currency": "CNY"},
        {"to_currency": "yuan"},
        {"kind": "guess"},
        {"valid_on": None},
    ],
)
def test_bad_rates_are_400(admin, wrong):
    body = {"from_currency": "GBP", "to_currency": "CNY", "valid_on": "2024-01-01", "rate": "9"}

    assert_problem(admin.post(RATES, body | wrong, format="json"), 400)

    assert not ExchangeRate.objects.exists()


def test_one_rate_a_day_and_kind(admin):
    rate = make_rate()
    body = {"from_currency": "USD", "to_currency": "CNY", "valid_on": "2024-01-01", "rate": "8"}

    assert_problem(admin.post(RATES, body, format="json"), 400)
    assert admin.post(RATES, {**body, "kind": "closing"}, format="json").status_code == 201
    assert ids(admin.get(RATES, {"kind": "spot", "from_currency": "USD", "valid_on__gte": "2024-01-01"})) == [rate.pk]


def test_a_product_in_use_stays(admin):
    product = make_product()
    make_revenue(product=product)

    assert_problem(admin.delete(f"{PRODUCTS}{product.pk}/"), 409)

    assert ids(admin.get(PRODUCTS)) == [product.pk]


RATE = {"from_currency": "USD", "to_currency": "CNY", "valid_on": "2024-01-05", "rate": "7.1"}


def test_rates_are_posted_many_at_once_or_not_at_all(admin):
    other = {**RATE, "valid_on": "2024-01-06", "rate": "7.1234567891", "kind": "closing", "source": "bank"}
    first = admin.post("/api/v1/rates/", [RATE, other], format="json")
    again = admin.post("/api/v1/rates/", [RATE, other], format="json")
    changed = [{**RATE, "rate": "8"}, {**RATE, "valid_on": "2024-02-01"}]
    refused = admin.post("/api/v1/rates/", changed, format="json")

    assert (first.status_code, first.json()) == (201, {"read": 2, "new": 2, "already_there": 0, "replaced": 0})
    assert (again.status_code, again.json()["already_there"]) == (200, 2)
    assert_problem(refused, 400)
    assert "7.1" in str(refused.json()["errors"])
    assert ExchangeRate.objects.count() == 2
    taken = admin.post("/api/v1/rates/?replace=true", changed, format="json")
    assert (taken.status_code, taken.json()["replaced"], taken.json()["new"]) == (201, 1, 1)
    assert_problem(admin.post("/api/v1/rates/?replace=perhaps", changed, format="json"), 400)
    assert_problem(admin.post("/api/v1/rates/", [], format="json"), 400)
    assert_problem(admin.post("/api/v1/rates/", [RATE] * 1001, format="json"), 413)


def test_missing_rates_are_those_of_the_callers_accounts(rest):
    owner = make_user()
    account = make_account(owner=owner)
    for currency in ("CNY", "USD"):
        make_revenue(account=account, booked_on=date(2024, 1, 5), currency=currency, amount=Decimal(5))

    assert rest(owner).get("/api/v1/rates/missing/").json() == {
        "results": [
            {"basis": "invoiced", "from_currency": "USD", "to_currency": "CNY", "month": "2024-01",
             "first_day": "2024-01-05", "last_day": "2024-01-05", "records": 1, "amount": "5.0000"},
        ]
    }  # fmt: skip
    assert rest(make_user()).get("/api/v1/rates/missing/").json() == {"results": []}
    assert_problem(rest(owner).get("/api/v1/rates/missing/?credit_notes=booked"), 400)
