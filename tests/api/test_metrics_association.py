"""Rules over REST: names, pages, the accounts behind a rule, whose accounts, refusals."""

import pytest

from accounts.models import Account
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_team_member, make_user
from tests.metrics.test_association_service import strong

__all__ = ["strong"]  # the fixture
ADDRESS, ACCOUNTS = "/api/v1/metrics/association/", "/api/v1/metrics/association/accounts/"


def ask(client, address=ADDRESS, **query):
    response = client.get(address, query)
    assert response.status_code == 200, response.content
    return response.json()


def test_rules_to_the_letter(admin, strong):
    _accounts, a, b, _c = strong

    answer = ask(admin, page_size="1")

    assert set(answer) == {
        "currency", "passport", "reasons", "products_as_of", "customers", "tested_products", "left_out_products",
        "tested_pairs", "met_rules", "shown_rules", "count", "next", "previous", "results",
    }  # fmt: skip
    assert (answer["count"], answer["tested_pairs"], answer["met_rules"], answer["customers"]) == (2, 3, 6, 60)
    assert answer["next"].endswith("page_size=1&page=2") or answer["next"].endswith("page=2&page_size=1")
    assert answer["previous"] is None
    rule = answer["results"][0]
    assert rule["antecedent"] == {"product": a.pk, "code": "A", "name": "A"}
    assert (rule["consequent"]["product"], rule["joint"], rule["confidence"]) == (b.pk, 11, 11 / 12)
    assert set(rule) == {
        "antecedent", "consequent", "antecedent_owners", "consequent_owners", "joint", "support", "confidence", "lift",
        "leverage", "p_value", "adjusted_p_value",
    }  # fmt: skip
    assert [one["antecedent"]["code"] for one in ask(admin, page_size="1", page="2")["results"]] == ["B"]
    assert ask(admin, product=a.pk, order="leverage")["count"] == 2


def test_accounts_behind_a_rule(admin, strong):
    accounts, a, b, _c = strong

    answer = ask(admin, ACCOUNTS)

    assert (answer["count"], answer["missing_accounts"], answer["turned_down"]) == (1, 1, 0)
    assert answer["rule"]["antecedent"]["product"] == a.pk
    assert answer["results"] == [{
        "account": accounts[0].pk, "code": accounts[0].code, "name": "K00", "members": 1, "antecedent_revenue": "250.5000",
        "antecedent_last_on": "2024-06-01", "ttm_revenue": "250.5000",
    }]  # fmt: skip
    other = ask(admin, ACCOUNTS, antecedent=b.pk, consequent=a.pk)
    assert [row["account"] for row in other["results"]] == [accounts[12].pk]


def test_accounts_are_those_the_caller_sees(rest, strong):
    accounts, _a, _b, _c = strong
    owner, teammate, stranger = make_user(), make_user(), make_user()
    Account.objects.filter(pk=accounts[0].pk).update(owner=owner)
    make_team_member(account=accounts[0], user=teammate)

    seen = {user: ask(rest(user), ACCOUNTS)["count"] for user in (owner, teammate, stranger)}

    assert seen == {owner: 1, teammate: 1, stranger: 0}
    assert ask(rest(stranger))["count"] == 2


@pytest.mark.parametrize(
    ("address", "query", "pointer"),
    [
        (ADDRESS, {"product": "999999999"}, "product"),
        (ADDRESS, {"product": "1.5"}, "product"),
        (ADDRESS, {"order": "size"}, "order"),
        (ADDRESS, {"page": "0"}, "page"),
        (ADDRESS, {"rule": "1-2"}, "rule"),
        (ACCOUNTS, {"antecedent": "A"}, "antecedent"),
    ],
)
def test_refusals_name_the_parameter(admin, strong, address, query, pointer):
    assert pointers(assert_problem(admin.get(address, query), 400)) == [pointer]


def test_half_a_rule_one_that_is_not_shown_and_a_page_too_far(admin, strong):
    _accounts, a, _b, c = strong

    assert pointers(assert_problem(admin.get(ACCOUNTS, {"antecedent": a.pk}), 400)) == ["consequent"]
    assert_problem(admin.get(ACCOUNTS, {"antecedent": a.pk, "consequent": c.pk}), 404)
    assert_problem(admin.get(ADDRESS, {"page": "2"}), 404)


def test_before_the_first_night(admin):
    answer = ask(admin)

    assert (answer["results"], answer["shown_rules"], answer["products_as_of"]) == ([], None, None)
