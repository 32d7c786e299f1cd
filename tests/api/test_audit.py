"""The trail over REST: read only, for what the caller may see."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contact
from crm.models import TrailEntry
from crm.trail.signature import signed
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_contact, make_contract, make_product, make_superuser, make_user

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/audit/"


def test_entries_say_who_what_and_when(rest):
    owner = make_user(first_name="Anna", last_name="Wu")
    account = make_account(owner=owner)
    with signed(via="rest", request_id="r-5", actor=lambda: owner.pk):
        contract = make_contract(account=account, number="C-1", title="Frame")
        contract.title = "Frame 2"
        contract.save()

    found = rest(owner).get(ADDRESS, {"model": "accounts.contract", "ordering": "-id"}).json()
    changed = found["results"][0]

    assert found["count"] == 2
    assert changed | {"id": 0, "at": ""} == {
        "id": 0, "at": "", "actor": owner.pk, "actor_name": "Anna Wu", "via": "rest", "request_id": "r-5",
        "model": "accounts.contract", "record": str(contract.pk), "record_name": "C-1", "account": account.pk,
        "action": "update",
        "changes": [
            {"field": "title", "label": "title", "before": "Frame", "after": "Frame 2", "is_hidden": False}
        ],
    }  # fmt: skip
    one = rest(owner).get(f"{ADDRESS}{changed['id']}/").json()
    assert one == changed


def test_caller_sees_only_their_accounts_and_the_rest_with_the_right(rest):
    owner, stranger = make_user(), make_user()
    account = make_account(owner=owner)
    make_product()
    of_account = TrailEntry.objects.filter(account_id=account.pk)

    assert rest(owner).get(ADDRESS).json()["count"] == of_account.count()
    assert rest(stranger).get(ADDRESS).json()["count"] == 0
    assert rest(stranger).get(f"{ADDRESS}{of_account.first().pk}/").status_code == 404
    assert rest(make_user(role="director")).get(ADDRESS).json()["count"] == TrailEntry.objects.count()


def test_personal_values_are_null_for_those_who_may_not_see_them(rest):
    account = make_account()
    contact = make_contact(account=account, phone="139")
    Contact.objects.filter(pk=contact.pk).update(phone="140")
    asked = {"model": "accounts.contact", "action": "update"}

    def phone(user):
        return rest(user).get(ADDRESS, asked).json()["results"][0]["changes"][0]

    assert phone(make_superuser()) | {"label": ""} == {
        "field": "phone", "label": "", "before": "139", "after": "140", "is_hidden": False,
    }  # fmt: skip
    assert phone(make_user(role="analyst")) | {"label": ""} == {
        "field": "phone", "label": "", "before": None, "after": None, "is_hidden": True,
    }  # fmt: skip


def test_it_is_only_read(admin):
    for method in ("post", "put", "patch", "delete"):
        assert getattr(admin, method)(ADDRESS, {}, format="json").status_code in {403, 405}


@pytest.mark.parametrize(
    "asked", [{"model": "sessions.session"}, {"action": "I"}, {"actor": "x"}, {"account": "2"}, {"nothing": "1"}]
)
def test_a_filter_that_cannot_be_is_400(admin, asked):
    assert_problem(admin.get(ADDRESS, asked), 400)


def test_statements_do_not_grow(rest):
    owner = make_user()
    account = make_account(owner=owner)
    make_contract(account=account)
    client = rest(owner)
    client.get(ADDRESS)

    with CaptureQueriesContext(connection) as one:
        client.get(ADDRESS, {"model": "accounts.contract"})
    for _row in range(3):
        make_contract(account=account)
    with CaptureQueriesContext(connection) as more:
        found = client.get(ADDRESS, {"model": "accounts.contract"}).json()

    assert found["count"] == 4
    assert len(one) == len(more) <= 8
