"""The change in revenue split into leaves on its page: rows that add up, links that narrow, nothing without being asked."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from crm.web.metric_breakdown import split_bar
from tests.factories import make_account, make_rate, make_revenue, make_user
from tests.web.people import AS_OF, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db
ASKED = "/metrics/change/?base=2023&comparison=2024"


@pytest.fixture
def seller(db) -> User:
    """1000 → 1500 in segment S, 500 → 0 without one."""
    seller = make_user()
    grown, lost = (
        make_account(name=name, owner=seller, segment=segment) for name, segment in (("Grown", "S"), ("Lost", ""))
    )
    sell(grown, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    reach_end_of_2024(grown)
    return seller


def table(client, query):
    response = client.get(f"{ASKED}&{query}")
    assert response.status_code == 200
    piece = response.context["shown"].below
    return piece.content if piece else None


def plain(cell) -> str:
    """The text of a cell."""
    text = str(cell)
    while "<" in text:
        text = text[: text.index("<")] + text[text.index(">") + 1 :]
    return text


def test_leaves_stand_below_the_chart_and_add_up(client, seller):
    client.force_login(seller)

    found = table(client, "by=segment")

    rows = {str(line.label): [plain(cell) for cell in line.cells] for line in found.lines}
    assert rows == {
        "not given": ["−500", "", "500", "0", "−500", "0"],
        "S": ["+500", "", "1.00k", "+500", "0", "1.50k"],
        "Together": ["0", "", "1.50k", "+500", "−500", "1.50k"],
    }
    assert [str(one) for one in found.columns] == [
        "Change", "", "Opening revenue", "Expansion", "Churned or lapsed", "Closing revenue",
    ]  # fmt: skip
    assert found.lines[-1].is_sum
    assert "split-down" in found.lines[0].cells[1]
    assert 'title="1,000.00, 1 account"' in found.lines[1].cells[2]


def test_a_leaf_narrows_the_question_to_itself(client, seller):
    client.force_login(seller)
    found = table(client, "by=segment")
    query = next(line.query for line in found.lines if str(line.label) == "S")

    response = client.get(f"/metrics/change/?{query}")

    assert [line.name for line in response.context["shown"].table.lines] == ["Grown"]
    assert response.context["shown"].below is None


def test_without_being_asked_there_is_no_table_and_the_address_stays_short(client, seller):
    client.force_login(seller)

    response = client.get(ASKED)

    assert response.context["shown"].below is None
    assert "by=" not in response.context["query"]
    assert "by=owner" in client.get(f"{ASKED}&by=owner").context["query"]
    assert client.get(f"{ASKED}&by=colour").status_code == 422


def test_missing_rates_and_nobody_leave_no_table(client, seller):
    client.force_login(seller)
    assert table(client, "by=region&segment=nobody") is None
    make_revenue(account=seller.owned_accounts.first(), booked_on=AS_OF, currency="USD")
    assert table(client, "by=region&currency=CNY") is None
    make_rate(valid_on=AS_OF, rate=Decimal(7))
    assert table(client, "by=region&currency=CNY") is not None


def test_small_leaves_are_folded_into_one_row(client, seller):
    for number in range(30):
        sell(make_account(owner=seller, region=f"R{number}"), prior=10, last=10 + number)
    client.force_login(seller)

    lines = table(client, "by=region").lines

    assert (len(lines), str(lines[-2].label)) == (22, "11 more")
    assert plain(lines[-1].cells[0]) == f"+{sum(range(30))}"


def test_queries_do_not_grow_with_the_leaves(client, seller):
    client.force_login(seller)

    def counted():
        with CaptureQueriesContext(connection) as asked:
            client.get(f"{ASKED}&by=region")
        return len(asked)

    counted()
    first = counted()
    for number in range(5):
        sell(make_account(owner=seller, region=f"R{number}"), prior=10, last=20)
    counted()  # what is remembered of a ledger is asked anew after a posting
    assert counted() == first


@pytest.mark.parametrize(
    ("value", "largest", "rect"),
    [
        (Decimal(-5), Decimal(10), 'x="25.00" width="25.00"'),
        (Decimal(10), Decimal(10), 'x="50.00" width="50.00"'),
        (Decimal(0), Decimal(0), 'x="50.00" width="0.00"'),
    ],
)
def test_bar_grows_from_the_middle(value, largest, rect):
    assert rect in split_bar(value, largest)
