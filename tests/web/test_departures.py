"""Hand-overs and departures on the pages and over REST: who may, what is shown, and what nobody else learns."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.enums import TeamRole
from accounts.models import Account, User
from plans.models import HandOver, Reassignment
from tests.factories import make_account, make_request, make_superuser, make_team_member, make_user
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
AR = TeamRole.ACCOUNT_MANAGER


def html(response, status=200):
    assert response.status_code == status, response.content[:3000]
    return response.content.decode()


def test_a_holder_hands_over_and_both_sign(client):
    cast, taker, today = make_cast(name="Seen GmbH"), make_user(), timezone.localdate()
    make_request(account=cast.account, assigned_to=cast.teammate, subject="A leak")
    agree = reverse("accounts:hand_over", args=[cast.account.pk, AR])
    sent = {"taker": taker.pk, "on": today}
    answers = {}
    for name in ("stranger", "owner"):
        client.force_login(getattr(cast, name))
        answers[name] = client.post(agree, sent).status_code
    assert answers == {"stranger": 404, "owner": 403}

    client.force_login(cast.teammate)
    assert "A leak" in html(client.get(agree))
    html(client.post(agree, sent | {"taker": cast.teammate.pk}), 422)
    html(client.post(agree, sent, follow=True))
    row = HandOver.objects.get()
    page = reverse("teams:hand_over", args=[row.pk])
    html(client.post(reverse("teams:hand_over_sign", args=[row.pk]), follow=True))

    client.force_login(cast.stranger)
    assert client.get(page).status_code == 404
    client.force_login(taker)
    shown = html(client.get(page))
    assert "A leak" in shown
    assert f'href="{reverse("accounts:team", args=[cast.account.pk])}"' not in shown
    assert "Sign the hand-over: Account manager" in html(client.get(reverse("tasks:index")))
    assert client.get(reverse("accounts:detail", args=[cast.account.pk])).status_code == 404
    done = html(client.post(reverse("teams:hand_over_sign", args=[row.pk]), follow=True))

    assert "The seat has changed hands." in done
    assert client.get(reverse("accounts:detail", args=[cast.account.pk])).status_code == 200
    assert "Seen GmbH" in html(client.get(reverse("teams:hand_overs")))
    client.force_login(cast.teammate)
    assert client.get(reverse("accounts:detail", args=[cast.account.pk])).status_code == 404
    assert client.get(page).status_code == 404


def test_a_hand_over_is_called_off_by_those_it_is_about(client):
    cast, taker = make_cast(), make_user()
    row = HandOver.objects.create(
        account=cast.account, role=AR, giver=cast.teammate, taker=taker, on=timezone.localdate(), made_by=cast.owner
    )
    url = reverse("teams:hand_over_cancel", args=[row.pk])
    client.force_login(cast.owner)
    assert client.post(url).status_code == 403

    client.force_login(taker)
    html(client.post(url, follow=True))

    row.refresh_from_db()
    assert row.state == "cancelled"
    assert client.get(reverse("teams:hand_over", args=[row.pk])).status_code == 404


def leaving(cast, heir):
    return reverse("teams:leave", args=[cast.owner.pk]), {"rule": "person", "successor": heir.pk}


def test_a_leaver_is_seen_counted_moved_and_taken_back(client):
    cast, heir = make_cast(grade="gold"), make_user(capacity=2)
    make_team_member(account=cast.account, role=TeamRole.SOLUTION_MANAGER, user=cast.owner)
    url, sent = leaving(cast, heir)
    for person, status in ((cast.stranger, 403), (cast.teammate, 403)):
        client.force_login(person)
        assert client.get(url).status_code == status

    client.force_login(make_superuser())
    assert "Accounts owned" in html(client.get(url))
    html(client.post(url, {"rule": "person"}), 422)
    shown = html(client.post(url, sent))
    assert "What will happen" in shown
    assert '<td class="num failed">3 / 2</td>' in shown
    assert Account.objects.get().owner == cast.owner
    moved = html(client.post(url, sent | {"confirmed": "1"}, follow=True))

    assert "2 rows have new people." in moved
    assert Account.objects.get().owner == heir
    back = html(client.post(reverse("teams:undo", args=[Reassignment.objects.get().pk]), follow=True))
    assert "2 of 2 rows are as they were." in back
    assert Account.objects.get().owner == cast.owner


def test_a_manager_moves_what_they_see_and_learns_nothing_of_the_rest(client):
    cast = make_cast()
    make_account(owner=cast.owner)
    lead = grant(make_user(), "add_reassignment", "change_teammember")
    make_team_member(account=cast.account, role=TeamRole.DELIVERY_MANAGER, user=lead)
    url, sent = leaving(cast, cast.teammate)
    client.force_login(lead)

    shown = html(client.post(url, sent))
    html(client.post(url, sent | {"confirmed": "1"}, follow=True))

    assert '<strong class="num">1</strong> Accounts owned' in shown
    assert sorted(Account.objects.values_list("owner", flat=True)) == sorted([cast.teammate.pk, cast.owner.pk])
    other = grant(make_user(), "add_reassignment")
    client.force_login(other)
    assert client.post(reverse("teams:undo", args=[Reassignment.objects.get().pk])).status_code == 404


def test_a_log_in_is_switched_off_once_nothing_hangs_on_it(client):
    cast, heir = make_cast(), make_user()
    url, sent = leaving(cast, heir)
    off = reverse("teams:switch_off", args=[cast.owner.pk])
    client.force_login(grant(make_user(), "add_reassignment", "view_all_accounts"))
    assert client.post(off).status_code == 403

    client.force_login(make_superuser())
    assert "re-assign it first" in html(client.post(off, follow=True))
    client.post(url, sent | {"confirmed": "1"})
    assert "is switched off." in html(client.post(off, follow=True))
    assert not User.objects.get(pk=cast.owner.pk).is_active
    undone = html(client.post(reverse("teams:undo", args=[Reassignment.objects.get().pk]), follow=True))
    assert "Switch the log-in on first" in undone
