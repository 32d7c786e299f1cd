"""Cohorts, sleepers and kinds of customers over REST: names, pages, filters, refusals."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import assert_problem, pointers, told_without
from tests.factories import make_account, make_superuser, make_team_member, make_user, post_revenue

QUESTIONS = ("cohorts", "sleepers", "segments")
SHARED = {"currency", "passport", "reasons"}
PAGED = {"count", "next", "previous", "results"}
AS_OF = date(2024, 12, 31)


def address(question):
    return f"/api/v1/metrics/{question}/"


def ask(client, question, **query):
    response = client.get(address(question), query)
    assert response.status_code == 200, response.content
    return response.json()


def line(account, day, amount=100, **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(str(amount)), "currency": "EUR", **fields}


@pytest.fixture
def ledger(db):
    """One who buys every 20 days, one who did and stopped, one who left in 2023; the ledger ends on 31 Dec 2024."""
    owner = make_user()
    awake = make_account(code="AWAKE", name="Awake", segment="A", owner=owner)
    late = make_account(code="LATE", name="Late", segment="B", owner=owner)
    gone = make_account(code="GONE", name="Gone", segment="A")
    rows = [line(awake, AS_OF - timedelta(days=20 * at), 50, cost=Decimal(20)) for at in range(10)]
    rows += [line(late, AS_OF - timedelta(days=80 + 20 * at), 100, cost=Decimal(20)) for at in range(8)]
    rows += [line(gone, date(2023, 3, 1), 500, cost=Decimal(20)), line(gone, date(2023, 5, 1), 250, cost=Decimal(20))]
    post_revenue(rows)
    return {"awake": awake, "late": late, "gone": gone, "owner": owner}


def test_cohorts_have_their_fields_to_the_letter(admin, ledger):
    answer = ask(admin, "cohorts", interval="year")

    passport = answer.pop("passport")
    assert answer == {
        "interval": "year",
        "share_base": "first_period",
        "placed_accounts": 3,
        "left_out_accounts": 0,
        "cohorts": [
            {
                "period": "2023",
                "first_day": "2023-01-01",
                "last_day": "2023-12-31",
                "accounts": 1,
                "cells": [
                    cell(0, "2023", active=1, active_share=1.0, revenue="750.0000", revenue_share=1.0),
                    cell(1, "2024", active=0, active_share=0.0, revenue="0.0000", revenue_share=0.0),
                ],
            },
            {
                "period": "2024",
                "first_day": "2024-01-01",
                "last_day": "2024-12-31",
                "accounts": 2,
                "cells": [cell(0, "2024", active=2, active_share=1.0, revenue="1300.0000", revenue_share=1.0)],
            },
        ],
        "pooled": [
            {"age": 0, "accounts": 3, "active_share": 1.0, "revenue_share": 1.0, "reason": ""},
            {"age": 1, "accounts": 1, "active_share": 0.0, "revenue_share": 0.0, "reason": ""},
        ],
        "next_active_share": 0.0,
        "next_revenue_share": 0.0,
        "year_active_share": 0.0,
        "year_revenue_share": 0.0,
        "currency": "EUR",
        "reasons": {},
    }
    assert (passport["metric"], passport["accounts"], passport["as_of"]) == ("cohorts", 3, "2024-12-31")


def cell(age, period, **fields):
    return {"age": age, "period": period, "is_finished": True, "reason": "", **fields}


def test_cells_that_are_not_over_are_marked_and_null(admin, ledger):
    answer = ask(admin, "cohorts", interval="quarter", as_of="2024-12-30")

    last = [one["cells"][-1] for one in answer["cohorts"]]
    assert {one["is_finished"] for one in last} == {False}
    assert {one["reason"] for one in last} == {"the period is not over at the as-of date"}
    assert all(one[name] is None for one in last for name in ("active", "active_share", "revenue", "revenue_share"))


def test_share_base_leaves_the_first_period_null_with_its_reason(admin, ledger):
    answer = ask(admin, "cohorts", interval="year", share_base="first_full_period")

    assert [one["revenue_share"] for one in answer["cohorts"][0]["cells"]] == [None, None]
    assert answer["cohorts"][0]["cells"][0]["reason"] == "revenue shares count from the first full period"
    assert answer["reasons"]["next_revenue_share"]


def test_sleepers_come_with_what_is_at_stake_largest_first(admin, ledger):
    answer = ask(admin, "sleepers")

    assert set(answer) == {
        "watched_accounts", "sleeping_accounts", "late_accounts", "churned_accounts", "no_rhythm_accounts",
        "sleeping_share", "money_at_stake", "late_money", "churned_money", *PAGED, *SHARED,
    }  # fmt: skip
    assert (answer["watched_accounts"], answer["late_accounts"], answer["churned_accounts"]) == (3, 1, 1)
    assert (answer["money_at_stake"], answer["count"], answer["next"]) == ("1550.0000", 2, None)
    assert answer["results"][0] == {
        "account": ledger["late"].pk,
        "code": "LATE",
        "name": "Late",
        "members": 1,
        "state": "late",
        "next_step": "offer",
        "last_order_on": "2024-10-12",
        "days_silent": 80.0,
        "usual_interval": 20.0,
        "rhythm": 4.0,
        "ttm_revenue": "800.0000",
        "prior_ttm_revenue": "0.0000",
        "money_at_stake": "800.0000",
    }
    assert [row["code"] for row in answer["results"]] == ["LATE", "GONE"]
    assert (answer["results"][1]["usual_interval"], answer["results"][1]["rhythm"]) == (None, None)


def test_segments_count_and_list_the_accounts(admin, ledger):
    answer = ask(admin, "segments")

    assert set(answer) == {
        "measure", "scored_accounts", "unscored_accounts", "is_few", "segments", "bands", "axes", "high_value_accounts",
        "high_value_share", "stable_accounts", "stable_profitable_accounts", *PAGED, *SHARED,
    }  # fmt: skip
    assert (answer["measure"], answer["scored_accounts"], answer["is_few"]) == ("gross_profit", 3, True)
    assert sum(one["accounts"] for one in answer["segments"]) == 3
    assert [(one["band"], one["action"], one["accounts"]) for one in answer["bands"]] == [
        ("high", "focus", 1),
        ("mid", "cultivate", 1),
        ("low", "reassess", 1),
    ]
    late, awake, gone = answer["results"]
    assert (late["code"], late["band"], late["revenue"], late["profit"]) == ("LATE", "high", "800.0000", "640.0000")
    assert (awake["recency"], awake["frequency"], awake["monetary"]) == (5, 5, 3)
    assert (awake["stability"], awake["is_stable"], awake["is_stable_profitable"]) == (1.0, True, True)
    assert (gone["stability"], gone["orders"], gone["segment"]) == (None, 0, "lost")
    by_quarter = ask(admin, "segments", period="2024-Q4")
    assert by_quarter["passport"]["comparison"]["label"] == "2024-Q4"


@pytest.mark.parametrize("question", ["sleepers", "segments"])
def test_accounts_come_a_page_at_a_time(admin, ledger, question):
    whole = ask(admin, question)
    first = ask(admin, question, page_size=1)
    second = admin.get(first["next"]).json()

    assert (first["previous"], second["count"]) == (None, whole["count"])
    assert [*first["results"], *second["results"]] == whole["results"][:2]
    assert second["previous"].endswith("page=1&page_size=1")
    assert_problem(admin.get(address(question), {"page": 9}), 404)
    assert ask(admin, question, page_size=9999)["count"] == whole["count"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_figures_cover_what_the_viewer_may_see(rest, ledger, question):
    teammate = make_user()
    make_team_member(account=ledger["gone"], user=teammate)

    seen = {
        name: ask(rest(user), question)["passport"]["accounts"]
        for name, user in (
            ("owner", ledger["owner"]), ("teammate", teammate), ("stranger", make_user()), ("admin", make_superuser()),
        )
    }  # fmt: skip

    assert seen == {"owner": 2, "teammate": 1, "stranger": 0, "admin": 3}


@pytest.mark.parametrize("question", QUESTIONS)
def test_account_filters_and_level_narrow_every_question(admin, ledger, question):
    ledger["late"].parent = ledger["awake"]
    ledger["late"].save()

    assert ask(admin, question, segment="A")["passport"]["accounts"] == 2
    assert ask(admin, question, grade="gold")["passport"]["accounts"] == 0
    grouped = ask(admin, question, level="group")["passport"]
    assert (grouped["level"], grouped["accounts"]) == ("group", 2)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_hidden_account_cannot_be_asked_about(rest, ledger, question):
    stranger = rest(make_user())
    hidden = stranger.get(address(question), {"account": ledger["late"].pk})
    missing = stranger.get(address(question), {"account": 10**9})
    told = [assert_problem(response, 400) for response in (hidden, missing)]

    assert pointers(told[0]) == ["account"]
    assert told_without(told[0], ledger["late"].pk) == told_without(told[1], 10**9)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_empty_ledger_is_an_answer(admin, question):
    answer = ask(admin, question)

    assert {name for name, value in answer.items() if value is None} - {"next", "previous"} <= set(answer["reasons"])


@pytest.mark.parametrize("question", QUESTIONS)
def test_missing_rate_is_null_with_its_reason(admin, ledger, question):
    answer = ask(admin, question, currency="USD", **({"interval": "year"} if question == "cohorts" else {}))

    field = {"cohorts": "next_revenue_share", "sleepers": "money_at_stake", "segments": "high_value_share"}[question]
    assert (answer["currency"], answer[field]) == ("USD", None)
    assert answer["reasons"][field].startswith("no rate EUR→USD for 202")


@pytest.mark.parametrize(
    ("question", "name", "value"),
    [
        *((question, name, value) for question in QUESTIONS for name, value in (
            ("level", "planet"), ("currency", "euro"), ("colour", "red"), ("as_of", "31/02/2011"), ("as_of", "9999-12-31"),
            ("owner", "0"), ("basis", "guessed"), ("segment", "\x00"),
        )),
        ("cohorts", "interval", "week"),
        ("cohorts", "share_base", "2023"),
        ("cohorts", "page", "1"),
        ("cohorts", "period", "2024"),
        ("sleepers", "page", "0"),
        ("sleepers", "page_size", "x"),
        ("segments", "page", "-1"),
        ("segments", "period", "soon"),
    ],
)  # fmt: skip
def test_bad_choices_are_400_and_named(admin, question, name, value):
    assert pointers(assert_problem(admin.get(address(question), {name: value}), 400)) == [name]


def test_too_many_periods_are_400_with_the_way_out(admin, ledger):
    problem = assert_problem(admin.get(address("cohorts"), {"interval": "month", "as_of": "2199-01-01"}), 400)

    assert pointers(problem) == ["interval"]
    assert "choose a longer interval" in problem["detail"]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("as_of", ["1970-01-01", "2023-03-01", "2199-12-31"])
def test_far_days_are_answered_or_refused_but_no_fault(admin, ledger, question, as_of):
    assert admin.get(address(question), {"as_of": as_of}).status_code in (200, 400)


@pytest.mark.parametrize("question", QUESTIONS)
def test_number_of_statements_does_not_grow_with_accounts(admin, question):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(admin, question)
        return len(captured)

    make_sales(1)
    one = statements()
    make_sales(3)

    assert statements() == one


def make_sales(accounts):
    days = [date(2023, 1, 1), date(2023, 2, 1), date(2023, 3, 1), date(2023, 4, 1), date(2024, 6, 1)]
    post_revenue([line(make_account(), day, number + 1) for number in range(accounts) for day in days])
