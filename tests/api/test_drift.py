"""Drift on the wire: the figures of the page, over the accounts the caller may see."""

from datetime import date

import pytest

from tests.api.conftest import assert_problem
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_user

ADDRESS = "/api/v1/tiering/drift/"


def test_drift_compares_nights_over_what_the_caller_sees(rest, admin):
    owner = make_user()
    mine, other = make_account(owner=owner), make_account()
    model = make_scoring_model()
    make_published_run(model, {mine: "general", other: "gold"}, as_of=date(2024, 6, 30))
    make_published_run(model, {mine: "gold", other: "gold"}, as_of=date(2024, 7, 31))

    everything, own = admin.get(ADDRESS), rest(owner).get(ADDRESS, {"model": model.pk})

    assert everything.status_code == 200, everything.content
    body = everything.json()
    assert [(night["as_of"], night["accounts"], night["key_accounts"]) for night in body["nights"]] == [
        ("2024-06-30", 2, 1), ("2024-07-31", 2, 2),
    ]  # fmt: skip
    assert body["nights"][0]["composite"] == [55.5] * 5
    assert body["nights"][0]["incomplete"] == 1.0
    assert {row["index"] for row in body["indicators"]} == {None}
    assert (body["is_whole"], body["is_crowded"], body["has_less_evidence"]) == (True, False, False)
    assert [night["grades"]["gold"] for night in own.json()["nights"]] == [0, 1]


def test_without_a_night_or_a_version_there_is_none(rest):
    client = rest(make_user())

    assert_problem(client.get(ADDRESS), 404)
    model = make_scoring_model()
    for query, status in (
        ({"model": model.pk}, 404),
        ({"model": 999999}, 404),
        ({"model": "x"}, 400),
        ({"grade": "x"}, 400),
    ):
        assert_problem(client.get(ADDRESS, query), status)


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow_with_the_accounts(rest, count, django_assert_num_queries):
    owner = make_user()
    accounts = {make_account(owner=owner): "gold" for _ in range(count)}
    make_published_run(make_scoring_model(), accounts)
    client = rest(owner)
    client.get(ADDRESS)

    with django_assert_num_queries(14):
        assert client.get(ADDRESS).status_code == 200
