"""The questions about drivers: what drove the change, wider or deeper, what it would take to double."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, User
from tests.factories import make_account, make_user
from tests.web.people import make_cast, reach_end_of_2024, sell
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
YEARS = "base=2023&comparison=2024"
DRAWERS = {
    "covered_accounts_effect": "0", "active_rate_effect": "0", "revenue_per_active_account_effect": "0",
    "order_frequency_effect": "0", "average_order_value_effect": "0", "unattributed_effect": "0",
    "horizontal_growth": "400", "vertical_growth": "0", "scenario_revenue": "1.90k", "target_revenue": "3.80k",
    "scenario_multiple": "1.00", "equal_factor": "1.26", "without_order_revenue": "500", "peer_gap": "0",
}  # fmt: skip


@pytest.fixture
def seller(db) -> User:
    """Three accounts of the seller, 1000 → 1500, 500 → 0 and 0 → 400, and one of somebody else."""
    seller = make_user(first_name="Ada", last_name="Lu")
    grown = make_account(name="Grown", owner=seller, region="North")
    lost = make_account(name="Lost", owner=seller, region="South")
    won = make_account(name="Won", owner=seller, region="South")
    foreign = make_account(name="Foreign")
    sell(grown, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    sell(won, prior=0, last=400)
    sell(foreign, prior=10_000, last=10_000)
    reach_end_of_2024(grown)
    return seller


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            f"decomposition/?{YEARS}",
            "Revenue rose from 1.50k CNY to 1.90k CNY; “Covered accounts” drove it with 703 CNY, “Active rate” held against it with −714 CNY.",
        ),
        (
            f"decomposition/?{YEARS}&region=South&by=none",
            "Revenue fell from 500 CNY to 400 CNY; “Active rate” drove it with −333 CNY, “Covered accounts” held against it with 342 CNY.",
        ),
        (f"decomposition/?{YEARS}&segment=none", "Nothing moved: revenue was 0 CNY and is 0 CNY."),
        (
            f"directions/?{YEARS}",
            "Wider: customers won or won back bring 400 CNY, existing ones 0 CNY.",
        ),
        (
            f"directions/?{YEARS}&region=North",
            "Deeper: existing customers bring 500 CNY, those won or won back 0 CNY.",
        ),
        (
            "doubling/?period=2024",
            "From 1.90k CNY to 3.80k CNY: each of the three drivers times 1.26 is enough.",
        ),
        (
            "doubling/?period=2024&active_rate=100",
            "Not yet: with these drivers revenue is 2.85k CNY, 1.50 times as much; 950 CNY are missing to 3.80k CNY.",
        ),
        (
            "doubling/?period=2024&active_rate=100&target_multiple=1.5",
            "Yes: with these drivers revenue is 2.85k CNY, 1.50 times as much; the target is 2.85k CNY.",
        ),
        ("doubling/?period=2024&segment=none", "It cannot be said (no account was on the books in the period)."),
        (
            "doubling/?period=2024&segment=none&covered_accounts=10&active_rate=50&revenue_per_active_account=3",
            "With these drivers revenue is 15 CNY.",
        ),
    ],
)
def test_answer_is_one_sentence_with_the_number_in_it(client, seller, path, sentence):
    client.force_login(seller)

    assert words(ask(client, f"/metrics/{path}")) == sentence


def test_parts_stand_in_a_table_with_their_sum_and_the_mix(client, seller):
    client.force_login(seller)

    shown = ask(client, f"/metrics/decomposition/?{YEARS}&by=region").context["shown"]

    lines = shown.below.content.lines
    assert [str(line.label) for line in lines] == [
        "North",
        "South",
        "Parts added up",
        "Totals split",
        "Mix of the parts",
    ]
    assert lines[0].query == f"{YEARS}&by=none&region=North"
    assert lines[0].cells[:2] == ["1,000", "1,500"]
    assert [line.is_sum for line in lines] == [False, False, True, False, False]


def test_owners_are_named_and_lead_to_their_own_answer(client, seller):
    client.force_login(seller)

    line = ask(client, f"/metrics/decomposition/?{YEARS}").context["shown"].below.content.lines[0]

    assert (str(line.label), line.query) == ("Ada Lu", f"{YEARS}&owner={seller.pk}&by=none")
    assert names(ask(client, f"/metrics/decomposition/?{line.query}&line=newly_covered")) == ["Won"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("newly_covered", ["Won"]), ("went_silent", ["Lost"]), ("spends_more", ["Grown"]), ("spends_less", []),
        ("bogus", ["Grown", "Lost", "Won"]),
    ],
)  # fmt: skip
def test_driver_opens_the_accounts_that_moved_it(client, seller, line, expected):
    client.force_login(seller)

    response = ask(client, f"/metrics/decomposition/?{YEARS}&line={line}")

    assert sorted(names(response)) == expected
    assert [key for key, _label, _query in response.context["lines"]] == ["newly_covered", "went_silent", "spends_more"]


def test_four_factors_and_lmdi_can_be_asked_for(client, seller):
    client.force_login(seller)

    shown = ask(client, f"/metrics/decomposition/?{YEARS}&factors=4&method=lmdi&by=none").context["shown"]

    assert [str(one.label) for one in shown.below.content.factors] == [
        "Covered accounts", "Active rate", "Orders per active account", "Revenue per order",
    ]  # fmt: skip
    assert shown.below.content.lines == []


def test_directions_add_up_by_part_and_open_their_accounts(client, seller):
    client.force_login(seller)

    response = ask(client, f"/metrics/directions/?{YEARS}&by=region&line=horizontal_growth")

    lines = response.context["shown"].below.content.lines
    assert [str(line.label) for line in lines] == ["North", "South", "Sum"]
    assert (lines[1].cells[0], lines[1].cells[-1], lines[2].cells[-1]) == ("500", "400", "1,900")
    assert names(response) == ["Won"]


def test_drivers_are_a_form_that_carries_the_rest_along(client, seller):
    client.force_login(seller)

    html = ask(client, "/metrics/doubling/?period=2024&owner=me&active_rate=80&target_multiple=3").content.decode()
    form = html.split('id="drivers-head"')[1].split("</form>")[0]

    assert 'name="active_rate" value="80"' in form
    assert 'placeholder="633.33"' not in form.split("active_rate")[0]
    for kept in ('name="period" value="2024"', 'name="target_multiple" value="3"', 'name="owner" value="me"'):
        assert kept in form
    assert form.count('type="range"') == 3
    assert "Back to how it was" in html
    assert "<script>" not in form
    assert "onclick" not in form


def test_blank_driver_stays_as_it_was(client, seller):
    client.force_login(seller)

    page = ask(client, "/metrics/doubling/?period=2024&covered_accounts=&active_rate=&revenue_per_active_account=")

    assert words(page) == words(ask(client, "/metrics/doubling/?period=2024"))
    assert "Back to how it was" not in page.content.decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("active_rate=101", "active_rate"),
        ("active_rate=x", "active_rate"),
        ("covered_accounts=-1", "covered_accounts"),
        ("covered_accounts=1.5", "covered_accounts"),
        ("revenue_per_active_account=NaN", "revenue_per_active_account"),
        ("target_multiple=0", "target_multiple"),
    ],
)
def test_driver_that_cannot_be_points_at_its_field(client, seller, query, field):
    client.force_login(seller)

    response = ask(client, f"/metrics/doubling/?period=2024&{query}", status=422)

    assert f'id="id_{field}_error"' in response.content.decode()


@pytest.mark.parametrize(
    ("path", "field"), [("decomposition/?by=password", "by"), ("decomposition/?factors=5", "factors"),
                        ("decomposition/?method=guess", "method"), ("directions/?by=account", "by")],
)  # fmt: skip
def test_choice_that_is_not_offered_points_at_its_field(client, seller, path, field):
    client.force_login(seller)

    assert "Select a valid choice" in str(ask(client, f"/metrics/{path}", status=422).context["form"].errors[field])


def test_who_could_deliver_it(client, seller):
    client.force_login(seller)

    response = ask(client, "/metrics/doubling/?period=2024&line=without_order&region=South")

    html = response.content.decode()
    assert names(response) == ["Lost"]
    assert "1</strong> account is covered, without an order in the period; a year before it bought for" in html
    assert 'href="/metrics/sleepers/?region=South"' in html


def test_kept_addresses_with_the_former_name_still_open(client, seller):
    client.force_login(seller)

    line = ask(client, "/metrics/doubling/?period=2024&line=sleeping")
    drawer = ask(client, "/figures/sleeping_revenue/?period=2024")

    assert names(line) == ["Lost"]
    assert "Accounts without an order, revenue of a year before" in drawer.content.decode()


@pytest.mark.parametrize("key", ["decomposition", "directions", "doubling"])
def test_only_visible_accounts_stand_behind_an_answer(client, key):
    cast = make_cast(name="Ours")
    sell(cast.account, prior=100, last=0)
    other = make_account(name="Theirs")
    sell(other, prior=1000, last=10)
    reach_end_of_2024(other)
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        response = ask(client, f"/metrics/{key}/?{'period=2024' if key == 'doubling' else YEARS}")
        seen[role] = (names(response), "Theirs" in response.content.decode())

    assert seen == {"owner": (["Ours"], False), "teammate": (["Ours"], False), "stranger": ([], False)}


@pytest.mark.parametrize("key", ["decomposition", "directions", "doubling"])
def test_missing_rate_is_said(client, seller, key):
    from tests.factories import post_revenue

    post_revenue([{"account": Account.objects.get(name="Grown"), "booked_on": "2024-05-05", "currency": "USD"}])
    client.force_login(seller)

    periods = "period=2024" if key == "doubling" else YEARS
    said = words(ask(client, f"/metrics/{key}/?{periods}&currency=CNY"))
    assert said.startswith("It cannot be said (no rate USD→CNY for 2024-05).")


@pytest.mark.parametrize("metric", DRAWERS)
def test_every_figure_opens_its_drawer(client, seller, metric):
    client.force_login(seller)

    html = client.get(f"/figures/{metric}/?{YEARS}&period=2024", headers={"HX-Request": "true"}).content.decode()

    assert 'class="drawer-value"' in html
    assert "Foreign" not in html
    if not metric.endswith("_effect"):
        assert f'<div class="drawer-value">{DRAWERS[metric]}' in html


def test_drawers_of_the_drivers_add_up(client, seller):
    client.force_login(seller)
    shown = ask(client, f"/metrics/decomposition/?{YEARS}&by=region").context["shown"]

    effects = [one for one in shown.figures if one.metric.endswith("_effect")]
    assert sum(one.value for one in effects) == 400
    for one in effects:
        html = client.get(one.href, headers={"HX-Request": "true"}).content.decode()
        assert f'<div class="drawer-value">{one.text()}' in html


@pytest.mark.parametrize("query", ["by=password", "active_rate=900", "factors=%00", "method='--"])
def test_drawer_refuses_what_the_page_refuses(client, seller, query):
    client.force_login(seller)
    metric = "scenario_revenue" if "rate" in query else "active_rate_effect"

    assert client.get(f"/figures/{metric}/?{YEARS}&{query}").status_code in (200, 400)


def test_export_holds_the_accounts_that_moved(client, seller):
    client.force_login(seller)

    response = client.get(f"/metrics/decomposition/export/csv/?{YEARS}")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[0][2:7] == ["Base", "Comparison", "Change", "Orders, base", "Orders, comparison"]
    assert sorted(row[1] for row in rows[1:]) == ["Grown", "Lost", "Won"]


@pytest.mark.parametrize("path", [f"decomposition/?{YEARS}", f"directions/?{YEARS}&by=owner", "doubling/?period=2024"])
def test_number_of_statements_does_not_grow_with_accounts(client, seller, path):
    client.force_login(seller)

    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(client, f"/metrics/{path}")
        return len(captured)

    statements()
    one = statements()
    for number in range(3):
        sell(make_account(owner=seller, region=f"R{number}"), prior=10, last=20)
    statements()

    assert statements() == one
