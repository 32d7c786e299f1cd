"""Pages where margins are left out for whoever may not see them: the rest is there, and tells nothing of what costs."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Account
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_revenue, make_user

pytestmark = pytest.mark.django_db
OFTEN_NEW = re.compile(
    r'"X-CSRFToken": ?"[^"]*"|X-CSRFToken&quot;: ?&quot;[^&]*&quot;|name="csrfmiddlewaretoken" value="[^"]*"'
)


def page(client, name, account, query=""):
    answer = client.get(reverse(f"accounts:{name}", args=[account.pk]) + query)
    assert answer.status_code == 200, answer.content[:300]
    return OFTEN_NEW.sub("", answer.content.decode())


@pytest.fixture
def account():
    account = make_account(name="Harbour Pumps")
    make_revenue(
        account=account, amount=Decimal(1000), cost=Decimal("123.45"), reference="R1", booked_on=date(2024, 3, 1)
    )
    make_published_run(make_scoring_model(), {account: "gold"})
    return account


def with_other_costs():
    """Another world, in which the same revenue cost something else, and the roll-up knows it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_revenuerecord DISABLE TRIGGER revenue_append_only")
        cursor.execute("UPDATE accounts_revenuerecord SET cost = 987.65")
        cursor.execute("UPDATE metrics_accountday SET cost = 987.65")
        cursor.execute("UPDATE metrics_accountmonth SET cost = 987.65")
        cursor.execute("ALTER TABLE accounts_revenuerecord ENABLE TRIGGER revenue_append_only")


def test_revenue_page_of_an_analyst_holds_everything_but_costs(client, account):
    client.force_login(make_user(role="analyst"))

    before = page(client, "revenue", account)
    with_other_costs()
    after = page(client, "revenue", account)

    assert "R1" in before
    assert "Year by year" in before
    assert "not shown to you" in before
    assert "Gross profit" not in before
    assert "123.45" not in before
    assert 'name="cost"' not in before
    assert before == after
    assert client.get(reverse("accounts:revenue", args=[account.pk]), {"cost": "1"}).status_code == 403
    assert page(client, "revenue", account, "?interest=5")


def test_revenue_page_of_the_others_holds_costs(client, account):
    client.force_login(make_user(role="director"))

    told = page(client, "revenue", account)
    with_other_costs()

    assert "123.45" in told
    assert "Gross profit" in told
    assert 'name="cost"' in told
    assert "not shown to you" not in told
    assert page(client, "revenue", account) != told


def test_grade_page_of_an_analyst_holds_the_history_and_no_reasons(client, account):
    client.force_login(make_user(role="analyst"))

    told = page(client, "grade", account)

    assert "Grade history" in told
    assert "not shown to you" in told
    assert "Gold" in told
    assert "Why this grade" not in told
    assert "Rules, best grade first" not in told
    assert reverse("accounts:grade_compare", args=[account.pk]) not in told
    assert client.get(reverse("accounts:grade_compare", args=[account.pk])).status_code == 403
    client.force_login(make_user(role="director"))
    assert "Why this grade" in page(client, "grade", account)


def test_tables_keep_their_columns_together(client, account):
    """As many cells in each row as there are headings, with and without the columns that are left out."""
    for role in ("analyst", "director"):
        client.force_login(make_user(role=role))
        told = page(client, "revenue", account, "" if role == "analyst" else "?interest=5")
        for table in re.findall(r"<table.*?</table>", told, re.DOTALL):
            heads = len(re.findall(r"<th scope=\"col\"", table))
            rows = re.findall(r"<tr.*?</tr>", table.partition("</thead>")[2], re.DOTALL)
            assert {len(re.findall(r"<t[dh][ >]", row)) for row in rows} == {heads}, table
    assert Account.objects.count() == 1
