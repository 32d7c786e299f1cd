"""What customers are worth: the fit of the whole base, the portfolio, one account, the night's rows."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Account
from metrics import frames
from metrics.formulas import bgnbd, gammagamma
from metrics.models import AccountFigures, LifetimeFit
from metrics.scope import scope_of
from metrics.services.account import account_metrics
from metrics.services.figures import write_account_figures
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_fit import lifetime_fit, purchases_of
from metrics.services.lifetime_interval import ENDS
from tests.factories import make_account, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2011, 12, 31)
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def base(django_db_setup, django_db_blocker):
    """A base large enough for a fit, once for this module and rolled back after it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        simulated_ledger(260, as_of=AS_OF)
        yield
        transaction.set_rollback(True)


def everyone():
    return Account.objects.all()


def test_portfolio_value_equals_the_definition_account_by_account(base):
    found = lifetime(everyone(), as_of=AS_OF)

    model, spend = bgnbd.BgNbd(*list(found.parameters.values())[:4]), lifetime_fit(as_of=AS_OF).spend
    histories = frames.histories(scope_of(everyone()), as_of=AS_OF)
    own = purchases_of(histories, as_of=AS_OF)
    weekly, expected, before = 1.1 ** (1 / 52) - 1, np.zeros(len(own.age)), np.zeros(len(own.age))
    for week in range(1, 157):
        so_far = bgnbd.expected_purchases(model, own.frequency, own.recency, own.age, week)
        expected += (so_far - before) / (1 + weekly) ** week
        before = so_far
    revenue = expected * gammagamma.expected_value(spend, own.frequency, np.nan_to_num(own.mean_value))
    assert (found.method, found.time_unit, found.accounts) == ("bg-nbd + gamma-gamma", "weeks", 260)
    assert float(found.expected_revenue) == pytest.approx(revenue.sum(), rel=1e-7)
    assert float(found.clv) == pytest.approx(revenue.sum() * 0.4, rel=1e-4)  # cost is 60 % of every line
    assert found.expected_orders == pytest.approx(before.sum(), rel=1e-9)
    assert (found.clv_accounts, set(found.reasons)) == (260, {*ENDS, "contract_value"})
    assert found.simple_clv_low < found.simple_clv_high


def test_model_is_that_of_the_whole_base_whoever_asks(base):
    owner = make_user()
    Account.objects.filter(pk__in=list(Account.objects.values_list("pk", flat=True)[:5])).update(owner=owner)

    mine, all_of_it = lifetime(Account.objects.visible_to(owner), as_of=AS_OF), lifetime(everyone(), as_of=AS_OF)

    assert mine.parameters == all_of_it.parameters
    assert len(mine.table) == 5
    assert mine.clv < all_of_it.clv


def test_one_account_says_the_same_as_the_portfolio_and_the_night(base):
    row = lifetime(everyone(), as_of=AS_OF).table.rows(order_by="clv", limit=1)[0]
    account = Account.objects.get(pk=row.account_id)

    alone = account_metrics(account, as_of=AS_OF)
    write_account_figures(AS_OF)

    night = AccountFigures.objects.get(account=account)
    assert alone.clv == row.values["clv"]
    assert alone.p_alive == row.values["p_alive"]
    assert (night.ttm_revenue, night.prior_ttm_revenue) == (alone.ttm_revenue, alone.prior_ttm_revenue)
    assert (night.ttm_gross_profit, night.orders_ttm) == (alone.ttm_gross_profit, alone.orders_ttm)
    assert night.clv == pytest.approx(float(alone.clv), abs=1e-4)
    assert (night.growth_rate, night.margin, night.p_alive) == (alone.growth_rate, alone.margin, alone.p_alive)
    assert night.last_order_on == alone.last_order_on
    assert sum(night.spark) == pytest.approx(float(alone.ttm_revenue))


def test_night_keeps_its_fit_and_a_repeat_changes_nothing(base):
    make_account(name="Nothing booked")
    written = write_account_figures(AS_OF)
    first = list(AccountFigures.objects.order_by("account").values())

    write_account_figures(AS_OF)

    assert list(AccountFigures.objects.order_by("account").values()) == first
    assert (written.accounts, len(first)) == (260, 261)
    stored = LifetimeFit.objects.get()
    assert (stored.as_of, stored.accounts, stored.method) == (AS_OF, 260, "bg-nbd + gamma-gamma")
    assert lifetime_fit(as_of=AS_OF) == written.fit


def test_stored_fit_is_used_only_while_the_ledger_stands(base):
    written = write_account_figures(AS_OF)
    LifetimeFit.objects.update(log_likelihood=-1)
    while_it_stands = lifetime_fit(as_of=AS_OF).log_likelihood

    post_revenue([{"account": make_account(), "booked_on": date(2011, 5, 1)}])

    assert while_it_stands == -1
    assert lifetime_fit(as_of=AS_OF).accounts == written.fit.accounts + 1


def test_account_without_a_record_gets_an_empty_row(base):
    quiet = make_account()

    write_account_figures(AS_OF)

    row = AccountFigures.objects.get(account=quiet)
    assert (row.ttm_revenue, row.growth_rate, row.last_order_on, row.clv, row.spark) == (0, None, None, None, [0] * 12)


def test_closed_account_is_expected_to_buy_nothing(base):
    row = lifetime(everyone(), as_of=AS_OF).table.rows(order_by="clv", limit=1)[0]
    Account.objects.filter(pk=row.account_id).update(closed_on=date(2011, 12, 1))

    found = account_metrics(Account.objects.get(pk=row.account_id), as_of=AS_OF)

    assert (found.expected_revenue, found.clv, found.p_alive) == (0, 0, None)
    assert found.reasons["p_alive"] == "the account is closed"


def test_account_without_revenue_this_year_uses_the_margin_of_its_history(base):
    account = make_account()
    post_revenue(
        [
            {"account": account, "booked_on": day, "amount": Decimal(100), "cost": Decimal(75)}
            for day in (date(2009, 5, 1), date(2009, 9, 1), date(2010, 3, 1))
        ]
    )

    found = account_metrics(account, as_of=AS_OF)

    assert (found.ttm_revenue, found.margin) == (0, None)
    assert float(found.clv) == pytest.approx(float(found.expected_revenue) * 0.25, abs=1e-3)


def test_cost_missing_for_one_account_leaves_the_sum_undefined_and_says_for_how_many(base):
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2011, 5, 1), "amount": Decimal(100)}])

    found = lifetime(everyone(), as_of=AS_OF)

    assert (found.clv, found.clv_accounts) == (None, 260)
    assert found.expected_revenue > 0
    assert found.reasons["clv"] == "cost is missing for 1 of the accounts"


def test_longer_horizon_is_worth_more_and_a_higher_discount_less(base):
    year, three = (lifetime(everyone(), as_of=AS_OF, horizon_months=months).clv for months in (12, 36))
    dear = lifetime(everyone(), as_of=AS_OF, discount=0.3).clv

    assert year < three
    assert dear < three
