"""What is done for customers, on the pages: the tab of an account, requests over all of them, and who may do what."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.web.editing import stamp_of
from service.enums import RequestState
from service.models import Discount, Interaction, RequestStep, ServiceRequest, Sponsor
from tests.factories import (
    make_account,
    make_contact,
    make_discount,
    make_interaction,
    make_request,
    make_sponsor,
    make_superuser,
    make_user,
)
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
ROLES = ("owner", "teammate", "stranger")
HOUR = timedelta(hours=1)


def html(response, status=200):
    assert response.status_code == status
    return response.content.decode()


def tab(client, account, query=""):
    return html(client.get(reverse("accounts:service", args=[account.pk]) + query))


def visit(**fields):
    return {
        "kind": "visit",
        "held_on": timezone.localdate(),
        "summary": "Went through open points",
        "purpose": "routine",
    } | fields


def test_owner_and_teammate_log_what_a_stranger_cannot_even_see(client):
    cast, contact = make_cast(), None
    contact = make_contact(account=cast.account)
    found = {}
    for role in ROLES:
        client.force_login(getattr(cast, role))
        sent = visit(
            their_people=[contact.pk], our_people=[cast.owner.pk], next_step="Offer", next_step_on="2024-02-01"
        )
        found[role] = client.post(reverse("accounts:log_interaction", args=[cast.account.pk]), sent).status_code

    assert found == {"owner": 302, "teammate": 302, "stranger": 404}
    first = Interaction.objects.order_by("pk")[0]
    assert Interaction.objects.count() == 2
    assert (first.logged_by, list(first.their_people.all()), list(first.our_people.all())) == (
        cast.owner,
        [contact],
        [cast.owner],
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"summary": ""}, "required"),
        ({"held_on": "2999-01-01"}, "in the future"),
        ({"is_remote": "on"}, "never remote"),
        ({"next_step_on": "2024-02-01"}, "Say what the next step is"),
        ({"their_people": ["999999"]}, "999999"),
        ({"kind": "letter"}, "letter"),
    ],
)
def test_a_form_outside_the_rules_comes_back_with_what_was_typed(client, fields, words):
    cast = make_cast()
    client.force_login(cast.owner)

    page = html(client.post(reverse("accounts:log_interaction", args=[cast.account.pk]), visit(**fields)), 422)

    assert words in page
    assert ("Went through open points" in page) is ("summary" not in fields)
    assert not Interaction.objects.exists()


def test_form_offers_the_kind_today_and_oneself(client):
    cast = make_cast()
    make_contact(account=cast.account, name="Wang Li")
    make_contact(name="Somebody else")
    client.force_login(cast.teammate)

    page = html(client.get(reverse("accounts:log_interaction", args=[cast.account.pk])))

    assert f'value="{timezone.localdate():%Y-%m-%d}"' in page
    assert page.count('name="kind"') == 5
    assert "Wang Li" in page
    assert "Somebody else" not in page


def test_only_who_wrote_it_or_has_the_right_corrects_and_removes(client):
    cast = make_cast()
    made = make_interaction(account=cast.account, logged_by=cast.owner)
    path, remove = reverse("service:interaction", args=[made.pk]), reverse("service:interaction_delete", args=[made.pk])
    seen = {}
    for role in ROLES:
        client.force_login(getattr(cast, role))
        seen[role] = (client.get(path).status_code, client.post(remove).status_code if role != "owner" else None)
    assert seen == {"owner": (200, None), "teammate": (403, 403), "stranger": (404, 404)}

    client.force_login(grant(cast.teammate, "change_interaction"))
    assert client.post(path, visit(summary="Other words", held_on="2024-01-10", seen=stamp_of(made))).status_code == 302
    made.refresh_from_db()
    assert (made.summary, made.logged_by) == ("Other words", cast.owner)
    client.force_login(cast.owner)
    client.post(remove)
    assert not Interaction.objects.exists()


def test_a_request_is_opened_answered_escalated_and_resolved_from_the_tab(client):
    cast = make_cast()
    client.force_login(cast.teammate)
    sent = {"kind": "complaint", "severity": "1", "subject": "Pump leaks", "opened_at": "2024-01-15T09:00"}
    client.post(reverse("accounts:open_request", args=[cast.account.pk]), sent)
    made = ServiceRequest.objects.get()
    here = reverse("accounts:service", args=[cast.account.pk])

    for step, words in (("respond", "On it"), ("escalate", "No parts"), ("resolve", "Sent by air")):
        answer = client.post(reverse(f"service:request_{step}", args=[made.pk]), {"text": words, "next": here})
        assert answer.headers["Location"] == here

    made.refresh_from_db()
    assert (made.state, made.resolution, made.opened_by) == (RequestState.RESOLVED, "Sent by air", cast.teammate)
    assert [step.text for step in RequestStep.objects.all()] == ["On it", "No parts", "Sent by air"]
    page = html(client.get(reverse("service:request", args=[made.pk])))
    assert all(words in page for words in ("Pump leaks", "On it", "No parts", "Sent by air", "Open again"))


def test_steps_are_refused_in_words_and_to_strangers_not_there(client):
    cast = make_cast()
    made = make_request(account=cast.account)
    client.force_login(cast.owner)

    answer = client.post(
        reverse("service:request_resolve", args=[made.pk]),
        {"text": "", "next": "https://elsewhere.example/"},
        follow=True,
    )

    assert answer.redirect_chain[0][0] == reverse("service:request", args=[made.pk])
    assert "Say what solved it" in answer.content.decode()
    client.force_login(cast.stranger)
    for step in ("respond", "escalate", "resolve", "reopen"):
        assert client.post(reverse(f"service:request_{step}", args=[made.pk]), {"text": "x"}).status_code == 404
    assert client.get(reverse("service:request", args=[made.pk])).status_code == 404
    assert not RequestStep.objects.exists()


def test_a_change_of_a_request_is_written_down(client):
    cast = make_cast()
    made = make_request(account=cast.account)
    client.force_login(cast.owner)
    path = reverse("service:request_change", args=[made.pk])
    fields = {"kind": "support", "severity": "2", "subject": made.subject, "assigned_to": cast.teammate.pk}
    fields["seen"] = stamp_of(made)

    client.post(path, fields)

    made.refresh_from_db()
    assert (made.severity, made.assigned_to) == (2, cast.teammate)
    assert "severity: 2" in RequestStep.objects.get().text
    assert "required" in html(client.post(path, fields | {"subject": ""}), 422)


def test_sponsors_and_discounts_need_their_right(client):
    cast, boss = make_cast(), make_user()
    sponsor = {"kind": "executive", "user": boss.pk, "valid_from": "2024-01-01"}
    discount = {"percent": "7.5", "granted_on": "2024-01-10", "reason": "Larger volume"}
    paths = {
        "name_sponsor": (reverse("accounts:name_sponsor", args=[cast.account.pk]), sponsor),
        "grant_discount": (reverse("accounts:grant_discount", args=[cast.account.pk]), discount),
    }
    client.force_login(cast.owner)
    for path, sent in paths.values():
        assert "Your administrator can give it" in html(client.post(path, sent), 403)
        assert client.get(path).status_code == 403

    client.force_login(grant(cast.owner, "add_sponsor", "add_discount"))
    for path, sent in paths.values():
        assert client.get(path).status_code == 200
        assert client.post(path, sent).status_code == 302

    assert Sponsor.objects.get().user == boss
    assert (Discount.objects.get().percent, Discount.objects.get().granted_by) == (Decimal("7.50"), cast.owner)
    assert "end that first" in html(client.post(*paths["name_sponsor"]), 422)


def test_a_discount_is_approved_by_another_and_a_sponsorship_ended_by_who_may(client):
    cast = make_cast()
    made, sponsor = make_discount(account=cast.account, granted_by=cast.owner), make_sponsor(account=cast.account)
    approve, end = (
        reverse("service:discount_approve", args=[made.pk]),
        reverse("service:sponsor_end", args=[sponsor.pk]),
    )
    client.force_login(cast.teammate)
    assert [client.post(path).status_code for path in (approve, end)] == [403, 403]
    client.force_login(grant(cast.owner, "approve_discount"))
    assert "somebody else has to approve" in html(client.post(approve, follow=True))

    client.force_login(grant(cast.teammate, "approve_discount", "change_sponsor"))
    page = tab(client, cast.account)
    assert approve in page
    assert end in page
    client.post(approve)
    client.post(end)

    made.refresh_from_db()
    sponsor.refresh_from_db()
    assert (made.approved_by, sponsor.valid_to) == (cast.teammate, timezone.localdate())
    client.force_login(grant(cast.stranger, "approve_discount", "change_sponsor"))
    assert [client.post(path).status_code for path in (approve, end)] == [404, 404]


def test_the_tab_shows_everything_and_pages_back(client):
    cast = make_cast()
    account = cast.account
    for day in range(1, 32):
        make_interaction(account=account, held_on=date(2024, 1, day), summary=f"Talk number {day}.")
    make_request(account=account, subject="A leak", severity=1, kind="dispute")
    make_sponsor(account=account, user=make_user(first_name="Director", last_name="Chen"), is_exclusive=True)
    client.force_login(cast.owner)

    first = tab(client, account)
    older = tab(client, account, "?" + first.split('rel="next"')[0].rsplit('href="?', 1)[1].split("#")[0])

    assert "Talk number 31." in first
    assert "Talk number 1." not in first
    assert all(
        words in first
        for words in ("A leak", "Director Chen", "exclusive", "1 – severe", "Open again")
        if words != "Open again"
    )
    assert "Talk number 1." in older
    assert "Newest" in older


def test_empty_states_say_what_to_do(client):
    cast = make_cast()
    client.force_login(cast.owner)

    assert "Nothing is logged yet" in tab(client, cast.account)
    index = html(client.get(reverse("service:index")))
    assert "Nobody waits for us" in index
    assert "Nothing matches" in html(client.get(reverse("service:index"), {"kind": "dispute"}))


def test_index_lists_what_one_may_see_severest_first(client):
    cast = make_cast()
    mild = make_request(account=cast.account, subject="Mild one")
    severe = make_request(account=cast.account, subject="Severe one", severity=1, kind="complaint")
    make_request(subject="Hidden one", severity=1)
    make_request(account=cast.account, subject="Solved one", resolved_at=timezone.now())
    make_interaction(account=cast.account, next_step="Call back", next_step_on=date(2024, 2, 1))
    make_interaction(next_step="Hidden step", next_step_on=date(2024, 2, 1))
    seen = {}
    for role in ROLES:
        client.force_login(getattr(cast, role))
        page = html(client.get(reverse("service:index")))
        seen[role] = [words in page for words in ("Mild one", "Severe one", "Solved one", "Hidden", "Call back")]

    assert seen == {
        "owner": [True, True, False, False, True],
        "teammate": [True, True, False, False, True],
        "stranger": [False] * 5,
    }
    client.force_login(cast.owner)
    page = html(client.get(reverse("service:index")))
    assert page.index("Severe one") < page.index("Mild one")
    for query, shown in (
        ({"severity": "1"}, [severe]),
        ({"kind": "support"}, [mild]),
        ({"state": "resolved"}, ["Solved one"]),
        ({"mine": "1"}, []),
        ({"severity": "9", "state": "x", "sort": "age", "after": "junk"}, [severe, mild]),
    ):
        page = html(client.get(reverse("service:index"), query))
        names = [one if isinstance(one, str) else one.subject for one in shown]
        assert [name for name in ("Severe one", "Mild one", "Solved one") if name in page] == names


@pytest.mark.parametrize("sort", ["severity", "age"])
def test_pages_of_the_index_are_the_whole_of_it(client, sort):
    account = make_account()
    opened = timezone.now() - 60 * HOUR
    for number in range(55):
        make_request(
            account=account, subject=f"Request {number:02}.", severity=1 + number % 4, opened_at=opened + number * HOUR
        )
    client.force_login(make_superuser())

    first = html(client.get(reverse("service:index"), {"sort": sort}))
    more = first.split('rel="next"')[0].rsplit('href="?', 1)[1].rstrip('" ').replace("&amp;", "&")
    second = html(client.get(f"{reverse('service:index')}?{more}"))

    shown = [sum(f"Request {number:02}." in page for number in range(55)) for page in (first, second)]
    assert shown == [50, 5]
    assert 'rel="prev"' in second


def test_pages_ask_as_often_for_many_as_for_one(client, django_assert_max_num_queries):
    cast = make_cast()
    client.force_login(cast.owner)

    def fill():
        contact = make_contact(account=cast.account)
        make_request(account=cast.account, contact=contact, assigned_to=make_user())
        make_interaction(
            account=cast.account, our_people=[make_user()], their_people=[contact], next_step="Call",
            next_step_on=date(2024, 2, 1),
        )  # fmt: skip
        make_discount(account=cast.account)

    fill()
    make_sponsor(account=cast.account)
    paths = (reverse("service:index"), reverse("accounts:service", args=[cast.account.pk]))
    for path in paths:
        client.get(path)
    counts = []
    for _ in range(2):
        for path in paths:
            with django_assert_max_num_queries(30) as asked:
                client.get(path)
            counts.append(len(asked))
        fill(), fill()

    assert counts[:2] == counts[2:]


def test_next_step_is_done_from_either_page(client):
    cast = make_cast()
    made = make_interaction(account=cast.account, next_step="Call", next_step_on=date(2024, 2, 1))
    client.force_login(cast.stranger)
    assert client.post(reverse("service:step_done", args=[made.pk])).status_code == 404
    client.force_login(cast.owner)

    client.post(reverse("service:step_done", args=[made.pk]), {"next": reverse("service:index")})

    made.refresh_from_db()
    assert made.next_step_done_on == timezone.localdate()
    assert "no next step left" in html(client.post(reverse("service:step_done", args=[made.pk]), follow=True))


def test_attitude_of_a_contact_is_noted_by_who_may_change_contacts(client):
    cast = make_cast()
    contact = make_contact(account=cast.account)
    path = reverse("accounts:attitude", args=[cast.account.pk, contact.pk])
    sent = {"attitude": "-1", "attitude_since": "2024-03-01", "is_decision_maker": "on"}
    client.force_login(make_user(role="analyst"))
    assert client.post(path, sent).status_code == 403

    client.force_login(cast.owner)
    assert path in html(client.get(reverse("accounts:people", args=[cast.account.pk])))
    assert "Sceptical" in html(client.post(path, sent, follow=True))
    contact.refresh_from_db()
    assert (contact.is_decision_maker, contact.attitude, contact.attitude_since) == (True, -1, date(2024, 3, 1))

    client.post(path, {"attitude": "", "attitude_since": "2024-04-01"})
    contact.refresh_from_db()
    assert (contact.is_decision_maker, contact.attitude, contact.attitude_since) == (False, None, None)
    assert "9" in html(client.post(path, {"attitude": "9"}, follow=True))
