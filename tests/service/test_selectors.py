from datetime import UTC, date, datetime

import pytest

from accounts.models import Account
from service import selectors
from tests.factories import make_account, make_contact, make_interaction, make_request, make_sponsor, make_user

TODAY = date(2024, 6, 30)
EVENING = datetime(2024, 3, 1, 17, tzinfo=UTC)  # the second of March in Shanghai


def days_and_kinds(found):
    return [(moment.day, moment.kind, moment.is_end) for moment in found.moments]


def test_timeline_is_one_order_over_everything_that_happened(db):
    account = make_account()
    make_interaction(account=account, held_on=date(2024, 3, 2))
    make_interaction(account=account, held_on=date(2024, 7, 1))  # after the day that is asked for
    make_request(account=account, opened_at=EVENING)
    make_sponsor(account=account, valid_from=date(2024, 1, 1), valid_to=date(2024, 5, 1))
    make_sponsor(account=account, kind="senior_partner", valid_from=date(2024, 4, 1))
    make_interaction()

    assert days_and_kinds(selectors.timeline(account, today=TODAY)) == [
        (date(2024, 5, 1), "sponsor", True),
        (date(2024, 4, 1), "sponsor", False),
        (date(2024, 3, 2), "request", False),
        (date(2024, 3, 2), "interaction", False),
        (date(2024, 1, 1), "sponsor", False),
    ]


def test_pages_of_a_timeline_are_the_whole_of_it(db):
    account = make_account()
    for day in (1, 2, 2, 2, 3):
        make_interaction(account=account, held_on=date(2024, 3, day))
        make_request(account=account, opened_at=datetime(2024, 3, day, 1, tzinfo=UTC))
    whole = selectors.timeline(account, today=TODAY)

    pages, token = [], ""
    while True:
        found = selectors.timeline(account, today=TODAY, after=token, size=3)
        pages += found.moments
        token = found.older
        if not token:
            break

    assert pages == whole.moments
    assert len(pages) == 10


@pytest.mark.parametrize("token", ["x", "bm90aGluZw", "WzEsMiwzXQ", "W10", "é"])
def test_a_token_of_none_of_ours_shows_the_newest_page(db, token):
    made = make_interaction()

    assert [one.row for one in selectors.timeline(made.account, today=TODAY, after=token).moments] == [made]


def test_timeline_asks_as_often_for_many_as_for_one(db, django_assert_num_queries):
    account = make_account()
    make_sponsor(account=account)
    for _ in range(3):
        make_interaction(account=account, our_people=[make_user()], their_people=[make_contact(account=account)])
        make_request(account=account, assigned_to=make_user())
        with django_assert_num_queries(7):  # the marks, three kinds of rows, people of both sides, files
            selectors.timeline(account, today=TODAY)


def test_last_touch_is_the_last_one_that_reached_the_customer(db, django_assert_num_queries):
    one, other, silent = make_account(), make_account(), make_account()
    make_interaction(account=one, held_on=date(2024, 1, 1))
    make_interaction(account=one, held_on=date(2024, 2, 1), kind="call")
    make_interaction(account=one, held_on=date(2024, 3, 1), kind="note")
    make_interaction(account=one, held_on=date(2024, 7, 1))
    make_interaction(account=other, held_on=date(2024, 5, 1), kind="email")

    with django_assert_num_queries(1):
        found = selectors.last_touches([one.pk, other.pk, silent.pk], until=TODAY)

    assert found == {one.pk: date(2024, 2, 1), other.pk: date(2024, 5, 1)}


def test_open_requests_are_the_severest_and_then_the_oldest_first(db):
    account = make_account()
    late = make_request(account=account, opened_at=datetime(2024, 2, 1, tzinfo=UTC))
    early = make_request(account=account)
    severe = make_request(account=account, severity=1, opened_at=datetime(2024, 3, 1, tzinfo=UTC))
    make_request(account=account, resolved_at=datetime(2024, 3, 1, tzinfo=UTC))

    assert selectors.open_requests(account) == [severe, early, late]


def test_steps_that_are_due_and_whose_they_are(db):
    me = make_user()
    step = {"next_step": "Call", "next_step_on": TODAY}
    mine = make_interaction(logged_by=me, **step)
    shared = make_interaction(our_people=[me], **(step | {"next_step_on": date(2024, 6, 1)}))
    others = make_interaction(**step)
    make_interaction(**(step | {"next_step_on": date(2024, 7, 1)}))
    accounts = Account.objects.all()

    assert selectors.due_steps(accounts, until=TODAY, limit=9) == [shared, mine, others]
    assert selectors.due_steps(accounts, until=TODAY, person=me, limit=9) == [shared, mine]
    assert selectors.due_steps(accounts, until=TODAY, limit=1) == [shared]
