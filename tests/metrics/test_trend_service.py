"""Series: every interval, rolling rates that equal the figure of that day, gaps with reasons."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from metrics.services.portfolio import growth, retention
from metrics.services.trend import TREND_METRICS, trend, trends
from tests.factories import make_account, post_revenue

pytestmark = pytest.mark.django_db
AS_OF = date(2011, 12, 9)


@pytest.fixture
def ledger():
    """Three accounts, a line a month from December 2009 to November 2011, one of them leaving half-way."""
    accounts = [make_account() for _ in range(3)]
    rows = []
    for number, month in enumerate(parse_period("2009-12..2011-11").month_starts):
        for place, account in enumerate(accounts):
            if place < 2 or number < 12:
                amount = Decimal(100 + (number * 10 if place == 0 else 0))
                rows.append({"account": account, "booked_on": month, "amount": amount, "cost": amount / 2})
    post_revenue(rows)
    return accounts


def values(series):
    return [point.value for point in series.points]


def test_series_begins_with_the_data_and_ends_with_the_last_complete_month(ledger):
    series = trend(Account.objects.all(), metric="revenue", as_of=AS_OF)

    assert len(series.points) == 24
    assert (series.points[0].period.label, series.points[-1].period.label) == ("2009-12", "2011-11")
    assert values(series)[:2] == [Decimal(300), Decimal(310)]
    assert series.passport.comparison.months == 24


def test_quarters_and_years_are_whole_and_the_open_one_has_a_reason(ledger):
    quarters = trend(
        Account.objects.all(), metric="active_accounts", interval="quarter", first=date(2010, 1, 1),
        last=date(2011, 12, 31), as_of=AS_OF,
    )  # fmt: skip

    assert [point.period.label for point in quarters.points][-2:] == ["2011-Q3", "2011-Q4"]
    assert values(quarters) == [3, 3, 3, 3, 2, 2, 2, None]
    assert quarters.points[-1].reason == "the period is not over at the as-of date"
    years = trend(Account.objects.all(), metric="orders", interval="year", first=date(2008, 5, 1), as_of=AS_OF)
    assert values(years) == [None, 3, 35, None]
    assert years.points[0].reason == "the ledger does not reach back that far"


def test_rolling_rates_equal_the_figures_of_that_day(ledger):
    series = trends(Account.objects.all(), metrics=TREND_METRICS, as_of=AS_OF)

    periods = {"base": parse_period("ttm@2010-11"), "comparison": parse_period("ttm@2011-11"), "as_of": AS_OF}
    grown, kept = growth(Account.objects.all(), **periods), retention(Account.objects.all(), **periods)
    last = {metric: series[metric].points[-1].value for metric in TREND_METRICS}
    assert (last["growth_rate"], last["overall_growth_rate"]) == (grown.growth_rate, grown.overall_growth_rate)
    assert (last["logo_retention"], last["gross_revenue_retention"]) == (
        kept.logo_retention, kept.gross_revenue_retention,
    )  # fmt: skip
    assert last["ttm_revenue"] == grown.total_comparison_revenue
    assert values(series["growth_rate"])[:23] == [None] * 23
    assert "reach back" in series["growth_rate"].points[0].reason
    assert values(series["ttm_revenue"])[10:12] == [None, Decimal(3600 + 660)]
    assert (last["margin"], last["gross_profit"], last["average_order_value"]) == (
        0.5, Decimal(215), Decimal(215),
    )  # fmt: skip


def test_group_level_counts_groups(ledger):
    ledger[1].parent = ledger[0]
    ledger[1].save()

    by_group = trend(Account.objects.all(), metric="active_accounts", level="group", as_of=AS_OF)
    retained = trend(Account.objects.all(), metric="logo_retention", level="group", as_of=AS_OF)

    assert values(by_group)[-1] == 1
    assert retained.points[-1].value == 0.5


def test_missing_rate_blanks_its_month_and_names_it(ledger):
    post_revenue([{"account": ledger[0], "booked_on": date(2011, 3, 1), "currency": "GBP"}])

    series = trends(
        Account.objects.all(), metrics=["revenue", "orders", "growth_rate"], currency="CNY", as_of=AS_OF
    )  # fmt: skip

    gaps = [point for point in series["revenue"].points if point.value is None]
    assert [(gap.period.label, gap.reason) for gap in gaps] == [("2011-03", "no rate GBP→CNY for 2011-03")]
    assert None not in values(series["orders"])
    assert series["growth_rate"].points[-1].reason == "no rate GBP→CNY for 2011-03"


def test_series_too_long_or_backwards_is_refused(ledger):
    with pytest.raises(PeriodError, match="at most"):
        trend(Account.objects.all(), metric="revenue", first=date(1980, 1, 1), as_of=AS_OF)
    with pytest.raises(PeriodError, match="ends before"):
        trend(Account.objects.all(), metric="revenue", first=date(2012, 1, 1), last=date(2011, 1, 1), as_of=AS_OF)


def test_rolling_rate_of_a_window_without_a_rate_is_undefined_and_the_others_are_not(ledger):
    day = date(2010, 5, 3)
    post_revenue([{"account": make_account(), "booked_on": day, "amount": Decimal(5), "currency": "USD"}])

    series = trend(
        Account.objects.all(), metric="ttm_revenue", first=date(2011, 4, 1), last=date(2011, 5, 1), currency="CNY",
        as_of=AS_OF,
    )  # fmt: skip

    assert [point.value is None for point in series.points] == [True, False]
    assert series.points[0].reason == "no rate USD→CNY for 2010-05"


def test_january_and_february_can_stand_as_one_point(ledger):
    post_revenue([{"account": ledger[2], "booked_on": date(2011, 2, 3), "amount": Decimal(5)}])
    ends = {"first": date(2010, 12, 1), "last": date(2011, 3, 1), "as_of": AS_OF}

    apart = trends(Account.objects.all(), metrics=TREND_METRICS, **ends)
    joined = trends(Account.objects.all(), metrics=TREND_METRICS, is_spring_joined=True, **ends)

    revenue = joined["revenue"]
    assert [point.period.label for point in revenue.points] == ["2010-12", "2011-01..2011-02", "2011-03"]
    single = values(apart["revenue"])
    assert values(revenue) == [single[0], single[1] + single[2], single[3]]
    assert values(joined["active_accounts"]) == [2, 3, 2]  # an account that orders in both months counts once
    for metric in ("ttm_revenue", "overall_growth_rate"):  # rolling years end with the point, so with February
        assert values(joined[metric]) == [value for place, value in enumerate(values(apart[metric])) if place != 1]


def test_only_months_are_joined(ledger):
    quarters = [
        values(
            trend(Account.objects.all(), metric="revenue", interval="quarter", is_spring_joined=is_joined, as_of=AS_OF)
        )
        for is_joined in (False, True)
    ]

    assert quarters[0] == quarters[1]


def test_joined_point_names_the_missing_rate_of_either_month(ledger):
    post_revenue([{"account": ledger[0], "booked_on": date(2011, 2, 1), "currency": "GBP"}])

    series = trend(Account.objects.all(), metric="revenue", currency="CNY", is_spring_joined=True, as_of=AS_OF)

    gaps = [(point.period.label, point.reason) for point in series.points if point.value is None]
    assert gaps == [("2011-01..2011-02", "no rate GBP→CNY for 2011-02")]
