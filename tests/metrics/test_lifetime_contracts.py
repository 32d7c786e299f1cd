"""What accounts under contract are worth: the method each one gets, the schedule, the renewals, the reasons."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from accounts.enums import ContractStatus
from accounts.models import Account, Contract
from crm.lib.periods import prior_ttm, ttm
from metrics.formulas.contractual import fit, renewals_of_curve, survival
from metrics.scope import scope_of
from metrics.services.account import account_metrics
from metrics.services.figures import write_account_figures
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_contracts import contract_values
from metrics.services.summary import portfolio_summary
from tests.factories import make_account, make_contract, make_rate, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2023, 12, 31)
LEFT = (120, 90, 75, 66, 60)  # of the contracts that began in 2019, after 0..4 renewals
YEARS = range(2019, 2024)
pytestmark = pytest.mark.django_db


def yearly(account, year, amount=1200, **fields):
    defaults = {"starts_on": date(year, 1, 1), "ends_on": date(year, 12, 31), "currency": "CNY", "status": "active"}
    return Contract(account=account, number=f"{account.pk}-{year}", amount=amount, **(defaults | fields))


def under_contract(left=LEFT, *, first=2019):
    """Accounts with one contract a year, of which ``left`` go on; the last year's run until the as-of. All order once."""
    accounts = [make_account() for _ in range(left[0])]
    post_revenue(
        [
            {"account": account, "booked_on": date(2023, 3, 1), "amount": Decimal(100), "cost": Decimal(60)}
            for account in accounts
        ]
    )
    Contract.objects.bulk_create(
        yearly(account, first + turn) for turn, count in enumerate(left) for account in accounts[:count]
    )
    return accounts


def run_on(accounts):
    """They renewed for the year after the as-of, and signed in time."""
    Contract.objects.bulk_create(yearly(account, 2024, signed_on=date(2023, 12, 1)) for account in accounts)


@pytest.fixture
def base():
    accounts = under_contract()
    run_on(accounts[: LEFT[-1]])
    post_revenue([{"account": accounts[0], "booked_on": date(2021, 3, 1), "amount": Decimal(1), "cost": Decimal(1)}])
    return accounts


def test_renewals_of_the_whole_base_are_fitted_by_length_of_term(base):
    make_contract(account=base[0], starts_on=date(2023, 12, 1), ends_on=date(2024, 11, 30), status=ContractStatus.DRAFT)

    found = lifetime(Account.objects.all(), as_of=AS_OF)

    by_hand = fit(renewals_of_curve([*LEFT, LEFT[-1]]))
    (cohort,) = found.renewals
    assert (cohort.term_months, cohort.contracts, cohort.points, cohort.reason) == (12, 120, 5, "")
    assert cohort.fit.model == by_hand.model
    assert found.methods == {"formula": 60, cohort.method: 60}


def test_account_under_contract_is_worth_its_term_and_its_renewals(base):
    found, model = (
        account_metrics(base[0], as_of=AS_OF),
        lifetime(Account.objects.all(), as_of=AS_OF).renewals[0].fit.model,
    )

    day_by_day = 0.0
    for day in range(1, 366 + 365 + 365 + 1):
        renewals = max(0, (day - 367) // 366 + 1)  # 2024 has 366 days, and each renewal the same
        chance = survival(model, 5 + renewals) / survival(model, 5)
        day_by_day += 1200 / 366 * float(chance) * 1.1 ** (-day / 365)
    assert float(found.expected_revenue) == pytest.approx(day_by_day, rel=2e-4)
    assert float(found.clv) == pytest.approx(0.4 * float(found.expected_revenue), rel=1e-6)
    assert (found.method, found.renewal_method, found.data_grade) == ("sbg", "sbg", "A")
    assert float(found.contract_value) == pytest.approx(1200 * 1.1**-0.5, rel=2e-3)
    assert found.reasons["clv_low"] == "the interval is that of estimates from orders; this is a value of contracts"


def test_lost_account_is_not_valued_by_the_contracts_it_had(base):
    found = account_metrics(base[-1], as_of=AS_OF)

    assert (found.method, found.data_grade, found.contract_value, found.renewal_method) == ("formula", "C", None, None)
    assert found.reasons["contract_value"] == "no signed contract with a first and a last day runs"
    assert found.reasons["clv"].startswith("insufficient data")
    assert found.simple_clv_low < found.simple_clv_high


def test_too_few_contracts_give_their_schedule_and_the_reason():
    accounts = under_contract((40, 30, 25, 20))
    run_on(accounts[:5])

    alone, found = account_metrics(accounts[0], as_of=AS_OF), lifetime(Account.objects.all(), as_of=AS_OF)

    sentence = "insufficient data: fewer than 50 contracts of this length came to a renewal"
    assert (alone.method, alone.renewal_method, alone.reasons["renewal_method"]) == ("formula", None, sentence)
    assert alone.contract_value > 0
    assert found.renewals[0].sentence() == sentence


def test_too_few_renewals_in_a_row_are_said():
    run_on(under_contract((60, 50), first=2022)[:50])

    found = lifetime(Account.objects.all(), as_of=AS_OF)

    assert found.renewals[0].sentence() == (
        "insufficient data: contracts of this length did not come to 3 renewals in a row"
    )


def test_nobody_who_ever_left_has_no_model():
    run_on(under_contract((60, 60, 60, 60), first=2020))

    assert lifetime(Account.objects.all(), as_of=AS_OF).renewals[0].reason == "renewal_no_fit"


def values(account, **asked):
    defaults = {"as_of": AS_OF, "horizon_months": 36, "discount": 0.0}
    scope = scope_of(Account.objects.filter(pk=account.pk), currency="CNY")
    return contract_values(scope, np.array([account.pk]), **(defaults | asked))


def test_schedule_is_a_straight_line_to_the_horizon():
    account = make_account()
    yearly(account, 2024, amount=366).save()
    yearly(account, 2023, amount=365).save()

    Contract.objects.update(signed_on=date(2023, 1, 1))

    assert values(account).signed.tolist() == [366]
    assert values(account, horizon_months=6).signed.tolist() == [182]
    assert values(account, as_of=date(2023, 12, 30)).signed.tolist() == [367]
    assert values(account, as_of=date(2022, 12, 31)).cohort.tolist() == [0]  # not signed yet


def test_contract_in_another_currency_needs_the_rate_of_its_signing():
    account = make_account()
    yearly(account, 2024, amount=366, currency="USD", signed_on=date(2023, 12, 20)).save()

    without = values(account)
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2023, 12, 15), rate=Decimal(7))

    assert (without.has_schedule.tolist(), without.cohort.tolist()) == ([False], [12])
    assert values(account).signed.tolist() == [7 * 366]


def test_average_of_the_month_stands_in_for_the_rate_of_the_day():
    account = make_account()
    yearly(account, 2024, amount=366, currency="USD", signed_on=date(2023, 12, 20)).save()
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2023, 12, 1), rate=Decimal(6), kind="month_average")

    assert values(account).signed.tolist() == [6 * 366]


@pytest.mark.parametrize("fields", [{"amount": None}, {"status": "cancelled"}, {"status": "draft"}, {"ends_on": None}])
def test_contract_that_says_too_little_has_no_schedule(fields):
    account = make_account()
    yearly(account, 2024, **({"signed_on": date(2023, 12, 1)} | fields)).save()

    assert values(account).has_schedule.tolist() == [False]


def test_closed_account_brings_nothing_more(base):
    Account.objects.filter(pk=base[0].pk).update(closed_on=date(2023, 12, 1))

    found = account_metrics(Account.objects.get(pk=base[0].pk), as_of=AS_OF)

    assert (found.expected_revenue, found.clv) == (0, 0)


def test_part_of_the_base_is_valued_by_the_model_of_all_of_it(base):
    owner = make_user()
    Account.objects.filter(pk__in=[account.pk for account in base[:2]]).update(owner=owner)

    mine = lifetime(Account.objects.visible_to(owner), as_of=AS_OF)

    assert mine.methods == {"sbg": 2}
    assert mine.expected_revenue == 2 * account_metrics(base[0], as_of=AS_OF).expected_revenue
    assert mine.contract_value > 0
    assert lifetime(Account.objects.none(), as_of=AS_OF).methods == {}


def test_orders_and_contracts_stand_together_and_the_interval_says_of_what(base):
    simulated_ledger(240, as_of=AS_OF)
    write_account_figures(AS_OF)

    found = lifetime(Account.objects.all(), as_of=AS_OF)

    assert found.methods == {"bg-nbd + gamma-gamma": 300, "sbg": 60}
    assert found.expected_revenue_low < found.expected_revenue < found.expected_revenue_high
    assert not np.isfinite(found.table.columns["clv_low"][found.table.columns["method"] == "sbg"]).any()
    rest = lifetime(Account.objects.exclude(pk__in=[account.pk for account in base[:60]]), as_of=AS_OF)
    fixed = found.expected_revenue - rest.expected_revenue
    assert float(found.expected_revenue_low) == pytest.approx(float(rest.expected_revenue_low + fixed), rel=1e-6)


def test_summary_follows_the_contracts(base):
    asked = {"base": prior_ttm(AS_OF), "comparison": ttm(AS_OF), "as_of": AS_OF}
    before = portfolio_summary(Account.objects.all(), **asked).lifetime.contract_value

    contract = Contract.objects.filter(account=base[0]).latest("starts_on")
    contract.amount = 9999
    contract.save()

    assert portfolio_summary(Account.objects.all(), **asked).lifetime.contract_value > before


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_contracts(base, count, django_assert_num_queries):
    accounts = Account.objects.filter(pk__in=[account.pk for account in base[:count]])

    lifetime(accounts, as_of=AS_OF)
    with django_assert_num_queries(19):
        lifetime(accounts, as_of=AS_OF)
