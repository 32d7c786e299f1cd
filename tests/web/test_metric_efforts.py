"""What customers cost and earn as questions of the metrics page: sentence, chart with its table, drawers, files."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.web.efforts_form import ADVICE, SIDES, WALLET_STATES
from crm.web.figure_efforts import EFFORT_KEYS
from metrics.formulas.advice import Advice
from metrics.services.effort_split import Side
from metrics.services.wallet import WalletState
from tests.factories import make_account, make_effort, make_superuser, make_user, make_wallet_estimate, post_revenue
from tests.web.test_figures import drawer
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
KEYS = ("acquisition", "split", "margin", "wallet")


def line(account, day, amount, cost):
    return {"account": account, "booked_on": day, "amount": Decimal(amount), "currency": "EUR",
            "cost": None if cost is None else Decimal(cost)}  # fmt: skip


@pytest.fixture
def owner(db):
    """An old customer of the owner and a new one of nobody; what was spent on winning, and on keeping the old one."""
    owner = make_user()
    old, new = make_account(name="Old", owner=owner), make_account(name="New")
    post_revenue([line(old, date(2022, 1, 5), 10, 1), line(old, date(2024, 2, 1), 1000, 600),
                  line(new, date(2024, 7, 1), 600, 300), line(old, date(2024, 12, 31), 1, 1)])  # fmt: skip
    make_effort(amount=Decimal(100), currency="EUR", hours=Decimal(2))
    make_effort(amount=Decimal(40), currency="EUR", hours=Decimal(8), purpose="retention", account=old)
    days = {"estimated_on": date(2024, 6, 1), "expires_on": date(2025, 6, 1), "currency": "EUR"}
    make_wallet_estimate(account=old, amount=Decimal(4004), **days)
    make_wallet_estimate(account=new, amount=Decimal(599), **days)
    return owner


@pytest.fixture
def client(client, owner):
    client.force_login(make_superuser())
    return client


def test_every_code_has_its_words():
    assert set(ADVICE) == set(Advice)
    assert set(WALLET_STATES) == set(WalletState)
    assert set(SIDES) == set(Side)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "acquisition/",
            ("1 customers won, at 100 EUR each; that is paid for after 2.0 months. Keeping one costs 40 EUR a"
            " year: a new customer costs 2.5× of that."),
        ),
        ("acquisition/?period=2023", "It cannot be said (no money spent on winning customers is recorded for these months)."),
        (
            "split/",
            ("Effort and result lie furthest apart here: new customers take 71.4% of the money and bring 37.5% of the revenue"
            " (+34.0 points)."),
        ),
        ("split/?period=2021", "It cannot be said (no money spent on winning customers is recorded for these months)."),
        (
            "margin/",
            ("Of each 100 sold 43.7 are left as gross profit, 700 EUR in all, where cost is known: on 100.0% of the revenue."
            " Serving costs 40 EUR, as recorded; 360 EUR are left at the 1 accounts that have both known."),
        ),
        ("margin/?period=2020", "It cannot be said (no account has revenue above 0 and a cost on every line)."),
        (
            "wallet/",
            ("25.0% of their spending is ours, where it is estimated (1 accounts, 62.5% of our revenue); they buy for 3.00k"
            " EUR a year from others."),
        ),
        ("wallet/?currency=CNY", ("It cannot be said (no rate EUR→CNY for 2024-02; no rate EUR→CNY for 2024-07; no rate"
                                 " EUR→CNY for 2024-12). See the missing rates")),
    ],
)  # fmt: skip
def test_answer_is_one_sentence_with_the_number_in_it(client, path, sentence):
    assert words(ask(client, f"/metrics/{path}")) == sentence


def test_payback_says_never_and_unknown_in_words(client):
    post_revenue([line(Account.objects.get(name="New"), date(2024, 8, 1), 10, 900)])
    never = words(ask(client, "/metrics/acquisition/"))
    post_revenue([line(Account.objects.get(name="New"), date(2024, 8, 2), 10, None)])
    unknown = words(ask(client, "/metrics/acquisition/"))

    assert "that is never paid for: they bring no gross profit" in never
    assert "when that is paid for is not known (cost is missing for 1 of the accounts)" in unknown


def test_owner_is_told_why_company_wide_efforts_do_not_count(client, owner):
    client.force_login(owner)

    sentence = words(ask(client, "/metrics/acquisition/"))
    split = ask(client, "/metrics/split/")

    assert "for those who see them all" in sentence
    assert "What is spent for no account in particular is seen by those who see every account." in ask(
        client, "/metrics/acquisition/"
    ).content.decode()  # fmt: skip
    assert names(split) == ["Old"]
    assert [str(cell) for cell in split.context["shown"].table.lines[0].cells] == [
        "existing",
        "1,001",
        "400",
        "40",
        "8.0",
    ]


def test_claim_is_drawn_as_what_it_is(client):
    shown = ask(client, "/metrics/acquisition/").context["shown"]

    line_of_claim = shown.chart.option["series"][0]["markLine"]
    assert line_of_claim["data"] == [{"yAxis": 120.0}]
    assert "article's claim, source unknown" in line_of_claim["label"]["formatter"]
    assert "source unknown" in shown.note
    assert [str(row[0]) for row in shown.chart.rows][-1] == "2024-Q4"


def test_lag_moves_the_spending(client):
    assert "no money spent" in words(ask(client, "/metrics/acquisition/?lag_months=12"))
    assert ask(client, "/metrics/acquisition/?lag_months=99", status=422).context["form"].errors


def test_split_stands_side_by_side_with_a_table(client):
    response = ask(client, "/metrics/split/")
    chart = response.context["shown"].chart

    assert [[str(cell) for cell in row] for row in chart.rows] == [
        ["Money spent", "71.4%", "28.6%"],
        ["Hours spent", "20.0%", "80.0%"],
        ["Revenue", "37.5%", "62.5%"],
        ["Gross profit", "42.9%", "57.1%"],
    ]
    assert "1 / 1" in response.content.decode()


def test_advice_and_estimates_open_their_accounts(client):
    margin = ask(client, "/metrics/margin/")
    chosen = ask(client, "/metrics/margin/?advice=personal_service")
    wallet = ask(client, "/metrics/wallet/?state=invalid")

    rows = [[str(cell) for cell in cells] for _href, cells in margin.context["shown"].panels[0].rows]
    assert rows == [
        ["High margin: personal service", "1", "600", "margin 48.7% or more"],
        ["Usual margin: keep it as it is", "1", "1,001", "in between"],
    ]
    assert (names(chosen), names(wallet)) == (["New"], ["New"])
    assert "below our revenue: estimate anew" in wallet.content.decode()
    assert str(margin.context["shown"].table.lines[0].cells[0]) == "Usual margin: keep it as it is"


def test_missing_cost_is_counted_and_listed(client):
    post_revenue([line(Account.objects.get(name="Old"), date(2024, 8, 2), 10, None)])

    html = ask(client, "/metrics/margin/?advice=record_cost").content.decode()

    assert "1 account has lines without cost (1 in all)" in html
    assert names(ask(client, "/metrics/margin/?advice=record_cost")) == ["Old"]


@pytest.mark.parametrize("metric", sorted(EFFORT_KEYS))
def test_each_figure_opens_a_drawer_with_its_formula_and_accounts(client, owner, metric):
    status, html = drawer(client, f"/figures/{metric}/?lag_months=x")
    client.force_login(owner)
    _mine, own = drawer(client, f"/figures/{metric}/")

    assert status == 200
    assert "Formula" in html
    assert "New" not in own.replace("New customers", "").replace("Newly", "") or "never" in own


@pytest.mark.parametrize("key", KEYS)
def test_file_has_the_accounts_of_the_answer(client, key):
    content = client.get(f"/metrics/{key}/export/csv/").getvalue().decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(content)))

    assert {row[1] for row in rows[1:]} == ({"New"} if key == "acquisition" else {"Old", "New"})
    assert client.get(f"/metrics/{key}/export/xlsx/").status_code == 200


@pytest.mark.parametrize("key", KEYS)
def test_query_count_does_not_grow(client, key):
    def count():
        client.get(f"/metrics/{key}/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/metrics/{key}/").status_code == 200
        return len(captured)

    before = count()
    accounts = [make_account() for _ in range(4)]
    post_revenue([line(account, date(2024, 5, 1), 50, 20) for account in accounts])
    for account in accounts:
        make_effort(account=account, purpose="retention", currency="EUR")
        make_wallet_estimate(
            account=account, currency="EUR", estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1)
        )

    assert count() == before


def test_calculator_takes_its_costs_from_recorded_efforts_and_says_so(client, owner):
    response = ask(client, "/metrics/retention-economics/?uplift_kind=points")
    answer = response.context["shown"].answer

    assert (answer.inputs.acquisition_cost, answer.inputs.keeping_cost) == (100.0, 40.0)
    assert response.context["known"]["acquisition_cost"]["is_used"]
    assert "Recorded efforts say" in response.content.decode()
    assert "recorded efforts of the last 12 months" in response.content.decode()
    client.force_login(owner)
    html = ask(client, "/metrics/retention-economics/?uplift_kind=points").content.decode()
    assert "Not known from recorded efforts" in html


def test_dashboard_shows_the_four_figures_of_customer_management_with_a_trend(client, owner):
    tiles = {tile.figure.metric: tile for tile in client.get("/").context["tiles"]}

    assert {"logo_retention", "average_order_value", "cac", "clv"} <= set(tiles) | {"expected_revenue", "clv"}
    assert (tiles["cac"].figure.value, tiles["cac"].seconds[0].value) == (Decimal(100), 2.0)
    assert tiles["average_order_value"].figure.value == pytest.approx(Decimal(1601) / 3)
    assert tiles["average_order_value"].spark[-1] == 1.0
    client.force_login(owner)
    mine = {tile.figure.metric: tile for tile in client.get("/").context["tiles"]}["cac"].figure
    assert (mine.value, "for those who see them all" in str(mine.reason)) == (None, True)


def test_kept_dashboard_follows_the_efforts(client):
    client.get("/")
    make_effort(amount=Decimal(60), currency="EUR", month=date(2024, 2, 1))

    tiles = {tile.figure.metric: tile for tile in client.get("/").context["tiles"]}

    assert tiles["cac"].figure.value == Decimal(160)
