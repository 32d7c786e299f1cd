"""Growth and bridge at constant exchange rates: the worked example, missing rates, windows that cut a month, a slow version."""

import pickle
from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.lib.periods import Period, add_months, parse_period
from metrics.services.base import without_accounts
from metrics.services.constant import rate_months
from metrics.services.portfolio import bridge, growth, retention
from tests.factories import make_account, make_rate, make_user, post_revenue

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011")
YEARS = {"base": BASE, "comparison": COMPARISON, "as_of": date(2011, 12, 31), "currency": "CNY"}
LINES = ("expansion", "contraction", "churned", "reactivated", "new", "adjustment")


def everyone():
    return Account.objects.all()


def sell(account, day, amount, currency="CNY"):
    kind = "credit_note" if amount < 0 else "invoice"
    return {"account": account, "booked_on": day, "amount": Decimal(amount), "currency": currency, "kind": kind}


def average(month, rate, currency="USD"):
    make_rate(from_currency=currency, to_currency="CNY", valid_on=month, kind="month_average", rate=Decimal(rate))


@pytest.fixture
def worked_example():
    """EX-6: USD 100 at 7.0 and CNY 500 become USD 110 at 7.2 and CNY 520."""
    dollar, yuan = make_account(name="Dollar"), make_account(name="Yuan")
    post_revenue(
        [
            sell(dollar, date(2010, 6, 15), 100, "USD"),
            sell(yuan, date(2010, 6, 15), 500),
            sell(dollar, date(2011, 6, 15), 110, "USD"),
            sell(yuan, date(2011, 6, 15), 520),
        ]
    )
    average(date(2010, 6, 1), "7.0")
    average(date(2011, 6, 1), "7.2")
    return dollar, yuan


def test_growth_of_the_worked_example_is_split_into_customers_and_rates(worked_example):
    found = growth(everyone(), **YEARS)

    assert (found.total_base_revenue, found.total_comparison_revenue) == (Decimal(1200), Decimal(1312))
    assert found.overall_growth_rate == pytest.approx(112 / 1200, abs=1e-15)
    assert (found.total_constant_comparison_revenue, found.fx_effect) == (Decimal(1290), Decimal(22))
    assert (found.constant_comparison_revenue, found.cohort_fx_effect) == (Decimal(1290), Decimal(22))
    assert found.constant_growth_rate == found.constant_overall_growth_rate == 0.075
    assert (found.missing_rates, found.reasons) == ((), {})
    by_name = {row.name: row.values for row in found.table.rows()}
    assert {name: (row["constant"], row["fx_effect"]) for name, row in by_name.items()} == {
        "Dollar": (Decimal(770), Decimal(22)),
        "Yuan": (Decimal(520), Decimal(0)),
    }


def test_bridge_of_the_worked_example_has_rates_as_a_line_of_its_own(worked_example):
    found = bridge(everyone(), **YEARS)

    assert (found.bars["expansion"].amount, found.constant_lines["expansion"].amount) == (Decimal(112), Decimal(90))
    assert (found.fx_effect.amount, found.fx_effect.accounts) == (Decimal(22), 1)
    assert (found.constant_growth_rate, found.constant_overall_growth_rate) == (0.075, 0.075)
    total = sum(bar.amount for bar in found.constant_lines.values())
    assert found.bars["opening"].amount + total + found.fx_effect.amount == found.bars["closing"].amount


def test_one_currency_has_no_effect_and_no_second_query(django_assert_num_queries):
    account = make_account()
    post_revenue([sell(account, date(2010, 6, 15), 100), sell(account, date(2011, 6, 15), 130)])
    choices = YEARS | {"currency": None}
    growth(everyone(), **choices)

    with django_assert_num_queries(6):  # ledger's state (2), one read between savepoint, its settings and release
        found = growth(everyone(), **choices)

    assert (found.constant_growth_rate, found.growth_rate, found.fx_effect) == (0.3, 0.3, 0)
    assert found.constant_overall_growth_rate == found.overall_growth_rate
    assert "fx_effect" not in found.table.columns


def test_rate_of_the_base_that_only_the_comparison_needs_leaves_the_rest_known():
    known, late = make_account(), make_account()
    post_revenue(
        [
            sell(known, date(2010, 6, 15), 100),
            sell(known, date(2011, 6, 15), 110),
            sell(late, date(2011, 5, 5), 10, "USD"),
        ]
    )
    average(date(2011, 5, 1), "7")

    grown, bars = growth(everyone(), **YEARS), bridge(everyone(), **YEARS)

    assert (grown.growth_rate, grown.total_comparison_revenue) == (0.1, Decimal(180))
    assert (grown.constant_growth_rate, grown.cohort_fx_effect) == (0.1, Decimal(0))  # the new account is in neither
    assert (grown.constant_overall_growth_rate, grown.fx_effect) == (None, None)
    reason = "no rate USD→CNY for 2010-05"
    assert grown.reasons == dict.fromkeys(
        ("constant_overall_growth_rate", "total_constant_comparison_revenue", "fx_effect"), reason
    )
    assert [str(rate) for rate in grown.missing_rates] == [reason]
    assert (bars.fx_effect.amount, bars.constant_lines["new"].amount) == (None, None)
    assert bars.bars["new"].amount == Decimal(70)
    assert bars.reasons == dict.fromkeys(("constant_overall_growth_rate", "fx_effect", "constant_lines"), reason)


def test_rate_that_the_comparison_itself_lacks_leaves_nothing_known(worked_example):
    post_revenue([sell(worked_example[0], date(2011, 7, 15), 5, "USD")])

    grown, bars = growth(everyone(), **YEARS), bridge(everyone(), **YEARS)

    assert (grown.growth_rate, grown.constant_growth_rate, grown.fx_effect) == (None, None, None)
    assert [str(rate) for rate in grown.missing_rates] == ["no rate USD→CNY for 2011-07"]
    assert bars.fx_effect.amount is None
    assert {"opening", "fx_effect", "constant_lines", "constant_growth_rate"} <= set(bars.reasons)
    assert retention(everyone(), **YEARS).logo_retention is None


def test_month_without_an_average_takes_the_mean_of_its_daily_rates():
    account = make_account()
    post_revenue([sell(account, date(2010, 6, 15), 100, "USD"), sell(account, date(2011, 6, 20), 100, "USD")])
    for day, rate in ((date(2010, 6, 15), 6), (date(2010, 6, 30), 7), (date(2011, 6, 20), 8)):
        make_rate(from_currency="USD", to_currency="CNY", valid_on=day, rate=Decimal(rate))

    found = growth(everyone(), **YEARS)

    assert (found.base_revenue, found.comparison_revenue) == (Decimal(600), Decimal(800))
    assert (found.constant_comparison_revenue, found.fx_effect) == (Decimal(650), Decimal(150))


def test_window_that_cuts_a_month_counts_its_days_alone(worked_example):
    post_revenue([sell(worked_example[0], date(2011, 6, 20), 1000, "USD")])
    base, comparison = (Period(date(year, 1, 1), date(year, 6, 16)) for year in (2010, 2011))

    found = growth(everyone(), **(YEARS | {"base": base, "comparison": comparison}))

    assert (found.comparison_revenue, found.fx_effect) == (Decimal(1312), Decimal(22))


def test_group_adds_its_members_up(worked_example):
    dollar, yuan = worked_example
    dollar.parent = yuan
    dollar.save()

    found = growth(everyone(), level="group", **YEARS)

    assert (found.cohort_accounts, found.fx_effect, found.constant_growth_rate) == (1, Decimal(22), 0.075)
    assert found.table.rows()[0].values["fx_effect"] == Decimal(22)


def test_effect_of_an_account_whose_amounts_cancel_out_is_not_lost(worked_example):
    even = make_account()
    post_revenue([sell(even, date(2011, 6, 15), 100, "USD"), sell(even, date(2011, 6, 16), -720)])

    found, bars = growth(everyone(), **YEARS), bridge(everyone(), **YEARS)

    assert (found.fx_effect, found.total_constant_comparison_revenue) == (Decimal(42), Decimal(1270))
    assert bars.fx_effect.accounts == 2


def test_effect_counts_only_the_accounts_in_view(worked_example):
    owner = make_user()
    worked_example[1].owner = owner
    worked_example[1].save()

    mine = growth(Account.objects.visible_to(owner), **YEARS)
    nothing = growth(Account.objects.visible_to(make_user()), **YEARS)

    assert (mine.constant_growth_rate, mine.fx_effect) == (0.04, Decimal(0))
    assert (nothing.constant_growth_rate, nothing.fx_effect) == (None, Decimal(0))


def test_comparison_without_its_months_in_the_base_has_no_constant_figure(worked_example):
    found = growth(everyone(), **(YEARS | {"base": parse_period("2010-06"), "comparison": parse_period("2011")}))

    assert (found.growth_rate is None, found.constant_growth_rate) == (False, None)
    assert "lacks months of the comparison" in found.reasons["fx_effect"]


def test_customer_of_the_own_currency_needs_no_month_of_the_base(worked_example):
    post_revenue([sell(worked_example[1], date(2011, 8, 15), 80)])
    base, comparison = parse_period("2010-06"), parse_period("2011-08..2011-12")

    found = growth(everyone(), **(YEARS | {"base": base, "comparison": comparison}))

    assert (found.total_constant_comparison_revenue, found.fx_effect) == (Decimal(80), Decimal(0))
    assert found.constant_overall_growth_rate == found.overall_growth_rate
    assert found.reasons == {}


@pytest.mark.parametrize(
    ("base", "comparison", "months"),
    [
        ("2010", "2011-04..2011-05", ["2010-04", "2010-05"]),
        ("2010-12..2011-02", "2011-12..2012-02", ["2010-12", "2011-01", "2011-02"]),
        ("2011-Q1", "2011-Q2", ["2011-01", "2011-02", "2011-03"]),
        ("2007..2008", "2009", [f"2008-{month:02}" for month in range(1, 13)]),
        ("2008..2009", "2010..2011", [f"{year}-{month:02}" for year in (2008, 2009) for month in range(1, 13)]),
        ("2010-Q1", "2011", None),
    ],
)
def test_rate_months_are_the_same_months_of_the_base(base, comparison, months):
    found = rate_months(parse_period(base), parse_period(comparison))

    assert (found and [f"{month:%Y-%m}" for month in found]) == months


def test_answers_without_their_accounts_can_be_kept(worked_example):
    kept = pickle.loads(pickle.dumps(without_accounts(growth(everyone(), **YEARS))))
    bars = pickle.loads(pickle.dumps(without_accounts(bridge(everyone(), **YEARS))))

    assert (kept.fx_effect, bars.fx_effect.amount) == (Decimal(22), Decimal(22))


def test_queries_do_not_grow_with_the_accounts(worked_example):
    def queries():
        growth(everyone(), **YEARS)
        with CaptureQueriesContext(connection) as captured:
            growth(everyone(), **YEARS)
        return len(captured)

    few = queries()
    post_revenue([sell(make_account(), date(2011, 6, 1 + number), 5, "USD") for number in range(3)])

    assert queries() == few


def test_constant_figures_equal_the_slow_version():
    rng, rows, rates = Random(6), [], {}
    accounts = [make_account() for _ in range(6)]
    for month in parse_period("2010..2011").month_starts:
        for currency in ("USD", "EUR"):
            rates[currency, month] = Decimal(rng.randrange(60_000, 90_000)) / 10_000
            average(month, rates[currency, month], currency)
        for account in accounts:
            if rng.random() < 0.6:
                amount = Decimal(rng.randrange(-2_000_000, 9_000_000)) / 10_000
                rows.append(
                    sell(account, month.replace(day=rng.randrange(1, 29)), amount, rng.choice(["CNY", "USD", "EUR"]))
                )
    post_revenue(rows)

    found, bars = growth(everyone(), **YEARS), bridge(everyone(), **YEARS)

    def rate(currency, month):
        return Decimal(1) if currency == "CNY" else rates[currency, month]

    base, constant, reported = (defaultdict(Decimal) for _ in range(3))
    for row in rows:
        month, who = row["booked_on"].replace(day=1), row["account"].pk
        if row["booked_on"] in BASE:
            base[who] += row["amount"] * rate(row["currency"], month)
        else:
            reported[who] += row["amount"] * rate(row["currency"], month)
            constant[who] += row["amount"] * rate(row["currency"], add_months(month, -12))
    near = {"abs": Decimal("0.001")}
    cohort = [who for who in base if base[who] > 0]
    assert found.fx_effect == pytest.approx(sum(reported.values()) - sum(constant.values()), **near)
    assert found.cohort_fx_effect == pytest.approx(sum(reported[who] - constant[who] for who in cohort), **near)
    wanted = sum(constant[who] for who in cohort) / sum(base[who] for who in cohort) - 1
    assert found.constant_growth_rate == pytest.approx(float(wanted), abs=1e-9)
    assert float(found.fx_effect / found.total_base_revenue) == pytest.approx(
        found.overall_growth_rate - found.constant_overall_growth_rate, abs=1e-12
    )
    total = sum(bars.constant_lines[line].amount for line in LINES)
    assert bars.bars["opening"].amount + total + bars.fx_effect.amount == bars.bars["closing"].amount
