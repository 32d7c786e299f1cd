"""The metrics page with several currencies and with running periods."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from tests.factories import make_account, make_rate, make_user, post_revenue

pytestmark = pytest.mark.django_db
YEARS = "base=2010&comparison=2011"


@pytest.fixture
def seller(client):
    """The worked example: USD 100 at 7.0 and CNY 500 become USD 110 at 7.2 and CNY 520."""
    seller = make_user()
    dollar, yuan = make_account(name="Dollar", owner=seller), make_account(name="Yuan", owner=seller)
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
    client.force_login(seller)
    return seller


@pytest.fixture
def rates():
    for month, rate in ((date(2010, 6, 1), "7.0"), (date(2011, 6, 1), "7.2")):
        make_rate(from_currency="USD", to_currency="CNY", valid_on=month, kind="month_average", rate=Decimal(rate))


def shown(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return response.context["shown"]


def test_growth_is_shown_reported_and_at_constant_rates_side_by_side(client, seller, rates):
    found = shown(client, f"/metrics/growth/?{YEARS}&currency=CNY")

    assert [(line.reported.text(), line.constant.text(), line.effect.text()) for line in found.rates] == [
        ("+9.3%", "+7.5%", "22"),
        ("+9.3%", "+7.5%", "22"),
    ]
    assert [head.label for head in found.table.heads][-2:] == ["At constant rates", "Exchange rate effect"]


def test_one_currency_shows_no_line_of_rates(client, seller, rates):
    yuan = Account.objects.get(name="Yuan")

    found = shown(client, f"/metrics/growth/?{YEARS}&account={yuan.pk}")

    assert (found.rates, len(found.table.heads)) == ((), 4)


def test_change_names_what_of_it_are_exchange_rates(client, seller, rates):
    found = shown(client, f"/metrics/change/?{YEARS}&currency=CNY")

    assert [(figure.metric, figure.text()) for figure in found.figures][-1] == ("fx_effect", "22")


def test_missing_rate_of_the_base_is_said_beside_the_reported_growth(client, seller):
    for month in (date(2010, 6, 1), date(2011, 6, 1)):
        make_rate(from_currency="USD", to_currency="CNY", valid_on=month, kind="month_average", rate=7)
    post_revenue([{"account": make_account(owner=seller), "booked_on": date(2011, 5, 5), "currency": "USD"}])
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2011, 5, 1), kind="month_average", rate=7)

    _same, every = shown(client, f"/metrics/growth/?{YEARS}&currency=CNY").rates

    assert (every.reported.value is None, every.constant.value, every.effect.value) == (False, None, None)
    assert every.constant.reason == every.effect.reason == "no rate USD→CNY for 2010-05"


@pytest.mark.parametrize(
    "key",
    ["constant_growth_rate", "constant_overall_growth_rate", "constant_comparison_revenue", "cohort_fx_effect", "fx_effect",
     "total_constant_comparison_revenue"],
)  # fmt: skip
def test_drawer_of_each_figure_opens_with_and_without_several_currencies(client, seller, rates, key):
    several = client.get(f"/figures/{key}/?{YEARS}&currency=CNY")
    alone = client.get(f"/figures/{key}/?{YEARS}&grade=gold")

    assert (several.status_code, alone.status_code) == (200, 200)
    assert [row.name for row, _cells in several.context["rows"]] == ["Dollar", "Yuan"]


def test_year_to_date_counts_the_same_days_of_both_years_and_says_how_many(client, seller, rates):
    post_revenue([{"account": Account.objects.get(name="Yuan"), "booked_on": date(2012, 3, 10), "amount": Decimal(50)}])

    response = client.get("/metrics/growth/?comparison=ytd@2012-03-10&currency=CNY")

    passport = response.context["passport"]
    assert (passport.base.label, passport.base.days, passport.comparison.days) == ("ytd@2011-03-10", 69, 70)
    assert "The periods differ in length: 70 days against 69." in response.content.decode()
    carried = {one.key: query for one, query in response.context["questions"]}
    assert carried["activity"] == "currency=CNY&period=ytd%402012-03-10"
    assert client.get(f"/metrics/activity/?{carried['activity']}").status_code == 200


def test_year_to_date_without_a_day_ends_with_the_data(client, seller, rates):
    response = client.get("/metrics/growth/?comparison=ytd&currency=CNY")

    assert response.context["passport"].comparison.label == "ytd@2011-06-15"
    assert response.context["passport"].base.label == "ytd@2010-06-15"
    assert [one["label"] for one in response.context["presets"]][:2] == ["Last 12 months", "This year to date"]


def test_drawer_of_a_running_period_is_held_against_the_same_days(client, seller, rates):
    response = client.get("/figures/overall_growth_rate/?comparison=ytd@2011-06-15&currency=CNY")

    assert response.context["passport"].base.label == "ytd@2010-06-15"
    assert response.context["figure"].text() == "+9.3%"


def test_dashboard_takes_a_running_year_and_names_uneven_lengths(client, seller, rates):
    post_revenue([{"account": Account.objects.get(name="Yuan"), "booked_on": date(2012, 3, 10), "amount": Decimal(50)}])

    response = client.get("/?comparison=ytd@2012-03-10&base=ytd@2011-03-10&currency=CNY")

    choice = response.context["choice"]
    assert (choice.error, choice.is_custom, choice.query["comparison"]) == ("", False, "ytd@2012-03-10")
    assert "70 days against 69" in response.content.decode()


def test_single_month_of_the_spring_festival_carries_a_note(client, seller, rates):
    page = client.get("/metrics/growth/?comparison=2011-02&currency=CNY").content.decode()

    assert "Spring Festival" in page


@pytest.fixture
def monthly(seller):
    """Revenue of 10 in every month of 2010 and 20 in every month of 2011, in the yuan account."""
    yuan = Account.objects.get(name="Yuan")
    post_revenue(
        [
            {"account": yuan, "booked_on": date(year, month, 5), "amount": Decimal(amount)}
            for year, amount in ((2010, 10), (2011, 20))
            for month in range(1, 13)
        ]
    )
    return f"account={yuan.pk}&metric=revenue&from=2010-01&to=2011-12"


def test_series_marks_single_months_that_the_spring_festival_moves(client, monthly):
    found = shown(client, f"/metrics/trend/?{monthly}")

    changes = {row[0]: row[3] for row in found.points}
    assert (changes["Jan 2011"], changes["Mar 2011"], changes["Apr 2011"]) == ("+100.0% †", "+100.0% †", "+100.0%")
    assert found.note.startswith("† The Spring Festival moves")


def test_series_joins_january_and_february_and_compares_them(client, monthly):
    response = client.get(f"/metrics/trend/?{monthly}&spring=joined")

    rows = {row[0]: row[1:] for row in response.context["shown"].points}
    assert rows["Jan–Feb 2011"] == ["40", "20", "+100.0%"]
    assert "Jan 2011" not in rows
    assert "spring=joined" in response.context["query"]


def test_quarters_have_no_choice_about_january_and_february(client, monthly):
    response = client.get(f"/metrics/trend/?{monthly}&interval=quarter&spring=joined")

    assert response.status_code == 200
    assert "spring" not in response.context["form"].fields
