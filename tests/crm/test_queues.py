"""Every task has its queue, every queue its workers, and no long work stands before a night."""

import re

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import OperationalError, connection, connections

from accounts.enums import BatchState
from accounts.imports import services
from accounts.models import ImportBatch
from crm import pipeline, roles
from crm.celery import app
from crm.management.commands import run
from tests.factories import make_batch
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tiering.enums import RunState
from tiering.models import TierRun

QUEUES = {
    "crm.tasks.nightly_task": "nights",
    "accounts.import_batch": "imports",
    "crm.tasks.backtest_task": "imports",
    "crm.tasks.webhooks_task": "imports",
    "accounts.mail_invitation": "default",
    "accounts.mail_reset": "default",
    "accounts.mail_reset_to": "default",
    "crm.tasks.tick_task": "default",
    "crm.tasks.pages_task": "default",
}


def consumed(command: list[str]) -> set[str]:
    return set(command[command.index("-Q") + 1].split(","))


def queue_of(task: str) -> str:
    route = app.amqp.router.route({}, task)
    return route["queue"].name


def test_every_task_of_ours_goes_to_its_queue():
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}

    assert {name: queue_of(name) for name in ours} == QUEUES


def test_the_timetable_wakes_by_the_same_routes():
    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert {queue_of(task) for task in tasks} == {"nights", "default"}
    assert not any("options" in entry for entry in settings.CELERY_BEAT_SCHEDULE.values())


def test_run_has_workers_for_every_queue_and_none_that_takes_imports_beside_nights():
    worker, imports = consumed(run.worker_command()), consumed(run.imports_command())

    assert worker | imports == set(QUEUES.values())
    assert worker & imports == set()
    assert imports == {"imports"}
    assert ("-B" in run.worker_command(), "-B" in run.imports_command()) == (True, False)


def test_compose_has_workers_for_every_queue_and_none_that_takes_imports_beside_nights():
    text = (settings.BASE_DIR / "docker-compose.yml").read_text()

    found = [set(words.split(",")) for words in re.findall(r'"--queues", "([a-z,]+)"', text)]

    assert found == [{"nights", "default"}, {"imports"}]


def test_soft_limits_come_before_hard_ones_and_statements_end_within_their_task():
    for limits in (settings.NIGHT_LIMITS, settings.IMPORT_LIMITS, settings.OTHER_LIMITS):
        assert 0 < limits["soft_time_limit"] < limits["time_limit"]
    for task in ("crm.tasks.nightly_task", "accounts.import_batch", "crm.tasks.backtest_task"):
        annotated = app.tasks[task]
        assert (annotated.soft_time_limit, annotated.time_limit) == tuple(
            settings.CELERY_TASK_ANNOTATIONS[task].values()
        )
    assert (
        int(settings.DATABASE_LIMITS["worker"]["statement_timeout"][:-3]) * 60
        < settings.NIGHT_LIMITS["soft_time_limit"]
    )


@pytest.fixture
def in_role(transactional_db, monkeypatch):
    """Take a role on for the length of a test."""
    options = dict(connections.settings["default"].get("OPTIONS", {}))
    yield lambda role: (connection.close(), roles.take_role(role))
    connections.settings["default"]["OPTIONS"] = options
    connection.settings_dict["OPTIONS"] = options
    connection.close()


@pytest.mark.parametrize("role", ["web", "worker"])
def test_postgresql_holds_each_role_to_its_limits(in_role, role):
    in_role(role)
    in_role(role)  # a second time adds nothing

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::bigint, unit FROM pg_settings WHERE name = ANY(%s)",
            [list(settings.DATABASE_LIMITS[role])],
        )
        found = {name: milliseconds for name, milliseconds, _unit in cursor.fetchall()}
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 50")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(5)")

    units = {"min": 60_000, "s": 1000}
    assert found == {
        name: int(re.match(r"\d+", text)[0]) * units[text.lstrip("0123456789")]
        for name, text in settings.DATABASE_LIMITS[role].items()
    }
    assert connections.settings["default"]["OPTIONS"]["options"].count("statement_timeout") == 1


def test_a_night_past_its_soft_limit_says_so_and_is_tried_three_times(db, monkeypatch):
    random_ledger(accounts=4, rows=40, seed=1)
    monkeypatch.setattr(pipeline, "apply_memberships", lambda: (_ for _ in ()).throw(SoftTimeLimitExceeded()))

    for state in (RunState.DUE, RunState.DUE, RunState.FAILED):
        with pytest.raises(SoftTimeLimitExceeded):
            night(AS_OF)
        run = TierRun.objects.get()
        assert run.state == state
        assert run.error.startswith("The run was ended after 15 minutes")


def test_an_import_past_its_soft_limit_says_so_after_three_tries(db, monkeypatch):
    batch = make_batch(state=BatchState.QUEUED)
    monkeypatch.setattr(services, "_post_batch", lambda batch: (_ for _ in ()).throw(SoftTimeLimitExceeded()))

    for _ in range(3):
        with pytest.raises(SoftTimeLimitExceeded):
            services.commit_batch(batch_id=batch.pk)

    batch = ImportBatch.objects.get(pk=batch.pk)
    assert (batch.state, batch.error.startswith("The import took longer")) == (BatchState.FAILED, True)
