"""Pages where margins are left out for whoever may not see them: the rest is there, and tells nothing of what costs."""

import math
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from plans.services_work import make_account_plan
from tests.api.nights import AS_OF, make_published_run, make_scoring_model
from tests.factories import make_account, make_revenue, make_user
from tiering.models import Score, ScoringModel
from tiering.services import activate_model

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


def placed(account, *, s3_in="SAL"):
    """A night that places the account in the portfolio, by a model that counts its gross margin in ``s3_in``."""
    model = make_scoring_model(active=False)
    margin, other = model.indicators.get(code="S3"), model.indicators.filter(dimension__code=s3_in).last()
    for one, place in ((margin, other), (other, margin)):
        model.indicators.filter(pk=one.pk).update(dimension=place.dimension, weight=place.weight)
    activate_model(model=ScoringModel.objects.get(pk=model.pk))
    model.refresh_from_db()
    run = make_published_run(model, {account: "gold"}, as_of=AS_OF + timedelta(days=1))
    known = {"V1": 5, "V2": 5, "L3": 0.8, "revenue_ttm": 1_500_000, "S2": 9, "S3": 0.1}
    Score.objects.filter(run=run).update(raw=[known.get(code, math.nan) for code in model.raw_layout])
    return model


def test_pages_without_any_margin_in_them_are_open_to_analysts(client, account):
    placed(account)
    today = timezone.localdate()
    make_account_plan(
        account=account, made_by=make_user(role="director"), valid_from=today, valid_to=today + timedelta(days=90),
        goal="Win the new dock", priority_rank=1, planned_hours=10,
    )  # fmt: skip
    batch = account.revenue_records.get().batch_id
    addresses = {
        "/tiering/portfolio/": "Harbour Pumps", "/tiering/portfolio/export/csv/": "Harbour Pumps",
        reverse("plans:ranking"): "Win the new dock", f"/imports/{batch}/changes/": "What this batch changed",
        "/api/v1/tiering/portfolio/": "invest",
    }  # fmt: skip
    client.force_login(make_user(role="analyst"))

    def told():
        answers = [client.get(address) for address in addresses]
        assert [answer.status_code for answer in answers] == [200] * len(addresses)
        return [OFTEN_NEW.sub("", answer.getvalue().decode()) for answer in answers]

    before = told()
    with_other_costs()

    assert [word in text for word, text in zip(addresses.values(), before, strict=True)] == [True] * len(addresses)
    assert told() == before


@pytest.mark.parametrize("dimension", ["STR", "GRO", "LOY"])
def test_a_portfolio_with_an_axis_made_of_margins_is_withheld_from_analysts(client, account, dimension):
    placed(account, s3_in=dimension)
    client.force_login(make_user(role="analyst"))

    page, file, rest = (
        client.get(one)
        for one in ("/tiering/portfolio/", "/tiering/portfolio/export/csv/", "/api/v1/tiering/portfolio/")
    )

    assert (page.status_code, file.status_code, rest.status_code) == (200, 403, 403)
    assert "not shown to you" in page.content.decode()
    assert "Harbour Pumps" not in page.content.decode()
    client.force_login(make_user(role="director"))
    assert "Harbour Pumps" in client.get("/tiering/portfolio/").content.decode()


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
