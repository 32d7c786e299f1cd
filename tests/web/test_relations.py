"""The tab Relationships and the page over all accounts: owner, teammate, stranger and analyst; every form; flat statements."""

import csv
import io
import json
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    Account,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    LevelEvidence,
    PartnershipState,
    RelationshipTarget,
)
from accounts.services_relations import note_attitude
from crm.web.editing import stamp_of
from plans.models import RelationshipAction, RelationshipPlan
from plans.services_relations import save_relationship_plan
from tests.factories import (
    make_account,
    make_centre,
    make_contact,
    make_courtesy,
    make_interaction,
    make_level,
    make_member,
    make_user,
)
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def html(response, status=200):
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def tab(client, account):
    return html(client.get(reverse("accounts:relations", args=[account.pk])))


def address(name, account, *more):
    return reverse(f"accounts:{name}", args=[account.pk, *more])


@pytest.fixture
def cast():
    found = make_cast()
    Account.objects.filter(pk=found.account.pk).update(grade="gold")
    return found


@pytest.fixture
def person(cast):
    contact = make_contact(
        account=cast.account, name="Wang Li", title="Plant manager", department="Production", level="senior",
        email="wang@example.com",
    )  # fmt: skip
    note_attitude(contact=contact, attitude=1, since=TODAY - timedelta(days=90), evidence="Praised the pilot")
    make_member(contact=contact, centre=make_centre(account=cast.account, name="Drives"), weight=5)
    make_interaction(
        account=cast.account, held_on=TODAY - timedelta(days=3), their_people=[contact], our_people=[cast.owner]
    )
    return contact


def test_owner_and_teammate_see_the_three_layers_and_a_stranger_nothing(client, cast, person):
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        response = client.get(address("relations", cast.account))
        seen[role] = response.status_code
        if response.status_code == 200:
            page = response.content.decode()
            assert "Wang Li" in page
            assert "Praised the pilot" in page
            assert "One single contact" in page
            assert "No coach" in page
            assert "target 70" in page
    assert seen == {"owner": 200, "teammate": 200, "stranger": 404}


def test_an_analyst_sees_scores_and_cells_and_no_person(client, cast, person):
    client.force_login(make_user(role="analyst"))
    page = tab(client, cast.account)

    assert "Key people" in page
    assert "your role does not see" in page
    for word in ("Wang Li", "wang@example.com", "Praised the pilot", "Plant manager"):
        assert word not in page
    form = client.post(address("centre_new", cast.account), {"name": "Pumps"})
    assert form.status_code == 403
    rows = html_of_file(client.get(address("relations_export", cast.account, "csv")))
    assert "Wang" not in rows


def test_a_score_of_fewer_than_three_people_is_not_shown_to_an_analyst(client, cast, person):
    pages = (address("relations", cast.account), reverse("relationships:index"))
    files = (address("relations_export", cast.account, "csv"), reverse("relationships:export", args=["csv"]))
    figure, few = reverse("figure", args=["key_relationship_score"]), "fewer than 3 people count into it"
    client.force_login(cast.owner)
    assert not any(few in html(client.get(page)) for page in (*pages, figure))

    client.force_login(make_user(role="analyst"))
    assert all(few in html(client.get(page)) for page in (*pages, figure))
    assert not any("75" in html_of_file(client.get(one)) for one in files)

    for number in range(2):
        other = make_contact(account=cast.account, name=f"Other {number}")
        note_attitude(contact=other, attitude=1, since=TODAY - timedelta(days=9), evidence="Said so")
        make_member(contact=other, centre=BuyingCentre.objects.get(), weight=1)
        make_interaction(account=cast.account, held_on=TODAY, their_people=[other], our_people=[cast.owner])
    assert not any(few in html(client.get(page)) for page in (*pages, figure))
    assert "75" in html_of_file(client.get(files[1]))


def html_of_file(response):
    assert response.status_code == 200
    return b"".join(response).decode("utf-8-sig")


def test_empty_tab_says_what_to_do_first(client, cast):
    client.force_login(cast.owner)
    page = tab(client, cast.account)

    for words in (
        "No buying centre yet",
        "Nobody is in a buying centre",
        "No plan yet",
        "No contact yet",
        "None is noted",
    ):
        assert words in page


def test_map_and_org_chart_are_drawn_and_stand_as_tables(client, cast, person):
    boss = make_contact(account=cast.account, name="Zhao Min")
    Contact.objects.filter(pk=person.pk).update(reports_to=boss)
    member = CentreMember.objects.get()
    member.target_attitude, member.target_on = 2, date(2030, 1, 1)
    member.save()
    client.force_login(cast.owner)
    page = tab(client, cast.account)
    centre = BuyingCentre.objects.get()

    options = {
        key: json.loads(text)
        for key, text in re.findall(r'<script id="([\w-]+)" type="application/json">(.*?)</script>', page)
    }
    nodes = options[f"map-{centre.pk}"]["series"][0]["data"]
    assert [(one["value"], one["symbol"]) for one in nodes] == [([4, 5], "diamond"), ([5, 4.83], "emptyCircle")]
    assert nodes[0]["href"] == address("member_edit", cast.account, member.pk)
    tree = options["org-chart"]["series"][0]["data"][0]
    assert [one["name"] for one in tree["children"]] == ["Zhao Min"]
    assert [one["name"] for one in tree["children"][0]["children"]] == ["Wang Li"]
    assert page.count("Show as table") == 2


def test_export_guards_cells_and_names_the_gaps(client, cast, person):
    Contact.objects.filter(pk=person.pk).update(name="=cmd()")
    client.force_login(cast.owner)
    rows = list(csv.reader(io.StringIO(html_of_file(client.get(address("relations_export", cast.account, "csv"))))))

    assert rows[0][:2] == ["Buying centre", "Name"]
    assert rows[1][:3] == ["Drives", "'=cmd()", "Decider"]
    assert client.get(address("relations_export", cast.account, "xlsx")).status_code == 200
    assert client.get(address("relations_export", cast.account, "pdf")).status_code == 404
    client.force_login(cast.stranger)
    assert client.get(address("relations_export", cast.account, "csv")).status_code == 404


def test_a_contact_is_added_and_changed_with_its_place(client, cast, person):
    client.force_login(cast.owner)
    sent = {
        "name": "Sun Qi",
        "department": " 采购  一部 ",
        "level": "middle",
        "reports_to": person.pk,
        "is_active": "on",
    }
    assert client.post(address("contact_new", cast.account), sent).status_code == 302
    made = Contact.objects.get(name="Sun Qi")
    assert (made.account, made.department, made.department_kind, made.reports_to) == (
        cast.account, "采购 一部", "purchasing", person,
    )  # fmt: skip

    path = address("contact_edit", cast.account, person.pk)
    page = html(client.get(path))
    assert '<option value="采购 一部"></option>' in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    circle = {"name": "Wang Li", "reports_to": made.pk, "is_active": "on", "seen": seen}
    assert "in a circle" in html(client.post(path, circle), 422)
    assert (
        client.post(path, circle | {"reports_to": "", "title": "Director", "is_decision_maker": "on"}).status_code
        == 302
    )
    late = html(client.post(path, circle | {"reports_to": "", "title": "Clerk"}), 409)
    assert "Somebody else changed this" in late
    assert 'value="Clerk"' in late
    assert "<td>Director</td><td>Clerk</td>" in late
    unseen = html(client.post(path, circle | {"reports_to": "", "title": "Clerk", "seen": ""}), 409)
    assert "did not say which version it showed" in unseen
    person.refresh_from_db()
    assert (person.title, person.is_decision_maker, person.attitude) == ("Director", True, 1)


def test_people_of_the_group_can_sit_in_a_centre_as_far_as_they_are_seen(client, cast):
    child = make_account(parent=cast.account)
    hidden = make_contact(account=child, name="Hidden One")
    seen = make_contact(account=make_account(parent=cast.account, owner=cast.owner), name="Seen One")
    centre = make_centre(account=cast.account)
    client.force_login(cast.owner)
    page = html(client.get(address("member_new", cast.account, centre.pk)))

    assert "Seen One" in page
    assert "Hidden One" not in page
    sent = {"contact": hidden.pk, "roles": ["user"], "weight": "2"}
    html(client.post(address("member_new", cast.account, centre.pk), sent), 422)
    assert not CentreMember.objects.exists()
    assert client.post(address("member_new", cast.account, centre.pk), sent | {"contact": seen.pk}).status_code == 302
    assert CentreMember.objects.get().contact == seen


def test_a_centre_and_its_people_are_kept_changed_and_removed(client, cast, person):
    client.force_login(cast.teammate)
    assert (
        client.post(address("centre_new", cast.account), {"name": " New  line ", "is_active": "on"}).status_code == 302
    )
    centre = BuyingCentre.objects.get(name="New line")
    assert "of that name" in html(client.post(address("centre_new", cast.account), {"name": "New line"}), 422)
    sent = {"contact": person.pk, "roles": ["coach", "user"], "weight": "4", "owner": cast.owner.pk}
    assert client.post(address("member_new", cast.account, centre.pk), sent).status_code == 302
    member = CentreMember.objects.get(centre=centre)
    assert (member.roles, member.weight, member.owner) == (["user", "coach"], 4, cast.owner)
    path, sent = address("member_edit", cast.account, member.pk), sent | {"seen": stamp_of(member)}
    assert "until when" in html(client.post(path, sent | {"target_attitude": "2"}), 422)
    assert "required" in html(client.post(path, {"contact": person.pk, "weight": "4"}), 422)
    assert client.post(path, sent | {"target_attitude": "2", "target_on": "2030-01-01"}).status_code == 302
    assert client.post(address("member_remove", cast.account, member.pk)).status_code == 302
    assert not CentreMember.objects.filter(centre=centre).exists()
    kept = {"name": "New line", "seen": stamp_of(centre)}
    assert client.post(address("centre_edit", cast.account, centre.pk), kept).status_code == 302
    centre.refresh_from_db()
    assert not centre.is_active


def test_attitudes_are_noted_with_evidence_and_never_before_the_last(client, cast, person):
    client.force_login(cast.owner)
    path = address("attitude_note", cast.account, person.pk)
    assert "Supports us" in html(client.get(path))
    old = html(client.post(path, {"attitude": "-1", "attitude_since": "2001-01-01", "evidence": "x"}), 422)
    assert "choose that day or a later one" in old
    sent = {"attitude": "-1", "attitude_since": TODAY.isoformat(), "evidence": "Wants a second source"}
    assert client.post(path, sent).status_code == 302

    person.refresh_from_db()
    assert (person.attitude, person.attitude_since) == (-1, TODAY)
    note = person.attitude_notes.first()
    assert (note.evidence, note.noted_by) == ("Wants a second source", cast.owner)
    assert "Wants a second source" in tab(client, cast.account)
    assert "A decider is against us" in tab(client, cast.account)


def test_levels_partnership_and_targets_are_kept(client, cast, person):
    client.force_login(cast.owner)
    assert (
        client.post(
            address("level_new", cast.account),
            {"level": "4", "evidence": "Board visit", "reached_on": TODAY.isoformat()},
        ).status_code
        == 302
    )
    level = LevelEvidence.objects.get()
    assert (level.level, level.noted_by) == (4, cast.owner)
    wrong = {"level": "4", "evidence": "x", "reached_on": "2024-02-01", "expires_on": "2024-01-01"}
    assert "expires before it begins" in html(client.post(address("level_new", cast.account), wrong), 422)
    client.post(address("level_end", cast.account, level.pk))
    level.refresh_from_db()
    assert level.expires_on > level.reached_on  # it counts for a day at least

    sent = {"state": "loyal", "since": "2024-05-01", "evidence": "Third renewal without a tender"}
    assert client.post(address("partnership_new", cast.account), sent).status_code == 302
    assert "already" in html(client.post(address("partnership_new", cast.account), sent), 422)
    assert PartnershipState.objects.get().noted_by == cast.owner
    page = tab(client, cast.account)
    assert "Loyal customer" in page
    assert "Gross profit, 12 months" in page

    assert (
        client.post(
            address("relation_targets", cast.account), {"key_target": "90", "departments": ["finance", "production"]}
        ).status_code
        == 302
    )
    target = RelationshipTarget.objects.get()
    assert (target.key_target, target.departments) == (90, ["finance", "production"])
    assert "target 90" in tab(client, cast.account)
    seen = stamp_of(RelationshipTarget.objects.get())
    late = client.post(address("relation_targets", cast.account), {"key_target": "101", "seen": seen})
    assert late.status_code == 422


def test_courtesies_beyond_the_limit_wait_for_another_person(client, cast, person):
    client.force_login(cast.owner)
    sent = {
        "contact": person.pk,
        "kind": "gift",
        "given_on": TODAY.isoformat(),
        "occasion": "Spring",
        "amount": "900",
        "currency": "CNY",
    }
    assert "300 CNY at most" in html(client.post(address("courtesy_new", cast.account), sent), 422)
    assert client.post(address("courtesy_new", cast.account), sent | {"reason": "Jubilee"}).status_code == 302
    made = Courtesy.objects.get()
    assert (made.state, made.amount) == ("waiting", Decimal(900))
    path = address("courtesy_decide", cast.account, made.pk, "approve")
    assert client.post(path).status_code == 403
    client.force_login(grant(cast.owner, "approve_courtesy"))
    assert "another person" in html(client.post(path, follow=True))
    client.force_login(grant(cast.teammate, "approve_courtesy"))
    assert client.post(path).status_code == 302
    assert client.post(address("courtesy_decide", cast.account, made.pk, "sell")).status_code == 404
    made.refresh_from_db()
    assert (made.state, made.decided_by) == ("approved", cast.teammate)


def test_a_plan_has_a_goal_a_review_and_steps_by_layer(client, cast, person):
    client.force_login(cast.owner)
    sent = {"goal": "Win the plant manager", "owner": cast.owner.pk, "review_on": "2030-01-01"}
    assert client.post(address("relation_plan", cast.account), sent).status_code == 302
    assert client.post(address("relation_plan", cast.account), sent | {"goal": "Win both"}).status_code == 302
    assert RelationshipPlan.objects.get().goal == "Win both"
    step = {"layer": "key", "text": "Invite to the reference plant", "contact": person.pk, "due_on": "2030-02-01"}
    client.post(address("relation_step_new", cast.account), step)
    client.post(address("relation_step_new", cast.account), step | {"due_on": ""})
    row = RelationshipAction.objects.get()
    assert (row.owner, row.contact) == (cast.owner, person)
    page = tab(client, cast.account)
    assert page.count("Invite to the reference plant") == 3  # the card of its layer, the list, the button that ticks it
    client.post(address("relation_step_tick", cast.account, row.pk))
    row.refresh_from_db()
    assert row.done_on == TODAY


FORMS = [
    "contact_new",
    "centre_new",
    "level_new",
    "partnership_new",
    "relation_targets",
    "courtesy_new",
    "relation_plan",
]


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_for_those_who_see_the_account(client, cast, name):
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = client.get(address(name, cast.account)).status_code
    assert seen == {"owner": 200, "teammate": 200, "stranger": 404}


def test_things_of_another_account_are_not_there(client, cast, person):
    other = make_account(owner=cast.stranger)
    centre, contact, level = make_centre(account=other), make_contact(account=other), make_level(account=other)
    member, courtesy = make_member(contact=contact, centre=centre), make_courtesy(contact=contact)
    client.force_login(grant(cast.owner, "approve_courtesy"))
    for name, pk, method in (
        ("contact_edit", contact.pk, "get"), ("attitude_note", contact.pk, "get"), ("centre_edit", centre.pk, "get"),
        ("member_new", centre.pk, "get"), ("member_edit", member.pk, "get"), ("member_remove", member.pk, "post"),
        ("level_end", level.pk, "post"),
    ):  # fmt: skip
        assert getattr(client, method)(address(name, cast.account, pk)).status_code == 404, name
    assert client.post(address("courtesy_decide", cast.account, courtesy.pk, "approve")).status_code == 404


def test_portfolio_lists_filters_and_exports_what_the_viewer_sees(client, cast, person):
    hidden = make_account(name="Hidden Ltd")
    quiet = make_account(owner=cast.owner, name="Quiet Ltd")
    save_relationship_plan(account=cast.account, goal="x", owner=None, review_on=TODAY)
    client.force_login(cast.owner)
    path = reverse("relationships:index")
    page = html(client.get(path))
    assert cast.account.name in page
    assert quiet.name in page
    assert hidden.name not in page
    for query, shown in (
        ({"thread": "one_contact"}, [cast.account.name]), ({"gap": "no_map"}, [quiet.name]), ({"gap": "no_coach"}, [cast.account.name]),
        ({"grade": "gold"}, [cast.account.name]), ({"layer": "general"}, [cast.account.name]), ({"thread": "silent"}, [quiet.name]),
        ({"level": "group"}, [cast.account.name, quiet.name]), ({"owner": "x" * 30, "gap": "\x00", "sort": "score"}, [cast.account.name, quiet.name]),
    ):  # fmt: skip
        page = html(client.get(path, query))
        assert [name for name in (cast.account.name, quiet.name) if f">{name}</a>" in page] == shown, query
    assert "No account matches" in html(client.get(path, {"grade": "diamond"}))
    rows = list(
        csv.reader(
            io.StringIO(html_of_file(client.get(reverse("relationships:export", args=["csv"]), {"grade": "gold"})))
        )
    )
    assert [row[1] for row in rows[1:]] == [cast.account.name]
    client.force_login(cast.stranger)
    assert cast.account.name not in html(client.get(path))
    client.logout()
    assert client.get(path).status_code == 302


@pytest.mark.parametrize(
    "key",
    [
        "key_relationship_score",
        "relationship_coverage",
        "organisational_level",
        "mapped_accounts",
        "gap_accounts",
        "single_threaded_accounts",
    ],
)
def test_every_figure_opens_its_definition_and_accounts(client, cast, person, key):
    client.force_login(cast.owner)
    page = html(client.get(reverse("figure", args=[key]), {"account": cast.account.pk}))

    assert "Contacts and interactions" in page
    assert cast.account.name in page
    client.force_login(cast.stranger)
    assert client.get(reverse("figure", args=[key]), {"account": cast.account.pk}).status_code == 404


def test_statements_of_the_pages_do_not_grow(client, cast, person):
    client.force_login(cast.owner)
    counts = []
    for _round in range(2):
        found = []
        for path in (address("relations", cast.account), reverse("relationships:index")):
            client.get(path)
            with CaptureQueriesContext(connection) as captured:
                client.get(path)
            found.append(len(captured))
        counts.append(found)
        for _ in range(3):
            more = make_contact(account=cast.account, reports_to=person, department="Finance", level="middle")
            make_member(contact=more, centre=make_centre(account=cast.account), owner=make_user())
            note_attitude(contact=more, attitude=0, since=TODAY, evidence="x", by=make_user())
            make_courtesy(contact=more)
            make_level(account=cast.account, noted_by=make_user())
            other = make_account(owner=cast.owner)
            make_member(contact=make_contact(account=other))
    assert counts[0] == counts[1]
