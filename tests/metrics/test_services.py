"""The questions answered from a ledger: growth, bridge, retention, activity, concentration."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from metrics.definitions import METRICS
from metrics.formulas.bridge import BridgeLine
from metrics.services.account import AccountMetrics
from metrics.services.activity import ActivityFigures, activity
from metrics.services.concentration import ConcentrationFigures, concentration
from metrics.services.portfolio import Growth, RetentionFigures, bridge, growth, retention, two_periods
from metrics.services.trend import TREND_METRICS
from tests.factories import make_account, make_rate, make_user, post_revenue
from tests.metrics.ledger import bridge_example

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011-04..2011-12")
PERIODS = {"base": BASE, "comparison": COMPARISON, "as_of": date(2011, 12, 31)}


def everyone():
    return Account.objects.all()


def test_bridge_of_the_worked_example_adds_up_and_names_its_accounts():
    bridge_example()

    found = bridge(everyone(), **PERIODS)

    assert {name: (bar.amount, bar.accounts) for name, bar in found.bars.items()} == {
        "opening": (Decimal(2940), 5),
        "expansion": (Decimal(300), 1),
        "contraction": (Decimal(-200), 1),
        "churned": (Decimal(-800), 2),
        "reactivated": (Decimal(210), 2),
        "new": (Decimal(320), 2),
        "adjustment": (Decimal(-25), 3),
        "closing": (Decimal(2745), 7),
    }
    assert (found.new_in_comparison.amount, found.new_between.amount) == (Decimal(250), Decimal(70))
    assert [row.name for row in found.behind("churned")] == ["C", "E"]
    assert [row.values["churned"] for row in found.behind("churned", limit=1)] == [Decimal(-500)]
    assert [row.name for row in found.behind("adjustment")] == ["E", "H", "J"]
    assert [row.name for row in found.behind("opening", limit=2, offset=1)] == ["B", "C"]


def test_growth_and_retention_of_the_worked_example():
    bridge_example()

    grown, kept = growth(everyone(), **PERIODS), retention(everyone(), **PERIODS)

    assert (grown.cohort_accounts, grown.base_revenue, grown.comparison_revenue) == (5, Decimal(3000), Decimal(2250))
    assert grown.growth_rate == -0.25
    assert grown.overall_growth_rate == pytest.approx(-195 / 2940, abs=1e-15)
    assert (kept.retained_accounts, kept.logo_retention, kept.net_revenue_retention) == (3, 0.6, 0.75)
    assert kept.gross_revenue_retention == pytest.approx(2 / 3, abs=1e-15)
    assert (grown.currency, grown.reasons, kept.reasons) == ("CNY", {}, {})


def test_passport_says_which_figure_this_is():
    bridge_example()

    passport = growth(everyone(), **PERIODS).passport

    assert passport.as_dict() == {
        "metric": "growth",
        "version": METRICS["growth"].version,
        "base": {"label": "2010", "first_day": "2010-01-01", "last_day": "2010-12-31"},
        "comparison": {"label": "2011-04..2011-12", "first_day": "2011-04-01", "last_day": "2011-12-31"},
        "basis": "invoiced",
        "credit_notes": "booked",
        "level": "entity",
        "membership": None,
        "as_of": "2011-12-31",
        "accounts": 10,
        "flags": [],
    }


def test_what_is_undefined_is_none_with_its_reason():
    post_revenue([{"account": make_account(), "booked_on": date(2011, 5, 1), "amount": Decimal(5)}])

    grown, kept = growth(everyone(), **PERIODS), retention(everyone(), **PERIODS)

    assert (grown.growth_rate, grown.overall_growth_rate, kept.logo_retention) == (None, None, None)
    no_cohort, no_base = (
        "no account had revenue above 0 in the base period",
        "revenue of the base period is not above 0",
    )
    assert grown.reasons == {
        "growth_rate": no_cohort,
        "overall_growth_rate": no_base,
        "constant_growth_rate": no_cohort,
        "constant_overall_growth_rate": no_base,
    }
    assert set(kept.reasons) == {"logo_retention", "gross_revenue_retention", "net_revenue_retention"}


def test_missing_rate_makes_the_figures_none_and_is_named():
    bridge_example(currency="GBP")

    in_pounds = growth(everyone(), **PERIODS)
    in_yuan, bars = growth(everyone(), currency="CNY", **PERIODS), bridge(everyone(), currency="CNY", **PERIODS)

    assert (in_pounds.currency, in_pounds.growth_rate) == ("GBP", -0.25)
    assert (in_yuan.growth_rate, in_yuan.base_revenue, bars.bars["opening"].amount) == (None, None, None)
    assert in_yuan.reasons["growth_rate"] == "no rate GBP→CNY for 2010-06; no rate GBP→CNY for 2011-06"
    assert bars.reasons["opening"] == in_yuan.reasons["growth_rate"]


def test_translated_figures_use_the_rate_of_each_month():
    bridge_example(currency="GBP")
    for month, rate in ((date(2010, 6, 1), "8"), (date(2011, 6, 1), "9")):
        make_rate(from_currency="GBP", to_currency="CNY", valid_on=month, kind="month_average", rate=Decimal(rate))

    grown = growth(everyone(), currency="CNY", **PERIODS)

    assert (grown.base_revenue, grown.comparison_revenue) == (Decimal(24000), Decimal(20250))


def test_group_level_hides_moves_between_members():
    root = make_account(name="Root")
    first, second = make_account(parent=root, name="First"), make_account(parent=root, name="Second")
    post_revenue(
        [
            {"account": first, "booked_on": date(2010, 5, 1), "amount": Decimal(100)},
            {"account": second, "booked_on": date(2011, 5, 1), "amount": Decimal(130)},
        ]
    )

    entities, groups = bridge(everyone(), **PERIODS), bridge(everyone(), level="group", **PERIODS)

    assert (entities.bars["churned"].amount, entities.bars["new"].amount) == (Decimal(-100), Decimal(130))
    assert (groups.bars["churned"].amount, groups.bars["new"].amount) == (0, 0)
    row = groups.behind("expansion")[0]
    assert (row.account_id, row.name, row.members, row.values["expansion"]) == (root.pk, "Root", 3, Decimal(30))


def test_figures_are_computed_over_what_the_viewer_may_see():
    accounts = bridge_example()
    owner = make_user()
    accounts["A"].owner = owner
    accounts["A"].save()

    grown = growth(Account.objects.visible_to(owner), **PERIODS)
    strange = growth(Account.objects.visible_to(make_user()), **PERIODS)

    assert (grown.cohort_accounts, grown.growth_rate) == (1, 0.3)
    assert (strange.cohort_accounts, strange.growth_rate) == (0, None)


def test_base_that_reaches_into_the_comparison_is_refused():
    with pytest.raises(PeriodError):
        two_periods(everyone(), base=parse_period("2010-06..2011-04"), comparison=parse_period("2011"))


def test_two_periods_cost_the_same_queries_for_one_and_many_accounts(django_assert_num_queries):
    accounts = bridge_example()

    for chosen in (Account.objects.filter(pk=accounts["A"].pk), everyone()):
        two_periods(chosen, **PERIODS)  # the ledger's currencies are remembered
        with django_assert_num_queries(6):  # ledger's state (2), one read between savepoint, its settings and release
            two_periods(chosen, **PERIODS).growth()


def test_activity_counts_orders_and_divides_exactly():
    active, silent, closed, future = (make_account() for _ in range(4))
    closed.closed_on = date(2010, 6, 1)
    closed.save()
    post_revenue(
        [
            {"account": active, "booked_on": date(2010, 3, 1), "amount": Decimal(10)},
            {"account": active, "booked_on": date(2011, 3, 1), "amount": Decimal("10.01"), "reference": "I1"},
            {"account": active, "booked_on": date(2011, 3, 1), "amount": Decimal(5), "reference": "I1"},
            {"account": active, "booked_on": date(2011, 3, 1), "amount": Decimal(5), "reference": "I2"},
            {"account": active, "booked_on": date(2011, 4, 1), "amount": Decimal(-3), "kind": "credit_note"},
            {"account": silent, "booked_on": date(2010, 3, 1), "amount": Decimal(10)},
            {"account": closed, "booked_on": date(2010, 3, 1), "amount": Decimal(10)},
            {"account": future, "booked_on": date(2012, 3, 1), "amount": Decimal(10)},
        ]
    )

    found = activity(everyone(), period=parse_period("2011"), as_of=date(2012, 12, 31))

    assert (found.covered_accounts, found.active_accounts, found.active_rate) == (2, 1, 0.5)
    assert (found.orders, found.revenue) == (2, Decimal("17.01"))
    assert found.average_order_value == Decimal("8.505000000000")
    assert (found.repeat_rate, found.returning_rate, found.order_frequency) == (0, 1, 2)
    assert found.passport.accounts == 2
    assert len(found.table) == 2


def test_activity_without_an_order_explains_its_gaps():
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2010, 3, 1), "amount": Decimal(10)}])

    found = activity(everyone(), period=parse_period("2011"), as_of=date(2011, 12, 31))

    assert (found.active_rate, found.average_order_value, found.repeat_rate) == (0, None, None)
    assert set(found.reasons) == {
        "average_order_value", "revenue_per_active_account", "repeat_rate", "returning_rate", "order_frequency",
    }  # fmt: skip


def test_activity_counts_orders_where_money_lacks_a_rate():
    post_revenue([{"account": make_account(), "booked_on": date(2011, 3, 1), "amount": Decimal(5), "currency": "GBP"}])

    found = activity(everyone(), period=parse_period("2011"), currency="CNY", as_of=date(2011, 12, 31))

    assert (found.orders, found.revenue, found.average_order_value) == (1, None, None)
    assert found.reasons["revenue"] == "no rate GBP→CNY for 2011-03"


def test_concentration_of_the_worked_example():
    root = make_account()
    amounts = [400, 250, 150, 100, 50, 30, 20, -15]
    accounts = [make_account(parent=root if number < 2 else None) for number in range(len(amounts))]
    post_revenue(
        [
            {"account": account, "booked_on": date(2011, 3, 1), "amount": Decimal(amount)}
            for account, amount in zip(accounts, amounts, strict=True)
        ]
    )

    found = concentration(everyone(), period=parse_period("2011"), as_of=date(2011, 12, 31))

    assert (found.accounts, found.total, found.hhi) == (7, Decimal(985), pytest.approx(0.2588))
    assert (found.top_1_share, found.top_20_percent_share, found.largest_group_share) == (0.4, 0.65, 0.65)
    assert {letter: (part.accounts, part.revenue) for letter, part in found.abc.items()} == {
        "A": (3, Decimal(800)), "B": (2, Decimal(150)), "C": (2, Decimal(50)), "N": (1, Decimal(-15)),
    }  # fmt: skip
    assert [(point.accounts, point.share) for point in found.curve[:3]] == [(0, 0), (1, 0.4), (2, 0.65)]
    assert [row.values["abc"] for row in found.table.rows(order_by="revenue", limit=4)] == ["A", "A", "A", "B"]


def test_concentration_of_nothing_has_reasons_for_every_ratio():
    found = concentration(everyone(), period=parse_period("2011"), as_of=date(2011, 12, 31))

    assert (found.accounts, found.total, found.hhi, found.curve) == (0, Decimal(0), None, ())
    assert found.reasons["gini"] == "no account had revenue above 0 in the period"


NO_FIGURES = {
    "is_small_base", "data_grade", "method", "renewal_method", "recognised_source", "horizon_months", "discount", "simple_clv_low", "simple_clv_high", "curve",
    "currency", "reasons", "passport", "table", "bars", "new_in_comparison", "new_between",
    "missing_rates",
}  # fmt: skip


def test_catalogue_defines_every_figure_an_answer_gives():
    answers = (Growth, RetentionFigures, ActivityFigures, ConcentrationFigures, AccountMetrics)
    figures = {name for answer in answers for name in answer.__dataclass_fields__} - NO_FIGURES

    assert figures | set(TREND_METRICS) | {*map(str, BridgeLine), "opening", "closing", "clv"} <= set(METRICS)
    for metric in METRICS.values():
        assert all(str(text) for text in (metric.label, metric.formula, metric.inputs, metric.help, metric.version))
