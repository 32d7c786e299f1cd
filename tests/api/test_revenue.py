from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, ImportBatch, Product, RevenueRecord
from metrics.models import AccountDay
from tests.api.conftest import assert_problem, make_editor, pointers, told_without
from tests.factories import make_account, make_contract, make_product, make_revenue, make_user, post_revenue

LIST = "/api/v1/revenue/"
ADD = "accounts.add_revenuerecord"


def line(account, **fields):
    return {"account": account.pk, "booked_on": "2024-03-01", "amount": "12.5000", "currency": "EUR", **fields}


def test_one_line_is_added_with_its_batch_and_counts_at_once(admin):
    account, product = make_account(), make_product()
    contract = make_contract(account=account)

    body = line(account, product=product.pk, contract=contract.pk, reference="R1", quantity=5, unit_price="2.50")
    response = admin.post(LIST, {**body, "amount": 12.5, "cost": "7"}, format="json")

    assert response.status_code == 201, response.content
    record = RevenueRecord.objects.get()
    assert response.headers["Location"] == f"{LIST}{record.pk}/"
    assert response.json() == admin.get(response.headers["Location"]).json()
    assert response.json() == {
        "id": record.pk,
        "account": account.pk,
        "account_code": account.code,
        "product": product.pk,
        "product_code": product.code,
        "contract": contract.pk,
        "contract_number": contract.number,
        "booked_on": "2024-03-01",
        "kind": "invoice",
        "basis": "invoiced",
        "reference": "R1",
        "credits_reference": None,
        "external_id": "",
        "quantity": "5.000000",
        "unit_price": "2.500000",
        "amount": "12.5000",
        "cost": "7.0000",
        "currency": "EUR",
        "source": "api",
        "source_row": 1,
        "batch": record.batch_id,
    }
    assert (record.batch.created_by, record.batch.read, record.batch.posted) == (admin.user, 1, 1)
    assert AccountDay.objects.get().net == Decimal("12.5")


def test_rows_are_named_by_code_too_and_new_products_are_added(admin):
    account = make_account(code="0007")

    body = {"account_code": " 0007\u3000", "product_code": "NEW", "quantity": "3", "unit_price": "1.25"}
    response = admin.post(LIST, {**body, "booked_on": "2024-03-01", "currency": "EUR"}, format="json")

    assert (response.status_code, response.json()["amount"]) == (201, "3.7500")
    assert response.json()["account"] == account.pk
    assert Product.objects.get().code == "NEW"
    assert Account.objects.count() == 1


def test_many_rows_form_one_batch(admin):
    account = make_account()

    response = admin.post(LIST, [line(account, reference=f"R{n}") for n in range(1000)], format="json")

    batch = ImportBatch.objects.get()
    assert response.status_code == 201, response.content
    seconds = response.json().pop("seconds")
    assert {**response.json(), "seconds": seconds} == {
        "batch": batch.pk,
        "read": 1000,
        "posted": 1000,
        "already_there": 0,
        "rejected": 0,
        "reasons": {},
        "seconds": seconds,
    }
    assert AccountDay.objects.get().net == 12500


def test_the_same_rows_again_add_nothing(admin):
    account = make_account()
    one = line(account, reference="R1")
    first = admin.post(LIST, one, format="json")

    again = admin.post(LIST, one, format="json")
    among_others = admin.post(LIST, [one, line(account, reference="R2")], format="json")
    all_known = admin.post(LIST, [one], format="json")

    assert (again.status_code, again.json()) == (200, first.json())
    assert (among_others.status_code, among_others.json()["posted"], among_others.json()["already_there"]) == (
        201,
        1,
        1,
    )
    assert (all_known.status_code, all_known.json()["already_there"]) == (200, 1)
    assert RevenueRecord.objects.count() == 2


def test_an_external_id_identifies_and_cannot_change_content(admin):
    account = make_account()
    body = line(account, external_id="X1")
    first = admin.post(LIST, body, format="json")

    assert admin.post(LIST, {**body, "reference": "other"}, format="json").json()["id"] == first.json()["id"]
    assert_problem(admin.post(LIST, {**body, "amount": "13"}, format="json"), 400)
    assert RevenueRecord.objects.count() == 1


def test_one_bad_row_refuses_all_and_each_is_pointed_at(admin):
    account = make_account()
    rows = [
        line(account),
        line(account, amount=None),
        line(account, amount="1.00001"),
        line(account, booked_on="2011-02-31"),
        line(account, booked_on="9999-01-01"),
        line(account) | {"account": account.pk + 1000},
        {**line(account), "account_code": "NOBODY"},
    ]

    shape = assert_problem(admin.post(LIST, rows, format="json"), 400)
    door = assert_problem(admin.post(LIST, [rows[0], rows[1], rows[4]], format="json"), 400)
    named = assert_problem(admin.post(LIST, [rows[0], rows[5], rows[6]], format="json"), 400)

    assert pointers(shape) == ["/2/amount", "/3/booked_on"]
    assert [pointer.split("/")[1] for pointer in pointers(door)] == ["1", "2"]
    assert pointers(named) == ["/1/account", "/2/account"]
    assert not ImportBatch.objects.exists()
    assert not RevenueRecord.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "n/a"},
        {"amount": "1000000000000000000"},
        {"amount": "NaN"},
        {"amount": "1e400"},
        {"currency": "eur"},
        {"currency": "ZZZ"},
        {"kind": "gift"},
        {"reference": "x" * 65},
        {"quantity": [1]},
        {"account": None},
        {"account": 0},
        {"account": 2**70},
        {"product": 2**62},
        {"contract": 1},
        {"contract_number": "NONE"},
        {"source": "mine"},
        {"withdrawn_at": "2024-01-01"},
        {"identity": "abc"},
        {"batch": 1},
        {"account_name": "Other name"},
        {"parent_code": "P"},
    ],
)
def test_what_the_ledger_cannot_hold_is_400_and_leaves_nothing(admin, wrong):
    account = make_account()

    assert_problem(admin.post(LIST, line(account) | wrong, format="json"), 400)
    assert_problem(admin.post(LIST, [line(account) | wrong], format="json"), 400)

    assert not ImportBatch.objects.exists()
    assert not Product.objects.exists()
    assert Account.objects.count() == 1


@pytest.mark.parametrize(("rows", "status"), [(1001, 413), (0, 400)])
def test_number_of_rows_is_bounded(admin, rows, status):
    account = make_account()

    assert_problem(admin.post(LIST, [line(account)] * rows, format="json"), status)


def test_the_ledger_is_not_changed_or_removed(admin):
    record = make_revenue()

    for method in ("put", "patch", "delete"):
        assert_problem(getattr(admin, method)(f"{LIST}{record.pk}/", {"amount": "1"}, format="json"), 405)

    assert RevenueRecord.objects.get().amount == 100


def test_hidden_accounts_and_their_contracts_take_no_lines(rest):
    editor = make_editor(ADD)
    mine, hidden = make_account(owner=editor), make_account()
    contract = make_contract(account=hidden)
    client = rest(editor)

    by_key = assert_problem(client.post(LIST, line(hidden), format="json"), 400)
    by_code = {**line(hidden), "account_code": hidden.code}
    del by_code["account"]

    assert pointers(by_key) == ["/account"]
    assert pointers(assert_problem(client.post(LIST, by_code, format="json"), 400)) == ["/account_code"]
    assert_problem(client.post(LIST, line(mine, contract=contract.pk), format="json"), 400)
    assert_problem(client.post(LIST, line(mine, contract_number=contract.number), format="json"), 400)
    assert client.post(LIST, line(mine), format="json").status_code == 201
    assert RevenueRecord.objects.count() == 1


def test_only_lines_of_visible_accounts_are_listed(rest):
    user = make_user()
    mine = make_revenue(account=make_account(owner=user))
    hidden = make_revenue()
    client = rest(user)

    assert [row["id"] for row in client.get(LIST).json()["results"]] == [mine.pk]
    assert_problem(client.get(f"{LIST}{hidden.pk}/"), 404)


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_statements_of_the_list(rest, rows, django_assert_num_queries):
    user = make_user()
    post_revenue([{"account": make_account(owner=user), "product": make_product()} for _ in range(rows)])
    client = rest(user)

    with django_assert_num_queries(5):
        assert len(client.get(LIST).json()["results"]) == rows


def test_number_of_statements_of_a_post_does_not_grow_with_its_rows(admin):
    account = make_account()

    def statements(*references):
        with CaptureQueriesContext(connection) as captured:
            admin.post(LIST, [line(account, reference=name) for name in references], format="json")
        return len(captured)

    assert statements("a") == statements("b", "c", "d")


def test_filters_of_the_ledger(admin):
    account = make_account()
    first = make_revenue(account=account, booked_on="2024-01-01", kind="credit_note", amount=-5, reference="CN1")
    second = make_revenue(account=account, booked_on="2024-02-01", currency="USD", basis="signed")

    def found(**query):
        return [row["id"] for row in admin.get(LIST, query).json()["results"]]

    assert found() == [second.pk, first.pk]
    assert found(booked_on__lt="2024-02-01") == found(kind="credit_note") == found(reference="CN1") == [first.pk]
    assert found(booked_on__gte="2024-02-01") == found(currency="USD") == found(basis="signed") == [second.pk]
    assert found(account=account.pk, ordering="amount") == [first.pk, second.pk]
    assert found(batch=first.batch_id) == [first.pk]
    assert pointers(assert_problem(admin.get(LIST, {"booked_on__gte": "31/02/2011"}), 400)) == ["booked_on__gte"]
    assert pointers(assert_problem(admin.get(LIST, {"basis": "guessed"}), 400)) == ["basis"]


def test_an_idempotency_key_holds_for_rows_too(admin):
    account = make_account()
    headers = {"Idempotency-Key": "k"}

    first = admin.post(LIST, [line(account)], format="json", headers=headers)
    again = admin.post(LIST, [line(account)], format="json", headers=headers)

    assert (again.status_code, again.json()) == (201, first.json())
    assert ImportBatch.objects.count() == 1


def test_hidden_contracts_and_batches_are_as_unknown_to_filters_as_missing_ones(rest):
    user = make_user()
    make_revenue(account=make_account(owner=user))
    hidden = make_revenue(contract=make_contract())
    client = rest(user)

    for name, key in (("contract", hidden.contract_id), ("batch", hidden.batch_id)):
        seen = assert_problem(client.get(LIST, {name: key}), 400)
        missing = assert_problem(client.get(LIST, {name: key + 1000}), 400)
        assert told_without(seen, key) == told_without(missing, key + 1000)
