"""Seats of the iron triangle: one holder a day, deputies beside them, changes in one step, and access that follows."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import teams
from accounts.enums import TeamRole
from accounts.models import Account, Contact, Contract, RevenueRecord, TeamMember
from service.models import Interaction
from tests.factories import (
    make_account,
    make_contact,
    make_contract,
    make_interaction,
    make_revenue,
    make_team_member,
    make_user,
)

pytestmark = pytest.mark.django_db
AR, SR = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER
DAY = date(2024, 5, 1)


def rows(account, role=AR):
    found = TeamMember.objects.filter(account=account, role=role).order_by("valid_from", "is_deputy", "pk")
    return [(row.user_id, row.is_deputy, row.valid_from, row.valid_to) for row in found]


def test_a_seat_goes_from_one_to_the_next_in_one_step():
    first, second = make_user(), make_user()
    account = make_team_member(user=first, valid_from=date(2024, 1, 1)).account

    made = teams.change_seat(account=account, role=AR, user=second, on=DAY)

    assert made.user == second
    assert rows(account) == [(first.pk, False, date(2024, 1, 1), DAY), (second.pk, False, DAY, None)]


def test_a_seat_is_emptied_from_a_day_on():
    member = make_team_member(valid_from=date(2024, 1, 1))

    assert teams.change_seat(account=member.account, role=AR, user=None, on=DAY) is None

    assert rows(member.account) == [(member.user_id, False, date(2024, 1, 1), DAY)]


def test_a_deputy_who_takes_the_seat_is_no_longer_its_deputy():
    member, deputy = make_team_member(valid_from=date(2024, 1, 1)), make_user()
    teams.name_deputy(account=member.account, role=AR, user=deputy, valid_from=date(2024, 2, 1))

    teams.change_seat(account=member.account, role=AR, user=deputy, on=DAY)

    assert rows(member.account) == [
        (member.user_id, False, date(2024, 1, 1), DAY),
        (deputy.pk, True, date(2024, 2, 1), DAY),
        (deputy.pk, False, DAY, None),
    ]


@pytest.mark.parametrize("case", ["same", "nobody", "later", "off"])
def test_what_cannot_be_is_refused_and_nothing_is_written(case):
    member = make_team_member(valid_from=date(2024, 6, 1) if case == "later" else date(2024, 1, 1))
    user = {"same": member.user, "nobody": None, "later": make_user(), "off": make_user(is_active=False)}[case]
    role = SR if case == "nobody" else AR
    before = list(TeamMember.objects.values())

    with pytest.raises(teams.SeatRefused) as refused:
        teams.change_seat(account=member.account, role=role, user=user, on=DAY)

    assert str(refused.value)[-1] == "."
    assert list(TeamMember.objects.values()) == before


def test_a_role_that_ends_before_it_begins_is_refused_with_the_days():
    account, user = make_account(), make_user()

    with pytest.raises(teams.SeatRefused, match="end on 30 Apr 2024, before it has begun on 1 May 2024"):
        teams.name_deputy(account=account, role=AR, user=user, valid_from=DAY, valid_to=date(2024, 4, 30))
    with pytest.raises(IntegrityError, match="teammember_ends_after_start"), transaction.atomic():
        make_team_member(account=account, valid_from=DAY, valid_to=date(2024, 4, 30))
    assert not TeamMember.objects.exists()


def test_the_database_refuses_two_holders_a_day_and_one_person_twice_in_a_seat():
    member = make_team_member(valid_from=date(2024, 1, 1))
    deputies = [make_team_member(account=member.account, is_deputy=True, valid_from=DAY) for _ in range(2)]

    with pytest.raises(IntegrityError, match="teammember_one_holder_a_role"), transaction.atomic():
        make_team_member(account=member.account, valid_from=DAY)
    for user in (member.user, deputies[0].user):
        with pytest.raises(IntegrityError, match="teammember_one_place_a_person"), transaction.atomic():
            make_team_member(account=member.account, user=user, is_deputy=True, valid_from=DAY)
    with pytest.raises(teams.SeatRefused, match="holds this seat or is its deputy"):
        teams.name_deputy(account=member.account, role=AR, user=member.user, valid_from=DAY)


def test_a_place_is_ended_and_one_that_has_not_begun_is_taken_back():
    account = make_account()
    running = make_team_member(account=account, is_deputy=True, valid_from=date(2024, 1, 1))
    planned = make_team_member(account=account, is_deputy=True, valid_from=date(2024, 9, 1))

    with pytest.raises(teams.SeatRefused, match="before it began"):
        teams.end_place(member=running, on=date(2023, 12, 31))
    assert teams.end_place(member=running, on=DAY).valid_to == DAY
    with pytest.raises(teams.SeatRefused, match="ended on 1 May 2024"):
        teams.end_place(member=running, on=date(2024, 6, 1))
    assert teams.end_place(member=planned, on=date(2024, 9, 1)) is None
    assert [row[3] for row in rows(account)] == [DAY]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=12))
def test_whatever_is_changed_in_whatever_order_each_day_has_one_holder(steps):
    """Days that have passed keep their holder: a change is only seen from its own day on."""
    account, people = make_account(), [None, *(make_user() for _ in range(3))]
    seen = dict.fromkeys(range(60))
    for who, offset in steps:
        on, user = DAY + timedelta(days=offset), people[who]
        try:
            teams.change_seat(account=account, role=AR, user=user, on=on)
        except teams.SeatRefused:
            continue
        seen |= dict.fromkeys(range(offset, 60), user.pk if user else None)

    for day, expected in seen.items():
        holders = TeamMember.objects.filter(account=account).holders().current(DAY + timedelta(days=day))
        assert list(holders.values_list("user", flat=True)) == ([expected] if expected else [])


# --- Access follows the team ---


def hangs_off(user):
    """What of one account's people, contracts, ledger and log this user reaches."""
    mine = Account.objects.visible_to(user)
    return {
        "accounts": mine.count(),
        "contacts": Contact.objects.filter(account__in=mine).count(),
        "contracts": Contract.objects.filter(account__in=mine).count(),
        "revenue": RevenueRecord.objects.of_visible_accounts(user).count(),
        "interactions": Interaction.objects.visible_to(user).count(),
    }


ALL = dict.fromkeys(("accounts", "contacts", "contracts", "revenue", "interactions"), 1)


def full_account():
    account = make_account()
    make_contact(account=account)
    make_contract(account=account)
    make_revenue(account=account, amount=Decimal(10))
    make_interaction(account=account)
    return account


@pytest.mark.parametrize("is_deputy", [False, True])
@pytest.mark.parametrize("role", list(TeamRole))
def test_a_place_opens_all_of_the_account_on_its_first_day_and_closes_it_on_the_day_it_ends(client, role, is_deputy):
    account, user, today = full_account(), make_user(), timezone.localdate()
    member = make_team_member(account=account, user=user, role=role, is_deputy=is_deputy, valid_from=today)
    client.force_login(user)
    pages = [reverse(f"accounts:{tab}", args=[account.pk]) for tab in ("detail", "revenue", "contracts", "team")]
    pages += [reverse("api:contacts-list"), reverse("api:contracts-list"), reverse("api:revenue-list")]

    assert hangs_off(user) == ALL
    opened = [client.get(page) for page in pages]
    assert [answer.status_code for answer in opened] == [200] * len(pages)
    assert [answer.json()["count"] for answer in opened[4:]] == [1, 1, 1]

    TeamMember.objects.filter(pk=member.pk).update(valid_from=today - timedelta(days=9))
    teams.end_place(member=member, on=today)

    assert hangs_off(user) == dict.fromkeys(ALL, 0)
    closed = [client.get(page) for page in pages]
    assert [answer.status_code for answer in closed] == [404, 404, 404, 404, 200, 200, 200]
    assert [answer.json()["count"] for answer in closed[4:]] == [0, 0, 0]


def test_a_place_that_begins_tomorrow_opens_nothing_today():
    account, user = full_account(), make_user()
    make_team_member(account=account, user=user, valid_from=timezone.localdate() + timedelta(days=1))

    assert hangs_off(user) == dict.fromkeys(ALL, 0)
