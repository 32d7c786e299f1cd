"""Lifetime value and the figures of one account where data is thin: what is undefined says why."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from crm.lib.exceptions import FormulaError
from metrics.models import AccountFigures, LifetimeFit
from metrics.services.account import account_metrics
from metrics.services.figures import write_account_figures
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_fit import lifetime_fit
from tests.factories import make_account, make_rate, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2011, 12, 31)
pytestmark = pytest.mark.django_db


def everyone():
    return Account.objects.all()


def test_without_cost_data_expected_revenue_stands_in():
    simulated_ledger(220, as_of=AS_OF, cost_share=None)

    found = lifetime(everyone(), as_of=AS_OF)

    assert found.expected_revenue > 0
    assert (found.clv, found.reasons["clv"]) == (None, "there is no cost data, so revenue is shown instead of margin")


def test_too_few_accounts_give_no_model_and_say_so():
    account = simulated_ledger(40, as_of=AS_OF)[0]

    found, alone = lifetime(everyone(), as_of=AS_OF), account_metrics(account, as_of=AS_OF)
    write_account_figures(AS_OF)

    sentence = "insufficient data: fewer than 200 accounts have ordered"
    assert (found.method, found.parameters, found.clv, found.expected_revenue) == (None, None, None, None)
    assert {found.reasons[name] for name in ("method", "clv", "expected_revenue", "log_likelihood")} == {sentence}
    assert (alone.clv, alone.reasons["clv"], alone.data_grade) == (None, sentence, "C")
    assert found.simple_clv_low < found.simple_clv_high
    assert LifetimeFit.objects.get().reason == "lifetime_few_accounts"
    assert lifetime_fit(as_of=AS_OF).sentence() == sentence


def test_missing_rate_leaves_purchases_and_takes_their_value():
    simulated_ledger(220, as_of=AS_OF)
    post_revenue([{"account": make_account(), "booked_on": date(2011, 5, 1), "currency": "GBP"}])

    found = lifetime(everyone(), currency="CNY", as_of=AS_OF)
    make_rate(from_currency="GBP", to_currency="CNY", valid_on=date(2011, 5, 1), rate=Decimal(9))
    with_rate = lifetime(everyone(), currency="CNY", as_of=AS_OF)

    assert (found.method, found.expected_revenue) == ("bg-nbd + gamma-gamma", None)
    assert found.reasons["expected_revenue"] == "orders cannot be valued: an exchange rate is missing"
    assert found.expected_orders == pytest.approx(with_rate.expected_orders)
    assert with_rate.expected_revenue > 0


@pytest.mark.parametrize(
    "choice", [{"horizon_months": 0}, {"horizon_months": 121}, {"discount": -0.1}, {"discount": 2}]
)
def test_outlook_beyond_reason_is_refused(choice):
    with pytest.raises(FormulaError):
        lifetime(everyone(), as_of=AS_OF, **choice)


def test_metrics_of_one_account_are_those_of_its_lines():
    account = make_account()
    post_revenue(
        [
            {"account": account, "booked_on": date(2009, 12, 1), "amount": Decimal(50), "cost": Decimal(20)},
            {"account": account, "booked_on": date(2010, 6, 1), "amount": Decimal(100), "cost": Decimal(60)},
            {"account": account, "booked_on": date(2011, 6, 1), "amount": Decimal(120), "cost": Decimal(60)},
            {"account": account, "booked_on": date(2011, 6, 11), "amount": Decimal(30), "cost": Decimal(15)},
            {"account": account, "booked_on": date(2012, 1, 5), "amount": Decimal(999), "cost": Decimal(1)},
        ]
    )

    found = account_metrics(account, as_of=AS_OF)

    assert (found.ttm_revenue, found.prior_ttm_revenue, found.growth_rate) == (Decimal(150), Decimal(100), 0.5)
    assert (found.arc_growth, found.is_small_base) == (pytest.approx(0.4), True)
    assert (found.ttm_gross_profit, found.margin) == (Decimal(75), 0.5)
    assert (found.orders_ttm, found.average_order_value, found.active_months) == (2, Decimal(75), 1)
    assert (found.first_order_on, found.last_order_on) == (date(2009, 12, 1), date(2011, 6, 11))
    assert (found.tenure_days, found.order_days, found.order_interval_days) == (760, 4, 182)
    assert found.rhythm == pytest.approx(203 / 182)
    assert (found.historical_revenue, found.historical_gross_profit) == (Decimal(300), Decimal(145))
    assert (found.currency, found.passport.metric) == ("CNY", "account")


def test_metrics_of_an_account_with_nothing_booked_have_reasons():
    found = account_metrics(make_account(), as_of=AS_OF)

    assert (found.ttm_revenue, found.orders_ttm, found.growth_rate, found.clv) == (0, 0, None, None)
    undefined = {name for name in found.__dataclass_fields__ if getattr(found, name) is None}
    assert undefined <= set(found.reasons)


def test_growth_is_undefined_where_the_ledger_does_not_reach_back():
    account = make_account()
    post_revenue(
        [{"account": account, "booked_on": date(2010, 6, 1)}, {"account": account, "booked_on": date(2011, 6, 1)}]
    )

    found = account_metrics(account, as_of=AS_OF)
    write_account_figures(AS_OF)

    assert (found.growth_rate, found.arc_growth) == (None, None)
    assert found.reasons["growth_rate"] == "the ledger does not reach back to the start of the base period"
    assert AccountFigures.objects.get().growth_rate is None
