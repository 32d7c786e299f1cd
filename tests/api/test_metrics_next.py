"""Forecast and risk of decline over REST: names, nulls with reasons, pages, refusals, whose accounts."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from metrics.models import AccountFigures
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_team_member, make_user, post_revenue
from tests.metrics.test_forecast_service import growing, sell_monthly

AS_OF = date(2024, 12, 31)


def ask(client, question, **query):
    response = client.get(f"/api/v1/metrics/{question}/", query)
    assert response.status_code == 200, response.content
    return response.json()


def rhythm(account, *, silent, times=10, amount=100):
    post_revenue(
        [
            {"account": account, "booked_on": AS_OF - timedelta(days=silent + 20 * at), "amount": Decimal(amount)}
            for at in range(times)
        ]
    )


@pytest.fixture
def ledger(db):
    owner = make_user()
    sell_monthly(make_account(code="BIG", region="North", owner=owner), growing())
    sell_monthly(make_account(code="NEW", region="South"), [5] * 6, first=date(2024, 7, 1))
    post_revenue(
        [
            {"account": make_account(), "booked_on": AS_OF, "amount": Decimal(1)},
        ]
    )
    return owner


def test_forecast_to_the_letter(admin, ledger):
    answer = ask(admin, "forecast", by="region", horizon_months="6")

    assert set(answer) == {
        "currency", "passport", "reasons", "horizon_months", "coverage", "by", "whole", "leaves",
    }  # fmt: skip
    assert (answer["horizon_months"], answer["coverage"], answer["by"]) == (6, 0.8, "region")
    whole = answer["whole"]
    assert (whole["is_shown"], whole["reason"], whole["method"]) == (True, "", "holt_winters")
    assert [month["month"] for month in whole["months"]] == [f"2025-0{number}" for number in range(1, 7)]
    assert whole["months"][0].keys() == {"month", "value", "low", "high"}
    assert Decimal(whole["forecast_revenue"]) == sum(Decimal(month["value"]) for month in whole["months"])
    assert whole["mase"] < whole["baseline_mase"]
    assert len(whole["past"]) == 24
    assert [(leaf["key"], leaf["is_shown"]) for leaf in answer["leaves"]] == [
        ("North", True), ("South", False), ("", False),
    ]  # fmt: skip
    assert "22 are needed" in answer["leaves"][1]["reason"]
    assert (answer["passport"]["metric"], answer["passport"]["comparison"]["first_day"]) == ("forecast", "2025-01-01")


def test_what_is_not_shown_is_null_with_its_reason(admin, ledger):
    answer = ask(admin, "forecast", region="South")

    assert (answer["whole"]["forecast_revenue"], answer["whole"]["method"], answer["whole"]["months"]) == (
        None,
        None,
        [],
    )
    assert answer["reasons"]["forecast_revenue"].startswith("insufficient data: 6 complete months")


@pytest.mark.parametrize(
    ("question", "query", "name"),
    [
        ("forecast", {"horizon_months": "0"}, "horizon_months"),
        ("forecast", {"horizon_months": "25"}, "horizon_months"),
        ("forecast", {"by": "colour"}, "by"),
        ("forecast", {"page": "2"}, "page"),
        ("decline", {"page": "0"}, "page"),
        ("decline", {"as_of": "1900-01-01"}, "as_of"),
        ("decline", {"points": "5"}, "points"),
    ],
)
def test_outside_the_domain_is_a_problem_that_names_it(admin, question, query, name):
    body = assert_problem(admin.get(f"/api/v1/metrics/{question}/", query), 400)

    assert pointers(body) == [name]


def test_decline_lists_named_contributions_most_at_risk_first(admin):
    for code, silent, alive in (("CALM", 0, 0.9), ("RISK", 110, 0.1), ("WATCH", 50, 0.5)):
        account = make_account(code=code)
        rhythm(account, silent=silent)
        AccountFigures.objects.create(account=account, as_of=AS_OF, currency="CNY", p_alive=alive)

    answer = ask(admin, "decline")
    second = ask(admin, "decline", page_size="2", page="2")

    assert [row["code"] for row in answer["results"]] == ["RISK", "WATCH", "CALM"]
    assert (answer["count"], answer["order_by"], answer["at_risk_accounts"]) == (3, "points", 1)
    risk = answer["results"][0]
    assert risk["contributions"] == {
        "rhythm": 30.0, "chance_gone": pytest.approx(27), "revenue_trend": None, "breadth_loss": None,
    }  # fmt: skip
    assert risk["points"] == pytest.approx(57)
    assert (risk["band"], risk["rhythm"], risk["money_at_stake"]) == ("high", 5.5, "1000.0000")
    assert answer["at_risk_money"] == "1000.0000"
    assert [row["code"] for row in second["results"]] == ["CALM"]
    assert "page=1" in second["previous"]
    assert answer["backtest"]["points"] is None
    assert "two years" in answer["backtest"]["reason"]
    assert_problem(admin.get("/api/v1/metrics/decline/", {"page": "9"}), 404)


def test_only_accounts_in_view_are_counted(rest, ledger):
    mine = make_account(code="MINE", owner=ledger)
    rhythm(mine, silent=50)
    member = make_team_member(account=mine, user=make_user())

    seen = {
        name: (ask(rest(user), "decline")["count"], ask(rest(user), "forecast")["passport"]["accounts"])
        for name, user in (("owner", ledger), ("teammate", member.user), ("stranger", make_user()))
    }

    assert seen == {"owner": (2, 2), "teammate": (1, 1), "stranger": (0, 0)}
    assert rest().get("/api/v1/metrics/forecast/").status_code == 401


def test_query_count_does_not_grow_with_accounts(admin, ledger):
    counts = []
    for _ in range(2):
        for _ in range(2):
            rhythm(make_account(), silent=30)
        for question in ("forecast", "decline"):
            ask(admin, question)
            with CaptureQueriesContext(connection) as queries:
                ask(admin, question)
            counts.append(len(queries))

    assert counts[:2] == counts[2:]
