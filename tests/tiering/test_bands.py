"""Value bands with their results, and decisions on customers of low value: rules, history, reviews."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from tests.factories import make_account, make_user
from tests.web.people import AS_OF, make_cast, reach_end_of_2024, sell
from tiering.bands import bands, members
from tiering.models import BandDecision
from tiering.selectors_bands import decisions_of, due_reviews
from tiering.services_bands import BandDecisionRefused, decide_band

pytestmark = pytest.mark.django_db
TODAY = date(2025, 1, 10)


@pytest.fixture
def five():
    """2023: 100, 80, 60, 40, 20; 2024: 200, 0, 60, 40, 30 — top fifth one account, lower half two (three of five)."""
    accounts = [make_account() for _ in range(5)]
    for account, prior, last in zip(accounts, (100, 80, 60, 40, 20), (200, 0, 60, 40, 30), strict=True):
        sell(account, prior=prior, last=last)
    reach_end_of_2024(accounts[0])
    return accounts


def test_what_each_band_of_a_year_ago_has_brought_is_as_by_hand(five):
    found = bands(Account.objects.all(), as_of=AS_OF)

    results = {str(one.band): (one.accounts, one.before, one.after, one.kept) for one in found.results}
    assert results["high"] == (1, Decimal(100), Decimal(200), 1)
    assert sum(one.before for one in found.results) == 300
    assert sum(one.after for one in found.results) == 330
    assert sum(one.kept for one in found.results) == 4
    high = found.results[0]
    assert (high.growth, high.retention) == (1.0, 1.0)


def test_members_of_the_bands_are_every_scored_account_once_largest_first(five):
    found = bands(Account.objects.all(), as_of=AS_OF)

    listed = {band: members(found, band).tolist() for band in ("high", "mid", "low")}
    assert listed["high"] == [five[0].pk]
    assert sorted(pk for ids in listed.values() for pk in ids) == sorted(found.figures.table.unit_ids.tolist())


def test_bands_are_over_the_accounts_in_view(five):
    mine = Account.objects.filter(pk__in=[five[3].pk, five[4].pk])

    assert set(members(bands(mine, as_of=AS_OF), "high").tolist()) <= {five[3].pk, five[4].pk}


def decide(cast, **fields):
    asked = {"verdict": "improve", "text": "Small", "review_on": TODAY + timedelta(days=30), "decided_on": TODAY}
    return decide_band(account=cast.account, decided_by=cast.owner, **(asked | fields))


def test_the_newest_decision_counts_and_the_earlier_ones_stay():
    cast = make_cast()
    decide(cast, verdict="keep")
    newest = decide(cast, verdict="end")

    accounts = Account.objects.visible_to(cast.teammate)
    assert decisions_of(accounts, [cast.account.pk]) == {cast.account.pk: newest}
    assert BandDecision.objects.count() == 2
    assert decisions_of(Account.objects.visible_to(cast.stranger), [cast.account.pk]) == {}


def test_a_review_is_due_from_its_day_on_unless_somebody_decided_again():
    cast = make_cast()
    first = decide(cast)
    day, accounts = first.review_on, Account.objects.all()

    assert list(due_reviews(accounts, today=day - timedelta(days=1))) == []
    assert list(due_reviews(accounts, today=day)) == [first]
    decide(cast, review_on=day + timedelta(days=90))
    assert list(due_reviews(accounts, today=day)) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "  "}, "Say why"),
        ({"verdict": "sell"}, "Choose one of"),
        ({"review_on": TODAY}, "after today"),
        ({"review_on": date(2027, 2, 1)}, "within two years"),
    ],
)
def test_what_is_no_decision_is_refused(fields, words):
    with pytest.raises(BandDecisionRefused, match=words):
        decide(make_cast(), **fields)


def test_the_database_keeps_the_review_after_the_decision():
    account, user = make_account(), make_user()

    with pytest.raises(IntegrityError), transaction.atomic():
        BandDecision.objects.create(
            account=account, verdict="keep", text="x", review_on=TODAY, decided_on=TODAY, decided_by=user
        )
