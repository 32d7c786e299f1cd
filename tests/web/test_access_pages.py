"""The table of rights as a page, and what somebody sees: told from what decides, to whom it is for."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import COLUMNS, ROWS, TOKEN_SCOPES, Action, permissions_for
from accounts.enums import UserRole
from accounts.models import Account, User
from crm.web.access_words import SECTIONS, WORDS, actions_of
from tests.api.conftest import allow
from tests.factories import make_account, make_superuser, make_team_member, make_unit, make_user

pytestmark = pytest.mark.django_db


def html(response, status=200):
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def test_every_action_has_words_and_one_place():
    told = [action for _title, areas in SECTIONS for action in actions_of(areas)]

    assert sorted(told) == sorted(Action)
    assert set(WORDS) == set(Action)
    assert len({str(words) for words in WORDS.values()}) == len(Action)


def test_page_shows_the_table_that_the_code_asks(client):
    client.force_login(make_user())

    page = html(client.get(reverse("access:table")))

    found = {}
    for row in re.findall(r'<tr><th scope="row">.*?</tr>', page, re.DOTALL):
        words = re.search(r'<th scope="row">(.*?)</th>', row, re.DOTALL)[1].replace("&#x27;", "'")
        marks = ["may-not" not in cell for cell in re.findall(r'<td class="mark([^"]*)"', row)]
        codes = set(re.findall(r"<code>(.*?)</code>", row))
        found[words] = (" ".join("+" if mark else "-" for mark in marks), codes)
    assert found == {
        str(WORDS[action]): (
            marks,
            set(permissions_for(action)) | ({action.value} if action in TOKEN_SCOPES else set()),
        )
        for action, marks in ROWS.items()
    }
    heads = re.findall(r'<th scope="col" class="mark[^"]*">(.*?)</th>', page)
    assert heads == [str(UserRole(role).label) for role in COLUMNS]


def test_one_role_alone_and_what_the_reader_may_beyond_theirs(client):
    client.force_login(allow(make_user(role="analyst"), "accounts.view_margin"))

    page = html(client.get(reverse("access:table"), {"role": "analyst"}))
    odd = html(client.get(reverse("access:table"), {"role": "king"}))

    assert page.count('<th scope="row">') == sum(marks.endswith("+") for marks in ROWS.values())
    assert odd.count('<th scope="row">') == len(Action)
    assert "Beyond your role you may, by permission: See costs" in re.sub(r"\s+", " ", page)


@pytest.fixture
def manager():
    """A manager with one account of each way, and one they do not see."""
    manager = make_user(username="boss", role="manager")
    seller = make_user(username="seller", unit=make_unit(name="East", head=manager))
    make_account(name="Own", owner=manager)
    make_account(name="Below", owner=seller)
    make_team_member(account=make_account(name="Seat"), user=manager)
    make_team_member(account=make_account(name="Standing in"), user=manager, is_deputy=True)
    make_account(name="Strange", code="STRANGE", owner=make_user(username="stranger"))
    return manager


def of(manager, query=""):
    return reverse("access:person", args=[manager.pk]) + query


@pytest.mark.parametrize("role", ["director", "manager", "member", "analyst"])
def test_what_others_see_is_for_administrators(client, manager, role):
    client.force_login(make_user(role=role))

    assert client.get(of(manager)).status_code == 403
    assert client.get(reverse("access:choose")).status_code == 403
    assert reverse("access:choose") not in html(client.get(reverse("access:table")))


def test_page_lists_what_visible_to_says_with_the_ways(client, manager):
    client.force_login(make_user(role="administrator"))

    page = html(client.get(of(manager)))

    rows = re.findall(
        r'<tr data-row><th scope="row"><a class="name"[^>]*>(.*?)</a>.*?<ul class="why-list">(.*?)</ul>', page
    )
    ways = {name: re.findall("<li>(.*?)</li>", told) for name, told in rows}
    assert set(ways) == set(Account.objects.visible_to(manager).values_list("name", flat=True))
    assert ways == {
        "Own": ["Owner"], "Below": ["seller (East) owns it"], "Seat": ["Account manager since 1 Jan 2020"],
        "Standing in": ["Deputy: Account manager since 1 Jan 2020"],
    }  # fmt: skip
    numbers = re.findall(r'<a href="\?way=(\w+)#seen".*?<span class="num">(\d+)</span>', page)
    assert dict(numbers) == {"owner": "1", "seat": "1", "deputy": "1", "unit": "1"}


def test_list_is_narrowed_to_a_way(client, manager):
    client.force_login(make_superuser())

    assert re.findall(r'data-row><th scope="row"><a class="name"[^>]*>(.*?)</a>', html(client.get(of(manager, "?way=unit")))) == [
        "Below"
    ]  # fmt: skip
    assert ">Own</a>" in html(client.get(of(manager, "?way=owner")))
    assert html(client.get(of(manager, "?way=nothing")))


def test_one_account_is_asked_about(client, manager):
    client.force_login(make_superuser())
    seen = Account.objects.get(name="Below")

    assert "Yes: Below is seen." in html(client.get(of(manager, f"?account={seen.code}")))
    no = html(client.get(of(manager, "?account=STRANGE")))
    assert "No: Strange is not seen." in no
    assert "Somebody else owns it: stranger." in no
    assert "Neither its owner nor anybody on its team" in no
    assert "There is no account with the code 7&amp;." in html(client.get(of(manager, "?account=7%26")))
    assert html(client.get(of(manager, "?account=%00")))
    Account.objects.filter(code="STRANGE").update(merged_into=seen)
    assert "It was merged into Below" in html(client.get(of(manager, "?account=STRANGE")))


def test_hidden_values_and_permissions_are_told(client):
    client.force_login(make_superuser())
    analyst = allow(make_user(role="analyst"), "crm.view_trailentry")

    page = html(client.get(reverse("access:person", args=[analyst.pk])))

    assert "Costs, margins and what is worked out from them" in page
    assert "Phone, e-mail, notes and attitude of contacts" in page
    assert "<code>crm.view_trailentry</code>" in page
    assert "By role" in page
    User.objects.filter(pk=analyst.pk).update(is_active=False)
    off = html(client.get(reverse("access:person", args=[analyst.pk])))
    assert "Nothing: the log-in is switched off" in off
    assert "No account at all." in off


def test_people_are_found_by_name(client, manager):
    client.force_login(make_superuser())

    page = html(client.get(reverse("access:choose"), {"q": "boss"}))

    assert of(manager) in page
    assert page.count("data-row>") == 1
    assert "Nobody fits." in html(client.get(reverse("access:choose"), {"q": "no such"}))


def test_statements_do_not_grow_with_accounts_or_people(client, manager):
    client.force_login(make_superuser())
    seller, counts = User.objects.get(username="seller"), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as caught:
            html(client.get(of(manager)))
        with CaptureQueriesContext(connection) as chosen:
            html(client.get(reverse("access:choose")))
        counts.append((len(caught), len(chosen)))
        for _number in range(6):
            make_team_member(account=make_account(owner=seller), user=make_user(unit=seller.unit))
    assert counts[0] == counts[1]
