"""The nightly chain: its order, its lease, what is due, and what a failure leaves behind."""

import json
import time
from datetime import date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.enums import BatchState
from accounts.locks import LEASE_PAGES, LEASE_RUN, is_leased
from accounts.models import Account
from crm import nights, pipeline, tasks
from crm.pipeline import NightUnderWay, NoActiveModel, run_night
from metrics import rollup
from metrics.models import AccountFigures, AccountMonth
from metrics.services import summary
from tests.factories import make_account, make_batch, make_superuser, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering import publishing
from tiering.enums import ModelState, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun
from tiering.presets import NothingToGrade

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def ledger(db):
    return random_ledger(accounts=12, rows=200, seed=4)


@pytest.fixture
def sent(monkeypatch):
    """Messages that would have gone to a worker; the pages are ready."""
    found = []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: found.append((task.name, kwargs)) or True)
    monkeypatch.setattr(pipeline, "are_pages_ready", lambda: True)
    return found


def test_a_night_runs_its_stages_in_order_and_keeps_their_times(ledger):
    run = night(AS_OF)

    names = [phase["name"] for phase in run.phases]
    assert names == ["roll_up", "figures", "products", "indicators", "scores", "grades", "publish", "promises"]
    assert all(phase["seconds"] >= 0 for phase in run.phases)
    assert run.phases[0]["rebuilt_rows"] == 0
    assert (run.state, run.attempts, run.error) == (RunState.PUBLISHED, 1, "")
    assert run.started_at <= run.published_at <= run.finished_at
    assert run.last_record_id is not None
    assert AccountFigures.objects.filter(as_of=AS_OF).exists()


def test_a_roll_up_that_went_wrong_is_rebuilt_first(ledger):
    AccountMonth.objects.order_by("pk").first().delete()

    run = night(AS_OF)

    assert run.phases[0]["rebuilt_rows"] == 1
    assert rollup.difference() == 0


def test_a_night_without_a_model_makes_ledger_only_or_refuses(ledger):
    with pytest.raises(NoActiveModel):
        night(AS_OF, make_model=False)
    assert not TierRun.objects.exists()

    night(AS_OF)

    assert ScoringModel.objects.get(state=ModelState.ACTIVE).preset == "ledger-only"


def test_a_ledger_that_cannot_be_graded_is_listed_as_failed(db):
    make_account()

    with pytest.raises(NothingToGrade):
        night(AS_OF)

    run = TierRun.objects.get()
    assert (run.state, run.model) == (RunState.FAILED, None)
    assert "Nothing to grade" in run.error


def test_a_second_night_at_the_same_time_is_refused(ledger, other_session):
    other_session.execute("SELECT pg_try_advisory_lock(%s, %s)", [LEASE_RUN, pipeline.ANY_NIGHT])
    assert other_session.fetchone() == (True,)

    with pytest.raises(NightUnderWay):
        night(AS_OF)

    assert not TierRun.objects.exists()
    other_session.connection.close()
    wait_until(lambda: not is_leased(LEASE_RUN, pipeline.ANY_NIGHT))
    assert night(AS_OF).state == RunState.PUBLISHED


def wait_until(holds, *, seconds=10):
    """The server notices a closed connection a moment later."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def other_session(db):
    """A database session of somebody else."""
    parameters = connection.get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    opened = psycopg2.connect(**{key: parameters[key] for key in wanted if parameters.get(key)})
    opened.autocommit = True
    yield opened.cursor()
    opened.close()


@pytest.mark.parametrize("stage", ["stage", "publish", "run_before"])
def test_a_stage_that_fails_leaves_the_night_before_and_the_next_try_completes(ledger, monkeypatch, stage):
    night(date(2024, 11, 30))
    before = (score_rows(), periods(), account_columns())
    original = getattr(publishing, stage)

    def fails(*args, **kwargs):
        original(*args, **kwargs)
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(
            publishing, stage, fails if stage != "publish" else lambda *a, **k: (_ for _ in ()).throw(OSError("x"))
        )
        with pytest.raises(OSError, match=r"disk full|x"):
            night(AS_OF)

    assert (score_rows(), periods(), account_columns()) == before
    broken_off = TierRun.objects.get(as_of=AS_OF)
    assert (broken_off.state, broken_off.attempts) == (RunState.DUE, 1)
    assert "OSError" in broken_off.error
    done = night(AS_OF)
    assert (done.pk, done.state, done.attempts, done.error) == (broken_off.pk, RunState.PUBLISHED, 2, "")


def test_a_run_is_tried_three_times_and_then_listed_as_failed(ledger, monkeypatch, sent):
    monkeypatch.setattr(publishing, "stage", lambda *_a, **_k: 1 / 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            night(AS_OF)

    run = TierRun.objects.get()
    assert (run.state, run.attempts) == (RunState.FAILED, 3)
    tasks.tick_task()
    assert sent == []


def test_the_tick_sends_what_was_broken_off_and_gives_up_after_three(ledger, sent):
    run = TierRun.objects.create(
        as_of=AS_OF, state=RunState.COMPUTING, trigger=RunTrigger.NIGHT, attempts=2, started_at=timezone.now()
    )

    tasks.tick_task()
    TierRun.objects.filter(pk=run.pk).update(attempts=3)
    tasks.tick_task()

    assert sent == [("crm.tasks.nightly_task", {"as_of": "2024-12-31", "trigger": "night"})]
    run.refresh_from_db()
    assert (run.state, run.error != "") == (RunState.FAILED, True)


def test_the_tick_leaves_work_in_other_hands_alone(ledger, sent, other_session):
    TierRun.objects.create(as_of=AS_OF, state=RunState.COMPUTING, trigger=RunTrigger.NIGHT, attempts=1)
    batch = make_batch(state=BatchState.READING)
    idle = make_batch(state=BatchState.QUEUED)
    other_session.execute("SELECT pg_advisory_lock(%s, 0), pg_advisory_lock(7306002, %s)", [LEASE_RUN, batch.pk])

    tasks.tick_task()

    assert [kwargs for name, kwargs in sent if "import" in name] == [{"batch_id": idle.pk}]


def test_the_first_night_is_due_once_the_ledger_holds_a_record(db, sent):
    make_account()
    assert nights.first_day_due() is None
    post_revenue(monthly(Account.objects.get(), 100, first=date(2024, 1, 1), months=12))

    tasks.tick_task()

    assert sent == [("crm.tasks.nightly_task", {"as_of": "2024-12-15", "trigger": "first"})]
    run = nights.first_night_if_due()
    assert (run.trigger, run.state) == (RunTrigger.FIRST, RunState.PUBLISHED)
    assert nights.first_night_if_due() is None


def test_the_first_night_of_a_ledger_without_recent_revenue_is_listed_not_raised(db):
    post_revenue([{"account": make_account(), "amount": -5}])

    assert nights.first_night_if_due() is None

    assert TierRun.objects.get().state == RunState.FAILED
    assert nights.first_day_due() is None


def at(hour, minute, *, day=10):
    return datetime(2025, 3, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("started", "now", "is_due"),
    [
        (at(1, 0), at(2, 29), False),
        (at(1, 0), at(2, 30), True),
        (at(2, 30), at(2, 31), False),
        (at(2, 31), at(23, 59), False),
        (at(12, 0), at(2, 30, day=11), True),
        (at(12, 0, day=7), at(1, 0), True),  # three nights missed
    ],
)
def test_a_night_is_due_when_the_hour_has_passed_since_the_last_run(ledger, started, now, is_due):
    run = night(AS_OF)
    TierRun.objects.filter(pk=run.pk).update(started_at=started)

    assert bool(nights.days_due(now=now)) is is_due


def test_a_due_night_takes_the_ledgers_last_day(ledger):
    post_revenue([{"account": ledger[0], "booked_on": date(2025, 3, 9)}])

    assert nights.days_due(now=at(2, 30)) == [date(2025, 3, 9)]
    assert nights.days_due(now=at(2, 30, day=9)) == [date(2025, 3, 8)]


def test_a_message_that_comes_twice_or_late_does_nothing_more(ledger):
    first = tasks.nightly_task(as_of=AS_OF.isoformat(), trigger="night")
    assert first is None  # nobody asked for that day: the ledger goes on after it
    nights.request_night(requested_by=None, as_of=AS_OF)

    done = [tasks.nightly_task(as_of=AS_OF.isoformat(), trigger="page") for _ in range(3)]

    assert done[0] is not None
    assert done[1:] == [None, None]
    assert TierRun.objects.count() == 1


def test_request_night_is_taken_up_by_the_tick(ledger, sent):
    user = make_user()

    asked = nights.request_night(requested_by=user, as_of=AS_OF)
    again = nights.request_night(requested_by=make_user(), as_of=AS_OF)
    tasks.tick_task()

    assert (asked, again.requested_by, asked.state) == (again, user, RunState.DUE)
    assert sent == [("crm.tasks.nightly_task", {"as_of": "2024-12-31", "trigger": "page"})]
    done = run_night(as_of=AS_OF, trigger=RunTrigger.PAGE)
    assert (done.pk, done.requested_by, done.trigger) == (asked.pk, user, RunTrigger.PAGE)


def test_a_message_that_cannot_be_sent_is_logged_not_raised(monkeypatch):
    def broker_is_away(**kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks.tick_task, "apply_async", broker_is_away)

    assert tasks.send(tasks.tick_task) is False


def test_a_night_on_an_empty_database_has_nothing_due(db, sent):
    tasks.tick_task()

    assert sent == []
    assert tasks.nightly_task() is None


def retier(*args):
    out = StringIO()
    call_command("retier", *args, stdout=out)
    return out.getvalue()


def test_retier_prints_one_json_object_with_every_grade(ledger):
    first, again = (json.loads(retier("--as-of", "2024-12-31", "--json")) for _ in range(2))

    assert set(first) == {"as_of", "run", "accounts", "grades", "moves", "seconds"}
    assert (first["as_of"], first["accounts"], first["moves"]) == ("2024-12-31", 12, 0)
    assert list(first["grades"]) == ["diamond", "gold", "strategic", "potential", "general", "problem", "not_graded"]
    assert sum(first["grades"].values()) == 12
    assert again | {"run": 0, "seconds": 0} == first | {"run": 0, "seconds": 0}


def test_retier_says_in_words_what_it_did(ledger):
    night(date(2024, 11, 30))

    text = retier("--as-of", "2024-12-31")

    assert "Graded 12 accounts as of 2024-12-31 with ledger-only v1" in text
    assert "moved" in text
    assert "No model was active" not in text


@pytest.mark.parametrize(
    "args",
    [
        ("--as-of", "2024-11-30"),
        ("--as-of", "2999-01-01"),
    ],
)
def test_retier_refuses_with_exit_code_2(ledger, args):
    retier("--as-of", "2024-12-31")

    with pytest.raises(CommandError) as refused:
        retier(*args)

    assert refused.value.returncode == 2


def test_retier_without_a_model_says_so_or_refuses(ledger):
    with pytest.raises(CommandError) as refused:
        retier("--no-create")
    assert (refused.value.returncode, TierRun.objects.count()) == (2, 0)

    assert "No model was active: made and activated ledger-only v1" in retier("--as-of", "2024-12-31")


def test_retier_defaults_to_the_ledgers_last_day(ledger):
    found = json.loads(retier("--json"))

    last = max(AccountMonth.objects.values_list("month", flat=True))
    assert found["as_of"][:7] == f"{last:%Y-%m}"
    assert date.fromisoformat(found["as_of"]) <= AS_OF + timedelta(days=20)


@pytest.mark.parametrize(
    ("args", "state", "code"),
    [
        (["full"], "draft", None),
        (["full", "--activate", "--currency", "USD"], "active", None),
        (["ledger-only", "--as-of", "2024-12-31", "--activate"], "active", None),
        (["contribution-two-years", "--as-of", "2024-12-31"], "draft", None),
        (["contribution-two-years", "--as-of", "2024-12-31", "--activate"], "draft", 2),
        (["contribution-two-years", "--as-of", "2024-12-31", "--diamond", "1e8", "--activate"], "active", None),
    ],
)
def test_create_model_makes_a_draft_or_an_active_model(ledger, args, state, code):
    found = None
    try:
        call_command("create_model", *args, stdout=StringIO())
    except CommandError as refused:
        found = refused.returncode

    assert found == code
    assert ScoringModel.objects.get().state == state


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["full", "--diamond", "-1"],
        ["full", "--diamond", "nan"],
        ["full", "--currency", "yuan"],
        ["full", "--as-of", "31/12/2024"],
    ],
)
def test_create_model_refuses_bad_arguments(db, args):
    with pytest.raises(CommandError):
        call_command("create_model", *args, stdout=StringIO())

    assert not ScoringModel.objects.exists()


def test_create_model_refuses_a_ledger_without_revenue(db):
    with pytest.raises(CommandError) as refused:
        call_command("create_model", "ledger-only", stdout=StringIO())

    assert refused.value.returncode == 2


def test_pages_are_made_ready_once_for_each_state_of_the_ledger(ledger, monkeypatch):
    found = []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: found.append(task.name) or True)

    for _minute in range(2):
        tasks.tick_task()
    assert found.count("crm.tasks.pages_task") == 2
    tasks.pages_task()
    tasks.tick_task()
    assert found.count("crm.tasks.pages_task") == 2

    post_revenue(monthly(Account.objects.first(), 100, first=date(2024, 1, 1), months=1))
    tasks.tick_task()
    assert found.count("crm.tasks.pages_task") == 3


def test_pages_are_made_ready_by_one_worker_at_a_time(ledger, other_session):
    other_session.execute("SELECT pg_advisory_lock(%s, 0)", [LEASE_PAGES])

    tasks.pages_task()

    assert not pipeline.are_pages_ready()


def test_ready_pages_are_what_the_dashboard_opens_with(ledger, client, monkeypatch):
    client.force_login(make_superuser())
    pipeline.ready_pages()
    monkeypatch.setattr(summary, "_computed", lambda *a, **k: pytest.fail("computed again"))

    assert client.get("/").status_code == 200
