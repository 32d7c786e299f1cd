"""The fictional hardware seller of Maven Analytics: its 85 accounts roll up to 70 groups, and nothing is lost on the way."""

import csv
import gzip
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import Account
from crm.groups import group_view
from crm.lib.periods import Period
from metrics.services.activity import activity
from metrics.services.group_rollup import group_rollup
from tests.factories import make_superuser, post_revenue

HERE = Path(__file__).resolve().parents[2]
FOLDERS = (HERE.parent / "shared/data/maven-crm-sales", Path("/work/shared/data/maven-crm-sales"))
MAVEN = next((folder for folder in FOLDERS if folder.exists()), FOLDERS[0])
YEAR = Period(date(2017, 1, 1), date(2018, 1, 1), "2017")
LAST_DAY = date(2017, 12, 31)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not MAVEN.exists(), reason="needs ../shared/data/maven-crm-sales"),
]


def rows_of(name):
    with gzip.open(MAVEN / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def seller():
    """Accounts with their parents, and every deal won as revenue of the day it was closed on."""
    companies = rows_of("accounts")
    made = {row["account"]: Account(code=f"M{at:03}", name=row["account"]) for at, row in enumerate(companies)}
    Account.objects.bulk_create(made.values())
    for row in companies:
        if row["subsidiary_of"]:
            made[row["account"]].parent = made[row["subsidiary_of"]]
            made[row["account"]].save()
    won = [row for row in rows_of("sales_pipeline") if row["deal_stage"] == "Won"]
    post_revenue([
        {"account": made[row["account"]], "booked_on": date.fromisoformat(row["close_date"]),
         "amount": Decimal(row["close_value"]), "currency": "USD", "reference": row["opportunity_id"]}
        for row in won if Decimal(row["close_value"])
    ])  # fmt: skip
    return made, won


def test_85_accounts_roll_up_to_70_groups_with_equal_totals(seller):
    made, won = seller
    roots = [one for one in made.values() if one.parent_id is None]
    expected = defaultdict(Decimal)
    for row in won:
        account = made[row["account"]]
        expected[account.parent_id or account.pk] += Decimal(row["close_value"])

    rolled = {root.pk: group_rollup(root, period=YEAR, as_of=LAST_DAY).total for root in roots}
    asked = {level: activity(Account.objects.all(), period=YEAR, level=level) for level in ("entity", "group")}

    assert (len(made), len(roots)) == (85, 70)
    assert sum(one.accounts for one in rolled.values()) == 85
    assert {pk: one.revenue for pk, one in rolled.items()} == dict(expected)
    assert sum(expected.values()) == Decimal(10_005_534)
    assert asked["entity"].revenue == asked["group"].revenue == Decimal(10_005_534)
    assert len(asked["group"].table) == 70


def test_total_of_a_parent_is_that_of_its_lines(seller):
    made, _won = seller
    parent = made["Acme Corporation"]

    view = group_view(parent, viewer=make_superuser(), period=YEAR, membership="as_now", as_of=LAST_DAY)

    assert {line.account["name"] for line in view.lines} == {
        name for name, one in made.items() if one.parent_id == parent.pk
    }
    assert sum(line.figures.revenue for line in view.lines) + view.own.figures.revenue == view.total.figures.revenue
