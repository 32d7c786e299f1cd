"""Hand-overs and departures over REST: who may, and what nobody else learns."""

import pytest
from django.utils import timezone

from accounts.enums import TeamRole
from tests.factories import make_user
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
AR = TeamRole.ACCOUNT_MANAGER


def test_hand_overs_over_rest(rest):
    cast, taker, today = make_cast(), make_user(), timezone.localdate()
    body = {"account": cast.account.pk, "role": AR, "taker": taker.pk, "on": str(today)}
    url = "/api/v1/hand-overs/"

    assert rest(cast.stranger).post(url, body, format="json").status_code == 400
    assert rest(cast.owner).post(url, body, format="json").status_code == 403
    made = rest(cast.teammate).post(url, body, format="json")
    assert (made.status_code, made.json()["state"]) == (201, "open")
    one = f"{url}{made.json()['id']}/"
    assert rest(cast.stranger).get(one).status_code == 404
    assert rest(taker).get(f"{one}open-items/").json() == {"items": []}
    assert rest(cast.owner).post(f"{one}sign/").status_code == 409
    assert rest(cast.teammate).post(f"{one}sign/").json()["state"] == "open"
    assert rest(taker).post(f"{one}sign/").json()["state"] == "done"
    assert rest(taker).post(f"{one}cancel/").status_code == 409


def test_departures_over_rest(admin, rest):
    cast, heir = make_cast(), make_user()
    url, body = "/api/v1/reassignments/", {"leaver": cast.owner.pk, "successor": heir.pk, "rule": "person"}

    assert rest(cast.teammate).post(url, body, format="json").status_code == 403
    assert admin.post(url, body | {"dry_run": True}, format="json").json() == {"counts": {"owner": 1}}
    assert admin.post(url, body | {"successor": cast.owner.pk}, format="json").status_code == 409
    made = admin.post(url, body, format="json")
    assert (made.status_code, made.json()["counts"]) == (201, {"owner": 1})
    lead = grant(make_user(), "add_reassignment")
    assert rest(lead).get(url).json()["count"] == 0
    undone = admin.post(f"{url}{made.json()['id']}/undo/")
    assert undone.json()["restored"] == {"owner": 1}
    assert admin.post(f"{url}{made.json()['id']}/undo/").status_code == 409
