"""Groups as they were and as they are: every question agrees, and the groups add up to their members."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.groups import GroupRefused, change_parent, stays_of
from accounts.models import Account
from crm.lib.periods import Period
from metrics.frames_parts import ProductDimension
from metrics.services.activity import activity
from metrics.services.breakdown_products import product_bars
from metrics.services.cohorts import cohorts
from metrics.services.concentration import concentration
from metrics.services.decline import decline
from metrics.services.decomposition import decomposition
from metrics.services.portfolio import two_periods
from metrics.services.segments import segments
from metrics.services.sleepers import sleepers
from metrics.services.trend import trends
from tests.factories import make_account, make_product, make_rate, post_revenue

SOLD_ON = date(2024, 3, 15)
BASE, COMPARISON = (Period(date(year, 1, 1), date(year + 1, 1, 1), str(year)) for year in (2023, 2024))
PERIODS = {"base": BASE, "comparison": COMPARISON}
LAST_DAY = date(2024, 12, 31)


def everyone():
    return Account.objects.all()


@pytest.fixture
def sold(db):
    """A company with revenue of its own in both years, sold from one group to another in the middle of a month."""
    old, new = make_account(name="Old"), make_account(name="New")
    company = make_account(name="Sold", parent=old)
    post_revenue(
        [
            {"account": company, "booked_on": day, "amount": Decimal(amount)}
            for day, amount in (
                (date(2023, 5, 1), 100), (date(2024, 3, 14), 40), (SOLD_ON, 60), (date(2024, 8, 1), 7),
            )
        ]
        + [
            {"account": old, "booked_on": date(2023, 6, 1), "amount": Decimal(10)},
            {"account": new, "booked_on": date(2024, 6, 1), "amount": Decimal(5)},
        ]
    )  # fmt: skip
    change_parent(account=company, parent=new, since=SOLD_ON, by=None)
    return old, new, company


def by_name(table, *columns):
    return {row.name: tuple(row.values[name] for name in columns) for row in table.rows()}


def bars(found):
    return {name: bar.amount for name, bar in found.bridge().bars.items() if bar.amount}


def test_entities_know_nothing_of_a_sale(sold):
    found = two_periods(everyone(), **PERIODS)

    assert by_name(found.table, "base", "comparison") == {
        "Old": (10, 0), "New": (0, 5), "Sold": (100, 107),
    }  # fmt: skip
    assert bars(found) == {"opening": 110, "expansion": 7, "churned": -10, "new": 5, "closing": 112}


def test_groups_as_they_were_split_the_revenue_on_the_day_of_the_sale(sold):
    found = two_periods(everyone(), level="group", **PERIODS)

    assert by_name(found.table, "base", "comparison") == {"Old": (110, 40), "New": (0, 72)}
    assert bars(found) == {"opening": 110, "contraction": -70, "new": 72, "closing": 112}
    assert found.bridge().passport.membership == "as_was"


def test_groups_as_today_have_the_company_since_ever(sold):
    found = two_periods(everyone(), level="group", membership="as_now", **PERIODS)

    assert by_name(found.table, "base", "comparison") == {"Old": (10, 0), "New": (100, 112)}
    assert bars(found) == {"opening": 110, "expansion": 12, "churned": -10, "closing": 112}
    assert found.bridge().passport.as_dict()["membership"] == "as_now"


def test_every_question_splits_by_day(sold):
    old, new, _company = sold
    choices = {"level": "group", "as_of": LAST_DAY}

    active = activity(everyone(), period=COMPARISON, **choices)
    assert by_name(active.table, "orders", "order_days", "revenue") == {"Old": (1, 1, 40), "New": (3, 3, 72)}
    shares = concentration(everyone(), period=COMPARISON, **choices)
    assert shares.top_1_share == shares.largest_group_share == pytest.approx(72 / 112)
    split = decomposition(everyone(), **PERIODS, **choices)
    assert split.change == Decimal(2)
    assert by_name(split.table, "base_orders", "comparison_orders") == {"Old": (2, 1), "New": (0, 3)}
    matrix = cohorts(everyone(), interval="year", **choices)
    assert [(one.period.label, one.accounts) for one in matrix.cohorts] == [("2023", 1), ("2024", 1)]
    assert [cell.revenue for cell in matrix.cohorts[0].cells] == [110, 40]
    series = trends(everyone(), metrics=("active_accounts",), interval="year", **choices)
    assert [point.value for point in series["active_accounts"].points][-2:] == [1, 2]
    kinds = segments(everyone(), period=COMPARISON, **choices)
    assert set(kinds.table.unit_ids.tolist()) == {old.pk, new.pk}
    asleep = sleepers(everyone(), **choices)
    assert asleep.watched_accounts == 2
    risky = decline(everyone(), **choices)
    assert set(risky.table.unit_ids.tolist()) == {old.pk, new.pk}


def test_rolling_rates_split_by_day(sold):
    old, _new, _company = sold
    post_revenue([{"account": old, "booked_on": date(2022, 1, 3)}])

    rates = [
        trends(
            everyone(), metrics=("growth_rate",), interval="year", level="group", membership=membership, as_of=LAST_DAY
        )
        for membership in ("as_was", "as_now")
    ]

    assert [found["growth_rate"].points[-1].value for found in rates] == [
        pytest.approx(-70 / 110), pytest.approx((112 - 110) / 110),
    ]  # fmt: skip


def test_entity_level_names_the_largest_group_as_it_was(sold):
    as_was = concentration(everyone(), period=BASE)
    as_now = concentration(everyone(), period=BASE, membership="as_now")

    assert (as_was.largest_group_share, as_now.largest_group_share) == (pytest.approx(1), pytest.approx(100 / 110))
    assert as_was.top_1_share == as_now.top_1_share == pytest.approx(100 / 110)


def test_group_that_nobody_who_bought_belongs_to_any_more_is_not_on_the_books(sold):
    old, new = make_account(name="Holding"), make_account(name="Buyer")
    company = make_account(name="Carve-out", parent=old)
    post_revenue([{"account": company, "booked_on": date(2023, 5, 1)}, {"account": company, "booked_on": LAST_DAY}])
    change_parent(account=company, parent=new, since=SOLD_ON, by=None)

    before, after = (activity(everyone(), period=period, level="group").table for period in (BASE, COMPARISON))
    later = activity(everyone(), period=Period(date(2024, 6, 1), date(2025, 1, 1), "later"), level="group").table

    assert (old.pk in before.unit_ids, old.pk in after.unit_ids, old.pk in later.unit_ids) == (True, True, False)
    assert (new.pk in before.unit_ids, new.pk in after.unit_ids, new.pk in later.unit_ids) == (False, True, True)
    assert by_name(later, "revenue")["Buyer"] == (100,)


def test_company_below_a_sold_one_moves_with_it(sold):
    _old, _new, company = sold
    below = make_account(name="Below", parent=company)
    post_revenue([{"account": below, "booked_on": day, "amount": Decimal(1)} for day in (date(2023, 1, 2), SOLD_ON)])

    found = two_periods(everyone(), level="group", **PERIODS)

    assert by_name(found.table, "base", "comparison") == {"Old": (111, 40), "New": (0, 73)}


def test_customer_before_the_data_start_is_new_nowhere_in_its_first_group(sold):
    _old, _new, company = sold
    Account.objects.filter(pk=company.pk).update(before_data_start=True)

    found = cohorts(everyone(), interval="year", level="group", as_of=LAST_DAY)

    assert (found.left_out_accounts, [one.accounts for one in found.cohorts]) == (1, [1])


def test_groups_in_two_currencies_add_up_to_the_last_digit(sold):
    old, _new, company = sold
    for month in range(1, 13):
        make_rate(valid_on=date(2024, month, 1), rate=Decimal("7.1234567"))
        make_rate(valid_on=date(2023, month, 1), rate=Decimal("6.9876543"))
    post_revenue(
        [
            {"account": account, "booked_on": day, "amount": Decimal("0.3333"), "currency": "USD"}
            for account in (old, company) for day in (date(2023, 3, 3), date(2024, 3, 3), date(2024, 3, 20))
        ]
    )  # fmt: skip

    found = {level: two_periods(everyone(), level=level, **PERIODS).growth() for level in ("entity", "group")}

    assert found["entity"].total_comparison_revenue == found["group"].total_comparison_revenue
    assert found["entity"].fx_effect == pytest.approx(found["group"].fx_effect, abs=Decimal("0.01"))


def test_question_without_dated_groups_is_asked_as_before(db):
    root = make_account()
    for _number in range(3):
        member = make_account(parent=root)
        post_revenue([{"account": member, "booked_on": date(2024, 1, 5)}])

    asked = []
    two_periods(everyone(), **PERIODS)  # currencies are remembered
    for membership in ("as_was", "as_now"):
        with CaptureQueriesContext(connection) as captured:
            two_periods(everyone(), level="group", membership=membership, as_of=LAST_DAY, **PERIODS)
        asked.append([query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]])

    assert len(asked[0]) == len(asked[1]) + 1  # whether any membership is dated
    assert [sql for sql in asked[0] if "groupmembership" not in sql] == asked[1]


@pytest.mark.parametrize("count", [1, 4])
def test_query_count_does_not_grow_with_accounts(db, count, django_assert_max_num_queries):
    old, new = make_account(), make_account()
    for _number in range(count):
        company = make_account(parent=old)
        post_revenue([{"account": company, "booked_on": day} for day in (date(2023, 1, 5), date(2024, 9, 5))])
        change_parent(account=company, parent=new, since=SOLD_ON, by=None)

    with django_assert_max_num_queries(9):  # transactions counted
        two_periods(everyone(), level="group", as_of=LAST_DAY, **PERIODS)


def random_history(rng):
    """Accounts in a tree that changes on random days, and their revenue on random days."""
    accounts = [make_account() for _number in range(6)]
    days = [
        date(2023, 1, 1) + timedelta(days=rng.choice([0, 1, 13, 31, 59, 150, 365, 400, 430, 520, 700]))
        for _ in range(9)
    ]
    for account in accounts:
        for since in sorted(rng.sample(sorted(set(days)), k=min(len(set(days)), rng.randint(0, 3)))):
            parent = rng.choice([None, *accounts])
            try:
                change_parent(account=account, parent=parent, since=rng.choice([since, since, None]), by=None)
            except GroupRefused:
                continue
    rows = []
    for account in accounts:
        for _line in range(rng.randint(0, 8)):
            day = date(2023, 1, 1) + timedelta(days=rng.randint(0, 730))
            amount = Decimal(rng.randint(-300, 900)) / 4 or Decimal(1)
            kind = "credit_note" if amount < 0 else "invoice"
            rows.append({"account": account, "booked_on": day, "amount": amount, "kind": kind})
    post_revenue(rows or [{"account": accounts[0], "booked_on": date(2023, 5, 5)}])
    return rows


def root_on(account_id, day, stays):
    """The slow version: up the tree of one day, step by step."""
    while True:
        parent = next(
            s.parent_id
            for s in stays[account_id]
            if (s.start is None or s.start <= day) and (s.end is None or day < s.end)
        )
        if parent is None:
            return account_id
        account_id = parent


@pytest.mark.parametrize("seed", range(60))
def test_random_histories_agree_with_a_slow_version_and_add_up(db, seed):
    rng = random.Random(seed)
    rows = random_history(rng)
    stays = {account.pk: stays_of(account) for account in Account.objects.all()}
    expected = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in rows:
        for number, period in enumerate((BASE, COMPARISON)):
            if period.start <= row["booked_on"] < period.end:
                expected[root_on(row["account"].pk, row["booked_on"], stays)][number] += row["amount"]

    groups = two_periods(everyone(), level="group", **PERIODS)
    entities = two_periods(everyone(), **PERIODS)
    now = two_periods(everyone(), level="group", membership="as_now", **PERIODS)
    cut = Period(date(2024, 2, 3), date(2024, 8, 19), "cut")  # windows that cut months read days
    cut_groups = two_periods(everyone(), level="group", base=BASE, comparison=cut)
    cut_entities = two_periods(everyone(), base=BASE, comparison=cut)

    found = dict(
        zip(
            groups.table.unit_ids.tolist(),
            np.stack([groups.base_net, groups.comparison_net], axis=1).tolist(),
            strict=True,
        )
    )
    assert found == {unit: [float(one) for one in sums] for unit, sums in expected.items() if any(sums)}
    for one in (groups, now):
        assert one.base_net.sum() == entities.base_net.sum()
        assert one.comparison_net.sum() == entities.comparison_net.sum()
        one.bridge()  # asserts its identity to the cent
    assert cut_groups.comparison_net.sum() == cut_entities.comparison_net.sum()
    acts = [activity(everyone(), period=COMPARISON, level=level) for level in ("group", "entity")]
    assert acts[0].orders == acts[1].orders
    assert acts[0].revenue == acts[1].revenue
    months = [
        trends(everyone(), metrics=("revenue",), level=level, as_of=LAST_DAY)["revenue"].points
        for level in ("group", "entity")
    ]
    assert [point.value for point in months[0]] == [point.value for point in months[1]]
    matrix = cohorts(everyone(), level="group", as_of=LAST_DAY)
    firsts = defaultdict(list)
    for row in rows:
        if row["amount"] > 0:
            firsts[root_on(row["account"].pk, row["booked_on"], stays)].append(row["booked_on"])
    assert matrix.placed_accounts == len(firsts)
    seen = dict(zip(matrix.table.unit_ids.tolist(), matrix.table.columns["first_revenue_on"].tolist(), strict=True))
    assert seen == {unit: min(days) for unit, days in firsts.items()}


def test_bridge_by_product_splits_by_day_too(sold):
    _old, _new, company = sold
    product = make_product()
    post_revenue([
        {"account": company, "booked_on": day, "amount": Decimal(amount), "product": product}
        for day, amount in ((date(2023, 2, 1), 20), (date(2024, 2, 1), 8), (date(2024, 9, 1), 30))
    ])  # fmt: skip
    found = two_periods(everyone(), level="group", **PERIODS)
    bridge = found.bridge()

    bars = product_bars(found, bridge, by=ProductDimension.PRODUCT)

    for line, bar in bridge.bars.items():
        assert sum((one[line].amount for _key, _label, one in bars), Decimal(0)) == bar.amount
    mine = next(one for key, _label, one in bars if key == str(product.pk))
    assert {line: bar.amount for line, bar in mine.items() if bar.amount} == {
        "opening": 20, "contraction": -12, "new": 30, "closing": 38,
    }  # fmt: skip
