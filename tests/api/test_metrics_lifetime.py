"""Lifetime values over REST: intervals, methods, contracts and the backtest, with names to the letter."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Account
from metrics.services.figures import write_account_figures
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_backtest import lifetime_backtest
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_contract, make_superuser, make_team_member, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2011, 12, 31)
ENDS = ("clv_low", "clv_high", "expected_revenue_low", "expected_revenue_high")
SHARED = {"currency", "passport", "reasons"}
QUALITY = {"total", "mean_error", "total_error", "rank_correlation"}
BACKTEST = "/api/v1/metrics/lifetime/backtest/"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def night(django_db_setup, django_db_blocker):
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        simulated_ledger(300, as_of=AS_OF)
        write_account_figures(AS_OF)
        yield
        transaction.set_rollback(True)


def ask(client, address, **query):
    response = client.get(address, {"as_of": AS_OF.isoformat(), **query})
    assert response.status_code == 200, response.content
    return response.json()


def test_interval_and_methods_stand_beside_the_value(admin, night):
    answer = ask(admin, "/api/v1/metrics/lifetime/")

    found = lifetime(Account.objects.all(), as_of=AS_OF)
    assert {name: Decimal(answer[name]) for name in ENDS} == {name: getattr(found, name) for name in ENDS}
    assert (answer["methods"], answer["renewals"], answer["contract_value"]) == (
        {"bg-nbd + gamma-gamma": 300},
        [],
        None,
    )
    assert answer["reasons"] == {"contract_value": "no signed contract with a first and a last day runs"}


def test_account_names_its_method_its_data_and_its_interval(admin, night):
    account = Account.objects.order_by("pk").first()
    make_contract(
        account=account,
        starts_on=date(2011, 7, 1),
        ends_on=date(2012, 6, 30),
        amount=1000,
        currency="CNY",
        status="active",
    )

    answer = ask(admin, f"/api/v1/accounts/{account.pk}/metrics/")

    assert (answer["method"], answer["renewal_method"]) == ("bg-nbd + gamma-gamma", None)
    assert answer["data_grade"] == "A"
    assert answer["reasons"]["renewal_method"].startswith("insufficient data: fewer than 50 contracts")
    assert 0 < Decimal(answer["contract_value"]) < 500
    assert Decimal(answer["clv_low"]) < Decimal(answer["clv"]) < Decimal(answer["clv_high"])
    (cohort,) = ask(admin, "/api/v1/metrics/lifetime/")["renewals"]
    assert cohort == {
        "term_months": 12, "contracts": 0, "points": 0, "method": None, "parameters": None,
        "reason": "insufficient data: fewer than 50 contracts of this length came to a renewal",
    }  # fmt: skip


def test_backtest_has_its_fields_to_the_letter(admin, night):
    answer = ask(admin, BACKTEST, holdout_months=6)

    found = lifetime_backtest(Account.objects.all(), as_of=AS_OF, holdout_months=6)
    assert set(answer) == {"cut_on", "holdout_months", "accounts", "orders", "revenue", *SHARED}
    assert (answer["cut_on"], answer["holdout_months"], answer["accounts"]) == ("2011-06-30", 6, found.accounts)
    for name in ("orders", "revenue"):
        assert set(answer[name]) == {"actual", "model", "naive", "is_better"}
        assert set(answer[name]["model"]) == set(answer[name]["naive"]) == QUALITY
    assert answer["orders"]["model"]["mean_error"] == found.orders.model.mean_error
    assert Decimal(answer["revenue"]["actual"]) == Decimal(f"{found.revenue.actual:.4f}")
    passport = answer["passport"]
    assert (passport["metric"], passport["base"]["first_day"], passport["comparison"]["first_day"]) == (
        "lifetime_backtest", "2011-01-01", "2011-07-01",
    )  # fmt: skip


def test_backtest_is_over_the_accounts_in_view(rest, night):
    owner, mate, stranger = make_user(), make_user(), make_user()
    accounts = list(Account.objects.order_by("pk")[:6])
    Account.objects.filter(pk__in=[account.pk for account in accounts]).update(owner=owner)
    make_team_member(account=accounts[0], user=mate, valid_from=date(2011, 1, 1))

    seen = {user: ask(rest(user), BACKTEST, holdout_months=3) for user in (owner, mate, stranger)}

    assert [answer["accounts"] for answer in seen.values()] == [6, 1, 0]
    assert (seen[stranger]["orders"], seen[stranger]["reasons"]["orders"]) == (
        None, "nothing is booked for these accounts",
    )  # fmt: skip
    assert ask(rest(make_superuser()), BACKTEST, holdout_months=3, account=accounts[0].pk)["accounts"] == 1


def test_undefined_figures_of_the_backtest_are_null(admin, night):
    quiet = make_account()
    post_revenue([{"account": quiet, "booked_on": AS_OF - timedelta(days=600)}])

    answer = ask(admin, BACKTEST, account=quiet.pk, holdout_months=6)

    assert (answer["orders"]["model"]["total_error"], answer["orders"]["model"]["rank_correlation"]) == (None, None)


def test_ledger_that_is_too_young_has_no_backtest_and_says_why(admin, night):
    answer = ask(admin, BACKTEST, as_of="2009-12-31")

    assert (answer["orders"], answer["revenue"]) == (None, None)
    assert answer["reasons"]["orders"].startswith("the ledger does not reach back")


@pytest.mark.parametrize(
    "query", [{"holdout_months": 0}, {"holdout_months": 61}, {"as_of": "soon"}, {"level": "group"}]
)
def test_backtest_refuses_what_it_cannot_answer(admin, query):
    assert pointers(assert_problem(admin.get(BACKTEST, query), 400)) == list(query)
