"""Decisions on customers of low value over REST: the service's rules, the caller's accounts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/band-decisions/"


def test_it_is_written_once_and_read_by_those_who_see_the_account(rest, admin):
    cast = make_cast()
    review = str(timezone.localdate() + timedelta(days=60))
    asked = {"account": cast.account.pk, "verdict": "improve", "text": "Two visits", "review_on": review}
    decider = rest(grant(cast.owner, "add_banddecision"))

    key = {"Idempotency-Key": "one"}
    made = decider.post(ADDRESS, asked, format="json", headers=key)
    again = decider.post(ADDRESS, asked, format="json", headers=key)

    assert (made.status_code, again.json()) == (201, made.json())
    assert made.json() | {"decided_at": ""} == {
        "id": made.json()["id"], **asked, "decided_by": cast.owner.username, "decided_on": str(timezone.localdate()),
        "decided_at": "",
    }  # fmt: skip
    assert rest(cast.teammate).get(made.headers["Location"]).json() == made.json()
    assert rest(cast.stranger).get(made.headers["Location"]).status_code == 404
    assert admin.get(ADDRESS, {"review_on__lte": review, "verdict": "improve"}).json()["count"] == 1


def test_refusals(rest, admin):
    cast = make_cast()
    today = str(timezone.localdate())
    asked = {"account": cast.account.pk, "verdict": "end", "text": "x", "review_on": today}

    refused = admin.post(ADDRESS, asked, format="json")

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:facet:problem:band-decision-refused")
    assert rest(cast.owner).post(ADDRESS, asked, format="json").status_code == 403
    hidden = rest(grant(cast.stranger, "add_banddecision")).post(ADDRESS, asked, format="json")
    assert hidden.status_code == 400
