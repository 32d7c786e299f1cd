"""The wire around the figures: names, forms, filters and refusals. That the figures are right is tested with them."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import assert_problem, pointers, told_without
from tests.factories import make_account, make_rate, make_superuser, make_team_member, make_user, post_revenue

PERIODS = {"base": "2023", "comparison": "2024"}
QUERIES = {
    "growth": PERIODS,
    "bridge": PERIODS,
    "retention": PERIODS,
    "activity": {"period": "2024"},
    "concentration": {"period": "2024"},
    "lifetime": {},
    "trend": {"metric": "revenue", "from": "2023-01", "to": "2024-12"},
}
PASSPORT = {
    "metric",
    "version",
    "base",
    "comparison",
    "basis",
    "credit_notes",
    "level",
    "membership",
    "as_of",
    "accounts",
    "flags",
}
SHARED = {"currency", "passport", "reasons"}


def address(question):
    return f"/api/v1/metrics/{question}/"


def ask(client, question, **query):
    response = client.get(address(question), {**QUERIES[question], **query})
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def ledger(db):
    """Three accounts in EUR: one grows, one shrinks, one is new; and a group of the first two."""
    owner = make_user()
    root = make_account(segment="A", region="East", industry="Steel", owner=owner)
    child = make_account(segment="B", parent=root, owner=owner)
    new = make_account(segment="A")
    rows = [
        (root, date(2022, 12, 1), "0.0001"),
        (root, date(2023, 3, 1), "100.5"),
        (root, date(2024, 3, 1), "150.75"),
        (child, date(2023, 4, 1), "80"),
        (child, date(2024, 4, 1), "30.0001"),
        (new, date(2024, 5, 1), "40"),
        (new, date(2024, 6, 1), "41"),
    ]
    post_revenue(
        [{"account": a, "booked_on": day, "amount": Decimal(amount), "currency": "EUR"} for a, day, amount in rows]
    )
    return {"root": root, "child": child, "new": new, "owner": owner}


def test_growth_has_its_fields_to_the_letter(admin, ledger):
    answer = ask(admin, "growth")

    passport = answer.pop("passport")
    assert answer == {
        "cohort_accounts": 2,
        "base_revenue": "180.5000",
        "comparison_revenue": "180.7501",
        "growth_rate": pytest.approx(0.2501 / 180.5, rel=1e-12),
        "total_base_revenue": "180.5000",
        "total_comparison_revenue": "261.7501",
        "overall_growth_rate": pytest.approx(81.2501 / 180.5, rel=1e-12),
        "constant_growth_rate": answer["growth_rate"],
        "constant_comparison_revenue": "180.7501",
        "cohort_fx_effect": "0.0000",
        "constant_overall_growth_rate": answer["overall_growth_rate"],
        "total_constant_comparison_revenue": "261.7501",
        "fx_effect": "0.0000",
        "missing_rates": [],
        "currency": "EUR",
        "reasons": {},
    }
    assert set(passport) == PASSPORT
    assert passport["base"] == {"label": "2023", "first_day": "2023-01-01", "last_day": "2023-12-31"}
    assert (passport["metric"], passport["basis"], passport["level"], passport["accounts"]) == (
        "growth",
        "invoiced",
        "entity",
        3,
    )


def test_bridge_adds_up(admin, ledger):
    answer = ask(admin, "bridge")

    lines = ["expansion", "contraction", "churned", "new", "reactivated", "adjustment"]
    rates = {
        "constant_growth_rate",
        "constant_overall_growth_rate",
        "constant_lines",
        "fx_effect",
        "missing_rates",
        "churn_split",
    }
    assert set(answer) == {*lines, "opening", "closing", "new_in_comparison", "new_between", *rates, *SHARED}
    assert answer["constant_lines"] == {line: answer[line] for line in lines}
    assert answer["fx_effect"] == {"amount": "0.0000", "accounts": 0}
    assert answer["expansion"] == {"amount": "50.2500", "accounts": 1}
    assert answer["contraction"] == {"amount": "-49.9999", "accounts": 1}
    assert answer["new"] == {"amount": "81.0000", "accounts": 1}
    assert answer["churned"]["amount"] == "0.0000"
    total = sum(Decimal(answer[line]["amount"]) for line in ["opening", *lines])
    assert total == Decimal(answer["closing"]["amount"]) == Decimal("261.7501")


def test_retention(admin, ledger):
    answer = ask(admin, "retention")

    assert set(answer) == {
        "cohort_accounts",
        "retained_accounts",
        "logo_retention",
        "gross_revenue_retention",
        "net_revenue_retention",
        *SHARED,
    }
    assert (answer["cohort_accounts"], answer["retained_accounts"], answer["logo_retention"]) == (2, 2, 1.0)
    assert answer["gross_revenue_retention"] == pytest.approx(130.5001 / 180.5, rel=1e-12)


def test_activity_gives_averages_of_money_with_12_decimals(admin, ledger):
    answer = ask(admin, "activity")

    asked = ["covered_accounts", "active_accounts", "active_rate", "orders", "average_order_value"]
    asked += ["revenue_per_active_account", "revenue", "repeat_rate"]
    assert set(asked) | SHARED <= set(answer)
    assert (answer["covered_accounts"], answer["active_accounts"], answer["orders"]) == (3, 3, 4)
    assert (answer["revenue"], answer["average_order_value"]) == ("261.7501", "65.437525000000")
    assert answer["revenue_per_active_account"] == "87.250033333333"
    assert answer["repeat_rate"] == pytest.approx(1 / 3)


def test_concentration(admin, ledger):
    answer = ask(admin, "concentration")

    asked = ["accounts", "total", "top_1_share", "top_5_share", "top_10_share", "top_20_percent_share"]
    asked += ["hhi", "effective_accounts", "gini", "abc"]
    assert set(asked) | SHARED <= set(answer)
    assert (answer["accounts"], answer["total"]) == (3, "261.7501")
    assert answer["top_1_share"] == pytest.approx(150.75 / 261.7501)
    assert sum(answer["abc"].values()) == 3
    assert sum(Decimal(part) for part in answer["abc_revenue"].values()) == Decimal("261.7501")


def test_lifetime_is_honest_about_too_little_data(admin, ledger):
    answer = ask(admin, "lifetime")

    asked = ["method", "time_unit", "parameters", "log_likelihood", "accounts", "clv", "expected_revenue"]
    assert set(asked) | SHARED <= set(answer)
    assert [answer[name] for name in ("method", "parameters", "log_likelihood", "clv")] == [None] * 4
    for name in ("method", "parameters", "log_likelihood", "clv"):
        assert "insufficient data" in answer["reasons"][name]
    assert (answer["time_unit"], answer["horizon_months"], answer["discount"]) == ("weeks", 36, 0.1)


def test_trend_is_a_series(admin, ledger):
    answer = ask(admin, "trend", interval="quarter", to="2024-06-30")

    assert set(answer) == {"metric", "interval", "points", *SHARED}
    assert [point["period"] for point in answer["points"]][:2] == ["2023-Q1", "2023-Q2"]
    assert answer["points"][0] == {
        "period": "2023-Q1",
        "first_day": "2023-01-01",
        "last_day": "2023-03-31",
        "value": "100.5000",
    }
    averages = ask(admin, "trend", metric="average_order_value", to="2024-03")
    assert averages["points"][-1]["value"] == "150.750000000000"
    assert ask(admin, "trend", metric="orders", to="2024-03")["points"][-1]["value"] == 1


def test_trend_gives_the_reason_beside_each_hole(admin, ledger):
    answer = ask(admin, "trend", metric="growth_rate", to="2024-12")

    holes = {point["period"] for point in answer["points"] if point["value"] is None}
    assert holes
    assert set(answer["reasons"]) == holes


@pytest.mark.parametrize("question", QUERIES)
def test_every_answer_carries_currency_reasons_and_passport(admin, ledger, question):
    answer = ask(admin, question)

    assert set(answer) >= SHARED
    assert set(answer["passport"]) == PASSPORT
    assert answer["passport"]["as_of"] == "2024-06-01"


@pytest.mark.parametrize("question", QUERIES)
def test_an_empty_ledger_is_an_answer(admin, question):
    answer = ask(admin, question)

    nulls = {name for name, value in answer.items() if value is None}
    assert nulls <= set(answer["reasons"]) | {"spend_log_likelihood", "correlation", "abc", "abc_share"}


def test_what_is_undefined_is_null_with_a_sentence(admin):
    answer = ask(admin, "growth")

    assert (answer["growth_rate"], answer["overall_growth_rate"]) == (None, None)
    rates = {"growth_rate", "overall_growth_rate", "constant_growth_rate", "constant_overall_growth_rate"}
    assert set(answer["reasons"]) == rates
    assert answer["base_revenue"] == "0.0000"


def test_account_filters_narrow_every_question(admin, ledger):
    root, child, new, owner = (ledger[name] for name in ("root", "child", "new", "owner"))

    def accounts(**query):
        return Decimal(ask(admin, "activity", **query)["revenue"])

    assert accounts(segment="A") == Decimal("231.75")
    assert accounts(region="East") == accounts(industry="Steel") == Decimal("150.75")
    assert accounts(owner=owner.pk) == accounts(group=root.pk) == Decimal("180.7501")
    assert accounts(account=new.pk) == 81
    assert accounts(account=[child.pk, new.pk]) == Decimal("111.0001")
    assert accounts(grade="not_graded") == Decimal("261.7501")
    assert accounts(grade="gold") == 0


def test_level_group_gathers_the_tree(admin, ledger):
    answer = ask(admin, "growth", level="group")

    assert (answer["cohort_accounts"], answer["passport"]["level"]) == (1, "group")


def test_figures_cover_what_the_viewer_may_see(rest, ledger):
    teammate = make_user()
    make_team_member(account=ledger["new"], user=teammate)

    assert ask(rest(ledger["owner"]), "activity")["revenue"] == "180.7501"
    assert ask(rest(teammate), "activity")["revenue"] == "81.0000"
    assert ask(rest(make_user()), "activity")["revenue"] == "0.0000"
    assert ask(rest(make_superuser()), "activity")["revenue"] == "261.7501"


@pytest.mark.parametrize("question", QUERIES)
def test_a_hidden_account_cannot_be_asked_about(rest, ledger, question):
    stranger = rest(make_user())

    for name in ("account", "group"):
        hidden = stranger.get(address(question), {**QUERIES[question], name: ledger["root"].pk})
        missing = stranger.get(address(question), {**QUERIES[question], name: 10**9})
        told = [assert_problem(response, 400) for response in (hidden, missing)]
        assert pointers(told[0]) == [name]
        assert told_without(told[0], ledger["root"].pk) == told_without(told[1], 10**9)


def test_currency_asked_for_needs_its_rates(admin, ledger):
    without = ask(admin, "growth", currency="USD")
    for year in (2023, 2024):
        for month in range(1, 13):
            make_rate(
                from_currency="EUR", to_currency="USD", valid_on=date(year, month, 1), rate=2, kind="month_average"
            )
    translated = ask(admin, "growth", currency="USD")

    assert (without["currency"], without["base_revenue"], without["growth_rate"]) == ("USD", None, None)
    assert without["reasons"]["base_revenue"].startswith("no rate EUR→USD for 2023-03")
    assert (translated["currency"], translated["base_revenue"]) == ("USD", "361.0000")


@pytest.mark.parametrize("question", QUERIES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "planet"),
        ("basis", "guessed"),
        ("currency", "euro"),
        ("currency", "\x00"),
        ("owner", "0"),
        ("grade", "platinum"),
        ("colour", "red"),
        ("page", "1"),
    ],
)
def test_bad_choices_are_400_and_named(admin, question, name, value):
    response = admin.get(address(question), {**QUERIES[question], name: value})

    assert pointers(assert_problem(response, 400)) == [name]


@pytest.mark.parametrize(
    "text", ["", "2011-13", "soon", "ttm", "2011..2010", "FY", "９９９９", "\x00", "9999", "1969", "x" * 999]
)
def test_a_period_that_cannot_be_read_names_the_accepted_forms(admin, text):
    response = admin.get(address("activity"), {"period": text})

    assert pointers(assert_problem(response, 400)) == ["period"]


def test_accepted_forms_are_named(admin):
    problem = assert_problem(admin.get(address("growth"), {"base": "soon", "comparison": "2024"}), 400)

    for form in ("2011-Q2", "2010-12..2011-05", "ttm@2011-11", "FY2011"):
        assert form in problem["detail"]


def test_missing_and_overlapping_periods_are_400(admin):
    assert pointers(assert_problem(admin.get(address("growth")), 400)) == ["base", "comparison"]
    overlapping = admin.get(address("growth"), {"base": "2023", "comparison": "2023-12"})
    assert pointers(assert_problem(overlapping, 400)) == ["base"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon_months", "0"),
        ("horizon_months", "121"),
        ("horizon_months", "x"),
        ("discount", "-0.1"),
        ("discount", "1.1"),
        ("discount", "nan"),
        ("discount", "inf"),
        ("as_of", "31/02/2011"),
        ("as_of", "0001-01-01"),
        ("as_of", "9999-12-31"),
    ],
)
def test_an_outlook_has_bounds(admin, name, value):
    account = make_account()

    assert pointers(assert_problem(admin.get(address("lifetime"), {name: value}), 400)) == [name]
    assert pointers(assert_problem(admin.get(f"/api/v1/accounts/{account.pk}/metrics/", {name: value}), 400)) == [name]


@pytest.mark.parametrize(
    "query", [{"metric": "luck"}, {}, {"metric": "revenue", "interval": "week"}, {"metric": "revenue", "from": "x"}]
)
def test_a_trend_needs_a_known_metric_interval_and_range(admin, query):
    assert_problem(admin.get(address("trend"), query), 400)


def test_a_trend_that_ends_before_it_begins_is_400(admin, ledger):
    query = {"metric": "revenue", "from": "2024-06", "to": "2023-01"}

    assert pointers(assert_problem(admin.get(address("trend"), query), 400)) == ["from"]


@pytest.mark.parametrize("question", QUERIES)
@pytest.mark.parametrize("bound", ["1970", "1970..9998", "9998"])
def test_far_periods_are_answered_or_refused_but_no_fault(admin, ledger, question, bound):
    query = {name: bound for name in QUERIES[question] if name in {"period", "base", "comparison", "from", "to"}}

    response = admin.get(address(question), {**QUERIES[question], **query})

    assert response.status_code in (200, 400)


def test_every_figure_of_one_account(admin, rest, ledger):
    path = f"/api/v1/accounts/{ledger['root'].pk}/metrics/"

    answer = admin.get(path, {"as_of": "2024-12-31"}).json()

    assert (answer["ttm_revenue"], answer["prior_ttm_revenue"], answer["currency"]) == ("150.7500", "100.5000", "EUR")
    assert answer["growth_rate"] == pytest.approx(0.5)
    assert {"clv", "p_alive", "expected_revenue", *SHARED} <= set(answer)
    assert answer["passport"]["as_of"] == "2024-12-31"
    nulls = {name for name, value in answer.items() if value is None}
    assert nulls <= set(answer["reasons"])
    assert_problem(rest(make_user()).get(path), 404)
    assert pointers(assert_problem(admin.get(path, {"segment": "A"}), 400)) == ["segment"]


@pytest.mark.parametrize("question", QUERIES)
def test_number_of_statements_does_not_grow_with_accounts(admin, question):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(admin, question)
        return len(captured)

    make_sales(1)
    one = statements()
    make_sales(2)

    assert statements() == one


def make_sales(accounts):
    post_revenue([{"account": make_account(), "booked_on": date(2024, 1, 1 + number)} for number in range(accounts)])


def test_credit_notes_count_in_the_period_that_is_asked_for(admin, db):
    account = make_account()
    post_revenue(
        [
            {"account": account, "booked_on": date(2023, 3, 1), "reference": "I-1", "amount": Decimal(100)},
            {"account": account, "booked_on": date(2024, 3, 1), "reference": "I-2", "amount": Decimal(80)},
            {"account": account, "booked_on": date(2024, 4, 1), "reference": "C-1", "kind": "credit_note",
             "credits_reference": "I-1", "amount": Decimal(-40)},
        ]
    )  # fmt: skip
    booked, restated = ask(admin, "growth"), ask(admin, "growth", credit_notes="restated")

    assert (booked["base_revenue"], booked["comparison_revenue"]) == ("100.0000", "40.0000")
    assert (restated["base_revenue"], restated["comparison_revenue"]) == ("60.0000", "80.0000")
    assert (booked["passport"]["credit_notes"], restated["passport"]["credit_notes"]) == ("booked", "restated")
    assert_problem(admin.get(address("growth"), {**PERIODS, "credit_notes": "moved"}), 400)


def test_a_basis_without_records_is_null_with_its_reason(admin, ledger):
    answer = ask(admin, "growth", basis="cash")

    assert answer["growth_rate"] is None
    assert "Cash" in answer["reasons"]["growth_rate"]
    assert answer["passport"]["basis"] == "cash"
