"""What customers owe as a question of the metrics page: sentence, ages, chart with its table, drawers, files."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm.web.figure_receivables import RECEIVABLES_KEYS
from metrics.definitions import METRICS
from tests.factories import make_account, make_receivable, make_user
from tests.web.test_figures import drawer
from tests.web.test_metrics import ask, names, words

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)
DAY = "as_of=2024-12-31"


def late(days, account, amount, **fields):
    return make_receivable(
        account=account, amount=Decimal(amount), due_on=AS_OF - timedelta(days=days), currency="EUR", **fields
    )


@pytest.fixture
def owner(db):
    owner = make_user()
    early, tardy = (make_account(name=name, owner=owner) for name in ("Early", "Tardy"))
    late(-10, early, 100)
    late(20, early, 300, paid=[(AS_OF - timedelta(days=20), 300)])
    late(100, tardy, 60)
    late(5, tardy, 40)
    late(50, make_account(name="Somebody else's"), 7_000)
    return owner


@pytest.fixture
def client(client, owner):
    client.force_login(owner)
    return client


def test_the_sentence_says_what_is_owed_and_how_late(client):
    response = ask(client, f"/metrics/receivables/?{DAY}")

    assert words(response) == (
        "They owe us 200 EUR; 100 EUR of it, 50.0%, is overdue, 60 EUR for more than 90 days."
        " Of what fell due in 12 months, 75.0% was paid in time."
    )
    assert set(names(response)) == {"Early", "Tardy"}
    assert names(ask(client, f"/metrics/receivables/?{DAY}&age=owed_older")) == ["Tardy"]
    assert "Somebody else" not in response.content.decode()


def test_days_that_cannot_be_read_are_refused(client):
    assert client.get("/metrics/receivables/?as_of=soon").status_code == 422
    assert "no invoice to be paid is recorded" in words(ask(client, "/metrics/receivables/?as_of=2001-01-01"))


def test_the_chart_stacks_the_ages_and_has_its_table(client):
    shown = ask(client, f"/metrics/receivables/?{DAY}").context["shown"]

    assert {one["stack"] for one in shown.chart.option["series"]} == {"owed"}
    assert [row[:2] for row in shown.chart.rows] == [["Early", "100"], ["Tardy", "100"]]
    assert [cells[0] for _link, cells in shown.panels[0].rows] == [
        "Owed, not due yet", "Overdue up to 30 days", "Overdue more than 90 days",
    ]  # fmt: skip


@pytest.mark.parametrize("key", sorted(RECEIVABLES_KEYS))
def test_every_figure_opens_with_its_accounts(client, key):
    status, html = drawer(client, f"/figures/{key}/?{DAY}")

    assert status == 200
    assert str(METRICS[key].label) in html
    assert "Somebody else" not in html


def test_the_file_has_every_account_with_its_ages(client):
    response = client.get(f"/metrics/receivables/export/csv/?{DAY}")
    lines = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    found = {row[1]: row[2:8] for row in lines if len(row) > 8}
    assert [Decimal(cell) for cell in found["Tardy"]] == [100, 0, 40, 0, 0, 60]
