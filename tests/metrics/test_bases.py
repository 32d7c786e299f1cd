"""Revenue bases: one figure is on one of them, and a basis without records says so."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.enums import RevenueBasis
from accounts.models import Account
from crm.lib.periods import parse_period
from crm.settings import REVENUE_BASES
from metrics.selectors import bases_in_view, company_basis, has_linked_credit_notes
from metrics.services.account import account_metrics
from metrics.services.activity import activity
from metrics.services.concentration import concentration
from metrics.services.decline import decline
from metrics.services.decomposition import decomposition
from metrics.services.directions import directions
from metrics.services.forecast import forecast
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import bridge, growth, retention
from metrics.services.trend import trend
from tests.factories import make_account, make_revenue

PERIODS = {"base": parse_period("2023"), "comparison": parse_period("2024")}


@pytest.fixture
def books(db):
    """An account invoiced and paid, and one that was only paid."""
    both, paid = make_account(), make_account()
    for account, day, basis, amount in (
        (both, date(2023, 5, 1), "invoiced", 100),
        (both, date(2024, 5, 1), "invoiced", 130),
        (both, date(2023, 6, 1), "cash", 90),
        (both, date(2024, 6, 1), "cash", 80),
        (paid, date(2023, 6, 1), "cash", 7),
    ):
        make_revenue(account=account, booked_on=day, basis=basis, amount=Decimal(amount))
    return both, paid


def test_the_setting_knows_the_bases_of_the_ledger():
    assert list(REVENUE_BASES) == RevenueBasis.values


def test_bases_are_never_added_up(books):
    everyone = Account.objects.all()
    invoiced, cash = growth(everyone, **PERIODS), growth(everyone, basis="cash", **PERIODS)

    assert (invoiced.total_base_revenue, invoiced.total_comparison_revenue) == (Decimal(100), Decimal(130))
    assert (cash.total_base_revenue, cash.total_comparison_revenue) == (Decimal(97), Decimal(80))
    assert (invoiced.passport.basis, cash.passport.basis) == ("invoiced", "cash")


def test_the_companys_basis_is_the_default(books, settings):
    settings.REVENUE_BASIS = "cash"

    assert company_basis() == "cash"
    assert growth(Account.objects.all(), **PERIODS).total_base_revenue == Decimal(97)


def test_bases_in_view_are_those_of_the_accounts_in_view(books):
    both, paid = books
    assert bases_in_view(Account.objects.all()) == ("invoiced", "cash")
    assert bases_in_view(Account.objects.filter(pk=both.pk)) == ("invoiced", "cash")
    assert bases_in_view(Account.objects.filter(pk=paid.pk)) == ("cash",)
    assert bases_in_view(Account.objects.none()) == ()


def test_linked_credit_notes_in_view_are_those_of_the_accounts_in_view(books):
    both, paid = books
    make_revenue(account=both, booked_on=date(2023, 7, 1), reference="I", amount=Decimal(10))
    make_revenue(
        account=both, booked_on=date(2024, 7, 1), kind="credit_note", credits_reference="I", amount=-Decimal(3)
    )

    assert has_linked_credit_notes(Account.objects.all(), basis="invoiced")
    assert has_linked_credit_notes(Account.objects.filter(pk=both.pk), basis="invoiced")
    assert not has_linked_credit_notes(Account.objects.filter(pk=paid.pk), basis="invoiced")
    assert not has_linked_credit_notes(Account.objects.all(), basis="cash")


ASKED = {
    growth: PERIODS, retention: PERIODS, bridge: PERIODS, decomposition: PERIODS, directions: PERIODS,
    activity: {"period": parse_period("2024")}, concentration: {"period": parse_period("2024")},
    lifetime: {}, forecast: {}, decline: {},
}  # fmt: skip
FIGURE = {
    growth: "growth_rate", retention: "logo_retention", activity: "revenue", concentration: "total",
    lifetime: "expected_revenue", forecast: "forecast_revenue", decline: "at_risk_money",
}  # fmt: skip


@pytest.mark.parametrize("question", ASKED)
def test_a_basis_without_records_is_undefined_with_what_to_do(books, question):
    answer = question(Account.objects.all(), basis="signed", **ASKED[question])

    said = {str(reason) for reason in answer.reasons.values()}
    assert any("nothing in view is booked as “Signed”" in one and "Invoiced, Cash" in one for one in said)
    if question in FIGURE:
        assert getattr(answer, FIGURE[question]) is None
        assert "Signed" in str(answer.reasons[FIGURE[question]])


def test_an_account_and_a_series_say_so_too(books):
    _both, paid = books
    one = account_metrics(paid)
    series = trend(Account.objects.filter(pk=paid.pk), metric="revenue", first=date(2023, 1, 1), last=date(2024, 6, 30))

    assert (one.ttm_revenue, one.historical_revenue) == (None, None)
    assert "“Invoiced”" in str(one.reasons["ttm_revenue"])
    assert {point.value for point in series.points} == {None}
    assert "“Invoiced”" in str(series.points[0].reason)


def test_an_account_without_any_record_keeps_its_own_reason(books):
    alone = make_account()

    assert growth(Account.objects.filter(pk=alone.pk), **PERIODS).total_base_revenue == Decimal(0)
