from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.enums import Grade
from accounts.models import Account, Contact, TeamMember
from tests.api.conftest import assert_problem, make_editor, pointers, told_without
from tests.factories import make_account, make_contact, make_superuser, make_team_member, make_user

LIST = "/api/v1/accounts/"
CONTACTS = "/api/v1/contacts/"
TEAMS = "/api/v1/team-members/"
RESOURCE_LISTS = [LIST, CONTACTS, TEAMS]


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_account_shows_every_column_that_outsiders_may_rely_on(admin):
    owner = make_user(first_name="Ada", last_name="Lovelace")
    account = make_account(
        code="C1",
        name="中远海运",
        owner=owner,
        parent=make_account(),
        dealer=make_account(),
        channel="Online",
        referred_by=make_account(),
        turnover=Decimal("1200000.5"),
        turnover_currency="CNY",
        turnover_year=2019,
        turnover_source="Annual report",
        opened_on=date(2020, 1, 2),
    )

    row = admin.get(f"{LIST}{account.pk}/").json()

    assert row.pop("created_at")[:10] == row.pop("updated_at")[:10]
    assert row == {
        "id": account.pk,
        "code": "C1",
        "name": "中远海运",
        "latin_name": "",
        "short_name": "",
        "status": "active",
        "parent": account.parent_id,
        "dealer": account.dealer_id,
        "channel": "Online",
        "referred_by": account.referred_by_id,
        "segment": "",
        "industry": "",
        "region": "",
        "country": "",
        "size": "",
        "need": "",
        "potential": "",
        "currency": "",
        "turnover": "1200000.5000",
        "turnover_currency": "CNY",
        "turnover_year": 2019,
        "turnover_source": "Annual report",
        "owner": owner.pk,
        "owner_name": "Ada Lovelace",
        "opened_on": "2020-01-02",
        "closed_on": None,
        "before_data_start": False,
        "credit_stop_on": None,
        "litigation_on": None,
        "insolvency_on": None,
        "grade": "not_graded",
        "underlying_grade": "",
        "grade_since": None,
        "composite": None,
        "is_watched": False,
        "graded_as_of": None,
    }


def test_owner_and_team_see_an_account_and_a_stranger_does_not(rest):
    owner, teammate, stranger, gone = make_user(), make_user(), make_user(), make_user()
    account = make_account(owner=owner)
    make_team_member(account=account, user=teammate)
    make_team_member(account=account, user=gone, role="delivery_manager", valid_to=timezone.localdate())
    hidden = make_account()

    for user in (owner, teammate):
        assert ids(rest(user).get(LIST)) == [account.pk]
        assert rest(user).get(f"{LIST}{account.pk}/").status_code == 200
    for user in (stranger, gone):
        assert ids(rest(user).get(LIST)) == []
        seen = assert_problem(rest(user).get(f"{LIST}{account.pk}/"), 404)
        missing = assert_problem(rest(user).get(f"{LIST}{hidden.pk + 1000}/"), 404)
        assert seen == missing


@pytest.mark.parametrize("address", RESOURCE_LISTS)
@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_statements_does_not_grow_with_the_rows(rest, address, rows, django_assert_num_queries):
    user = make_user()
    for _ in range(rows):
        account = make_account(owner=user, parent=make_account())
        make_contact(account=account)
        make_team_member(account=account)
    client = rest(user)

    with django_assert_num_queries(5):  # token with its user, two for rights, count, page
        assert len(ids(client.get(address))) == rows


def test_filters_of_the_account_list(admin):
    owner = make_user()
    root = make_account(segment="A", owner=owner)
    child = make_account(segment="A", industry="Steel", parent=root, region="East", status="prospect", size="large")
    leaf = make_account(parent=child, currency="USD", country="Norway", dealer=root, channel="Online")
    Account.objects.filter(pk=leaf.pk).update(grade=Grade.GOLD, is_watched=True)

    def found(**query):
        return set(ids(admin.get(LIST, query)))

    assert found(segment="A") == {root.pk, child.pk}
    assert (
        found(industry="Steel") == found(region="East") == found(status="prospect") == found(size="large") == {child.pk}
    )
    assert found(owner=owner.pk) == {root.pk}
    assert found(group=root.pk) == {root.pk, child.pk, leaf.pk}
    assert found(group=child.pk) == {child.pk, leaf.pk}
    assert found(parent=root.pk) == {child.pk}
    assert found(dealer=root.pk) == found(channel="Online") == {leaf.pk}
    assert (
        found(grade="gold") == found(is_watched="true") == found(currency="USD") == found(country="Norway") == {leaf.pk}
    )
    assert found(grade=["gold", "not_graded"]) == {root.pk, child.pk, leaf.pk}
    assert found(account=[root.pk, leaf.pk]) == {root.pk, leaf.pk}
    assert found(code=child.code) == {child.pk}
    assert found(segment="A", industry="Steel", group=root.pk) == {child.pk}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("grade", "platinum"),
        ("status", "asleep"),
        ("size", "huge"),
        ("owner", "0"),
        ("owner", "x"),
        ("owner", "9" * 30),
        ("group", "0"),
        ("account", "x"),
        ("account", "9999999999"),
        ("parent", "\x00"),
        ("segment", "\x00"),
        ("tier", "gold"),
    ],
)
def test_bad_filters_are_400_and_named(admin, name, value):
    assert pointers(assert_problem(admin.get(LIST, {name: value}), 400)) == [name]


def test_a_hidden_account_is_as_unknown_to_filters_as_a_missing_one(rest):
    user = make_user()
    make_account(owner=user)
    hidden = make_account()

    for name in ("account", "group", "parent"):
        seen = assert_problem(rest(user).get(LIST, {name: hidden.pk}), 400)
        missing = assert_problem(rest(user).get(LIST, {name: hidden.pk + 1000}), 400)
        assert told_without(seen, hidden.pk) == told_without(missing, hidden.pk + 1000)


def test_search_finds_two_characters_pinyin_and_initials(admin):
    account = make_account(name="中远海运集团")
    make_account(name="Other")

    for text in ("海运", "zhongyuan", "zyhy", account.code.lower()):
        assert ids(admin.get(LIST, {"search": text})) == [account.pk]


def test_editing_an_account(admin):
    owner = make_user()
    created = admin.post(
        LIST, {"code": " C1\u3000", "name": "Name", "owner": owner.pk, "currency": "EUR"}, format="json"
    )
    address = created.headers["Location"]

    changed = admin.patch(
        address, {"name": "New name", "owner": None}, format="json", headers={"If-Match": created.headers["ETag"]}
    )

    assert (created.status_code, created.json()["code"], created.json()["owner"]) == (201, "C1", owner.pk)
    assert (changed.status_code, changed.json()["name"], changed.json()["owner"]) == (200, "New name", None)
    assert ids(admin.get(LIST, {"search": "new name"})) == [created.json()["id"]]
    assert admin.delete(address).status_code == 204
    assert not Account.objects.exists()


def test_grades_are_never_written_over_rest(admin):
    graded = {
        "grade": "diamond",
        "underlying_grade": "diamond",
        "composite": 99.0,
        "is_watched": True,
        "grade_since": "2020-01-01",
        "graded_as_of": "2020-01-01",
    }

    created = admin.post(LIST, {"code": "C1", "name": "N", **graded}, format="json")
    headers = {"If-Match": created.headers["ETag"]}
    admin.patch(created.headers["Location"], graded, format="json", headers=headers)

    account = Account.objects.get()
    assert (account.grade, account.underlying_grade, account.composite) == ("not_graded", "", None)
    assert (account.is_watched, account.grade_since, account.graded_as_of) == (False, None, None)


def test_rules_of_the_model_hold_over_rest(admin):
    root = make_account()
    child = make_account(parent=root)

    def refused(address, body):
        tag = admin.get(address).headers["ETag"]
        return pointers(assert_problem(admin.patch(address, body, format="json", headers={"If-Match": tag}), 400))

    assert refused(f"{LIST}{root.pk}/", {"parent": child.pk}) == ["/parent"]
    assert refused(f"{LIST}{root.pk}/", {"parent": root.pk}) == ["/parent"]
    assert refused(f"{LIST}{root.pk}/", {"code": child.code}) == ["/code"]
    assert refused(f"{LIST}{root.pk}/", {"opened_on": "2024-01-02", "closed_on": "2024-01-01"}) == [""]
    assert refused(f"{LIST}{root.pk}/", {"status": "closed", "closed_on": "2024-13-01"}) == ["/closed_on"]


def test_whoever_does_not_see_everything_owns_what_they_add(rest):
    editor = make_editor("accounts.add_account")
    seer = make_editor("accounts.add_account", "accounts.view_all_accounts")

    mine = rest(editor).post(LIST, {"code": "C1", "name": "N"}, format="json")
    open_one = rest(seer).post(LIST, {"code": "C2", "name": "N"}, format="json")
    given = rest(editor).post(LIST, {"code": "C3", "name": "N", "owner": seer.pk}, format="json")

    assert (mine.json()["owner"], open_one.json()["owner"], given.json()["owner"]) == (editor.pk, None, seer.pk)


def test_a_hidden_account_cannot_be_named_as_parent_but_may_stay_it(rest):
    editor = make_editor("accounts.change_account")
    hidden, other = make_account(), make_account()
    account = make_account(owner=editor, parent=hidden)
    client, address = rest(editor), f"{LIST}{account.pk}/"
    read = client.get(address)

    refused = client.patch(address, {"parent": other.pk}, format="json", headers={"If-Match": read.headers["ETag"]})
    kept = client.put(address, read.json(), format="json", headers={"If-Match": read.headers["ETag"]})

    assert pointers(assert_problem(refused, 400)) == ["/parent"]
    assert (kept.status_code, kept.json()["parent"]) == (200, hidden.pk)


def test_giving_an_account_away_still_answers(rest):
    editor = make_editor("accounts.change_account")
    account = make_account(owner=editor)
    client, address = rest(editor), f"{LIST}{account.pk}/"
    headers = {"If-Match": client.get(address).headers["ETag"]}

    changed = client.patch(address, {"owner": make_user().pk}, format="json", headers=headers)

    assert changed.status_code == 200
    assert_problem(client.get(address), 404)


def test_contacts_hang_on_visible_accounts(rest):
    editor = make_editor("accounts.add_contact", "accounts.change_contact")
    mine, hidden = make_account(owner=editor), make_account()
    contact, foreign = make_contact(account=mine), make_contact(account=hidden)
    client = rest(editor)
    address = f"{CONTACTS}{contact.pk}/"

    assert ids(client.get(CONTACTS)) == [contact.pk]
    assert_problem(client.get(f"{CONTACTS}{foreign.pk}/"), 404)
    body = {"name": "Zhang Wei", "account": hidden.pk}
    assert pointers(assert_problem(client.post(CONTACTS, body, format="json"), 400)) == ["/account"]
    headers = {"If-Match": client.get(address).headers["ETag"]}
    assert pointers(assert_problem(client.patch(address, body, format="json", headers=headers), 400)) == ["/account"]
    created = client.post(CONTACTS, {**body, "account": mine.pk, "is_primary": True}, format="json")
    assert created.status_code == 201
    assert Contact.objects.filter(account=mine).count() == 2


def test_an_account_has_one_first_contact(admin):
    account = make_account()
    make_contact(account=account, is_primary=True)

    second = {"account": account.pk, "name": "Second"}

    assert admin.post(CONTACTS, second, format="json").status_code == 201
    assert_problem(admin.post(CONTACTS, {**second, "is_primary": True}, format="json"), 400)


def test_contact_filters(admin):
    first = make_contact(is_primary=True, department="Buying")
    make_contact(is_active=False)

    assert ids(admin.get(CONTACTS, {"account": first.account_id})) == [first.pk]
    assert ids(admin.get(CONTACTS, {"is_primary": "true", "department": "Buying"})) == [first.pk]
    assert ids(admin.get(CONTACTS, {"search": "buy"})) == [first.pk]


def test_a_role_has_one_holder_a_day(admin):
    member = make_team_member(valid_from=date(2024, 1, 1), valid_to=date(2024, 7, 1))
    body = {"account": member.account_id, "user": make_user().pk, "role": member.role}

    overlapping = admin.post(TEAMS, {**body, "valid_from": "2024-06-30"}, format="json")
    backwards = admin.post(TEAMS, {**body, "valid_from": "2025-01-01", "valid_to": "2025-01-01"}, format="json")
    following = admin.post(TEAMS, {**body, "valid_from": "2024-07-01"}, format="json")

    assert_problem(overlapping, 400)
    assert_problem(backwards, 400)
    assert (following.status_code, following.json()["valid_to"]) == (201, None)


def test_team_filters(admin):
    day = date(2024, 1, 1)
    member = make_team_member(valid_from=day, valid_to=day + timedelta(days=9))
    make_team_member(role="delivery_manager", valid_from=date(2021, 1, 1))

    assert ids(admin.get(TEAMS, {"user": member.user_id})) == [member.pk]
    assert ids(admin.get(TEAMS, {"role": member.role, "valid_from__gte": "2024-01-01"})) == [member.pk]
    assert ids(admin.get(TEAMS, {"valid_to__isnull": "false"})) == [member.pk]
    assert pointers(assert_problem(admin.get(TEAMS, {"valid_from__gte": "soon"}), 400)) == ["valid_from__gte"]


def test_a_switched_off_user_cannot_be_put_on_a_team(admin):
    body = {"account": make_account().pk, "user": make_user(is_active=False).pk, "role": "account_manager"}

    assert pointers(assert_problem(admin.post(TEAMS, {**body, "valid_from": "2024-01-01"}, format="json"), 400)) == [
        "/user"
    ]
    assert not TeamMember.objects.exists()


def test_a_race_for_one_code_is_a_conflict_not_a_fault(admin, monkeypatch):
    from crm.api.accounts import AccountSerializer

    make_account(code="C1")
    monkeypatch.setattr(AccountSerializer, "get_fields", _without_unique_check(AccountSerializer.get_fields))

    assert_problem(admin.post(LIST, {"code": "C1", "name": "N"}, format="json"), 409)


def _without_unique_check(get_fields):
    def fields(self):
        found = get_fields(self)
        found["code"].validators = [v for v in found["code"].validators if "Unique" not in type(v).__name__]
        return found

    return fields


def test_superuser_sees_everything(admin):
    accounts = [make_account(owner=make_superuser()), make_account()]

    assert set(ids(admin.get(LIST))) == {account.pk for account in accounts}


def test_a_dated_parent_keeps_the_history_and_a_correction_must_be_said(rest):
    admin = make_superuser()
    client, old, new = rest(admin), make_account(), make_account()
    account = make_account(parent=old)
    address = f"{LIST}{account.pk}/"

    def change(body):
        tag = client.get(address).headers["ETag"]
        return client.patch(address, body, format="json", headers={"If-Match": tag})

    moved = change({"parent": new.pk, "parent_since": "2024-03-15"})
    assert (moved.status_code, moved.json()["parent"]) == (200, new.pk)
    rows = client.get("/api/v1/group-memberships/", {"account": account.pk, "ordering": "id"}).json()["results"]
    assert [(row["parent"], row["valid_from"], row["valid_to"]) for row in rows] == [
        (old.pk, None, "2024-03-15"),
        (new.pk, "2024-03-15", None),
    ]
    assert pointers(assert_problem(change({"parent": old.pk}), 400)) == ["/parent_since"]
    assert pointers(assert_problem(change({"parent_since": "2024-05-01"}), 400)) == ["/parent_since"]
    assert pointers(assert_problem(change({"parent": old.pk, "parent_since": "2024-01-01"}), 400)) == ["/parent"]
    assert change({"name": "Renamed", "parent": new.pk}).status_code == 200
    assert change({"parent": old.pk, "parent_since": None}).json()["parent"] == old.pk
    assert client.get("/api/v1/group-memberships/", {"account": account.pk}).json()["count"] == 0


def test_merge_and_undo(rest):
    client, old, kept = rest(make_superuser()), make_account(code="OLD"), make_account()
    make_contact(account=old)

    made = client.post(f"{LIST}{old.pk}/merge/", {"into": kept.pk, "reason": "Same"}, format="json")

    assert (made.status_code, made.json()["survivor"], made.json()["moved"]["contacts"]) == (201, kept.pk, 1)
    assert client.get(f"{LIST}{old.pk}/").status_code == 404
    booked = {"account_code": "OLD", "booked_on": "2024-01-01", "amount": "5", "currency": "CNY"}
    assert client.post("/api/v1/revenue/", booked, format="json").status_code == 201
    assert client.get("/api/v1/revenue/", {"account": kept.pk}).json()["count"] == 1
    assert_problem(client.post(f"{LIST}{kept.pk}/merge/", {"into": kept.pk, "reason": "x"}, format="json"), 422)
    undone = client.post(f"/api/v1/account-merges/{made.json()['id']}/undo/", format="json")
    assert (undone.status_code, undone.json()["undone_at"] is None) == (200, False)
    assert client.get(f"{LIST}{old.pk}/").status_code == 200
    assert_problem(client.post(f"/api/v1/account-merges/{made.json()['id']}/undo/", format="json"), 422)


def test_a_seat_changes_hands_over_rest(admin, rest):
    member, successor = make_team_member(valid_from=date(2024, 1, 1)), make_user()
    body = {"account": member.account_id, "role": member.role, "user": successor.pk, "on": "2024-05-01"}
    url = "/api/v1/team-members/change-seat/"

    assert_problem(rest(successor).post(url, body, format="json"), 403)
    done = admin.post(url, body, format="json")
    again = admin.post(url, body, format="json")
    emptied = admin.post(url, {**body, "user": None, "on": "2024-06-01"}, format="json")

    assert (done.status_code, done.json()["valid_from"], done.json()["is_deputy"]) == (200, "2024-05-01", False)
    assert "since 1 May 2024" in assert_problem(again, 409)["detail"]
    assert emptied.status_code == 204
    assert list(TeamMember.objects.order_by("valid_from").values_list("user", "valid_to")) == [
        (member.user_id, date(2024, 5, 1)),
        (successor.pk, date(2024, 6, 1)),
    ]
