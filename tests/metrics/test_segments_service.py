"""Which kinds of customers: scores, segments, value bands and stability over those in view."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.formulas.rfm import RfmSegment
from metrics.services.segments import ValueMeasure, segments
from tests.factories import make_account, make_rate, post_revenue

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)


def line(account, day, amount=100, **fields):
    fields.setdefault("cost", None)
    return {"account": account, "booked_on": day, "amount": Decimal(str(amount)), "currency": "EUR", **fields}


def buyer(*, every=30, last=5, orders=6, amount=100, margin="0.4", **fields):
    account = make_account(**fields)
    cost = None if margin is None else Decimal(str(amount)) * (1 - Decimal(margin))
    post_revenue([line(account, AS_OF - timedelta(days=last + every * at), amount, cost=cost) for at in range(orders)])
    return account


def ask(accounts=None, **choices):
    return segments(Account.objects.all() if accounts is None else accounts, **{"as_of": AS_OF, **choices})


def column(found, name):
    return dict(zip(found.table.unit_ids.tolist(), found.table.columns[name].tolist(), strict=True))


def test_scores_rank_the_accounts_against_one_another():
    best, middle, worst = (
        buyer(last=1, orders=9, amount=900),
        buyer(last=50, orders=5),
        buyer(last=300, orders=2, amount=1),
    )

    found = ask()

    scores = {name: column(found, name) for name in ("recency", "frequency", "monetary")}
    assert {name: [values[one.pk] for one in (best, middle, worst)] for name, values in scores.items()} == {
        "recency": [5, 3, 1],
        "frequency": [5, 3, 1],
        "monetary": [5, 3, 1],
    }
    assert column(found, "segment") == {best.pk: "champion", middle.pk: "needs_attention", worst.pk: "lost"}
    assert column(found, "days_silent")[middle.pk] == 50
    assert (found.scored_accounts, found.unscored_accounts, found.is_few) == (3, 0, True)


def test_segments_and_bands_are_complete_and_add_up():
    for at in range(12):
        buyer(every=20 + at, last=1 + 20 * at, orders=2 + at % 5, amount=100 * (at + 1))

    found = ask()

    assert [one.segment for one in found.segments] == list(RfmSegment)
    assert sum(one.accounts for one in found.segments) == sum(one.accounts for one in found.bands) == 12
    total = sum(one.revenue for one in found.segments)
    assert total == sum(one.revenue for one in found.bands) == Decimal(str(found.table.columns["revenue"].sum()))
    assert sum(one.revenue_share for one in found.segments) == pytest.approx(1)
    assert [(one.band, one.action) for one in found.bands] == [
        ("high", "focus"),
        ("mid", "cultivate"),
        ("low", "reassess"),
    ]
    assert found.high_value_accounts == found.bands[0].accounts == 3
    assert found.high_value_share == found.bands[0].revenue_share
    assert not found.is_few


def test_bands_are_made_of_profit_where_every_cost_is_known_else_of_revenue():
    rich, big = buyer(amount=100, margin="0.9"), buyer(amount=300, margin="0.1")

    by_profit = ask()
    post_revenue([line(big, AS_OF, 1)])
    by_revenue = ask()

    assert (by_profit.measure, by_revenue.measure) == (ValueMeasure.GROSS_PROFIT, ValueMeasure.REVENUE)
    assert column(by_profit, "band") == {rich.pk: "high", big.pk: "low"}
    assert column(by_revenue, "band") == {rich.pk: "low", big.pk: "high"}
    assert by_revenue.stable_profitable_accounts is None
    assert str(by_revenue.reasons["stable_profitable_accounts"]) == "cost is missing on some lines of the period"
    assert by_profit.reasons == {}


def test_stable_and_profitable_accounts_order_evenly_and_bring_profit():
    even = buyer(every=30, orders=8, amount=500)
    uneven, young, losing = make_account(), buyer(orders=3, amount=400), buyer(every=30, orders=8, margin="-0.1")
    gaps = [1, 1, 1, 200, 1, 1, 1, 1, 100]
    post_revenue(
        [line(uneven, AS_OF - timedelta(days=sum(gaps[: at + 1])), 300, cost=Decimal(10)) for at in range(len(gaps))]
    )

    found = ask()

    assert column(found, "is_stable") == {even.pk: True, uneven.pk: False, young.pk: False, losing.pk: True}
    assert column(found, "stability")[even.pk] == 1.0
    assert np.isnan(column(found, "stability")[young.pk])
    assert [pk for pk, is_in in column(found, "is_stable_profitable").items() if is_in] == [even.pk]
    assert (found.stable_accounts, found.stable_profitable_accounts) == (2, 1)


def test_period_limits_orders_and_revenue_and_the_days_are_counted_to_its_end():
    account = buyer(every=30, last=5, orders=12)

    found = ask(period=parse_period("2024-Q3"))

    assert column(found, "orders") == {account.pk: 3}
    assert column(found, "revenue") == {account.pk: 300}
    assert column(found, "days_silent") == {account.pk: 3}
    assert found.passport.comparison == parse_period("2024-Q3")


def test_only_accounts_on_the_books_that_have_ordered_are_behind_it():
    sleeping = buyer(last=500, orders=3)
    buyer(last=500, orders=3, closed_on=date(2023, 10, 1))
    make_account()

    found = ask()

    assert found.table.unit_ids.tolist() == [sleeping.pk]
    assert column(found, "orders") == {sleeping.pk: 0}
    assert found.high_value_share is None
    assert str(found.reasons["high_value_share"]) == "no account had revenue above 0 in the period"


def test_single_account_stands_in_the_middle():
    account = buyer()

    found = ask()

    assert [column(found, name)[account.pk] for name in ("recency", "frequency", "monetary")] == [3, 3, 3]
    assert found.is_few


def test_missing_rate_leaves_the_account_without_scores_and_says_why():
    known, unknown = buyer(), buyer(amount=50)
    post_revenue([line(unknown, date(2024, 5, 5), 7, currency="USD", cost=Decimal(1))])

    without = ask(currency="EUR")
    make_rate(from_currency="USD", to_currency="EUR", valid_on=date(2024, 5, 5), rate=Decimal(2))
    with_rate = ask(currency="EUR")

    assert (without.scored_accounts, without.unscored_accounts, without.high_value_share) == (1, 1, None)
    assert column(without, "segment") == {known.pk: "needs_attention", unknown.pk: ""}
    assert str(without.reasons["monetary"]) == "no rate USD→EUR for 2024-05"
    assert (with_rate.scored_accounts, with_rate.unscored_accounts, with_rate.reasons) == (2, 0, {})


def test_group_is_one_customer():
    root = buyer(orders=2)
    child = buyer(orders=3)
    Account.objects.filter(pk=child.pk).update(parent=root)

    found = ask(level="group")

    assert column(found, "revenue") == {root.pk: 500}
    assert column(found, "orders") == {root.pk: 5}


def test_nobody_in_view_is_an_answer():
    buyer()

    found = ask(Account.objects.none())

    assert (found.scored_accounts, found.stable_accounts, len(found.table)) == (0, 0, 0)
    assert {one.accounts for one in found.segments} == {0}


def test_axes_that_people_fill_in_add_up_to_the_same_accounts():
    for amount, fields in ((300, {"need": "price", "size": "large"}), (100, {"need": "service"}), (50, {})):
        buyer(amount=amount, **fields)

    found = {str(one.axis): one.parts for one in ask(with_axes=True).axes}

    assert [(one.key, str(one.label), one.accounts, one.revenue) for one in found["need"]] == [
        ("price", "Price", 1, Decimal(1800)), ("service", "Service", 1, Decimal(600)), ("", "not given", 1, Decimal(300)),
    ]  # fmt: skip
    assert [one.revenue_share for one in found["need"]] == pytest.approx([1800 / 2700, 600 / 2700, 300 / 2700])
    assert set(found) == {"need", "potential", "size", "industry"}
    assert [one.key for one in found["size"]] == ["large", ""]


@pytest.mark.parametrize("count", [1, 25])
def test_query_count_does_not_grow_with_the_accounts(count):
    for _ in range(count):
        buyer()
    ask()

    with CaptureQueriesContext(connection) as queries:
        ask()

    assert len(queries) <= 10
