"""Each day of the ledger by product: a slow sum, postings and withdrawals, and the check of the night."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import RevenueRecord
from metrics import product_days
from metrics.models import AccountDay, ProductDay
from tests.factories import announce_touched, make_account, make_batch, make_product, make_revenue, post_revenue
from tests.metrics.test_rollup import DAY, LINE

FIELDS = ("account_id", "day", "product_key", "currency", "basis", "net", "cost", "lines", "lines_without_cost", "has_positive")  # fmt: skip
lines = st.lists(st.tuples(LINE, st.integers(0, 2)), min_size=1, max_size=8)


def stored():
    return set(ProductDay.objects.values_list(*FIELDS))


def slow():
    groups = defaultdict(list)
    for one in RevenueRecord.objects.all():
        groups[one.account_id, one.booked_on, one.product_id or 0, one.currency, one.basis].append(one)
    return {
        (
            *key,
            sum((one.amount for one in found), Decimal(0)),
            sum((one.cost or Decimal(0) for one in found), Decimal(0)),
            len(found),
            sum(one.cost is None for one in found),
            any(one.amount > 0 for one in found),
        )
        for key, found in groups.items()
    }


class ProductDayProperties(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(batches=st.lists(lines, min_size=1, max_size=3), withdrawn=st.integers(0, 2))
    def test_posting_and_withdrawing_keep_the_days_equal_to_the_slow_version(self, batches, withdrawn):
        accounts = [make_account() for _ in range(3)]
        products = [None, make_product(), make_product()]
        posted = [
            post_revenue(
                [{**line, "account": accounts[line["account"]], "product": products[at]} for line, at in batch]
            )
            for batch in batches
        ]
        gone = posted[withdrawn % len(posted)]
        RevenueRecord.objects.filter(batch=gone[0].batch).update(withdrawn_at=timezone.now())
        announce_touched(gone[0].batch, [r.account_id for r in gone])

        assert stored() == slow()
        assert product_days.is_current()


def test_rebuild_mends_damaged_days(db):
    make_revenue(product=make_product())
    make_revenue()
    ProductDay.objects.update(net=1)

    assert not product_days.is_current()
    assert product_days.rebuild() == 2
    assert stored() == slow()
    AccountDay.objects.all().delete()
    assert not product_days.is_current()


def test_days_that_were_not_touched_stay_as_they_are(db):
    kept = make_revenue(booked_on=DAY)
    ProductDay.objects.update(net=Decimal(7))
    make_revenue(account=make_account(), booked_on=DAY + timedelta(days=1))

    assert ProductDay.objects.get(account=kept.account).net == Decimal(7)


@pytest.mark.parametrize("size", [1, 30])
def test_posting_costs_three_statements_for_any_size(db, size, django_assert_num_queries):
    from django.db import connection

    account = make_account()
    post_revenue([{"account": account} for _ in range(size)])
    announce_touched(make_batch(), [account.pk])

    with django_assert_num_queries(3):  # who is touched, with who was merged into them; delete; insert
        product_days.refresh_touched(touched_table="touched_by_test")
    assert connection.in_atomic_block
