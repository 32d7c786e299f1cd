"""What are they worth, on screen: how sure it is, by which method, whether the model knew, and what the drawer says."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Account, Contract
from crm.web import metric_lifetime
from metrics.formulas.lifetime_evaluation import ForecastQuality
from metrics.services.figures import write_account_figures
from metrics.services.lifetime_backtest import Contest
from tests.factories import make_account, make_contract, make_superuser, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2011, 12, 31)
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def night(django_db_setup, django_db_blocker):
    """A base whose last day is booked, so that pages speak of it, and the night after it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        accounts = simulated_ledger(300, as_of=AS_OF)
        post_revenue([{"account": accounts[0], "booked_on": AS_OF, "cost": Decimal(1)}])
        write_account_figures(AS_OF)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def boss(client):
    client.force_login(make_superuser())
    return client


def html_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_dashboard_tile_says_between_what(boss, night):
    response = boss.get("/")

    tile = next(one for one in response.context["tiles"] if one.between)
    assert tile.between.startswith("80% between ")
    assert tile.between in response.content.decode()


def test_question_shows_interval_method_and_data(boss, night):
    response = boss.get("/metrics/lifetime/")

    shown = response.context["shown"]
    assert [bool(figure.note) for figure in shown.figures] == [True, True, False]
    assert [str(head.label) for head in shown.table.heads][:4] == [
        "Lifetime value", "Lower end", "Upper end", "Expected revenue",
    ]  # fmt: skip
    assert {line.cells[-2] for line in shown.table.lines} == {"orders"}
    assert {line.cells[-1] for line in shown.table.lines} <= {"A", "B"}


def test_question_shows_whether_the_model_knew(boss, night):
    response = boss.get("/metrics/lifetime/")

    content, html = response.context["shown"].below.content, response.content.decode()
    assert "Would the model have known?" in html
    assert content["verdict"] in html
    assert [contest["label"] for contest in content["contests"]] == ["Order days", "Revenue"]
    assert [line[0] for line in content["contests"][0]["lines"]] == ["The model", "Like the months before"]
    assert "How contracts renew" not in html


def contest(model, naive):
    return Contest(1.0, *(ForecastQuality(1.0, error, 0.0, 0.5) for error in (model, naive)))


@pytest.mark.parametrize(
    ("orders", "revenue", "verdict"),
    [
        ((1, 2), (1, 2), "The model was nearer, account by account"),
        ((2, 1), (2, 1), "The model lost"),
        ((1, 2), (2, 1), "The model was nearer in order days, and lost in revenue"),
        ((2, 1), (1, 2), "The model was nearer in revenue, and lost in order days"),
        ((2, 1), None, "The model lost"),
        (None, None, ""),
    ],
)
def test_verdict_is_honest(orders, revenue, verdict):
    class Test:
        pass

    test = Test()
    test.orders, test.revenue = (pair and contest(*pair) for pair in (orders, revenue))

    assert metric_lifetime._verdict(test).startswith(verdict)


def test_renewals_of_contracts_stand_with_their_reason(boss, night):
    Contract.objects.bulk_create(
        Contract(account=account, number=f"N{number}", status="active", amount=100, currency="CNY",
                 starts_on=date(2011, 7, 1), ends_on=date(2012, 6, 30))
        for number, account in enumerate(Account.objects.order_by("pk")[:3])
    )  # fmt: skip

    html = html_of(boss, "/metrics/lifetime/")

    assert "How contracts renew" in html
    assert "12 months" in html
    assert "insufficient data: fewer than 50 contracts of this length came to a renewal" in html


def test_renewal_rates_are_shown_where_the_model_has_its_data(boss, night):
    left = (80, 70, 64, 60)
    accounts = list(Account.objects.order_by("pk")[: left[0]])
    Contract.objects.bulk_create(
        Contract(account=account, number=f"{account.pk}-{turn}", status="active", amount=100, currency="CNY",
                 starts_on=date(2008 + turn, 7, 1), ends_on=date(2009 + turn, 6, 30))
        for turn, count in enumerate(left) for account in accounts[:count]
    )  # fmt: skip

    response = boss.get("/metrics/lifetime/")

    (cohort,) = response.context["shown"].below.content["renewals"]
    assert (cohort["contracts"], cohort["points"], len(cohort["rates"])) == ("80", "3", 3)
    assert response.context["shown"].below.content["signed"].value > 0


def test_account_page_shows_the_nights_interval(boss, night):
    account = Account.objects.filter(figures__clv__gt=0).order_by("-figures__clv").first()

    html = html_of(boss, f"/accounts/{account.pk}/")

    assert html.count("80% between ") == 2


def test_drawer_says_where_the_interval_comes_from(boss, night):
    account = Account.objects.filter(figures__clv__gt=0).order_by("-figures__clv").first()

    portfolio, alone = (html_of(boss, f"/figures/clv/{query}") for query in ("", f"?account={account.pk}"))

    for html in (portfolio, alone):
        assert "80% between " in html
        assert "draws as many customers as there are, with replacement" in html
    assert "Valued by its orders" in alone
    assert "Data A:" in alone
    assert "Valued by" not in portfolio


def test_drawer_keeps_the_outlook_of_the_question(boss, night):
    year, three = (
        html_of(boss, f"/figures/expected_orders/?horizon_months={months}&discount=10") for months in (12, 36)
    )
    odd = html_of(boss, "/figures/expected_orders/?horizon_months=soon&discount=nan")

    def value(html):
        return float(html.split('class="drawer-value">')[1].split("<")[0].replace(",", ""))

    assert value(year) < value(three) == value(odd)


def test_drawer_says_why_there_is_no_interval(boss, night):
    post_revenue([{"account": make_account(), "booked_on": AS_OF - timedelta(days=30), "cost": Decimal(1)}])

    html = html_of(boss, "/figures/clv/")

    assert "No interval: the night computes the interval, and what it rests on has changed since the last one." in html


@pytest.mark.parametrize(
    "end", ["clv_low", "clv_high", "expected_revenue_low", "expected_revenue_high", "contract_value"]
)
def test_each_end_has_a_drawer_of_its_own(boss, night, end):
    assert "Formula" in html_of(boss, f"/figures/{end}/")


def test_drawer_explains_the_paradox_in_plain_words(boss, night):
    account = Account.objects.filter(figures__p_alive__gt=0).first()

    html = html_of(boss, f"/figures/p_alive/?account={account.pk}")

    assert "the one that used to order more often has the lower chance" in html
    assert "After a single order day it is n/a" in html


def test_account_that_ordered_once_has_no_chance_shown(boss, night):
    account = make_account()
    post_revenue([{"account": account, "booked_on": AS_OF - timedelta(days=30), "cost": Decimal(1)}])

    html = html_of(boss, f"/figures/p_alive/?account={account.pk}")

    assert '<span class="na">n/a</span>' in html
    assert "an account can only leave after a second order" in html


def test_account_under_contract_shows_what_is_signed(boss, night):
    account = Account.objects.order_by("pk").first()
    make_contract(
        account=account,
        starts_on=date(2011, 7, 1),
        ends_on=date(2012, 6, 30),
        amount=1000,
        currency="CNY",
        status="active",
    )

    assert "A stand-in for recognised revenue" in html_of(boss, f"/figures/contract_value/?account={account.pk}")


def test_reader_with_few_accounts_sees_their_interval_and_nothing_of_the_rest(client, night):
    owner = make_user()
    mine = Account.objects.filter(figures__clv__gt=0).order_by("figures__clv").first()
    Account.objects.filter(pk=mine.pk).update(owner=owner)
    client.force_login(owner)

    response = client.get("/metrics/lifetime/")

    shown = response.context["shown"]
    assert len(shown.table.table) == 1
    assert shown.figures[0].note
    client.force_login(make_user())
    assert len(client.get("/metrics/lifetime/").context["shown"].table.table) == 0
