"""Running and fiscal periods, and growth at constant exchange rates, on the wire."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.calendars import activate_calendar, generate_calendar
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_rate, make_user, post_revenue

YEARS = {"base": "2010", "comparison": "2011", "currency": "CNY"}


@pytest.fixture
def ledger(db):
    """The worked example: USD 100 at 7.0 and CNY 500 become USD 110 at 7.2 and CNY 520."""
    dollar, yuan = make_account(), make_account()
    rows = [
        (dollar, date(2010, 6, 15), 100, "USD"),
        (yuan, date(2010, 6, 15), 500, "CNY"),
        (dollar, date(2011, 6, 15), 110, "USD"),
        (yuan, date(2011, 6, 15), 520, "CNY"),
    ]
    post_revenue(
        [
            {"account": account, "booked_on": day, "amount": Decimal(amount), "currency": currency}
            for account, day, amount, currency in rows
        ]
    )
    for month, rate in ((date(2010, 6, 1), "7.0"), (date(2011, 6, 1), "7.2")):
        make_rate(from_currency="USD", to_currency="CNY", valid_on=month, kind="month_average", rate=Decimal(rate))
    return {"dollar": dollar, "yuan": yuan}


def ask(client, question, **query):
    response = client.get(f"/api/v1/metrics/{question}/", query)
    assert response.status_code == 200, response.content
    return response.json()


def test_growth_splits_off_what_exchange_rates_did(admin, ledger):
    answer = ask(admin, "growth", **YEARS)

    assert (answer["total_comparison_revenue"], answer["total_constant_comparison_revenue"]) == (
        "1312.0000",
        "1290.0000",
    )
    assert (answer["fx_effect"], answer["cohort_fx_effect"]) == ("22.0000", "22.0000")
    assert (answer["constant_growth_rate"], answer["constant_overall_growth_rate"]) == (0.075, 0.075)
    assert answer["growth_rate"] == pytest.approx(112 / 1200)


def test_bridge_has_exchange_rates_as_a_line_of_its_own(admin, ledger):
    answer = ask(admin, "bridge", **YEARS)

    assert answer["fx_effect"] == {"amount": "22.0000", "accounts": 1}
    assert answer["constant_lines"]["expansion"] == {"amount": "90.0000", "accounts": 2}
    total = sum(Decimal(bar["amount"]) for bar in answer["constant_lines"].values())
    assert Decimal(answer["opening"]["amount"]) + total + 22 == Decimal(answer["closing"]["amount"])


def test_missing_rate_is_null_with_its_reason_and_listed(admin, ledger):
    post_revenue([{"account": ledger["dollar"], "booked_on": date(2011, 5, 5), "currency": "USD"}])
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2011, 5, 1), kind="month_average", rate=7)

    for question in ("growth", "bridge"):
        answer = ask(admin, question, **YEARS)
        assert answer["constant_growth_rate"] is None
        assert (
            answer["reasons"]["constant_growth_rate"] == answer["reasons"]["fx_effect"] == "no rate USD→CNY for 2010-05"
        )
        assert answer["missing_rates"] == [{"month": "2010-05", "from_currency": "USD", "to_currency": "CNY"}]
    assert ask(admin, "growth", **YEARS)["growth_rate"] is not None


def test_stranger_sees_no_effect_of_accounts_of_others(rest, ledger):
    answer = ask(rest(make_user()), "growth", **YEARS)

    assert (answer["fx_effect"], answer["constant_growth_rate"]) == ("0.0000", None)


def test_running_periods_are_read_with_and_without_their_day(admin, ledger):
    named = ask(admin, "growth", base="ytd@2010-06-15", comparison="ytd@2011-06-15", currency="CNY")
    bare = ask(admin, "growth", base="ytd@2010-06-15", comparison="YTD", currency="CNY")
    before = ask(admin, "growth", base="ytd@2010-06-14", comparison="ytd@2011-06-14", currency="CNY")

    assert named["total_comparison_revenue"] == bare["total_comparison_revenue"] == "1312.0000"
    assert bare["passport"]["comparison"] == {
        "label": "ytd@2011-06-15",
        "first_day": "2011-01-01",
        "last_day": "2011-06-15",
    }
    assert before["total_comparison_revenue"] == "0.0000"
    assert ask(admin, "activity", period="mtd@2011-06-15", currency="CNY")["orders"] == 2


@pytest.mark.parametrize("text", ["ytd@2011", "ytd@2011-02-30", "ytd@1969-01-01", "htd"])
def test_running_period_that_cannot_be_read_is_400(admin, ledger, text):
    problem = assert_problem(admin.get("/api/v1/metrics/activity/", {"period": text}), 400)

    assert pointers(problem) == ["period"]


def test_trend_joins_january_and_february(admin, ledger):
    post_revenue(
        [{"account": ledger["yuan"], "booked_on": date(2011, month, 5), "amount": Decimal(10)} for month in (1, 2)]
    )
    query = {"metric": "revenue", "from": "2011-01", "to": "2011-03", "currency": "CNY", "account": ledger["yuan"].pk}

    joined, apart = ask(admin, "trend", spring="joined", **query), ask(admin, "trend", spring="separate", **query)

    assert joined["points"][0] == {
        "period": "2011-01..2011-02",
        "first_day": "2011-01-01",
        "last_day": "2011-02-28",
        "value": "20.0000",
    }
    assert [point["value"] for point in apart["points"]] == ["10.0000", "10.0000", "0.0000"]


@pytest.mark.parametrize("query", [{"spring": "together"}, {"spring": "joined", "interval": "quarter"}])
def test_spring_that_cannot_be_joined_is_400_and_named(admin, ledger, query):
    problem = assert_problem(admin.get("/api/v1/metrics/trend/", {"metric": "revenue", **query}), 400)

    assert pointers(problem) == ["spring"]


def test_fiscal_periods_follow_the_active_calendar(admin, ledger):
    query = {"period": "FY2011-P06", "currency": "CNY"}
    before = ask(admin, "activity", **query)["passport"]["comparison"]
    calendar = generate_calendar(name="Retail", pattern="4-5-4", first=2010, last=2012, month=1, is_named_by_start=True)
    activate_calendar(calendar=calendar)
    after = ask(admin, "activity", **query)

    assert before == {"label": "FY2011-P06", "first_day": "2011-06-01", "last_day": "2011-06-30"}
    assert after["passport"]["comparison"] == {
        "label": "FY2011-P06",
        "first_day": "2011-07-03",
        "last_day": "2011-07-30",
    }
    assert ask(admin, "activity", period="FY2011-P05", currency="CNY")["revenue"] == "1312.0000"
    refused = assert_problem(admin.get("/api/v1/metrics/activity/", {"period": "FY2013"}), 400)
    assert "2010 to 2012" in refused["detail"]
