"""Links between accounts: both ends, days, and the columns they keep in step with."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.enums import UserRole
from accounts.links import LinkRefused, end_link, ensure_types, link_accounts, links_of
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, AccountLink, AccountLinkType
from accounts.querysets import today_local
from tests.factories import make_account, make_superuser, make_team_member, make_user

pytestmark = pytest.mark.django_db
MAY = date(2024, 5, 1)


@pytest.fixture
def kinds():
    ensure_types()
    return {one.key: one for one in AccountLinkType.objects.all()}


def told(account, viewer=None):
    lines = links_of(account, viewer=viewer or make_superuser())
    return [(line.words, line.other, line.link.valid_from, line.link.valid_to) for line in lines]


def test_link_is_told_from_both_ends_in_its_words(kinds):
    maker, buyer = make_account(), make_account()

    link_accounts(type=kinds["supplies"], source=maker, target=buyer, since=MAY)

    assert told(maker) == [("is a supplier of", buyer, MAY, None)]
    assert told(buyer) == [("is a customer of", maker, MAY, None)]


def test_mutual_link_is_one_whichever_way_it_is_made(kinds):
    first, second = make_account(), make_account()
    link_accounts(type=kinds["competes"], source=second, target=first)

    with pytest.raises(LinkRefused, match="already"):
        link_accounts(type=kinds["competes"], source=first, target=second, since=MAY)
    assert told(first) == [("competes with", second, None, None)]
    assert told(second) == [("competes with", first, None, None)]


@pytest.mark.parametrize("case", ["itself", "backwards", "twice"])
def test_link_that_cannot_be_is_refused_with_a_sentence(kinds, case):
    first, second = make_account(), make_account()
    if case == "twice":
        link_accounts(type=kinds["supplies"], source=first, target=second, until=MAY)
    asked = {
        "itself": ({"source": first, "target": first}, "not linked to itself"),
        "backwards": ({"source": first, "target": second, "since": MAY, "until": MAY}, "before the first"),
        "twice": ({"source": first, "target": second, "until": MAY - timedelta(days=9)}, "already"),
    }
    values, says = asked[case]

    with pytest.raises(LinkRefused, match=says):
        link_accounts(type=kinds["supplies"], **values)


def test_database_keeps_days_apart_and_nobody_to_itself(kinds):
    first, second = make_account(), make_account()
    AccountLink.objects.create(type=kinds["supplies"], source=first, target=second, valid_from=MAY)

    for fields in ({"source": first, "target": second}, {"source": first, "target": first}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccountLink.objects.create(type=kinds["supplies"], **fields)


def test_dealer_of_today_and_its_history_are_in_step_whoever_writes(kinds):
    first, second, shop = make_account(), make_account(), make_account()
    today = today_local()

    shop.dealer = first
    shop.save()
    assert told(shop) == [("buys through", first, today, None)]
    Account.objects.filter(pk=shop.pk).update(dealer=second)  # as an import does
    assert told(shop) == [("buys through", second, today, None)]  # the other held for no day
    AccountLink.objects.update(valid_from=MAY)
    Account.objects.filter(pk=shop.pk).update(dealer=first)
    assert told(shop) == [("buys through", first, today, None), ("buys through", second, MAY, today)]
    Account.objects.filter(pk=shop.pk).update(dealer=second)  # and taken back
    assert told(shop) == [("buys through", second, MAY, None)]


def test_account_that_comes_with_its_dealer_has_it_since_ever(kinds):
    dealer = make_account()

    shop = make_account(dealer=dealer, referred_by=dealer)

    assert told(dealer) == [("is the dealer of", shop, None, None), ("recommended us to", shop, None, None)]


def test_linking_a_dealer_writes_the_column_and_ends_the_one_before(kinds):
    first, second, shop = make_account(), make_account(), make_account()
    author = make_superuser()
    shop.dealer = first
    shop.save()
    AccountLink.objects.update(valid_from=None)

    made = link_accounts(type=kinds["dealer"], source=second, target=shop, since=MAY, note="Contract", by=author)

    shop.refresh_from_db()
    assert (shop.dealer, made.note, made.created_by) == (second, "Contract", author)
    assert told(shop) == [("buys through", second, MAY, None), ("buys through", first, None, MAY)]
    with pytest.raises(LinkRefused, match=str(second)):
        link_accounts(type=kinds["dealer"], source=first, target=shop)
    with pytest.raises(LinkRefused, match="a day that has come"):
        link_accounts(type=kinds["dealer"], source=first, target=shop, since=date(2100, 1, 1))


def test_ending_a_dealer_empties_the_column(kinds):
    dealer, shop = make_account(), make_account()
    link = link_accounts(type=kinds["dealer"], source=dealer, target=shop, since=MAY)

    with pytest.raises(LinkRefused, match="begins on 2024-05-01"):
        end_link(link=link, on=MAY)
    end_link(link=link, on=date(2024, 6, 1))

    shop.refresh_from_db()
    assert (shop.dealer, told(shop)) == (None, [("buys through", dealer, MAY, date(2024, 6, 1))])
    with pytest.raises(LinkRefused, match="has ended"):
        end_link(link=link, on=date(2024, 7, 1))


def test_a_dealer_is_not_taken_from_an_account_one_may_not_open(kinds):
    owner = make_user()
    shop = make_account()
    link = link_accounts(type=kinds["dealer"], source=make_account(owner=owner), target=shop, since=MAY)

    with pytest.raises(LinkRefused, match="which you may not open"):
        end_link(link=link, on=date(2024, 6, 1), by=owner)

    shop.refresh_from_db()
    assert shop.dealer == link.source
    end_link(link=link, on=date(2024, 6, 1), by=make_superuser())


def test_dealer_of_the_past_is_history_alone(kinds):
    dealer, shop = make_account(), make_account()

    link_accounts(type=kinds["dealer"], source=dealer, target=shop, since=MAY, until=date(2024, 8, 1))

    shop.refresh_from_db()
    assert (shop.dealer, told(shop)) == (None, [("buys through", dealer, MAY, date(2024, 8, 1))])


def test_links_follow_a_merge_and_come_back(kinds):
    old, kept, other, shop = (make_account() for _number in range(4))
    shop.dealer = old
    shop.referred_by = old
    shop.save()
    link_accounts(type=kinds["supplies"], source=old, target=other)
    link_accounts(type=kinds["competes"], source=other, target=old)
    link_accounts(type=kinds["competes"], source=other, target=kept, since=MAY)
    before = {one.pk: told(one) for one in (old, kept, other, shop)}

    merge = merge_accounts(merged=old, into=kept, by=None, reason="Same")
    shop.refresh_from_db()
    assert (shop.dealer, shop.referred_by) == (kept, kept)
    assert [(words, one) for words, one, *_days in told(kept)] == [
        ("competes with", other), ("is a supplier of", other), ("is the dealer of", shop), ("recommended us to", shop),
    ]  # fmt: skip
    assert {one for _words, one, *_days in told(other)} == {kept}

    undo_merge(merge=merge, by=None)
    assert {one.pk: told(one) for one in (old, kept, other, shop)} == before


# --- Pages ---


def test_owner_teammate_stranger_and_manager_on_the_page(client, kinds):
    owner = make_user()
    mine, hidden = make_account(owner=owner, name="Mine"), make_account(name="Theirs")
    link_accounts(type=kinds["supplies"], source=hidden, target=mine)
    teammate = make_team_member(account=mine).user
    address = reverse("accounts:group", args=[mine.pk])

    for viewer, status in ((owner, 200), (teammate, 200), (make_user(), 404), (make_superuser(), 200)):
        client.force_login(viewer)
        response = client.get(address)
        assert response.status_code == status
        if status == 200:
            html = response.content.decode()
            assert "is a customer of" in html
            assert "Theirs" in html
            assert (reverse("accounts:group", args=[hidden.pk]) in html) is viewer.is_superuser


def test_link_is_made_and_ended_on_the_page(client, kinds):
    user = make_user(role=UserRole.MEMBER)
    client.force_login(user)
    mine, other, hidden = make_account(owner=user), make_account(owner=user), make_account()
    address = reverse("accounts:link_new", args=[mine.pk])
    given = {"kind": f"{kinds['supplies'].pk}-in", "since": "2024-05-01"}

    assert client.post(address, {**given, "other": hidden.code}).status_code == 422
    assert client.post(address, {**given, "other": mine.code}).status_code == 422
    assert client.post(address, {**given, "kind": "9-x", "other": other.code}).status_code == 422
    assert client.post(address, {**given, "other": other.code}).status_code == 302
    link = AccountLink.objects.get()
    assert (link.source, link.target, link.created_by) == (other, mine, user)
    assert client.post(reverse("accounts:link_end", args=[mine.pk, link.pk])).status_code == 302
    link.refresh_from_db()
    assert link.valid_to == today_local()
    assert client.post(reverse("accounts:link_end", args=[hidden.pk, link.pk])).status_code == 404


def test_own_type_is_added_and_offered(client, kinds):
    client.force_login(make_user(role=UserRole.MEMBER))
    address = reverse("accounts:link_types")

    bad = {"key": "jv", "forward": "has a venture with", "backward": "runs", "is_mutual": "on"}
    assert client.post(address, bad).status_code == 422
    assert client.post(address, {**bad, "backward": "has a venture with"}).status_code == 302
    assert "has a venture with" in client.get(address).content.decode()


def test_analyst_links_nothing(client, kinds):
    client.force_login(make_user(role=UserRole.ANALYST))
    assert client.get(reverse("accounts:link_new", args=[make_account().pk])).status_code == 403
    assert client.get(reverse("accounts:link_types")).status_code == 403
