"""Credit notes in their own period or in that of their original: roll-up and figures against a slow version."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Account, RevenueRecord
from crm.lib.periods import Period, parse_period
from metrics import frames, rollup
from metrics.scope import scope_of
from metrics.services.activity import activity
from metrics.services.portfolio import bridge, growth
from metrics.services.trend import trend
from tests.factories import announce_touched, make_account, make_rate, make_revenue, post_revenue
from tests.metrics.slow_credits import Line, counted_on, sums, unmatched

DAY = date(2023, 11, 20)
LINE = st.builds(
    Line,
    account=st.integers(0, 2),
    day=st.integers(0, 120).map(lambda n: DAY + timedelta(days=n)),
    currency=st.sampled_from(["CNY", "CNY", "USD"]),
    basis=st.sampled_from(["invoiced", "invoiced", "cash"]),
    kind=st.sampled_from(["invoice", "credit_note", "credit_note", "adjustment"]),
    reference=st.sampled_from(["", "R1", "R2", "R3", "C1"]),
    credits=st.sampled_from([None, "R1", "R2", "C1", "R9"]),
    amount=st.integers(-50_000, 90_000).map(lambda n: Decimal(n) / 1000),
    cost=st.none() | st.integers(0, 9_000).map(lambda n: Decimal(n) / 100),
)
LEDGER = st.lists(LINE, min_size=1, max_size=14)


@settings(max_examples=600, deadline=None)
@given(lines=LEDGER)
def test_moving_credit_notes_changes_no_total(lines):
    moved = sums(lines, counted_on(lines))

    by_book = defaultdict(lambda: [Decimal(0), Decimal(0), 0])
    for (account, currency, basis, _day), row in moved.items():
        by_book[account, currency, basis] = [a + b for a, b in zip(by_book[account, currency, basis], row, strict=True)]
    booked = defaultdict(lambda: [Decimal(0), Decimal(0), 0])
    for (account, currency, basis, _day), row in sums(lines, [line.day for line in lines]).items():
        booked[account, currency, basis] = [a + b for a, b in zip(booked[account, currency, basis], row, strict=True)]
    assert {key: row for key, row in by_book.items() if any(row)} == {key: r for key, r in booked.items() if any(r)}


@settings(max_examples=500, deadline=None)
@given(lines=LEDGER)
def test_a_credit_note_without_its_original_stays_where_it_is(lines):
    alone = [replace(line, credits=None) for line in lines]

    assert counted_on(alone) == [line.day for line in alone]
    assert len(unmatched(alone)) == sum(line.kind == "credit_note" for line in alone)


def posted(lines, accounts):
    return post_revenue(
        [
            {
                "account": accounts[line.account], "booked_on": line.day, "currency": line.currency, "basis": line.basis,
                "kind": line.kind, "reference": line.reference, "credits_reference": line.credits,
                "amount": line.amount, "cost": line.cost,
            }
            for line in lines
        ]
    )  # fmt: skip


def restated_rows(*, is_daily):
    """What figures read: (account, currency, basis, day) → net, cost, lines without cost, from the restated source."""
    found = {}
    for basis in ("invoiced", "cash"):
        scope = scope_of(Account.objects.all(), basis=basis, credit_notes="restated")
        source, column = scope.source(is_daily=is_daily)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT account_id, currency, basis, {column}, sum(net), sum(cost), sum(lines_without_cost)::int"
                f" FROM {source} l WHERE basis = %s GROUP BY 1, 2, 3, 4",
                [basis],
            )
            found |= {row[:4]: row[4:] for row in cursor.fetchall() if any(row[4:])}
    return found


class RestatedLedgers(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(first=LEDGER, second=LEDGER, is_withdrawn=st.booleans())
    def test_any_ledger_reads_like_the_slow_version(self, first, second, is_withdrawn):
        accounts = [make_account() for _ in range(3)]
        gone, _kept = posted(first, accounts), posted(second, accounts)
        lines = [*first, *second]
        if is_withdrawn:
            RevenueRecord.objects.filter(batch=gone[0].batch).update(withdrawn_at=timezone.now())
            announce_touched(gone[0].batch, [record.account_id for record in gone])
            lines = list(second)
        lines = [replace(line, account=accounts[line.account].pk) for line in lines]
        days = counted_on(lines)

        assert restated_rows(is_daily=True) == sums(lines, days)
        assert restated_rows(is_daily=False) == sums(lines, [day.replace(day=1) for day in days])
        assert rollup.difference() == 0
        assert rollup.is_current()


@pytest.fixture
def credited(db):
    """An invoice of March with a credit note in the next January, and an account without any."""
    account, other = make_account(), make_account()
    post_revenue(
        [
            {"account": account, "booked_on": date(2023, 3, 10), "reference": "I-1", "amount": Decimal(1000)},
            {"account": account, "booked_on": date(2023, 3, 12), "reference": "I-1", "amount": Decimal(200)},
            {"account": account, "booked_on": date(2024, 2, 1), "reference": "I-2", "amount": Decimal(900)},
            {"account": account, "booked_on": date(2024, 1, 5), "reference": "C-1", "kind": "credit_note",
             "credits_reference": "I-1", "amount": Decimal(-300)},
            {"account": other, "booked_on": date(2023, 5, 1), "reference": "I-1", "amount": Decimal(50)},
            {"account": other, "booked_on": date(2024, 5, 1), "reference": "I-7", "amount": Decimal(60)},
        ]
    )  # fmt: skip
    return account


def both(question, *names, **asked):
    answers = [question(Account.objects.all(), credit_notes=mode, **asked) for mode in (None, "restated")]
    return [[getattr(answer, name) for name in names] for answer in answers]


def test_growth_counts_a_credit_note_in_the_period_of_its_original(credited):
    periods = {"base": parse_period("2023"), "comparison": parse_period("2024")}

    assert both(growth, "base_revenue", "comparison_revenue", **periods) == [
        [Decimal(1250), Decimal(660)],
        [Decimal(950), Decimal(960)],
    ]
    assert growth(Account.objects.all(), credit_notes="restated", **periods).passport.credit_notes == "restated"
    assert growth(Account.objects.all(), **periods).passport.credit_notes == "booked"


def test_windows_that_cut_a_month_move_credit_notes_too(credited):
    found = growth(
        Account.objects.all(),
        base=Period(date(2023, 3, 1), date(2023, 3, 11)),
        comparison=Period(date(2024, 1, 1), date(2024, 1, 6)),
        credit_notes="restated",
    )

    assert (found.base_revenue, found.total_comparison_revenue) == (Decimal(700), Decimal(0))


def test_the_bridge_adds_up_in_both_modes(credited):
    for mode in ("booked", "restated"):
        found = bridge(
            Account.objects.all(), base=parse_period("2023"), comparison=parse_period("2024"), credit_notes=mode
        )
        amounts = {name: bar.amount for name, bar in found.bars.items()}
        assert (
            amounts["opening"] + sum(v for k, v in amounts.items() if k not in ("opening", "closing"))
            == amounts["closing"]
        )


def test_a_series_moves_and_orders_stay(credited):
    asked = {"interval": "month", "first": date(2023, 3, 1), "last": date(2024, 2, 1), "as_of": date(2024, 5, 31)}
    values = {
        mode: {point.period.label: point.value for point in trend(Account.objects.all(), metric="revenue", credit_notes=mode, **asked).points}
        for mode in ("booked", "restated")
    }  # fmt: skip

    assert (values["booked"]["2023-03"], values["booked"]["2024-01"]) == (Decimal(1200), Decimal(-300))
    assert (values["restated"]["2023-03"], values["restated"]["2024-01"]) == (Decimal(900), Decimal(0))
    assert both(activity, "orders", "active_accounts", period=parse_period("2023")) == [[2, 2], [2, 2]]


def test_histories_value_an_order_day_less_what_was_credited(credited):
    make_revenue(account=credited, booked_on=date(2024, 3, 1), reference="C-2", kind="credit_note",
                 credits_reference="I-2", amount=Decimal(-100))  # fmt: skip
    scope = scope_of(Account.objects.all(), credit_notes="restated")
    found = frames.histories(scope, as_of=date(2024, 12, 31))

    assert dict(zip(found.account_ids.tolist(), found.repeat_revenue.tolist(), strict=True))[credited.pk] == 800


def test_an_original_posted_later_takes_its_credit_note_at_once(db):
    account = make_account()
    make_revenue(account=account, booked_on=date(2024, 2, 1), kind="credit_note", credits_reference="I-9",
                 reference="C-9", amount=Decimal(-10))  # fmt: skip
    before = restated_rows(is_daily=True)
    make_revenue(account=account, booked_on=date(2024, 1, 20), reference="I-9", amount=Decimal(30))

    assert before == {(account.pk, "CNY", "invoiced", date(2024, 2, 1)): (Decimal(-10), Decimal(0), 1)}
    assert restated_rows(is_daily=True) == {
        (account.pk, "CNY", "invoiced", date(2024, 1, 20)): (Decimal(20), Decimal(0), 2)
    }


def test_a_moved_credit_note_takes_the_rate_of_its_original(db):
    account = make_account()
    make_revenue(account=account, booked_on=date(2023, 12, 10), currency="CNY", amount=Decimal(5))
    post_revenue(
        [
            {"account": account, "booked_on": date(2023, 12, 10), "reference": "U", "currency": "USD", "amount": Decimal(100)},
            {"account": account, "booked_on": date(2024, 1, 10), "reference": "C", "currency": "USD", "kind": "credit_note",
             "credits_reference": "U", "amount": Decimal(-40)},
        ]
    )  # fmt: skip
    make_rate(valid_on=date(2023, 12, 10), rate=Decimal(7))
    make_rate(valid_on=date(2024, 1, 10), rate=Decimal(8))
    periods = {"base": parse_period("2023-12"), "comparison": parse_period("2024-01"), "currency": "CNY"}

    assert both(growth, "total_base_revenue", "total_comparison_revenue", **periods) == [
        [Decimal(705), Decimal(-320)],
        [Decimal(425), Decimal(0)],
    ]


def test_a_day_that_all_credit_notes_left_needs_no_rate(db):
    account = make_account()
    make_revenue(account=account, booked_on=date(2024, 1, 10), currency="CNY", amount=Decimal(5))
    usd = {"account": account, "currency": "USD"}
    post_revenue(
        [
            {**usd, "booked_on": date(2023, 12, 10), "reference": "U", "amount": Decimal(100)},
            {**usd, "booked_on": date(2024, 1, 10), "reference": "C", "kind": "credit_note", "credits_reference": "U",
             "amount": Decimal(-40)},
        ]
    )  # fmt: skip
    make_rate(valid_on=date(2023, 12, 10), rate=Decimal(7))
    periods = {"base": parse_period("2023-12"), "comparison": parse_period("2024-01"), "currency": "CNY"}

    assert both(growth, "total_base_revenue", "total_comparison_revenue", **periods) == [
        [None, None],
        [Decimal(420), Decimal(5)],
    ]
