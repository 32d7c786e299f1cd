"""Groups graded as one: one graded account a path, and whose policy holds below it."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from accounts.enums import UserRole
from accounts.graded import graded_above, set_graded_node
from accounts.groups import GroupRefused, change_parent
from accounts.models import Account
from plans.frames import grade_spans
from tests.factories import make_account, make_superuser, make_user
from tiering.models import GradePeriod, TierRun

START, END = date(2024, 1, 1), date(2025, 1, 1)
SPRING, SUMMER = date(2024, 4, 1), date(2024, 7, 1)


@pytest.fixture
def tree(db):
    root = make_account(name="Root")
    middle = make_account(name="Middle", parent=root)
    return root, middle, make_account(name="Leaf", parent=middle)


def graded(account, grade, start=date(2020, 1, 1), end=None):
    run, _made = TierRun.objects.get_or_create(as_of=date(2019, 12, 31), trigger="command", state="superseded")
    GradePeriod.objects.create(account=account, grade=grade, valid_from=start, valid_to=end, run=run)


def spans(account):
    found = grade_spans(Account.objects.filter(pk=account.pk), start=START, end=END)
    return [(row.grade, row.start.date(), row.end.date().year) for row in found.sort_values("start").itertuples()]


def test_policy_of_the_graded_account_holds_below_it(tree):
    root, middle, leaf = tree
    graded(root, "gold")
    graded(leaf, "general")
    set_graded_node(account=root, is_graded=True)

    assert [grade for grade, *_days in spans(leaf)] == ["gold"]
    assert [grade for grade, *_days in spans(middle)] == ["gold"]  # without a grade of its own
    assert [grade for grade, *_days in spans(root)] == ["gold"]
    assert graded_above(leaf) == root
    set_graded_node(account=root, is_graded=False)
    assert [grade for grade, *_days in spans(leaf)] == ["general"]
    assert (spans(middle), graded_above(leaf)) == ([], None)


@pytest.mark.parametrize(
    ("group", "own", "holds"),
    [("gold", "diamond", "diamond"), ("gold", "problem", "problem"), ("problem", "gold", "problem"),
     ("strategic", "potential", "strategic"), ("general", "general", "general")],
)  # fmt: skip
def test_stricter_one_holds(tree, group, own, holds):
    root, _middle, leaf = tree
    graded(root, group)
    graded(leaf, own)
    set_graded_node(account=root, is_graded=True)

    assert [grade for grade, *_days in spans(leaf)] == [holds]


def test_each_day_has_the_stricter_one_of_that_day(tree):
    root, _middle, leaf = tree
    graded(root, "gold", end=SUMMER)
    graded(root, "diamond", start=SUMMER)
    graded(leaf, "diamond", end=SPRING)
    graded(leaf, "general", start=SPRING)
    set_graded_node(account=root, is_graded=True)

    found = spans(leaf)
    assert [grade for grade, *_days in found] == ["diamond", "gold", "diamond"]
    assert found[-1][1:] == (SUMMER, 2200)
    assert found[1][1].month == 5  # thirty days of grace after the step down


def test_member_inherits_on_the_days_of_its_membership(tree):
    root, _middle, leaf = tree
    graded(root, "gold")
    graded(leaf, "general")
    set_graded_node(account=root, is_graded=True)
    change_parent(account=leaf, parent=None, since=SUMMER, by=None)

    found = spans(leaf)
    assert [grade for grade, *_days in found] == ["gold", "general"]
    assert found[1][1] == SUMMER


def test_one_on_the_way_from_root_to_leaf(tree):
    root, middle, leaf = tree
    set_graded_node(account=middle, is_graded=True)
    for account in (root, leaf):
        with pytest.raises(GroupRefused, match="Middle carries the grade"):
            set_graded_node(account=account, is_graded=True)

    other = make_account(name="Other")
    set_graded_node(account=other, is_graded=True)
    for since in (None, date(2024, 1, 1), date(2100, 1, 1)):
        with pytest.raises(GroupRefused, match="both graded as groups"):
            change_parent(account=middle, parent=other, since=since, by=None)
    assert set_graded_node(account=middle, is_graded=True).is_graded_node


def flag_below(root, leaf):
    Account.objects.filter(pk=leaf.pk).update(parent=root)
    Account.objects.filter(pk=leaf.pk).update(is_graded_node=True)


def move_below(root, leaf):
    Account.objects.filter(pk=leaf.pk).update(is_graded_node=True)
    Account.objects.filter(pk=leaf.pk).update(parent=root)


@pytest.mark.parametrize("write", [flag_below, move_below])
def test_database_refuses_two_graded_on_one_way(db, write):
    root, leaf = make_account(is_graded_node=True), make_account()

    with pytest.raises(IntegrityError, match="graded as groups"), transaction.atomic():
        _at_once(write, root, leaf)


def _at_once(write, *accounts):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    write(*accounts)


def test_page_marks_the_group_and_asks_for_the_right(client, tree):
    root, _middle, leaf = tree
    client.force_login(make_superuser())
    assert client.post(reverse("accounts:group_graded", args=[root.pk]), {"is_graded": "1"}).status_code == 302
    root.refresh_from_db()
    assert root.is_graded_node
    html = client.get(reverse("accounts:group", args=[leaf.pk])).content.decode()
    assert "Root is graded for this group" in html

    client.force_login(make_user(role=UserRole.MEMBER))
    assert client.post(reverse("accounts:group_graded", args=[root.pk])).status_code == 403
