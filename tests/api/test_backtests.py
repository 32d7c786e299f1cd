"""Backtests over REST: asked for with the right, joined, read once a worker is done."""

from datetime import date

import pytest

from crm import tasks
from tests.factories import make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.web.people import grant
from tiering.enums import Preset
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/tiering/backtests/"


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(tasks, "send", lambda *_args, **_kwargs: True)
    random_ledger(accounts=30, rows=900, seed=21, with_cost=True)
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    return {"model": model.pk, "first": "2023-11-01", "last": str(AS_OF)}


def test_it_is_asked_for_and_read_once_it_is_done(rest, admin, asked):
    first = admin.post(ADDRESS, asked, format="json")
    joined = admin.post(ADDRESS, asked, format="json")
    waiting = admin.get(first.headers["Location"]).json()

    tasks.backtest_task(backtest_id=first.json()["id"])
    done = admin.get(first.headers["Location"]).json()

    assert (first.status_code, joined.json()["id"]) == (202, first.json()["id"])
    assert (waiting["state"], waiting["result"], waiting["days"]) == ("queued", None, 14)
    assert (done["state"], done["done_days"], done["first_on"]) == ("done", 14, str(date(2023, 11, 30)))
    assert set(done["result"]["by_grade"]["general"]) == {
        "accounts", "median", "customers", "kept", "retention", "declined", "declined_share",
    }  # fmt: skip
    assert admin.get(ADDRESS, {"state": "done"}).json()["count"] == 1


def test_rights_and_refusals(rest, admin, asked):
    assert rest(make_user()).get(ADDRESS).status_code == 403
    assert rest(grant(make_user(), "view_backtestrun")).post(ADDRESS, asked, format="json").status_code == 403
    refused = admin.post(ADDRESS, {**asked, "first": str(AS_OF)}, format="json")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:facet:problem:backtest-refused")
    assert admin.post(ADDRESS, {**asked, "months": 3}, format="json").status_code == 400
