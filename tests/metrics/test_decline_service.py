"""Who is about to leave: points by hand, bands and stakes, the chance of the night, and the test on the own past."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.lib.periods import add_months
from metrics.formulas.decline import SCALES, Signal
from metrics.models import AccountFigures
from metrics.product_rollup import write_account_products
from metrics.services.decline import decline
from metrics.services.decline_backtest import decline_backtest
from tests.factories import make_account, make_product, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)


def orders(account, days, amount=100, **fields):
    post_revenue([{"account": account, "booked_on": day, "amount": Decimal(amount), **fields} for day in days])


def every(days, *, until, times):
    return [until - timedelta(days=days * number) for number in range(times)]


def chance(account, p_alive, as_of=AS_OF):
    AccountFigures.objects.create(account=account, as_of=as_of, currency="CNY", p_alive=p_alive)


def ask(accounts=None, **choices):
    return decline(Account.objects.all() if accounts is None else accounts, **{"as_of": AS_OF, **choices})


def row_of(found, account):
    return next(row.values for row in found.table.rows() if row.account_id == account.pk)


def test_points_add_up_from_named_signals():
    late = make_account()
    orders(late, every(30, until=AS_OF - timedelta(days=75), times=10))
    orders(late, [date(2023, 6, 1)], amount=1000)
    orders(make_account(), [date(2023, 1, 1)])
    chance(late, 0.4)

    row = row_of(ask(), late)

    assert row["rhythm"] == 2.5
    assert (row["rhythm_points"], row["chance_gone_points"], row["revenue_trend_points"]) == (16.5, 18.0, 0.0)
    assert (row["points"], row["band"], row["breadth_loss_points"]) == (34.5, "watch", None)
    assert row["evidence"] == pytest.approx(0.72)
    assert (row["ttm_revenue"], row["prior_ttm_revenue"], row["money_at_stake"]) == (1000, 1000, 1000)


def test_bands_counts_and_stakes():
    calm, watched, risky, mute, gone = (
        make_account(name=name) for name in ("Calm", "Watched", "Risky", "Mute", "Gone")
    )
    orders(calm, every(30, until=AS_OF, times=8))
    orders(watched, every(20, until=AS_OF - timedelta(days=60), times=8), amount=50)
    orders(risky, every(20, until=AS_OF - timedelta(days=110), times=8), amount=10)
    orders(risky, [date(2023, 6, 1)], amount=500)
    orders(mute, [AS_OF], amount=7)
    orders(gone, every(30, until=date(2023, 6, 1), times=8))
    for account, p_alive in ((calm, 0.95), (watched, 0.8), (risky, 0.1)):
        chance(account, p_alive)

    found = ask()

    bands = {row.name: row.values["band"] for row in found.table.rows()}
    assert bands == {"Calm": "low", "Watched": "watch", "Risky": "high", "Mute": "unknown"}
    assert (found.watched_accounts, found.at_risk_accounts, found.watch_accounts, found.unknown_accounts) == (
        4,
        1,
        1,
        1,
    )
    assert (found.at_risk_money, found.late_rhythm_accounts, found.late_rhythm_money) == (500, 2, 900)
    assert row_of(found, risky)["points"] == pytest.approx(30 + 27 + 12)


def test_an_old_chance_and_one_of_another_basis_are_not_used():
    account = make_account()
    orders(account, every(30, until=AS_OF, times=8))
    orders(account, every(30, until=AS_OF, times=8), basis="ordered")
    chance(account, 0.5, as_of=AS_OF - timedelta(days=30))

    assert row_of(ask(), account)["chance_gone_points"] == 15
    assert row_of(ask(basis="ordered"), account)["chance_gone_points"] is None
    AccountFigures.objects.update(as_of=AS_OF - timedelta(days=31))
    assert row_of(ask(), account)["chance_gone_points"] is None


def test_a_group_stays_while_one_of_its_members_does():
    root = make_account()
    child = make_account(parent=root)
    orders(root, every(30, until=AS_OF - timedelta(days=90), times=8))
    orders(child, every(30, until=AS_OF - timedelta(days=15), times=8))
    chance(root, 0.1)
    chance(child, 0.9)

    found = ask(level="group")

    row = row_of(found, root)
    assert len(found.table) == 1
    assert row["chance_gone_points"] == pytest.approx(3)
    assert row["rhythm_points"] == 0


def test_lost_breadth_is_known_where_the_night_is_of_the_day():
    account = make_account()
    products = [make_product() for _ in range(4)]
    for product in products:
        orders(account, [date(2023, 5, 1)], product=product)
    orders(account, every(30, until=AS_OF, times=8), product=products[0], amount=400)
    orders(make_account(), [date(2023, 1, 1)])
    assert row_of(ask(), account)["breadth_loss_points"] is None

    write_account_products(AS_OF)

    assert row_of(ask(), account)["breadth_loss_points"] == 6  # three of four products are gone
    assert row_of(ask(as_of=AS_OF - timedelta(days=1)), account)["breadth_loss_points"] is None


def test_closed_accounts_and_missing_rates():
    closed, foreign = make_account(closed_on=date(2024, 12, 1)), make_account()
    orders(closed, every(30, until=date(2024, 11, 1), times=8))
    orders(foreign, every(20, until=AS_OF - timedelta(days=110), times=8), currency="USD")
    chance(foreign, 0.0)

    found = ask(currency="CNY")

    assert [row.account_id for row in found.table.rows()] == [foreign.pk]
    assert (found.at_risk_accounts, found.at_risk_money) == (1, None)
    assert found.reasons["at_risk_money"].startswith("no rate USD→CNY")


def test_nobody_in_view_and_a_short_ledger():
    nobody = ask()
    orders(make_account(), every(30, until=AS_OF, times=8))

    found = ask(Account.objects.filter(region="none"))

    for answer in (nobody, found):
        assert (answer.watched_accounts, answer.at_risk_money, answer.points_precision) == (0, 0, None)
        assert answer.is_by_points
        assert "two years" in answer.backtest.reason
        assert answer.reasons["points_precision"] == answer.backtest.reason


def declining_ledger(*, accounts=60, tell_tale=True):
    """Half buy every 20 days and go on; half fall silent 60 days before the cut and buy next to nothing afterwards.

    Without the tell-tale those who decline look like the others up to the cut.
    """
    cut = date(2024, 1, 1)
    rows = []
    for number in range(accounts):
        account, is_leaving = make_account(owner=make_user() if number == 0 else None), number % 2 == 0
        last = cut - timedelta(days=60 if is_leaving and tell_tale else 1 + number % 15)
        before = [day for day in every(20, until=last, times=30) if day >= date(2022, 1, 1)]
        after = [cut + timedelta(days=20 * step) for step in range(1, 18)] if not is_leaving else []
        rows += [{"account": account, "booked_on": day, "amount": Decimal(100)} for day in (*before, *after)]
    rows.append({"account": account, "booked_on": AS_OF, "amount": Decimal(1)})
    post_revenue(rows)


def test_backtest_looks_at_the_past_alone_and_counts_hits():
    declining_ledger()

    tested = decline_backtest(basis="invoiced", currency="CNY", as_of=AS_OF)

    assert (tested.cut_on, tested.accounts, tested.declines) == (date(2024, 1, 1), 60, 30)
    assert (tested.points.precision, tested.points.listed, tested.baseline.precision) == (1.0, 20, 1.0)
    assert tested.is_better is False  # equally good is not better
    assert sum(band.accounts for band in tested.bands) == 60


def test_later_orders_do_not_reach_the_signals():
    declining_ledger(tell_tale=False)

    tested = decline_backtest(basis="invoiced", currency="CNY", as_of=AS_OF)

    assert tested.declines == 30
    assert tested.points.lift == pytest.approx(1, abs=0.4)  # nothing in the past tells them apart


def test_points_that_are_not_better_leave_the_list_to_the_rhythm():
    declining_ledger()

    found = ask()

    assert (found.is_by_points, found.order_by) == (False, "rhythm")
    assert (found.points_precision, found.baseline_precision) == (1.0, 1.0)


def test_backtest_equals_a_slow_count(db):
    simulated_ledger(150, as_of=AS_OF, seed=4)

    tested = decline_backtest(basis="invoiced", currency="CNY", as_of=AS_OF)

    cut, declines, accounts = tested.cut_on, 0, 0
    assert cut == date(2024, 1, 1)
    for account in Account.objects.all():
        booked = list(account.revenue_records.values_list("booked_on", "amount"))
        base = sum(amount for day, amount in booked if add_months(cut, -12) <= day < cut)
        after = sum(amount for day, amount in booked if cut <= day < add_months(cut, 12))
        if base > 0:
            accounts += 1
            declines += after <= base / 2
    assert (tested.accounts, tested.declines) == (accounts, declines)
    assert 0 <= tested.points.precision <= 1
    assert tested.points.recall == pytest.approx(tested.points.hits / declines)


def test_points_of_many_accounts_equal_those_of_each_alone():
    rng = np.random.default_rng(8)
    accounts = [make_account() for _ in range(8)]
    for account in accounts:
        days = sorted({AS_OF - timedelta(days=int(day)) for day in rng.integers(0, 700, 12)})
        orders(account, days, amount=int(rng.integers(1, 500)))
        chance(account, float(rng.random()))

    together = {row.account_id: row.values for row in ask().table.rows()}

    for account in accounts:
        alone = ask(Account.objects.filter(pk=account.pk)).table.rows()
        assert [row.values for row in alone] == [together[account.pk]] * len(alone)
    for values in together.values():
        known = [values[f"{signal}_points"] for signal in Signal if values.get(f"{signal}_points") is not None]
        assert values["points"] == pytest.approx(sum(known))
        assert all(0 <= part <= max(scale.most for scale in SCALES.values()) for part in known)


def test_query_count_does_not_grow_with_accounts():
    counts = []
    for number in (1, 3):
        for _ in range(number):
            orders(make_account(), every(30, until=AS_OF, times=8))
        ask()
        with CaptureQueriesContext(connection) as queries:
            ask()
        counts.append(len(queries))

    assert counts[0] == counts[1]
