"""The page about the nightly job: what it says to whom, and the age of grades in the frame."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from tests.factories import make_account, make_superuser, make_user, post_revenue
from tests.tiering.company import AS_OF
from tests.tiering.night import night
from tests.tiering.poison import LARGEST, TTM, line
from tests.web.people import grant
from tests.web.test_tiering import graded_company, moved_company, page
from tiering.enums import RunState, RunTrigger
from tiering.models import TierRun

pytestmark = pytest.mark.django_db


def test_without_a_night_it_says_so(client):
    client.force_login(make_user())

    html = page(client, "/tiering/job/").content.decode()

    assert "No night has been published yet" in html
    assert "Nothing is due" in html


def test_accounts_set_apart_are_listed_to_those_who_see_them_with_what_to_do(client):
    owner = make_user()
    sound, poisoned, foreign = make_account(owner=owner), make_account(owner=owner), make_account()
    graded_company(sound, poisoned, foreign)
    post_revenue([{"account": account, **line(TTM, LARGEST)} for account in (poisoned, foreign) for _ in range(2)])
    night(AS_OF)

    shown = {}
    for name, user in (("owner", owner), ("stranger", make_user()), ("all", make_superuser())):
        client.force_login(user)
        response = page(client, "/tiering/job/")
        html = response.content.decode()
        shown[name] = {one.row.account for one in response.context["page"].object_list}
        assert "published, 2 accounts set apart" in html
        assert (poisoned.name in html) is (poisoned in shown[name])
    client.force_login(owner)

    assert shown == {"owner": {poisoned}, "stranger": set(), "all": {poisoned, foreign}}
    html = page(client, "/tiering/job/").content.decode()
    assert "An amount is beyond what can be true" in html
    assert "Net revenue of the last 12 months" in html
    assert "Withdraw the batch with the wrong amount" in html
    assert "2 accounts set apart" in page(client).content.decode()


def test_what_is_due_failed_and_skipped_is_listed_with_its_reason(client):
    moved_company()
    TierRun.objects.create(
        as_of=date(2025, 1, 3), state=RunState.DUE, trigger=RunTrigger.NIGHT, attempts=1, error="OSError: x"
    )
    TierRun.objects.create(as_of=date(2025, 1, 2), state=RunState.COMPUTING, trigger=RunTrigger.NIGHT, attempts=2)
    TierRun.objects.create(
        as_of=date(2025, 1, 1), state=RunState.FAILED, trigger=RunTrigger.NIGHT, error="No rate", attempts=3
    )
    TierRun.objects.create(
        as_of=date(2024, 12, 30), state=RunState.SKIPPED, trigger=RunTrigger.NIGHT, error="Overtaken"
    )
    client.force_login(grant(make_user(), "retier"))

    response = page(client, "/tiering/job/")
    html = response.content.decode()

    job = response.context["job"]
    assert (job.under_way.as_of, [run.as_of for run in job.waiting]) == (date(2025, 1, 2), [date(2025, 1, 3)])
    assert {run.state for run in job.ended_badly} == {RunState.FAILED, RunState.SKIPPED}
    for words in ("OSError: x", "No rate", "Overtaken", "2 / 3", "3 / 3"):
        assert words in html


@pytest.mark.parametrize("may", [True, False])
def test_who_may_can_try_again(client, may):
    moved_company()
    TierRun.objects.create(as_of=date(2025, 1, 1), state=RunState.FAILED, trigger=RunTrigger.NIGHT, attempts=3)
    client.force_login(grant(make_user(), "retier") if may else make_user())

    assert ("Try again now" in page(client, "/tiering/job/").content.decode()) is may


def test_an_overdue_night_shows_the_age_of_the_grades_on_every_page(client):
    moved_company()
    client.force_login(make_superuser())
    fresh = page(client, "/tiering/model/").content.decode()
    long_ago = timezone.now() - timedelta(days=3, hours=1)
    TierRun.objects.filter(state=RunState.PUBLISHED).update(started_at=long_ago, published_at=long_ago)

    late = page(client, "/tiering/model/").content.decode()

    assert "days old" not in fresh
    assert "grades 3 days old" in late
    assert "A night is overdue." in page(client, "/tiering/job/").content.decode()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_the_job_page_takes_a_constant_number_of_statements(client, rows, django_assert_max_num_queries):
    accounts = [make_account() for _ in range(4)]
    graded_company(*accounts)
    post_revenue([{"account": account, **line(TTM, LARGEST)} for account in accounts[:rows] for _ in range(2)])
    night(AS_OF)
    client.force_login(make_superuser())

    with django_assert_max_num_queries(16):
        response = page(client, "/tiering/job/")

    assert len(response.context["page"].object_list) == rows
