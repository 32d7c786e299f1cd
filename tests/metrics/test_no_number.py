"""An amount that somebody stored as no number, past every door: the summary leaves its account out and names it."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm import pipeline
from crm.lib.periods import Period
from metrics.selectors import accounts_without_number
from metrics.services.summary import portfolio_summary
from tests.factories import make_account, make_superuser, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tests.tiering.poison import NAN

pytestmark = pytest.mark.django_db
BASE, COMPARISON = (Period(date(year, 1, 1), date(year + 1, 1, 1)) for year in (2023, 2024))


def summary(accounts):
    return portfolio_summary(accounts, base=BASE, comparison=COMPARISON, as_of=AS_OF)


def sound(owner=None):
    account = make_account(owner=owner)
    post_revenue(monthly(account, 1000, first=date(2022, 1, 1), months=36, cost=400))
    return account


def poisoned(owner=None, **fields):
    account = make_account(owner=owner)
    day = {"account": account, "booked_on": date(2024, 5, 5), "amount": Decimal(100), "cost": Decimal(10)}
    post_revenue([day, {**day, "booked_on": date(2024, 6, 6), **fields}])
    return account


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": NAN},
        {"cost": NAN},
        {"amount": NAN, "booked_on": date(2022, 3, 3)},
        {"amount": NAN, "currency": "USD"},
    ],
)
def test_summary_is_that_of_the_others_and_names_who_is_left_out(fields):
    good = sound()
    alone = summary(Account.objects.filter(pk=good.pk))
    bad = poisoned(**fields)

    found = summary(Account.objects.all())

    assert found.set_apart == (bad.pk,)
    for name in ("growth", "retention", "concentration", "activity"):
        shown, expected = getattr(found, name), getattr(alone, name)
        assert (shown.passport.accounts, shown.reasons) == (expected.passport.accounts, expected.reasons)
    assert found.growth.growth_rate == alone.growth.growth_rate
    assert found.bridge.bars == alone.bridge.bars
    assert [point.value for point in found.series["revenue"].points] == [
        point.value for point in alone.series["revenue"].points
    ]


def test_who_does_not_see_the_account_is_told_nothing():
    owner = make_user()
    mine, bad = sound(owner), poisoned(amount=NAN)

    assert summary(Account.objects.visible_to(owner)).set_apart == ()
    assert accounts_without_number(Account.objects.filter(pk__in=[mine.pk, bad.pk])) == (bad.pk,)
    assert accounts_without_number(Account.objects.filter(pk=mine.pk)) == ()


@pytest.mark.parametrize("is_graded", [False, True])
def test_dashboard_opens_and_says_whom_it_leaves_out(client, is_graded):
    sound()
    bad = poisoned(amount=NAN)
    if is_graded:
        night(AS_OF)
    client.force_login(make_superuser())

    answer = client.get("/")

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "One account is set apart" in html
    assert f'/accounts/{bad.pk}/revenue/">{bad.name}' in html


def test_the_tick_prepares_it_and_it_is_kept():
    sound(), poisoned(amount=NAN)
    view = pipeline._usual_view()

    first = portfolio_summary(Account.objects.all(), **view)
    with CaptureQueriesContext(connection) as again:
        assert portfolio_summary(Account.objects.all(), **view).set_apart == first.set_apart

    assert len(first.set_apart) == 1
    assert not [query for query in again if "metrics_accountday" in query["sql"]]


def test_look_up_uses_its_own_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT account_id FROM metrics_accountmonth WHERE net = 'NaN' OR cost = 'NaN'")
        plan = " ".join(line for (line,) in cursor.fetchall())

    assert "accountmonth_no_number" in plan
