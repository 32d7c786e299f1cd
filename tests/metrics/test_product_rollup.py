"""What each account bought of each product: an independent slow sum, repeats, withdrawals, and the night that writes it."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import RevenueRecord
from crm.lib.periods import prior_ttm, ttm
from crm.pipeline import run_night
from metrics.models import AccountProduct
from metrics.product_rollup import write_account_products
from tests.factories import announce_touched, make_account, make_product, post_revenue
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tiering.enums import RunTrigger

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 31)
FIELDS = (
    "account_id", "product_id", "currency", "basis", "ttm_net", "ttm_cost", "ttm_lines", "ttm_lines_without_cost",
    "prior_net", "prior_lines", "first_bought_on", "last_bought_on",
)  # fmt: skip


def stored():
    return set(AccountProduct.objects.values_list(*FIELDS))


def slow(as_of):
    """Line by line, as the definition reads."""
    year, before, lines = ttm(as_of), prior_ttm(as_of), defaultdict(list)
    for record in RevenueRecord.objects.filter(product__isnull=False, booked_on__lte=as_of):
        lines[record.account_id, record.product_id, record.currency, record.basis].append(record)
    rows = set()
    for key, records in lines.items():
        now = [one for one in records if one.booked_on in year]
        then = [one for one in records if one.booked_on in before]
        bought = sorted(one.booked_on for one in records if one.amount > 0)
        rows.add((
            *key,
            sum((one.amount for one in now), Decimal(0)),
            sum((one.cost or 0 for one in now), Decimal(0)),
            len(now),
            sum(one.cost is None for one in now),
            sum((one.amount for one in then), Decimal(0)),
            len(then),
            bought[0] if bought else None,
            bought[-1] if bought else None,
        ))  # fmt: skip
    return rows


def random_lines(count, *, seed):
    rng = np.random.default_rng(seed)
    accounts, products = [make_account() for _ in range(5)], [make_product() for _ in range(4)]
    rows = []
    for _ in range(count):
        amount = Decimal(int(rng.integers(-40, 200)))
        rows.append({
            "account": accounts[rng.integers(5)],
            "product": None if rng.random() < 0.1 else products[rng.integers(4)],
            "booked_on": date(2022, 1, 1) + (date(2025, 2, 1) - date(2022, 1, 1)) * float(rng.random()),
            "amount": amount,
            "cost": None if rng.random() < 0.3 else abs(amount) / 2,
            "currency": "CNY" if rng.random() < 0.7 else "USD",
            "basis": "invoiced" if rng.random() < 0.8 else "ordered",
            "kind": "credit_note" if amount < 0 else "invoice",
        })  # fmt: skip
    post_revenue(rows)


@pytest.mark.parametrize("as_of", [DAY, date(2024, 12, 30), date(2023, 6, 15)])
def test_rows_equal_a_slow_sum(as_of):
    random_lines(300, seed=as_of.day)

    rows = write_account_products(as_of)

    assert stored() == slow(as_of)
    assert rows == len(stored())


def test_the_same_day_twice_gives_the_same_rows_and_writes_none():
    random_lines(120, seed=1)
    write_account_products(DAY)
    before = dict(AccountProduct.objects.values_list("pk", "ttm_net"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(xmin::text || ctid::text ORDER BY id) FROM metrics_accountproduct")
        versions = cursor.fetchone()

    write_account_products(DAY)

    assert dict(AccountProduct.objects.values_list("pk", "ttm_net")) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(xmin::text || ctid::text ORDER BY id) FROM metrics_accountproduct")
        assert cursor.fetchone() == versions


def test_another_day_moves_the_windows_and_withdrawn_lines_leave():
    random_lines(200, seed=2)
    write_account_products(date(2023, 12, 31))
    gone = RevenueRecord.objects.first()
    RevenueRecord.all_objects.filter(account=gone.account_id).update(withdrawn_at=timezone.now())
    announce_touched(gone.batch, [gone.account_id])

    write_account_products(DAY)

    assert stored() == slow(DAY)


def test_it_is_one_statement_whatever_the_number_of_accounts():
    for count in (20, 200):
        random_lines(count, seed=count)
        with CaptureQueriesContext(connection) as queries:
            write_account_products(DAY)
        statements = [one["sql"] for one in queries if "metrics_accountproduct" in one["sql"]]
        assert len(statements) == 1


def test_night_writes_it_and_a_replay_does_not():
    random_ledger(accounts=6, rows=80, seed=4)

    run_night(as_of=date(2024, 11, 30), trigger=RunTrigger.REPLAY, replay=True)
    assert not AccountProduct.objects.exists()
    run = night(AS_OF)

    phase = next(one for one in run.phases if one["name"] == "products")
    assert phase["rows"] == AccountProduct.objects.count() > 1
    assert stored() == slow(AS_OF)


def test_an_empty_ledger_gives_no_row():
    assert write_account_products(DAY) == 0
