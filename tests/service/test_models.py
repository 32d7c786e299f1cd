from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from service.enums import RequestState
from service.models import Interaction, ServiceRequest
from tests.factories import (
    JANUARY_2024,
    make_account,
    make_discount,
    make_interaction,
    make_request,
    make_sponsor,
    make_user,
)

HOUR = timedelta(hours=1)


def refused(name, make):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make()


def test_database_refuses_what_must_never_be(db):
    account, user = make_account(), make_user()
    make_sponsor(account=account, valid_to=date(2024, 1, 1))
    make_sponsor(account=account, valid_from=date(2024, 1, 1))
    make_sponsor(account=account, kind="senior_partner")

    refused("interaction_visit_in_person", lambda: make_interaction(is_remote=True))
    refused("interaction_summary_given", lambda: make_interaction(summary=""))
    refused("interaction_step_has_words", lambda: make_interaction(next_step_on=date(2024, 2, 1)))
    refused("request_answered_after", lambda: make_request(first_response_at=JANUARY_2024 - HOUR))
    refused("request_escalated_after", lambda: make_request(escalated_at=JANUARY_2024 - HOUR))
    refused("request_resolved_after", lambda: make_request(resolved_at=JANUARY_2024 - HOUR))
    refused("sponsor_one_of_a_kind", lambda: make_sponsor(account=account, valid_from=date(2023, 12, 31)))
    refused("discount_percent_in_range", lambda: make_discount(percent=Decimal("100.01")))
    refused("discount_approved_by_others", lambda: make_discount(granted_by=user, approved_by=user))


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ({}, RequestState.NEW),
        ({"first_response_at": JANUARY_2024}, RequestState.ANSWERED),
        ({"escalated_at": JANUARY_2024}, RequestState.ESCALATED),
        ({"escalated_at": JANUARY_2024, "resolved_at": JANUARY_2024}, RequestState.RESOLVED),
    ],
)
def test_state_of_a_request_follows_from_its_times(db, times, state):
    request = make_request(**times)

    assert request.state == state
    assert [one for one in RequestState if ServiceRequest.objects.in_state(one).exists()] == [state]


def test_severe_is_a_complaint_or_dispute_of_the_worst_kind(db):
    kinds = [("complaint", 1), ("dispute", 1), ("complaint", 2), ("support", 1)]
    requests = [make_request(kind=kind, severity=severity) for kind, severity in kinds]

    assert [one.is_severe for one in requests] == [True, True, False, False]
    assert set(ServiceRequest.objects.severe()) == set(requests[:2])
    assert requests[0].number == f"SR-{requests[0].pk}"


def test_words_over_interactions(db):
    due = make_interaction(next_step="Send the offer", next_step_on=date(2024, 2, 1))
    make_interaction(next_step="Call", next_step_on=date(2024, 2, 1), next_step_done_on=date(2024, 1, 30))
    note = make_interaction(kind="note")

    assert list(Interaction.objects.with_step_due(date(2024, 2, 1))) == [due]
    assert list(Interaction.objects.with_step_due(date(2024, 1, 31))) == []
    assert note not in Interaction.objects.touches()
