"""Which accounts each role sees: by ownership, seat, subtree of the sales organisation, and explicit permission."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts import querysets
from accounts.access import Reach
from accounts.models import Account, ImportBatch, OrgUnit, User
from accounts.organisation import UnitInUse, place, remove_unit, save_unit, tree
from tests.api.conftest import allow
from tests.factories import make_account, make_batch, make_superuser, make_team_member, make_unit, make_user


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def seen_by(user: object) -> set[str]:
    return set(Account.objects.visible_to(user).values_list("name", flat=True))


@pytest.fixture
def company(db):
    """Direction > East > Shanghai > team; and West, beside East. Each place has a person with an account of their own."""
    heads = {
        name: make_user(username=f"head of {name}", role="manager")
        for name in ("direction", "east", "shanghai", "west")
    }
    units: dict[str, OrgUnit] = {}
    for name, level, above in (
        ("direction", "director", None),
        ("east", "area", "direction"),
        ("shanghai", "district", "east"),
        ("team", "team", "shanghai"),
        ("west", "area", "direction"),
    ):
        units[name] = make_unit(name=name, level=level, parent=units.get(above or ""), head=heads.get(name))
    people = {name: make_user(username=f"seller of {name}", unit=unit) for name, unit in units.items()}
    for name, person in people.items():
        make_account(name=name, owner=person)
    for name, head in heads.items():
        make_account(name=f"{name} himself", owner=head)
    make_account(name="nobody's")
    return {"units": units, "heads": heads, "people": people}


def test_a_manager_sees_the_subtree_of_the_units_they_head_and_no_more(company):
    heads = company["heads"]
    east = {"east", "east himself", "shanghai", "shanghai himself", "team"}

    assert seen_by(heads["east"]) == east
    assert seen_by(heads["shanghai"]) == {"shanghai", "shanghai himself", "team"}
    assert seen_by(heads["west"]) == {"west", "west himself"}
    assert seen_by(heads["direction"]) == east | {"west", "west himself", "direction", "direction himself"}


def test_a_seat_in_the_subtree_counts_while_it_lasts(company):
    make_team_member(account=make_account(name="seat"), user=company["people"]["team"])
    today = querysets.today_local()
    ended = make_team_member(account=make_account(name="ended"), user=company["people"]["team"], valid_to=today)
    coming = make_account(name="coming")
    make_team_member(account=coming, user=company["people"]["team"], valid_from=today + timedelta(days=1))

    assert seen_by(company["heads"]["shanghai"]) == {"shanghai", "shanghai himself", "team", "seat"}
    assert "seat" in seen_by(company["people"]["team"])
    ended.valid_to = today + timedelta(days=1)
    ended.save()
    assert "ended" in seen_by(fresh(company["heads"]["shanghai"]))


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("administrator", "all"),
        ("director", "all"),
        ("analyst", "all"),
        ("manager", {"own", "below"}),
        ("member", {"own"}),
    ],
)
def test_reach_by_role(db, role, sees):
    user = make_user(role=role)
    below = make_user(unit=make_unit(head=user))
    make_account(name="own", owner=user)
    make_account(name="below", owner=below)
    make_account(name="other", owner=make_user())

    assert seen_by(user) == ({"own", "below", "other"} if sees == "all" else sees)


def test_explicit_permission_widens_and_nothing_is_seen_by_nobody(company):
    assert seen_by(allow(company["people"]["west"], "accounts.view_all_accounts")) == seen_by(make_superuser())
    assert len(seen_by(make_superuser())) == 10
    assert seen_by(AnonymousUser()) == set()
    gone = make_user(role="director", is_active=False)
    assert seen_by(gone) == set()


def test_a_token_that_may_not_look_at_accounts_sees_none(company):
    for user in (make_superuser(), company["heads"]["east"]):
        batch = make_batch(created_by=user)
        user.scopes = frozenset({"team.add"})
        assert seen_by(user) == set()
        assert user.reach is not Reach.ALL
        assert not ImportBatch.objects.visible_to(user).exists()
        user.scopes = frozenset({"account.view"})
        assert "east" in seen_by(user)
        assert batch in ImportBatch.objects.visible_to(user)


def test_a_head_who_is_no_manager_sees_their_own(company):
    head = company["heads"]["east"]
    User.objects.filter(pk=head.pk).update(role="member")

    assert seen_by(fresh(head)) == {"east himself"}


def test_both_ways_of_looking_find_the_same(company, monkeypatch):
    make_team_member(account=make_account(name="seat"), user=company["people"]["team"])
    by_key = {name: seen_by(fresh(head)) for name, head in company["heads"].items()}

    monkeypatch.setattr(querysets, "MOST_BY_KEY", 1)

    assert {name: seen_by(fresh(head)) for name, head in company["heads"].items()} == by_key


def test_statements_do_not_grow_with_people_or_units(company, django_assert_num_queries):
    head = company["heads"]["direction"]
    for size in (1, 40):
        for _ in range(size):
            make_account(owner=make_user(unit=make_unit(parent=company["units"]["team"])))
        user = fresh(head)
        with django_assert_num_queries(4):  # permissions of the user and of groups, the people below, the accounts
            list(Account.objects.visible_to(user))


def test_tree_lists_units_below_their_parents(company):
    assert [(unit.name, depth) for unit, depth in tree()] == [
        ("direction", 0), ("east", 1), ("shanghai", 2), ("team", 3), ("west", 1),
    ]  # fmt: skip


def test_a_loop_is_refused_by_service_and_by_the_database(company):
    units = company["units"]
    with pytest.raises(ValidationError, match="below this one"):
        save_unit(units["east"], level="team", parent=units["team"])
    sister = save_unit(OrgUnit(), name="sister", level="team", parent=units["team"])
    with pytest.raises(IntegrityError, match="above itself"), transaction.atomic():
        OrgUnit.objects.filter(pk=units["team"].pk).update(parent=sister)
    with pytest.raises(ValidationError, match=r"above itself|below this one"):
        save_unit(units["team"], parent=units["team"])
    with pytest.raises(IntegrityError), transaction.atomic():
        OrgUnit.objects.filter(pk=units["team"].pk).update(parent=units["team"])


def test_levels_descend(company):
    units = company["units"]
    with pytest.raises(ValidationError, match="higher one"):
        save_unit(OrgUnit(), name="x", level="area", parent=units["team"])
    with pytest.raises(ValidationError, match="Move them first"):
        save_unit(OrgUnit.objects.get(pk=units["east"].pk), level="team")
    for change in ({"level": "team"}, {"parent": units["team"]}):
        with pytest.raises(IntegrityError), transaction.atomic():
            OrgUnit.objects.filter(pk=units["east"].pk).update(**change)
    assert save_unit(OrgUnit(), name="same level", level="team", parent=units["team"]).pk


def test_names_are_given_and_once_in_a_place(company):
    for fields in ({"name": " "}, {"name": "east"}):
        with pytest.raises(ValidationError):
            save_unit(OrgUnit(level="area", parent=company["units"]["direction"]), **fields)
    with pytest.raises(ValidationError):
        save_unit(OrgUnit(), name="direction", level="director", parent=None)
    with pytest.raises(TypeError):
        save_unit(OrgUnit(), id=7)


def test_only_an_empty_unit_is_removed(company):
    units = company["units"]
    with pytest.raises(UnitInUse, match="unit stands below"):
        remove_unit(units["shanghai"])
    with pytest.raises(UnitInUse, match="placed in this unit"):
        remove_unit(units["team"])
    assert place([company["people"]["team"]], None) == 1
    assert place([company["people"]["team"]], None) == 0
    remove_unit(units["team"])
    assert place([company["people"]["team"]], units["west"]) == 1
    assert seen_by(fresh(company["heads"]["west"])) == {"west", "west himself", "team"}


def test_people_below_in_the_database_is_what_the_user_says(company):
    head = company["heads"]["shanghai"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_people_below(%s)", [head.pk])
        (found,) = cursor.fetchone()
    assert (
        set(found)
        == set(head.people_below)
        == {head.pk, company["people"]["shanghai"].pk, company["people"]["team"].pk}
    )
    assert make_user(role="manager").people_below != ()


def test_seats_are_those_of_the_day(company):
    account = make_account()
    member = make_team_member(account=account, valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1))
    assert Account.objects.kept_by([member.user_id], on=date(2020, 12, 31)).exists()
    assert not Account.objects.kept_by([member.user_id], on=date(2021, 1, 1)).exists()
