"""No page and no figure over REST asks more of the database where there are more accounts, and none sums over the ledger.

Every question of the metrics page and every route below metrics/ is opened, so a new one is held to both by itself.
"""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, Product
from crm.api.urls import v1
from crm.web.metric_questions import QUESTIONS
from metrics.services.lifetime_contracts import renewal_cohorts
from tests.factories import make_product, make_superuser, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night

pytestmark = pytest.mark.django_db
FEW, MANY = 60, 120  # both more than a page holds and than any figure needs: what differs then is a query an account
# What a route may ask for; the first that it answers is taken.
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"base": "2023", "comparison": "2024"},
    {"base": "2023-12-31", "comparison": "2024-12-31"},
    {"period": "2024"},
    {"metric": "revenue", "from": "2024-01", "to": "2024-12"},
)
LEDGER = "accounts_revenuerecord"
# The one look-up by which an answer finds out whether the ledger is still the one it was computed from.
STATE = re.compile(rf'^SELECT "{LEDGER}"\."id" AS "pk" FROM "{LEDGER}" ORDER BY 1 DESC LIMIT 1$')


def figures() -> list[str]:
    """Names of the routes below metrics/, by what follows the dash."""
    names = [pattern.name for pattern in v1 if (getattr(pattern, "name", None) or "").startswith("metrics-")]
    return sorted(name.removeprefix("metrics-") for name in names)


def addresses(client) -> dict[str, tuple[str, dict[str, str]]]:
    """Path and query of everything that is opened, by a name."""
    account = Account.objects.order_by("pk").first()
    found = {f"metrics, {key}": reverse("metrics:question", args=[key]) for key in QUESTIONS}
    found |= {f"rest, {name}": reverse(f"api:metrics-{name}") for name in figures()}
    found |= {
        name: reverse(name)
        for name in (
            *("dashboard", "accounts:list", "tiering:night", "service:index"),
            *(f"tiering:{tab}" for tab in ("migration", "portfolio", "bands")),
        )
    }
    found["account"] = reverse("accounts:detail", args=[account.pk])
    return {name: (path, asked(client, path)) for name, path in found.items()}


def asked(client, path: str) -> dict[str, str]:
    answered = (query for query in QUERIES if client.get(path, query).status_code == 200)
    query = next(answered, None)
    assert query is not None, f"{path} answers to none of QUERIES; add what it needs"
    return query


def grow(accounts: int) -> None:
    """Bring the ledger to so many accounts of four years of months, and grade them.

    Half buy two products and half two others, but for some that buy one of them alone: so products go together, and gaps
    are left.
    """
    products = list(Product.objects.order_by("pk")) or [make_product(category=f"Category {n}") for n in range(4)]
    rows = []
    for number in range(Account.objects.count(), accounts):
        account = Account.objects.create(code=f"F{number:03}", name=f"Flat {number}", segment=f"S{number % 3}")
        half = 2 * (number % 2)
        for product in products[half : half + (1 if number % 7 == 1 else 2)]:
            rows += monthly(account, 100 + number, first=date(2021, 1, 1), months=48, cost=60, product=product)
    rows[-1]["booked_on"] = AS_OF
    post_revenue(rows)
    night(AS_OF)


def opened(client) -> dict[str, tuple[list[str], list[str]]]:
    """The statements of the first opening of each address after a posting, and of the next."""
    asked_for = addresses(client)
    post_revenue(monthly(Account.objects.earliest("pk"), 1, first=date(2024, 12, 1), months=1))
    renewal_cohorts.cache_clear()
    found = {}
    for name, (path, query) in asked_for.items():
        statements = []
        for _time in range(2):
            with CaptureQueriesContext(connection) as captured:
                response = client.get(path, query)
                assert response.status_code == 200, (name, response.content)
            statements.append([one["sql"] for one in captured.captured_queries])
        found[name] = tuple(statements)
    return found


@pytest.fixture
def reader(client):
    client.force_login(make_superuser())
    return client


def test_statements_do_not_grow_with_the_accounts(reader):
    grow(FEW)
    few = opened(reader)
    grow(MANY)
    many = opened(reader)

    counts = {name: ([len(one) for one in few[name]], [len(one) for one in many[name]]) for name in few}
    assert {name: pair for name, pair in counts.items() if pair[0] != pair[1]} == {}
    assert len(counts) > len(QUESTIONS) + len(figures())


def test_no_figure_reads_the_ledger(reader):
    grow(3)

    touched = {
        name: sql
        for name, openings in opened(reader).items()
        for sql in (*openings[0], *openings[1])
        if LEDGER in sql and not STATE.match(sql)
    }

    assert touched == {}
