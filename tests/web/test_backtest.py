"""Backtests on the page: who may, what is asked, how far it is, and a verdict that says it as it is."""

from datetime import date

import pytest

from crm import tasks
from crm.web.backtest import verdict
from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.web.people import grant
from tiering.enums import BacktestState, Preset
from tiering.models import BacktestRun
from tiering.services import activate_model, create_model
from tiering.services_backtests import request_backtest, run_backtest

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/backtest/"
FIRST, LAST = date(2023, 9, 30), AS_OF


@pytest.fixture
def model():
    random_ledger(accounts=30, rows=900, seed=21, with_cost=True)
    return activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))


@pytest.fixture
def sent(monkeypatch) -> list[dict]:
    messages: list[dict] = []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: messages.append({"task": task.name, **kwargs}))
    return messages


def test_who_may_not_look_or_start_is_told_who_can_give_the_right(client, model, sent):
    asked = {"model": model.pk, "first": FIRST, "last": LAST}
    found = {}
    for name, rights in (
        ("stranger", ()),
        ("reader", ("view_backtestrun",)),
        ("starter", ("add_backtestrun", "view_backtestrun")),
    ):
        client.force_login(grant(make_user(), *rights))
        found[name] = (client.get(ADDRESS).status_code, client.post(ADDRESS, asked).status_code)

    assert found == {"stranger": (403, 403), "reader": (200, 403), "starter": (200, 302)}
    run = BacktestRun.objects.get()
    assert (run.state, run.days, run.requested_by.pk) == (BacktestState.QUEUED, 16, run.requested_by_id)
    assert sent == [{"task": tasks.backtest_task.name, "backtest_id": run.pk}]


def test_it_is_watched_until_it_is_done_and_then_read(client, model):
    client.force_login(make_superuser())
    run = request_backtest(model=model, first=FIRST, last=LAST, requested_by=None)
    waiting = client.get(f"{ADDRESS}{run.pk}/").content.decode()
    polled = client.get(f"{ADDRESS}{run.pk}/progress/", headers={"HX-Request": "true"})
    run_backtest(run.pk)
    after = client.get(f"{ADDRESS}{run.pk}/progress/", headers={"HX-Request": "true"})

    html = client.get(f"{ADDRESS}{run.pk}/").content.decode()

    assert "Waiting for the worker" in waiting
    assert f'hx-get="{ADDRESS}{run.pk}/progress/"' in polled.content.decode()
    assert (after.status_code, after.headers["HX-Redirect"]) == (204, f"{ADDRESS}{run.pk}/")
    for words in ("Does it say more than last year", "With the stability rules a grade moves", "Still customers"):
        assert words in html
    assert "Done" in client.get(ADDRESS).content.decode()


def test_a_failed_one_shows_its_error_and_starts_again(client, model, sent):
    client.force_login(make_superuser())
    run = request_backtest(model=model, first=FIRST, last=LAST, requested_by=None)
    BacktestRun.objects.update(state=BacktestState.FAILED, error="RateMissing: no USD")

    html = client.get(f"{ADDRESS}{run.pk}/").content.decode()
    response = client.post(f"{ADDRESS}{run.pk}/again/")

    assert "RateMissing: no USD" in html
    again = BacktestRun.objects.get(state=BacktestState.QUEUED)
    assert (again.first_on, again.last_on, response.url) == (FIRST, LAST, f"{ADDRESS}{again.pk}/")


def test_a_form_that_cannot_be_done_says_why(client, model, sent):
    client.force_login(make_superuser())

    short = client.post(ADDRESS, {"model": model.pk, "first": LAST, "last": LAST})
    wrong = client.post(ADDRESS, {"model": model.pk, "first": "soon", "last": LAST})

    assert (short.status_code, wrong.status_code, sent) == (422, 422, [])
    assert "Choose two month-ends or more" in short.content.decode()


def test_an_empty_ledger_says_what_to_do(client):
    client.force_login(make_superuser())

    assert "Too little past" in client.get(ADDRESS).content.decode()


@pytest.mark.parametrize(
    ("composite", "words"),
    [
        (0.9, "better than last year's revenue alone: 0.90 against 0.70, ahead on 2 of 2"),
        (0.702, "as well as last year's revenue alone does"),
        (0.5, "does not beat last year's revenue alone"),
    ],
)
def test_the_verdict_says_whether_the_score_beats_the_baseline(composite, words):
    known = [{"composite": composite, "last_year": 0.7}] * 2

    assert words in verdict({"composite": composite, "last_year": 0.7}, known, "revenue")


def test_without_a_year_after_it_nothing_is_claimed():
    assert "Nothing to hold the score against" in verdict(None, [], "revenue")
