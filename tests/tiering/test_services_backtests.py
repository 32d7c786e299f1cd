"""A backtest as work: asked once, done under a lease, found again where it broke off, ended after three attempts."""

from datetime import date

import pytest

from accounts.locks import LEASE_BACKTEST
from crm import tasks
from tests.tiering.company import AS_OF, random_ledger
from tiering import services_backtests as service
from tiering.enums import BacktestState, ModelState, Preset
from tiering.models import BacktestRun, GradePeriod, TierRun
from tiering.services import activate_model, create_model
from tiering.services_backtests import BacktestRefused, request_backtest, run_backtest, waiting_backtests

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2023, 11, 1), AS_OF


@pytest.fixture
def model():
    random_ledger(accounts=30, rows=900, seed=21, with_cost=True)
    return activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))


def ask(model, **days):
    return request_backtest(model=model, requested_by=None, **{"first": FIRST, "last": LAST, **days})


def test_the_same_request_joins_the_first_and_its_result_is_kept(model):
    run = ask(model)
    assert ask(model) == run

    done = tasks.backtest_task(backtest_id=run.pk)

    run.refresh_from_db()
    assert (done, run.state, run.done_days, run.days, run.attempts) == ("done", "done", 14, 14, 1)
    assert run.result["evaluations"] == 14
    assert [row["as_of"] for row in run.result["validity"]] == ["2023-11-30", "2023-12-31"]
    everyone = run.result["everyone"]
    assert everyone["accounts"] == sum(one["accounts"] for one in run.result["by_grade"].values())
    assert 0 <= everyone["kept"] <= everyone["customers"]
    assert not TierRun.objects.exists()
    assert not GradePeriod.objects.exists()
    assert tasks.backtest_task(backtest_id=run.pk) is None
    assert ask(model) != run


def test_one_that_broke_off_is_found_and_given_up_after_three_attempts(model, monkeypatch):
    def broken(**_kwargs):
        raise RuntimeError("disk full")

    run = ask(model)
    monkeypatch.setattr(service, "backtest", broken)
    for _attempt in range(3):
        assert waiting_backtests() == [run.pk]
        with pytest.raises(RuntimeError):
            run_backtest(run.pk)

    run.refresh_from_db()
    assert (run.state, run.error, waiting_backtests()) == (BacktestState.FAILED, "RuntimeError: disk full", [])


def test_a_worker_that_died_at_its_third_attempt_leaves_a_failed_one(model):
    run = ask(model)
    BacktestRun.objects.update(state=BacktestState.RUNNING, attempts=3)

    assert waiting_backtests() == []

    run.refresh_from_db()
    assert (run.state, run.error) == (BacktestState.FAILED, "The backtest broke off several times.")


def test_what_somebody_works_on_is_not_sent_again(model, monkeypatch):
    run = ask(model)
    monkeypatch.setattr(service, "is_leased", lambda kind, key: (kind, key) == (LEASE_BACKTEST, run.pk))

    assert waiting_backtests() == []


def test_the_tick_sends_what_waits(model, monkeypatch):
    run, sent = ask(model), []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: sent.append((task.name, kwargs)))

    tasks.tick_task()

    assert (tasks.backtest_task.name, {"backtest_id": run.pk}) in sent


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({"first": LAST}, "two month-ends or more"),
        ({"first": date(2030, 1, 1), "last": date(2031, 1, 1)}, "two month-ends or more"),
        ({"first": LAST, "last": FIRST}, "two month-ends or more"),
    ],
)
def test_months_that_cannot_be_replayed_are_refused(model, days, words):
    with pytest.raises(BacktestRefused, match=words):
        ask(model, **days)


def test_a_retired_or_unfinished_version_is_refused(model):
    draft = create_model(preset=Preset.CONTRIBUTION, as_of=AS_OF)
    with pytest.raises(BacktestRefused, match="Fill in these thresholds"):
        ask(draft)
    model.state = ModelState.RETIRED
    with pytest.raises(BacktestRefused, match="retired"):
        ask(model)


def test_a_draft_can_be_tried(model):
    draft = create_model(preset=Preset.FULL, as_of=AS_OF)

    assert run_backtest(ask(draft, first=date(2024, 10, 1)).pk).state == BacktestState.DONE
