"""The retention calculator as a page: what it asks, what it fills in, what it refuses; address, file and drawers."""

import csv
import io
import re
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from accounts.enums import TeamRole
from crm.models import SavedView, ViewPage
from crm.web.economics_form import economics_defaults, round_end, typed
from metrics.definitions_economics import ECONOMICS
from metrics.metric import Unit
from tests.factories import make_account, make_team_member, make_user, post_revenue
from tests.web.people import make_cast, reach_end_of_2024, sell
from tests.web.test_metrics import ask, words

pytestmark = pytest.mark.django_db
PATH = "/metrics/retention-economics/"
TYPED = "uplift_kind=points&margin_per_customer=1000&retention=80"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def seller():
    """Two accounts of the seller, one of which bought again; the ledger reaches back to 2022."""
    seller = make_user()
    kept, lost = make_account(name="Kept", owner=seller, segment="S"), make_account(name="Lost", owner=seller)
    post_revenue([{"account": kept, "booked_on": date(2022, 5, 1), "amount": Decimal(1)}])
    sell(kept, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    reach_end_of_2024(kept)
    return seller


def test_first_visit_fills_in_the_ledger_and_asks_what_the_uplift_means(client, seller):
    client.force_login(seller)

    response = ask(client, PATH)

    form, html = response.context["form"], response.content.decode()
    assert (form["margin_per_customer"].value(), form["retention"].value()) == ("1500", "50")
    assert (form["uplift"].value(), form["discount"].value()) == ("5", "10")
    assert response.context["shown"].unsaid == ("uplift_kind",)
    assert "What does the uplift mean?" in html
    assert 'href="?uplift_kind=relative"' in html
    assert "economics-lift" not in html


def test_margin_says_whether_it_is_profit_or_revenue(client, seller):
    client.force_login(seller)
    untouched = "uplift_kind=points&margin_per_customer=1500&retention=80"

    html = ask(client, f"{PATH}?{untouched}").content.decode()

    assert "revenue of the last 12 months per account that ordered: cost is missing on some lines" in html
    assert "so revenue stands in for margin" in html
    assert "so revenue stands in for margin" not in ask(client, f"{PATH}?{TYPED}").content.decode()


def test_answer_is_one_sentence_with_the_three_readings_in_it(client, seller):
    client.force_login(seller)

    assert words(ask(client, f"{PATH}?{TYPED}")) == (
        "If 85.0% of the customers stay each year instead of 80.0%, the value of a customer changes by +27.5%,"
        " yearly profit in the long run by +33.3%, the margin within one year by +6.3%."
    )


def test_three_cards_say_before_after_break_even_and_where_the_claim_holds(client, seller):
    client.force_login(seller)

    cards = ask(client, f"{PATH}?{TYPED}").context["shown"].cards

    assert [[part.text() for part in card.parts] for card in cards] == [
        ["2.67k", "3.40k", "183"],
        ["5.00k", "6.67k", "250"],
        ["800", "850", "50"],
    ]
    assert [card.claim for card in cards] == [
        "“+5.0 points → +30.0%” is true only at a retention of 22.1% and 82.9%.",
        "“+5.0 points → +30.0%” is true only at a retention of 78.3%.",
        "“+5.0 points → +30.0%” is true only at a retention of 16.7%.",
    ]


def test_claims_are_lines_that_say_their_source_is_unknown(client, seller):
    client.force_login(seller)

    shown = ask(client, f"{PATH}?{TYPED}").context["shown"]

    lift, ratio = (chart.option["series"][0]["markLine"]["data"] for chart in (shown.chart, shown.ratio))
    assert (lift[0]["yAxis"], lift[0]["label"]["formatter"]) == (0.3, "article's claim, source unknown: +30.0%")
    assert (lift[1]["xAxis"], lift[1]["label"]["formatter"]) == ("80%", "you: 80.0%")
    assert (ratio[0]["yAxis"], ratio[0]["label"]["formatter"]) == (16.0, "article's claim, source unknown: 16×")
    assert ratio[1]["label"]["formatter"] == "31.9%"
    assert "article's claim, source unknown" in shown.ratio.option["series"][0]["name"]
    assert (shown.chart.option["xAxis"]["data"][0], shown.chart.option["xAxis"]["data"][-1]) == ("50%", "95%")


def test_every_slider_has_a_number_a_label_and_a_name_for_readers(client, seller):
    client.force_login(seller)

    html = ask(client, f"{PATH}?{TYPED}").content.decode()

    ranges, numbers = (
        re.findall(r"<input type=\"range\"[^>]*>", html),
        re.findall(r"<input type=\"number\"[^>]*>", html),
    )
    assert len(ranges) == len(numbers) == 12
    assert all("aria-label=" in one and "name=" not in one for one in ranges)
    labelled = set(re.findall(r'<label for="([^"]+)"', html))
    assert {re.search(r'id="([^"]+)"', one)[1] for one in numbers} <= labelled


def test_moved_slider_is_answered_without_the_frame(client, seller):
    client.force_login(seller)

    response = client.get(f"{PATH}?{TYPED}", headers=PARTIAL)

    html = response.content.decode()
    assert "<html" not in html
    assert 'id="economics-answer"' in html
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("uplift_kind=points&margin_per_customer=9&retention=100&discount=0", "discount", "no finite value"),
        ("uplift_kind=points&margin_per_customer=9&retention=20&uplift=-30", "uplift", "below 0"),
        ("retention=101", "retention", "less than or equal to 100"),
        ("margin_per_customer=0", "margin_per_customer", "greater than or equal to 0.0001"),
        ("uplift_kind=percent", "uplift_kind", "Select a valid choice"),
        ("cost_multiple=1", "cost_multiple", "1.01"),
        ("horizon_years=1.5", "horizon_years", "whole number"),
        ("discount=nan", "discount", "Enter a number"),
    ],
)
def test_value_outside_the_domain_is_named_at_its_field_and_kept(client, seller, query, field, says):
    client.force_login(seller)

    response = ask(client, f"{PATH}?{query}", status=422)

    assert list(response.context["form"].errors) == [field]
    assert says in str(response.context["form"].errors[field])
    assert dict(part.split("=") for part in query.split("&"))[field] == response.context["form"][field].value()


def test_stranger_is_told_to_type_what_no_ledger_says(client, seller):
    client.force_login(make_user())

    html = ask(client, f"{PATH}?uplift_kind=points").content.decode()

    assert "Type the margin per customer and year: no account ordered in the period." in html
    assert "Type how many customers stay a year: no account had revenue above 0 in the base period." in html
    assert "+27.5%" in words(ask(client, f"{PATH}?{TYPED}"))


def test_empty_ledger_answers_what_is_typed(client):
    client.force_login(make_user())

    assert "No revenue yet" in ask(client, PATH).content.decode()
    assert "No revenue yet" not in ask(client, f"{PATH}?{TYPED}").content.decode()


def test_prefill_is_that_of_the_accounts_one_sees(client, seller):
    cast = make_cast(name="Theirs")
    sell(cast.account, prior=100, last=200)
    make_team_member(account=cast.account, user=seller, role=TeamRole.SOLUTION_MANAGER)
    found = {}
    for role, user in (
        ("owner", cast.owner),
        ("teammate", cast.teammate),
        ("stranger", cast.stranger),
        ("seller", seller),
    ):
        client.force_login(user)
        form = ask(client, PATH).context["form"]
        found[role] = (form["margin_per_customer"].value(), form["retention"].value())

    assert found == {
        "owner": ("200", "100"),
        "teammate": ("200", "100"),
        "stranger": ("", ""),
        "seller": ("850", "66.67"),
    }


def test_filter_narrows_the_prefill_and_typed_values_stay(client, seller):
    client.force_login(seller)

    filtered = ask(client, f"{PATH}?segment=S").context["form"]
    typed_one = ask(client, f"{PATH}?segment=S&retention=77")

    assert filtered["retention"].value() == "100"
    assert typed_one.context["form"]["retention"].value() == "77"
    assert (
        '<a href="?segment=S" hx-get="/metrics/retention-economics/?segment=S">Take it</a>'
        in typed_one.content.decode()
    )


def test_loss_counts_what_is_recorded_and_word_of_mouth_is_not(client, seller):
    client.force_login(seller)

    losses = {figure.metric: figure for figure in ask(client, f"{PATH}?{TYPED}").context["shown"].losses}

    assert (losses["lost_accounts"].value, losses["lost_spend_per_account"].value) == (1, Decimal(500))
    assert losses["lost_word_of_mouth"].value is None
    assert "referrals are not recorded" in str(losses["lost_word_of_mouth"].reason)


def test_address_is_reproducible_from_the_links_of_the_page(client, seller):
    client.force_login(seller)
    first = ask(client, f"{PATH}?{TYPED}&acquisition_cost=900&keeping_cost=300")

    again = ask(client, f"{PATH}?{first.context['query']}")

    assert again.context["query"] == first.context["query"]
    assert words(again) == words(first)
    assert [one.text() for one in again.context["shown"].costs] == ["3.00", "7.00"]


def test_export_is_the_curve_with_all_it_rests_on(client, seller):
    client.force_login(seller)

    text = b"".join(client.get(f"{PATH}export/csv/?{TYPED}").streaming_content).decode("utf-8-sig")
    book = load_workbook(io.BytesIO(b"".join(client.get(f"{PATH}export/xlsx/?{TYPED}").streaming_content)))

    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Retention", "Retention with the uplift", "Value of a customer", "Yearly profit in the long run",
                       "Margin within one year", "Article's claim, source unknown"]  # fmt: skip
    assert (len(rows), rows[1][0], rows[-1][0]) == (182, "0.5", "0.95")
    at_eighty = next(row for row in rows if row[0] == "0.8")
    assert [round(float(cell), 4) for cell in at_eighty] == [0.8, 0.85, 0.275, 0.3333, 0.0625, 0.3]
    about = {row[0].value: row[1].value for row in book.worksheets[1].iter_rows()}
    assert about["Customers that stay a year"] == "80 %"
    assert about["Claims"] == "articles' claims, source unknown"


def test_export_of_what_cannot_be_answered_leads_back_to_the_page(client, seller):
    client.force_login(seller)

    for query in ("", "retention=x&uplift_kind=points"):
        assert client.get(f"{PATH}export/csv/?{query}").headers["Location"] == f"{PATH}?{query}"
    ask(client, f"{PATH}export/exe/?{TYPED}", status=404)


@pytest.mark.parametrize("metric", [one.key for one in ECONOMICS if one.unit is not Unit.GROUP_OF_FIGURES])
def test_every_figure_opens_its_drawer_with_the_value_of_the_page(client, seller, metric):
    client.force_login(seller)
    costs = "acquisition_cost=900&keeping_cost=300"
    html = ask(client, f"{PATH}?{TYPED}&{costs}").content.decode()

    response = client.get(f"/figures/{metric}/?{TYPED}&{costs}", headers=PARTIAL)

    assert response.status_code == 200
    figure = response.context["figure"]
    assert figure.value is not None or metric == "lost_word_of_mouth"
    if f"/figures/{metric}/" in html and metric not in {"margin_per_customer", "lost_word_of_mouth"}:
        assert figure.text() in html


def test_drawer_of_an_unreadable_address_is_refused_in_words(client, seller):
    client.force_login(seller)

    response = client.get("/figures/first_year_lift/?retention=x", headers=PARTIAL)

    assert response.status_code == 422
    assert "Customers that stay a year" in response.content.decode()


def test_view_is_saved_and_opened_again(client, seller):
    client.force_login(seller)
    client.post("/metrics/views/new/", {"question": "retention-economics", "query": TYPED, "name": "Plan"})
    view = SavedView.objects.get(page=ViewPage.METRICS)

    assert client.get(f"/metrics/views/{view.pk}/").headers["Location"] == f"{PATH}?{TYPED}"


@pytest.mark.parametrize("accounts", [1, 4])
def test_query_count_does_not_grow_with_accounts(client, seller, accounts, django_assert_max_num_queries):
    for _ in range(accounts):
        sell(make_account(owner=seller), prior=10, last=20)
    client.force_login(seller)
    ask(client, f"{PATH}?{TYPED}")

    with django_assert_max_num_queries(32):
        ask(client, f"{PATH}?{TYPED}")


@pytest.mark.parametrize(
    ("value", "end"), [(0.3, 0.5), (1, 1), (1.1, 2), (49, 50), (51, 100), (900, 1000), (1000, 1000)]
)
def test_end_of_a_slider_is_round_and_not_below_the_value(value, end):
    assert round_end(value) == pytest.approx(end)


def test_typed_values_keep_what_matters():
    assert [typed("retention", 0.823749), typed("margin_per_customer", 1200.0), typed("margin_per_customer", 0.0123)] == [
        "82.37", "1200", "0.0123",
    ]  # fmt: skip
    assert "uplift_kind" not in economics_defaults(None, None)
