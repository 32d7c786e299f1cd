"""Rules on the page: one sentence, a table that leads to rules and accounts, files, drawers, viewers."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from metrics.definitions import METRICS
from tests.factories import make_account, make_superuser, make_user
from tests.metrics.test_association_service import strong
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
__all__ = ["strong"]  # the fixture
PAGE = "/metrics/association/"
KEYS = (
    "tested_pairs", "met_rules", "shown_rules", "missing_accounts", "rule_support", "rule_confidence", "rule_lift",
    "rule_leverage", "rule_p_value",
)  # fmt: skip


@pytest.fixture
def chief(client):
    user = make_superuser()
    client.force_login(user)
    return user


def lines(response):
    return [
        (str(one.rule.antecedent), str(one.rule.consequent)) for one in response.context["shown"].below.content.lines
    ]


def file_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_the_strongest_rule_is_the_sentence_and_whom_to_call_the_table(client, chief, strong):
    response = ask(client, PAGE)

    assert words(response) == (
        "Who buys A also buys B: 11 of 12 customers, 4.58 times as many as chance would have it."
        " 1 accounts you see own the first and not the second."
    )
    assert (lines(response), names(response)) == ([("A", "B"), ("B", "A")], ["K00"])
    assert response.context["shown"].behind == "Own A and not B"
    assert response.context["shown"].chart.rows == [["A ↔ B", "4.58"]]
    assert "&lt; 0.0001" in response.content.decode()


def test_a_rule_of_the_table_opens_its_accounts(client, chief, strong):
    query = ask(client, PAGE).context["shown"].below.content.lines[1].query

    response = ask(client, f"{PAGE}?{query}")

    assert names(response) == ["K12"]
    assert [one.is_now for one in response.context["shown"].below.content.lines] == [False, True]
    drawer = client.get(response.context["shown"].figures[3].href)
    assert (drawer.context["figure"].value, [row.name for row, _cells in drawer.context["rows"]]) == (1, ["K12"])


@pytest.mark.parametrize(("asked", "found"), [("C", 0), ("a", 2), ("A", 2)])
def test_a_product_narrows_the_rules(client, chief, strong, asked, found):
    response = ask(client, f"{PAGE}?product={asked}")

    assert len(lines(response)) == found
    if not found:
        assert words(response).startswith("It cannot be said (no two products are owned together")


@pytest.mark.parametrize("query", ["product=Nothing", "order=size", "product=%20%20x"])
def test_choices_that_do_not_exist_are_said_at_the_field(client, chief, strong, query):
    assert client.get(f"{PAGE}?{query}").status_code == 422


def test_a_name_that_several_products_have_is_refused_with_their_number(client, chief, strong):
    for product in strong[1:]:
        type(product).objects.filter(pk=product.pk).update(name=f"Lamp {product.code}")

    response = client.get(f"{PAGE}?product=lamp")

    assert "3 products are called so. Give the code of one." in response.content.decode()


def test_addresses_of_rules_and_pages_that_are_not_there(client, chief, strong):
    _accounts, a, _b, c = strong

    assert client.get(f"{PAGE}?rule={a.pk}-{c.pk}").status_code == 404
    assert lines(ask(client, f"{PAGE}?rules_page=99")) == [("A", "B"), ("B", "A")]
    for odd in ("rule=1", "rule=x-y", "rules_page=x", "rules_page=-1"):
        assert len(lines(ask(client, f"{PAGE}?{odd}"))) == 2


def test_accounts_and_rules_are_to_be_had_as_files(client, chief, strong):
    accounts = file_of(client, f"{PAGE}export/csv/")
    rules = file_of(client, f"{PAGE}export/csv/?sheet=rules&order=confidence")

    assert (len(accounts), accounts[1][1]) == (2, "K00")
    assert (len(rules), rules[1][:7]) == (3, ["A", "A", "B", "B", "11", "12", "12"])
    assert client.get(f"{PAGE}export/xlsx/?sheet=rules").status_code == 200
    assert client.get(f"{PAGE}export/csv/?sheet=nothing").status_code == 404


@pytest.mark.parametrize("key", KEYS)
def test_each_figure_opens_its_drawer(client, chief, strong, key):
    response = client.get(f"/figures/{key}/")

    assert response.status_code == 200
    assert response.context["definition"] is METRICS[key]
    assert response.context["figure"].value is not None


def test_who_sees_whom_to_call(client, strong):
    accounts = strong[0]
    owner, stranger = make_user(), make_user()
    Account.objects.filter(pk=accounts[0].pk).update(owner=owner)
    seen = {}
    for user in (owner, stranger):
        client.force_login(user)
        seen[user] = names(ask(client, PAGE))

    assert seen == {owner: ["K00"], stranger: []}


def test_queries_do_not_grow(client, chief, strong):
    def counted():
        client.get(PAGE)
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    first = counted()
    for _ in range(3):
        make_account()
    assert counted() == first
