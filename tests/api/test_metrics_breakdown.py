"""The bridge on the wire, leaf by leaf: an additive field, over what the caller sees."""

from decimal import Decimal

import pytest

from accounts.models import Account
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_user
from tests.metrics.ledger import bridge_example

ADDRESS = "/api/v1/metrics/bridge/"
PERIODS = {"base": "2010", "comparison": "2011"}
BARS = ("opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing")


@pytest.fixture
def ledger(db):
    accounts = bridge_example()
    Account.objects.filter(pk__in=[accounts[name].pk for name in "ABC"]).update(segment="Large")
    return accounts


def ask(client, **query):
    response = client.get(ADDRESS, PERIODS | query)
    assert response.status_code == 200, response.content
    return response.json()


def test_without_by_the_bridge_is_what_it_was(admin, ledger):
    whole = ask(admin)

    assert "breakdown" not in whole
    assert set(BARS) | {"currency", "passport", "reasons"} <= set(whole)
    split = ask(admin, by="segment")
    assert {name: value for name, value in split.items() if name != "breakdown"} == whole


def test_the_churned_line_is_told_apart(admin, ledger):
    """C (500) and E (300) bought nothing; neither has ordered for a year and more by the end of 2011."""
    answer = ask(admin)

    assert answer["churn_split"] == {
        "as_of": "2011-06-15",
        "churned": {"amount": "0.0000", "accounts": 0},
        "lapsed": answer["churned"],
    }
    later = ask(admin, comparison="2011-03..2011-05")["churn_split"]
    assert later["churned"]["accounts"] + later["lapsed"]["accounts"] == 5


def test_leaves_carry_every_bar_and_add_up(admin, ledger):
    answer = ask(admin, by="segment")
    leaves = answer["breakdown"]["leaves"]

    assert (answer["breakdown"]["by"], [leaf["key"] for leaf in leaves]) == ("segment", ["Large", ""])
    assert leaves[0]["change"] == "-400.0000"
    assert leaves[0]["churned"] == {"amount": "-500.0000", "accounts": 1}
    for name in BARS:
        assert sum(Decimal(leaf[name]["amount"]) for leaf in leaves) == Decimal(answer[name]["amount"])
        assert sum(leaf[name]["accounts"] for leaf in leaves) == answer[name]["accounts"]


def test_leaves_are_over_what_the_caller_sees(rest, ledger):
    owner = make_user()
    Account.objects.filter(pk=ledger["A"].pk).update(owner=owner)

    assert [leaf["key"] for leaf in ask(rest(owner), by="segment")["breakdown"]["leaves"]] == ["Large"]
    assert ask(rest(make_user()), by="owner")["breakdown"] == {"by": "owner", "leaves": []}


def test_an_unknown_dimension_is_refused(admin, ledger):
    assert pointers(assert_problem(admin.get(ADDRESS, PERIODS | {"by": "colour"}), 400)) == ["by"]
