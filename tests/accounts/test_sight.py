"""Why somebody sees an account: the ways told are the ways ``visible_to`` takes, for every kind of person."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import Account, User
from accounts.querysets import today_local
from accounts.sight import EACH, Obstacle, Way, condition, counts, explain, seen_by, sight_of, ways_to
from tests.api.conftest import allow
from tests.factories import make_account, make_superuser, make_team_member, make_unit, make_user

pytestmark = pytest.mark.django_db


def fresh(user):
    return User.objects.get(pk=user.pk)


@pytest.fixture
def company():
    """Accounts of every relation to a manager, a seller below them, and a stranger; people of every role and right."""
    today = today_local()
    manager, seller, stranger = make_user(role="manager"), make_user(), make_user()
    unit = make_unit(head=manager)
    User.objects.filter(pk=seller.pk).update(unit=unit)
    head_only = make_user()
    make_unit(head=head_only)
    accounts = {
        "manager's": make_account(owner=manager), "seller's": make_account(owner=seller),
        "stranger's": make_account(owner=stranger), "nobody's": make_account(),
        "seat": make_account(owner=stranger), "deputy": make_account(), "seat of a seller": make_account(),
        "ended": make_account(), "coming": make_account(), "merged": make_account(owner=seller),
    }  # fmt: skip
    make_team_member(account=accounts["seat"], user=manager, valid_from=date(2020, 1, 1))
    make_team_member(account=accounts["deputy"], user=manager, is_deputy=True)
    make_team_member(account=accounts["seat of a seller"], user=seller)
    make_team_member(account=accounts["ended"], user=manager, valid_to=today)
    make_team_member(account=accounts["coming"], user=manager, valid_from=today + timedelta(days=3))
    Account.objects.filter(pk=accounts["merged"].pk).update(merged_into=accounts["seller's"])
    accounts["merged"].refresh_from_db()
    rights = Group.objects.create(name="Whole company")
    rights.permissions.add(Permission.objects.get(codename="view_all_accounts"))
    in_group = make_user()
    in_group.groups.add(rights)
    manager_of_all = allow(make_user(role="manager"), "accounts.view_all_accounts")
    make_unit(parent=unit, head=manager_of_all)
    people = {
        "manager": manager, "seller": seller, "stranger": stranger, "head only": head_only, "in a group": in_group,
        "manager of all": manager_of_all, "by name": allow(make_user(), "accounts.view_all_accounts"),
        "off": make_user(is_active=False, role="director"), "administrator": make_user(role="administrator"),
        "superuser": make_superuser(), "director": make_user(role="director"), "analyst": make_user(role="analyst"),
    }  # fmt: skip
    return {"people": {name: fresh(one) for name, one in people.items()}, "accounts": accounts}


def test_an_account_has_a_way_exactly_where_it_is_visible(company):
    everything = list(Account.objects.all())
    for name, user in company["people"].items():
        sight = sight_of(user)
        visible = set(Account.objects.visible_to(user).values_list("pk", flat=True))
        by_rows = ways_to(sight, everything, on=today_local())
        by_condition = set()
        for way in Way:
            if sight.may_look:
                rows = Account.objects.standing().filter(condition(sight, way, on=today_local()))
                by_condition |= set(rows.values_list("pk", flat=True))

        assert {pk for pk, ways in by_rows.items() if ways} == visible, name
        assert by_condition == visible, name
        assert {account.pk for account in everything if explain(sight, account, on=today_local()).sees} == visible, name


def test_ways_are_named(company):
    found = {}
    for name in ("manager", "seller", "in a group", "by name", "administrator"):
        sight = sight_of(company["people"][name])
        ways = ways_to(sight, list(company["accounts"].values()), on=today_local())
        found[name] = {
            label: sorted({way.way.value for way in ways[account.pk]})
            for label, account in company["accounts"].items()
            if ways[account.pk]
        }

    assert found["manager"] == {
        "manager's": ["owner"], "seller's": ["unit"], "seat": ["seat"], "deputy": ["deputy"],
        "seat of a seller": ["unit"],
    }  # fmt: skip
    assert found["seller"] == {"seller's": ["owner"], "seat of a seller": ["seat"]}
    assert found["in a group"]["nobody's"] == ["group"]
    assert found["by name"]["nobody's"] == ["permission"]
    assert found["administrator"]["nobody's"] == ["role"]


def test_counts_are_those_of_the_lists(company):
    viewer, on = company["people"]["administrator"], today_local()
    for name, user in company["people"].items():
        sight = sight_of(user)
        told = counts(sight, viewer=viewer, on=on)
        rows = seen_by(user, viewer=viewer)
        assert told["total"] == rows.count() == Account.objects.visible_to(user).count(), name
        assert {way: told[way] for way in EACH} == {
            way: rows.filter(condition(sight, way, on=on)).count() for way in EACH
        }, name
    assert counts(sight_of(company["people"]["manager"]), viewer=viewer, on=on) == {
        "total": 5, "owner": 1, "seat": 1, "deputy": 1, "unit": 2,
    }  # fmt: skip


def test_who_asks_is_told_of_no_account_they_do_not_see(company):
    seller, director = company["people"]["seller"], company["people"]["director"]

    seen = seen_by(director, viewer=seller)

    assert set(seen) == set(Account.objects.visible_to(seller))
    assert counts(sight_of(director), viewer=seller, on=today_local())["total"] == 2


def test_obstacles_say_what_would_have_to_be_otherwise(company):
    on, accounts, people = today_local(), company["accounts"], company["people"]

    def why(name, label):
        return [one for one, _what in explain(sight_of(people[name]), accounts[label], on=on).obstacles]

    assert why("manager", "stranger's") == [Obstacle.OTHER_OWNER, Obstacle.NO_SEAT, Obstacle.OUTSIDE]
    assert why("manager", "ended") == [Obstacle.NO_OWNER, Obstacle.SEAT_OVER, Obstacle.OUTSIDE]
    assert why("manager", "coming") == [Obstacle.NO_OWNER, Obstacle.SEAT_COMES, Obstacle.OUTSIDE]
    assert why("manager", "merged") == [Obstacle.MERGED]
    assert why("administrator", "merged") == [Obstacle.MERGED]
    assert why("head only", "seller's") == [Obstacle.OTHER_OWNER, Obstacle.NO_SEAT, Obstacle.NO_MANAGER]
    assert why("stranger", "nobody's") == [Obstacle.NO_OWNER, Obstacle.NO_SEAT]
    assert why("off", "seat") == [Obstacle.OFF]
    assert why("manager", "seat") == []
    told = dict(explain(sight_of(people["manager"]), accounts["ended"], on=on).obstacles)
    assert told[Obstacle.SEAT_OVER] == on
    lonely = sight_of(make_user(role="manager"))
    assert explain(lonely, accounts["seat"], on=on).obstacles[-1][0] is Obstacle.HEADS_NOTHING


def test_a_token_that_may_not_look_sees_nothing(company):
    user = company["people"]["administrator"]
    user.scopes = frozenset({"team.add"})

    sight = sight_of(user)

    assert not sight.may_look
    assert explain(sight, company["accounts"]["seat"], on=today_local()).obstacles == [(Obstacle.ROLE, None)]


def test_statements_are_the_same_for_any_number_of_accounts(company, django_assert_num_queries):
    sight, on = sight_of(company["people"]["manager"]), today_local()
    for number in (1, 10):
        rows = [make_account(owner=company["people"]["seller"]) for _ in range(number)]
        with django_assert_num_queries(2):
            ways_to(sight, rows, on=on)
        with django_assert_num_queries(1):
            counts(sight, viewer=company["people"]["administrator"], on=on)
