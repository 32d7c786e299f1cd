"""Contracts as questions of the metrics page, in their drawers and files, and on the page of an account."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, User
from crm.web.contract_words import BACKLOG_FIELDS, GROWTH_FIELDS, LINE_FIELDS
from crm.web.figure_contracts import CONTRACT_KEYS
from metrics.definitions import METRICS
from metrics.services.backlog import MONEY
from metrics.services.contract_growth import AMOUNTS, COUNTS, RATES
from tests.factories import make_account, make_contract, make_milestone, make_user, post_revenue
from tests.web.people import make_cast
from tests.web.test_figures import drawer
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
DAYS = "base=2023-12-31&comparison=2024-12-31"
AS_OF = "as_of=2024-12-31"


def signed(account, amount, first, last, **fields):
    amount = None if amount is None else Decimal(amount)
    defaults = {"currency": "EUR", "status": "active", "signed_on": first, "starts_on": first, "ends_on": last}
    return make_contract(account=account, amount=amount, **(defaults | fields))


def year(account, year, amount, **fields):
    return signed(account, amount, date(year, 1, 1), date(year, 12, 31), **fields)


@pytest.fixture
def seller(db) -> User:
    """1000 → 1500 and 500 → 0 a year of the seller, one signed until the middle of 2025; and one of somebody else."""
    seller = make_user()
    grown, gone = (make_account(name=name, owner=seller) for name in ("Grown", "Gone"))
    year(grown, 2023, 1000)
    signed(grown, 1500, date(2024, 7, 1), date(2025, 6, 30), number="C-GROWN")
    year(gone, 2023, 500)
    year(make_account(name="Foreign"), 2024, 9_000_000)
    return seller


@pytest.fixture
def client(client, seller):
    client.force_login(seller)
    return client


def recognise(contract, amount, day):
    line = {"account": contract.account, "contract": contract, "booked_on": day, "amount": Decimal(amount)}
    post_revenue([line | {"currency": contract.currency, "basis": "recognised"}])


def test_every_figure_has_its_entry_and_its_words():
    assert set(METRICS) >= CONTRACT_KEYS
    assert {*GROWTH_FIELDS.values()} == {*RATES, *COUNTS, *AMOUNTS} - {"total_base_value", "total_comparison_value"}
    assert set(BACKLOG_FIELDS.values()) == set(MONEY)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (f"contract-growth/?{DAYS}", "They hold: the same 2 customers are signed for 1.50k EUR a year, as before."),
        (
            f"contract-growth/?{DAYS}&segment=S",
            "Yes: the same 1 customers are signed for 50.0% more, 1.50k EUR a year after 1.00k EUR.",
        ),
        (
            f"contract-growth/?{DAYS}&segment=T",
            "No: the same 1 customers are signed for 100.0% less, 0 EUR a year after 500 EUR.",
        ),
        (f"contract-growth/?{DAYS}&segment=none", "It cannot be said (no contract was in force on the base day)."),
        (
            "contract-growth/?base=2023&comparison=2024&segment=S",
            "Yes: the same 1 customers are signed for 50.0% more, 1.50k EUR a year after 1.00k EUR.",
        ),
        (f"contract-growth/?{DAYS}&currency=CNY", "It cannot be said (no rate EUR→CNY for 2023-01; no rate EUR→CNY for 2024-07). See the missing rates"),
        (
            f"backlog/?{AS_OF}",
            "744 EUR of 3.00k EUR signed is still to come, 744 EUR of it in the next 12 months.",
        ),
        (f"backlog/?{AS_OF}&segment=T", "Nothing: of 500 EUR signed, 500 EUR is recognised."),
        (f"backlog/?{AS_OF}&segment=none", "It cannot be said (no contract was signed by that day)."),
    ],
)  # fmt: skip
def test_answer_is_one_sentence_with_the_number_in_it(client, path, sentence):
    Account.objects.filter(name="Grown").update(segment="S")
    Account.objects.filter(name="Gone").update(segment="T")

    assert words(ask(client, f"/metrics/{path}")) == sentence


def test_passport_says_that_it_is_the_stock_of_contracts(client):
    response = ask(client, f"/metrics/contract-growth/?{DAYS}")

    assert response.context["passport"].basis == "contracts"
    assert "Signed contracts" in response.content.decode()
    assert "31 Dec 2023" in response.content.decode()


def test_bar_opens_its_accounts_and_the_lines_choose_them(client):
    response = ask(client, f"/metrics/contract-growth/?{DAYS}")
    bars = response.context["shown"].chart.option["series"][1]["data"]

    assert [bar["href"].split("?")[0] for bar in bars] == [
        "/figures/contract_opening/", "/figures/contract_expansion/", "/figures/contract_churned/", "/figures/contract_closing/",
    ]  # fmt: skip
    assert names(ask(client, f"/metrics/contract-growth/?{DAYS}&line=churned")) == ["Gone"]
    status, html = drawer(client, bars[2]["href"])
    assert status == 200
    assert "Gone" in html
    assert "Grown" not in html


def test_bridge_is_broken_down_and_adds_up(client):
    Account.objects.filter(name="Grown").update(segment="S")

    response = ask(client, f"/metrics/contract-growth/?{DAYS}&by=segment")
    lines = response.context["shown"].below.content.breakdown.content.lines

    assert [str(line.label) for line in lines] == ["S", "not given", "Together"] or [str(line.label) for line in lines] == [
        "not given", "S", "Together",
    ]  # fmt: skip
    assert "Contracts that ended" in response.content.decode()


def test_what_is_a_stand_in_is_said_on_the_page(client, seller):
    proxied = ask(client, f"/metrics/backlog/?{AS_OF}").content.decode()
    recognise(Account.objects.get(name="Gone").contracts.get(), 450, date(2023, 6, 1))
    both = ask(client, f"/metrics/backlog/?{AS_OF}").content.decode()

    assert (
        "The books say nothing of these contracts, so recognised is a stand-in that decides no recognition" in proxied
    )
    assert "Of 1 contracts recognised is what the books say; of the other 2 it is a stand-in" in both


def test_months_are_a_chart_with_its_table(client):
    chart = ask(client, f"/metrics/backlog/?{AS_OF}").context["shown"].chart

    assert len(chart.option["series"][0]["data"]) == 12
    assert [[str(cell) for cell in row] for row in chart.rows][:2] == [["Jan 2025", "127"], ["Feb 2025", "115"]]


def test_contracts_left_out_are_listed_with_the_reason(client):
    year(Account.objects.get(name="Gone"), 2024, None, number="C-BLANK")

    for path in (f"contract-growth/?{DAYS}", f"backlog/?{AS_OF}"):
        html = ask(client, f"/metrics/{path}").content.decode()
        assert "Contracts left out" in html
        assert "C-BLANK" in html
        assert "it has no amount" in html


def test_overrun_is_listed(client):
    recognise(Account.objects.get(name="Gone").contracts.get(), 600, date(2023, 6, 1))

    html = ask(client, f"/metrics/backlog/?{AS_OF}").content.decode()

    assert "More recognised than signed" in html
    assert "Recognised beyond signed" in html


@pytest.mark.parametrize("key", sorted(CONTRACT_KEYS))
def test_every_figure_has_a_drawer_for_those_who_may_see(client, key):
    query = AS_OF if key in BACKLOG_FIELDS else DAYS

    status, html = drawer(client, f"/figures/{key}/?{query}")

    assert status == 200
    assert str(METRICS[key].label) in html
    assert "Signed contracts" in html
    assert "Foreign" not in html


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("contract_growth_rate/?base=soon&comparison=2024-12-31", 400),
        ("contract_growth_rate/?base=2025-01-01&comparison=2024-12-31", 400),
        ("backlog/?as_of=9999-12-31", 400),
        ("contract_growth/", 404),
        ("backlog/?account=x", 404),
    ],
)
def test_drawer_refuses_what_cannot_be_asked(client, path, status):
    assert client.get(f"/figures/{path}").status_code == status


def test_drawer_of_an_account_is_its_own(client, seller):
    grown, foreign = Account.objects.get(name="Grown"), Account.objects.get(name="Foreign")

    status, html = drawer(client, f"/figures/backlog/?account={grown.pk}&{AS_OF}")

    assert (status, "744" in html) == (200, True)
    assert client.get(f"/figures/backlog/?account={foreign.pk}").status_code == 404


@pytest.mark.parametrize("path", [f"contract-growth/export/csv/?{DAYS}", f"backlog/export/csv/?{AS_OF}"])
def test_file_holds_the_accounts_with_basis_and_stand_in_named(client, path):
    content = b"".join(client.get(f"/metrics/{path}").streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    flat = [cell for row in rows for cell in row]

    assert {"Grown", "Gone"} <= set(flat)
    assert "Foreign" not in flat
    assert ("By stand-in" in flat) is path.startswith("backlog")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("contract-growth/?base=2024-12-31&comparison=2024-12-31", "base"),
        ("contract-growth/?base=x&comparison=2024-12-31", "base"),
        ("contract-growth/?base=2023-02-30&comparison=2024-12-31", "base"),
        ("backlog/?as_of=1900-01-01", "as_of"),
    ],
)
def test_bad_days_are_refused_at_their_field(client, query, field):
    response = ask(client, f"/metrics/{query}", status=422)

    assert field in response.context["form"].errors


def test_days_are_carried_to_days_and_periods_stay_with_periods(client, seller):
    post_revenue(
        [{"account": Account.objects.get(name="Grown"), "booked_on": date(2024, 12, 31), "amount": Decimal(1)}]
    )

    from_days = {
        one.key: carried for one, carried in ask(client, f"/metrics/contract-growth/?{DAYS}").context["questions"]
    }
    from_periods = {
        one.key: carried
        for one, carried in ask(client, "/metrics/growth/?base=2023&comparison=2024").context["questions"]
    }

    assert (from_days["growth"], from_days["activity"]) == ("", "")
    assert from_periods["contract-growth"] == "comparison=2024&base=2023"


@pytest.mark.parametrize("size", [1, 30])
def test_pages_cost_the_same_statements_for_any_number_of_contracts(client, seller, size):
    def statements(path):
        with CaptureQueriesContext(connection) as captured:
            ask(client, path)
        return len(captured)

    paths = [f"/metrics/contract-growth/?{DAYS}&by=segment", f"/metrics/backlog/?{AS_OF}"]
    [ask(client, path) for path in paths]
    before = [statements(path) for path in paths]
    for account in Account.objects.filter(owner=seller):
        for number in range(size):
            make_milestone(contract=year(account, 2024, 100 + number), amount=Decimal(1))

    assert [statements(path) for path in paths] == before


def test_contracts_of_an_account_say_what_is_signed_recognised_and_to_come(client, seller):
    account = Account.objects.get(name="Grown")
    post_revenue([{"account": account, "booked_on": date(2024, 12, 31), "amount": Decimal(1)}])
    parts = signed(account, 900, None, None, signed_on=date(2024, 2, 1), number="C-PARTS")
    make_milestone(contract=parts, title="Delivered", amount=Decimal(300), accepted_on=date(2024, 7, 2))
    make_milestone(contract=parts, title="Accepted late", amount=Decimal(500), planned_on=date(2024, 11, 1))
    year(account, 2022, None, number="C-BLANK")
    recognise(year(account, 2020, 70, number="C-BOOKS"), 40, date(2020, 5, 1))

    html = client.get(f"/accounts/{account.pk}/contracts/").content.decode()

    for text in (
        "756 EUR", "744 EUR", "stand-in: straight line", "stand-in: milestones", "by the books", "Delivered", "Accepted late",
        "600 EUR", "it has no amount", "planned for 1 Nov 2024",
    ):  # fmt: skip
        assert text in html, text


@pytest.mark.parametrize("size", [1, 30])
def test_contracts_of_an_account_cost_the_same_statements(client, seller, size):
    account = Account.objects.get(name="Grown")
    address = f"/accounts/{account.pk}/contracts/"
    make_milestone(contract=year(account, 2024, 100))
    client.get(address)
    with CaptureQueriesContext(connection) as before:
        client.get(address)
    for _ in range(size):
        make_milestone(contract=year(account, 2024, 100))

    with CaptureQueriesContext(connection) as after:
        assert client.get(address).status_code == 200
    assert len(after) == len(before)


def test_owner_and_teammate_see_the_contracts_and_a_stranger_does_not(client):
    cast = make_cast(name="Teamed")
    year(cast.account, 2024, 100, number="C-TEAM")

    for reader, sees in ((cast.owner, True), (cast.teammate, True), (cast.stranger, False)):
        client.force_login(reader)
        for path in (f"contract-growth/?{DAYS}", f"backlog/?{AS_OF}"):
            assert (names(ask(client, f"/metrics/{path}")) == ["Teamed"]) is sees
        assert client.get(f"/accounts/{cast.account.pk}/contracts/").status_code == (200 if sees else 404)


def test_lines_of_the_bridge_are_those_of_revenue():
    assert set(LINE_FIELDS.values()) <= set(METRICS)


def test_recognised_revenue_that_nobody_booked_leads_to_the_backlog(client, seller):
    account = Account.objects.get(name="Grown")
    post_revenue([{"account": account, "booked_on": date(2024, 12, 31), "amount": Decimal(1)}])

    html = ask(client, "/metrics/growth/?base=2023&comparison=2024&basis=recognised").content.decode()

    assert "stand-in, and stands with the backlog" in html
    assert 'href="/metrics/backlog/"' in html
