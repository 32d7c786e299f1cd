"""Somebody leaves: everything moves by the rule in one transaction, and comes back exactly, but for what changed since."""

import json
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.enums import TeamRole
from accounts.models import Account, TeamMember, User
from plans.departures import ReassignRefused, holdings, preview, reassign, undo_reassignment
from plans.models import (
    AccountPlan,
    MovedRow,
    PlanAction,
    Reassignment,
    RelationshipAction,
    RelationshipPlan,
    RemediationAction,
    RemediationPlan,
    Task,
)
from service.models import ServiceRequest, Sponsor
from tests.factories import make_account, make_request, make_sponsor, make_team_member, make_user

pytestmark = pytest.mark.django_db
AR, SR, FR = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER, TeamRole.DELIVERY_MANAGER
TODAY, TOMORROW, BEFORE = date(2024, 6, 1), date(2024, 6, 2), date(2024, 1, 1)
MODELS = (
    Account,
    TeamMember,
    Task,
    ServiceRequest,
    Sponsor,
    AccountPlan,
    PlanAction,
    RemediationPlan,
    RemediationAction,
    RelationshipPlan,
    RelationshipAction,
)


def state():
    """Every row that can move, without the stamps of when it changed and, of seats, the keys of rows made anew."""
    return {
        model.__name__: sorted(
            str({name: value for name, value in row.items() if name != "updated_at"}) for row in model.objects.values()
        )
        for model in MODELS
    }


def everything(leaver, **fields):
    """An account at which one of each kind hangs on ``leaver``."""
    account = make_account(owner=leaver, grade="gold", **fields)
    make_team_member(account=account, user=leaver, role=AR, valid_from=BEFORE)
    make_team_member(
        account=account, user=leaver, role=SR, is_deputy=True, valid_from=BEFORE, valid_to=date(2025, 1, 1)
    )
    make_team_member(account=account, user=leaver, role=FR, valid_from=date(2024, 9, 1))
    make_request(account=account, assigned_to=leaver)
    make_request(account=account, assigned_to=leaver, resolved_at=timezone.now())
    make_sponsor(account=make_account(), user=leaver, valid_from=BEFORE)
    Task.objects.create(account=account, text="Call", owner=leaver, due_on=TODAY)
    Task.objects.create(text="Tidy up", owner=leaver, due_on=TODAY)
    Task.objects.create(text="Done", owner=leaver, due_on=TODAY, done_on=TODAY, outcome="done")
    plan = AccountPlan.objects.create(
        account=account, owner=leaver, valid_from=BEFORE, valid_to=date(2025, 1, 1), goal="Grow", priority_rank=1,
        planned_hours=1,
    )  # fmt: skip
    PlanAction.objects.create(plan=plan, text="Step", owner=leaver, due_on=TODAY)
    remedy = RemediationPlan.objects.create(account=account, owner=leaver, opened_on=BEFORE, due_on=TODAY)
    RemediationAction.objects.create(plan=remedy, text="Step", owner=leaver, due_on=TODAY)
    ties = RelationshipPlan.objects.create(account=account, owner=leaver, goal="Closer", review_on=TODAY)
    RelationshipAction.objects.create(plan=ties, text="Step", owner=leaver, due_on=TODAY, layer="key")
    return account


COUNTS = {
    "owner": 1, "seat": 1, "deputy": 1, "planned": 1, "request": 1, "sponsor": 1, "task": 2, "plan": 1, "plan_step": 1,
    "remedy": 1, "remedy_step": 1, "ties": 1, "ties_step": 1,
}  # fmt: skip


def move(leaver, successor, **fields):
    given = {"rule": "person", "accounts": Account.objects.standing(), "made_by": successor, "on": TODAY} | fields
    return reassign(leaver=leaver, successor=successor, **given)


def test_everything_goes_to_one_person_and_comes_back_as_it_was():
    leaver, heir = make_user(), make_user()
    account = everything(leaver)
    before = state()
    assert holdings(leaver, Account.objects.all(), on=TODAY) == COUNTS

    done = move(leaver, heir)

    assert done.counts == COUNTS
    assert not any(holdings(leaver, Account.objects.all(), on=TODAY).values())
    account.refresh_from_db()
    assert account.owner == heir
    assert [
        (row.user_id, row.role, row.is_deputy, row.valid_from, row.valid_to)
        for row in TeamMember.objects.filter(account=account).order_by("role", "valid_from")
    ] == [
        (leaver.pk, AR, False, BEFORE, TODAY),
        (heir.pk, AR, False, TODAY, None),
        (heir.pk, FR, False, date(2024, 9, 1), None),
        (leaver.pk, SR, True, BEFORE, TODAY),
        (heir.pk, SR, True, TODAY, date(2025, 1, 1)),
    ]
    assert list(Task.objects.still_open().values_list("owner", flat=True)) == [heir.pk] * 2
    assert Task.objects.get(text="Done").owner == leaver
    assert Sponsor.objects.get().valid_to == TODAY

    back = undo_reassignment(move=done, by=heir)

    assert state() == before
    assert back.restored == COUNTS
    with pytest.raises(ReassignRefused, match="taken back before"):
        undo_reassignment(move=done, by=heir)


def test_a_preview_counts_and_leaves_nothing_behind():
    leaver, heir = make_user(), make_user()
    everything(leaver)
    before = state()

    found = preview(
        leaver=leaver, accounts=Account.objects.standing(), made_by=heir, on=TODAY, rule="person", successor=heir
    )

    assert found.counts == COUNTS
    assert [(user, load) for user, _counts, load in found.by_successor] == [(heir, 3)]
    assert state() == before
    assert not Reassignment.objects.exists()
    assert not MovedRow.objects.exists()


def test_by_region_each_account_goes_to_whoever_has_its_region():
    leaver, north, rest = make_user(), make_user(), make_user()
    for region in ("North", "South", ""):
        make_team_member(account=make_account(owner=leaver, region=region), user=leaver, valid_from=BEFORE)

    move(leaver, rest, rule="region", regions={"North": north, "East": make_user()})

    owners = dict(Account.objects.values_list("region", "owner"))
    seats = dict(TeamMember.objects.current(TODAY).values_list("account__region", "user"))
    assert owners == seats == {"North": north.pk, "South": rest.pk, "": rest.pk}


def test_by_deputy_each_seat_goes_to_its_own_and_the_deputy_stops_standing_in():
    leaver, first, second, rest = (make_user() for _ in range(4))
    account, bare = make_account(owner=leaver), make_account(owner=leaver)
    for role, deputy in ((AR, first), (SR, second)):
        make_team_member(account=account, user=leaver, role=role, valid_from=BEFORE)
        make_team_member(account=account, user=deputy, role=role, is_deputy=True, valid_from=BEFORE)
    make_team_member(account=bare, user=leaver, valid_from=BEFORE)
    off = make_team_member(account=bare, role=AR, is_deputy=True, valid_from=BEFORE).user
    User.objects.filter(pk=off.pk).update(is_active=False)
    before = state()

    done = move(leaver, rest, rule="deputy")

    assert dict(Account.objects.values_list("pk", "owner")) == {account.pk: first.pk, bare.pk: rest.pk}
    seats = TeamMember.objects.current(TODAY).order_by("account", "role", "is_deputy")
    assert list(seats.values_list("account", "role", "is_deputy", "user")) == [
        (account.pk, AR, False, first.pk),
        (account.pk, SR, False, second.pk),
        (bare.pk, AR, False, rest.pk),
        (bare.pk, AR, True, off.pk),
    ]
    undo_reassignment(move=done, by=rest)
    assert state() == before


def test_what_changed_since_stays_and_the_rest_comes_back():
    leaver, heir, third = make_user(), make_user(), make_user()
    sold, kept = make_account(owner=leaver), make_account(owner=leaver)
    seats = [make_team_member(account=one, user=leaver, valid_from=BEFORE) for one in (sold, kept)]
    done = move(leaver, heir)
    Account.objects.filter(pk=sold.pk).update(owner=third)
    TeamMember.objects.filter(account=sold, user=heir).update(user=third)

    back = undo_reassignment(move=done, by=heir)

    assert (done.counts, back.restored) == ({"owner": 2, "seat": 2}, {"owner": 1, "seat": 1})
    assert dict(Account.objects.values_list("pk", "owner")) == {sold.pk: third.pk, kept.pk: leaver.pk}
    assert [TeamMember.objects.get(pk=seat.pk).valid_to for seat in seats] == [TODAY, None]


def test_a_seat_that_somebody_else_holds_by_now_is_not_taken_back():
    leaver, heir = make_user(), make_user()
    member = make_team_member(user=leaver, valid_from=BEFORE)
    done = move(leaver, heir)
    TeamMember.objects.filter(user=heir).update(valid_to=TOMORROW)
    make_team_member(account=member.account, valid_from=TOMORROW)

    with pytest.raises(ReassignRefused, match="Everything has changed since"):
        undo_reassignment(move=done, by=heir)
    assert TeamMember.objects.get(pk=member.pk).valid_to == TODAY


@pytest.mark.parametrize("case", ["self", "off", "nothing"])
def test_what_cannot_be_is_refused_and_nothing_moves(case):
    leaver = make_user()
    if case != "nothing":
        everything(leaver)
    heir = {"self": leaver, "off": make_user(is_active=False)}.get(case) or make_user()
    before = state()

    with pytest.raises(ReassignRefused):
        move(leaver, heir)

    assert state() == before
    assert not Reassignment.objects.exists()


def test_only_accounts_in_view_move():
    leaver, boss = make_user(), make_user()
    seen, hidden = make_account(owner=leaver), make_account(owner=leaver)
    make_team_member(account=seen, user=boss, valid_from=BEFORE)

    move(leaver, boss, accounts=Account.objects.visible_to(boss))

    assert dict(Account.objects.values_list("pk", "owner")) == {seen.pk: boss.pk, hidden.pk: leaver.pk}


def test_statements_are_the_same_for_one_account_and_for_many():
    counts = []
    for number in (1, 4):
        leaver = make_user()
        for _each in range(number):
            everything(leaver)
        with CaptureQueriesContext(connection) as captured:
            move(leaver, make_user())
        counts.append(len(captured))

    assert counts[0] == counts[1]


PLACES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(list(TeamRole)), st.integers(0, 3), st.booleans(), st.integers(-9, 9), st.integers(1, 12)),
    max_size=14,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=PLACES, rule=st.sampled_from(["person", "region", "deputy"]))
def test_whatever_the_teams_look_like_moving_and_taking_back_changes_nothing(places, rule):
    """Random seats and deputies of four people at three accounts, past, running and planned."""
    from django.db import IntegrityError, transaction

    people = [make_user() for _ in range(4)]
    accounts = [make_account(owner=people[0], region=str(number)) for number in range(3)]
    for at, role, who, is_deputy, start, length in places:
        begin = TODAY + timedelta(days=start)
        try:
            with transaction.atomic():
                make_team_member(
                    account=accounts[at], role=role, user=people[who], is_deputy=is_deputy, valid_from=begin,
                    valid_to=begin + timedelta(days=length) if length < 12 else None,
                )  # fmt: skip
        except IntegrityError:
            continue
    before = state()

    done = move(people[0], people[1], rule=rule, regions={"1": people[2]})
    after = TeamMember.objects.filter(user=people[0]).current(TODAY)

    assert not after.exists()
    undo_reassignment(move=done, by=people[1])
    assert state() == before


# --- The command ---


def command(*args):
    out = StringIO()
    call_command("reassign", *args, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_moves_and_takes_back():
    leaver, heir = make_user(username="leaver"), make_user(username="heir")
    make_account(owner=leaver)

    trial = command("leaver", "--to", "heir", "--by", "heir", "--dry-run")
    done = command("leaver", "--to", "heir", "--by", "heir")
    assert (trial, done["counts"]) == ({"id": None, "counts": {"owner": 1}}, {"owner": 1})
    assert Account.objects.get().owner == heir

    assert command("--undo", str(done["id"]), "--by", "heir")["counts"] == {"owner": 1}
    assert Account.objects.get().owner == leaver


@pytest.mark.parametrize(
    "args",
    [
        ("nobody", "--to", "heir"),
        ("heir",),
        ("heir", "--to", "heir"),
        ("heir", "--to", "heir", "--region", "North"),
        ("--undo", "7"),
    ],
)
def test_the_command_says_what_is_wrong(args):
    make_user(username="heir")

    with pytest.raises(CommandError) as refused:
        command(*args, "--by", "heir")

    assert refused.value.returncode == 2
