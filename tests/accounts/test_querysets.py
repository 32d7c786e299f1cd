from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from accounts.models import Account, RevenueRecord
from accounts.querysets import today_local
from tests.factories import make_account, make_rating, make_revenue, make_superuser, make_team_member, make_user


@pytest.fixture
def people(db):
    owner, teammate, former, stranger, director = (
        make_user(username=n) for n in ["owner", "teammate", "former", "stranger", "director"]
    )
    account = make_account(owner=owner)
    make_team_member(account=account, user=former, valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1))
    make_team_member(account=account, user=teammate, valid_from=date(2021, 1, 1))
    director.user_permissions.add(Permission.objects.get(codename="view_all_accounts"))
    return {"account": account, "owner": owner, "teammate": teammate, "former": former, "stranger": stranger,
            "director": type(director).objects.get(pk=director.pk), "admin": make_superuser(), "anonymous": AnonymousUser()}  # fmt: skip


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("owner", True),
        ("teammate", True),
        ("former", False),
        ("stranger", False),
        ("director", True),
        ("admin", True),
        ("anonymous", False),
    ],
)
def test_visible_to_is_for_owner_team_and_those_who_see_all(people, who, sees):
    assert Account.objects.visible_to(people[who]).exists() is sees


def test_visible_to_ends_with_the_user(people):
    people["admin"].is_active = False

    assert not Account.objects.visible_to(people["admin"]).exists()


def test_team_role_ends_on_its_last_day_exclusive(people):
    assert Account.objects.mine(people["former"], on=date(2020, 12, 31)).exists()
    assert not Account.objects.mine(people["former"], on=date(2021, 1, 1)).exists()


def test_ledger_of_visible_accounts_follows_the_account(people):
    make_revenue(account=people["account"])

    assert RevenueRecord.objects.of_visible_accounts(people["owner"]).count() == 1
    assert RevenueRecord.objects.of_visible_accounts(people["stranger"]).count() == 0


def test_ratings_count_from_their_day_until_they_expire(db):
    rating = make_rating(rated_on=date(2024, 1, 1), expires_on=date(2025, 1, 1))
    known = type(rating).objects

    assert [known.unexpired_on(day).count() for day in (date(2023, 12, 31), date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1))] == [0, 1, 1, 0]  # fmt: skip
    assert today_local() >= date(2024, 1, 1)


def test_search_for_a_text_with_nul_finds_nothing(db):
    make_account(name="Customer")

    assert list(Account.objects.search("Cust\0omer")) == []
