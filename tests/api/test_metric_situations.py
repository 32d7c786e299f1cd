"""Every figure over REST in every situation in which it is undefined: null with its reason, never a crash or a NaN."""

import json

import pytest
from rest_framework.serializers import DateField

from crm.api.metrics_economics import INPUTS
from crm.api.urls import v1
from tests.api.conftest import assert_problem
from tests.situations import SITUATIONS, make_situation, period_choices

ROUTES = [
    str(route.pattern) for route in v1 if str(route.pattern).startswith("metrics/") and "<" not in str(route.pattern)
]
NO_MONEY = {"metrics/relationships/"}
OWN = {"metrics/trend/": {"metric": "revenue"}}
TYPED = {"uplift_kind": "points", "margin_per_customer": "1000", "retention": "0.8"}
# No figures: neighbouring pages, what the question said and where it came from, the night that counts products.
SAID = {"next", "previous", "rule", "products_as_of", "is_capped", *INPUTS}


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def asked(route, situation, filters):
    view = next(one for one in v1 if str(one.pattern) == route).callback.view_class
    fields = view.query().get_fields()
    periods = {name: value for name, value in period_choices(situation).items() if name in fields}
    periods = {n: f"{v}-12-31" if isinstance(fields[n], DateField) else v for n, v in periods.items()}  # two days
    kept = {name: value for name, value in filters.items() if view.query.takes_portfolio or name in fields}
    if route in NO_MONEY:
        kept.pop("currency", None)
    return {**kept, **periods, **OWN.get(route, {})}


def is_said(name, reasons):
    return name in reasons or name in SAID or name.endswith("_source")


def unexplained(answer):
    """Names of the answer that are null without a reason for them, or for what they are part of."""
    reasons = answer.get("reasons") or {}
    return [name for name, value in answer.items() if value is None and not is_said(name, reasons)]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("route", ROUTES)
def test_figure_in_a_situation_without_it_is_null_with_its_reason(admin, route, situation):
    filters = make_situation(situation)

    response = admin.get(f"/api/v1/{route}", asked(route, situation, filters))

    answer = json.loads(response.content, parse_constant=refuse_constant)
    if response.status_code != 200:
        assert response.status_code == 422, answer
        assert answer["detail"]
        return
    assert unexplained(answer) == []
    assert all(str(reason) for reason in (answer.get("reasons") or {}).values())


@pytest.mark.parametrize(
    ("route", "choices", "parameter", "says"),
    [
        ("lifetime", {"discount": "-0.1"}, "discount", "0"),
        ("lifetime", {"discount": "nan"}, "discount", "number"),
        ("lifetime", {"horizon_months": "0"}, "horizon_months", "1"),
        (
            "retention-economics",
            {**TYPED, "retention": "1", "discount": "0"},
            "discount",
            "give a discount or a horizon",
        ),
        ("retention-economics", {**TYPED, "discount": "-0.1"}, "discount", "0"),
        ("retention-economics", {**TYPED, "horizon_years": "0"}, "horizon_years", "1"),
        ("decomposition", {"base": "2024", "comparison": "2023"}, "base", "earlier"),
        ("decomposition", {"base": "2023", "comparison": "2024", "factors": "2"}, "factors", "2"),
        ("forecast", {"horizon_months": "0"}, "horizon_months", "1"),
    ],
)
def test_choice_out_of_its_domain_is_refused_with_the_domain(admin, route, choices, parameter, says):
    body = assert_problem(admin.get(f"/api/v1/metrics/{route}/", choices), 400)

    assert [error["parameter"] for error in body["errors"]] == [parameter]
    assert says in body["errors"][0]["detail"]
