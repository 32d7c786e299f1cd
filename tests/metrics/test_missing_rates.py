"""Which rates the records in view wait for."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.reasons import is_about_rates, sentence
from metrics.services.missing_rates import missing_rates
from metrics.services.portfolio import growth
from tests.factories import make_account, make_rate, post_revenue


@pytest.fixture
def books(db):
    """Two accounts in yuan, dollars and euros, invoiced and paid."""
    first, second = make_account(), make_account()
    post_revenue(
        [
            {"account": first, "booked_on": date(2024, 1, 10), "amount": Decimal(1), "currency": "CNY"},
            {"account": first, "booked_on": date(2024, 1, 5), "amount": Decimal(100), "currency": "USD"},
            {"account": second, "booked_on": date(2024, 1, 25), "amount": Decimal(-30), "currency": "USD"},
            {"account": second, "booked_on": date(2024, 2, 3), "amount": Decimal(7), "currency": "USD"},
            {"account": first, "booked_on": date(2024, 2, 9), "amount": Decimal(9), "currency": "EUR", "basis": "cash"},
            {"account": first, "booked_on": date(2024, 2, 9), "amount": Decimal(9), "currency": "CNY", "basis": "cash"},
        ]
    )
    return first, second


def lines(accounts=None, **asked):
    found = missing_rates(Account.objects.all() if accounts is None else accounts, **asked)
    return [(one.basis, one.from_currency, f"{one.month:%Y-%m}", one.first_day.day, one.last_day.day, one.records, one.amount) for one in found]  # fmt: skip


def test_every_pair_and_month_is_listed_by_basis(books):
    assert lines() == [
        ("invoiced", "USD", "2024-02", 3, 3, 1, Decimal(7)),
        ("invoiced", "USD", "2024-01", 5, 25, 2, Decimal(70)),
        ("cash", "EUR", "2024-02", 9, 9, 1, Decimal(9)),
    ]
    assert lines(basis="cash") == [("cash", "EUR", "2024-02", 9, 9, 1, Decimal(9))]
    assert missing_rates(Account.objects.all())[1].gross == Decimal(130)


def test_only_accounts_in_view_count(books):
    first, second = books
    assert lines(Account.objects.filter(pk=first.pk)) == [
        ("invoiced", "USD", "2024-01", 5, 5, 1, Decimal(100)),
        ("cash", "EUR", "2024-02", 9, 9, 1, Decimal(9)),
    ]
    assert lines(Account.objects.filter(pk=second.pk)) == []  # one currency is all there is
    assert lines(Account.objects.none()) == []


def test_rates_that_cover_leave_the_list(books):
    make_rate(valid_on=date(2024, 1, 20), rate=Decimal(7))
    assert lines()[:2] == [
        ("invoiced", "USD", "2024-02", 3, 3, 1, Decimal(7)),
        ("invoiced", "USD", "2024-01", 5, 5, 1, Decimal(100)),
    ]
    make_rate(valid_on=date(2024, 1, 1), rate=Decimal(7), kind="month_average")
    assert lines()[:1] == [("invoiced", "USD", "2024-02", 3, 3, 1, Decimal(7))]
    make_rate(valid_on=date(2024, 1, 24), rate=Decimal(7))
    assert [line[0] for line in lines()] == ["cash"]


def test_a_currency_that_is_asked_for_needs_its_own_rates(books):
    assert lines(currency="USD")[0] == ("invoiced", "CNY", "2024-01", 10, 10, 1, Decimal(1))


def test_reasons_about_rates_are_told_apart(books):
    answer = growth(Account.objects.all(), base=parse_period("2023"), comparison=parse_period("2024"))

    assert is_about_rates(answer.reasons["growth_rate"])
    assert is_about_rates(sentence("lifetime_missing_rates"))
    assert not is_about_rates(sentence("no_cohort"))
    assert not is_about_rates("no rate")
