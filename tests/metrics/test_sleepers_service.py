"""Who sleeps: by their own rhythm, by the rule of churn, with what is at stake; over those in view."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from metrics.services.sleepers import sleepers
from tests.factories import make_account, make_rate, post_revenue

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)


def line(account, day, amount=100, **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(str(amount)), "currency": "EUR", **fields}


def buyer(*, every, last, orders, amount=100, **fields):
    """An account that ordered every so many days and last so many days ago."""
    account = make_account(**fields)
    post_revenue([line(account, AS_OF - timedelta(days=last + every * at), amount) for at in range(orders)])
    return account


def ask(accounts=None, **choices):
    return sleepers(Account.objects.all() if accounts is None else accounts, **{"as_of": AS_OF, **choices})


def states(found):
    return dict(zip(found.table.unit_ids.tolist(), found.table.columns["state"].tolist(), strict=True))


def test_late_is_twice_the_own_interval_and_an_even_buyer_is_awake():
    late = buyer(every=20, last=40, orders=6)
    buyer(every=20, last=39, orders=6)
    slow = buyer(every=150, last=240, orders=5)

    found = ask()

    assert states(found) == {late.pk: "late"}
    assert (found.watched_accounts, found.sleeping_accounts, found.late_accounts, found.churned_accounts) == (
        3,
        1,
        1,
        0,
    )
    assert found.sleeping_share == pytest.approx(1 / 3)
    assert slow.pk not in states(found)
    assert found.table.columns["rhythm"].tolist() == [2.0]
    assert found.table.columns["days_silent"].tolist() == [40]


@pytest.mark.parametrize(
    ("every", "last", "orders", "state"),
    [
        (30, 366, 6, "late"),  # 31 Dec 2023: 12 months, not more
        (30, 367, 6, "churned"),
        (200, 380, 3, None),  # silent for longer than a year, within twice its own interval
        (200, 401, 3, "churned"),
        (250, 500, 4, "late"),  # exactly twice: late, not yet churned
        (0, 366, 1, None),
        (0, 367, 1, "churned"),  # no rhythm: the 12 months alone
        (30, 300, 3, None),  # three order days are too few for lateness
    ],
)
def test_states_at_their_edges(every, last, orders, state):
    account = buyer(every=every, last=last, orders=orders)

    assert states(ask()).get(account.pk) == state


def test_what_has_too_few_orders_is_counted_apart():
    buyer(every=30, last=200, orders=3)
    buyer(every=30, last=400, orders=2)

    found = ask()

    assert (found.no_rhythm_accounts, found.churned_accounts, found.sleeping_accounts) == (1, 1, 1)


def test_stake_is_the_better_of_the_last_two_years():
    late = buyer(every=30, last=90, orders=24, amount=10)
    gone = buyer(every=10, last=800, orders=5, amount=1000)
    credited = make_account()
    post_revenue([line(credited, date(2022, 1, 5), 50), line(credited, date(2023, 6, 5), -20, kind="credit_note")])

    found = ask()
    rows = {row.account_id: row.values for row in found.table.rows(order_by="money_at_stake")}

    assert list(rows) == [late.pk, gone.pk, credited.pk]
    assert rows[late.pk]["ttm_revenue"] == 100
    assert rows[late.pk]["prior_ttm_revenue"] == rows[late.pk]["money_at_stake"] == 120
    assert rows[late.pk]["last_order_on"] == AS_OF - timedelta(days=90)
    assert rows[gone.pk]["money_at_stake"] == 0
    assert (rows[credited.pk]["prior_ttm_revenue"], rows[credited.pk]["money_at_stake"]) == (-20, 0)
    assert (found.money_at_stake, found.late_money, found.churned_money) == (120, 120, 0)


def test_next_step_follows_state_and_value():
    for size in range(8):
        buyer(every=20, last=5, orders=5, amount=50 + size)
    large_late, small_late = (buyer(every=20, last=50, orders=5, amount=amount) for amount in (900, 1))
    large_gone, small_gone = (buyer(every=20, last=400, orders=10, amount=amount) for amount in (800, 1))

    found = ask()
    steps = dict(zip(found.table.unit_ids.tolist(), found.table.columns["next_step"].tolist(), strict=True))

    assert steps == {
        large_late.pk: "offer",
        small_late.pk: "contact",
        large_gone.pk: "win_back",
        small_gone.pk: "decide",
    }


def test_closed_accounts_and_those_that_never_ordered_do_not_sleep():
    buyer(every=20, last=100, orders=5, closed_on=date(2024, 12, 1))
    make_account()
    credited = make_account()
    post_revenue([line(credited, date(2022, 1, 5), -50, kind="credit_note")])

    found = ask()

    assert (found.watched_accounts, found.sleeping_accounts, found.sleeping_share) == (0, 0, None)
    assert str(found.reasons["sleeping_share"]) == "no account was on the books in the period"
    assert found.money_at_stake == 0


def test_as_of_day_in_the_past_knows_no_later_order():
    account = buyer(every=20, last=0, orders=3)
    post_revenue([line(account, date(2024, month, 1)) for month in (1, 2, 3, 4)])

    assert states(ask(as_of=date(2024, 8, 1))) == {account.pk: "late"}
    assert states(ask()) == {}


def test_group_orders_with_the_rhythm_of_all_its_members():
    root = buyer(every=20, last=100, orders=5)
    child = make_account(parent=root)
    post_revenue([line(child, AS_OF - timedelta(days=3))])

    assert states(ask()) == {root.pk: "late"}
    assert states(ask(level="group")) == {}


def test_missing_rate_leaves_the_stake_unknown_with_its_reason():
    account = buyer(every=20, last=100, orders=5)
    other = buyer(every=20, last=400, orders=5, amount=7)
    post_revenue([line(account, date(2023, 5, 5), 7, currency="USD")])

    without = ask(currency="EUR")
    make_rate(from_currency="USD", to_currency="EUR", valid_on=date(2023, 5, 5), rate=Decimal(2))
    with_rate = ask(currency="EUR")

    assert (without.money_at_stake, without.late_money, without.churned_money) == (None, None, 35)
    assert str(without.reasons["money_at_stake"]) == "no rate USD→EUR for 2023-05"
    assert "churned_money" not in without.reasons
    assert {row.account_id: row.values["money_at_stake"] for row in without.table.rows()} == {
        account.pk: None,
        other.pk: 35,
    }
    assert with_rate.money_at_stake == 535
    assert with_rate.reasons == {}


def test_nobody_in_view_is_an_answer():
    buyer(every=20, last=100, orders=5)

    found = ask(Account.objects.none())

    assert (found.watched_accounts, found.sleeping_accounts, found.money_at_stake) == (0, 0, 0)
    assert set(found.reasons) == {"sleeping_share"}


@pytest.mark.parametrize("count", [1, 25])
def test_query_count_does_not_grow_with_the_accounts(count):
    for _ in range(count):
        buyer(every=20, last=100, orders=5)
    ask()

    with CaptureQueriesContext(connection) as queries:
        ask()

    assert len(queries) <= 10


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900)), min_size=1, max_size=30))
def test_states_equal_a_slow_version_account_by_account(orders):
    from django.db import transaction

    with transaction.atomic():
        accounts = [make_account() for _ in range(4)]
        post_revenue([line(accounts[who], AS_OF - timedelta(days=ago)) for who, ago in orders])
        found = states(ask())
        slow = {}
        for who, account in enumerate(accounts):
            days = sorted({AS_OF - timedelta(days=ago) for one, ago in orders if one == who})
            if not days:
                continue
            silent = (AS_OF - days[-1]).days
            gaps = [(after - before).days for before, after in pairwise(days)]
            usual = median(gaps) if len(days) >= 3 else None
            if days[-1] < date(2023, 12, 31) and (usual is None or silent > 2 * usual):
                slow[account.pk] = "churned"
            elif len(days) >= 4 and silent >= 2 * usual:
                slow[account.pk] = "late"
        assert found == slow
        transaction.set_rollback(True)
