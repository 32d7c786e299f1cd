"""Cohorts, sleepers and kinds of customers as questions of the metrics page: sentence, chart with its table, drawers."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, User
from crm.web.cohort_words import ACTIONS, BANDS, SEGMENTS, SHARE_BASES, STATES, STEPS
from crm.web.figure_cohorts import KIND_KEYS
from crm.web.heatmap import bounds, top_of
from metrics.formulas.cohorts import CohortBase
from metrics.formulas.rfm import RfmSegment, ValueBand
from metrics.services.segments import BandAction
from metrics.services.sleepers import NextStep, SleepState
from tests.factories import make_account, make_user, post_revenue
from tests.web.people import make_cast
from tests.web.test_figures import drawer
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)
KEYS = ("cohorts", "sleepers", "segments")


def line(account, day, amount=100, **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(amount), "currency": "EUR", **fields}


def sell_to(awake, late, gone):
    rows = [line(awake, AS_OF - timedelta(days=20 * at), 50, cost=Decimal(20)) for at in range(10)]
    rows += [line(late, AS_OF - timedelta(days=80 + 20 * at), 100, cost=Decimal(20)) for at in range(8)]
    rows += [line(gone, date(2023, 3, 1), 500, cost=Decimal(20)), line(gone, date(2023, 5, 1), 250, cost=Decimal(20))]
    post_revenue(rows)


@pytest.fixture
def seller(db) -> User:
    """One who buys every 20 days, one who did and stopped, one who left in 2023; and one of somebody else."""
    seller = make_user()
    sell_to(*(make_account(name=name, owner=seller) for name in ("Awake", "Late", "Gone")))
    post_revenue([line(make_account(name="Foreign"), AS_OF, 9_000_000)])
    return seller


@pytest.fixture
def client(client, seller):
    client.force_login(seller)
    return client


def table_of(response):
    return [[str(cell) for cell in row] for row in response.context["shown"].chart.rows]


def test_every_code_has_its_words():
    assert set(SEGMENTS) == set(RfmSegment)
    assert set(BANDS) == set(ValueBand)
    assert set(ACTIONS) == set(BandAction)
    assert set(STEPS) == set(NextStep)
    assert set(STATES) == set(SleepState)
    assert set(SHARE_BASES) == set(CohortBase)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "cohorts/?interval=year",
            "A year after they came, 0.0% of the customers ordered, with 0.0% of the revenue they began with.",
        ),
        ("cohorts/?segment=none", "It cannot be said (no account had its first revenue within the data)."),
        (
            "sleepers/",
            "2 of 3 customers: 1 later than their own rhythm, 1 churned. 1.55k EUR a year is at stake.",
        ),
        ("sleepers/?segment=awake", "Nobody: none of the 1 customers is later than its own rhythm."),
        ("sleepers/?segment=none", "It cannot be said (no account was on the books in the period)."),
        (
            "sleepers/?currency=CNY",
            (
                "2 of 3 customers: 1 later than their own rhythm, 1 churned. What is at stake is not known: no rate EUR→CNY"
                " for 2023-03; no rate EUR→CNY for 2023-05; no rate EUR→CNY for 2024-05; and 7 more."
            ),
        ),
        (
            "segments/?period=2024",
            "1 of 3 customers are of high value and bring 61.5% of the revenue; 2 are stable and profitable.",
        ),
        ("segments/?period=2022", "It cannot be said (no account had revenue above 0 in the period)."),
    ],
)
def test_answer_is_one_sentence_with_the_number_in_it(client, path, sentence):
    Account.objects.filter(name="Awake").update(segment="awake")

    assert words(ask(client, f"/metrics/{path}")) == sentence


def test_cohort_chart_has_a_table_with_the_pooled_row_and_open_periods(client):
    by_year = table_of(ask(client, "/metrics/cohorts/?interval=year"))
    by_revenue = table_of(ask(client, "/metrics/cohorts/?interval=year&measure=revenue&share_base=first_full_period"))

    assert by_year == [
        ["2023", "1", "100.0%", "0.0%"],
        ["2024", "2", "100.0%", ""],
        ["All cohorts", "3", "100.0%", "0.0%"],
    ]
    assert by_revenue == [["2023", "1", "n/a", "n/a"], ["2024", "2", "n/a", ""], ["All cohorts", "3", "n/a", "n/a"]]


def test_cells_say_in_words_what_they_show_and_open_ones_are_hatched(client):
    post_revenue([line(Account.objects.get(name="Awake"), date(2025, 2, 3), 10)])

    option = ask(client, "/metrics/cohorts/?interval=quarter").context["shown"].chart.option
    data = option["series"][0]["data"]
    is_open = [datum for datum in data if "decal" in datum.get("itemStyle", {})]

    assert len(is_open) == 3
    assert {datum["label_text"] for datum in is_open} == {"…"}
    assert is_open[0]["tip"] == "Cohort 2023-Q1 in 2025-Q1\nthe period is not over at the as-of date"
    first = next(datum for datum in data if datum["value"][:2] == [1, 0])
    assert (first["label_text"], first["tip"]) == ("100", "Cohort 2023-Q1 in 2023-Q2\n100.0%: 1 of 1 customers")
    assert option["yAxis"]["data"][-1] == "All cohorts"


def test_customers_from_before_the_data_are_named_where_there_are_some(client):
    Account.objects.filter(name="Gone").update(before_data_start=True)

    html = ask(client, "/metrics/cohorts/").content.decode()

    assert "1 customer from before the data is in no cohort." in html
    assert "Customers from before the data" in html


def test_sleepers_are_listed_by_what_is_at_stake_with_reason_and_next_step(client):
    response = ask(client, "/metrics/sleepers/")
    late = ask(client, "/metrics/sleepers/?state=late")

    assert (names(response), names(late)) == (["Late", "Gone"], ["Late"])
    assert [str(cell) for cell in response.context["shown"].table.lines[0].cells] == [
        "Call with an offer of its own",
        "later than its rhythm",
        "800",
        "12 Oct 2024",
        "80",
        "20",
        "800",
        "0",
    ]
    assert table_of(response)[1] == ["Gone", "750", "churned", "Last try, then close"]


def test_kinds_can_be_chosen_and_bands_say_what_to_do(client):
    response = ask(client, "/metrics/segments/?period=2024")
    stable = ask(client, "/metrics/segments/?period=2024&kind=stable_profitable")
    low = ask(client, "/metrics/segments/?period=2024&kind=low")

    assert names(response) == ["Late", "Awake", "Gone"]
    assert (names(stable), names(low)) == (["Late", "Awake"], ["Gone"])
    panel = response.context["shown"].panels[0]
    assert [(str(cells[0]), str(cells[-1]).split(":")[0]) for _href, cells in panel.rows] == [
        ("High value", "Focus"),
        ("Middle value", "Cultivate"),
        ("Low value", "Re-assess"),
    ]
    assert "period=2024" in panel.rows[0][0]
    assert "kind=high" in panel.rows[0][0]
    assert "Re-assess: keep, improve or end" in response.content.decode()


def test_stable_and_profitable_can_be_kept_as_a_view(client):
    query = ask(client, "/metrics/segments/?kind=stable_profitable").context["query"]
    client.post("/metrics/views/new/", {"question": "segments", "query": query, "name": "Stable and profitable"})

    view = ask(client, "/metrics/").context["views"][0]
    opened = client.get(f"/metrics/views/{view.pk}/").headers["Location"]

    assert "kind=stable_profitable" in opened
    assert names(ask(client, opened)) == ["Late", "Awake"]


@pytest.mark.parametrize("key", KEYS)
def test_only_visible_accounts_stand_behind_an_answer(client, key):
    cast = make_cast(name="Ours")
    sell_to(cast.account, make_account(name="Theirs"), make_account())
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        response = ask(client, f"/metrics/{key}/")
        seen[role] = (response.context["passport"].accounts, "Theirs" in response.content.decode())

    assert seen == {"owner": (1, False), "teammate": (1, False), "stranger": (0, False)}


@pytest.mark.parametrize("metric", sorted(KIND_KEYS))
@pytest.mark.parametrize("query", ["", "?segment=none", "?account=ID"])
def test_every_figure_opens_its_drawer(client, metric, query):
    awake = Account.objects.get(name="Awake")

    status, html = drawer(client, f"/figures/{metric}/{query.replace('ID', str(awake.pk))}")

    assert status == 200
    assert "drawer-value" in html
    assert "Foreign" not in html


def test_drawer_lists_the_accounts_of_its_figure_alone(client):
    late, churned = (drawer(client, f"/figures/{key}/")[1] for key in ("late_accounts", "churned_money"))

    assert ("Late" in late, "Gone" in late) == (True, False)
    assert ("Late</" in churned, "Gone" in churned) == (False, True)
    assert drawer(client, "/figures/year_active_share/?interval=week")[0] == 400


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("cohorts/?interval=week", "interval"),
        ("cohorts/?measure=luck", "measure"),
        ("cohorts/?share_base=2023", "share_base"),
        ("sleepers/?state=dreaming", "state"),
        ("segments/?kind=platinum", "kind"),
        ("segments/?period=soon", "period"),
    ],
)
def test_bad_choice_points_at_its_field(client, path, field):
    assert ask(client, f"/metrics/{path}", status=422).context["form"].errors[field]


def test_export_holds_the_words_and_raw_values(client):
    response = client.get("/metrics/sleepers/export/csv/")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[0][2:5] == ["Next step", "Why", "At stake"]
    assert [(row[1], row[3], row[4]) for row in rows[1:]] == [
        ("Late", "later than its rhythm", "800.0000"),
        ("Gone", "churned", "750.0000"),
    ]


@pytest.mark.parametrize("key", KEYS)
def test_query_count_does_not_grow_with_the_accounts(client, seller, key):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(client, f"/metrics/{key}/")
        return len(captured)

    statements()  # what is remembered until the ledger changes
    before = statements()
    sell_to(*(make_account(owner=seller) for _ in range(3)))
    statements()

    assert statements() == before


@pytest.mark.parametrize(
    ("values", "top"),
    [([], 1.0), ([0.0], 1.0), ([0.031], 0.05), ([0.2, 0.31, 0.42], 0.5), ([0.5] * 20 + [9.0], 0.5), ([99.0], 50.0)],
)
def test_steps_of_a_heat_map_end_where_most_values_lie(values, top):
    assert top_of(values) == pytest.approx(top)
    assert bounds(1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
