"""The bridge leaf by leaf: leaves add up to the whole, each follows its own accounts, as they stand today."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.leaves import Dimension
from metrics.services.breakdown import COLUMNS, bridge_breakdown
from metrics.services.portfolio import Bar, bridge
from tests.factories import make_account, make_revenue, make_user, post_revenue
from tests.metrics.ledger import bridge_example

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011")
PERIODS = {"base": BASE, "comparison": COMPARISON}


def split(by=Dimension.SEGMENT, accounts=None, **choices):
    rows = Account.objects.all() if accounts is None else accounts
    return bridge_breakdown(rows, by=by, **PERIODS, **choices)


def test_leaves_hold_their_accounts_and_the_largest_change_comes_first():
    accounts = bridge_example()
    Account.objects.filter(pk__in=[accounts[name].pk for name in "AB"]).update(segment="Large")
    Account.objects.filter(pk=accounts["C"].pk).update(segment="Small")

    found = split().breakdown

    assert [(leaf.key, str(leaf.label), leaf.change) for leaf in found.leaves] == [
        ("Small", "Small", Decimal(-500)), ("", "not given", Decimal(206)), ("Large", "Large", Decimal(100)),
    ]  # fmt: skip
    large = found.leaves[2].bars
    assert large["expansion"] == Bar(Decimal(300), 1)
    assert large["contraction"] == Bar(Decimal(-200), 1)
    assert (large["opening"], large["closing"]) == (Bar(Decimal(1800), 2), Bar(Decimal(1900), 2))


def test_each_leaf_is_the_bridge_of_its_own_accounts():
    """The slow version: the bridge of a filter."""
    accounts = bridge_example()
    for number, account in enumerate(accounts.values()):
        Account.objects.filter(pk=account.pk).update(region="NSE"[number % 3], segment="", industry="")

    for leaf in split(Dimension.REGION).breakdown.leaves:
        alone = bridge(Account.objects.filter(region=leaf.key), **PERIODS)
        assert dict(leaf.bars) == dict(alone.bars)


def test_owners_are_named_and_accounts_without_one_are_nobody_s():
    accounts = bridge_example()
    owner = make_user(first_name="Li", last_name="Na")
    Account.objects.filter(pk=accounts["A"].pk).update(owner=owner)

    leaves = split(Dimension.OWNER).breakdown.leaves

    assert {(leaf.key, str(leaf.label)) for leaf in leaves} == {(str(owner.pk), owner.display_name), ("", "nobody")}


def test_a_group_lies_in_the_leaf_of_its_top():
    accounts = bridge_example()
    Account.objects.filter(pk=accounts["A"].pk).update(segment="Top")
    Account.objects.filter(pk=accounts["B"].pk).update(segment="Below", parent=accounts["A"])

    keys = {leaf.key for leaf in split(level="group").breakdown.leaves}

    assert keys == {"Top", ""}


def test_nothing_booked_and_missing_rates_leave_no_leaf():
    account = make_account()
    assert split().breakdown.leaves == ()
    make_revenue(account=account, booked_on=date(2011, 5, 1), currency="USD")
    assert split(currency="CNY").breakdown.leaves == ()
    assert bridge_breakdown(Account.objects.all(), **PERIODS).breakdown is None


def test_queries_do_not_grow_with_accounts_or_leaves():
    def counted(count):
        post_revenue([{"account": make_account(segment=str(at)), "booked_on": date(2010, 5, 1)} for at in range(count)])
        with CaptureQueriesContext(connection) as asked:
            split()
        return len(asked)

    counted(1)
    assert counted(1) == counted(30)


AMOUNTS = st.lists(
    st.tuples(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from(["", "A", "B"])), max_size=8
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=AMOUNTS, level=st.sampled_from(["entity", "group"]))
def test_leaves_add_up_to_the_bridge_to_the_cent(rows, level):
    with transaction.atomic():
        parent = None
        for base, comparison, segment in rows:
            account = make_account(segment=segment, parent=parent)
            parent = account if base % 2 else None
            post_revenue(
                [{"account": account, "booked_on": date(year, 5, 1), "amount": Decimal(units).scaleb(-4)}
                 for year, units in ((2010, base), (2011, comparison)) if units]
            )  # fmt: skip
        found = split(level=level)

        for name in COLUMNS if found.breakdown.leaves else ():
            amounts = [leaf.bars[name].amount for leaf in found.breakdown.leaves]
            counts = [leaf.bars[name].accounts for leaf in found.breakdown.leaves]
            assert Bar(sum(amounts, Decimal(0)), sum(counts)) == found.bridge.bars[name]
        for leaf in found.breakdown.leaves:
            lines = [bar.amount for name, bar in leaf.bars.items() if name not in {"opening", "closing"}]
            assert leaf.bars["opening"].amount + sum(lines) == leaf.bars["closing"].amount
        transaction.set_rollback(True)
