"""kill -9 of a night, before any of its database statements: the night before stays in view, the next try completes."""

import os
import random
import subprocess
import sys
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, transaction

from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering.enums import RunState
from tiering.models import Score, TierRun
from tiering.selectors import latest_run

DRIVER = Path(__file__).with_name("killed_night.py")
KILLS = 6
NEVER = 10**6


def database_url() -> str:
    parts = connection.get_connection_params()
    host, user = str(parts.get("host") or ""), quote(str(parts["user"]))
    password = f":{quote(str(parts['password']))}" if parts.get("password") else ""
    if not host or host.startswith("/"):
        return f"postgres://{user}{password}@/{parts['dbname']}?host={host}"
    return f"postgres://{user}{password}@{host}:{parts.get('port') or 5432}/{parts['dbname']}"


def run_in_process(*, kill_at: int) -> subprocess.CompletedProcess:
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": "only-for-tests",
        "DEBUG": "0",
        "PYTHONPATH": str(settings.BASE_DIR),
        "FISCAL_YEAR_START_MONTH": str(settings.FISCAL_YEAR_START_MONTH),
    }
    return subprocess.run(
        [sys.executable, str(DRIVER), AS_OF.isoformat(), str(kill_at)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def in_view():
    """What readers follow: the published run's rows, the history, the accounts."""
    return score_rows(), [row[1:6] for row in periods()], account_columns(), latest_run()


def undisturbed():
    """The result of the night where nothing happens to it, taken and undone."""
    with transaction.atomic():
        run = night(AS_OF)
        found = (*in_view()[:3], run.counts, run.matrix)
        transaction.set_rollback(True)
    return found


def test_a_night_killed_anywhere_changes_nothing_and_the_next_try_completes(transactional_db):
    random_ledger(accounts=60, rows=1200, seed=21)
    night(date(2024, 10, 31))
    before, expected = in_view(), undisturbed()
    with transaction.atomic():
        counted = _statements()
        transaction.set_rollback(True)
    rng = random.Random(5)
    places = sorted({counted, counted - 1, *(rng.randrange(2, counted) for _ in range(KILLS - 2))})

    for kill_at in places:
        TierRun.objects.exclude(state=RunState.PUBLISHED).update(attempts=0)
        ended = run_in_process(kill_at=kill_at)
        assert ended.returncode == -9, ended.stderr
        if latest_run() == before[-1]:
            assert in_view() == before
        else:  # killed after the commit of the publish
            assert kill_at >= counted - 3
            break

    done = run_in_process(kill_at=NEVER)
    assert done.returncode == 0, done.stderr
    run = latest_run()
    assert (*in_view()[:3], run.counts, run.matrix) == expected
    assert not TierRun.objects.exclude(state__in=[RunState.PUBLISHED, RunState.SUPERSEDED]).exists()
    assert night(AS_OF).state == RunState.PUBLISHED
    assert set(Score.objects.values_list("run__state", flat=True).distinct()) <= {"published", "superseded"}


def _statements() -> int:
    """How many statements the night takes, as the driver counts them."""
    from django.db.backends.utils import CursorWrapper

    found = []

    def count(execute, sql, params, many, context):
        found.append(sql)
        return execute(sql, params, many, context)

    copy = CursorWrapper.__getattr__
    patched = pytest.MonkeyPatch()

    def counted_attribute(self, name):
        if name == "copy_expert":
            found.append(name)
        return copy(self, name)

    patched.setattr(CursorWrapper, "__getattr__", counted_attribute)
    try:
        with connection.execute_wrapper(count):
            night(AS_OF)
    finally:
        patched.undo()
    return len([sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE", "SET TRANSACTION"))])
