"""The roll-up against an independent slow version, and against itself rebuilt."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import RevenueRecord
from metrics import rollup
from metrics.models import AccountDay, AccountMonth, AccountSpan, ContractDay
from tests.factories import announce_touched, make_account, make_batch, make_contract, make_revenue, post_revenue

DAY = date(2024, 1, 30)
LINE = st.fixed_dictionaries(
    {
        "account": st.integers(0, 2),
        "booked_on": st.integers(0, 5).map(lambda n: DAY + timedelta(days=n)),
        "kind": st.sampled_from(["invoice", "invoice", "credit_note", "adjustment"]),
        "basis": st.sampled_from(["invoiced", "invoiced", "cash"]),
        "currency": st.sampled_from(["CNY", "CNY", "USD"]),
        "reference": st.sampled_from(["", "R1", "R2", "R3"]),
        "amount": st.integers(-50_000, 90_000).map(lambda n: Decimal(n) / 1000),
        "cost": st.none() | st.integers(0, 9_000).map(lambda n: Decimal(n) / 100),
        "quantity": st.none() | st.integers(-9, 9).map(Decimal),
    }
)


def slow_days(records):
    """(account, day, currency, basis) → (net, credits, cost, lines without cost, quantity, lines, orders)."""
    days = defaultdict(list)
    first_days = {}
    for r in records:
        days[r.account_id, r.booked_on, r.currency, r.basis].append(r)
        if r.kind != "credit_note":
            document = (r.account_id, r.currency, r.basis, r.reference or r.booked_on)
            first_days[document] = min(first_days.get(document, r.booked_on), r.booked_on)
    table = {}
    for key, lines in days.items():
        documents = defaultdict(Decimal)
        for r in lines:
            if r.kind != "credit_note":
                documents[r.account_id, r.currency, r.basis, r.reference or r.booked_on] += r.amount
        orders = sum(net > 0 and first_days[document] == key[1] for document, net in documents.items())
        table[key] = (
            sum(r.amount for r in lines),
            sum((r.amount for r in lines if r.kind == "credit_note"), Decimal(0)),
            sum((r.cost for r in lines if r.cost is not None), Decimal(0)),
            sum(r.cost is None for r in lines),
            sum((r.quantity for r in lines if r.quantity is not None), Decimal(0)),
            len(lines),
            orders,
        )
    return table


def stored_days():
    return {row[:4]: row[4:] for row in AccountDay.objects.values_list("account_id", "day", "currency", "basis", "net", "credits", "cost", "lines_without_cost", "quantity", "lines", "orders")}  # fmt: skip


class RollUpProperties(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        batches=st.lists(st.lists(LINE, min_size=1, max_size=8), min_size=1, max_size=3), withdrawn=st.integers(0, 2)
    )
    def test_posting_and_withdrawing_keep_the_roll_up_equal_to_the_slow_version(self, batches, withdrawn):
        accounts = [make_account() for _ in range(3)]
        posted = [post_revenue([{**line, "account": accounts[line["account"]]} for line in lines]) for lines in batches]
        gone = posted[withdrawn % len(posted)]
        RevenueRecord.objects.filter(batch=gone[0].batch).update(withdrawn_at=timezone.now())
        announce_touched(gone[0].batch, [r.account_id for r in gone])

        counting = list(RevenueRecord.objects.all())
        assert stored_days() == slow_days(counting)
        assert rollup.difference() == 0
        assert rollup.is_current()


def test_an_order_counts_on_its_first_day_by_the_net_of_that_day(db):
    account = make_account()
    post_revenue(
        [
            {"account": account, "reference": "A", "booked_on": date(2024, 1, 5), "amount": Decimal(10)},
            {"account": account, "reference": "A", "booked_on": date(2024, 1, 7), "amount": Decimal(90)},
            {"account": account, "reference": "B", "booked_on": date(2024, 1, 7), "amount": Decimal(-1)},
        ]
    )
    make_revenue(account=account, reference="A", booked_on=date(2024, 1, 2), amount=Decimal(-20))

    assert dict(AccountDay.objects.values_list("day", "orders")) == {
        date(2024, 1, 2): 0,
        date(2024, 1, 5): 0,
        date(2024, 1, 7): 0,
    }
    assert AccountSpan.objects.get().first_order_on is None
    assert AccountSpan.objects.get().first_revenue_on == date(2024, 1, 5)


def test_months_are_the_sum_of_their_days(db):
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2024, 2, day), "amount": Decimal(day)} for day in (1, 2, 29)])

    month = AccountMonth.objects.get()
    assert (month.month, month.net, month.orders, month.active_days) == (date(2024, 2, 1), Decimal(32), 3, 3)


def test_rebuild_mends_a_damaged_roll_up_and_repeats_cleanly(db):
    make_revenue()
    AccountDay.objects.update(net=1)
    AccountMonth.objects.all().delete()

    assert not rollup.is_current()
    assert rollup.difference() == 3
    assert rollup.rebuild() == 3
    assert (rollup.rebuild(), rollup.difference(), rollup.is_current()) == (0, 0, True)


def test_posting_leaves_other_accounts_alone(db):
    kept = make_revenue()
    AccountDay.objects.filter(account=kept.account).update(net=Decimal(7))
    make_revenue(account=make_account())

    assert AccountDay.objects.get(account=kept.account).net == Decimal(7)


def test_recognised_revenue_of_contracts_is_summed_by_day_and_leaves_with_its_batch(db):
    account = make_account()
    contract = make_contract(account=account)
    line = {"account": account, "contract": contract, "booked_on": DAY, "basis": "recognised"}
    records = post_revenue(
        [
            line | {"amount": Decimal("10.5")},
            line | {"amount": Decimal(-3), "kind": "credit_note"},
            line | {"amount": Decimal(5), "booked_on": DAY + timedelta(days=1)},
            line | {"amount": Decimal(100), "basis": "invoiced"},
            line | {"amount": Decimal(100), "contract": None},
        ]
    )

    kept = list(ContractDay.objects.order_by("day").values_list("contract", "day", "currency", "net"))
    assert kept == [
        (contract.pk, DAY, "CNY", Decimal("7.5")),
        (contract.pk, DAY + timedelta(days=1), "CNY", Decimal(5)),
    ]
    assert rollup.difference() == 0

    RevenueRecord.objects.filter(batch=records[0].batch).update(withdrawn_at=timezone.now())
    announce_touched(records[0].batch, [account.pk])

    assert not ContractDay.objects.exists()


@pytest.mark.parametrize("size", [1, 30])
def test_posting_costs_the_same_statements_for_any_size(db, size, django_assert_num_queries):
    account, batch = make_account(), make_batch()
    post_revenue([{"account": account} for _ in range(size)])

    with django_assert_num_queries(29):
        announce_touched(batch, [account.pk])
