"""Interactions, requests, sponsors and discounts on the wire: as owner, teammate and stranger."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tests.api.conftest import allow, assert_problem, pointers
from tests.factories import (
    make_account,
    make_contact,
    make_discount,
    make_interaction,
    make_request,
    make_sponsor,
    make_team_member,
    make_user,
)
from tests.web.people import make_cast

pytestmark = pytest.mark.django_db
ROOT = "/api/v1"
ROLES = ("owner", "teammate", "stranger")


@pytest.fixture
def cast():
    return make_cast()


def send(client, path, body, status=201):
    response = client.post(f"{ROOT}/{path}/", body, format="json")
    assert response.status_code == status, response.content
    return response.json()


def ids(client, path, **query):
    response = client.get(f"{ROOT}/{path}/", query)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_interaction_to_the_letter(rest, cast):
    client, contact = rest(cast.teammate), make_contact(account=cast.account)

    body = send(
        client,
        "interactions",
        {"account": cast.account.pk, "kind": "visit", "summary": "Went well", "their_people": [contact.pk],
         "our_people": [cast.owner.pk], "next_step": "Offer", "next_step_on": "2024-02-01"},
    )  # fmt: skip

    assert body.pop("created_at")
    assert body.pop("updated_at")
    assert body == {
        "id": Interaction.objects.get().pk, "account": cast.account.pk, "kind": "visit", "purpose": "routine",
        "held_on": str(timezone.localdate()), "minutes": None, "is_remote": False, "summary": "Went well",
        "next_step": "Offer", "next_step_on": "2024-02-01", "next_step_done_on": None, "our_people": [cast.owner.pk],
        "their_people": [contact.pk], "logged_by": cast.teammate.pk, "logged_by_name": cast.teammate.username,
    }  # fmt: skip
    done = client.post(f"{ROOT}/interactions/{body['id']}/done/")
    assert done.json()["next_step_done_on"] == str(timezone.localdate())
    assert_problem(client.post(f"{ROOT}/interactions/{body['id']}/done/"), 422)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"is_remote": True}, ""),
        ({"summary": " "}, "/summary"),
        ({"kind": "letter"}, "/kind"),
        ({"minutes": 0}, "/minutes"),
        ({"our_people": [1.5]}, "/our_people"),
        ({"our_people": [2**63]}, "/our_people"),
        ({"our_people": list(range(1, 102))}, "/our_people"),
        ({"their_people": "hidden"}, "/their_people"),
        ({"logged_for": 1}, "/logged_for"),
    ],
)
def test_an_interaction_outside_the_rules_is_refused_by_its_field(rest, cast, fields, pointer):
    body = {"account": cast.account.pk, "kind": "visit", "summary": "Went well"} | fields
    if body.get("their_people") == "hidden":
        body["their_people"] = [make_contact().pk]

    problem = assert_problem(rest(cast.owner).post(f"{ROOT}/interactions/", body, format="json"), 400)

    assert any(found.startswith(pointer) for found in pointers(problem))
    assert not Interaction.objects.exists()


def test_rules_between_rows_are_the_services(rest, cast):
    other = make_account(owner=cast.owner)
    body = {"account": cast.account.pk, "kind": "call", "summary": "Later"}
    client = rest(cast.owner)

    tomorrow = str(timezone.localdate() + timedelta(days=1))
    assert "future" in send(client, "interactions", body | {"held_on": tomorrow}, 422)["detail"]
    theirs = {"their_people": [make_contact(account=other).pk]}
    assert "another customer" in send(client, "interactions", body | theirs, 422)["detail"]


def test_only_who_wrote_it_or_has_the_right_changes_and_removes(rest, cast):
    made = make_interaction(account=cast.account, logged_by=cast.owner)
    address, headers = f"{ROOT}/interactions/{made.pk}/", {"If-Match": "*"}

    def patch(user, **fields):
        return rest(user).patch(address, fields, format="json", headers=headers).status_code

    assert [patch(getattr(cast, role), summary=role) for role in ROLES] == [200, 403, 404]
    assert patch(allow(cast.teammate, "service.change_interaction"), summary="teammate") == 200
    assert_problem(
        rest(cast.owner).patch(address, {"account": make_account(owner=cast.owner).pk}, format="json", headers=headers),
        400,
    )
    made.refresh_from_db()
    assert (made.summary, made.logged_by) == ("teammate", cast.owner)
    assert rest(cast.teammate).delete(address).status_code == 403
    assert rest(cast.owner).delete(address).status_code == 204


def test_a_request_takes_its_steps_and_tells_of_them(rest, cast):
    client, boss = rest(cast.owner), make_user()
    made = send(
        client, "service-requests", {"account": cast.account.pk, "kind": "dispute", "severity": 1, "subject": "Price"}
    )
    assert (made["state"], made["is_severe"], made["number"]) == ("new", True, f"SR-{made['id']}")
    address = f"service-requests/{made['id']}"

    assert send(client, f"{address}/respond", {}, 200)["state"] == "answered"
    found = send(client, f"{address}/escalate", {"text": "Stuck", "assigned_to": boss.pk}, 200)
    assert (found["state"], found["assigned_to"]) == ("escalated", boss.pk)
    assert send(client, f"{address}/resolve", {"text": "Credited"}, 200)["resolution"] == "Credited"
    assert_problem(client.post(f"{ROOT}/{address}/respond/", {}, format="json"), 409)
    again = send(client, f"{address}/reopen", {"text": "Not all of it"}, 200)

    assert [(step["kind"], step["text"]) for step in again["steps"]] == [
        ("response", ""), ("escalation", "Stuck"), ("resolution", "Credited"), ("reopening", "Not all of it"),
    ]  # fmt: skip


def test_times_of_steps_may_be_given_and_never_lie_ahead(rest, cast):
    client, opened = rest(cast.owner), "2024-01-15T09:00:00+08:00"
    body = {"account": cast.account.pk, "kind": "support", "subject": "Leak", "opened_at": opened}
    made = send(client, "service-requests", body)
    address = f"service-requests/{made['id']}"

    ahead = (timezone.now() + timedelta(hours=1)).isoformat()
    assert pointers(assert_problem(client.post(f"{ROOT}/{address}/respond/", {"at": ahead}, format="json"), 400)) == [
        "/at"
    ]
    send(client, f"{address}/respond", {"at": "2024-01-15T08:00:00+08:00"}, 409)
    found = send(client, f"{address}/respond", {"at": "2024-01-15T11:00:00+08:00"}, 200)

    assert (found["opened_at"], found["first_response_at"]) == (opened, "2024-01-15T11:00:00+08:00")
    assert "later than now" in send(client, "service-requests", body | {"opened_at": ahead}, 409)["detail"]


def test_a_request_is_changed_with_its_tag_and_the_change_is_a_step(rest, cast):
    client, made = rest(cast.teammate), make_request(account=cast.account)
    address = f"{ROOT}/service-requests/{made.pk}/"
    tag = client.get(address).headers["ETag"]

    assert client.patch(address, {"severity": 1}, format="json").status_code == 428
    found = client.patch(address, {"severity": 1}, format="json", headers={"If-Match": tag})
    assert [(step["kind"], step["by"]) for step in found.json()["steps"]] == [("change", cast.teammate.pk)]
    assert client.patch(address, {"severity": 2}, format="json", headers={"If-Match": tag}).status_code == 412
    sent = client.patch(address, {"resolved_at": "2024-02-01T00:00:00Z"}, format="json", headers={"If-Match": "*"})
    assert sent.json()["resolved_at"] is None
    foreign = {"contact": make_contact(account=make_account(owner=cast.owner)).pk}
    owner = rest(cast.owner)
    assert_problem(owner.patch(address, foreign, format="json", headers={"If-Match": "*"}), 409)
    assert client.delete(address).status_code == 405


def test_sponsors_and_discounts_need_rights_and_keep_their_rules(rest, cast):
    sponsor = {"account": cast.account.pk, "user": cast.stranger.pk, "kind": "executive"}
    discount = {"account": cast.account.pk, "percent": "12.50", "reason": "Volume", "reference": "Q-1"}
    for path, body in (("sponsors", sponsor), ("discounts", discount)):
        send(rest(cast.owner), path, body, 403)
    owner = allow(
        cast.owner, "service.add_sponsor", "service.change_sponsor", "service.add_discount", "service.approve_discount"
    )
    client = rest(owner)

    named = send(client, "sponsors", sponsor)
    assert (named["valid_from"], named["valid_to"]) == (str(timezone.localdate()), None)
    assert "end that first" in send(client, "sponsors", sponsor, 409)["detail"]
    assert (
        "manages this account"
        in send(client, "sponsors", sponsor | {"user": cast.teammate.pk, "kind": "senior_partner"}, 409)["detail"]
    )
    ended = send(client, f"sponsors/{named['id']}/end", {}, 200)
    assert ended["valid_to"] == str(timezone.localdate() + timedelta(days=1))

    granted = send(client, "discounts", discount)
    assert (granted["percent"], granted["granted_by"], granted["approved_by"]) == ("12.50", owner.pk, None)
    send(client, f"discounts/{granted['id']}/approve", None, 409)
    teammate = rest(allow(cast.teammate, "service.approve_discount"))
    assert send(teammate, f"discounts/{granted['id']}/approve", None, 200)["approved_by"] == cast.teammate.pk
    assert pointers(
        assert_problem(client.post(f"{ROOT}/discounts/", discount | {"percent": "101"}, format="json"), 400)
    ) == ["/percent"]


def test_lists_show_what_one_may_see_and_filter(rest, cast):
    account = cast.account
    visit = make_interaction(account=account, held_on=date(2024, 3, 1), our_people=[cast.owner])
    call = make_interaction(account=account, kind="call", next_step="x", next_step_on=date(2024, 4, 1))
    severe = make_request(account=account, kind="complaint", severity=1)
    solved = make_request(account=account, resolved_at=timezone.now(), assigned_to=cast.owner)
    sponsor = make_sponsor(account=account, valid_to=date(2024, 1, 1))
    discount = make_discount(account=account, approved_by=make_user())
    hidden = (make_interaction(), make_request(), make_sponsor(), make_discount())
    client, stranger = rest(cast.teammate), rest(cast.stranger)

    for path, mine, other in zip(
        ("interactions", "service-requests", "sponsors", "discounts"),
        ({visit.pk, call.pk}, {severe.pk, solved.pk}, {sponsor.pk}, {discount.pk}),
        hidden,
        strict=True,
    ):
        assert set(ids(client, path)) == mine
        assert ids(stranger, path) == []
        assert client.get(f"{ROOT}/{path}/{other.pk}/").status_code == 404
        assert_problem(client.get(f"{ROOT}/{path}/", {"account": other.account_id}), 400)
        assert_problem(client.get(f"{ROOT}/{path}/", {"colour": "red"}), 400)
    assert ids(client, "interactions", kind="visit", held_on__gte="2024-02-01") == [visit.pk]
    assert ids(client, "interactions", our_people=cast.owner.pk) == [visit.pk]
    assert ids(client, "interactions", next_step_on__lte="2024-04-01", next_step_done_on__isnull="true") == [call.pk]
    assert ids(client, "service-requests", is_open="true", severity__lte=2) == [severe.pk]
    assert ids(client, "service-requests", state="resolved", assigned_to=cast.owner.pk) == [solved.pk]
    assert ids(client, "service-requests", number=severe.number, search="leak") == [severe.pk]
    assert ids(client, "sponsors", on="2023-12-31", user=sponsor.user_id) == [sponsor.pk]
    assert ids(client, "sponsors", on="2024-01-01") == []
    assert ids(client, "discounts", is_approved="true", percent__gte="5") == [discount.pk]
    assert ids(client, "discounts", is_approved="false") == []


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("interactions", make_interaction),
        ("service-requests", make_request),
        ("sponsors", make_sponsor),
        ("discounts", make_discount),
    ],
)
def test_lists_ask_as_often_for_many_as_for_one(rest, cast, path, make, django_assert_max_num_queries):
    client, counts = rest(cast.owner), []
    for number in range(3):
        account = make_account(owner=cast.owner)
        extra = (
            {"our_people": [make_user()], "their_people": [make_contact(account=account)]}
            if path == "interactions"
            else {}
        )
        make(account=account, **extra)
        make_team_member(account=account)
        with django_assert_max_num_queries(15) as asked:
            assert len(ids(client, path)) == number + 1
        counts.append(len(asked))

    assert len(set(counts)) == 1


def test_nothing_is_left_of_a_refused_request(rest, cast):
    client = rest(cast.stranger)
    for path, body in (
        ("interactions", {"kind": "call", "summary": "x"}),
        ("service-requests", {"kind": "question", "subject": "x"}),
    ):
        assert_problem(client.post(f"{ROOT}/{path}/", body | {"account": cast.account.pk}, format="json"), 400)

    assert not any(model.objects.exists() for model in (Interaction, ServiceRequest, Sponsor, Discount))
