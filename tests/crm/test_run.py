"""``manage.py run``: everything starts, is looked after, and ends with its parent."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg2
import pytest
from django.contrib.auth import get_user_model

from crm.engines import child
from crm.engines.child import wait_until
from crm.engines.errors import EngineError
from crm.engines.places import places
from crm.engines.supervisor import Service, Supervisor
from crm.management.commands import run
from tests.crm.engine_room import engine_folder, eventually, kill, manage, processes_of, start
from tests.factories import make_account

STOP_SECONDS = 20


@pytest.fixture
def var():
    with engine_folder() as folder:
        yield folder


@pytest.fixture
def own_database():
    """The address of a new database beside those of the suite."""
    suite = os.environ["DATABASE_URL"]
    name = f"run_{os.getpid()}"
    with contextlib.closing(psycopg2.connect(re.sub("/[^/?]*(?=[?]|$)", "/postgres", suite, count=1))) as server:
        server.autocommit = True
        server.cursor().execute(f"CREATE DATABASE {name}")
        yield re.sub("/[^/?]*(?=[?]|$)", f"/{name}", suite, count=1)
        server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port: int, path: str, **headers: str) -> tuple[int, dict[str, str]] | None:
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers)
    except OSError:
        return None


def started(var: Path, port: int, **extra: str) -> "tuple[subprocess.Popen[str], str]":
    """A run that has greeted, and what it printed until then."""
    process, printed = start(["manage.py", "run", "--port", str(port)], var, **{"DEMO": "0", **extra}), ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            return process, printed
    raise AssertionError(printed + process.stderr.read())


# --- The whole ---


def test_run_starts_answers_restarts_and_ends_with_everything(var):
    port = free_port()
    process, printed = started(var, port)
    assert f"http://127.0.0.1:{port}/" in printed
    assert re.search(r"New superuser admin, password \S{16} ", printed)
    assert "demo" not in printed
    assert fetch(port, "/healthz")[0] == 200
    assert fetch(port, "/readyz", **{"X-Request-ID": "trace-7"})[0] == 200
    second = manage("run", "--port", str(free_port()), var=var)
    assert (second.returncode, second.stdout) == (2, "")
    assert f"already runs in {var.resolve()} (process {process.pid})" in second.stderr

    os.kill(child.read_pid(places(var).pid_file("web")), signal.SIGKILL)
    assert "Web server ended (signal 9), starting it again in 1 s.\n" in process.stderr
    assert eventually(lambda: fetch(port, "/healthz") is not None, 30)

    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=STOP_SECONDS)
    assert (process.returncode, out.splitlines()[-1]) == (0, "Facet has stopped.")
    assert "Traceback" not in err
    assert time.monotonic() - began < STOP_SECONDS
    assert processes_of(var) == []
    assert fetch(port, "/healthz") is None


def test_killed_run_leaves_nothing_and_the_next_one_goes_on(var):
    port = free_port()
    process, _ = started(var, port)
    kill(process)
    assert eventually(lambda: processes_of(var) == [] and fetch(port, "/healthz") is None, 5)

    process, printed = started(var, port)
    assert "New superuser" not in printed
    assert fetch(port, "/readyz")[0] == 200
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0
    assert processes_of(var) == []


def test_terminated_start_leaves_nothing(var):
    for delay in (0.5, 1.5, 2.5):
        process = start(["manage.py", "run", "--port", str(free_port())], var, DEMO="0")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode in {0, -signal.SIGTERM}  # the latter before Python has got that far
        assert "Traceback" not in err
        assert wait_until(lambda: processes_of(var) == [], 3), processes_of(var)


def test_run_on_a_given_database_is_production_without_demo(var, own_database):
    """The other server is migrated and used, never stopped; DEMO=1 is not for it."""
    port, production = free_port(), {"DATABASE_URL": own_database, "SECRET_KEY": "k" * 60, "DEMO": "1"}
    process, printed = started(var, port, **production)
    assert "New superuser admin" in printed
    assert "demo" not in printed
    assert fetch(port, "/readyz")[0] == 200
    assert not (var / "pg").exists()
    assert (var / "static" / "staticfiles.json").exists()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STOP_SECONDS)
    assert processes_of(var) == []
    with psycopg2.connect(own_database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT username FROM accounts_user")
        assert cursor.fetchall() == [("admin",)]
    connection.close()


# --- What stops it before it starts ---


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "-1"])
def test_bad_port_is_one_line(var, port):
    told = manage("run", var=var, PORT=port)
    assert (told.returncode, told.stderr) == (
        2,
        f"PORT={port!r} cannot be used: it takes a port number from 1 to 65535.\n",
    )


def test_taken_port_is_one_line_and_starts_nothing(var):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = manage("run", "--port", str(port), var=var)
    assert (told.returncode, told.stderr) == (2, f"Port {port} is taken: give another (make run PORT={port + 1}).\n")
    assert not (var / "pg").exists()


# --- First content ---


@pytest.fixture
def steps(monkeypatch, settings):
    """The steps of prepare() that other tests cover, replaced by a note of having been asked for."""
    asked = []
    settings.EMBEDDED_DATABASE = True
    monkeypatch.setattr(run, "bring_up_to_date", lambda: asked.append("migrate"))
    monkeypatch.setattr(run, "call_command", lambda name, **options: asked.append(name))
    monkeypatch.setattr(run, "publish_first_night", lambda: asked.append("night"))
    monkeypatch.setattr(run.connections, "close_all", lambda: None)
    monkeypatch.delenv("DEMO", raising=False)
    return asked


@pytest.mark.parametrize(
    ("given", "setting", "embedded", "wanted"),
    [
        (None, False, True, True),
        ("1", True, True, True),
        ("0", False, True, False),
        (None, False, False, False),
        ("1", False, False, False),
    ],
)
def test_demo_is_for_the_embedded_database_unless_refused(monkeypatch, settings, given, setting, embedded, wanted):
    settings.DEMO, settings.EMBEDDED_DATABASE = setting, embedded
    if given is None:
        monkeypatch.delenv("DEMO", raising=False)
    else:
        monkeypatch.setenv("DEMO", given)
    assert run.demo_wanted() is wanted


def test_prepare_fills_an_empty_database_with_the_demo(db, steps):
    run.prepare()
    assert steps == ["migrate", "load_demo", "night"]
    demo = get_user_model().objects.get()
    assert (demo.username, demo.is_superuser, demo.check_password("demo")) == ("demo", True, True)


def test_prepare_takes_up_a_demo_that_was_killed_half_way(db, steps):
    get_user_model().objects.create_superuser("demo", password="demo")
    run.prepare()
    assert steps == ["migrate", "load_demo", "night"]


@pytest.mark.parametrize("there", ["account", "user"])
def test_prepare_never_mixes_the_demo_into_a_database_in_use(db, steps, there):
    if there == "account":
        make_account()
    else:
        get_user_model().objects.create_user("mei")
    before = set(get_user_model().objects.values_list("username", flat=True))
    run.prepare()
    assert steps == ["migrate", "night"]
    added = set(get_user_model().objects.values_list("username", flat=True)) - before
    assert added <= {"admin"}


def test_prepare_without_demo_makes_one_superuser_and_prints_the_password_once(
    db, steps, monkeypatch, capsys, settings
):
    monkeypatch.setenv("DEMO", "0")
    settings.DEMO = False
    run.prepare()
    password = re.search(r"New superuser admin, password (\S+) ", capsys.readouterr().out)[1]
    assert get_user_model().objects.get(username="admin").check_password(password)
    run.prepare()
    assert capsys.readouterr().out == ""
    assert steps == ["migrate", "night"] * 2


def test_prepare_says_that_a_demo_is_kept(db, steps, monkeypatch, capsys, settings):
    monkeypatch.setenv("DEMO", "0")
    settings.DEMO = False
    get_user_model().objects.create_superuser("demo", password="demo")
    run.prepare()
    assert capsys.readouterr().out == (
        f"{settings.VAR_DIR} holds the demo company: to begin without it, stop, delete {settings.VAR_DIR}, start again.\n"
    )


# --- The supervisor ---


def service(tmp_path: Path, code: str) -> Service:
    args = [sys.executable, "-c", code]
    return Service(name="Sleeper", args=args, cwd=tmp_path, env=dict(os.environ), pid_file=tmp_path / "sleeper.pid")


def test_dead_service_is_started_again_with_growing_pauses(tmp_path, capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("crm.engines.supervisor.time.monotonic", lambda: now[0])
    sleeper = service(tmp_path, "raise SystemExit(3)")
    sleeper.start()
    pauses = []
    for _ in range(8):
        sleeper.process.wait(10)
        sleeper.look()
        pauses.append(sleeper.restart_at - now[0])
        now[0] = sleeper.restart_at - 0.01
        before = sleeper.process.pid
        sleeper.look()
        assert sleeper.process.pid == before
        now[0] += 0.02
        sleeper.look()
        assert sleeper.process.pid != before
    assert pauses == pytest.approx([1, 2, 4, 8, 15, 30, 30, 30])
    assert capsys.readouterr().err.startswith("Sleeper ended (exit code 3), starting it again in 1 s.\n")

    sleeper.process.wait(10)
    now[0] += 61
    sleeper.look()
    assert sleeper.restart_at - now[0] == pytest.approx(1)


def test_stop_ends_a_service_that_hears_no_signal(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "crm.engines.supervisor.STOP", (child.Step(signal.SIGTERM, 0.3), child.Step(signal.SIGQUIT, 0.3))
    )
    deaf = "import signal, time, pathlib; [signal.signal(s, signal.SIG_IGN) for s in (15, 3)]; pathlib.Path('deaf').touch(); time.sleep(60)"
    supervisor = Supervisor(services=[service(tmp_path, deaf), service(tmp_path, "import time; time.sleep(60)")])
    for each in supervisor.services:
        each.start()
    assert eventually((tmp_path / "deaf").exists)
    supervisor.stop()
    assert [each.process.returncode for each in supervisor.services] == [-signal.SIGKILL, -signal.SIGTERM]
    assert not (tmp_path / "sleeper.pid").exists()


def test_service_that_ends_before_the_first_answer_is_an_error(tmp_path):
    supervisor = Supervisor(services=[service(tmp_path, "raise SystemExit(3)")])
    supervisor.services[0].start()
    with pytest.raises(EngineError, match=r"Sleeper does not start \(exit code 3\)"):
        supervisor.wait_until(lambda: False, 30)


def test_leftover_of_a_killed_owner_is_ended_before_the_next_start(tmp_path):
    orphan = service(tmp_path, "import time; time.sleep(60)")
    orphan.start()
    heir = service(tmp_path, "import time; time.sleep(60)")
    heir.start()
    assert orphan.process.wait(10) == -signal.SIGTERM
    assert heir.process.poll() is None
    Supervisor(services=[heir]).stop()
