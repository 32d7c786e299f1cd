from datetime import date

import pytest
from django.db import IntegrityError, transaction

from accounts.groups import GroupRefused, Stay, apply_memberships, change_parent, stays_of
from accounts.models import Account, FactChange, GroupMembership
from tests.factories import make_account, make_superuser

MARCH, MAY, JULY = date(2024, 3, 15), date(2024, 5, 1), date(2024, 7, 9)


@pytest.fixture
def groups(db):
    old, new = make_account(name="Old"), make_account(name="New")
    return old, new, make_account(name="Sold", parent=old)


def test_account_without_rows_has_its_parent_since_ever(groups):
    old, _new, sold = groups

    assert stays_of(sold) == [Stay(old.pk, None, None)]


def test_dated_change_closes_the_membership_before_it(groups):
    old, new, sold = groups
    by = make_superuser()

    found = change_parent(account=sold, parent=new, since=MARCH, by=by)

    assert found.parent == new
    assert stays_of(sold) == [Stay(old.pk, None, MARCH), Stay(new.pk, MARCH, None)]
    assert set(sold.memberships.values_list("created_by", flat=True)) == {by.pk}


def test_account_that_leaves_its_group_stands_alone_from_then_on(groups):
    old, new, sold = groups

    change_parent(account=sold, parent=None, since=MARCH, by=None)
    assert Account.objects.get(pk=sold.pk).parent is None
    assert stays_of(sold) == [Stay(old.pk, None, MARCH), Stay(None, MARCH, None)]

    change_parent(account=sold, parent=new, since=JULY, by=None)
    assert stays_of(sold) == [Stay(old.pk, None, MARCH), Stay(None, MARCH, JULY), Stay(new.pk, JULY, None)]
    assert GroupMembership.objects.filter(account=sold).count() == 2


def test_account_that_joins_its_first_group_stood_alone_before(groups):
    _old, new, _sold = groups
    account = make_account()

    change_parent(account=account, parent=new, since=MAY, by=None)

    assert stays_of(account) == [Stay(None, None, MAY), Stay(new.pk, MAY, None)]


def test_change_on_the_day_of_the_last_one_replaces_it(groups):
    old, new, sold = groups
    third = make_account()
    change_parent(account=sold, parent=new, since=MARCH, by=None)

    change_parent(account=sold, parent=third, since=MARCH, by=None)
    assert stays_of(sold) == [Stay(old.pk, None, MARCH), Stay(third.pk, MARCH, None)]

    change_parent(account=sold, parent=old, since=MARCH, by=None)
    assert stays_of(sold) == [Stay(old.pk, None, None)]


def test_correction_says_that_it_has_always_been_so(groups):
    _old, new, sold = groups
    change_parent(account=sold, parent=None, since=MARCH, by=None)

    change_parent(account=sold, parent=new, since=None, by=None)

    assert stays_of(sold) == [Stay(new.pk, None, None)]
    assert not sold.memberships.exists()


def test_change_to_come_becomes_todays_on_its_day(groups):
    old, new, sold = groups
    ahead = date(2100, 1, 1)
    change_parent(account=sold, parent=new, since=ahead, by=None)
    assert Account.objects.get(pk=sold.pk).parent == old

    assert apply_memberships(day=date(2099, 12, 31)) == 0
    assert apply_memberships(day=ahead) == 1
    assert Account.objects.get(pk=sold.pk).parent == new
    assert apply_memberships(day=ahead) == 0


@pytest.mark.parametrize(
    ("parent", "since", "says"),
    [
        ("new", MARCH, "changed last on 2024-05-01"),
        ("third", JULY, "in this group already"),
        ("sold", JULY, "cannot contain itself"),
        ("below", JULY, "cannot contain itself"),
    ],
)
def test_change_that_cannot_be_is_refused_with_a_sentence(groups, parent, since, says):
    _old, new, sold = groups
    third = make_account()
    named = {"new": new, "third": third, "sold": sold, "below": make_account(parent=make_account(parent=sold))}
    change_parent(account=sold, parent=third, since=MAY, by=None)

    with pytest.raises(GroupRefused, match=says):
        change_parent(account=sold, parent=named[parent], since=since, by=None)

    assert stays_of(sold)[-1] == Stay(third.pk, MAY, None)


def test_loop_on_a_past_day_is_refused_even_where_today_has_none(db):
    top, below = make_account(), make_account()
    change_parent(account=below, parent=top, since=None, by=None)
    change_parent(account=below, parent=None, since=MAY, by=None)

    with pytest.raises(GroupRefused, match="on 2024-03-15 the new parent belongs to this account"):
        change_parent(account=top, parent=below, since=MARCH, by=None)

    assert change_parent(account=top, parent=below, since=MAY, by=None).parent == below


def test_database_keeps_one_parent_a_day(groups):
    old, new, sold = groups
    GroupMembership.objects.create(account=sold, parent=old, valid_to=MAY)

    with pytest.raises(IntegrityError), transaction.atomic():
        GroupMembership.objects.create(account=sold, parent=new, valid_from=MARCH)
    with pytest.raises(IntegrityError), transaction.atomic():
        GroupMembership.objects.create(account=sold, parent=sold, valid_from=MAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        GroupMembership.objects.create(account=sold, parent=new, valid_from=JULY, valid_to=JULY)


def test_every_change_of_memberships_marks_figures_as_old(groups):
    _old, new, sold = groups
    before = FactChange.objects.count()

    change_parent(account=sold, parent=new, since=date(2100, 1, 1), by=None)  # today's tree is the same

    assert FactChange.objects.count() > before
