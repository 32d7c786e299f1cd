"""The history of one account on the wire."""

from datetime import date
from decimal import Decimal

import pytest

from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_team_member, make_user, post_revenue

pytestmark = pytest.mark.django_db
ASKED = {"as_of": "2024-06-30", "compound_rate": "0.1", "acquisition_cost": "5"}


@pytest.fixture
def account():
    account = make_account(owner=make_user())
    post_revenue([
        {"account": account, "booked_on": date(2023, 6, 30), "amount": Decimal(100), "cost": Decimal(60)},
        {"account": account, "booked_on": date(2024, 6, 30), "amount": Decimal(50), "cost": Decimal(40)},
    ])  # fmt: skip
    return account


def ask(client, account, **query):
    return client.get(f"/api/v1/accounts/{account.pk}/history/", query)


def test_history_to_the_letter(rest, account):
    told = ask(rest(account.owner), account, **ASKED).json()

    assert told["years"] == [
        {"year": 2023, "revenue": "100.0000", "gross_profit": "40.0000", "orders": 1, "cumulated_revenue": "100.0000",
         "cumulated_gross_profit": "40.0000", "is_running": False},
        {"year": 2024, "revenue": "50.0000", "gross_profit": "10.0000", "orders": 1, "cumulated_revenue": "150.0000",
         "cumulated_gross_profit": "50.0000", "is_running": True},
    ]  # fmt: skip
    compounded = Decimal(str(round(40 * 1.1 ** (366 / 365.25) + 10, 4)))
    assert Decimal(told["compounded_gross_profit"]) == compounded
    assert Decimal(told["historical_value"]) == compounded - 5
    assert (told["best_year"], told["first_record_on"], told["acquisition_cost"]) == (2023, "2023-06-30", "5.0000")
    assert (told["passport"]["metric"], told["passport"]["accounts"], told["reasons"]) == ("account_history", 1, {})


def test_owner_and_teammate_see_it_and_a_stranger_does_not(rest, account):
    teammate = make_user()
    make_team_member(account=account, user=teammate)

    assert ask(rest(teammate), account).json()["historical_value"] == "50.0000"
    assert_problem(ask(rest(make_user()), account), 404)


@pytest.mark.parametrize(("name", "value"), [("compound_rate", "2"), ("compound_rate", "nan"), ("acquisition_cost", "-1"),
                                             ("segment", "A")])  # fmt: skip
def test_outside_the_domain_names_the_parameter(rest, account, name, value):
    assert pointers(assert_problem(ask(rest(account.owner), account, **{name: value}), 400)) == [name]
