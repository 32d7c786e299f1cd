"""What a group brings at any node, as it was and as it is, against a slow version; flat statements."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.groups import GroupRefused, change_parent, stays_of
from accounts.merges import merge_accounts
from accounts.models import Account, GroupMembership
from crm.lib.periods import Period
from metrics.services.group_rollup import group_rollup
from tests.factories import (
    make_account,
    make_contract,
    make_rate,
    make_receivable,
    make_wallet_estimate,
    post_revenue,
)

SOLD_ON = date(2024, 3, 15)
YEAR = Period(date(2024, 1, 1), date(2025, 1, 1), "2024")
LAST_DAY = date(2024, 12, 31)


@pytest.fixture
def sold(db):
    """A company with revenue in both years, sold from one group to another in the middle of a month."""
    old, new = make_account(name="Old"), make_account(name="New")
    company = make_account(name="Sold", parent=old)
    post_revenue(
        [
            {"account": company, "booked_on": day, "amount": Decimal(amount), "cost": Decimal(amount) / 2}
            for day, amount in ((date(2023, 5, 1), 100), (date(2024, 3, 14), 40), (SOLD_ON, 60), (date(2024, 8, 1), 7))
        ]
        + [{"account": old, "booked_on": date(2024, 6, 1), "amount": Decimal(10)}]
    )
    change_parent(account=company, parent=new, since=SOLD_ON, by=None)
    return old, new, company


def seen(node, **choices):
    found = group_rollup(node, period=YEAR, as_of=LAST_DAY, **choices)
    return {branch: (one.accounts, one.revenue, one.prior_revenue) for branch, one in found.branches.items()}


def test_company_that_was_sold_keeps_its_past_revenue_in_the_old_group(sold):
    old, new, company = sold

    assert seen(old) == {old.pk: (1, 10, 0), company.pk: (0, 40, 100)}
    assert seen(new) == {new.pk: (1, 0, 0), company.pk: (1, 67, 0)}
    assert seen(company) == {company.pk: (1, 107, 100)}


def test_group_of_today_has_its_members_since_ever(sold):
    old, new, company = sold

    assert seen(old, membership="as_now") == {old.pk: (1, 10, 0)}
    assert seen(new, membership="as_now") == {new.pk: (1, 0, 0), company.pk: (1, 107, 100)}


def test_what_is_there_on_the_day_counts_for_the_group_of_the_day(sold):
    old, new, company = sold
    make_contract(account=company, status="active", amount=Decimal(500), currency="CNY", starts_on=date(2024, 1, 1))
    make_contract(account=company, status="active", ends_on=date(2023, 12, 31), amount=Decimal(9), currency="CNY")
    make_receivable(account=company, due_on=date(2024, 12, 1), amount=Decimal(70))
    make_receivable(account=company, due_on=date(2025, 2, 1), issued_on=date(2024, 12, 5), amount=Decimal(30))
    make_wallet_estimate(
        account=company, amount=Decimal(1000), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1)
    )

    found = {group.pk: group_rollup(group, period=YEAR, as_of=LAST_DAY).total for group in (old, new)}

    mine, theirs = found[new.pk], found[old.pk]
    assert (mine.contracts, mine.contract_amount, mine.owed, mine.owed_overdue) == (1, 500, 100, 70)
    assert (mine.estimated, mine.own_revenue, mine.wallet, mine.share_of_wallet) == (1, 107, 1000, pytest.approx(0.107))
    assert (theirs.contracts, theirs.owed, theirs.estimated, theirs.share_of_wallet) == (0, 0, 0, None)


def test_gross_profit_is_undefined_where_a_line_has_no_cost(sold):
    old, new, _company = sold

    assert group_rollup(new, period=YEAR, as_of=LAST_DAY).total.gross_profit == Decimal("33.5")
    assert group_rollup(old, period=YEAR, as_of=LAST_DAY).total.gross_profit is None


def test_missing_rate_leaves_the_sum_undefined_and_says_so(sold):
    _old, new, company = sold
    post_revenue([{"account": company, "booked_on": date(2024, 9, 1), "currency": "USD", "amount": Decimal(1)}])

    found = group_rollup(new, period=YEAR, as_of=LAST_DAY)
    assert (found.total.revenue, found.total.prior_revenue) == (None, 0)
    assert "USD" in found.reasons["revenue"]

    make_rate(valid_on=date(2024, 9, 1), rate=Decimal(7))
    assert group_rollup(new, period=YEAR, as_of=LAST_DAY).total.revenue == 74


def test_merged_company_counts_once_where_the_one_that_stays_is(sold):
    old, new, company = sold
    twin = make_account(name="Sold Ltd", parent=old)
    post_revenue([{"account": twin, "booked_on": date(2024, 9, 1), "amount": Decimal(1000)}])
    merge_accounts(merged=twin, into=company, by=None, reason="Same")

    assert seen(new) == {new.pk: (1, 0, 0), company.pk: (1, 1067, 0)}
    assert sum(one.accounts for one in group_rollup(old, period=YEAR, as_of=LAST_DAY).branches.values()) == 1


@pytest.mark.parametrize("seed", range(25))
def test_random_trees_agree_with_a_slow_version(db, seed):
    rng = random.Random(seed)
    accounts = [make_account() for _number in range(7)]
    for account in accounts:
        for _change in range(rng.randint(0, 2)):
            since = date(2023, 1, 1) + timedelta(days=rng.choice([0, 31, 100, 365, 400, 430, 700]))
            try:
                change_parent(account=account, parent=rng.choice([None, *accounts]), since=since, by=None)
            except GroupRefused:
                continue
    rows = [
        {"account": rng.choice(accounts), "booked_on": date(2023, 1, 1) + timedelta(days=rng.randint(0, 730)),
         "amount": Decimal(rng.randint(1, 900)) / 4}
        for _line in range(40)
    ]  # fmt: skip
    post_revenue(rows)
    stays = {account.pk: stays_of(account) for account in accounts}
    expected = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in rows:
        climbed = row["account"].pk
        while climbed is not None:
            if YEAR.start <= row["booked_on"] < YEAR.end:
                expected[climbed][0] += row["amount"]
            else:
                expected[climbed][1] += row["amount"]
            climbed = parent_on(climbed, row["booked_on"], stays)

    for account in accounts:
        total = group_rollup(account, period=YEAR, as_of=LAST_DAY).total
        assert [total.revenue, total.prior_revenue] == expected[account.pk]


def parent_on(account_id, day, stays):
    return next(
        stay.parent_id
        for stay in stays[account_id]
        if (stay.start is None or stay.start <= day) and (stay.end is None or day < stay.end)
    )


def grown(count):
    root = make_account()
    for _number in range(count):
        child = make_account(parent=root)
        below = make_account(parent=child)
        post_revenue([{"account": below, "booked_on": date(2024, 2, 3)}])
        make_contract(account=below, status="active", amount=Decimal(1), currency="CNY")
        make_receivable(account=below)
        make_wallet_estimate(account=below)
        change_parent(account=child, parent=root, since=None, by=None)
    return root


def test_statements_do_not_grow_with_the_group(db):
    counts = []
    for size in (1, 5):
        root = grown(size)
        group_rollup(root, period=YEAR, as_of=LAST_DAY)
        with CaptureQueriesContext(connection) as captured:
            group_rollup(root, period=YEAR, as_of=LAST_DAY)
        counts.append(len(captured))
        assert not [query for query in captured if "accounts_revenuerecord r" in query["sql"]]

    assert counts[0] == counts[1]


def at_once(write, *accounts):
    """What the end of a transaction looks at is looked at after the writing."""
    write(*accounts)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def by_parents(first, second, _third):
    Account.objects.filter(pk=first.pk).update(parent=second)
    Account.objects.filter(pk=second.pk).update(parent=first)


def by_days(first, second, _third):
    GroupMembership.objects.create(account=first, parent=second, valid_to=date(2024, 1, 2))
    GroupMembership.objects.create(account=second, parent=first, valid_from=date(2024, 1, 1))


def by_a_chain(first, second, third):
    Account.objects.filter(pk=first.pk).update(parent=second)
    Account.objects.filter(pk=second.pk).update(parent=third)
    GroupMembership.objects.create(account=third, parent=first)


def by_forgetting(first, second, _third):
    change_parent(account=second, parent=first, since=None, by=None)
    change_parent(account=second, parent=None, since=date(2024, 1, 1), by=None)
    change_parent(account=first, parent=second, since=date(2024, 6, 1), by=None)
    GroupMembership.objects.filter(account=first).delete()  # now below the second since ever


@pytest.mark.parametrize("write", [by_parents, by_days, by_a_chain, by_forgetting])
def test_database_refuses_a_loop_whoever_writes_it(db, write):
    accounts = [make_account() for _number in range(3)]

    with pytest.raises(IntegrityError, match="cannot contain itself"):
        transaction.atomic(at_once)(write, *accounts)


def test_edges_that_follow_each_other_are_no_loop(db):
    first, second = make_account(), make_account()

    GroupMembership.objects.create(account=first, parent=second, valid_to=date(2024, 1, 1))
    GroupMembership.objects.create(account=second, parent=first, valid_from=date(2024, 1, 1))

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert GroupMembership.objects.count() == 2
