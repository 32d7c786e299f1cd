"""The kept summary is the services' own answers, is never older than the ledger, and is nobody's who sees less."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils.translation import override

from accounts.models import Account, FactChange
from crm.lib.periods import Period
from metrics.scope import Level
from metrics.services import summary
from metrics.services.concentration import concentration
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import bridge, growth, retention
from metrics.services.summary import is_summary_kept, portfolio_summary
from tests.factories import make_account, make_rate, make_user, post_revenue
from tests.tiering.company import monthly

pytestmark = pytest.mark.django_db

BASE, COMPARISON = (Period(date(year, 1, 1), date(year + 1, 1, 1)) for year in (2023, 2024))
AS_OF = date(2024, 12, 31)
ASKED = {"base": BASE, "comparison": COMPARISON, "as_of": AS_OF}


@pytest.fixture
def company():
    """Two accounts of one group and one alone, three years of monthly invoices, cost known for one of them."""
    root = make_account()
    accounts = [root, make_account(parent=root), make_account()]
    for number, account in enumerate(accounts, 1):
        cost = 40 if number == 1 else None
        post_revenue(monthly(account, 100 * number, first=date(2022, 1, 1), months=36 - 6 * number, cost=cost))
    return accounts


@pytest.fixture
def computed(monkeypatch):
    """How many summaries were computed."""
    made, compute = [], summary._computed
    monkeypatch.setattr(summary, "_computed", lambda *args, **asked: made.append(asked) or compute(*args, **asked))
    return made


def everyone(**asked):
    return portfolio_summary(Account.objects.all(), **(ASKED | asked))


def shown(answer):
    """All an answer says, without the accounts behind it."""
    return {name: getattr(answer, name) for name in answer.__dataclass_fields__ if name != "table"}


@pytest.mark.parametrize("level", list(Level))
def test_summary_is_what_the_services_answer_when_computed_and_when_kept(company, level):
    for _time in range(2):
        found = everyone(level=level)
        accounts, two = Account.objects.all(), {"base": BASE, "comparison": COMPARISON, "level": level, "as_of": AS_OF}
        assert shown(found.growth) == shown(growth(accounts, **two))
        assert shown(found.retention) == shown(retention(accounts, **two))
        assert shown(found.bridge) == shown(bridge(accounts, **two))
        assert shown(found.concentration) == shown(concentration(accounts, period=COMPARISON, level=level, as_of=AS_OF))
        assert shown(found.lifetime) == shown(lifetime(accounts, as_of=AS_OF))


def test_summary_is_computed_once_for_everybody_who_sees_everything(company, computed):
    everyone()
    everyone()

    assert len(computed) == 1
    assert is_summary_kept(**ASKED)


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: post_revenue(monthly(accounts[2], 5, first=date(2024, 2, 1), months=1)),
        lambda accounts: Account.objects.filter(pk=accounts[2].pk).update(closed_on=date(2024, 6, 1)),
        lambda accounts: Account.objects.filter(pk=accounts[2].pk).update(parent=accounts[0]),
        lambda accounts: Account.objects.filter(pk=accounts[2].pk).update(before_data_start=True),
        lambda accounts: make_account(),
    ],
    ids=["posting", "closing", "group", "earlier history", "new account"],
)
def test_summary_is_computed_anew_after_a_change_it_rests_on(company, computed, change):
    everyone()
    change(company)
    everyone()

    assert len(computed) == 2


def test_summary_outlives_a_change_it_does_not_rest_on(company, computed):
    everyone()
    company[0].name = "Renamed"
    company[0].save()
    Account.objects.update(composite=50.0, grade="gold")
    everyone()

    assert len(computed) == 1


def test_summary_of_several_currencies_follows_the_rates(company, computed):
    post_revenue(monthly(company[2], 5, first=date(2024, 2, 1), months=1, currency="USD"))
    without = everyone(currency="USD")
    make_rate(
        from_currency="CNY", to_currency="USD", valid_on=date(2022, 1, 1), rate=Decimal("0.14"), kind="month_average"
    )
    everyone(currency="USD")

    assert without.growth.growth_rate is None
    assert len(computed) == 2


def test_summary_of_a_part_is_that_part_and_never_kept(company, computed):
    owner = make_user()
    Account.objects.filter(pk=company[2].pk).update(owner=owner)
    mine = Account.objects.visible_to(owner)

    found = [portfolio_summary(mine, **ASKED) for _time in range(2)]

    assert len(computed) == 2
    assert found[0].growth.total_base_revenue == growth(mine, base=BASE, comparison=COMPARISON).total_base_revenue
    assert not is_summary_kept(**ASKED)


def test_kept_reasons_follow_the_readers_language(company):
    with override("en"):
        english = str(everyone().lifetime.reasons["clv"])
    with override("zh-hans"):
        chinese = str(everyone().lifetime.reasons["clv"])

    assert english.startswith("insufficient data")
    assert chinese != english


def test_fact_changes_are_noted_once_a_statement_or_account(company):
    before = FactChange.objects.count()

    Account.objects.update(region="EU", closed_on=None)
    assert FactChange.objects.count() == before
    Account.objects.update(closed_on=date(2024, 6, 1))
    assert FactChange.objects.count() == before + 3
