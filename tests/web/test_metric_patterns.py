"""How they buy, on the page and as the card of an account: one sentence, tables, files, drawers, viewers."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from metrics.definitions import METRICS
from tests.factories import make_account, make_product, make_superuser, make_user, post_revenue
from tests.metrics.test_patterns_service import one
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
__all__ = ["one"]  # the fixture
PAGE = "/metrics/patterns/?period=2024"
KEYS = (
    "usual_interval_days", "order_day_size", "breadth", "breadth_change", "products_bought", "new_product_share",
    "peak_month_index", "peak_weekday_share",
)  # fmt: skip


@pytest.fixture
def chief(client):
    user = make_superuser()
    client.force_login(user)
    return user


def test_one_sentence_and_the_tables(client, chief, one):
    response = ask(client, PAGE)

    assert words(response) == (
        "They order every 10.0 days, for 156 CNY an order and 2.00 products a day; 75.0% of the revenue comes from products"
        " new to them."
    )
    content = response.context["shown"].below.content
    assert [(product.name, revenue) for product, revenue, _share in content.products] == [
        ("Desk", "900"),
        ("Lamp", "300"),
    ]
    assert [amount for _label, amount, _share in content.parts] == ["300", "900", "50"]
    assert (names(response), content.is_one) == (["One"], True)
    assert response.context["shown"].chart.rows[0] == ["January", "12.00"]


def test_products_are_a_file_of_their_own(client, chief, one):
    response = client.get("/metrics/patterns/export/csv/?period=2024&sheet=products")

    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert [row[:3] for row in rows[1:]] == [
        ["D", "Desk", "900.0000"],
        ["L", "Lamp", "300.0000"],
        ["", "without a product", "50.0000"],
    ]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("of_account", [True, False])
def test_each_figure_opens_its_drawer(client, chief, one, key, of_account):
    query = f"&account={one[0].pk}" if of_account else ""

    response = client.get(f"/figures/{key}/?period=2024{query}")

    assert response.status_code == 200
    assert response.context["definition"] is METRICS[key]
    assert response.context["figure"].value is not None
    assert [row.name for row, _cells in response.context["rows"]] == ["One"]


def test_who_sees_what(client, one):
    owner, stranger = make_user(), make_user()
    Account.objects.filter(pk=one[0].pk).update(owner=owner)
    seen = {}
    for user in (owner, stranger):
        client.force_login(user)
        seen[user] = names(ask(client, PAGE))
    assert seen == {owner: ["One"], stranger: []}
    assert client.get(f"/metrics/patterns/?account={one[0].pk}").status_code == 404


def test_the_card_of_an_account_says_the_same(client, chief, one):
    response = client.get(f"/accounts/{one[0].pk}/revenue/")

    card = response.context["patterns"]
    assert [figure.value for figure in card.figures][:3] == [10.0, pytest.approx(156.25), 2.0]
    assert "days; half lie between 10.0 and " in response.content.decode()
    assert f"/metrics/patterns/?account={one[0].pk}" in response.content.decode()
    empty = client.get(f"/accounts/{make_account().pk}/revenue/")
    assert empty.context["patterns"].is_empty


def test_queries_do_not_grow(client, chief, one):
    def counted():
        client.get(f"{PAGE}&segment=S")
        with CaptureQueriesContext(connection) as asked:
            client.get(f"{PAGE}&segment=S")
        return len(asked)

    Account.objects.update(segment="S")
    first = counted()
    account = make_account(segment="S")
    post_revenue(
        [{"account": account, "product": make_product(), "booked_on": day} for day in ("2024-03-01", "2024-04-01")]
    )
    counted()
    assert counted() == first
