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
    assert [head.label for head in found.table.heads][-2:] == ["At constant rates", "Exchange rates"]


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
