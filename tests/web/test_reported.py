"""Reported figures on their pages: kept from a question, listed, held against the live answer, exported, withdrawn."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, User
from metrics.models import ReportedAccount, ReportedFigure
from tests.factories import make_account, make_revenue, make_superuser, make_team_member, make_user, post_revenue
from tests.web.people import reach_end_of_2024, sell

pytestmark = pytest.mark.django_db
YEARS = "base=2023&comparison=2024"


@pytest.fixture
def seller(db) -> User:
    """Two accounts of the seller, 1000 → 1500 and 500 → 0, and one of somebody else."""
    seller = make_user()
    grown, lost, foreign = (
        make_account(name=name, owner=owner, segment=name[:1])
        for name, owner in (("Grown", seller), ("Lost", seller), ("Foreign", None))
    )
    sell(grown, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    sell(foreign, prior=10_000, last=10_000)
    reach_end_of_2024(grown)
    return seller


def keep(client, key="growth", query=YEARS, **more):
    fields = {"question": key, "query": query, "title": "Year end 2024", **more}
    return client.post("/metrics/reported/new/", fields)


def told(client, path, status=200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_keep_is_offered_where_an_answer_can_be_kept(client, seller):
    client.force_login(seller)

    for key in ("growth", "change", "retention"):
        assert "Keep as reported" in told(client, f"/metrics/{key}/?{YEARS}")
    assert "Keep as reported" not in told(client, "/metrics/activity/")
    assert 'href="/metrics/reported/"' in told(client, "/metrics/activity/")


@pytest.mark.parametrize(
    ("key", "question", "name", "value"),
    [
        ("growth", "growth", "growth_rate", "0.0"),
        ("change", "bridge", "churned", "-500.0000"),
        ("retention", "retention", "logo_retention", "0.5"),
    ],
)
def test_answer_is_kept_over_the_accounts_one_sees(client, seller, key, question, name, value):
    client.force_login(seller)

    response = keep(client, key, note="as told\r\nto the board")

    figure = ReportedFigure.objects.get()
    assert response.headers["Location"] == f"/metrics/reported/{figure.pk}/"
    assert (figure.question, figure.figures[name], figure.accounts, figure.author) == (question, value, 2, seller)
    assert figure.note == "as told\nto the board"
    html = told(client, f"/metrics/reported/{figure.pk}/")
    assert "The live figures are the same." in html
    assert "Year end 2024" in html


def test_filters_and_scope_are_kept_and_told(client):
    boss = make_superuser()
    mine = make_account(owner=boss, segment="S", name="Mine")
    sell(mine, prior=100, last=200)
    sell(make_account(segment="S"), prior=1, last=2)
    reach_end_of_2024(mine)
    client.force_login(boss)
    client.post("/choices/scope/", {"scope": "mine", "next": "/"})

    keep(client, query=f"{YEARS}&segment=S&owner=me&level=group")

    figure = ReportedFigure.objects.get()
    assert figure.filters == {"owner": [str(boss.pk)], "segment": ["S"], "scope": ["mine"]}
    assert figure.filter_words == [
        ["Scope", f"accounts of {boss.display_name}"], ["Owner", boss.display_name], ["Segment", "S"],
    ]  # fmt: skip
    assert (figure.accounts, figure.level) == (1, "group")
    assert "The live figures are the same." in told(client, f"/metrics/reported/{figure.pk}/")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": "  "}, "Give the report a title."),
        ({"query": f"{YEARS}&segment=nobody"}, "Nothing is booked for these accounts in either period"),
    ],
)
def test_what_cannot_be_kept_leads_back_and_says_why(client, seller, fields, sentence):
    client.force_login(seller)

    response = keep(client, **fields)

    assert response.headers["Location"].startswith("/metrics/growth/?base=2023")
    assert sentence in client.get(response.headers["Location"]).content.decode()
    assert not ReportedFigure.objects.exists()


def test_only_the_three_questions_and_only_by_post(client, seller):
    client.force_login(seller)

    assert keep(client, "activity").status_code == 404
    assert client.get("/metrics/reported/new/").status_code == 405
    assert keep(client, query="base=2024&comparison=2024").headers["Location"].startswith("/metrics/growth/")


def test_page_marks_what_differs_with_sign_and_arrow_and_says_why(client, seller):
    client.force_login(seller)
    keep(client, "change")
    figure = ReportedFigure.objects.get()
    make_revenue(account=Account.objects.get(name="Grown"), booked_on=date(2024, 5, 1), amount=Decimal("20.50"))

    html = told(client, f"/metrics/reported/{figure.pk}/")

    assert '<span class="up">↑ +20.50</span>' in html
    assert "2 figures differ from the live ones." in html
    assert "Documents booked or withdrawn since in the periods: the revenue of 1 account changed." in html
    assert "books or accounts changed" in told(client, "/metrics/reported/")


def test_owner_teammate_and_stranger_find_it_or_not(client, seller):
    client.force_login(seller)
    keep(client)
    figure = ReportedFigure.objects.get()
    teammate, half, stranger = make_user(), make_user(), make_user()
    for account in seller.owned_accounts.all():
        make_team_member(account=account, user=teammate)
    make_team_member(account=seller.owned_accounts.first(), user=half, role="solution_manager")
    pages = ("", "export/csv/", "withdraw/")

    client.force_login(teammate)
    assert [client.get(f"/metrics/reported/{figure.pk}/{page}").status_code for page in pages] == [200, 200, 404]
    assert figure.title in told(client, "/metrics/reported/")
    for user in (half, stranger):
        client.force_login(user)
        assert [client.get(f"/metrics/reported/{figure.pk}/{page}").status_code for page in pages] == [404] * 3
        assert figure.title not in told(client, "/metrics/reported/")
    client.logout()
    assert client.get(f"/metrics/reported/{figure.pk}/").status_code == 302


def test_cohort_shows_names_of_then_and_links_only_what_is_seen(client, seller):
    client.force_login(seller)
    keep(client)
    figure, lost = ReportedFigure.objects.get(), Account.objects.get(name="Lost")
    Account.objects.filter(pk=lost.pk).update(name="Renamed", owner=None)

    response = client.get(f"/metrics/reported/{figure.pk}/?sort=name")

    rows = response.context["rows"]
    assert [(one["row"].name, one["base"], one["comparison"], one["is_linked"]) for one in rows] == [
        ("Grown", "1,000.00", "1,500.00", True), ("Lost", "500.00", "0.00", False),
    ]  # fmt: skip
    assert f'href="/accounts/{lost.pk}/"' not in response.content.decode()


def test_export_holds_the_cohort_and_the_figures(client, seller):
    client.force_login(seller)
    keep(client)
    figure = ReportedFigure.objects.get()

    content = b"".join(client.get(f"/metrics/reported/{figure.pk}/export/csv/").streaming_content).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(content)))
    assert rows[0] == ["Code", "Account", "Base", "Comparison", "Change", "Currency", "Revenue basis", "As of"]
    assert [row[1:] for row in rows[1:]] == [
        ["Grown", "1000.0000", "1500.0000", "500.0000", "CNY", "Invoiced", "2024-12-31"],
        ["Lost", "500.0000", "0.0000", "-500.0000", "CNY", "Invoiced", "2024-12-31"],
    ]
    assert client.get(f"/metrics/reported/{figure.pk}/export/xlsx/").status_code == 200
    assert client.get(f"/metrics/reported/{figure.pk}/export/pdf/").status_code == 404


def test_withdrawal_asks_for_a_reason_and_keeps_the_page(client, seller):
    client.force_login(seller)
    keep(client)
    figure = ReportedFigure.objects.get()
    address = f"/metrics/reported/{figure.pk}/withdraw/"

    assert "Say why the report is withdrawn." in client.post(address).content.decode()
    response = client.post(address, {"reason": "wrong year"}, follow=True)

    assert "Nothing is kept yet" in response.content.decode()
    assert figure.title in told(client, "/metrics/reported/?withdrawn=1")
    assert "wrong year" in told(client, f"/metrics/reported/{figure.pk}/")
    assert client.get(address).status_code == 404


def test_what_is_undefined_reads_so(client):
    boss = make_superuser()
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2024, 5, 1)}])
    reach_end_of_2024(account)
    client.force_login(boss)
    keep(client)

    html = told(client, f"/metrics/reported/{ReportedFigure.objects.get().pk}/")

    assert "no account had revenue above 0 in the base period" in html


def test_queries_of_list_and_page_do_not_grow(client, seller):
    client.force_login(seller)

    def counted():
        pk = ReportedFigure.objects.order_by("-pk").values_list("pk", flat=True).first()
        with CaptureQueriesContext(connection) as listing:
            client.get("/metrics/reported/")
        with CaptureQueriesContext(connection) as reading:
            client.get(f"/metrics/reported/{pk}/")
        return len(listing), len(reading)

    keep(client)
    counted()
    first = counted()
    post_revenue([{"account": make_account(owner=seller), "booked_on": date(2024, 5, 1)} for _ in range(20)])
    keep(client)
    keep(client, "retention")
    assert counted() == first


def test_admin_shows_reports_and_changes_none(client, seller):
    client.force_login(seller)
    keep(client)
    figure = ReportedFigure.objects.get()
    client.force_login(make_superuser())

    assert figure.title in told(client, "/admin/metrics/reportedfigure/")
    page = f"/admin/metrics/reportedfigure/{figure.pk}/change/"
    assert "_save" not in told(client, page)
    assert client.post(page, {"title": "Better"}).status_code == 403
    assert client.get(f"/admin/metrics/reportedfigure/{figure.pk}/delete/").status_code == 403
    row = ReportedAccount.objects.first()
    assert row.code in told(client, "/admin/metrics/reportedaccount/")
    assert client.get(f"/admin/metrics/reportedaccount/{row.pk}/change/").status_code == 200
