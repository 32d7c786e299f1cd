"""The bridge by product and category: to the cent, over any days and currencies, against a slow sum over the ledger."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, RevenueRecord
from crm.lib.periods import Period, parse_period
from metrics.models import ProductDay
from metrics.services.breakdown import COLUMNS, bridge_breakdown
from metrics.services.portfolio import Bar
from tests.factories import make_account, make_product, make_rate, make_revenue, post_revenue

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011")


def split(by="product", *, base=BASE, comparison=COMPARISON, **choices):
    return bridge_breakdown(Account.objects.all(), base=base, comparison=comparison, by=by, **choices)


def random_ledger(seed, *, currencies=("CNY",), accounts=8, products=5, rows=160):
    rng = np.random.default_rng(seed)
    parent = None
    known = []
    for number in range(accounts):
        known.append(make_account(parent=parent))
        parent = known[-1] if number % 3 == 0 else None
    sold = [make_product(category="AB "[number % 3].strip()) for number in range(products)]
    lines = []
    for _ in range(rows):
        amount = Decimal(int(rng.integers(-60_000, 90_000))).scaleb(-4) * int(rng.integers(1, 4000))
        lines.append({
            "account": known[rng.integers(accounts)],
            "product": None if rng.random() < 0.15 else sold[rng.integers(products)],
            "booked_on": date(2009, 6, 1) + timedelta(days=int(rng.integers(0, 900))),
            "amount": amount,
            "currency": currencies[rng.integers(len(currencies))],
            "kind": "credit_note" if amount < 0 else "invoice",
        })  # fmt: skip
    post_revenue(lines)


def assert_whole(found):
    assert found.breakdown.leaves
    for name in COLUMNS:
        amounts = [leaf.bars[name].amount for leaf in found.breakdown.leaves]
        assert sum(amounts, Decimal(0)) == found.bridge.bars[name].amount, name
    for leaf in found.breakdown.leaves:
        lines = [bar.amount for name, bar in leaf.bars.items() if name not in {"opening", "closing"}]
        assert leaf.bars["opening"].amount + sum(lines) == leaf.bars["closing"].amount


def slow_lines(found, base, comparison):
    """{(line, product key): amount} record by record, from the accounts behind each line."""
    table = found.bridge.table
    columns = {name: table.columns[name] != 0 for name in ("expansion", "contraction", "churned", "reactivated", "new")}
    line_of = {}
    for at, account in enumerate(table.unit_ids.tolist()):
        line_of[account] = next((name for name, mask in columns.items() if mask[at]), "")
    sums = defaultdict(Decimal)
    for record in RevenueRecord.objects.all():
        line, product = line_of.get(record.account_id, ""), str(record.product_id or "no_product")
        if record.booked_on in base:
            sums["opening", product] += record.amount
            kept = {"new": "adjustment", "reactivated": "adjustment", "": "adjustment"}.get(line, line)
            sums[kept, product] -= record.amount
        if record.booked_on in comparison:
            sums["closing", product] += record.amount
            sums[{"churned": "adjustment", "": "adjustment"}.get(line, line), product] += record.amount
    return sums


@pytest.mark.parametrize("seed", [1, 2])
def test_leaves_equal_a_slow_sum_over_the_ledger(seed):
    random_ledger(seed)

    found = split()

    wanted = slow_lines(found, BASE, COMPARISON)
    for leaf in found.breakdown.leaves:
        for name in COLUMNS:
            assert leaf.bars[name].amount == wanted[name, leaf.key], (name, leaf.key)
    assert_whole(found)
    assert [leaf.change for leaf in found.breakdown.leaves] == sorted(
        (leaf.change for leaf in found.breakdown.leaves), key=lambda change: -abs(change)
    )


@pytest.mark.parametrize("by", ["product", "category"])
@pytest.mark.parametrize("level", ["entity", "group"])
@pytest.mark.parametrize("currencies", [("CNY",), ("CNY", "USD", "EUR")])
def test_leaves_add_up_to_the_cent_whatever_is_chosen(by, level, currencies):
    random_ledger(7, currencies=currencies)
    for day in range(0, 930, 3):
        on = date(2009, 6, 1) + timedelta(days=day)
        make_rate(from_currency="USD", valid_on=on, rate=Decimal("6.123457") + day)
        make_rate(from_currency="EUR", valid_on=on, rate=Decimal("0.133331") * (day + 1))
    days = Period(date(2010, 2, 11), date(2010, 11, 3)), Period(date(2010, 12, 24), date(2011, 10, 9))

    for base, comparison in ((BASE, COMPARISON), days):
        assert_whole(split(by, base=base, comparison=comparison, level=level, currency="CNY"))


def test_accounts_count_with_each_of_their_products():
    account, lamp, desk = make_account(), make_product(name="Lamp"), make_product(name="Desk")
    post_revenue([
        {"account": account, "product": product, "booked_on": day, "amount": Decimal(amount)}
        for product, day, amount in (
            (lamp, date(2010, 5, 1), 100), (desk, date(2010, 5, 1), 50), (lamp, date(2011, 5, 1), 300),
            (desk, date(2011, 5, 1), 20),
        )
    ])  # fmt: skip

    leaves = {str(leaf.label): leaf for leaf in split().breakdown.leaves}

    assert leaves["Lamp"].bars["expansion"] == Bar(Decimal(200), 1)
    assert leaves["Desk"].bars["expansion"] == Bar(Decimal(-30), 1)
    assert (leaves["Desk"].bars["opening"], leaves["Desk"].bars["contraction"]) == (
        Bar(Decimal(50), 1),
        Bar(Decimal(0), 0),
    )


def test_categories_gather_their_products_and_those_without_one_stand_apart():
    account = make_account()
    products = [make_product(category=category) for category in ("A", "A", "")]
    post_revenue([
        {"account": account, "product": product, "booked_on": date(2011, 5, 1), "amount": Decimal(10)}
        for product in (*products, None)
    ])  # fmt: skip

    leaves = [(leaf.key, str(leaf.label), leaf.change) for leaf in split("category").breakdown.leaves]

    assert leaves == [
        ("A", "A", Decimal(20)),
        ("", "without a category", Decimal(10)),
        ("no_product", "without a product", Decimal(10)),
    ]


def test_what_is_not_summed_up_is_a_leaf_of_its_own():
    random_ledger(3)
    ProductDay.objects.filter(account=Account.objects.order_by("pk").first()).delete()

    found = split()

    assert "not_split" in [leaf.key for leaf in found.breakdown.leaves]
    assert_whole(found)


def test_a_missing_rate_and_an_empty_ledger_leave_no_leaf():
    assert split().breakdown.leaves == ()
    make_revenue(booked_on=date(2011, 5, 1), currency="USD")
    assert split(currency="CNY").breakdown.leaves == ()


def test_queries_do_not_grow_with_products_or_accounts():
    def counted(count):
        post_revenue([
            {"account": make_account(), "product": make_product(), "booked_on": date(2010, 5, 1)} for _ in range(count)
        ])  # fmt: skip
        with CaptureQueriesContext(connection) as asked:
            split()
        return len(asked)

    counted(1)
    assert counted(2) == counted(30)


def test_credit_notes_that_count_in_another_period_are_not_split_and_nothing_is_lost():
    account, lamp = make_account(), make_product()
    post_revenue([
        {"account": account, "product": lamp, "booked_on": date(2010, 5, 1), "amount": Decimal(100), "reference": "A"},
        {"account": account, "product": lamp, "booked_on": date(2011, 5, 1), "amount": Decimal(90), "reference": "B"},
        {"account": account, "product": lamp, "booked_on": date(2011, 6, 1), "amount": Decimal(-30), "kind": "credit_note",
         "reference": "C", "credits_reference": "A"},
    ])  # fmt: skip

    found = split(credit_notes="restated")

    assert_whole(found)
    leaves = {leaf.key: (leaf.bars["opening"].amount, leaf.bars["closing"].amount) for leaf in found.breakdown.leaves}
    assert leaves == {str(lamp.pk): (Decimal(100), Decimal(60)), "not_split": (Decimal(-30), Decimal(30))}
