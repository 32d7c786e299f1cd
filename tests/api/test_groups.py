"""The group of an account on the wire: totals for who may open the node, lines for what they may open."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.groups import change_parent
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_superuser, make_team_member, make_user, post_revenue

pytestmark = pytest.mark.django_db


@pytest.fixture
def family():
    owner = make_user()
    root = make_account(name="Root", owner=owner)
    children = [make_account(name=f"Sub {number}", parent=root) for number in range(3)]
    children[0].owner = owner
    children[0].save()
    post_revenue(
        [
            {"account": account, "booked_on": date(2024, 5, 1), "amount": Decimal(amount)}
            for account, amount in zip((root, *children), (1, 20, 300, 5000), strict=True)
        ]
    )
    return owner, root, children


def ask(client, account, **query):
    return client.get(f"/api/v1/accounts/{account.pk}/group/", {"period": "2024", **query})


def test_total_for_the_node_and_lines_for_what_may_be_opened(rest, family):
    owner, root, children = family

    told = ask(rest(owner), root).json()

    assert (told["total"]["revenue"], told["own"]["revenue"], told["total"]["accounts"]) == ("5321.0000", "1.0000", 4)
    assert [(one["id"], one["revenue"]) for one in told["results"]] == [(children[0].pk, "20.0000")]
    assert (told["hidden"], told["others"]["revenue"], told["count"]) == (2, "5300.0000", 1)
    assert told["path"] == [{"id": root.pk, "code": root.code, "name": "Root"}]
    assert (told["passport"]["membership"], told["passport"]["accounts"]) == ("as_was", 4)


def test_teammate_stranger_and_manager(rest, family):
    _owner, root, children = family
    teammate = make_team_member(account=children[0]).user

    assert_problem(ask(rest(teammate), root), 404)
    told = ask(rest(teammate), children[0]).json()
    assert told["path"] == [
        {"id": None, "code": None, "name": "Root"}, {"id": children[0].pk, "code": children[0].code, "name": "Sub 0"},
    ]  # fmt: skip
    assert_problem(ask(rest(make_user()), children[0]), 404)
    everything = ask(rest(make_superuser()), root).json()
    assert ([one["revenue"] for one in everything["results"]], everything["others"]) == (
        ["5000.0000", "300.0000", "20.0000"], None,
    )  # fmt: skip


def test_single_hidden_company_is_broken_out_nowhere(rest, family):
    owner, root, children = family
    children[1].owner = owner
    children[1].save()

    told = ask(rest(owner), root).json()

    assert (told["hidden"], told["others"], told["total"]["revenue"]) == (1, None, "5321.0000")


def test_membership_as_of_and_pages(rest, family):
    owner, root, children = family
    change_parent(account=children[0], parent=None, since=date(2024, 6, 1), by=None)
    client = rest(make_superuser())

    was = ask(client, root, as_of="2024-12-31").json()
    now = ask(client, root, as_of="2024-12-31", membership="as_now").json()

    assert (was["total"]["revenue"], now["total"]["revenue"]) == ("5321.0000", "5301.0000")
    assert [one["accounts"] for one in was["results"]] == [1, 1, 0]
    second = ask(client, root, page=2, page_size=2).json()
    assert (len(second["results"]), second["count"]) == (1, 3)
    assert_problem(ask(client, root, page=9), 404)
    assert_problem(ask(rest(owner), root, membership="later"), 400)
    assert pointers(assert_problem(ask(rest(owner), root, period="soon"), 400)) == ["period"]
    assert_problem(ask(rest(owner), root, colour="red"), 400)
