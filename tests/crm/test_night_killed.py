"""kill -9 of whatever takes part in a night: nothing is lost or half-applied, and no reader ever sees two nights in one.

20 kills in the usual run. FACET_KILLS=200 kills more often, FACET_KILL_ACCOUNTS=10000 with more accounts; where the
suite has PostgreSQL to itself (no DATABASE_URL, no -n), FACET_KILL_BACKENDS=1 kills its sessions with -9 as well.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.test import Client

from accounts.models import Account
from crm import nights, pipeline, tasks
from metrics.models import AccountFigures
from tests.crm.engine_room import eventually
from tests.factories import make_superuser
from tests.tiering.company import random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering.enums import UNFINISHED_RUN_STATES, RunState, RunTrigger
from tiering.models import Score, TierRun
from tiering.selectors import latest_run

HERE = Path(__file__).parent
KILLS = int(os.environ.get("FACET_KILLS", "20"))
ACCOUNTS = int(os.environ.get("FACET_KILL_ACCOUNTS", "100"))
REAL = bool(os.environ.get("FACET_KILL_BACKENDS"))
NIGHTS = 10
FIRST = date(2024, 3, 30)
STAGES = ("roll_up", "figures", "products", "indicators", "scores", "grades", "publish", "promises")
POINTS = [f"{where}:{stage}" for stage in STAGES for where in ("begin", "in", "end")]
HOWS = ("child", "backend", "all")
READS_A_SECOND = 20


def database_url() -> str:
    parts = connection.get_connection_params()
    host, user = str(parts.get("host") or ""), quote(str(parts["user"]))
    password = f":{quote(str(parts['password']))}" if parts.get("password") else ""
    if not host or host.startswith("/"):
        return f"postgres://{user}{password}@/{parts['dbname']}?host={host}"
    return f"postgres://{user}{password}@{host}:{parts.get('port') or 5432}/{parts['dbname']}"


def started(script: str, *args: str, **pipes) -> subprocess.Popen:
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": "only-for-tests",
        "DEBUG": "0",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(settings.BASE_DIR),
        "FISCAL_YEAR_START_MONTH": str(settings.FISCAL_YEAR_START_MONTH),
    }
    return subprocess.Popen([sys.executable, str(HERE / script), *args], env=environment, text=True, **pipes)


@pytest.fixture
def readers():
    """Starts a reader of the states given; it ends with the test."""
    begun: list[Reader] = []

    def begin(states: dict[date, tuple]) -> Reader:
        begun.append(Reader(states))
        begun[-1].start()
        return begun[-1]

    yield begin
    for reader in begun:
        reader.over.set()
        reader.join(30)


@pytest.fixture
def driver(transactional_db):
    """Asks for one night after the other; each call gives (exit code, statements, whether the point struck)."""
    if REAL:  # the throw-away server forgets its last moments in a crash, which no server in use does
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = on")
        connection.close()
    process = started("killed_night.py", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def order(as_of: date, *, how: str, point: str | int = "") -> tuple[int, int, int]:
        process.stdin.write(json.dumps({"as_of": as_of.isoformat(), "how": how, "point": point, "real": REAL}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        return answer["code"], answer["statements"], answer["struck"]

    assert process.stdout.readline() == "ready\n"
    yield order
    process.stdin.close()
    process.wait(10)


def in_view() -> tuple:
    """What readers follow, without the numbers that a try more or less moves on."""
    run = latest_run()
    history = [(*row[1:6],) for row in periods()]
    figures = list(
        AccountFigures.objects.order_by("account_id").values_list("account_id", "as_of", "ttm_revenue", "clv")
    )
    return (run.as_of, run.counts, run.matrix, score_rows(), history, account_columns(), figures)


def company() -> None:
    random_ledger(accounts=ACCOUNTS, rows=ACCOUNTS * 12, seed=21)
    night(FIRST)


def days(count: int) -> list[date]:
    """Days a week apart, so that grades move on the way."""
    return [FIRST + timedelta(days=7 * (1 + number)) for number in range(count)]


def undisturbed(wanted: list[date]) -> dict[date, tuple]:
    """What each night leaves where nothing happens to any of them; taken and undone."""
    with transaction.atomic():
        found = {}
        for day in wanted:
            night(day, trigger=RunTrigger.NIGHT)
            found[day] = in_view()
        transaction.set_rollback(True)
    return found


def again() -> None:
    """A session of ours may have gone with a killed one."""
    connection.close()
    assert eventually(_answers, 30)


def _answers() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


def two_ticks(order) -> None:
    """What the timetable does after a restart; messages reach a process of their own."""
    for _tick in range(2):
        pipeline.follow_up_if_left_undone()
        for run in nights.waiting_runs()[:1]:
            order(run.as_of, how="no")


def _point(rng: random.Random, number: int, statements: int) -> str | int:
    """Every stage in turn, and between them any statement."""
    return POINTS[(number * 7 // 2) % len(POINTS)] if number % 2 == 0 else rng.randrange(1, statements)


def _lateness(point: str | int, statements: int) -> float:
    """Where in the night a point lies, 0 to 1: what strikes behind the publish leaves nothing for those after it."""
    return POINTS.index(point) / len(POINTS) if isinstance(point, str) else point / statements


class Reader(threading.Thread):
    """Polls list, REST and dashboard and holds each answer against the nights there are."""

    def __init__(self, states: dict[date, tuple]) -> None:
        super().__init__(daemon=True)
        self.grades = {day: {row[0]: row[1] for row in state[5]} for day, state in states.items()}
        self.counts = {day: state[1] for day, state in states.items()}
        self.client = Client()
        self.client.force_login(make_superuser())
        self.over, self.answers, self.lost, self.wrong, self.seen = threading.Event(), 0, 0, [], set()

    def run(self) -> None:
        asks = (self.ask_list, self.ask_scores, self.ask_runs, self.ask_dashboard)
        while not self.over.is_set():
            began = time.monotonic()
            try:
                asks[self.answers % len(asks)]()
            except Error as error:
                if not isinstance(error, OperationalError | InterfaceError) and "server closed" not in str(error):
                    self.wrong.append(repr(error))
                self.lost += 1  # the server is restarting; the next request has a new session
                connection.close()
            except Exception as error:  # noqa: BLE001 - told by the test
                self.wrong.append(repr(error))
            self.answers += 1
            self.over.wait(max(0, 1 / READS_A_SECOND - (time.monotonic() - began)))
        connection.close()

    def check(self, what: str, day: date, found: object, wanted: object) -> None:
        self.seen.add(day)
        if found != wanted:
            self.wrong.append(f"{what} of {day}: {str(found)[:200]}, not {str(wanted)[:200]}")

    def ask_list(self) -> None:
        response = self.client.get("/accounts/")
        day = response.context["frame"].standing.graded_as_of
        found = {row["pk"]: row["grade"] for row in response.context["listed"].page.rows}
        known = self.grades[day]
        self.check("list", day, found, {pk: known[pk] for pk in found})

    def ask_scores(self) -> None:
        rows = self.client.get("/api/v1/tiering/scores/?page_size=500").json()["results"]
        [as_of] = {row["as_of"] for row in rows}
        known = self.grades[date.fromisoformat(as_of)]
        found = {row["account"]: row["grade"] for row in rows}
        self.check("scores", date.fromisoformat(as_of), found, {pk: known[pk] for pk in found})

    def ask_runs(self) -> None:
        newest = self.client.get("/api/v1/tiering/runs/?state=published&ordering=-as_of&page_size=1").json()["results"][
            0
        ]
        day = date.fromisoformat(newest["as_of"])
        self.check("runs", day, newest["counts"], self.counts[day])

    def ask_dashboard(self) -> None:
        response = self.client.get("/")
        day = response.context["frame"].standing.graded_as_of
        found = {row.grade: row.accounts for row in response.context["grades"]}
        known = list(self.grades[day].values())
        self.check("dashboard", day, found, {grade: known.count(grade) for grade in found})


def test_nights_killed_anywhere_come_out_as_if_nothing_had_happened_and_readers_see_whole_nights(driver, readers):
    """J1 and J2: kills at every stage and at random statements; afterwards two ticks."""
    company()
    rng = random.Random(KILLS)
    wanted = days(NIGHTS)
    states = {FIRST: in_view()}
    expected = undisturbed(wanted)
    states |= expected
    reader = readers(states)
    statements, kills, struck = 120, 0, 0

    for number, day in enumerate(wanted):
        nights.request_night(requested_by=None, as_of=day)
        orders = [(HOWS[(kills + step) % 3], _point(rng, kills + step, statements)) for step in range(KILLS // NIGHTS)]
        for how, point in sorted(orders, key=lambda order: _lateness(order[1], statements)):
            _code, got_to, is_struck = driver(day, how=how, point=point)
            kills, struck = kills + 1, struck + is_struck
            statements = max(statements, got_to)
            again()
            # The figures of accounts carry their own as-of and are written before the grades are published.
            before, after = states[wanted[number - 1] if number else FIRST], expected[day]
            assert in_view()[:-1] in (before[:-1], after[:-1]), (how, point)
            TierRun.objects.filter(state__in=UNFINISHED_RUN_STATES).update(attempts=0)
        two_ticks(driver)
        assert in_view() == expected[day], (how, point)

    reader.over.set()
    reader.join(30)
    assert reader.wrong == []
    assert reader.seen >= {wanted[0], wanted[-1]}
    assert reader.answers - reader.lost > 20
    assert struck >= 0.7 * kills
    assert not nights.unfinished_runs().exists()
    assert list(TierRun.objects.filter(state=RunState.PUBLISHED).order_by("as_of").values_list("as_of", flat=True)) == [
        FIRST, *wanted,
    ]  # fmt: skip
    assert set(Score.objects.values_list("run__state", flat=True).distinct()) == {RunState.PUBLISHED}
    print(f"{kills} kills ({struck} struck), {reader.answers} answers, {reader.lost} while the server restarted")


def children_of(pid: int) -> list[int]:
    return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def worker(transactional_db, monkeypatch):
    """Real workers on the broker of the suite; call it to have a (new) one."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    monkeypatch.setattr(pipeline, "are_pages_ready", lambda: True)
    begun: list[subprocess.Popen] = []

    def begin() -> subprocess.Popen:
        begun.append(
            started("killed_worker.py", prefix, f"w{len(begun)}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        assert eventually(lambda: children_of(begun[-1].pid), 30)
        return begun[-1]

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def is_under_way(day: date) -> bool:
    return TierRun.objects.filter(as_of=day, state__in=[RunState.COMPUTING, RunState.READY]).exists()


def is_done(day: date) -> bool:
    return TierRun.objects.filter(as_of=day, state=RunState.PUBLISHED, finished_at__isnull=False).exists()


def test_a_killed_child_and_a_killed_worker_lose_no_night(worker):
    """A killed child's message comes again at once; a killed worker's night is found by the next tick."""
    random_ledger(accounts=40, rows=400, seed=3)
    night(FIRST)
    wanted = days(4)
    expected = undisturbed(wanted)
    rng = random.Random(7)
    process = worker()

    for number, day in enumerate(wanted):
        nights.request_night(requested_by=None, as_of=day)
        tasks.tick_task()
        assert eventually(lambda day=day: is_under_way(day), 30)
        time.sleep(rng.uniform(0, 0.6))
        if number < 3:
            for child in children_of(process.pid):
                os.kill(child, signal.SIGKILL)
        else:
            process.kill()
            process.wait(10)
            process = worker()
        if not eventually(lambda day=day: is_done(day), 4):
            tasks.tick_task()  # the minute's tick
        assert eventually(lambda day=day: is_done(day), 30), day
        assert eventually(lambda: latest_run().phases[-1]["name"] == "promises", 10)
        assert in_view() == expected[day]

    assert Account.objects.filter(graded_as_of__isnull=False).count() == 40
