"""Gaps of teams and loads of people over accounts as they stand, and the tasks that follow from them."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import teams
from accounts.enums import AccountStatus, TeamRole
from accounts.models import Account, User
from plans.enums_team import TaskOutcome, TeamGap
from plans.models import Task, TeamRule
from plans.services_tasks import TaskRefused, change_task, end_task, settle_all, settle_gap_tasks, write_task
from plans.team_health import account_health, team_health
from tests.factories import make_account, make_interaction, make_team_member, make_user
from tests.plans.people import policy

pytestmark = pytest.mark.django_db
AR, SR, FR = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER, TeamRole.DELIVERY_MANAGER
TODAY = date(2024, 12, 31)


def manned(account, *, roles=(AR, SR, FR), users=None, since=TODAY - timedelta(days=1), deputies=True):
    """Seats held by different people with a deputy each, all since yesterday."""
    users = users or [make_user() for _ in roles]
    for role, user in zip(roles, users, strict=True):
        make_team_member(account=account, role=role, user=user, valid_from=since)
        if deputies:
            make_team_member(account=account, role=role, is_deputy=True, valid_from=since)
    return users


def gaps(account):
    return [(str(gap), role) for gap, role, _user in account_health(account, on=TODAY).gaps_of(account.pk)]


@pytest.mark.parametrize("grade", ["diamond", "gold", "strategic"])
def test_key_accounts_need_all_three_and_their_deputies(grade):
    account = make_account(grade=grade)
    assert gaps(account) == [("missing", AR), ("missing", SR), ("missing", FR)]

    manned(account, deputies=False)
    assert gaps(account) == [("no_deputy", AR), ("no_deputy", SR), ("no_deputy", FR)]

    for role in TeamRole:
        make_team_member(account=account, role=role, is_deputy=True, valid_from=TODAY)
    assert gaps(account) == []


@pytest.mark.parametrize("grade", ["potential", "general", "problem"])
def test_others_need_an_account_manager_alone(grade):
    account = make_account(grade=grade)
    assert gaps(account) == [("missing", AR)]

    manned(account, roles=[AR], deputies=False)
    assert gaps(account) == []


def test_without_a_grade_nothing_is_required_and_closed_accounts_have_no_team():
    ungraded, closed = make_account(), make_account(grade="diamond", status=AccountStatus.CLOSED)

    assert gaps(ungraded) == gaps(closed) == []


def test_a_holder_who_is_switched_off_leaves_a_gap_and_such_a_deputy_does_not_count():
    account = make_account(grade="gold")
    users = manned(account)
    User.objects.filter(pk=users[1].pk).update(is_active=False)
    User.objects.filter(pk__in=account.team_members.filter(role=FR, is_deputy=True).values("user")).update(
        is_active=False
    )

    health = account_health(account, on=TODAY)

    assert gaps(account) == [("left", SR), ("no_deputy", FR)]
    assert health.is_incomplete.tolist() == [True]
    assert health.share == pytest.approx(2 / 3)


def test_one_person_in_several_seats_is_a_flag_and_no_broken_triangle():
    account, one = make_account(grade="gold"), make_user()
    manned(account, users=[make_user(), one, one])

    assert gaps(account) == [("several", "")]
    assert not account_health(account, on=TODAY).is_incomplete.any()


@pytest.mark.parametrize(("grade", "days"), [("diamond", 15), ("gold", 30), ("potential", 45), ("general", 91)])
def test_the_team_has_to_touch_within_the_cadence_of_the_policy(grade, days):
    policy()
    account = make_account(grade=grade, grade_since=date(2020, 1, 1))
    manager = manned(account, since=date(2020, 1, 1))[0]
    late = ("untouched", AR)
    assert late in gaps(account)

    make_interaction(account=account, held_on=TODAY - timedelta(days=days + 1), our_people=[manager])
    make_interaction(account=account, held_on=TODAY, our_people=[make_user()])  # somebody else
    make_interaction(account=account, held_on=TODAY, kind="note", our_people=[manager])  # not the customer
    assert late in gaps(account)

    make_interaction(account=account, held_on=TODAY - timedelta(days=days), logged_by=manager)
    assert late not in gaps(account)


@pytest.mark.parametrize("role", [SR, FR])
@pytest.mark.parametrize("is_deputy", [False, True])
def test_a_touch_by_any_corner_of_the_triangle_counts(role, is_deputy):
    policy()
    account = make_account(grade="diamond", grade_since=date(2020, 1, 1))
    manned(account, since=date(2020, 1, 1))
    assert ("untouched", AR) in gaps(account)

    member = account.team_members.get(role=role, is_deputy=is_deputy)
    make_interaction(account=account, held_on=TODAY, our_people=[member.user])

    assert gaps(account) == []


def test_a_team_without_its_account_manager_is_late_all_the_same():
    policy()
    account = make_account(grade="diamond", grade_since=date(2020, 1, 1))
    manned(account, since=date(2020, 1, 1))
    account.team_members.filter(role=AR).delete()

    assert ("untouched", AR) in gaps(account)


def test_a_deputy_may_touch_for_the_account_manager_and_a_new_grade_starts_the_time_anew():
    policy()
    account = make_account(grade="diamond", grade_since=date(2020, 1, 1))
    manned(account, since=date(2020, 1, 1))
    deputy = account.team_members.get(role=AR, is_deputy=True).user
    make_interaction(account=account, held_on=TODAY, our_people=[deputy])
    assert gaps(account) == []

    fresh = make_account(grade="diamond", grade_since=TODAY - timedelta(days=3))
    manned(fresh, since=date(2020, 1, 1))
    assert gaps(fresh) == []


def test_rules_are_data():
    account = make_account(grade="general")
    TeamRule.objects.filter(grade="general").update(roles=[FR], points=9)
    user = make_team_member(account=account, role=SR, valid_from=TODAY).user

    assert gaps(account) == [("missing", FR)]
    assert account_health(account, on=TODAY).loads() == {user.pk: (9, 1)}


def test_loads_of_the_worked_example_over_real_accounts():
    """EX: 5 + 3 + 3 + 2 + 2 = 15 is right at the capacity of 15; a General account more makes it 16."""
    anna = make_user(username="anna")
    for grade in ("diamond", "gold", "strategic", "problem", "potential"):
        make_team_member(account=make_account(grade=grade), user=anna, valid_from=TODAY)
    make_team_member(account=make_account(grade="gold"), user=anna, is_deputy=True, valid_from=TODAY)
    twice = make_account(grade="gold")
    for role in (AR, SR):
        make_team_member(account=twice, role=role, user=make_user(username=f"ben{role}"), valid_from=TODAY)
    everything = Account.objects.all()

    first = team_health(everything, on=TODAY).people()[0]
    assert (first.user, first.load, first.accounts, first.seats, first.deputies) == (anna, 15, 5, (5, 0, 0), 1)
    assert not first.is_over

    make_team_member(account=make_account(grade="general"), user=anna, valid_from=TODAY)
    first = team_health(everything, on=TODAY).people()[0]
    assert (first.user, first.load, first.is_over) == (anna, 16, True)

    User.objects.filter(pk=anna.pk).update(capacity=16)
    assert not any(one.is_over for one in team_health(everything, on=TODAY).people())


def test_standing_by_grade():
    manned(make_account(grade="diamond"))
    make_account(grade="diamond")
    manned(make_account(grade="general"), roles=[AR])

    found = [
        (one.grade, one.accounts, one.incomplete, one.share)
        for one in team_health(Account.objects.all(), on=TODAY).by_grade()
    ]

    assert found == [("diamond", 2, 1, pytest.approx(0.5)), ("general", 1, 0, pytest.approx(1.0))]


def test_statements_do_not_grow_with_the_accounts():
    counts = []
    for _more in range(2):
        for _each in range(3):
            manned(make_account(grade="gold"), deputies=False)
        with CaptureQueriesContext(connection) as captured:
            team_health(Account.objects.all(), on=TODAY).people()
        counts.append(len(captured))

    assert counts[0] == counts[1]


# --- Tasks of gaps ---


def open_tasks(**fields):
    rows = Task.objects.still_open().filter(**fields).order_by("gap", "role")
    return [(task.gap, task.role, task.owner_id, task.due_on) for task in rows]


def test_a_gap_opens_one_task_however_often_the_night_looks():
    owner = make_user()
    account = make_account(grade="general", owner=owner)

    first, second = settle_all(today=TODAY), settle_all(today=TODAY + timedelta(days=1))

    assert (first, second) == ({"opened": 1, "settled": 0}, {"opened": 0, "settled": 0})
    assert open_tasks(account=account) == [("missing", AR, owner.pk, TODAY + timedelta(days=14))]
    with pytest.raises(IntegrityError, match="task_one_open_a_gap"), transaction.atomic():
        Task.objects.create(account=account, origin="gap", gap="missing", role=AR, due_on=TODAY)


def test_the_task_closes_by_itself_with_the_gap_and_opens_again_with_it():
    account = make_account(grade="general")
    settle_all(today=TODAY)
    assert open_tasks() == [("missing", AR, None, TODAY + timedelta(days=14))]

    teams.change_seat(account=account, role=AR, user=make_user(), on=date(2020, 1, 1))
    task = Task.objects.get(gap="missing")
    assert task.outcome == TaskOutcome.SETTLED
    assert task.done_on is not None

    teams.change_seat(account=account, role=AR, user=None, on=date(2020, 2, 1))
    assert [row[:2] for row in open_tasks()] == [("missing", AR)]
    assert Task.objects.filter(gap="missing").count() == 2


def test_tasks_go_to_the_account_manager_who_works_here_else_to_the_owner():
    owner, manager = make_user(), make_user()
    account = make_account(grade="gold", owner=owner)
    make_team_member(account=account, user=manager, valid_from=TODAY)
    settle_all(today=TODAY)
    assert {row[2] for row in open_tasks()} == {manager.pk}

    User.objects.filter(pk=manager.pk).update(is_active=False)
    settle_all(today=TODAY)

    assert {row[2] for row in open_tasks()} == {owner.pk}
    assert ("left", AR, owner.pk, TODAY + timedelta(days=7)) in open_tasks()


def test_an_account_that_is_closed_or_merged_has_no_tasks_left():
    closed, merged = make_account(grade="general"), make_account(grade="general")
    kept = make_account(grade="general")
    settle_all(today=TODAY)
    Account.objects.filter(pk=closed.pk).update(status=AccountStatus.CLOSED)
    Account.objects.filter(pk=merged.pk).update(merged_into=kept)

    assert settle_all(today=TODAY) == {"opened": 0, "settled": 2}
    assert list(Task.objects.still_open().values_list("account", flat=True)) == [kept.pk]


def test_an_overload_is_one_task_about_the_person():
    person = make_user(capacity=4)
    make_team_member(account=make_account(grade="diamond"), user=person, valid_from=TODAY)

    for _night in range(2):
        settle_all(today=TODAY)
    assert list(Task.objects.still_open().filter(gap=TeamGap.OVERLOAD).values_list("about", "account")) == [
        (person.pk, None)
    ]

    User.objects.filter(pk=person.pk).update(capacity=5)
    settle_all(today=TODAY)
    assert not Task.objects.still_open().filter(gap=TeamGap.OVERLOAD).exists()


def test_flags_that_are_allowed_open_no_task():
    account, one = make_account(grade="gold"), make_user()
    manned(account, users=[make_user(), one, one])

    settle_gap_tasks(accounts=Account.objects.all(), today=TODAY)

    assert not Task.objects.exists()


def test_a_written_task_is_done_by_its_people_and_one_of_a_gap_is_not():
    owner = make_user()
    account = make_account(grade="general", owner=owner)
    mine = write_task(text=" Call them ", owner=owner, due_on=TODAY, made_by=owner, account=account)
    settle_all(today=TODAY)
    gap = Task.objects.get(origin="gap")

    assert end_task(task=mine, by=owner, on=TODAY).outcome == TaskOutcome.DONE
    with pytest.raises(TaskRefused, match="closed already"):
        end_task(task=mine, by=owner, on=TODAY)
    with pytest.raises(TaskRefused, match="closes by itself"):
        end_task(task=gap, by=owner, on=TODAY)
    with pytest.raises(TaskRefused, match="cannot be reworded"):
        change_task(task=gap, text="Something else")
    assert change_task(task=gap, due_on=TODAY + timedelta(days=90)).due_on == TODAY + timedelta(days=90)
    assert mine.text == "Call them"


def test_a_task_goes_to_nobody_who_is_off_or_does_not_see_the_account():
    owner = make_user()
    account = make_account(owner=owner)

    for someone, words in ((make_user(is_active=False), "switched off"), (make_user(), "does not see this account")):
        with pytest.raises(TaskRefused, match=words):
            write_task(text="Call", owner=someone, due_on=TODAY, made_by=owner, account=account)
    with pytest.raises(TaskRefused, match="Say what"):
        write_task(text="  ", owner=owner, due_on=TODAY, made_by=owner)
    assert not Task.objects.exists()
