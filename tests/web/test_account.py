"""One account on one page."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.enums import ContractStatus, Grade, TeamRole
from accounts.models import Account
from crm.web import account_chart
from crm.web.attention import items_of
from crm.web.why import composite_bar
from tests.factories import (
    make_account,
    make_contact,
    make_contract,
    make_product,
    make_revenue,
    make_superuser,
    make_team_member,
    make_user,
    post_revenue,
)
from tests.metrics.test_forecast_service import growing, sell_monthly
from tests.web.people import AS_OF, make_cast, make_figures, reach_end_of_2024, sell
from tiering.explain import DimensionPart, IndicatorPart, Mark

pytestmark = pytest.mark.django_db
TABS = ("detail", "revenue", "grade", "people", "contracts", "service")


def page(client, account, tab="detail", query=""):
    response = client.get(reverse(f"accounts:{tab}", args=[account.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_tab_opens_for_owner_and_teammate_and_is_not_there_for_a_stranger(client, tab):
    cast = make_cast()
    found = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        found[role] = client.get(reverse(f"accounts:{tab}", args=[cast.account.pk])).status_code

    assert found == {"owner": 200, "teammate": 200, "stranger": 404}


@pytest.mark.parametrize("tab", TABS)
def test_unknown_account_is_a_page_in_the_frame(client, tab):
    client.force_login(make_superuser())

    response = client.get(reverse(f"accounts:{tab}", args=[999_999]))

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_head_shows_names_grade_and_the_group_one_may_follow(client):
    owner = make_user()
    root = make_account(name="Hidden root")
    middle = make_account(name="Middle", parent=root, owner=owner)
    account = make_account(
        name="昱野集團",
        latin_name="Yuye Group",
        parent=middle,
        owner=owner,
        grade=Grade.GOLD,
        grade_since=date(2024, 3, 3),
    )
    client.force_login(owner)

    html = page(client, account)

    assert "昱野集團" in html
    assert "Yuye Group" in html
    assert "grade-gold grade-lg" in html
    assert "since 3 Mar 2024" in html
    assert f'<a href="/accounts/{middle.pk}/">Middle</a>' in html
    assert "<li>Hidden root</li>" in html


def test_empty_seats_of_the_triangle_are_named(client):
    cast = make_cast()
    client.force_login(cast.owner)

    html = page(client, cast.account)

    assert html.count("avatar-none") == 2
    assert str(TeamRole.DELIVERY_MANAGER.label) in html


def test_overview_shows_figures_as_links_to_their_drawer(client):
    cast = make_cast()
    make_figures(cast.account, ttm_revenue=Decimal(6_234_120), growth_rate=0.25, margin=None)
    client.force_login(cast.owner)

    html = page(client, cast.account)

    assert f'href="/figures/ttm_revenue/?account={cast.account.pk}"' in html
    assert "6.23M" in html
    assert "+25.0%" in html
    assert "n/a" in html


def test_chart_has_36_months_its_grades_and_contracts():
    account = make_account()
    sell(account, prior=200, last=400)
    reach_end_of_2024(account)
    make_contract(account=account, number="C-1", starts_on=date(2024, 2, 1), ends_on=date(2024, 8, 31), status="active",
                  amount=Decimal(5), currency="CNY")  # fmt: skip

    chart = account_chart.revenue_chart(account, as_of=AS_OF, style=account_chart.NumberStyle())

    bars, contract = chart.option["series"]
    assert len(bars["data"]) == 36
    assert bars["data"][-10] == 200.0
    assert [row[1] for row in chart.rows if row[0] == "Mar 2024"] == ["200"]
    assert [point[0] for point in contract["data"]] == ["Feb 2024", "Aug 2024"]
    assert "Highest month" in chart.summary


def test_chart_of_an_account_without_revenue_is_empty():
    chart = account_chart.revenue_chart(make_account(), as_of=AS_OF, style=account_chart.NumberStyle())

    assert chart.is_empty


def test_revenue_is_summed_by_product_and_by_year(client):
    cast = make_cast()
    pump, valve = make_product(name="Pump"), make_product(name="Valve")
    rows = [
        {"product": pump, "booked_on": date(2024, 5, 1), "amount": Decimal(300), "cost": Decimal(100)},
        {"product": valve, "booked_on": date(2024, 6, 1), "amount": Decimal(100), "cost": Decimal(60)},
        {"product": pump, "booked_on": date(2023, 6, 1), "amount": Decimal(999)},
        {"booked_on": AS_OF, "amount": Decimal(0), "cost": Decimal(0)},
    ]
    post_revenue([{"account": cast.account, **row} for row in rows])
    client.force_login(cast.owner)

    html = page(client, cast.account, "revenue")

    assert "75.0%" in html
    assert "25.0%" in html
    assert ">240<" in html  # the profit of 2024; 2023 has a record without cost
    assert "cost is missing on some lines" in html


def test_history_takes_interest_and_the_cost_of_winning_it(client):
    cast = make_cast()
    post_revenue([
        {"account": cast.account, "booked_on": date(2022, 12, 31), "amount": Decimal(3000), "cost": Decimal(1000)},
        {"account": cast.account, "booked_on": AS_OF, "amount": Decimal(500), "cost": Decimal(100)},
    ])  # fmt: skip
    client.force_login(cast.owner)

    plain = page(client, cast.account, "revenue")
    asked = page(client, cast.account, "revenue", "?interest=10&cost=400")
    wrong = page(client, cast.account, "revenue", "?interest=abc&cost=-1")

    assert all(year in plain for year in ("2022", "2023", "2024", ">2,400<", ">3,500<"))
    assert "With interest to today" not in plain
    assert ">2,420<" in asked  # 2,000 × 1.1² + 400 − 400
    assert "has-error" in wrong
    assert ">2,400<" in wrong


def test_sleeper_shows_what_is_lost_with_it(client):
    cast, awake = make_cast(name="Gone"), make_cast(name="Awake")
    days = [date(2022, 12, 1) - timedelta(days=30 * at) for at in range(6)]
    post_revenue([{"account": cast.account, "booked_on": day, "amount": Decimal(100)} for day in days])
    sell(awake.account, prior=100, last=100)
    reach_end_of_2024(awake.account)
    client.force_login(cast.owner)
    gone = page(client, cast.account)
    client.force_login(awake.owner)

    assert "Churned: what went with it" in gone
    assert "2022: 600 CNY" in gone
    assert "Referrals are not recorded" in gone
    assert "Referrals are not recorded" not in page(client, awake.account)


def test_closed_account_shows_what_went_with_it(client):
    cast = make_cast(name="Shut", closed_on=date(2024, 10, 1))
    sell(cast.account, prior=400, last=300)
    reach_end_of_2024(make_account())
    client.force_login(cast.owner)

    html = page(client, cast.account)

    card = html.partition('id="loss-title"')[2].partition("</section>")[0]
    assert "Closed: what went with it" in card
    assert "400 CNY" in card  # the better of 300 and 400
    assert "10 Sep 2024, 112 days ago" in card
    assert "Next step" not in card


def test_key_account_shows_its_coming_months_or_why_not(client):
    shown, short, general = make_cast(name="Steady"), make_cast(name="Fresh"), make_cast(name="General")
    for cast, grade in ((shown, Grade.GOLD), (short, Grade.DIAMOND), (general, Grade.GENERAL)):
        Account.objects.filter(pk=cast.account.pk).update(grade=grade)
    sell_monthly(shown.account, growing())
    sell_monthly(short.account, growing()[-3:], first=date(2024, 10, 1))
    sell_monthly(general.account, growing())
    reach_end_of_2024(shown.account)
    html = {}
    for cast in (shown, short, general):
        client.force_login(cast.owner)
        html[cast.account.name] = page(client, cast.account)

    assert f"/metrics/forecast/?account={shown.account.pk}" in html["Steady"]
    assert "against" in html["Steady"].partition('id="ahead-title"')[2]
    assert "Nothing is forecast:" in html["Fresh"]
    assert 'id="ahead-title"' not in html["General"]


def test_records_page_by_key_and_name_their_batch(client):
    cast = make_cast()
    post_revenue(
        [
            {"account": cast.account, "booked_on": date(2024, 1, 1) + timedelta(days=day), "reference": f"INV-{day}"}
            for day in range(60)
        ]
    )
    client.force_login(cast.owner)

    first = page(client, cast.account, "revenue")
    token = first.split("?after=")[1].split('"')[0]
    second = page(client, cast.account, "revenue", f"?after={token}")

    assert "INV-59" in first
    assert "INV-9<" not in first
    assert "INV-9<" in second
    assert "/imports/" in first


def test_withdrawn_records_do_not_show(client):
    from django.utils import timezone

    cast = make_cast()
    record = make_revenue(account=cast.account, reference="GONE-1")
    type(record).all_objects.filter(pk=record.pk).update(withdrawn_at=timezone.now())
    client.force_login(cast.owner)

    assert "GONE-1" not in page(client, cast.account, "revenue")


def test_people_lists_contacts_team_and_who_was_on_it_before(client):
    cast = make_cast()
    make_contact(account=cast.account, name="Frau Kern", email="kern@example.com", is_primary=True)
    past = make_team_member(
        account=cast.account, role=TeamRole.DELIVERY_MANAGER, valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1),
        user=make_user(first_name="Old", last_name="Hand"),
    )  # fmt: skip
    client.force_login(cast.owner)

    html = page(client, cast.account, "people")

    assert "Frau Kern" in html
    assert 'href="mailto:kern@example.com"' in html
    assert f"{past.user.display_name}, {TeamRole.DELIVERY_MANAGER.label}: 1 Jan 2020 – 1 Jan 2021" in html


def test_contracts_show_term_and_how_much_of_it_is_over(client):
    cast = make_cast()
    reach_end_of_2024(cast.account)
    make_contract(account=cast.account, number="F-1", status=ContractStatus.ACTIVE, starts_on=date(2024, 7, 5), ends_on=date(2025, 1, 31),
                  amount=Decimal(1200), currency="CNY")  # fmt: skip
    client.force_login(cast.owner)

    html = page(client, cast.account, "contracts")

    assert "F-1" in html
    assert "1,200 CNY" in html
    assert 'value="85"' in html
    assert "ends soon" in html


def test_grade_tab_before_the_first_night_says_what_will_come(client):
    cast = make_cast()
    client.force_login(cast.owner)

    assert "Not graded by a night yet" in page(client, cast.account, "grade")


def part(code, contribution):
    return IndicatorPart(code, f"Name {code}", "money", 1.0, "1", 50.0, 50.0, contribution, None)


def test_composite_bar_lays_contributions_end_to_end_and_marks_the_thresholds():
    dimensions = [
        DimensionPart("SAL", "Sales", 60.0, 50.0, 1.0, True, 30.0, (part("S1", 20.0), part("S2", 10.0))),
        DimensionPart("GRO", "Growth", 40.0, 50.0, 1.0, True, 15.5, (part("P1", 15.5), part("P2", None))),
    ]

    svg = composite_bar(dimensions, [Mark("gold", "Gold", 50.0)])

    assert [piece.split('"')[0] for piece in svg.split('<rect class="dim-')[1:]] == ["SAL", "SAL", "GRO"]
    assert [piece.split('"')[0] for piece in svg.split(' x="')[1:]] == ["0.000", "20.000", "30.000"]
    assert '<line x1="50.000"' in svg


@pytest.mark.parametrize(
    ("fields", "figures", "reason"),
    [
        ({"grade": Grade.PROBLEM}, {}, "Problem state"),
        ({"credit_stop_on": date(2024, 5, 1), "grade": Grade.PROBLEM}, {}, "Credit stop since 1 May 2024"),
        ({"is_watched": True}, {}, "On watch: warning signs add up"),
        ({}, {"growth_rate": -0.5, "prior_ttm_revenue": Decimal(2000)}, "Revenue fell by 50% in 12 months"),
    ],
)
def test_attention_names_the_gravest_reason_first(fields, figures, reason):
    account = make_account(**fields)
    make_figures(account, **figures)

    assert items_of(account, has_manager=True)[0].reason == reason


def test_account_in_order_needs_no_attention():
    account = make_account(grade=Grade.GOLD)
    make_figures(account, growth_rate=0.1)

    assert items_of(account, has_manager=True) == []
    assert [item.action for item in items_of(account, has_manager=False)] == ["Name an account manager"]
