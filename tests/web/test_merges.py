from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.merges import merge_accounts
from accounts.models import Account, AccountMerge
from tests.factories import make_account, make_contact, make_revenue, make_team_member, make_user


@pytest.fixture
def editor(db):
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="change_account"))
    return user


@pytest.fixture
def pair(editor):
    old, kept = make_account(name="Acme Ltd", owner=editor), make_account(name="Acme", owner=editor)
    make_revenue(account=old, booked_on=date(2024, 1, 5))
    make_contact(account=old)
    return old, kept


def test_merge_says_what_will_happen_then_does_it(client, editor, pair):
    old, kept = pair
    client.force_login(editor)
    address = reverse("accounts:merge", args=[old.pk])

    assert client.get(address).status_code == 200
    shown = client.get(address, {"into": kept.code})
    assert (shown.context["effects"]["records"], [count for _w, count in shown.context["effects"]["moves"]]) == (1, [1])
    assert client.post(address, {"into": kept.code, "reason": ""}).status_code == 422
    assert not AccountMerge.objects.exists()
    done = client.post(address, {"into": kept.code, "reason": "Renamed"})

    assert (done.status_code, done["Location"]) == (302, kept.get_absolute_url())
    assert Account.objects.get(pk=old.pk).merged_into == kept


@pytest.mark.parametrize("tab", ["detail", "revenue", "grade", "people", "contracts"])
def test_page_of_a_merged_account_leads_to_the_one_that_stays(client, editor, pair, tab):
    old, kept = pair
    merge_accounts(merged=old, into=kept, by=editor, reason="Same")
    client.force_login(editor)

    answer = client.get(reverse(f"accounts:{tab}", args=[old.pk]))

    assert (answer.status_code, answer["Location"]) == (302, reverse(f"accounts:{tab}", args=[kept.pk]))
    client.force_login(make_user())
    assert client.get(reverse(f"accounts:{tab}", args=[old.pk])).status_code == 404


def test_merge_is_undone_from_the_page_of_the_account_that_stays(client, editor, pair):
    old, kept = pair
    merge = merge_accounts(merged=old, into=kept, by=editor, reason="Same")
    client.force_login(editor)
    address = reverse("accounts:undo_merge", args=[kept.pk, merge.pk])
    assert address in client.get(kept.get_absolute_url()).content.decode()

    assert client.post(address).status_code == 302

    assert Account.objects.get(pk=old.pk).merged_into is None
    assert address not in client.get(kept.get_absolute_url()).content.decode()


def test_records_of_the_merged_account_are_on_the_page_of_the_one_that_stays(client, editor, pair):
    old, kept = pair
    merge_accounts(merged=old, into=kept, by=editor, reason="Same")
    client.force_login(editor)

    assert len(client.get(reverse("accounts:revenue", args=[kept.pk])).context["history"].history.years) == 1


def test_merging_asks_for_the_right_and_for_both_accounts(client, editor, pair):
    old, kept = pair
    hidden = make_account()
    teammate, stranger = make_user(), make_user()
    make_team_member(account=old, user=teammate)
    stranger.user_permissions.add(Permission.objects.get(codename="change_account"))
    merge = merge_accounts(merged=make_account(owner=editor), into=kept, by=editor, reason="Same")
    doors = [
        (reverse("accounts:merge", args=[old.pk]), {"into": kept.code, "reason": "Same"}),
        (reverse("accounts:undo_merge", args=[kept.pk, merge.pk]), {}),
    ]

    for user, status in ((teammate, 403), (stranger, 404)):
        client.force_login(user)
        assert [client.post(address, body).status_code for address, body in doors] == [status, status]
    client.force_login(editor)
    assert client.post(doors[0][0], {"into": hidden.code, "reason": "Same"}).status_code == 422
    assert client.post(doors[0][0], {"into": old.code, "reason": "Same"}).status_code == 422
    assert Account.objects.filter(merged_into__isnull=False).count() == 1
