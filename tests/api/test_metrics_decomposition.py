"""What drives revenue, on the wire: shapes, parts that add up, choices and refusals."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_superuser, make_team_member, make_user, post_revenue

PERIODS = {"base": "2023", "comparison": "2024"}
QUERIES = {"decomposition": PERIODS, "doubling": {"period": "2024"}, "directions": PERIODS}
SHARED = {"currency", "passport", "reasons"}
THREE = ["covered_accounts", "active_rate", "revenue_per_active_account"]


def address(question):
    return f"/api/v1/metrics/{question}/"


def ask(client, question, **query):
    response = client.get(address(question), {**QUERIES[question], **query})
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def ledger(db):
    """Three accounts in EUR: one grows, one falls silent, one is new; the first two have an owner."""
    owner = make_user()
    grown, silent = make_account(region="East", owner=owner), make_account(region="West", owner=owner)
    new = make_account(region="East")
    rows = [
        (grown, date(2023, 3, 1), "100.5"), (grown, date(2024, 3, 1), "150.75"), (grown, date(2024, 4, 1), "1"),
        (silent, date(2023, 4, 1), "80"), (new, date(2024, 5, 1), "40.0001"),
    ]  # fmt: skip
    post_revenue(
        [{"account": a, "booked_on": day, "amount": Decimal(text), "currency": "EUR"} for a, day, text in rows]
    )
    return {"grown": grown, "silent": silent, "new": new, "owner": owner}


def test_decomposition_adds_up_to_the_change(admin, ledger):
    answer = ask(admin, "decomposition")

    assert set(answer) == {
        "base_revenue", "comparison_revenue", "change", "effects", "base", "comparison", "totals_effects", "mix", "leaves",
        "movers", "method", "requested_method", "is_fallback", "factors", "by", *SHARED,
    }  # fmt: skip
    assert (answer["base_revenue"], answer["comparison_revenue"], answer["change"]) == (
        "180.5000", "191.7501", "11.2501",
    )  # fmt: skip
    assert answer["base"] == {
        "covered_accounts": 2, "active_rate": 1.0, "revenue_per_active_account": "90.250000000000", "unattributed": "0.0000",
    }  # fmt: skip
    assert (answer["comparison"]["covered_accounts"], answer["comparison"]["active_rate"]) == (3, 2 / 3)
    assert list(answer["effects"]) == [*THREE, "unattributed"]
    assert sum(map(Decimal, answer["effects"].values())) == Decimal(answer["change"])
    assert sum(Decimal(bar["amount"]) for bar in answer["movers"].values()) == Decimal(answer["change"])
    assert (answer["method"], answer["by"], answer["leaves"], answer["mix"], answer["reasons"]) == (
        "shapley", "none", [], {}, {},
    )  # fmt: skip
    assert answer["passport"]["metric"] == "decomposition"


@pytest.mark.parametrize("method", ["shapley", "lmdi"])
@pytest.mark.parametrize("factors", ["3", "4"])
@pytest.mark.parametrize("by", ["owner", "region", "grade", "segment", "industry"])
def test_leaves_add_up_on_the_wire(admin, ledger, method, factors, by):
    answer = ask(admin, "decomposition", method=method, factors=factors, by=by)

    names = THREE if factors == "3" else [*THREE[:2], "order_frequency", "average_order_value"]
    assert (answer["factors"], answer["by"], answer["method"]) == (names, by, method)
    for leaf in answer["leaves"]:
        assert sum(map(Decimal, leaf["effects"].values())) == Decimal(leaf["change"])
    for name in [*names, "unattributed"]:
        added = sum(Decimal(leaf["effects"][name]) for leaf in answer["leaves"])
        assert added == Decimal(answer["effects"][name])
        assert added - Decimal(answer["totals_effects"][name]) == Decimal(answer["mix"][name])


def test_leaves_tell_what_they_lack(admin, ledger):
    leaves = {leaf["key"]: leaf for leaf in ask(admin, "decomposition", by="region")["leaves"]}

    assert leaves["West"]["comparison"]["revenue_per_active_account"] is None
    assert leaves["West"]["reasons"] == {"comparison.revenue_per_active_account": "no account ordered in the period"}


def test_lmdi_says_when_it_gives_way(admin, ledger):
    credit = {"account": ledger["silent"], "booked_on": date(2023, 6, 1), "amount": Decimal(-500), "currency": "EUR"}
    post_revenue([{**credit, "kind": "credit_note"}])

    answer = ask(admin, "decomposition", method="lmdi")

    assert (answer["method"], answer["requested_method"], answer["is_fallback"]) == ("shapley", "lmdi", True)
    assert "below 0" in answer["reasons"]["method"]


def test_doubling_plays_with_the_drivers(admin, ledger):
    answer = ask(admin, "doubling", active_rate="1", target_multiple="1.5")

    assert set(answer) == {
        "revenue", "scenario_revenue", "change", "scenario_multiple", "target_multiple", "target_revenue", "is_reached",
        "equal_factor", "drivers", "without_order", "sleeping", "below_peers", "prior", *SHARED,
    }  # fmt: skip
    assert (answer["revenue"], answer["target_revenue"]) == ("191.7501", "287.6252")
    assert (answer["scenario_revenue"], answer["is_reached"]) == ("287.6252", True)
    rate = answer["drivers"]["active_rate"]
    assert (rate["current"], rate["value"], rate["is_reachable"]) == (2 / 3, 1, True)
    assert rate["needed"] == pytest.approx(1, abs=1e-6)
    assert answer["drivers"]["revenue_per_active_account"]["current"] == "95.875050000000"
    assert sum(Decimal(driver["effect"]) for driver in answer["drivers"].values()) == Decimal(answer["change"])
    assert answer["equal_factor"] == pytest.approx(1.5 ** (1 / 3))
    assert answer["without_order"] == answer["sleeping"] == {"amount": "80.0000", "accounts": 1}
    assert answer["prior"] == {"label": "2023-01-01..2023-12-31", "first_day": "2023-01-01", "last_day": "2023-12-31"}


def test_doubling_without_a_setting_is_the_period_and_twice_it(admin, ledger):
    answer = ask(admin, "doubling")

    assert (answer["scenario_revenue"], answer["scenario_multiple"]) == (answer["revenue"], 1)
    assert (answer["target_multiple"], answer["target_revenue"], answer["is_reached"]) == (2, "383.5002", False)
    assert answer["drivers"]["active_rate"]["is_reachable"] is False


def test_directions_add_up(admin, ledger):
    answer = ask(admin, "directions", by="region")

    lines = ["opening", "horizontal_growth", "vertical_growth", "adjustment"]
    assert set(answer) == {*lines, "closing", "by", "leaves", *SHARED}
    assert answer["horizontal_growth"] == {"amount": "40.0001", "accounts": 1}
    assert answer["vertical_growth"] == {"amount": "-28.7500", "accounts": 2}
    for one in (answer, *answer["leaves"]):
        assert sum(Decimal(one[line]["amount"]) for line in lines) == Decimal(one["closing"]["amount"])
    assert [leaf["key"] for leaf in answer["leaves"]] == ["East", "West"]


@pytest.mark.parametrize("question", QUERIES)
def test_figures_cover_what_the_viewer_may_see(rest, ledger, question):
    teammate = make_user()
    make_team_member(account=ledger["new"], user=teammate)
    seen = []
    for user in (ledger["owner"], teammate, make_user(), make_superuser()):
        answer = ask(rest(user), question)
        seen.append(
            answer["closing"]["amount"] if question == "directions" else answer.get("revenue", answer.get("comparison_revenue"))
        )  # fmt: skip

    assert seen == ["151.7500", "40.0001", "0.0000", "191.7501"]


@pytest.mark.parametrize("question", QUERIES)
def test_account_filters_narrow_and_hidden_accounts_cannot_be_asked_for(admin, rest, ledger, question):
    accounts = ask(admin, question, region="West")["passport"]["accounts"]
    hidden = rest(make_user()).get(address(question), {**QUERIES[question], "account": ledger["new"].pk})

    assert accounts == 1
    assert pointers(assert_problem(hidden, 400)) == ["account"]


@pytest.mark.parametrize("question", QUERIES)
def test_an_empty_ledger_is_an_answer(admin, question):
    answer = ask(admin, question)

    assert {name for name, value in answer.items() if value is None} <= set(answer["reasons"])
    assert answer["passport"]["accounts"] == 0


@pytest.mark.parametrize("question", QUERIES)
def test_a_missing_rate_is_null_with_its_sentence(admin, ledger, question):
    answer = ask(admin, question, currency="USD")

    nulls = {name for name, value in answer.items() if value is None}
    assert nulls <= set(answer["reasons"])
    assert all(sentence.startswith("no rate EUR→USD") for sentence in answer["reasons"].values())
    assert answer["reasons"]


@pytest.mark.parametrize(
    ("question", "name", "value"),
    [
        ("decomposition", "method", "guess"),
        ("decomposition", "factors", "5"),
        ("decomposition", "by", "account"),
        ("decomposition", "by", "\x00"),
        ("decomposition", "base", "2025"),
        ("decomposition", "colour", "red"),
        ("decomposition", "level", "planet"),
        ("directions", "by", "password"),
        ("directions", "method", "lmdi"),
        ("doubling", "period", "soon"),
        ("doubling", "covered_accounts", "-1"),
        ("doubling", "covered_accounts", "1e30"),
        ("doubling", "covered_accounts", "2.5"),
        ("doubling", "active_rate", "1.01"),
        ("doubling", "active_rate", "nan"),
        ("doubling", "active_rate", "inf"),
        ("doubling", "revenue_per_active_account", "-0.01"),
        ("doubling", "revenue_per_active_account", "NaN"),
        ("doubling", "revenue_per_active_account", "9" * 400),
        ("doubling", "target_multiple", "0"),
        ("doubling", "target_multiple", "1001"),
        ("doubling", "target_multiple", "nan"),
    ],
)
def test_bad_choices_are_400_and_named(admin, question, name, value):
    response = admin.get(address(question), {**QUERIES[question], name: value})

    assert pointers(assert_problem(response, 400)) == [name]


@pytest.mark.parametrize("question", QUERIES)
@pytest.mark.parametrize("bound", ["1970", "1970..9998", "9998"])
def test_far_periods_are_answered_or_refused_but_no_fault(admin, ledger, question, bound):
    query = dict.fromkeys(QUERIES[question], bound)

    assert admin.get(address(question), query).status_code in (200, 400)


def test_extreme_drivers_are_no_fault(admin, ledger):
    answer = ask(
        admin, "doubling", covered_accounts=10**9, active_rate="1e-300", revenue_per_active_account=10**12, target_multiple=1000
    )  # fmt: skip

    assert answer["scenario_revenue"] == "0.0000"
    assert ask(admin, "doubling", covered_accounts=10**9, active_rate=1, revenue_per_active_account=10**12)[
        "is_reached"
    ]


@pytest.mark.parametrize("question", QUERIES)
def test_number_of_statements_does_not_grow_with_accounts(admin, question):
    query = {} if question == "doubling" else {"by": "owner"}

    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(admin, question, **query)
        return len(captured)

    post_revenue([{"account": make_account(owner=make_user()), "booked_on": date(2024, 1, 1)}])
    one = statements()
    post_revenue([{"account": make_account(owner=make_user()), "booked_on": date(2024, 1, 1 + n)} for n in range(3)])

    assert statements() == one
