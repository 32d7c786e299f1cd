"""The account list: who sees what, filters, order, columns, saved views, export, changes to many."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Grade, TeamRole
from accounts.models import Account
from crm.models import ListLayout, SavedView
from tests.factories import make_account, make_superuser, make_team_member, make_user
from tests.web.people import AS_OF, grant, make_cast, make_figures, reach_end_of_2024

pytestmark = pytest.mark.django_db
LIST = "/accounts/"


def names(response):
    """Names of the rows of a list page, in order."""
    html = response.content.decode()
    return [part.split("</a>")[0].split(">")[-1] for part in html.split('class="name" href="/accounts/')[1:]]


def shown(client, query=""):
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return names(response)


def test_list_shows_owner_and_teammate_their_account_and_nothing_to_a_stranger(client):
    cast = make_cast(name="Ours")
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = shown(client)

    assert seen == {"owner": ["Ours"], "teammate": ["Ours"], "stranger": []}


def test_scope_switch_narrows_what_a_manager_sees(client):
    manager = make_superuser()
    make_account(name="Mine", owner=manager)
    make_account(name="Theirs")
    client.force_login(manager)

    assert sorted(shown(client)) == ["Mine", "Theirs"]
    client.post(reverse("set_scope"), {"scope": "mine", "next": LIST})
    assert shown(client) == ["Mine"]


@pytest.mark.parametrize("count", [1, 3])
def test_list_query_count_does_not_grow(client, count):
    owner = make_user()
    for _number in range(count):
        account = make_account(owner=owner, parent=make_account())
        make_figures(account)
        make_team_member(account=account)
    client.force_login(owner)

    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)

    # session, user, 2 of rights, as-of, layout, views, rows with a value and without, names of the groups one may not open,
    # team, count; frame: night, ledger
    assert len(captured) == 14


@pytest.mark.parametrize(
    ("text", "found"),
    [("智慧", ["智慧物流"]), ("zhihui", ["智慧物流"]), ("zhwl", ["智慧物流"]), ("brenora", ["Brenora"]), ("X-77", ["Brenora"]),
     ("nothing", [])],
)  # fmt: skip
def test_search_finds_two_characters_pinyin_initials_and_code(client, text, found):
    user = make_superuser()
    make_account(name="智慧物流", code="X-1")
    make_account(name="Brenora", code="X-77")
    client.force_login(user)

    assert shown(client, f"q={text}") == found


def filtered_company(owner):
    rows = (
        ("Up", Grade.GOLD, "Retail", Decimal(300), 0.5, AS_OF - timedelta(days=5)),
        ("Flat", Grade.GENERAL, "Retail", Decimal(200), 0.05, AS_OF - timedelta(days=100)),
        ("Down", Grade.PROBLEM, "", Decimal(100), -0.4, AS_OF - timedelta(days=500)),
        ("New", Grade.GOLD, "Energy", None, None, None),
    )
    for name, grade, segment, ttm, growth, last in rows:
        account = make_account(name=name, owner=owner, segment=segment, grade=grade)
        make_figures(account, ttm_revenue=ttm, growth_rate=growth, last_order_on=last)
    reach_end_of_2024(Account.objects.get(name="Up"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Up", "Flat", "Down", "New"]),
        ("grade=gold", ["Up", "New"]),
        ("grade=gold&grade=problem", ["Up", "Down", "New"]),
        ("segment=Retail", ["Up", "Flat"]),
        ("segment=-", ["Down"]),
        ("growth=up20", ["Up"]),
        ("growth=up&growth=none", ["Flat", "New"]),
        ("growth=down20", ["Down"]),
        ("last_order=30", ["Up"]),
        ("last_order=180", ["Up", "Flat"]),
        ("last_order=lapsed", ["Down"]),
        ("last_order=never", ["New"]),
        ("owner=me&grade=general", ["Flat"]),
        ("owner=none", []),
        ("grade=nonsense", ["Up", "Flat", "Down", "New"]),
        ("owner=99999999999999999999", ["Up", "Flat", "Down", "New"]),
        ("q=%00", ["Up", "Flat", "Down", "New"]),
        ("grade=gold&segment=Retail", ["Up"]),
        ("sort=name", ["Down", "Flat", "New", "Up"]),
        ("sort=-name", ["Up", "New", "Flat", "Down"]),
        ("sort=growth", ["Down", "Flat", "Up", "New"]),
        ("sort=-grade", ["New", "Up", "Flat", "Down"]),
        ("sort=nonsense", ["Up", "Flat", "Down", "New"]),
    ],
)
def test_filter_and_order_decide_the_rows(client, query, found):
    owner = make_user()
    filtered_company(owner)
    client.force_login(owner)

    assert shown(client, query) == found


@pytest.mark.parametrize("key", ["name", "grade", "owner", "ttm", "growth", "clv", "last_order", "score", "code", "segment",
                                 "size", "status", "margin", "orders", "since", "latin_name", "country", "channel", "dealer"])  # fmt: skip
def test_every_sortable_column_sorts_both_ways(client, key):
    owner = make_user()
    filtered_company(owner)
    client.force_login(owner)

    assert (
        sorted(shown(client, f"sort={key}")) == sorted(shown(client, f"sort=-{key}")) == ["Down", "Flat", "New", "Up"]
    )


def test_group_filter_takes_the_whole_tree(client):
    owner = make_user()
    root = make_account(name="Root", owner=owner)
    child = make_account(name="Child", owner=owner, parent=root)
    make_account(name="Grandchild", owner=owner, parent=child)
    make_account(name="Other", owner=owner)
    client.force_login(owner)

    assert sorted(shown(client, f"group={root.pk}")) == ["Child", "Grandchild", "Root"]


def test_dealer_channel_and_group_filters(client):
    owner = make_user()
    dealer = make_account(name="Outlet", owner=make_user())  # somebody else's account
    make_account(name="Dealt", owner=owner, dealer=dealer, channel="Dealers")
    root = make_account(name="Root", owner=owner, channel="Direct")
    make_account(name="Child", owner=owner, parent=root)
    make_account(name="Alone", owner=owner)
    client.force_login(owner)

    assert shown(client, f"dealer={dealer.pk}") == ["Dealt"]
    assert sorted(shown(client, "dealer=none")) == ["Alone", "Child", "Root"]
    assert len(shown(client, f"dealer=none&dealer={dealer.pk}")) == 4
    assert sorted(shown(client, "channel=Dealers&channel=Direct")) == ["Dealt", "Root"]
    assert sorted(shown(client, "channel=-")) == ["Alone", "Child"]
    assert sorted(shown(client, "group=none")) == ["Alone", "Dealt"]


def test_dealer_is_named_to_those_who_see_who_buys_through_it(client):
    owner, stranger = make_user(), make_user()
    dealer = make_account(name="Outlet & Co")
    account = make_account(name="Dealt", owner=owner, dealer=dealer, channel="Dealers")
    chip, options = f"{LIST}?dealer={dealer.pk}", reverse("accounts:options", args=["dealer"])

    for user, sees in ((owner, True), (stranger, False)):
        client.force_login(user)
        assert ("Outlet &amp; Co" in client.get(chip).content.decode()) is sees
        assert ("Outlet &amp; Co" in client.get(options).content.decode()) is sees
    client.force_login(owner)
    page = client.get(reverse("accounts:detail", args=[account.pk])).content.decode()
    assert "Outlet &amp; Co" in page
    assert reverse("accounts:detail", args=[dealer.pk]) not in page


def test_chip_names_its_value_and_takes_only_itself_away(client):
    owner = make_user(first_name="Mei", last_name="Lin")
    filtered_company(owner)
    client.force_login(owner)

    html = client.get(f"{LIST}?grade=gold&owner={owner.pk}").content.decode()

    assert "Mei Lin" in html
    assert f'href="?owner={owner.pk}"' in html
    assert 'href="?grade=gold"' in html


def test_nothing_matches_offers_to_clear_the_filter(client):
    owner = make_user()
    make_account(owner=owner)
    client.force_login(owner)

    html = client.get(f"{LIST}?q=zzzz").content.decode()

    assert "No account matches this filter" in html
    assert "Clear filters" in html


def test_names_are_escaped(client):
    owner = make_user()
    make_account(owner=owner, name="<script>x</script>", segment='"><img>')
    client.force_login(owner)
    ListLayout.objects.create(user=owner, columns=["segment"])

    html = client.get(LIST).content.decode()

    assert "<script>x" not in html
    assert "<img>" not in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html


def test_htmx_gets_the_section_alone_and_history_gets_the_page(client):
    client.force_login(make_user())

    part = client.get(LIST, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    page = client.get(LIST, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert "<html" not in part.content.decode()
    assert 'id="accounts"' in part.content.decode()
    assert "<html" in page.content.decode()
    assert "HX-Request" in part.headers["Vary"]


def test_columns_are_kept_in_the_order_chosen(client):
    owner = make_user()
    make_account(owner=owner, region="North")
    client.force_login(owner)

    client.post(reverse("accounts:columns"), {"column": ["region", "ttm", "bogus"], "density": "compact"})
    html = client.get(LIST).content.decode()

    head = html[html.index("<thead>") : html.index("</thead>")]
    assert head.index("Region") < head.index("Revenue, 12 months")
    assert "Lifetime value" not in head
    assert "is-compact" in html


@pytest.mark.parametrize(("is_mine", "view_has"), [(True, ["region"]), (False, ["ttm"])])
def test_columns_chosen_in_a_view_change_only_a_view_of_ones_own(client, is_mine, view_has):
    user = make_user()
    view = SavedView.objects.create(
        owner=user if is_mine else make_user(), name="V", query="grade=gold", columns=["ttm"], is_shared=True
    )
    client.force_login(user)

    response = client.post(reverse("accounts:columns"), {"column": ["region"], "query": f"grade=gold&view={view.pk}"})

    view.refresh_from_db()
    assert view.columns == view_has
    assert ListLayout.objects.get(user=user).columns == ["region"]
    assert response.headers["Location"] == (f"{LIST}?grade=gold&view={view.pk}" if is_mine else f"{LIST}?grade=gold")


def export(client, form, query=""):
    response = client.get(f"/accounts/export/{form}/?{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def test_csv_export_is_what_is_shown_and_opens_in_excel(client):
    owner = make_user()
    filtered_company(owner)
    make_account(name="=cmd()", owner=owner, grade=Grade.GOLD)
    client.force_login(owner)
    client.post(reverse("accounts:columns"), {"column": ["grade", "ttm"]})

    content = export(client, "csv", "grade=gold&sort=name")

    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["Code", "Account", "Grade", "Revenue, 12 months", "Currency", "As of"]
    assert [row[1:] for row in rows[1:]] == [
        ["'=cmd()", "Gold", "", "", ""],
        ["New", "Gold", "", "CNY", "2024-12-31"],
        ["Up", "Gold", "300.0000", "CNY", "2024-12-31"],
    ]


def test_xlsx_export_holds_numbers_dates_and_its_passport(client):
    import openpyxl

    owner = make_user()
    filtered_company(owner)
    client.force_login(owner)
    client.post(reverse("accounts:columns"), {"column": ["ttm", "last_order"]})

    book = openpyxl.load_workbook(io.BytesIO(export(client, "xlsx", "grade=gold&sort=-ttm")))
    rows = list(book.worksheets[0].values)
    about = dict(book.worksheets[1].values)

    assert rows[1][1:3] == ("Up", 300)
    assert rows[1][3].date() == AS_OF - timedelta(days=5)
    assert about["Filter"] == "Grade: Gold"
    assert about["Data until"] == "31 Dec 2024"


def test_export_holds_what_the_user_may_see_and_all_of_it(client):
    cast = make_cast(name="Ours")
    for _number in range(60):
        make_account(owner=cast.owner)
    client.force_login(cast.owner)
    lines_of_owner = export(client, "csv").decode().count("\r\n")
    client.force_login(cast.stranger)

    assert (lines_of_owner, export(client, "csv").decode().count("\r\n")) == (62, 1)
    assert client.get("/accounts/export/exe/").status_code == 404


def test_saved_view_is_a_tab_with_its_count_for_its_owner_alone(client):
    owner, other = make_user(), make_user()
    filtered_company(owner)
    client.force_login(owner)

    response = client.post(reverse("accounts:view_create"), {"name": "Golden", "query": "grade=gold&after=zzz&bogus=1"})
    view = SavedView.objects.get()
    tabs = client.get(reverse("accounts:views"), headers={"HX-Request": "true"}).content.decode()

    assert response.headers["Location"] == f"{LIST}?grade=gold&view={view.pk}"
    assert view.query == "grade=gold"
    assert 'Golden <span class="count">2</span>' in tabs
    client.force_login(other)
    assert f"view={view.pk}" not in client.get(LIST).content.decode()


def test_shared_view_shows_others_their_own_accounts(client):
    owner, other = make_user(), make_user()
    filtered_company(owner)
    SavedView.objects.create(owner=owner, name="Golden", query="grade=gold", is_shared=True)
    client.force_login(other)

    tabs = client.get(reverse("accounts:views"), headers={"HX-Request": "true"}).content.decode()

    assert 'Golden <span class="count">0</span>' in tabs


def test_saved_view_without_a_name_is_asked_for_one(client):
    client.force_login(make_user())

    response = client.post(reverse("accounts:view_create"), {"name": "  ", "query": ""})

    assert response.status_code == 422
    assert "Give the view a name." in response.content.decode()


def test_same_name_replaces_the_view(client):
    client.force_login(make_user())
    for query in ("grade=gold", "grade=problem"):
        client.post(reverse("accounts:view_create"), {"name": "V", "query": query})

    assert list(SavedView.objects.values_list("query", flat=True)) == ["grade=problem"]


def test_only_its_owner_removes_a_view(client):
    owner, other = make_user(), make_user()
    view = SavedView.objects.create(owner=owner, name="V", is_shared=True)
    client.force_login(other)
    refused = client.post(reverse("accounts:view_delete", args=[view.pk])).status_code
    client.force_login(owner)
    client.post(reverse("accounts:view_delete", args=[view.pk]))

    assert (refused, SavedView.objects.count()) == (404, 0)


@pytest.mark.parametrize(
    "key",
    ["grade", "owner", "segment", "industry", "region", "channel", "dealer", "group", "growth", "last_order", "status"],
)
def test_options_of_a_filter_are_links_that_switch_them(client, key):
    owner = make_user(first_name="Mei")
    root = make_account(owner=owner, segment="S", industry="I", region="R", channel="C", name="Root")
    make_account(owner=owner, parent=root, dealer=root)
    client.force_login(owner)

    html = client.get(reverse("accounts:options", args=[key])).content.decode()

    assert f"?{key}=" in html


def test_options_do_not_tell_of_other_peoples_accounts(client):
    make_account(segment="Secret")
    client.force_login(make_user())

    assert "Secret" not in client.get(reverse("accounts:options", args=["segment"])).content.decode()
    assert client.get(reverse("accounts:options", args=["bogus"])).status_code == 404


def test_bulk_says_what_will_happen_before_it_does(client):
    user, new = make_superuser(), make_user(first_name="Neu")
    accounts = [make_account(name=f"A{n}", owner=user) for n in range(2)]
    client.force_login(user)

    response = client.post(reverse("accounts:bulk"), {"action": "owner", "account": [a.pk for a in accounts]})

    assert "Assign an owner to 2 accounts" in response.content.decode()
    assert Account.objects.filter(owner=new).count() == 0


def test_bulk_assigns_the_owner_and_undo_takes_it_back(client):
    user, old, new = make_superuser(), make_user(), make_user()
    first, second = make_account(owner=old), make_account(owner=new)
    client.force_login(user)
    ids = [first.pk, second.pk]

    was = {f"was-{first.pk}": old.pk, f"was-{second.pk}": new.pk}
    client.post(reverse("accounts:bulk"), {"action": "owner", "account": ids, "owner": new.pk, "confirmed": "1"} | was)
    after = client.get(LIST).content.decode()
    owners = set(Account.objects.values_list("owner", flat=True))
    client.post(reverse("accounts:undo"))

    assert owners == {new.pk}
    assert "1 account has a new owner. 1 already had it." in after
    assert list(Account.objects.order_by("pk").values_list("owner", flat=True)) == [old.pk, new.pk]


def test_bulk_sets_the_segment(client):
    client.force_login(make_superuser())
    account = make_account(segment="Old")

    given = {"action": "segment", "account": [account.pk], "segment": " New ", "confirmed": "1"}
    client.post(reverse("accounts:bulk"), given | {f"was-{account.pk}": "Old"})

    account.refresh_from_db()
    assert account.segment == "New"


def test_bulk_needs_the_right_and_touches_only_what_one_sees(client):
    cast = make_cast(segment="Old")
    client.force_login(cast.owner)
    data = {"action": "segment", "account": [cast.account.pk], "segment": "New", "confirmed": "1"}
    without_right = client.post(reverse("accounts:bulk"), data).status_code
    client.force_login(grant(cast.stranger, "change_account"))
    client.post(reverse("accounts:bulk"), data)

    cast.account.refresh_from_db()
    assert (without_right, cast.account.segment) == (403, "Old")


def test_bulk_without_rows_says_so(client):
    client.force_login(make_superuser())

    client.post(reverse("accounts:bulk"), {"action": "owner", "account": ["x", "99999999999999999999999"]})

    assert "No account was selected" in client.get(LIST).content.decode()


def test_empty_seat_of_the_team_is_visible(client):
    cast = make_cast()
    client.force_login(cast.owner)

    html = client.get(LIST).content.decode()

    assert html.count('class="seat seat-none"') == 2
    assert f"{TeamRole.SOLUTION_MANAGER.label}: empty" in html


def test_past_member_of_the_team_is_not_shown(client):
    owner = make_user()
    account = make_account(owner=owner)
    make_team_member(account=account, valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1))
    client.force_login(owner)

    assert client.get(LIST).content.decode().count('class="seat seat-none"') == 3
