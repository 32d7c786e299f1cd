"""Wider or deeper: new and reactivated accounts against existing ones, adding up to the last digit."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.services.directions import directions
from tests.factories import make_account, make_user, post_revenue
from tests.metrics.ledger import bridge_example

pytestmark = pytest.mark.django_db
PERIODS = {"base": parse_period("2010"), "comparison": parse_period("2011-04..2011-12"), "as_of": date(2011, 12, 31)}
NAMES = ("opening", "horizontal_growth", "vertical_growth", "adjustment", "closing")


def ask(accounts=None, **choices):
    return directions(Account.objects.all() if accounts is None else accounts, **{**PERIODS, **choices})


def amounts(found):
    return [getattr(found, name).amount for name in NAMES]


def test_worked_example_by_direction():
    bridge_example()

    found = ask()

    told = {name: (getattr(found, name).amount, getattr(found, name).accounts) for name in NAMES}
    assert told == {
        "opening": (Decimal(2940), 5),
        "horizontal_growth": (Decimal(530), 4),
        "vertical_growth": (Decimal(-700), 4),
        "adjustment": (Decimal(-25), 3),
        "closing": (Decimal(2745), 7),
    }
    assert sorted(row.name for row in found.behind("horizontal_growth").rows()) == ["F", "G", "H", "I"]
    assert (found.passport.metric, found.reasons, found.leaves) == ("directions", {}, ())


@pytest.mark.parametrize("by", ["segment", "region", "owner", "grade", "industry", "channel", "dealer", "group"])
def test_leaves_add_up(by):
    bridge_example()
    Account.objects.filter(name__in="ABFG").update(
        segment="S", region="North", owner=make_user(), industry="Steel", channel="Dealers", dealer=make_account()
    )
    Account.objects.filter(name__in="BG").update(parent=Account.objects.get(name="A"))

    found = ask(by=by)

    parts = [amounts(leaf) for leaf in found.leaves]
    assert [sum(column) for column in zip(*parts, strict=True)] == amounts(found)
    assert all(sum(row[:-1]) == row[-1] for row in parts)


def test_growth_through_a_dealer_stands_apart():
    """F is won and B declines through the outlet; what buys directly, or belongs to nobody, is a leaf too."""
    bridge_example()
    outlet = make_account(name="Outlet")
    Account.objects.filter(name__in="BF").update(dealer=outlet, channel="Dealers")

    by_dealer, by_channel = ask(by="dealer"), ask(by="channel")

    dealt = next(leaf for leaf in by_dealer.leaves if leaf.key == str(outlet.pk))
    assert (dealt.label, amounts(dealt)) == ("Outlet", [800, 250, -200, 0, 850])
    assert {str(leaf.label) for leaf in by_dealer.leaves} == {"Outlet", "no dealer"}
    assert {(leaf.key, amounts(leaf)[1]) for leaf in by_channel.leaves} == {("Dealers", 250), ("", 280)}


def test_groups_are_the_trees_of_today_and_who_stands_alone_is_in_none():
    """C under A, and D under C; A..C..D are one leaf named after their root."""
    accounts = bridge_example()
    Account.objects.filter(name="C").update(parent=accounts["A"])
    Account.objects.filter(name="D").update(parent=accounts["C"])

    found = ask(by="group")

    told = {leaf.key: (str(leaf.label), leaf.opening.amount) for leaf in found.leaves}
    assert told == {str(accounts["A"].pk): ("A", 1000 + 500 + 400), "": ("in no group", 2940 - 1900)}


def test_fastest_leaf_comes_first_and_is_named():
    bridge_example()
    Account.objects.filter(name__in=("A", "F")).update(region="North")

    leaves = ask(by="region").leaves

    assert [(leaf.key, str(leaf.label)) for leaf in leaves] == [("North", "North"), ("", "not given")]
    assert amounts(leaves[0]) == [1000, 250, 300, 0, 1550]


def test_nobody_grows_by_nothing():
    found = ask(by="region")

    assert (amounts(found), found.leaves) == ([0] * 5, ())


def test_a_missing_rate_leaves_everything_out():
    accounts = bridge_example()
    post_revenue([{"account": accounts["A"], "booked_on": date(2011, 6, 1), "currency": "USD"}])

    found = ask(currency="CNY", by="region")

    assert (set(amounts(found)), found.leaves) == ({None}, ())
    assert all(str(found.reasons[name]).startswith("no rate USD→CNY") for name in NAMES)


def test_groups_lie_in_the_leaf_of_their_root():
    accounts = bridge_example()
    Account.objects.filter(name="A").update(region="North")
    accounts["F"].parent = accounts["A"]
    accounts["F"].save()

    leaves = {leaf.key: amounts(leaf) for leaf in ask(by="region", level="group").leaves}

    assert leaves["North"] == [1000, 0, 550, 0, 1550]


def test_number_of_statements_does_not_grow_with_accounts():
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(by="owner")
        return len(captured)

    post_revenue([{"account": make_account(owner=make_user()), "booked_on": date(2011, 5, 1)}])
    one = statements()
    post_revenue([{"account": make_account(owner=make_user()), "booked_on": date(2011, 5, 1 + n)} for n in range(3)])

    assert statements() == one
