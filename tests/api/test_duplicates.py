"""Accounts that may be one company, on the wire."""

import pytest

from accounts.models import Account, DuplicateDismissal
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_superuser, make_user

pytestmark = pytest.mark.django_db
LIST = "/api/v1/accounts/"


@pytest.fixture
def acme():
    return make_account(name="Acme Pumps Ltd", code="AC1", owner=make_user(first_name="Ann", last_name="Owner"))


def test_search_masks_what_the_caller_may_not_open(rest, acme):
    found = rest(make_user()).get(f"{LIST}similar/", {"name": "ACME Pumps"}).json()
    assert found == {
        "results": [{"id": None, "code": None, "name": "Acme Pumps Ltd", "owner": "Ann Owner", "score": 1.0}]
    }

    found = rest(acme.owner).get(f"{LIST}similar/", {"name": "x", "latin_name": "ACME Pumps"}).json()
    assert [(one["id"], one["code"]) for one in found["results"]] == [(acme.pk, "AC1")]
    assert_problem(rest(acme.owner).get(f"{LIST}similar/"), 400)
    assert_problem(rest(acme.owner).get(f"{LIST}similar/", {"name": "a", "page": 1}), 400)
    assert_problem(rest().get(f"{LIST}similar/", {"name": "a"}), 401)


def test_new_account_names_those_it_resembles_and_is_added(rest, acme):
    client = rest(make_editor("accounts.add_account"))

    made = client.post(LIST, {"code": "AC2", "name": "acme pumps inc"}, format="json")

    assert made.status_code == 201
    assert made.json()["possible_duplicates"] == [
        {"id": None, "code": None, "name": "Acme Pumps Ltd", "owner": "Ann Owner", "score": 1.0}
    ]
    read = client.get(f"{LIST}{made.json()['id']}/")
    assert "possible_duplicates" not in read.json()
    assert read.headers["ETag"] == made.headers["ETag"]
    assert client.post(LIST, {"code": "+c", "name": "@home"}, format="json").json()["possible_duplicates"] == []
    assert Account.objects.get(code="+c").name == "@home"


def test_formula_is_no_name_and_no_code(rest, acme):
    client = rest(make_superuser())
    before = Account.objects.count()

    made = client.post(LIST, {"code": "=c", "name": "=cmd()"}, format="json")
    changed = client.patch(f"{LIST}{acme.pk}/", {"segment": "=cmd()"}, format="json", headers={"If-Match": "*"})

    assert pointers(assert_problem(made, 400)) == ["/code", "/name"]
    assert pointers(assert_problem(changed, 400)) == ["/segment"]
    acme.refresh_from_db()
    assert (Account.objects.count(), acme.segment) == (before, "")


def test_pairs_are_listed_and_dismissed(rest, acme):
    twin = make_account(name="ACME Pumps Inc", owner=acme.owner)
    client = rest(make_superuser())

    (pair,) = client.get(f"{LIST}duplicates/").json()["results"]
    assert (pair["keeps"], pair["merges"], pair["score"]) == (acme.pk, twin.pk, 1.0)
    dismiss = f"{LIST}duplicates/dismiss/"
    assert client.post(dismiss, {"first": twin.pk, "second": acme.pk}, format="json").status_code == 204
    assert client.get(f"{LIST}duplicates/").json() == {"results": []}
    assert pointers(assert_problem(client.post(dismiss, {"first": 1, "second": 1}, format="json"), 400)) == [
        "/first", "/second",
    ]  # fmt: skip
    refused = client.post(dismiss, {"first": acme.pk, "second": acme.pk}, format="json")
    assert pointers(assert_problem(refused, 400)) == ["/second"]
    assert DuplicateDismissal.objects.count() == 1


def test_pairs_need_the_right_to_change_accounts(rest, acme):
    assert_problem(rest(make_user()).get(f"{LIST}duplicates/"), 403)
    assert rest(make_editor("accounts.change_account")).get(f"{LIST}duplicates/").json() == {"results": []}
