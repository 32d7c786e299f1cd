"""Who may do what, and what somebody sees, over REST."""

import pytest

from accounts.access import ROWS, TOKEN_SCOPES, Action
from accounts.models import AccessToken, Account
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_team_member, make_unit, make_user

pytestmark = pytest.mark.django_db


def test_table_is_the_one_the_product_asks(rest):
    told = rest(make_user(role="analyst")).get("/api/v1/access/actions/").json()

    roles = [one["role"] for one in told["roles"]]
    assert {one["action"]: " ".join("+" if role in one["roles"] else "-" for role in roles) for one in told["actions"]} == {
        action.value: marks for action, marks in ROWS.items()
    }  # fmt: skip
    assert {one["action"] for one in told["actions"] if one["is_scope"]} == {one.value for one in TOKEN_SCOPES}


@pytest.fixture
def manager():
    manager = make_user(role="manager")
    seller = make_user(unit=make_unit(head=manager))
    make_account(code="OWN", owner=manager)
    make_account(code="BELOW", owner=seller)
    make_team_member(account=make_account(code="SEAT"), user=manager)
    make_account(code="STRANGE")
    return manager


def of(user, more=""):
    return f"/api/v1/access/people/{user.pk}/{more}"


def test_person_is_told_in_numbers_and_by_account(admin, manager):
    told = admin.get(of(manager)).json()
    rows = admin.get(of(manager, "accounts/")).json()["results"]

    assert (told["reach"], told["total"], told["everything"], told["hidden"]) == ("subtree", 3, [], [])
    assert told["by_way"] == {"owner": 1, "seat": 1, "deputy": 0, "unit": 1}
    assert {row["code"]: [way["way"] for way in row["ways"]] for row in rows} == {
        "OWN": ["owner"], "BELOW": ["unit"], "SEAT": ["seat"],
    }  # fmt: skip
    by_unit = admin.get(of(manager, "accounts/"), {"way": "unit"}).json()
    assert [row["code"] for row in by_unit["results"]] == ["BELOW"]
    assert_problem(admin.get(of(manager, "accounts/"), {"way": "magic"}), 400)
    assert_problem(admin.get(of(manager, "accounts/"), {"role": "x"}), 400)
    analyst = admin.get(of(make_user(role="analyst"))).json()
    assert analyst["everything"] == [{"way": "role", "group": ""}]
    assert analyst["hidden"] == ["margin", "personal"]


def test_one_account_is_explained(admin, manager):
    def why(code):
        return admin.get(of(manager, "why/"), {"account": Account.objects.get(code=code).pk}).json()

    assert (why("SEAT")["is_seen"], why("SEAT")["obstacles"]) == (True, [])
    assert why("SEAT")["ways"][0]["role"] == "account_manager"
    assert (why("STRANGE")["is_seen"], why("STRANGE")["obstacles"]) == (False, ["no_owner", "no_seat", "outside"])
    for value in (2**40, 2**70, "x", ""):
        assert_problem(admin.get(of(manager, "why/"), {"account": value}), 400)
    assert_problem(admin.get(of(manager, "why/")), 400)


@pytest.mark.parametrize("role", ["director", "manager", "member", "analyst"])
def test_others_are_not_told(rest, manager, role):
    client = rest(make_user(role=role))

    for more in ("", "accounts/", "why/"):
        assert_problem(client.get(of(manager, more)), 403)


def test_a_token_that_may_not_look_at_accounts_is_told_of_none(rest, manager):
    root = make_user(role="administrator")
    client = rest(root)
    AccessToken.objects.filter(user=root).update(scopes=[Action.ACCESS_VIEW.value])

    assert client.get(of(manager)).json()["total"] == 0
    assert client.get(of(manager, "accounts/")).json()["results"] == []
    assert_problem(client.get(of(manager, "why/"), {"account": Account.objects.get(code="OWN").pk}), 400)
