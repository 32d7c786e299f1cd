"""The tab Team of an account: who sees it, who may change it, and what it says when something is wrong."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import TeamRole
from accounts.models import TeamMember
from tests.factories import make_interaction, make_superuser, make_team_member, make_user
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
AR, SR = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER


def html(response, status=200):
    assert response.status_code == status
    return response.content.decode()


def tab(client, account):
    return html(client.get(reverse("accounts:team", args=[account.pk])))


def seat_form(user, on, role=SR):
    return {f"seat-{role}-user": user.pk if user else "", f"seat-{role}-on": on}


def test_owner_and_teammate_see_the_team_a_stranger_finds_nothing(client):
    cast = make_cast()
    found = {}
    for name in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, name))
        found[name] = client.get(reverse("accounts:team", args=[cast.account.pk])).status_code

    assert found == {"owner": 200, "teammate": 200, "stranger": 404}


def test_the_tab_says_who_since_when_who_stands_in_and_who_saw_the_customer_last(client):
    cast, today = make_cast(), timezone.localdate()
    make_team_member(
        account=cast.account, role=AR, is_deputy=True, user=make_user(first_name="Deputy", last_name="Dora"),
        valid_from=date(2024, 1, 1),
    )  # fmt: skip
    make_interaction(account=cast.account, held_on=today - timedelta(days=3), our_people=[cast.teammate])
    make_interaction(account=cast.account, held_on=today, kind="note", our_people=[cast.teammate])
    client.force_login(cast.owner)

    page = tab(client, cast.account)

    assert "since 1 Jan 2020" in page
    assert "Deputy Dora" in page
    assert ", 3 days ago" in page
    assert page.count("Nobody holds this seat") == 2
    assert "Change the seat" not in page


def test_a_seat_is_filled_by_those_with_the_right_alone(client):
    cast, person, today = make_cast(), make_user(), timezone.localdate()
    url = reverse("accounts:seat_change", args=[cast.account.pk, SR])
    found = {}
    for name in ("stranger", "owner"):
        client.force_login(getattr(cast, name))
        found[name] = client.post(url, seat_form(person, today)).status_code
    assert found == {"stranger": 403, "owner": 403}  # without the right hidden, missing and own answer alike

    client.force_login(grant(cast.owner, "change_teammember"))
    response = client.post(url, seat_form(person, today), follow=True)

    assert "Solution manager: " in html(response)
    assert TeamMember.objects.filter(user=person, role=SR, valid_from=today, valid_to=None).exists()
    client.force_login(person)
    assert client.get(reverse("accounts:team", args=[cast.account.pk])).status_code == 200


def test_what_is_refused_stands_in_the_form_with_what_was_typed(client):
    cast, today = make_cast(), timezone.localdate()
    client.force_login(make_superuser())
    role, account = AR, cast.account

    same = client.post(
        reverse("accounts:seat_change", args=[account.pk, role]), seat_form(cast.teammate, today, role=AR)
    )
    empty = client.post(reverse("accounts:seat_change", args=[account.pk, role]), {})
    backwards = client.post(
        reverse("accounts:deputy_name", args=[account.pk, role]),
        {
            f"deputy-{role}-user": make_user().pk,
            f"deputy-{role}-valid_from": "2024-05-01",
            f"deputy-{role}-last_day": "2024-04-01",
        },
    )
    unknown = client.post(reverse("accounts:seat_change", args=[account.pk, "boss"]), {})

    assert "holds this seat since 1 Jan 2020" in html(same, 422)
    assert "This field is required." in html(empty, 422)
    assert "before it has begun on 1 May 2024" in html(backwards, 422)
    assert 'value="2024-04-01"' in html(backwards, 422)
    assert unknown.status_code == 404
    assert TeamMember.objects.count() == 1


def test_a_deputy_is_named_until_a_last_day_and_ended(client):
    cast, person, today = make_cast(), make_user(), timezone.localdate()
    client.force_login(make_superuser())
    sent = {
        f"deputy-{AR}-user": person.pk,
        f"deputy-{AR}-valid_from": today - timedelta(days=5),
        f"deputy-{AR}-last_day": today + timedelta(days=5),
    }

    html(client.post(reverse("accounts:deputy_name", args=[cast.account.pk, AR]), sent, follow=True))
    made = TeamMember.objects.get(user=person)
    assert (made.is_deputy, made.valid_to) == (True, today + timedelta(days=6))

    html(client.post(reverse("accounts:place_end", args=[cast.account.pk, made.pk]), follow=True))
    made.refresh_from_db()
    assert made.valid_to == today
    assert "Until before" in tab(client, cast.account)


def test_the_tab_costs_the_same_however_many_deputies_there_are(client):
    cast = make_cast()
    client.force_login(cast.owner)
    counts = []
    for _more in range(2):
        for role in TeamRole:
            make_team_member(account=cast.account, role=role, is_deputy=True)
        with CaptureQueriesContext(connection) as captured:
            tab(client, cast.account)
        counts.append(len(captured))

    assert counts[0] == counts[1]
