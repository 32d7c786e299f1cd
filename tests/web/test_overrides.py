"""Asking for a grade, approving, ending; deciding on a proposed problem: as those who may, and as those who may not."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from tests.factories import make_override, make_superuser, make_user
from tests.web.people import AS_OF, grant, make_cast, reach_end_of_2024
from tiering.enums import OverrideState
from tiering.models import Override

pytestmark = pytest.mark.django_db
RIGHTS = ("add_override", "approve_override", "decide_problem")


@pytest.fixture
def cast():
    found = make_cast()
    reach_end_of_2024(found.account)
    return found


def request_of(**fields):
    defaults = {"grade": "gold", "reason": "project", "text": "Tender", "valid_from": "2024-12-31"}
    return defaults | {"last_day": "2025-06-30"} | fields


def test_whoever_has_the_right_asks_and_somebody_else_approves(client, cast):
    owner, teammate = grant(cast.owner, "add_override"), grant(cast.teammate, "approve_override")
    client.force_login(owner)
    assert (
        "Ask for another grade" in client.get(reverse("tiering:override_new", args=[cast.account.pk])).content.decode()
    )

    response = client.post(reverse("tiering:override_new", args=[cast.account.pk]), request_of())

    override = Override.objects.get()
    assert response.status_code == 302
    assert (override.grade, override.valid_to, override.state) == ("gold", date(2025, 7, 1), OverrideState.REQUESTED)
    client.force_login(teammate)
    page = client.get(reverse("tiering:overrides")).content.decode()
    assert cast.account.name in page
    assert "Tender" in page
    client.post(reverse("tiering:override_approve", args=[override.pk]))
    override.refresh_from_db()
    assert (override.state, override.approved_by) == (OverrideState.APPROVED, teammate)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"last_day": "2024-12-30"}, "ends before it begins"),
        ({"last_day": "2025-12-31"}, "12 months at most"),
        ({"grade": "platinum"}, "platinum"),
        ({"text": ""}, "required"),
    ],
)
def test_a_request_outside_the_rules_says_how_to_mend_it(client, cast, fields, words):
    client.force_login(grant(cast.owner, "add_override"))

    response = client.post(reverse("tiering:override_new", args=[cast.account.pk]), request_of(**fields))

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Override.objects.exists()


def test_own_approval_is_refused_in_words(client, cast):
    owner = grant(cast.owner, *RIGHTS)
    override = make_override(account=cast.account, requested_by=owner, approved_by=None)
    client.force_login(owner)

    response = client.post(reverse("tiering:override_approve", args=[override.pk]), follow=True)

    assert "somebody else has to approve" in response.content.decode()
    override.refresh_from_db()
    assert override.state == OverrideState.REQUESTED


def test_a_request_is_taken_back_and_an_override_in_force_ended_with_a_reason(client, cast):
    owner = grant(cast.owner, "add_override")
    mine = make_override(account=cast.account, requested_by=owner, approved_by=None)
    held = make_override(account=cast.account, valid_from=AS_OF, valid_to=AS_OF + timedelta(days=20))
    client.force_login(owner)

    client.post(reverse("tiering:override_refuse", args=[mine.pk]), {"text": "Settled"})
    assert client.post(reverse("tiering:override_end", args=[held.pk]), {"text": "Lost"}).status_code == 403
    client.force_login(make_superuser())
    page = client.get(reverse("tiering:overrides")).content.decode()
    client.post(reverse("tiering:override_end", args=[held.pk]), {"text": "Lost"})

    mine.refresh_from_db()
    held.refresh_from_db()
    assert "1 expires within 30 days" in page
    assert (mine.state, held.state, held.closing_text) == (OverrideState.WITHDRAWN, OverrideState.ENDED, "Lost")


def test_a_stranger_sees_and_changes_nothing_whatever_rights_he_holds(client, cast):
    override = make_override(account=cast.account, approved_by=None)
    client.force_login(grant(cast.stranger, *RIGHTS))

    assert cast.account.name not in client.get(reverse("tiering:overrides")).content.decode()
    for name in ("override_approve", "override_refuse", "override_end"):
        assert client.post(reverse(f"tiering:{name}", args=[override.pk]), {"text": "x"}).status_code == 404
    for name in ("override_new", "problem_decide"):
        assert client.post(reverse(f"tiering:{name}", args=[cast.account.pk]), request_of()).status_code == 404
    override.refresh_from_db()
    assert override.state == OverrideState.REQUESTED


def test_without_the_right_nobody_asks_approves_or_decides(client, cast):
    override = make_override(account=cast.account, approved_by=None)
    client.force_login(make_user(role="analyst"))
    assert client.get(reverse("tiering:override_new", args=[cast.account.pk])).status_code == 403

    client.force_login(cast.owner)
    assert client.post(reverse("tiering:override_approve", args=[override.pk])).status_code == 403
    assert client.post(reverse("tiering:override_refuse", args=[override.pk]), {"text": "x"}).status_code == 403
    assert client.post(reverse("tiering:problem_decide", args=[cast.account.pk]), {"text": "x"}).status_code == 403
    assert "Approve" not in client.get(reverse("tiering:overrides")).content.decode().replace("Approved", "")


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(client, cast, count, django_assert_num_queries):
    for _ in range(count):
        make_override(approved_by=None)
        make_override(valid_to=AS_OF + timedelta(days=20), valid_from=AS_OF)
        make_override(valid_from=date(2023, 1, 1), valid_to=date(2023, 6, 1), approved_by=make_user())
    client.force_login(make_superuser())
    client.get(reverse("tiering:overrides"))

    with django_assert_num_queries(11):
        client.get(reverse("tiering:overrides"))
