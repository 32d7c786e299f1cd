"""What comes next and who may leave, on the page: one sentence, the chart's numbers as a table, drawers, files, viewers."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.web.figure_next import NEXT_KEYS
from metrics.definitions import METRICS
from metrics.models import AccountFigures, SuggestionRejection
from metrics.product_rollup import write_account_products
from metrics.services.suggestions import reject_suggestion
from tests.factories import make_account, make_product, make_superuser, make_user, post_revenue
from tests.metrics.test_decline_service import declining_ledger
from tests.metrics.test_forecast_service import growing, sell_monthly
from tests.metrics.test_suggestions_service import pairs
from tests.web.people import make_cast
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
__all__ = ["pairs"]  # the fixture
AS_OF = date(2024, 12, 31)


def carry_to_year_end(account):
    """A line and its credit, so that the ledger reaches the end of the year and nothing is added."""
    post_revenue(
        [
            {"account": account, "booked_on": AS_OF, "amount": Decimal(amount), "kind": kind}
            for amount, kind in ((1, "invoice"), (-1, "credit_note"))
        ]
    )


def rhythm(account, *, silent, p_alive):
    rows = [
        {"account": account, "booked_on": AS_OF - timedelta(days=silent + 20 * at), "amount": Decimal(100)}
        for at in range(10)
    ]
    post_revenue(rows)
    AccountFigures.objects.update_or_create(
        account=account, defaults={"as_of": AS_OF, "currency": "CNY", "p_alive": p_alive}
    )


@pytest.fixture
def chief(client):
    user = make_superuser()
    client.force_login(user)
    return user


@pytest.fixture
def ledger(chief):
    big = make_account(name="Big", region="North")
    sell_monthly(big, growing())
    sell_monthly(make_account(name="Young", region="South"), [5] * 6, first=date(2024, 7, 1))
    carry_to_year_end(big)


def test_forecast_is_one_sentence_with_its_miss(client, ledger):
    response = ask(client, "/metrics/forecast/?horizon_months=6&by=region")

    text = words(response)
    assert text.startswith("The next 6 months bring ")
    assert "Tried on our own past it was" in text
    shown = response.context["shown"]
    assert "Holt-Winters" in shown.note
    assert [part.label for part in shown.below.content["parts"]] == ["North", "South"]
    assert "22 are needed" in shown.below.content["parts"][1].reason
    html = response.content.decode()
    assert "Part by part" in html
    assert "region=North" in html


def test_forecast_chart_and_table_hold_the_same_months(client, ledger):
    chart = ask(client, "/metrics/forecast/?horizon_months=6").context["shown"].chart

    labels = chart.option["xAxis"]["data"]
    assert len(labels) == len(chart.rows) == 30
    assert [row[0] for row in chart.rows] == list(reversed(labels))
    past, ahead, low, high, foot, band = (series["data"] for series in chart.option["series"])
    assert (past[24:], ahead[:24]) == ([None] * 6, [None] * 24)
    assert all(a <= b for a, b in zip(low[24:], high[24:], strict=True))
    assert [a + b for a, b in zip(foot[24:], band[24:], strict=True)] == pytest.approx(high[24:])
    assert chart.rows[0][1] == "–"
    assert chart.rows[-1][2:] == ["–", "–", "–"]


def test_forecast_that_is_not_shown_says_why(client, ledger):
    response = ask(client, "/metrics/forecast/?region=South")

    assert words(response) == "It cannot be said (insufficient data: 6 complete months of revenue, 28 are needed)."
    assert len(response.context["shown"].chart.option["series"]) == 1


def test_decline_names_signals_and_what_is_at_stake(client, chief):
    for name, silent, alive in (("Calm", 0, 0.9), ("Risky", 110, 0.1), ("Watched", 50, 0.5)):
        rhythm(make_account(name=name), silent=silent, p_alive=alive)

    response = ask(client, "/metrics/decline/")
    watched = ask(client, "/metrics/decline/?line=watch")

    assert words(response) == "1 of 3 customers are at high risk; 1.00k CNY a year is at stake."
    assert names(response) == ["Risky", "Watched", "Calm"]
    assert names(watched) == ["Watched"]
    shown = response.context["shown"]
    assert [column.key for column in shown.table.columns][:3] == ["points", "rhythm_points", "chance_gone_points"]
    assert [row[0] for row in shown.chart.rows] == ["Risky", "Watched", "Calm"]
    assert "could not be tested" in shown.note
    assert shown.lines == [("high", "High risk"), ("watch", "To be watched"), ("low", "Low risk")]


def test_decline_says_when_the_plain_rule_is_as_good(client, chief):
    declining_ledger()

    response = ask(client, "/metrics/decline/")

    assert "no better than a late rhythm alone: 20 against 20" in response.context["shown"].note
    assert response.context["shown"].table.order.key == "rhythm"
    html = response.content.decode()
    assert "Would it have found them?" in html
    assert "lost half their revenue or more" in html


def test_owner_teammate_and_stranger_see_their_own(client):
    cast = make_cast(name="Ours")
    rhythm(cast.account, silent=110, p_alive=0.1)
    rhythm(make_account(name="Theirs"), silent=0, p_alive=0.9)
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = names(ask(client, "/metrics/decline/")), names(ask(client, "/metrics/forecast/"))

    assert seen == {"owner": (["Ours"], ["Ours"]), "teammate": (["Ours"], ["Ours"]), "stranger": ([], [])}


@pytest.mark.parametrize("key", sorted(NEXT_KEYS))
def test_every_figure_opens_its_drawer(client, ledger, key):
    rhythm(make_account(name="Risky"), silent=110, p_alive=0.1)

    html = client.get(f"/figures/{key}/?region=North").content.decode()

    assert str(METRICS[key].label).replace("'", "&#x27;") in html
    assert "Theirs" not in html


def test_drawer_gives_the_figure_of_the_page(client, ledger):
    page = ask(client, "/metrics/forecast/?horizon_months=3").context["shown"]
    drawer = client.get("/figures/forecast_revenue/?horizon_months=3")

    assert drawer.context["figure"].value == page.figures[0].value
    assert [row.name for row, _cells in drawer.context["rows"]] == ["Big", "Young"]


@pytest.mark.parametrize("query", ["horizon_months=0", "horizon_months=99", "by=colour", "horizon_months=x"])
def test_choices_that_do_not_exist_are_said_at_the_field(client, ledger, query):
    response = client.get(f"/metrics/forecast/?{query}")

    assert response.status_code == 422
    assert response.context["form"].errors


@pytest.mark.parametrize(
    ("key", "heading"), [("forecast", "Revenue, 12 months"), ("decline", "Points"), ("whitespace", "Gaps")]
)
def test_answers_are_to_be_had_as_files(client, ledger, key, heading):
    response = client.get(f"/metrics/{key}/export/csv/")

    text = b"".join(response.streaming_content) if response.streaming else response.content
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert any(heading in row for row in rows)


def test_query_count_does_not_grow_with_accounts(client, ledger):
    counts = []
    for _ in range(2):
        for _ in range(2):
            rhythm(make_account(owner=make_user()), silent=30, p_alive=0.5)
        for key in ("forecast/?by=region", "decline/", "whitespace/"):
            client.get(f"/metrics/{key}")
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/metrics/{key}")
            counts.append(len(queries))

    assert counts[:3] == counts[3:]


def test_whitespace_map_marks_each_state_in_words(client, chief):
    segment = {"segment": "S"}
    accounts = [make_account(name=f"K{number}", **segment) for number in range(9)]
    wanted, basic = make_product(name="Wanted", category="W"), make_product(name="Basic", category="B")
    rows = [buying(account, basic, 1000 if number < 7 else 1500) for number, account in enumerate(accounts)]
    rows += [buying(account, wanted, 500) for account in accounts[:7]]
    rows += [buying(accounts[7], wanted, 5, on=date(2021, 1, 1))]
    post_revenue(rows)
    write_account_products(AS_OF)

    response = ask(client, "/metrics/whitespace/?by=product")

    assert words(response) == (
        "9 customers leave 1 gaps; filled as among customers like them they are worth 438 CNY of revenue a year."
    )
    html = response.content.decode()
    assert "7 of 8 customers like it buy it" in html
    assert "Wanted: no longer bought" in html
    assert "Whether suggestions of related products hit could not be tested" in html
    assert [line.name for line in response.context["shown"].below.content["gaps"]] == ["K8"]
    drawer = client.get("/figures/gap_revenue/?by=product")
    assert drawer.context["figure"].value == response.context["shown"].figures[1].value


def buying(account, product, amount, *, on=date(2024, 6, 1)):
    return {"account": account, "product": product, "booked_on": on, "amount": Decimal(amount)}


def test_whitespace_before_the_first_night_says_so(client, ledger):
    response = ask(client, "/metrics/whitespace/")

    assert words(response) == "It cannot be said (the night sums up products, and there has been none yet)."


def test_account_page_suggests_and_takes_no_for_an_answer(client, pairs):
    new, products = pairs
    owner = make_user()
    type(new).objects.filter(pk=new.pk).update(owner=owner)
    client.force_login(owner)
    address = f"/accounts/{new.pk}/revenue/"

    before = client.get(address).content.decode()
    said = client.post(f"/accounts/{new.pk}/suggestions/reject/", {"product": products["Y"].pk, "reason": "makes it"})
    after = client.get(address)
    silent = client.post(f"/accounts/{new.pk}/suggestions/reject/", {"product": products["Q"].pk, "reason": " "})
    kept = list(SuggestionRejection.objects.values_list("product", "reason", "rejected_by"))
    client.post(f"/accounts/{new.pk}/suggestions/{SuggestionRejection.objects.get().pk}/withdraw/")

    assert "Customers who buy X also buy it: 30 of 31." in before
    assert (said.status_code, silent.status_code) == (302, 302)
    assert products["Y"] not in [one.product for one in after.context["ideas"].suggestions]
    assert "makes it" in after.content.decode()
    assert kept == [(products["Y"].pk, "makes it", owner.pk)]
    assert "Customers who buy X also buy it: 30 of 31." in client.get(address).content.decode()


def test_stranger_can_neither_reject_nor_withdraw(client, pairs):
    new, products = pairs
    rejection = reject_suggestion(account=new, product=products["Y"], user=make_user(), reason="no")
    client.force_login(make_user())

    refused = [
        client.post(f"/accounts/{new.pk}/suggestions/reject/", {"product": products["Q"].pk, "reason": "no"}),
        client.post(f"/accounts/{new.pk}/suggestions/{rejection.pk}/withdraw/"),
    ]

    assert [response.status_code for response in refused] == [404, 404]
    rejection.refresh_from_db()
    assert (rejection.withdrawn_at, SuggestionRejection.objects.count()) == (None, 1)
