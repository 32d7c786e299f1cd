"""What accounts owe by age in one currency, and how much is paid in time (domain.md 1.5, 3.1 L4, 3.7)."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Receivable
from metrics.services.receivables import account_receivables
from metrics.services.receivables_ageing import receivables_ageing
from tests.factories import make_account, make_rate, make_receivable, make_user

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)
BUCKETS = ("owed_not_due", "owed_30", "owed_60", "owed_90", "owed_older")


def late(days, account, amount, **fields):
    """An invoice due so many days before the as-of."""
    return make_receivable(account=account, amount=Decimal(amount), due_on=AS_OF - timedelta(days=days), **fields)


def ageing(accounts=None, **choices):
    return receivables_ageing(Account.objects.all() if accounts is None else accounts, **({"as_of": AS_OF} | choices))


def rows(found):
    return {row.name: [str(row.values[name]) for name in BUCKETS] for row in found.table.rows(order_by="owed")}


def test_ages_end_at_30_60_and_90_days_and_add_up():
    account = make_account(name="A")
    for days, amount in ((-1, 1), (0, 2), (30, 4), (31, 8), (60, 16), (61, 32), (90, 64), (91, 128), (400, 256)):
        late(days, account, amount)
    late(10, account, 1000, paid=[(AS_OF, 999), (AS_OF + timedelta(days=1), 1)])  # the last payment is after the day
    late(5, make_account(name="Paid"), 50, paid=[(AS_OF, 50)])
    late(-40, account, 7, issued_on=AS_OF + timedelta(days=1))  # not sent yet

    found = ageing()

    assert [getattr(found, name) for name in BUCKETS] == [1, 7, 24, 96, 384]
    assert (found.owed, found.owed_overdue) == (512, 511)
    assert found.overdue_share == pytest.approx(511 / 512)
    assert (found.open_invoices, found.owing_accounts, found.late_accounts) == (10, 1, 1)
    assert rows(found)["A"] == ["1.0000", "7.0000", "24.0000", "96.0000", "384.0000"]
    assert {row.name: row.values["oldest"] for row in found.table.rows()} == {"A": 400, "Paid": None}
    page = account_receivables(account, as_of=AS_OF).ages[0]
    assert (page.not_due, page.to_30, page.to_60, page.to_90, page.over_90) == (1, 7, 24, 96, 384)


def test_punctuality_and_days_are_over_the_last_twelve_months():
    account = make_account()
    late(20, account, 600, paid=[(AS_OF - timedelta(days=20), 600)])
    late(40, account, 300, paid=[(AS_OF - timedelta(days=50), 100), (AS_OF - timedelta(days=30), 200)])
    late(366, account, 900, paid=[(AS_OF, 900)])  # before the window
    late(-10, account, 100)

    found = ageing()

    assert (found.since, found.fell_due, found.paid_in_time) == (date(2024, 1, 1), 900, 700)
    assert found.on_time_share == pytest.approx(7 / 9)
    assert (found.issued, found.days_outstanding) == (1000, pytest.approx(100 / 1000 * 366))


def test_other_currencies_are_taken_at_the_closing_rate_or_named_as_missing():
    rated, unrated, own = (make_account(name=name) for name in ("Rated", "Unrated", "Own"))
    make_rate(from_currency="USD", valid_on=date(2024, 12, 25), rate=Decimal("7.25"), kind="closing")
    make_rate(from_currency="USD", valid_on=date(2024, 12, 31), rate=Decimal(9), kind="spot")
    late(40, rated, 100, currency="USD")
    late(40, own, 10)
    assert ageing(currency="CNY").owed == 735
    late(3, unrated, 5, currency="EUR")
    late(3, own, 5, currency="EUR", paid=[(AS_OF - timedelta(days=3), 5)])

    found = ageing(currency="CNY")

    assert (found.owed, found.owed_30, found.owed_60) == (None, None, 735)
    assert found.reasons["owed"] == found.reasons["overdue_share"] == "no rate EUR→CNY for 2024-12"
    assert found.reasons["on_time_share"] == "no rate EUR→CNY for 2024-12"
    assert [str(one) for one in found.missing_rates] == ["no rate EUR→CNY for 2024-12"]
    assert rows(found) == {
        "Rated": ["0.0000", "0.0000", "725.0000", "0.0000", "0.0000"],
        "Own": ["0.0000", "0.0000", "10.0000", "0.0000", "0.0000"],
        "Unrated": ["0.0000", "None", "0.0000", "0.0000", "0.0000"],
    }


def test_one_currency_is_taken_as_it_is():
    late(1, make_account(), "12.3456", currency="GBP")
    found = ageing()

    assert (found.currency, found.owed) == ("GBP", Decimal("12.3456"))


def test_without_invoices_everything_says_so():
    found = ageing()

    assert (found.owed, found.on_time_share, found.open_invoices, len(found.table)) == (None, None, 0, 0)
    assert found.reasons["owed"] == "no invoice to be paid is recorded by that day"
    assert (found.passport.metric, found.passport.basis) == ("receivables", "receivables")
    late(-5, make_account(), 5, issued_on=date(2024, 12, 30), paid=[(AS_OF, 5)])
    paid = ageing()
    assert (paid.owed, paid.overdue_share, paid.reasons["overdue_share"]) == (0, None, "nothing is owed")
    assert paid.reasons["on_time_share"] == "nothing fell due in the last 12 months"


def test_groups_gather_their_members_and_only_accounts_in_view_count():
    owner = make_user()
    root = make_account(name="Root", owner=owner)
    child = make_account(name="Child", parent=root, owner=owner)
    for account, days in ((root, 10), (child, 70)):
        late(days, account, 100)
    late(10, make_account(name="Other"), 1000)

    found = ageing(Account.objects.visible_to(owner), level="group")

    assert rows(found) == {"Root": ["0.0000", "100.0000", "0.0000", "100.0000", "0.0000"]}
    assert [row.values["oldest"] for row in found.table.rows()] == [70]
    assert ageing(Account.objects.visible_to(make_user())).owed is None


def test_random_invoices_equal_the_count_one_by_one():
    rng = np.random.default_rng(7)
    accounts = [make_account() for _ in range(4)]
    for _ in range(60):
        invoice = late(int(rng.integers(-60, 200)), accounts[int(rng.integers(4))], int(rng.integers(1, 500)))
        if rng.random() < 0.5:
            invoice.payments.create(
                paid_on=AS_OF - timedelta(days=int(rng.integers(-20, 150))), amount=invoice.amount / 2
            )
    expected = dict.fromkeys(BUCKETS, Decimal(0))
    for one in Receivable.objects.prefetch_related("payments"):
        if one.issued_on > AS_OF:
            continue
        left = one.amount - sum((p.amount for p in one.payments.all() if p.paid_on <= AS_OF), Decimal(0))
        days = (AS_OF - one.due_on).days
        expected[BUCKETS[sum(days > end for end in (-1, 30, 60, 90))]] += left

    found = ageing()

    assert {name: getattr(found, name) for name in BUCKETS} == expected


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow_with_the_accounts(count):
    for _ in range(count):
        late(5, make_account(), 10)
        late(5, make_account(), 10, currency="USD")
    with CaptureQueriesContext(connection) as caught:
        ageing(currency="CNY")

    assert len([one for one in caught if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "SET"))]) == STATEMENTS


STATEMENTS = 4  # currencies, rates, invoices by age, units
