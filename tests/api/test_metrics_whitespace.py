"""The matrix, suggestions and their rejections over REST: names, whose accounts, refusals, what a rejection does."""

from datetime import date
from decimal import Decimal

import pytest

from metrics.product_rollup import write_account_products
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_product, make_team_member, make_user, post_revenue
from tests.metrics.test_suggestions_service import buy, pairs

__all__ = ["pairs"]  # the fixture
ADDRESS, REJECTIONS = "/api/v1/metrics/whitespace/", "/api/v1/suggestion-rejections/"
DAY = date(2024, 12, 31)


def ask(client, **query):
    response = client.get(ADDRESS, query)
    assert response.status_code == 200, response.content
    return response.json()


def row_of(answer, account):
    return next(row for row in answer["results"] if row["account"] == account.pk)


def test_matrix_and_suggestions_to_the_letter(admin, pairs):
    new, products = pairs

    answer = ask(admin, by="product", account=new.pk)

    assert set(answer) == {
        "currency", "passport", "reasons", "by", "products_as_of", "columns", "owned_cells", "gap_cells", "lost_cells",
        "gap_revenue", "gap_value", "test", "results",
    }  # fmt: skip
    assert (answer["by"], answer["products_as_of"], answer["passport"]["as_of"]) == (
        "product",
        "2024-12-31",
        "2024-12-31",
    )
    assert answer["columns"][0] == {
        "key": str(products["X"].pk), "label": "X", "revenue": "100.0000", "gap_revenue": None, "gap_value": None,
    }  # fmt: skip
    row = answer["results"][0]
    assert (row["account"], row["cells"][0]["status"], row["cells"][0]["spend"]) == (new.pk, "owned", "100.0000")
    assert row["suggestions"][0] == {
        "product": products["Y"].pk, "code": "Y", "name": "Y", "is_related": True, "because": products["X"].pk,
        "joint": 30, "owners": 31, "sentence": "Customers who buy X also buy it: 30 of 31.",
    }  # fmt: skip
    assert answer["test"]["is_better"] is True
    assert answer["test"].keys() == {"accounts", "top", "related", "popular", "is_better", "reason"}


def test_gap_without_a_value_says_why(admin):
    mine, product = make_account(), make_product()
    post_revenue([*buy(mine, make_product()), *buy(make_account(), product)])
    write_account_products(DAY)

    cell = next(cell for cell in row_of(ask(admin, by="product"), mine)["cells"] if cell["status"] == "gap")

    assert (cell["gap_value"], cell["reason"]) == (None, "the account has no segment, so nobody is like it")


def test_before_the_first_night(admin):
    answer = ask(admin)

    assert (answer["results"], answer["products_as_of"], answer["gap_value"]) == ([], None, None)
    assert "there has been none yet" in answer["reasons"]["gap_value"]


def test_a_rejection_takes_the_suggestion_away_until_it_is_withdrawn(admin, pairs):
    new, products = pairs
    body = {"account": new.pk, "product": products["Y"].pk, "reason": "makes it itself"}

    made = admin.post(REJECTIONS, body, format="json")
    without = row_of(ask(admin, account=new.pk), new)["suggestions"]
    again = admin.post(REJECTIONS, body, format="json")
    withdrawn = admin.post(f"{REJECTIONS}{made.json()['id']}/withdraw/")

    assert (made.status_code, made.json()["reason"], made.json()["rejected_by"]) == (201, body["reason"], admin.user.pk)
    assert made.headers["Location"].endswith(f"{REJECTIONS}{made.json()['id']}/")
    assert products["Y"].pk not in [one["product"] for one in without]
    assert_problem(again, 409)
    assert (withdrawn.status_code, withdrawn.json()["withdrawn_by"]) == (200, admin.user.pk)
    assert row_of(ask(admin, account=new.pk), new)["suggestions"][0]["product"] == products["Y"].pk
    assert [one["id"] for one in admin.get(REJECTIONS, {"withdrawn": "true"}).json()["results"]] == [made.json()["id"]]
    assert admin.get(REJECTIONS, {"withdrawn": "false"}).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reason": ""}, "/reason"),
        ({"reason": "x" * 301}, "/reason"),
        ({"product": 0}, "/product"),
        ({"note": 1}, "/note"),
    ],
)
def test_what_cannot_be_rejected_is_named(admin, pairs, change, pointer):
    new, products = pairs
    body = {"account": new.pk, "product": products["Y"].pk, "reason": "no"} | change

    found = assert_problem(admin.post(REJECTIONS, body, format="json"), 400)

    assert pointers(found) == [pointer]


@pytest.mark.parametrize(
    ("query", "name"), [({"by": "colour"}, "by"), ({"rows": "0"}, "rows"), ({"rows": "101"}, "rows")]
)
def test_outside_the_domain_is_a_problem_that_names_it(admin, query, name):
    assert pointers(assert_problem(admin.get(ADDRESS, query), 400)) == [name]


def test_owner_teammate_and_stranger(rest):
    owner, product = make_user(), make_product()
    mine = make_account(owner=owner)
    member = make_team_member(account=mine, user=make_user())
    post_revenue([*buy(mine, product), *buy(make_account(), product)])
    write_account_products(DAY)
    body = {"account": mine.pk, "product": make_product().pk, "reason": "no"}
    seen, sent = {}, {}
    for role, user in (("owner", owner), ("teammate", member.user), ("stranger", make_user())):
        client = rest(user)
        seen[role] = len(ask(client)["results"])
        sent[role] = client.post(REJECTIONS, body | {"product": make_product().pk}, format="json").status_code

    assert seen == {"owner": 1, "teammate": 1, "stranger": 0}
    assert sent == {"owner": 201, "teammate": 201, "stranger": 400}
    assert rest().get(ADDRESS).status_code == 401
    assert len(rest(owner).get(REJECTIONS).json()["results"]) == 2
    assert Decimal(ask(rest(owner))["results"][0]["ttm_revenue"]) == 100
