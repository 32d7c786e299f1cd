from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from service import services
from service.enums import RequestState, RequestStepKind
from service.models import Interaction, RequestStep, Sponsor
from service.services import (
    DiscountRefused,
    InteractionRefused,
    RequestRefused,
    SponsorRefused,
    end_sponsor,
    name_sponsor,
)
from tests.factories import (
    JANUARY_2024,
    make_account,
    make_contact,
    make_discount,
    make_interaction,
    make_request,
    make_sponsor,
    make_team_member,
    make_user,
)

TODAY = date(2024, 1, 20)
HOUR = timedelta(hours=1)


def log(account, **fields):
    defaults = {"kind": "visit", "held_on": TODAY, "summary": " Went well ", "logged_by": make_user(), "today": TODAY}
    return services.log_interaction(account=account, **(defaults | fields))


def test_an_interaction_keeps_what_was_said_and_who_was_there(db):
    account, us = make_account(), make_user()
    them = make_contact(account=account)

    made = log(account, our_people=[us], their_people=[them], next_step="Send the offer", next_step_on=date(2024, 2, 1))

    assert (made.summary, made.purpose, made.next_step) == ("Went well", "routine", "Send the offer")
    assert (list(made.our_people.all()), list(made.their_people.all())) == ([us], [them])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"held_on": TODAY + timedelta(days=1)}, "in the future"),
        ({"is_remote": True}, "never remote"),
        ({"summary": "  "}, "blank"),
        ({"next_step_on": TODAY}, "Say what the next step is"),
        ({"kind": "letter"}, "letter"),
        ({"minutes": 0}, "1"),
    ],
)
def test_an_interaction_outside_the_rules_is_refused_and_not_kept(db, fields, words):
    with pytest.raises(InteractionRefused, match=words):
        log(make_account(), **fields)

    assert not Interaction.objects.exists()


def test_people_of_another_customer_are_refused_also_in_a_correction(db):
    stranger, made = make_contact(), make_interaction()

    with pytest.raises(InteractionRefused, match="another customer"):
        log(make_account(), their_people=[stranger])
    with pytest.raises(InteractionRefused, match="another customer"):
        services.correct_interaction(interaction=made, today=TODAY, their_people=[stranger])


def test_a_correction_keeps_the_people_that_are_not_given(db):
    us = make_user()
    made = make_interaction(our_people=[us])

    services.correct_interaction(interaction=made, today=TODAY, summary="Other words")

    made.refresh_from_db()
    assert (made.summary, list(made.our_people.all())) == ("Other words", [us])


def test_a_next_step_is_done_once(db):
    made = make_interaction(next_step="Call", next_step_on=TODAY)

    assert services.finish_next_step(interaction=made, on=TODAY).next_step_done_on == TODAY
    with pytest.raises(InteractionRefused):
        services.finish_next_step(interaction=made, on=TODAY)


def test_a_request_is_answered_escalated_resolved_and_opened_again(db):
    director, me = make_user(), make_user()
    made = services.open_request(
        account=make_account(), kind="complaint", subject="Late", severity=1, opened_by=me, now=JANUARY_2024
    )

    services.respond(request=made, by=me, at=JANUARY_2024 + HOUR, text="On it")
    services.escalate(request=made, by=me, at=JANUARY_2024 + 2 * HOUR, text="No parts", assigned_to=director)
    done = services.resolve(request=made, by=director, at=JANUARY_2024 + 3 * HOUR, resolution="Sent by air")

    assert (done.state, done.resolution, done.assigned_to) == (RequestState.RESOLVED, "Sent by air", director)
    again = services.reopen(request=made, by=me, at=JANUARY_2024 + 4 * HOUR, text="Wrong parts")
    assert (again.state, again.resolution) == (RequestState.ESCALATED, "")
    assert [(step.kind, step.by, step.text) for step in RequestStep.objects.all()] == [
        (RequestStepKind.RESPONSE, me, "On it"),
        (RequestStepKind.ESCALATION, me, "No parts"),
        (RequestStepKind.RESOLUTION, director, "Sent by air"),
        (RequestStepKind.REOPENING, me, "Wrong parts"),
    ]


def test_a_resolution_without_an_answer_before_is_the_first_response(db):
    at = JANUARY_2024 + HOUR

    done = services.resolve(request=make_request(), by=make_user(), at=at, resolution="Done at once")

    assert done.first_response_at == done.resolved_at == at


@pytest.mark.parametrize(
    ("times", "step", "words"),
    [
        ({"first_response_at": JANUARY_2024}, ("respond", {}), "first response already"),
        ({"escalated_at": JANUARY_2024}, ("escalate", {"text": "why"}), "escalated already"),
        ({}, ("escalate", {"text": " "}), "Say why"),
        ({}, ("resolve", {"resolution": ""}), "what solved it"),
        ({"resolved_at": JANUARY_2024}, ("respond", {}), "Open it again"),
        ({}, ("reopen", {"text": "why"}), "is open"),
        ({}, ("respond", {"at": JANUARY_2024 - HOUR}), "lies before the request"),
    ],
)
def test_a_step_out_of_turn_is_refused_and_leaves_no_trace(db, times, step, words):
    made, (name, fields) = make_request(**times), step

    with pytest.raises(RequestRefused, match=words):
        getattr(services, name)(request=made, by=make_user(), **({"at": JANUARY_2024 + HOUR} | fields))

    assert not RequestStep.objects.exists()


def test_a_request_cannot_come_from_the_future_or_from_somebody_else(db):
    account = make_account()
    fields = {"kind": "question", "subject": "When?", "opened_by": make_user(), "now": JANUARY_2024}

    with pytest.raises(RequestRefused, match="later than now"):
        services.open_request(account=account, opened_at=JANUARY_2024 + HOUR, **fields)
    with pytest.raises(RequestRefused, match="another customer"):
        services.open_request(account=account, contact=make_contact(), **fields)


def test_a_change_of_a_request_is_written_down_in_words(db):
    made, me = make_request(), make_user(first_name="Mei", last_name="Lin")

    services.change_request(request=made, by=me, at=JANUARY_2024, severity=1, assigned_to=me, kind="support")

    step = RequestStep.objects.get()
    assert (step.kind, step.text) == (RequestStepKind.CHANGE, "severity: 1 – severe\nresponsible: Mei Lin")


def test_a_sponsor_has_ten_accounts_at_most_at_a_time(db):
    user = make_user()
    for _ in range(10):
        make_sponsor(user=user, valid_from=TODAY)
    account = make_account()

    with pytest.raises(SponsorRefused, match="sponsors 10 accounts"):
        name_sponsor(account=account, user=user, kind="executive", valid_from=TODAY)
    earlier = name_sponsor(account=account, user=user, kind="executive", valid_from=date(2023, 1, 1), valid_to=TODAY)
    end_sponsor(sponsor=Sponsor.objects.exclude(pk=earlier.pk).first(), on=date(2024, 2, 1))

    assert name_sponsor(account=account, user=user, kind="executive", valid_from=date(2024, 2, 1)).pk


def test_an_exclusive_sponsor_has_no_other_account(db):
    exclusive, shared = make_sponsor(is_exclusive=True).user, make_sponsor().user
    fields = {"account": make_account(), "kind": "senior_partner", "valid_from": TODAY}

    with pytest.raises(SponsorRefused, match="exclusively by another"):
        name_sponsor(user=exclusive, **fields)
    with pytest.raises(SponsorRefused, match="not this one exclusively"):
        name_sponsor(user=shared, is_exclusive=True, **fields)
    assert name_sponsor(user=shared, **fields).pk


def test_a_sponsor_is_not_the_account_manager_and_the_only_one_of_its_kind(db):
    member = make_team_member()
    held = make_sponsor(account=member.account)
    fields = {"account": member.account, "valid_from": TODAY}

    with pytest.raises(SponsorRefused, match="manages this account"):
        name_sponsor(user=member.user, kind="senior_partner", **fields)
    with pytest.raises(SponsorRefused, match="end that first"):
        name_sponsor(user=make_user(), kind="executive", **fields)
    end_sponsor(sponsor=held, on=TODAY)

    assert name_sponsor(user=make_user(), kind="executive", **fields).pk
    with pytest.raises(SponsorRefused, match="already"):
        end_sponsor(sponsor=held, on=TODAY)


def test_a_sponsorship_lasts_a_day_at_least(db):
    assert end_sponsor(sponsor=make_sponsor(valid_from=TODAY), on=TODAY).valid_to == TODAY + timedelta(days=1)


def test_a_discount_is_approved_by_somebody_else_and_once(db):
    account, seller, boss = make_account(), make_user(), make_user()
    fields = {"account": account, "granted_by": seller, "reason": "Volume", "today": TODAY}
    made = services.grant_discount(percent=Decimal("12.50"), granted_on=TODAY, **fields)

    with pytest.raises(DiscountRefused, match="somebody else"):
        services.approve_discount(discount=made, by=seller)
    assert services.approve_discount(discount=made, by=boss).approved_by == boss
    with pytest.raises(DiscountRefused, match="already"):
        services.approve_discount(discount=make_discount(approved_by=boss), by=make_user())
    with pytest.raises(DiscountRefused, match="future"):
        services.grant_discount(percent=Decimal(5), granted_on=TODAY + timedelta(days=1), **fields)
    with pytest.raises(DiscountRefused, match="100"):
        services.grant_discount(percent=Decimal(101), granted_on=TODAY, **fields)


def test_times_are_aware(db):
    at = datetime(2024, 1, 15, 9, tzinfo=UTC)

    assert services.respond(request=make_request(), by=make_user(), at=at).first_response_at == at
