"""What one account has brought: by year, cumulated, with interest to today, less what winning it cost."""

from datetime import date
from decimal import Decimal

import pytest

from crm.lib.exceptions import FormulaError
from metrics.services.account_history import account_history
from tests.factories import make_account, make_rate, post_revenue

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 6, 30)


@pytest.fixture
def account():
    """100 (profit 40) in 2021, nothing in 2022, 200 (profit 50) in 2023, a credit of 20 (profit −5) in 2024."""
    account = make_account()
    rows = [
        (date(2021, 7, 1), 100, 60, "invoice"),
        (date(2023, 6, 30), 150, 110, "invoice"),
        (date(2023, 12, 31), 50, 40, "invoice"),
        (date(2024, 3, 1), -20, -15, "credit_note"),
        (date(2024, 7, 1), 999, 1, "invoice"),  # after the as-of day
    ]
    post_revenue([{"account": account, "booked_on": day, "amount": Decimal(amount), "cost": Decimal(cost), "kind": kind,
                   "reference": f"R{day}"} for day, amount, cost, kind in rows])  # fmt: skip
    post_revenue([{"booked_on": date(2022, 5, 5), "amount": Decimal(7)}])  # somebody else
    return account


def ask(account, **choices):
    return account_history(account, as_of=AS_OF, **choices)


def test_every_year_from_the_first_record_with_its_running_sums(account):
    found = ask(account)

    told = [(y.year, y.revenue, y.gross_profit, y.orders, y.cumulated_revenue, y.cumulated_gross_profit, y.is_running)
            for y in found.years]  # fmt: skip
    assert told == [
        (2021, 100, 40, 1, 100, 40, False),
        (2022, 0, 0, 0, 100, 40, False),
        (2023, 200, 50, 2, 300, 90, False),
        (2024, -20, -5, 0, 280, 85, True),
    ]
    assert (found.revenue, found.gross_profit, found.orders) == (280, 85, 3)
    assert (found.first_record_on, found.best_year.year, found.historical_value) == (date(2021, 7, 1), 2023, 85)
    assert (found.compounded_revenue, found.reasons, found.currency) == (None, {}, "CNY")


def test_interest_runs_from_the_day_of_each_amount(account):
    found = ask(account, compound_rate=0.08, acquisition_cost=Decimal(30))

    by_hand = sum(
        amount * 1.08 ** ((AS_OF - day).days / 365.25)
        for day, amount in ((date(2021, 7, 1), 40), (date(2023, 6, 30), 40), (date(2023, 12, 31), 10), (date(2024, 3, 1), -5))
    )  # fmt: skip
    assert float(found.compounded_gross_profit) == pytest.approx(by_hand, abs=2e-4)
    assert found.historical_value == found.compounded_gross_profit - 30
    assert found.compounded_revenue > found.revenue
    assert ask(account, compound_rate=0.0).compounded_revenue == 280


def test_missing_cost_is_no_profit_from_then_on(account):
    post_revenue([{"account": account, "booked_on": date(2023, 1, 5), "amount": Decimal(1)}])

    found = ask(account)

    assert [year.gross_profit for year in found.years] == [40, 0, None, -5]
    assert [year.cumulated_gross_profit for year in found.years] == [40, 40, None, None]
    assert (found.gross_profit, found.historical_value, found.revenue) == (None, None, 281)
    assert set(found.reasons) == {"gross_profit", "compounded_gross_profit", "historical_value"}


def test_missing_rate_blanks_the_years_it_touches_and_the_sums(account):
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2023, 6, 1))
    post_revenue([{"account": account, "booked_on": date(2021, 8, 1), "amount": Decimal(9), "currency": "USD"}])

    found = ask(account, currency="CNY")

    assert (found.years[0].revenue, found.years[1].revenue, found.years[2].revenue) == (None, 0, 200)
    assert (found.revenue, found.historical_value) == (None, None)
    assert "USD" in found.reasons["revenue"]


def test_account_without_a_record_has_no_years():
    found = ask(make_account())

    assert (found.years, found.revenue, found.first_record_on, found.best_year) == ((), 0, None, None)
    assert found.passport.comparison is None


@pytest.mark.parametrize("wrong", [{"compound_rate": -0.1}, {"compound_rate": 1.5}, {"compound_rate": float("nan")},
                                   {"acquisition_cost": Decimal(-1)}, {"acquisition_cost": Decimal(10) ** 13}])  # fmt: skip
def test_what_lies_outside_is_refused(account, wrong):
    with pytest.raises(FormulaError):
        ask(account, **wrong)
