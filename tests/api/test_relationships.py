"""Relationships over REST: written by owner and teammate, read by who may know people, the same figures as the pages."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AttitudeNote, CentreMember, Contact, Courtesy, RelationshipRule
from tests.api.conftest import assert_problem
from tests.factories import (
    make_account,
    make_centre,
    make_contact,
    make_courtesy,
    make_interaction,
    make_level,
    make_member,
    make_superuser,
    make_user,
)
from tests.web.people import make_cast

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
TODAY = timezone.localdate()


@pytest.fixture
def cast():
    found = make_cast()
    Account.objects.filter(pk=found.account.pk).update(grade="gold")
    return found


def bodies(cast):
    """What each resource takes, by its address."""
    contact = make_contact(account=cast.account)
    centre = make_centre(account=cast.account)
    return {
        "buying-centres/": {"account": cast.account.pk, "name": "Drives"},
        "buying-centre-members/": {"centre": centre.pk, "contact": contact.pk, "roles": ["coach", "decider"], "weight": 4},
        "attitude-notes/": {"contact": contact.pk, "attitude": 1, "evidence": "Spoke for us"},
        "relationship-levels/": {"account": cast.account.pk, "level": 3, "evidence": "Yearly plan"},
        "partnership-states/": {"account": cast.account.pk, "state": "loyal", "evidence": "Renewed twice"},
        "courtesies/": {"contact": contact.pk, "kind": "gift", "given_on": "2024-01-15", "occasion": "New Year", "amount": "100", "currency": "CNY"},
        "relationship-targets/": {"account": cast.account.pk, "key_target": 80, "departments": ["finance"]},
        "relationship-plans/": {"account": cast.account.pk, "goal": "Know the board", "review_on": "2030-01-01"},
    }  # fmt: skip


def test_owner_and_teammate_write_what_a_stranger_and_an_analyst_cannot(rest, cast):
    analyst = make_user(role="analyst")
    sent = bodies(cast)
    for address, body in sent.items():
        assert_problem(rest(cast.stranger).post(V1 + address, body, format="json"), 400)  # no such account for them
        assert_problem(rest(analyst).post(V1 + address, body, format="json"), 403)
        made = rest(cast.teammate).post(V1 + address, body, format="json")
        assert made.status_code == 201, (address, made.content)
        one = rest(cast.owner).get(made.headers["Location"])
        assert one.status_code == 200
        assert one.headers["ETag"] == made.headers["ETag"]
        assert {name: one.json()[name] for name in body if name not in {"amount", "roles"}} == {
            name: value for name, value in body.items() if name not in {"amount", "roles"}
        }
        assert_problem(rest(cast.stranger).get(made.headers["Location"]), 404)
        assert rest(cast.stranger).get(V1 + address).json()["count"] == 0
    member = CentreMember.objects.get()
    assert member.roles == ["decider", "coach"]
    assert Contact.objects.get(pk=member.contact_id).attitude == 1
    assert AttitudeNote.objects.get().noted_by == cast.teammate


@pytest.mark.parametrize("address", ["buying-centre-members/", "attitude-notes/", "courtesies/"])
def test_people_are_for_those_who_may_read_personal_data(rest, cast, address):
    assert_problem(rest(make_user(role="analyst")).get(V1 + address), 403)
    assert rest(cast.owner).get(V1 + address).status_code == 200


@pytest.mark.parametrize(
    ("address", "change", "status"),
    [
        ("buying-centre-members/", {"roles": []}, 400), ("buying-centre-members/", {"roles": ["king"]}, 400),
        ("buying-centre-members/", {"weight": 6}, 400), ("buying-centre-members/", {"target_attitude": 2}, 400),
        ("attitude-notes/", {"attitude": 3}, 400), ("relationship-levels/", {"level": 6}, 400),
        ("relationship-levels/", {"expires_on": "2001-01-01"}, 400), ("partnership-states/", {"state": "friend"}, 400),
        ("courtesies/", {"amount": "900"}, 409), ("courtesies/", {"currency": "EUR"}, 409),
        ("courtesies/", {"amount": "-1"}, 400), ("relationship-targets/", {"key_target": 101}, 400),
        ("relationship-targets/", {"departments": ["kitchen"]}, 400), ("buying-centres/", {"name": ""}, 400),
        ("buying-centres/", {"nome": "x"}, 400),
    ],
)  # fmt: skip
def test_what_lies_outside_the_rules_is_refused(rest, cast, address, change, status):
    body = bodies(cast)[address] | change

    assert_problem(rest(cast.owner).post(V1 + address, body, format="json"), status)


def test_updates_need_the_version_they_saw(rest, cast):
    sent = bodies(cast)
    client = rest(cast.owner)
    made = client.post(V1 + "buying-centres/", sent["buying-centres/"], format="json")
    path, tag = made.headers["Location"], made.headers["ETag"]

    assert_problem(client.patch(path, {"name": "Pumps"}, format="json"), 428)
    changed = client.patch(path, {"name": "Pumps"}, format="json", headers={"If-Match": tag})
    assert changed.json()["name"] == "Pumps"
    assert_problem(client.patch(path, {"name": "Fans"}, format="json", headers={"If-Match": tag}), 412)
    other = make_account(owner=cast.owner)
    moved = client.patch(path, {"account": other.pk}, format="json", headers={"If-Match": "*"})
    assert_problem(moved, 400)
    member = client.post(V1 + "buying-centre-members/", sent["buying-centre-members/"], format="json")
    edited = client.patch(member.headers["Location"], {"weight": 2}, format="json", headers={"If-Match": "*"})
    assert (edited.json()["weight"], edited.json()["roles"]) == (2, ["decider", "coach"])
    assert client.delete(member.headers["Location"]).status_code == 204
    target = client.post(V1 + "relationship-targets/", sent["relationship-targets/"], format="json")
    edited = client.patch(target.headers["Location"], {"departments": None}, format="json", headers={"If-Match": "*"})
    assert (edited.json()["key_target"], edited.json()["departments"]) == (80, None)


def test_attitudes_of_a_contact_go_through_the_log(rest, cast):
    client = rest(cast.owner)
    made = client.post(
        V1 + "contacts/",
        {"account": cast.account.pk, "name": "Wang Li", "department": "Buying", "attitude": -1, "attitude_since": "2024-03-01"},
        format="json",
    )  # fmt: skip
    assert made.status_code == 201, made.content
    assert (made.json()["department_kind"], made.json()["attitude"]) == ("purchasing", -1)
    path = made.headers["Location"]
    body = {"attitude": 2, "attitude_since": "2024-05-01"}
    assert client.patch(path, body, format="json", headers={"If-Match": "*"}).status_code == 200
    early = client.patch(
        path, body | {"attitude": 0, "attitude_since": "2024-04-01"}, format="json", headers={"If-Match": "*"}
    )
    assert "2024-05-01" in assert_problem(early, 400)["errors"][0]["detail"]
    assert (
        client.patch(
            path, {"attitude": None, "attitude_since": None}, format="json", headers={"If-Match": "*"}
        ).status_code
        == 200
    )

    notes = AttitudeNote.objects.order_by("pk").values_list("attitude", "held_from", "noted_by")
    assert list(notes) == [
        (-1, date(2024, 3, 1), cast.owner.pk),
        (2, date(2024, 5, 1), cast.owner.pk),
        (None, TODAY, cast.owner.pk),
    ]
    boss = make_contact(account=cast.account)
    mine = Contact.objects.get(name="Wang Li")
    assert (
        client.patch(path, {"reports_to": boss.pk}, format="json", headers={"If-Match": "*"}).json()["reports_to"]
        == boss.pk
    )
    circle = client.patch(f"{V1}contacts/{boss.pk}/", {"reports_to": mine.pk}, format="json", headers={"If-Match": "*"})
    assert "circle" in assert_problem(circle, 400)["errors"][0]["detail"]
    far = client.patch(
        path,
        {"reports_to": make_contact(account=make_account(owner=cast.owner)).pk},
        format="json",
        headers={"If-Match": "*"},
    )
    assert_problem(far, 400)


def test_a_courtesy_beyond_the_limit_is_decided_by_somebody_else(rest, cast):
    body = bodies(cast)["courtesies/"] | {"amount": "900", "reason": "Jubilee"}
    made = rest(cast.owner).post(V1 + "courtesies/", body, format="json")
    assert made.json()["state"] == "waiting"
    path = made.headers["Location"] + "decide/"
    assert_problem(rest(cast.owner).post(path, {"is_approved": True}, format="json"), 403)
    admin = rest(make_superuser())
    assert admin.post(path, {"is_approved": False}, format="json").json()["state"] == "refused"
    assert_problem(admin.post(path, {"is_approved": True}, format="json"), 409)
    assert Courtesy.objects.get().decided_on == TODAY


def test_evidence_ends_and_rules_are_changed_by_administrators(rest, cast):
    level = make_level(account=cast.account, reached_on=date(2024, 1, 1), expires_on=date(2099, 1, 1))
    path = f"{V1}relationship-levels/{level.pk}/end/"
    assert rest(cast.owner).post(path, {"on": "2024-06-01"}, format="json").json()["expires_on"] == "2024-06-01"
    assert_problem(rest(cast.owner).post(path, {"on": "2024-06-01"}, format="json"), 409)

    rule = RelationshipRule.objects.get(grade="gold")
    path = f"{V1}relationship-rules/{rule.pk}/"
    assert rest(cast.owner).get(path).json()["cadence_days"] == 45
    change = {"cadence_days": 20}
    assert_problem(rest(cast.owner).patch(path, change, format="json", headers={"If-Match": "*"}), 403)
    assert (
        rest(make_superuser()).patch(path, change, format="json", headers={"If-Match": "*"}).json()["cadence_days"]
        == 20
    )


def test_a_plan_and_its_steps(rest, cast):
    client = rest(cast.owner)
    plan = client.post(V1 + "relationship-plans/", bodies(cast)["relationship-plans/"], format="json").json()
    contact = make_contact(account=cast.account)
    step = {"plan": plan["id"], "layer": "key", "text": "Meet the CFO", "contact": contact.pk, "due_on": "2030-01-01"}
    made = client.post(V1 + "relationship-steps/", step, format="json")
    assert (made.status_code, made.json()["owner"]) == (201, cast.owner.pk)
    done = client.patch(
        made.headers["Location"], {"done_on": TODAY.isoformat()}, format="json", headers={"If-Match": "*"}
    )
    assert done.json()["done_on"] == TODAY.isoformat()
    assert client.get(V1 + "relationship-steps/", {"is_open": "true"}).json()["count"] == 0
    assert_problem(client.post(V1 + "relationship-steps/", step | {"layer": "x"}, format="json"), 400)
    assert_problem(rest(cast.stranger).post(V1 + "relationship-steps/", step, format="json"), 400)


def test_figures_of_one_account_and_of_all(rest, cast):
    contact = make_contact(
        account=cast.account,
        name="Wang Li",
        department_kind="finance",
        level="senior",
        attitude=1,
        attitude_since=date(2024, 1, 1),
    )
    make_member(contact=contact, weight=5)
    make_interaction(account=cast.account, held_on=TODAY - timedelta(days=3), their_people=[contact])
    make_account(name="Hidden")
    one = rest(cast.owner).get(f"{V1}accounts/{cast.account.pk}/relationships/").json()

    assert one["layers"][0] == {"layer": "key", "value": 75.0, "target": 70.0, "gap": 0.0, "reason": ""}
    assert (one["gaps"], one["thread"], one["cells_covered"], one["cells_required"]) == (
        ["no_coach"],
        "one_contact",
        1,
        10,
    )
    assert (one["centres"][0]["people"][0]["name"], one["passport"]["metric"]) == ("Wang Li", "relationships")
    masked = rest(make_user(role="analyst")).get(f"{V1}accounts/{cast.account.pk}/relationships/").json()
    assert (masked["centres"][0]["score"], masked["centres"][0]["people"]) == (None, [])
    assert (masked["layers"][0]["value"], masked["layers"][0]["gap"]) == (None, None)
    assert "fewer than 3 people" in masked["layers"][0]["reason"]
    listed = rest(make_user(role="analyst")).get(V1 + "metrics/relationships/", {"account": cast.account.pk}).json()
    assert (listed["key_relationship_score"], listed["results"][0]["key_relationship_score"]) == (None, None)
    assert "fewer than 3 people" in listed["results"][0]["key_reason"]
    assert "fewer than 3 people" in listed["reasons"]["key_relationship_score"]
    before = rest(cast.owner).get(f"{V1}accounts/{cast.account.pk}/relationships/", {"as_of": "2023-12-31"}).json()
    assert before["layers"][0]["value"] == 50.0
    assert_problem(rest(cast.stranger).get(f"{V1}accounts/{cast.account.pk}/relationships/"), 404)
    assert_problem(rest(cast.owner).get(f"{V1}accounts/{cast.account.pk}/relationships/", {"as_of": "x"}), 400)

    every = rest(cast.owner).get(V1 + "metrics/relationships/").json()
    assert [(row["account"], row["gaps"], row["thread"]) for row in every["results"]] == [
        (cast.account.pk, ["no_coach"], "one_contact")
    ]
    assert (every["key_relationship_score"], every["single_threaded_accounts"], every["passport"]["accounts"]) == (
        75.0,
        1,
        1,
    )
    assert rest(cast.stranger).get(V1 + "metrics/relationships/").json()["key_relationship_score"] is None


LISTS = [
    "buying-centres/",
    "buying-centre-members/",
    "attitude-notes/",
    "relationship-levels/",
    "courtesies/",
    "contacts/",
]


@pytest.mark.parametrize("address", LISTS)
def test_statements_of_lists_do_not_grow(rest, cast, address):
    counts = []
    client = rest(cast.owner)
    for _round in range(2):
        contact = make_contact(account=cast.account, attitude=1, attitude_since=TODAY)
        make_member(contact=contact)
        make_courtesy(contact=contact)
        make_level(account=cast.account)
        client.get(V1 + address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(V1 + address).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
