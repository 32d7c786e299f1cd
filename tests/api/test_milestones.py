"""Milestones of contracts over REST: parts that never add up to more than the contract, changed by the version one saw."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from accounts.models import Contract, ContractMilestone
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_contract, make_milestone, make_user

MILESTONES = "/api/v1/contract-milestones/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    return make_contract(amount=Decimal(1000), currency="CNY")


def part(contract, **fields):
    return {"contract": contract.pk, "title": "Delivery", "amount": "400", "planned_on": "2024-05-01"} | fields


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_milestone_goes_in_and_comes_out_and_makes_the_contract_one_by_milestones(admin, contract):
    before = admin.get(f"/api/v1/contracts/{contract.pk}/").json()

    created = admin.post(MILESTONES, part(contract), format="json")

    assert created.status_code == 201, created.content
    row = created.json()
    assert created.headers["Location"] == f"{MILESTONES}{row['id']}/"
    assert row | {"created_at": "", "updated_at": ""} == {
        "id": row["id"], "contract": contract.pk, "title": "Delivery", "amount": "400.0000", "planned_on": "2024-05-01",
        "accepted_on": None, "created_at": "", "updated_at": "",
    }  # fmt: skip
    after = admin.get(f"/api/v1/contracts/{contract.pk}/").json()
    assert (before["recognition"], after["recognition"]) == ("straight_line", "milestones")


def test_milestone_is_changed_by_the_version_one_saw_and_deleted(admin, contract):
    address = f"{MILESTONES}{make_milestone(contract=contract).pk}/"
    tag = admin.get(address).headers["ETag"]

    accepted = admin.patch(address, {"accepted_on": "2024-06-02"}, format="json", headers={"If-Match": tag})

    assert (accepted.status_code, accepted.json()["accepted_on"]) == (200, "2024-06-02")
    assert_problem(admin.patch(address, {"title": "X"}, format="json", headers={"If-Match": tag}), 412)
    assert_problem(admin.patch(address, {"title": "X"}, format="json"), 428)
    assert admin.delete(address).status_code == 204
    assert not ContractMilestone.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"amount": "0"}, "/amount"),
        ({"amount": "-5"}, "/amount"),
        ({"amount": "600.0001"}, "/amount"),
        ({"amount": "1.00001"}, "/amount"),
        ({"title": ""}, "/title"),
        ({"planned_on": None}, "/planned_on"),
        ({"contract": 2**40}, "/contract"),
        ({"accepted_on": "soon"}, "/accepted_on"),
        ({"currency": "CNY"}, "/currency"),
    ],
)
def test_bad_milestones_are_400_at_their_field(admin, contract, wrong, where):
    make_milestone(contract=contract, amount=Decimal(400))

    assert pointers(assert_problem(admin.post(MILESTONES, part(contract) | wrong, format="json"), 400)) == [where]


def test_milestones_are_at_most_the_amount_of_the_contract_whichever_is_changed(admin, contract):
    make_milestone(contract=contract, amount=Decimal(400))
    mine = admin.post(MILESTONES, part(contract, amount="600"), format="json").json()
    address = f"{MILESTONES}{mine['id']}/"

    assert_problem(admin.patch(address, {"amount": "601"}, format="json", headers={"If-Match": "*"}), 400)
    lowered = admin.patch(
        f"/api/v1/contracts/{contract.pk}/", {"amount": "999"}, format="json", headers={"If-Match": "*"}
    )
    assert assert_problem(lowered, 400)["detail"] == (
        "/amount: The milestones would add up to 1000.0000, and the contract is about 999.0000."
    )
    assert admin.patch(address, {"amount": "599"}, format="json", headers={"If-Match": "*"}).status_code == 200


def test_contract_without_amount_takes_no_milestone(admin):
    answer = admin.post(MILESTONES, part(make_contract()), format="json")

    assert assert_problem(answer, 400)["detail"].endswith("its milestones are parts of it.")


def test_two_who_add_at_once_cannot_exceed_the_contract(contract):
    """What the rule of one request cannot see, the database refuses when the transaction ends."""
    make_milestone(contract=contract, amount=Decimal(700))
    connection.check_constraints()

    contract.milestones.create(title="Late", amount=Decimal(301), planned_on=date(2024, 1, 1))

    with pytest.raises(IntegrityError, match="more than its amount"):
        connection.check_constraints()


def test_amount_of_a_contract_cannot_be_taken_from_under_its_milestones(contract):
    make_milestone(contract=contract, amount=Decimal(700))
    connection.check_constraints()

    Contract.objects.filter(pk=contract.pk).update(amount=None)

    with pytest.raises(IntegrityError, match="more than its amount"):
        connection.check_constraints()


def test_amount_and_milestones_may_change_together(contract):
    make_milestone(contract=contract, amount=Decimal(1500))
    Contract.objects.filter(pk=contract.pk).update(amount=Decimal(2000))

    connection.check_constraints()

    assert contract.milestones.get().amount == 1500


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"status": "active", "cancelled_on": "2024-05-01"}, "Only a cancelled contract has a day of cancellation"),
        ({"status": "cancelled", "cancelled_on": "2023-05-01"}, "The contract is cancelled before it was signed."),
    ],
)
def test_day_of_cancellation_goes_with_the_status(admin, contract, fields, fault):
    address = f"/api/v1/contracts/{contract.pk}/"
    fields = {"signed_on": "2024-01-01"} | fields

    answer = admin.patch(address, fields, format="json", headers={"If-Match": "*"})

    assert fault in assert_problem(answer, 400)["detail"]
    good = {"status": "cancelled", "cancelled_on": "2024-05-01"}
    assert admin.patch(address, good, format="json", headers={"If-Match": "*"}).json()["cancelled_on"] == "2024-05-01"


def test_only_milestones_of_accounts_in_view_are_there(rest):
    owner = make_editor("accounts.add_contractmilestone", "accounts.change_contractmilestone")
    own = make_milestone(contract=make_contract(account=make_account(owner=owner), amount=1000, currency="CNY"))
    hidden = make_milestone()
    client = rest(owner)

    assert ids(client.get(MILESTONES)) == [own.pk]
    assert ids(client.get(MILESTONES, {"contract": own.contract_id, "planned_on__lte": "2024-12-31"})) == [own.pk]
    assert ids(client.get(MILESTONES, {"account": own.contract.account_id, "accepted_on__isnull": "true"})) == [own.pk]
    assert_problem(client.get(MILESTONES, {"contract": hidden.contract_id}), 400)
    assert_problem(client.get(f"{MILESTONES}{hidden.pk}/"), 404)
    assert_problem(client.post(MILESTONES, part(hidden.contract), format="json"), 400)
    moved = client.patch(
        f"{MILESTONES}{own.pk}/", {"contract": hidden.contract_id}, format="json", headers={"If-Match": "*"}
    )
    assert_problem(moved, 400)


@pytest.mark.parametrize("rows", [1, 3])
def test_milestones_are_listed_with_a_constant_number_of_statements(rest, rows, django_assert_num_queries):
    user = make_user()
    for _ in range(rows):
        make_milestone(contract=make_contract(account=make_account(owner=user), amount=1000, currency="CNY"))
    client = rest(user)

    with django_assert_num_queries(5):
        assert len(ids(client.get(MILESTONES))) == rows
