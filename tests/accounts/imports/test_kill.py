"""An import that is killed leaves nothing, and the next try completes."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings
from django.db import connection, connections

from accounts.enums import BatchState
from accounts.imports import services
from accounts.imports.options import ImportOptions
from accounts.locks import LEASE_BATCH, is_leased
from accounts.models import ImportBatch, RevenueRecord
from metrics.rollup import difference
from tests.accounts.imports.helpers import counts, imported, is_untouched, write_csv

ROWS = 20_000
# What the child's session is doing when it is killed, from the first row to the roll-up.
MARKERS = ("COPY import_stage", "import_repeat", "INSERT INTO accounts_revenuerecord", "fresh_", "COPY import_stage")
COMMAND = "import sys; from django.core.management import execute_from_command_line as run; run(sys.argv)"
WORKER = "import sys, django; django.setup(); from accounts.imports.services import commit_batch; commit_batch(batch_id=int(sys.argv[1]))"


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    rows = [[f"A{n % 500}", f"2024-01-{1 + n % 28:02}", f"{n}.5", f"R{n}"] for n in range(ROWS)]
    path = tmp_path_factory.mktemp("large") / "large.csv"
    return write_csv(path, [["account_code", "booked_on", "amount", "reference"], *rows])


def environment(tmp_path):
    """The test's own database for a child process."""
    address, _, query = os.environ["DATABASE_URL"].partition("?")
    server = address.rpartition("/")[0]
    return os.environ | {
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}" + (f"?{query}" if query else ""),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
    }


def start(code, *arguments, env):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def wait_for_session(process, marker):
    """Until the child's own transaction has reached the staging table, or it has ended."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while process.poll() is None and time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND query ILIKE %s",
                [f"%{marker}%"],
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.005)


def sessions():
    """The server's processes for this database; earlier tests may have left some that rest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def wait_until_gone(before):
    """Until the killed child's sessions have ended in the server."""
    deadline = time.monotonic() + 30
    while sessions() - before and time.monotonic() < deadline:
        time.sleep(0.02)


def test_killed_command_leaves_nothing_and_the_next_try_completes(transactional_db, tmp_path, large_file):
    env, rng = environment(tmp_path), random.Random(7)
    killed = 0
    for marker in MARKERS:
        before = sessions()
        process = start(COMMAND, "import_revenue", str(large_file), "--currency", "CNY", env=env)
        wait_for_session(process, marker)
        time.sleep(rng.random() * 0.05)
        process.kill()
        was_killed = process.wait() == -signal.SIGKILL
        wait_until_gone(before)
        if RevenueRecord.objects.exists():  # it was killed after its commit, or not at all: whole, then
            assert RevenueRecord.objects.count() == ROWS
            break
        assert is_untouched()
        assert was_killed, process.stderr.read().decode()
        killed += 1
    assert killed >= 1

    result = imported(large_file)
    assert result.posted + result.already_there == ROWS
    assert RevenueRecord.objects.count() == ROWS
    assert counts(imported(large_file)) == (ROWS, 0, ROWS, 0)
    assert difference() == 0


def test_killed_worker_frees_its_lease_and_the_batch_is_posted_once(transactional_db, tmp_path, large_file):
    with large_file.open("rb") as upload:
        batch = services.create_batch(
            upload=upload, file_name="large.csv", user=None, options=ImportOptions(currency="CNY")
        )
    ImportBatch.objects.update(state=BatchState.QUEUED)
    before = sessions()
    process = start(WORKER, str(batch.pk), env=environment(tmp_path))
    wait_for_session(process, "COPY import_stage")
    assert is_leased(LEASE_BATCH, batch.pk) or process.poll() is not None
    process.kill()
    assert process.wait() == -signal.SIGKILL
    wait_until_gone(before)

    batch.refresh_from_db()
    assert (batch.state, batch.attempts) == (BatchState.READING, 1)
    assert not RevenueRecord.all_objects.exists()
    assert not is_leased(LEASE_BATCH, batch.pk)

    done = services.commit_batch(batch_id=batch.pk)
    assert (done.state, done.attempts, done.posted) == (BatchState.POSTED, 2, ROWS)


def test_two_imports_of_one_file_at_once_post_it_once(transactional_db, tmp_path, large_file):
    results = []

    def run():
        results.append(imported(large_file))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result.posted for result in results) == [0, ROWS]
    assert RevenueRecord.objects.count() == ROWS
    assert difference() == 0
