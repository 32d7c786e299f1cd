"""The dashboard: figures of what one may see, nothing of the rest."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.enums import Grade
from tests.factories import make_account, make_superuser, make_user
from tests.web.people import make_cast, make_figures, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db


def test_empty_ledger_says_what_to_do_first(client):
    client.force_login(make_user())

    html = client.get("/").content.decode()

    assert "The ledger is empty" in html
    assert 'href="/imports/"' in html
    assert "echarts" not in html


def tiles(html):
    """The four figures on top, as they read."""
    return [piece.split(">")[1].split("<")[0] for piece in html.split('class="fig ')[1:9:2]]


def test_tiles_count_what_the_viewer_may_see(client):
    cast = make_cast()
    sell(cast.account, prior=1000, last=1200)
    other = make_account()
    sell(other, prior=5000, last=0)
    reach_end_of_2024(other)
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = tiles(client.get("/").content.decode())[:3]

    assert seen == {
        "owner": ["+20.0%", "120.0%", "100.0%"],
        "teammate": ["+20.0%", "120.0%", "100.0%"],
        "stranger": ["", "", ""],
    }


def test_bridge_is_drawn_to_the_cent_and_its_bars_open_their_accounts(client):
    cast = make_cast()
    sell(cast.account, prior=1000, last=1200)
    reach_end_of_2024(cast.account)
    client.force_login(cast.owner)

    response = client.get("/?base=2023&comparison=2024")
    chart = response.context["bridge"]

    assert [list(map(str, row)) for row in chart.rows if row[1] != "0"] == [
        ["Opening revenue", "1,000", "1"],
        ["Expansion", "200", "1"],
        ["Closing revenue", "1,200", "1"],
    ]
    assert chart.option["series"][1]["data"][1]["href"] == "/figures/expansion/?base=2023&comparison=2024"


def test_period_nobody_can_read_is_named_and_the_year_is_shown(client):
    cast = make_cast()
    sell(cast.account, prior=1, last=1)
    client.force_login(cast.owner)

    html = client.get("/?base=31/02/2011").content.decode()

    assert "2010-12..2011-05" in html
    assert "The last 12 months are shown instead." in html


def test_grades_count_accounts_and_revenue_in_view(client):
    cast = make_cast(grade=Grade.GOLD)
    make_figures(cast.account, ttm_revenue=Decimal(4000))
    make_figures(make_account(grade=Grade.GOLD), ttm_revenue=Decimal(9000))
    reach_end_of_2024(cast.account)
    client.force_login(cast.owner)

    rows = {row.grade: (row.accounts, row.revenue) for row in client.get("/").context["grades"]}

    assert rows[Grade.GOLD] == (1, Decimal(4000))
    assert rows[Grade.DIAMOND] == (0, Decimal(0))


def test_attention_lists_problems_before_declines_with_the_money_at_stake(client):
    owner = make_user()
    falling = make_account(name="Falling", owner=owner, grade=Grade.GENERAL)
    make_figures(falling, growth_rate=-0.5, prior_ttm_revenue=Decimal(9000), ttm_revenue=Decimal(4500))
    broken = make_account(name="Broken", owner=owner, grade=Grade.PROBLEM, credit_stop_on=date(2024, 5, 1))
    make_figures(broken, ttm_revenue=Decimal(100))
    make_figures(make_account(name="Foreign", grade=Grade.PROBLEM))
    reach_end_of_2024(falling)
    client.force_login(owner)

    items = client.get("/").context["attention"]

    assert [(item.account, item.stake) for item in items] == [("Broken", Decimal(100)), ("Falling", Decimal(4500))]
    assert items[0].reason == "Credit stop since 1 May 2024"


def test_page_sends_no_inline_script_or_style(client):
    import re

    cast = make_cast()
    sell(cast.account, prior=1000, last=1200)
    reach_end_of_2024(cast.account)
    client.force_login(make_superuser())

    for path in ("/", "/accounts/", f"/accounts/{cast.account.pk}/", f"/accounts/{cast.account.pk}/grade/"):
        response = client.get(path)
        html = response.content.decode()
        scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", html)
        assert (path, scripts) == (path, [])
        assert not re.search(r"\sstyle=|\son[a-z]+=\"", html), path
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
