"""The backtest of the lifetime model: what it counts, who is in it, and that it can lose."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from accounts.models import Account
from crm.lib.exceptions import FormulaError
from metrics import frames
from metrics.formulas import bgnbd, gammagamma
from metrics.formulas.lifetime_evaluation import forecast_quality
from metrics.models import AccountDay
from metrics.scope import scope_of
from metrics.services import lifetime_backtest as backtesting
from metrics.services.lifetime_backtest import lifetime_backtest
from metrics.services.lifetime_fit import lifetime_fit, purchases_of
from tests.factories import make_account, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

QUERIES = 24
AS_OF, CUT = date(2011, 12, 31), date(2011, 6, 30)


@pytest.fixture(scope="module")
def base(django_db_setup, django_db_blocker):
    """Three years of a base large enough for a fit, once for this module and rolled back after it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        simulated_ledger(320, as_of=AS_OF)
        yield
        transaction.set_rollback(True)


def everyone():
    return Account.objects.all()


def half_year(accounts=None, **asked):
    return lifetime_backtest(
        everyone() if accounts is None else accounts, **({"as_of": AS_OF, "holdout_months": 6} | asked)
    )


def test_quality_of_a_forecast_by_hand():
    found = forecast_quality([1, 2, 3, 6], [2, 2, 5, 7])

    assert (found.total, found.mean_error, found.total_error) == (12, 1, -0.25)
    assert found.rank_correlation == pytest.approx(spearmanr([1, 2, 3, 6], [2, 2, 5, 7]).statistic)


def test_quality_is_undefined_where_nothing_came_or_all_are_alike():
    found = forecast_quality([1, 1], [0, 0])

    assert np.isnan([found.total_error, found.rank_correlation]).all()


@pytest.mark.parametrize(("expected", "actual"), [([], []), ([1], [1, 2]), ([np.nan], [1]), ([1], [np.inf])])
def test_quality_of_missing_values_is_refused(expected, actual):
    with pytest.raises(FormulaError):
        forecast_quality(expected, actual)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40))
def test_perfect_forecast_has_no_error_and_rank_correlation_is_spearmans(pairs):
    expected, actual = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))

    perfect, found = forecast_quality(actual, actual), forecast_quality(expected, actual)

    assert (perfect.mean_error, perfect.total) == (0, actual.sum())
    assert found.mean_error == pytest.approx(np.mean([abs(e - a) for e, a in zip(expected, actual, strict=True)]))
    if len(set(expected)) > 1 and len(set(actual)) > 1:
        assert found.rank_correlation == pytest.approx(spearmanr(expected, actual).statistic)


@pytest.mark.django_db
def test_backtest_equals_the_slow_version(base):
    found = half_year()

    fitted = lifetime_fit(as_of=CUT)
    histories = frames.histories(scope_of(everyone()), as_of=CUT)
    own = purchases_of(histories, as_of=CUT)
    expected = bgnbd.expected_purchases(fitted.model, own.frequency, own.recency, own.age, 184 / 7)
    money = expected * gammagamma.expected_value(fitted.spend, own.frequency, np.nan_to_num(own.mean_value))
    rows = list(AccountDay.objects.values_list("account", "day", "orders", "net"))
    came = {pk: [0, 0.0, 0, 0.0] for pk in histories.account_ids.tolist()}
    for pk, day, orders, net in rows:
        start = 0 if date(2010, 12, 31) < day <= CUT else 2 if CUT < day <= AS_OF else None
        if pk in came and start is not None:
            came[pk][start] += orders > 0
            came[pk][start + 1] += float(net)
    before_days, before_net, after_days, after_net = (np.array(side) for side in zip(*came.values(), strict=True))
    assert (found.cut_on, found.accounts) == (CUT, len(came))
    assert found.orders.actual == after_days.sum()
    assert found.orders.model.mean_error == pytest.approx(np.abs(expected - after_days).mean())
    assert found.orders.naive.mean_error == pytest.approx(np.abs(before_days - after_days).mean())
    assert found.revenue.actual == pytest.approx(after_net.sum())
    assert found.revenue.model.mean_error == pytest.approx(np.abs(money - after_net).mean())
    assert found.revenue.naive.total == pytest.approx(before_net.sum())
    assert found.reasons == {}


@pytest.mark.django_db
def test_model_beats_last_year_where_customers_follow_it(base):
    assert half_year().orders.is_better


@pytest.mark.django_db
def test_model_that_loses_says_so(base, monkeypatch):
    monkeypatch.setattr(backtesting.bgnbd, "expected_purchases", lambda model, x, *rest: x * 0 + 1000)

    found = half_year(everyone().exclude(pk=0))

    assert not found.orders.is_better
    assert found.orders.model.total_error > 1


@pytest.mark.django_db
def test_model_knows_nothing_of_what_came_after_the_cut(base):
    before = half_year()
    newcomer, known = make_account(), Account.objects.order_by("pk").first()
    post_revenue(
        [
            {"account": account, "booked_on": date(2011, 9, 1), "amount": Decimal(1000000)}
            for account in (newcomer, known)
        ]
    )

    after = half_year()

    assert (after.accounts, after.orders.model.total) == (before.accounts, pytest.approx(before.orders.model.total))
    assert after.revenue.model.total == pytest.approx(before.revenue.model.total)
    assert after.revenue.actual == pytest.approx(before.revenue.actual + 1000000)


@pytest.mark.django_db
def test_part_is_judged_alone_by_the_model_of_all(base):
    owner = make_user()
    Account.objects.filter(pk__in=list(Account.objects.order_by("pk").values_list("pk", flat=True)[:7])).update(
        owner=owner
    )

    mine, all_of_it = half_year(Account.objects.visible_to(owner)), half_year()

    rows = np.isin(all_of_it.table.unit_ids, mine.table.unit_ids)
    assert mine.accounts <= 7
    assert mine.orders.model.total == pytest.approx(all_of_it.table.columns["expected_orders"][rows].sum())


@pytest.mark.django_db
def test_test_without_data_says_why(base):
    short, nobody = half_year(holdout_months=60), half_year(Account.objects.none())

    assert (short.orders, short.revenue) == (None, None)
    assert short.reasons["orders"] == (
        "the ledger does not reach back over the months of the test and as many before them"
    )
    assert (nobody.orders, nobody.reasons["orders"]) == (None, "nothing is booked for these accounts")


@pytest.mark.django_db
def test_too_few_accounts_at_the_cut_give_no_test(base):
    assert half_year(as_of=date(2009, 12, 31), holdout_months=2).reasons["orders"].startswith("insufficient data")


@pytest.mark.django_db
@pytest.mark.parametrize("months", [0, 61])
def test_holdout_beyond_reason_is_refused(months):
    with pytest.raises(FormulaError):
        half_year(holdout_months=months)


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_accounts(base, count, django_assert_num_queries):
    accounts = Account.objects.filter(pk__in=list(Account.objects.order_by("pk").values_list("pk", flat=True)[:count]))

    half_year(accounts)
    with django_assert_num_queries(QUERIES):
        half_year(accounts)
