"""Which names are hidden from whom, and what becomes of them."""

import pytest

from accounts.access import Action
from accounts.fields import (
    NAMING,
    OF_MARGIN,
    OPEN_NAMES,
    WORDS,
    Hidden,
    hidden_asked,
    hidden_from,
    is_hidden,
    kind_of,
    read_as,
    without_hidden,
)
from tests.factories import make_account, make_contact, make_revenue, make_user


@pytest.fixture(autouse=True)
def nobody_in_particular():
    read_as(frozenset())
    yield
    read_as(frozenset())


@pytest.mark.parametrize(
    "name", ["cost", "-margin", "ttm_gross_profit", "cost__gte", "clv_high", "payback_months", "CAC"]
)
def test_names_that_follow_from_costs(name):
    assert kind_of(name) is Hidden.MARGIN


@pytest.mark.parametrize("name", ["phone", "email", "notes", "attitude_since", "target_attitude"])
def test_names_of_personal_data(name):
    assert kind_of(name) is Hidden.PERSONAL


@pytest.mark.parametrize("name", ["revenue", "costume", "unit_cost", "name", "growth_rate", ""])
def test_other_names(name):
    assert kind_of(name) is None


def test_words_and_names_are_those_written_down_here():
    """A word that drops out would open what it hid."""
    assert [" ".join(sorted(WORDS[kind])) for kind in Hidden] == [
        "cac clv cost costs ltv margin margins payback profit",
        "attitude email notes phone",
    ]
    assert [kind.value for kind in Hidden] == ["margin", "personal"]
    assert " ".join(sorted(OPEN_NAMES)) == (
        "credit_notes gross_profit_test policy_cost_after policy_cost_before policy_cost_currency unit_cost"
    )
    assert sorted(OF_MARGIN) == ["acquisition", "economics", "lifetime", "margin", "margins", "split"]
    assert " ".join(sorted(NAMING)) == "by column columns factor measure metric ordering sort value"


def test_analysts_see_neither_unless_it_is_given_by_name(db):
    assert hidden_from(make_user(role="analyst")) == {Hidden.MARGIN, Hidden.PERSONAL}
    assert hidden_from(make_user()) == set()
    token = make_user()
    token.scopes = frozenset({Action.ACCOUNT_VIEW, Action.PERSONAL_VIEW})
    assert hidden_from(token) == {Hidden.MARGIN}


def test_hidden_values_are_null_at_any_depth():
    data = {"amount": 1, "cost": 2, "rows": [{"margin": 3, "name": "x"}], "contact": {"phone": "1"}}
    assert without_hidden(data) == data
    read_as(frozenset({Hidden.MARGIN}))
    assert without_hidden(data) == {
        "amount": 1, "cost": None, "rows": [{"margin": None, "name": "x"}], "contact": {"phone": "1"},
    }  # fmt: skip
    assert is_hidden("cost")
    assert not is_hidden("phone")


def test_asking_in_the_order_of_hidden_values_is_found():
    asked = [("ordering", ["-margin"]), ("sort", ["name"]), ("cost__gte", ["1"]), ("q", ["margin"])]
    assert hidden_asked(asked) == []
    read_as(frozenset({Hidden.MARGIN}))
    assert hidden_asked(asked) == ["ordering", "cost__gte"]


def test_an_analyst_gets_no_costs_over_rest(rest, db):
    row = make_revenue(cost=40)
    analyst, director = rest(make_user(role="analyst")), rest(make_user(role="director"))

    one = f"/api/v1/revenue/{row.pk}/"
    assert analyst.get(one).json()["cost"] is None
    assert director.get(one).json()["cost"] == "40.0000"
    assert analyst.get("/api/v1/revenue/").json()["results"][0]["cost"] is None
    assert analyst.get("/api/v1/revenue/", {"ordering": "cost"}).status_code == 400
    assert analyst.get("/api/v1/revenue/export/").status_code == 403
    assert analyst.get("/api/v1/metrics/margins/", {"period": "2024"}).status_code == 403


def test_an_analyst_gets_no_contact(rest, db):
    contact = make_contact(phone="1")
    analyst = rest(make_user(role="analyst"))

    assert analyst.get("/api/v1/contacts/").json()["count"] == 0
    assert analyst.get(f"/api/v1/contacts/{contact.pk}/").status_code == 404
    assert analyst.get("/api/v1/contacts/", {"attitude": "1"}).status_code == 400


def test_pages_hide_them_too(client, db):
    client.force_login(make_user(role="analyst"))

    assert client.get("/accounts/", {"sort": "-margin"}).status_code == 403
    assert client.get("/figures/clv/").status_code == 403
    assert client.get("/metrics/margin/").status_code == 403
    make_account()
    page = client.get("/accounts/").content.decode()
    assert "Lifetime value" not in page
    member = make_user()
    make_account(owner=member)
    client.force_login(member)
    assert "Lifetime value" in client.get("/accounts/").content.decode()
