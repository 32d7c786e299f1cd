"""How they buy: by hand, against a slow version record by record, what is undefined and why, what is kept, queries."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import mean, median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, RevenueRecord
from crm.lib.periods import parse_period
from metrics.services import patterns as service
from metrics.services.patterns import patterns
from tests.factories import make_account, make_product, make_rate, make_revenue, post_revenue
from tests.metrics.test_breakdown_products import random_ledger

pytestmark = pytest.mark.django_db
YEAR = parse_period("2024")


def buy(account, product, day, amount=100, **fields):
    return {"account": account, "product": product, "booked_on": day, "amount": Decimal(amount), **fields}


@pytest.fixture
def one(db):
    """Orders every 10 days in 2024 with lamp and desk, in 2023 with the lamp alone; 2022 reaches back two whole years."""
    account = make_account(name="One")
    lamp, desk = make_product(code="L", name="Lamp"), make_product(code="D", name="Desk")
    rows = [buy(account, lamp, date(2023, 1, day)) for day in (2, 12, 22)]
    for day in (1, 11, 21):
        rows += [buy(account, lamp, date(2024, 1, day)), buy(account, desk, date(2024, 1, day), 300)]
    post_revenue([
        *rows,
        buy(account, None, date(2024, 1, 21), 50),
        buy(account, None, date(2024, 12, 31), 1),
        buy(account, None, date(2024, 12, 31), -1, kind="credit_note"),
    ])  # fmt: skip
    return account, lamp, desk


def ask(**choices):
    return patterns(Account.objects.all(), **({"period": YEAR} | choices))


def test_one_account_by_hand(one):
    account, lamp, desk = one

    found = ask()

    assert (found.usual_interval_days, found.interval_low_days, found.rhythm_accounts) == (10.0, 10.0, 1)
    assert (found.breadth, found.breadth_before, found.breadth_change) == (2.0, 1.0, 1.0)
    assert (found.revenue, found.known_product_revenue) == (Decimal(1250), Decimal(300))
    assert (found.new_product_revenue, found.no_product_revenue) == (Decimal(900), Decimal(50))
    assert found.new_product_share == 0.75
    assert (found.products_bought, [one.name for one in found.products]) == (2, ["Desk", "Lamp", ""])
    first = found.products[0]
    assert (first.product_id, first.revenue, first.order_days, first.new_buyers) == (desk.pk, Decimal(900), 3, 1)
    assert (found.products[1].first_on, found.products[1].last_on) == (date(2023, 1, 2), date(2024, 1, 21))
    assert found.season[0] == pytest.approx(12.0)
    assert (found.season_years, found.peak_month_index, found.spring_index) == (2, pytest.approx(12), pytest.approx(6))
    assert found.weekdays[0] == 0.25  # 1 January 2024 was a Monday; of four order days
    row = found.table.rows()[0]
    assert (row.account_id, row.values["products"], row.values["new_products"]) == (account.pk, 2, 1)
    assert row.values["new_product_revenue"] == Decimal(900)
    assert lamp.pk == found.products[1].product_id


def slow(period):
    """Every figure record by record."""
    records = list(RevenueRecord.objects.select_related("product"))
    inside = [one for one in records if one.booked_on in period]
    bought, orders, days = defaultdict(list), defaultdict(lambda: defaultdict(Decimal)), defaultdict(set)
    for one in records:
        if one.amount > 0:
            bought[one.account_id, one.product_id].append(one.booked_on)
        if one.kind != "credit_note":
            orders[one.account_id][one.reference, one.booked_on] += one.amount
    for account, documents in orders.items():
        days[account] = {day for (_reference, day), net in documents.items() if net > 0 and day < period.end}
    gaps = [
        [(later - earlier).days for earlier, later in pairwise(sorted(found))]
        for found in days.values()
        if len(found) >= 3
    ]
    new = [
        one
        for one in inside
        if one.product_id and min(bought.get((one.account_id, one.product_id), [date.min])) in period
    ]
    known = [one for one in inside if one.product_id and one not in new]
    baskets = defaultdict(set)
    for one in inside:
        if one.amount > 0 and one.product_id and one.booked_on in days[one.account_id]:
            baskets[one.account_id, one.booked_on].add(one.product_id)
    return {
        "revenue": sum(one.amount for one in inside),
        "new_product_revenue": sum((one.amount for one in new), Decimal(0)),
        "known_product_revenue": sum((one.amount for one in known), Decimal(0)),
        "usual_interval_days": float(median(median(gap) for gap in gaps)) if len(gaps) > 1 else None,
        "order_days": sum(day in period for found in days.values() for day in found),
        "breadth": mean(len(found) for found in baskets.values()) if baskets else None,
        "products_bought": len({one.product_id for one in inside if one.product_id and one.amount > 0}),
    }


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_figures_equal_a_slow_version(seed):
    random_ledger(seed, accounts=6, rows=140)
    period = parse_period("2010")

    found = ask(period=period)

    wanted = slow(period)
    assert {name: getattr(found, name) for name in wanted} == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in wanted.items()
    }


@pytest.mark.parametrize("currencies", [("CNY",), ("CNY", "USD")])
def test_parts_of_revenue_add_up_to_the_cent(currencies):
    random_ledger(5, currencies=currencies)
    for month in range(1, 13):
        for year in (2009, 2010, 2011):
            make_rate(
                from_currency="USD",
                kind="month_average",
                valid_on=date(year, month, 1),
                rate=Decimal("6.123457") + month,
            )

    found = ask(period=parse_period("2010-02..2011-01"), currency="CNY")

    parts = found.known_product_revenue + found.new_product_revenue + found.no_product_revenue
    assert parts == found.revenue
    assert found.weekdays is not None
    assert sum(found.weekdays) == pytest.approx(1)


def test_what_cannot_be_said_has_its_reason(db):
    make_revenue(booked_on=date(2024, 12, 31))

    found = ask()

    assert (found.usual_interval_days, found.breadth, found.breadth_before, found.season) == (None, None, None, None)
    assert found.reasons["usual_interval_days"] == "fewer than 3 order days"
    assert found.reasons["breadth"] == "no order of the period names a product"
    assert "two whole years; the ledger has 1 complete months" in found.reasons["season"]
    assert "does not reach back" in found.reasons["breadth_change"]


def test_a_missing_rate_leaves_money_undefined_and_the_rest_said(db):
    make_revenue(booked_on=date(2024, 5, 31), currency="USD", product=make_product())

    found = ask(currency="CNY")

    assert (found.revenue, found.average_order_value, found.new_product_share) == (None, None, None)
    assert "no rate USD→CNY" in found.reasons["revenue"]
    assert (found.breadth, found.orders, found.products[0].revenue) == (1.0, 1, None)


def test_nobody_in_view_gives_no_figure(one):
    found = patterns(Account.objects.none(), period=YEAR)

    assert (found.orders, found.products, len(found.table), found.revenue) == (0, (), 0, Decimal(0))
    assert found.weekdays is None


def test_a_part_of_the_accounts_is_what_it_would_be_alone(one):
    account, lamp, _desk = one
    post_revenue([buy(make_account(), lamp, date(2024, 3, day)) for day in (1, 2, 3)])

    alone = patterns(Account.objects.filter(pk=account.pk), period=YEAR)

    assert (alone.revenue, alone.products_bought, alone.usual_interval_days) == (Decimal(1250), 2, 10.0)


def test_the_answer_over_all_is_kept_until_a_posting(one, monkeypatch):
    ask()
    monkeypatch.setattr(service, "_computed", lambda *args: pytest.fail("computed again"))
    assert ask().revenue == Decimal(1250)
    monkeypatch.undo()

    make_revenue(account=one[0], booked_on=date(2024, 6, 1), amount=Decimal(8))

    assert ask().revenue == Decimal(1258)


def test_queries_do_not_grow(one):
    counts = []
    for count in (1, 12):
        post_revenue([buy(make_account(), make_product(), date(2024, 3, 1)) for _ in range(count)])
        mine = Account.objects.filter(pk__gt=0)
        patterns(mine, period=YEAR)
        with CaptureQueriesContext(connection) as queries:
            patterns(mine, period=YEAR)
        counts.append(len(queries))

    assert counts[0] == counts[1]
