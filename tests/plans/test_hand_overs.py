"""Hand-overs: agreed, signed by both as themselves, done on the day by the service, and kept."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import teams
from accounts.enums import ContractStatus, TeamRole
from accounts.models import Account, TeamMember, User
from plans.enums_team import HandOverState
from plans.models import AccountPlan, HandOver, PlanAction, RemediationPlan, Task
from plans.open_items import open_items
from plans.services_handover import (
    HandOverRefused,
    agree_hand_over,
    cancel_hand_over,
    complete_hand_overs,
    sign_hand_over,
)
from plans.team_health import account_health
from tests.factories import (
    make_account,
    make_contract,
    make_interaction,
    make_override,
    make_rating,
    make_receivable,
    make_request,
    make_team_member,
    make_user,
)

pytestmark = pytest.mark.django_db
AR = TeamRole.ACCOUNT_MANAGER
TODAY = date(2024, 6, 1)
NOON = datetime(2024, 6, 1, 4, tzinfo=UTC)  # noon in Shanghai


@pytest.fixture
def pair():
    """(account, giver who holds the seat and owns the account, taker)."""
    giver, taker = make_user(), make_user()
    account = make_account(owner=giver, grade="general")
    make_team_member(account=account, user=giver, role=AR, valid_from=date(2024, 1, 1))
    return account, giver, taker


def agree(account, giver, taker, *, on=TODAY, **fields):
    return agree_hand_over(account=account, role=AR, taker=taker, on=on, made_by=giver, today=TODAY, **fields)


def holder(account, day):
    return TeamMember.objects.filter(account=account, role=AR).holders().current(day).get().user


def test_the_seat_changes_on_the_agreed_day_once_both_have_signed(pair):
    account, giver, taker = pair
    day = TODAY + timedelta(days=7)
    made = agree(*pair, on=day, note="  They like it short.  ")
    make_request(account=account, assigned_to=giver, subject="Leak")

    assert sign_hand_over(hand_over=made, by=giver, at=NOON).state == HandOverState.OPEN
    assert complete_hand_overs(today=day) == 0
    signed = sign_hand_over(hand_over=made, by=taker, at=NOON)
    assert (signed.state, signed.note, [item["kind"] for item in signed.items]) == (
        HandOverState.SIGNED, "They like it short.", ["request", "task"],
    )  # fmt: skip
    assert complete_hand_overs(today=day - timedelta(days=1)) == 0
    assert holder(account, TODAY) == giver

    assert [complete_hand_overs(today=day), complete_hand_overs(today=day)] == [1, 0]

    made.refresh_from_db()
    account.refresh_from_db()
    assert (made.state, made.done_on, account.owner) == (HandOverState.DONE, day, taker)
    assert [holder(account, day - timedelta(days=1)), holder(account, day)] == [giver, taker]
    assert account.service_requests.get().assigned_to == taker
    assert not Account.objects.visible_to(giver).filter(pk=account.pk).exists() or day > date.today()


def test_with_the_second_signature_on_or_after_the_day_it_is_done_at_once(pair):
    account, giver, taker = pair
    made = agree(*pair)

    sign_hand_over(hand_over=made, by=taker, at=NOON + timedelta(days=3))
    done = sign_hand_over(hand_over=made, by=giver, at=NOON + timedelta(days=3))

    assert (done.state, done.done_on) == (HandOverState.DONE, TODAY + timedelta(days=3))
    assert [holder(account, TODAY + timedelta(days=2)), holder(account, TODAY + timedelta(days=3))] == [giver, taker]


def test_nobody_signs_for_others_or_twice(pair):
    _account, giver, _taker = pair
    made = agree(*pair)

    with pytest.raises(HandOverRefused, match="each as themself"):
        sign_hand_over(hand_over=made, by=make_user(), at=NOON)
    with pytest.raises(HandOverRefused, match="each as themself"):
        sign_hand_over(hand_over=made, by=make_user(), at=NOON, for_leaver=True)  # the giver is there
    sign_hand_over(hand_over=made, by=giver, at=NOON)
    with pytest.raises(HandOverRefused, match="signed already"):
        sign_hand_over(hand_over=made, by=giver, at=NOON)
    made.refresh_from_db()
    assert made.taker_signed_at is None
    assert made.giver_signed_at == NOON


def test_for_a_giver_who_is_gone_somebody_else_signs_and_the_taker_still_does(pair):
    _account, giver, taker = pair
    made = agree(*pair)
    User.objects.filter(pk=giver.pk).update(is_active=False)

    sign_hand_over(hand_over=made, by=make_user(), at=NOON, for_leaver=True)

    assert sign_hand_over(hand_over=made, by=taker, at=NOON).state == HandOverState.DONE


def test_pending_is_a_flag_of_the_health_check_until_it_is_over(pair):
    account, giver, _taker = pair
    made = agree(*pair, on=TODAY + timedelta(days=5))

    def flags():
        return [str(gap) for gap, _role, _user in account_health(account, on=TODAY).gaps_of(account.pk)]

    assert "hand_over" in flags()
    cancel_hand_over(hand_over=made)
    assert "hand_over" not in flags()
    with pytest.raises(HandOverRefused, match="is over"):
        sign_hand_over(hand_over=made, by=giver, at=NOON)
    with pytest.raises(HandOverRefused, match="is over"):
        cancel_hand_over(hand_over=made)


@pytest.mark.parametrize("case", ["empty", "past", "off", "self", "twice"])
def test_what_cannot_be_agreed_is_refused(pair, case):
    account, giver, taker = pair
    if case == "empty":
        teams.change_seat(account=account, role=AR, user=None, on=TODAY)
    if case == "off":
        User.objects.filter(pk=taker.pk).update(is_active=False)
        taker.refresh_from_db()
    if case == "twice":
        agree(*pair)
    before = HandOver.objects.count()

    with pytest.raises(HandOverRefused) as refused:
        agree(account, giver, giver if case == "self" else taker, on=TODAY - timedelta(days=case == "past"))

    assert str(refused.value).endswith(".")
    assert HandOver.objects.count() == before


def test_the_database_refuses_one_that_is_done_without_two_signatures(pair):
    made = agree(*pair)

    with pytest.raises(IntegrityError, match="handover_signed_by_both"), transaction.atomic():
        HandOver.objects.filter(pk=made.pk).update(state="done", done_on=TODAY)


def test_where_the_seat_changed_hands_meanwhile_it_is_called_off_with_the_reason(pair):
    account, giver, taker = pair
    made = agree(*pair, on=TODAY + timedelta(days=5))
    for user in (giver, taker):
        sign_hand_over(hand_over=made, by=user, at=NOON)
    third = make_user()
    teams.change_seat(account=account, role=AR, user=third, on=TODAY)

    assert complete_hand_overs(today=TODAY + timedelta(days=5)) == 0

    made.refresh_from_db()
    assert (made.state, "changed hands" in made.note) == (HandOverState.CANCELLED, True)
    assert holder(account, TODAY + timedelta(days=5)) == third


def test_open_items_are_all_that_is_open_and_nothing_else():
    account, user = make_account(), make_user(first_name="Anna", last_name="Li")
    other = make_account()
    for one in (account, other):
        make_request(account=one, subject="Leak", assigned_to=user)
        make_request(account=one, resolved_at=NOON)
        make_interaction(account=one, next_step="Offer", next_step_on=TODAY)
        make_interaction(account=one, next_step="Told", next_step_on=TODAY, next_step_done_on=TODAY)
        make_override(account=one, approved_by=None)
        make_override(account=one, valid_from=date(2025, 1, 1), valid_to=date(2025, 6, 1))
        make_rating(account=one, expires_on=TODAY + timedelta(days=90), evaluator=user)
        make_rating(account=one, indicator="V2", expires_on=TODAY + timedelta(days=91))
        make_contract(account=one, status=ContractStatus.ACTIVE, ends_on=TODAY + timedelta(days=90))
        make_contract(account=one, status=ContractStatus.ACTIVE, ends_on=TODAY - timedelta(days=1))
        make_receivable(account=one, due_on=TODAY - timedelta(days=1), paid=[(TODAY, 60)])
        make_receivable(account=one, due_on=TODAY - timedelta(days=1), paid=[(TODAY, 100)])
        make_receivable(account=one, due_on=TODAY)
        Task.objects.create(account=one, text="Call", owner=user, due_on=TODAY)
        Task.objects.create(account=one, text="Called", owner=user, due_on=TODAY, done_on=TODAY, outcome="done")
        plan = AccountPlan.objects.create(
            account=one, owner=user, valid_from=TODAY, valid_to=date(2025, 1, 1), goal="Grow", priority_rank=1, planned_hours=1
        )  # fmt: skip
        PlanAction.objects.create(plan=plan, text="Step", owner=user, due_on=TODAY)
        PlanAction.objects.create(plan=plan, text="Stepped", due_on=TODAY, done_on=TODAY)
        RemediationPlan.objects.create(account=one, opened_on=TODAY, due_on=TODAY, exit_test="Paid")

    found = [
        (one.kind, one.text.partition(": ")[2] if one.kind == "receivable" else one.text)
        for one in open_items(account, today=TODAY)
    ]

    kinds = [kind for kind, _text in found]
    assert kinds == [
        "request", "next_step", "task", "plan_step", "remedy", "plan", "override", "receivable", "contract", "rating",
    ]  # fmt: skip
    assert ("receivable", "40.00 CNY") in found
    assert ("next_step", "Offer") in found
