"""The retention calculator on the wire: names, nulls with reasons, refusals that name the domain, whose accounts."""

from datetime import date
from decimal import Decimal

import pytest

from tests.api.conftest import assert_problem
from tests.factories import make_account, make_team_member, make_user, post_revenue

ADDRESS = "/api/v1/metrics/retention-economics/"
TYPED = {"uplift_kind": "points", "margin_per_customer": "1000", "retention": "0.8"}


def ask(client, **query):
    response = client.get(ADDRESS, query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def ledger(db):
    """Two accounts of 2023, of which one bought again in 2024."""
    owner = make_user()
    kept, lost = make_account(owner=owner, segment="A"), make_account(owner=owner, segment="B")
    rows = [(kept, 2022, 1), (kept, 2023, 100), (kept, 2024, 120), (lost, 2023, 60)]
    post_revenue(
        [{"account": one, "booked_on": date(year, 5, 1), "amount": Decimal(amount)} for one, year, amount in rows]
        + [{"account": kept, "booked_on": date(2024, 12, 31), "amount": Decimal(amount),
            "kind": "invoice" if amount > 0 else "credit_note"} for amount in (1, -1)]
    )  # fmt: skip
    return owner


def test_readings_of_typed_values_to_the_letter(admin):
    answer = ask(admin, **TYPED)

    assert {name: value for name, value in answer.items() if name.startswith("steady_state")} == {
        "steady_state_before": "5000.0000",
        "steady_state_after": "6666.6667",
        "steady_state_break_even_cost": "250.0000",
        "steady_state_lift": pytest.approx(1 / 3),
        "steady_state_claim_true_at": [pytest.approx(0.7833333)],
    }
    assert answer["customer_value_claim_true_at"] == [pytest.approx(0.2212, abs=1e-4), pytest.approx(0.8288, abs=1e-4)]
    assert (answer["first_year_lift"], answer["claimed_cost_share"]) == (pytest.approx(0.0625), pytest.approx(15 / 47))
    assert (answer["uplift_kind"], answer["margin_source"], answer["margin_per_customer"]) == (
        "points",
        "given",
        "1000.0000",
    )
    assert answer["curve"][0].keys() == {
        "retention", "raised_retention", "customer_value_lift", "steady_state_lift", "first_year_lift",
    }  # fmt: skip


def test_without_the_kind_of_uplift_nothing_is_guessed(admin, ledger):
    answer = ask(admin)

    assert (answer["uplift_kind"], answer["customer_value_lift"], answer["curve"]) == (None, None, [])
    assert "points or relative" in answer["reasons"]["customer_value_lift"]
    assert (answer["portfolio_retention"], answer["margin_source"], answer["margin_per_customer"]) == (
        0.5,
        "revenue",
        "120.0000",
    )
    assert (answer["lost_spend_per_account"], answer["lost_word_of_mouth"]) == ("60.000000000000", None)
    assert "referrals" in answer["reasons"]["lost_word_of_mouth"]


@pytest.mark.parametrize(
    ("query", "name", "says"),
    [
        ({**TYPED, "retention": "1", "discount": "0"}, "discount", "retention of 1 has no finite value"),
        ({**TYPED, "retention": "0.2", "uplift": "-0.3"}, "uplift", "below 0"),
        ({**TYPED, "retention": "1.2"}, "retention", "1"),
        ({**TYPED, "discount": "nan"}, "discount", "number"),
        ({**TYPED, "margin_per_customer": "0"}, "margin_per_customer", "0.0001"),
        ({"uplift_kind": "percent"}, "uplift_kind", "percent"),
        ({"horizon_years": "101"}, "horizon_years", "100"),
        ({"margin": "5"}, "margin", "Known"),
    ],
    ids=["endless", "below-zero", "above-one", "nan", "no-margin", "kind", "horizon", "unknown"],
)
def test_outside_the_domain_is_a_problem_that_names_it(admin, query, name, says):
    body = assert_problem(admin.get(ADDRESS, query), 400)

    assert body["type"] == "urn:facet:problem:bad-parameter"
    assert [error["parameter"] for error in body["errors"]] == [name]
    assert says in body["errors"][0]["detail"]


def test_prefill_counts_the_accounts_in_view_and_in_the_filter(rest, ledger):
    member = make_team_member(account=ledger.owned_accounts.get(segment="B"), user=make_user())
    seen = {
        role: ask(rest(user))["portfolio_retention"]
        for role, user in (("owner", ledger), ("teammate", member.user), ("stranger", make_user()))
    }

    assert seen == {"owner": 0.5, "teammate": 0.0, "stranger": None}
    assert ask(rest(ledger), segment="A")["portfolio_retention"] == 1.0
    assert ask(rest(ledger), segment="none")["reasons"]["retention"].startswith("no account had revenue")


def test_typed_values_are_refused_to_nobody_logged_in(rest):
    assert rest().get(ADDRESS, TYPED).status_code == 401
