"""What goes with what an account buys: reasons by count, popularity where it wins, rejections that hold until withdrawn."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from metrics.models import SuggestionRejection
from metrics.product_rollup import write_account_products
from metrics.services.suggestions import NothingToReject, reject_suggestion, suggested, withdraw_rejection
from tests.factories import make_account, make_product, make_user, post_revenue

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 31)
NOW, BEFORE = date(2024, 6, 1), date(2023, 6, 1)


def buy(account, *products, on=NOW):
    return [{"account": account, "product": product, "booked_on": on, "amount": Decimal(100)} for product in products]


@pytest.fixture
def pairs(db):
    """Who buys X goes on to Y, who buys P goes on to Q; everybody knows Z. So related products beat popular ones."""
    products = {name: make_product(code=name, name=name) for name in "XYPQZVW"}
    rows = []
    for first, second in ("XY", "PQ"):
        for number in range(30):
            account = make_account()
            rows += buy(account, products[first], on=BEFORE)
            rows += buy(account, products[second], on=BEFORE if number < 12 else NOW)
    for _ in range(40):
        rows += buy(make_account(), products["Z"], products["V"], products["W"], on=BEFORE)
    new = make_account(name="New")
    rows += buy(new, products["X"])
    post_revenue(rows)
    write_account_products(DAY)
    return new, products


def test_related_product_comes_with_its_count(pairs):
    new, products = pairs

    found = suggested([new.pk])

    best = found.of(new)[0]
    assert (best.product, best.because, best.is_related) == (products["Y"], products["X"], True)
    assert (best.joint, best.owners) == (30, 31)
    assert best.sentence == "Customers who buy X also buy it: 30 of 31."
    assert found.test.is_better
    assert (found.test.accounts, found.test.related, found.as_of) == (36, 1.0, DAY)
    assert found.test.popular < 1


def test_popularity_is_shown_and_named_where_it_wins(db):
    products = [make_product(code=f"P{number}", name=f"P{number}") for number in range(4)]
    rows = []
    for number in range(30):
        account = make_account()
        rows += buy(account, products[number % 2 + 1], on=BEFORE) + buy(account, products[0], on=NOW)
    for _ in range(30):
        rows += buy(make_account(), products[0], on=BEFORE)
    new = make_account()
    rows += buy(new, products[3])
    post_revenue(rows)
    write_account_products(DAY)

    found = suggested([new.pk])

    assert (found.test.is_better, found.test.popular, found.test.related) == (False, 1.0, 0.0)
    assert [one.product.name for one in found.of(new)] == ["P0", "P1", "P2"]
    assert found.of(new)[0].sentence == "One of the most popular: 60 of 61 customers buy it."
    assert not any(one.is_related for one in found.of(new))


def test_owned_products_are_never_suggested_even_long_after(pairs):
    new, products = pairs
    post_revenue(buy(new, products["Y"], on=date(2021, 1, 1)))
    write_account_products(DAY)

    assert products["Y"] not in [one.product for one in suggested([new.pk]).of(new)]


def test_rejected_product_stays_away_until_it_is_withdrawn(pairs):
    new, products = pairs
    user = make_user()
    rejection = reject_suggestion(account=new, product=products["Y"], user=user, reason="  makes it itself ")

    without = [one.product for one in suggested([new.pk]).of(new)]
    withdraw_rejection(rejection=rejection, user=user)
    withdraw_rejection(rejection=rejection, user=make_user())

    assert products["Y"] not in without
    assert suggested([new.pk]).of(new)[0].product == products["Y"]
    rejection.refresh_from_db()
    assert (rejection.reason, rejection.rejected_by, rejection.withdrawn_by) == ("makes it itself", user, user)


def test_rejecting_twice_or_without_a_reason_is_refused(pairs):
    new, products = pairs
    arguments = {"account": new, "product": products["Y"], "user": make_user()}
    for reason in ("", "  ", "\x00", "x" * 301):
        with pytest.raises(NothingToReject, match="300 characters"):
            reject_suggestion(reason=reason, **arguments)

    first = reject_suggestion(reason="no", **arguments)
    with pytest.raises(NothingToReject, match="already"):
        reject_suggestion(reason="no", **arguments)
    withdraw_rejection(rejection=first, user=arguments["user"])
    reject_suggestion(reason="still no", **arguments)

    assert SuggestionRejection.objects.count() == 2


def test_the_database_keeps_one_rejection_at_a_time(pairs):
    new, products = pairs
    fields = {"account": new, "product": products["Y"], "rejected_by": make_user(), "reason": "no"}
    SuggestionRejection.objects.create(**fields)

    with pytest.raises(IntegrityError), transaction.atomic():
        SuggestionRejection.objects.create(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        SuggestionRejection.objects.create(**fields | {"reason": "", "product": products["Z"]})


def test_another_night_is_learnt_anew(pairs):
    new, products = pairs
    assert suggested([new.pk]).of(new)[0].owners == 31
    post_revenue(buy(make_account(), products["X"]))
    write_account_products(DAY)

    assert suggested([new.pk]).of(new)[0].owners == 32


def test_too_little_to_test_shows_what_is_popular(db):
    account, other = make_account(), make_account()
    product, wanted = make_product(), make_product()
    post_revenue([*buy(account, product), *buy(other, product, wanted)])
    assert suggested([account.pk]).as_of is None
    write_account_products(DAY)

    found = suggested([account.pk])

    assert [(one.product, one.is_related, one.joint) for one in found.of(account)] == [(wanted, False, 1)]
    assert "insufficient data: fewer than 20 accounts" in found.test.reason


def test_query_count_does_not_grow_with_accounts(pairs):
    new, products = pairs
    accounts = [make_account() for _ in range(4)]
    post_revenue([row for account in accounts for row in buy(account, products["P"])])
    write_account_products(DAY)
    counts = []
    for asked in ([new.pk], [new.pk, *(account.pk for account in accounts)]):
        suggested(asked)
        with CaptureQueriesContext(connection) as queries:
            suggested(asked)
        counts.append(len(queries))

    assert counts[0] == counts[1]
