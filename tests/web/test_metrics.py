"""Metrics: questions answered over the accounts one sees, everything in the address, the same as a file."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import Grade
from accounts.models import Account, User
from crm.models import SavedView, ViewPage
from crm.web.metric_questions import QUESTIONS
from tests.factories import make_account, make_rate, make_superuser, make_user, post_revenue
from tests.web.people import grant, make_cast, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db
YEARS = "base=2023&comparison=2024"


@pytest.fixture
def seller(db) -> User:
    """Two accounts of the seller, 1000 → 1500 and 500 → 0, and one of somebody else."""
    seller = make_user()
    grown, lost, foreign = (
        make_account(name=name, owner=owner) for name, owner in (("Grown", seller), ("Lost", seller), ("Foreign", None))
    )
    sell(grown, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    sell(foreign, prior=10_000, last=10_000)
    reach_end_of_2024(grown)
    return seller


def ask(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (response.context.get("form").errors, response.context.get("refusal"))
    return response


def words(response) -> str:
    """The answer in one sentence, as it reads."""
    text = response.context["shown"].sentence
    out, depth = "", 0
    for piece in text.replace('<span class="visually-hidden">', "<hidden>").split("<"):
        tag, _closed, rest = piece.partition(">") if ">" in piece else ("", "", piece)
        depth = 1 if tag == "hidden" else 0 if tag == "/span" else depth
        out += "" if depth else rest
    return out


def names(response) -> list[str]:
    return [line.name for line in response.context["shown"].table.lines]


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_every_question_is_asked_in_words_and_answered_on_an_empty_ledger(client, key):
    client.force_login(make_user())

    html = ask(client, f"/metrics/{key}/").content.decode()

    assert str(QUESTIONS[key].words) in html.replace("&#x27;", "'")
    assert ("No revenue yet" in html) is QUESTIONS[key].needs_ledger
    assert ('href="/imports/new/"' in html) is QUESTIONS[key].needs_ledger


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (f"/metrics/growth/?{YEARS}", "They hold: the same 2 customers bought for 1.50k CNY, as before."),
        (f"/metrics/growth/?{YEARS}&segment=S", "Yes: the same 1 customers bought 50.0% more, 1.50k CNY after 1.00k CNY."),
        (f"/metrics/growth/?{YEARS}&segment=T", "No: the same 1 customers bought 100.0% less, 0 CNY after 500 CNY."),
        (
            f"/metrics/change/?{YEARS}&segment=S",
            "Revenue rose from 1.00k CNY to 1.50k CNY; the largest part is “Expansion” with 500 CNY.",
        ),
        (
            f"/metrics/retention/?{YEARS}",
            "50.0% of the 2 customers bought again; 66.7% of their revenue stayed, 100.0% with what they bought more.",
        ),
        (
            "/metrics/activity/?period=2024&segment=S",
            "100.0% of the 1 customers on the books ordered: 1 of them placed 3 orders, 500 CNY each.",
        ),
        (
            "/metrics/concentration/?period=2023",
            "The 10 largest of 2 customers bring 100.0% of the revenue, the largest alone 66.7%.",
        ),
        ("/metrics/trend/?metric=revenue&interval=year", "Revenue: 1.50k CNY in 2024, after 1.50k CNY a year before."),
        (f"/metrics/growth/?{YEARS}&segment=none", "It cannot be said (no account had revenue above 0 in the base period)."),
    ],
)  # fmt: skip
def test_answer_is_one_sentence_with_the_number_in_it(client, seller, path, sentence):
    Account.objects.filter(name="Grown").update(segment="S")
    Account.objects.filter(name="Lost").update(segment="T")
    client.force_login(seller)

    assert words(ask(client, path)) == sentence


def test_lifetime_says_why_it_cannot_be_said(client, seller):
    client.force_login(seller)

    response = ask(client, "/metrics/lifetime/?horizon_months=12&discount=8")

    assert words(response).startswith("It cannot be said (insufficient data")
    assert "Lifetime value" in response.content.decode()


def test_only_visible_accounts_stand_behind_an_answer(client):
    cast = make_cast(name="Ours")
    sell(cast.account, prior=100, last=200)
    other = make_account(name="Theirs")
    sell(other, prior=1000, last=10)
    reach_end_of_2024(other)
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        response = ask(client, f"/metrics/growth/?{YEARS}")
        seen[role] = (names(response), "Theirs" in response.content.decode())

    assert seen == {"owner": (["Ours"], False), "teammate": (["Ours"], False), "stranger": ([], False)}


def test_figures_link_their_drawer_with_the_choices_of_the_page(client, seller):
    client.force_login(seller)

    html = ask(client, f"/metrics/growth/?{YEARS}&level=group&segment=S").content.decode()

    link = html.split('href="/figures/growth_rate/?')[1].split('"')[0].replace("&amp;", "&")
    assert sorted(link.split("&")) == ["base=2023", "comparison=2024", "level=group", "segment=S"]


@pytest.mark.parametrize(
    ("path", "field", "says"),
    [
        ("/metrics/growth/?base=31/02/2011", "base", "cannot be read. Write one of: 2011, 2011-Q2"),
        ("/metrics/growth/?comparison=2026-Q9", "comparison", "cannot be read. Write one of"),
        ("/metrics/growth/?base=2024&comparison=2023", "base", "must end before the comparison"),
        ("/metrics/activity/?period=1812", "period", "outside the years"),
        ("/metrics/lifetime/?horizon_months=0", "horizon_months", "greater than or equal to 1"),
        ("/metrics/lifetime/?discount=x", "discount", "Enter a number"),
        ("/metrics/trend/?metric=password", "metric", "Select a valid choice"),
        ("/metrics/growth/?currency=XXX", "currency", "Select a valid choice"),
        ("/metrics/growth/?level=planet", "level", "Select a valid choice"),
    ],
)
def test_bad_choice_points_at_its_field_and_keeps_what_was_typed(client, seller, path, field, says):
    client.force_login(seller)

    response = ask(client, path, status=422)
    html = response.content.decode()

    assert says in str(response.context["form"].errors[field])
    assert f'id="id_{field}_error"' in html
    assert "One thing to mend first" in html


def test_series_that_is_too_long_is_refused_in_words(client, seller):
    client.force_login(seller)

    response = ask(client, "/metrics/trend/?metric=revenue&interval=month&from=1980", status=400)

    assert "choose a longer interval" in response.content.decode()


@pytest.mark.parametrize(
    "path", ["/metrics/bogus/", "/metrics/growth/export/exe/", "/metrics/growth/?account=99999999999999999999"]
)
def test_unknown_addresses_are_not_there(client, seller, path):
    client.force_login(seller)

    ask(client, path, status=404)


HOSTILE = ("\x00", "9" * 400, "\ud83d", "' OR 1=1 --", "<script>alert(1)</script>", "-1", "ttm@9999-12")
OTHER_FIELDS = ("sort", "line", "page", "grade", "owner", "group", "segment")


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_hostile_values_in_every_field_are_refused_not_raised(client, seller, key):
    client.force_login(seller)
    names = [*QUESTIONS[key].form.base_fields, *OTHER_FIELDS]

    for value in HOSTILE:
        response = client.get(f"/metrics/{key}/", dict.fromkeys(names, value.encode("utf-8", "surrogatepass")))
        assert response.status_code in ((200,) if value == "\x00" else (400, 422))  # a NUL is taken for nothing typed
        assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_value_beside_good_ones_is_refused_or_left_out(client, seller, value):
    client.force_login(seller)

    for name in OTHER_FIELDS:
        hostile = {name: value.encode("utf-8", "surrogatepass")}
        assert client.get("/metrics/change/", {"base": "2023", "comparison": "2024", **hostile}).status_code == 200


def test_account_of_somebody_else_cannot_be_asked_for(client, seller):
    client.force_login(seller)
    mine, foreign = Account.objects.get(name="Lost"), Account.objects.get(name="Foreign")

    assert names(ask(client, f"/metrics/growth/?{YEARS}&account={mine.pk}")) == ["Lost"]
    ask(client, f"/metrics/growth/?{YEARS}&account={foreign.pk}", status=404)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["Grown", "Lost"]),
        ("comparison", ["Lost", "Grown"]),
        ("-base", ["Grown", "Lost"]),
        ("base", ["Lost", "Grown"]),
        ("drop table", ["Grown", "Lost"]),
    ],
)
def test_accounts_can_be_sorted_by_their_columns(client, seller, sort, order):
    client.force_login(seller)

    assert names(ask(client, f"/metrics/growth/?{YEARS}&sort={sort}")) == order


def test_bar_of_the_bridge_shows_its_own_accounts(client, seller):
    client.force_login(seller)

    churned = ask(client, f"/metrics/change/?{YEARS}&line=churned")
    everything = ask(client, f"/metrics/change/?{YEARS}&line=bogus")

    assert (names(churned), sorted(names(everything))) == (["Lost"], ["Grown", "Lost"])
    assert [line[0] for line in churned.context["lines"]] == ["opening", "expansion", "churned", "closing"]


def test_lost_accounts_are_churned_or_lapsed_in_figures_table_and_drawers(client, seller):
    client.force_login(seller)

    response = ask(client, f"/metrics/change/?{YEARS}&line=churned")
    drawers = {key: ask(client, f"/figures/bridge_{key}/?{YEARS}").content.decode() for key in ("churned", "lapsed")}
    exported = client.get(f"/metrics/change/export/csv/?{YEARS}&line=churned")

    figures = {one.metric: one for one in response.context["shown"].figures}
    assert figures["bridge_churned"].value + figures["bridge_lapsed"].value == figures["churned"].value
    assert str(figures["bridge_churned"].label) == "of it churned, 1 account"
    assert response.context["shown"].table.lines[0].cells[-1] == "churned"
    assert "Lost" in drawers["churned"]
    assert "Lost" not in drawers["lapsed"]
    assert b"churned" in b"".join(exported.streaming_content)


def test_ready_views_are_for_everybody_and_keep_the_filters(client, seller):
    client.force_login(seller)

    html = ask(client, f"/metrics/growth/?{YEARS}&region=North").content.decode()

    assert 'href="/metrics/segments/?kind=stable_profitable&amp;region=North"' in html


def test_groups_add_up_and_link_the_root(client, seller):
    grown, lost = Account.objects.get(name="Grown"), Account.objects.get(name="Lost")
    lost.parent = grown
    lost.save()
    client.force_login(seller)

    response = ask(client, f"/metrics/growth/?{YEARS}&level=group")

    line = response.context["shown"].table.lines[0]
    assert (line.account_id, line.members) == (grown.pk, 2)
    assert response.context["passport"].level == "group"


def test_missing_rate_leaves_the_figure_undefined_with_its_reason(client, seller):
    post_revenue(
        [
            {
                "account": Account.objects.get(name="Grown"),
                "booked_on": date(2024, 5, 5),
                "amount": Decimal(7),
                "currency": "USD",
            }
        ]
    )
    client.force_login(seller)

    without = words(ask(client, f"/metrics/growth/?{YEARS}&currency=CNY"))
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 5, 5), rate=Decimal(100))
    with_rate = words(ask(client, f"/metrics/growth/?{YEARS}&currency=CNY"))

    assert without == "It cannot be said (no rate USD→CNY for 2024-05). See the missing rates"
    assert with_rate == "Yes: the same 2 customers bought 46.7% more, 2.20k CNY after 1.50k CNY."


def test_presets_and_questions_keep_filters_and_periods(client, seller):
    client.force_login(seller)

    response = ask(client, f"/metrics/growth/?{YEARS}&segment=S&level=group")

    carried = {one.key: query for one, query in response.context["questions"]}
    assert carried["activity"] == "level=group&period=2024&segment=S"
    assert carried["retention"] == "comparison=2024&base=2023&level=group&segment=S"
    assert carried["lifetime"] == "segment=S"
    fiscal = next(one for one in response.context["presets"] if one["label"] == "Last full fiscal year")
    assert fiscal["query"] == "base=2023&comparison=2024&segment=S&level=group"
    assert fiscal["is_now"]


def test_active_filters_are_chips_that_take_themselves_away(client, seller):
    client.force_login(seller)

    chips = ask(client, f"/metrics/growth/?{YEARS}&grade=gold&grade=diamond&page=3").context["chips"]

    assert [(str(chip.label), str(chip.value)) for chip in chips] == [("Grade", "Gold"), ("Grade", "Diamond")]
    assert chips[0].without == "base=2023&comparison=2024&grade=diamond"


def test_filter_form_offers_what_the_visible_accounts_have(client, seller):
    Account.objects.filter(name="Grown").update(segment="Retail", region="North")
    Account.objects.filter(name="Foreign").update(segment="Secret")
    client.force_login(seller)

    html = ask(client, f"/metrics/growth/filters/?{YEARS}&segment=Retail").content.decode()

    assert '<option value="Retail" selected>' in html
    assert "Secret" not in html
    assert '<input type="hidden" name="comparison" value="2024">' in html
    assert all(f'value="{grade}"' in html for grade in Grade.values)


def test_export_holds_all_rows_as_shown_with_currency_and_day(client, seller):
    client.force_login(seller)

    response = client.get(f"/metrics/growth/export/csv/?{YEARS}&sort=base")
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))

    assert text.startswith("\ufeff")
    assert rows[0] == [
        "Code",
        "Account",
        "Base",
        "Comparison",
        "Change",
        "Growth",
        "Currency",
        "Revenue basis",
        "As of",
    ]
    assert [row[1:] for row in rows[1:]] == [
        ["Lost", "500.0000", "0.0000", "-500.0000", "-1.0", "CNY", "Invoiced", "2024-12-31"],
        ["Grown", "1000.0000", "1500.0000", "500.0000", "0.5", "CNY", "Invoiced", "2024-12-31"],
    ]


def test_workbook_carries_the_passport(client, seller):
    import openpyxl

    client.force_login(seller)

    response = client.get(f"/metrics/change/export/xlsx/?{YEARS}&segment=S")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    about = {row[0].value: row[1].value for row in book.worksheets[1].iter_rows()}

    assert about["Base"] == "1 Jan 2023 – 31 Dec 2023"
    assert about["Filter"] == "Segment: S"
    assert about["Version"] == "bridge v1"
    assert about["Accounts counted"] == f"those {seller.display_name} may see"


def test_series_is_exported_point_by_point(client, seller):
    client.force_login(seller)

    response = client.get("/metrics/trend/export/csv/?metric=revenue&interval=year")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[1:] == [["2024", "1,500", "1,500", "0.0%"], ["2023", "1,500", "–", "–"]]


def test_export_with_a_bad_period_leads_back_to_the_field(client, seller):
    client.force_login(seller)

    response = client.get("/metrics/growth/export/csv/?base=nonsense")

    assert (response.status_code, response.headers["Location"]) == (302, "/metrics/growth/?base=nonsense")


def test_saved_view_is_kept_opened_and_removed_by_its_owner_only(client, seller):
    client.force_login(seller)
    client.post("/metrics/views/new/", {"question": "change", "query": "base=2023&comparison=2024", "name": "Year"})
    view = SavedView.objects.get()
    opened = client.get(f"/metrics/views/{view.pk}/").headers["Location"]
    client.force_login(make_user())
    strangers = (
        client.get(f"/metrics/views/{view.pk}/").status_code,
        client.post(f"/metrics/views/{view.pk}/delete/").status_code,
    )
    client.force_login(seller)
    client.post(f"/metrics/views/{view.pk}/delete/")

    assert (view.page, view.owner, view.is_shared) == (ViewPage.METRICS, seller, False)
    assert opened == "/metrics/change/?base=2023&comparison=2024"
    assert strangers == (404, 404)
    assert not SavedView.objects.exists()


def test_shared_view_is_listed_for_others_and_not_among_the_views_of_accounts(client, seller):
    client.force_login(seller)
    client.post("/metrics/views/new/", {"question": "growth", "query": "base=2023", "name": "Ours", "is_shared": "on"})
    client.force_login(make_user())

    shared = [view.name for view in ask(client, "/metrics/").context["views"]]

    assert shared == ["Ours"]
    assert SavedView.objects.visible_to(seller).count() == 0


def test_view_without_a_name_is_not_kept(client, seller):
    client.force_login(seller)

    html = client.post(
        "/metrics/views/new/", {"question": "growth", "query": "base=2023", "name": " \x00"}, follow=True
    )

    assert "Give the view a name." in html.content.decode()
    assert not SavedView.objects.exists()


def test_fragment_for_htmx_is_the_screen_without_its_frame(client, seller):
    client.force_login(seller)

    response = client.get(f"/metrics/growth/?{YEARS}", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    html = response.content.decode()

    assert html.lstrip().startswith("<div")
    assert 'id="metrics"' in html
    assert "HX-Request" in response.headers["Vary"]


def test_many_accounts_come_a_page_at_a_time(client):
    owner = make_user()
    accounts = [make_account(owner=owner) for _ in range(30)]
    post_revenue(
        [
            {"account": account, "booked_on": date(year, 5, 5), "amount": Decimal(10 + at)}
            for at, account in enumerate(accounts)
            for year in (2023, 2024)
        ]
    )
    reach_end_of_2024(accounts[0])
    client.force_login(owner)

    first, second = (ask(client, f"/metrics/growth/?{YEARS}&page={page}") for page in (1, 2))

    assert [len(names(one)) for one in (first, second)] == [25, 5]
    assert set(names(first)) | set(names(second)) == {account.name for account in accounts}
    assert "1–25 of 30" in first.content.decode()


def test_answer_query_count_does_not_grow_with_the_accounts(client):
    owner, counts = make_user(), []
    for _ in range(2):
        sell(make_account(owner=owner), prior=10, last=20)
    client.force_login(owner)
    ask(client, f"/metrics/growth/?{YEARS}")
    for extra in (0, 5):
        for _ in range(extra):
            sell(make_account(owner=owner), prior=10, last=20)
        ask(client, f"/metrics/growth/?{YEARS}")
        with CaptureQueriesContext(connection) as queries:
            ask(client, f"/metrics/growth/?{YEARS}")
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 40


def test_scope_of_the_top_bar_narrows_the_answer(client, seller):
    director = grant(make_user(), "view_all_accounts")
    client.force_login(director)
    everything = sorted(names(ask(client, f"/metrics/growth/?{YEARS}")))
    client.post("/choices/scope/", {"scope": "mine"})

    assert (everything, names(ask(client, f"/metrics/growth/?{YEARS}"))) == (["Foreign", "Grown", "Lost"], [])


def test_page_asks_for_the_log_in(client):
    assert client.get("/metrics/").headers["Location"] == "/login/?next=/metrics/"


def test_superuser_sees_the_whole_portfolio(client, seller):
    client.force_login(make_superuser())

    assert sorted(names(ask(client, f"/metrics/growth/?{YEARS}"))) == ["Foreign", "Grown", "Lost"]
