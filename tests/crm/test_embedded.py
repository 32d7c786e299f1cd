"""The embedded engines, for real: started, shared, killed and started again."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import environ
import psycopg2
import pytest
import redis
from kombu import Connection

from crm import embedded
from crm.engines import child, postgres, valkey
from crm.engines.errors import EngineError
from crm.engines.places import SOCKET_BYTES, places
from tests.crm.engine_room import ROOT, engine_folder, environment, eventually, kill, manage, processes_of, start

HOLD = """
import sys
from pathlib import Path
from crm import embedded
with embedded.hold(Path({var!r}), command={command!r}) as engines:
    print("owner" if engines.is_owner else "guest", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


def holder(var: Path, command: str = "first") -> "subprocess.Popen[str]":
    """A process that holds the engines until a line, or the end, comes in."""
    return start(["-c", HOLD.format(var=str(var), command=command)], var)


def leave(process: "subprocess.Popen[str]") -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def query(var: Path, statement: str) -> list[tuple]:
    connection = psycopg2.connect(host=str(places(var).sockets), user="postgres", dbname="facet")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture
def var():
    with engine_folder() as folder:
        yield folder


# --- Names ---


def test_urls_follow_from_the_path_and_touch_nothing(tmp_path):
    folder = Path("/srv/facet/var")
    assert embedded.urls(folder) == embedded.Urls(
        database="postgres://postgres@/facet?host=/srv/facet/var/run",
        broker="redis+socket:///srv/facet/var/run/valkey.sock?virtual_host=0",
        cache="unix:///srv/facet/var/run/valkey.sock?db=1",
    )
    embedded.urls(tmp_path / "var")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 152, "客户 关系", "a%20b", "a?b", "a#b", "a,b", "it's"])
def test_sockets_of_a_long_or_odd_path_lie_in_a_short_plain_folder(tmp_path, name):
    place = places(tmp_path / name)
    assert place.sockets.parent == Path("/tmp")
    assert len(os.fsencode(place.postgres_socket)) <= SOCKET_BYTES
    assert place.sockets != places(tmp_path / (name + "2")).sockets
    assert place.postgres == (tmp_path / name).resolve() / "pg"


def test_urls_are_understood_by_the_libraries_that_read_them(var):
    urls, place = embedded.urls(var), places(var)
    database = environ.Env().db_url_config(urls.database)
    assert (database["NAME"], database["USER"], database["OPTIONS"]["host"]) == (
        "facet",
        "postgres",
        str(place.sockets),
    )
    with embedded.hold(var, needs=["valkey"], command="test"):
        redis.Redis.from_url(urls.cache).set("cache", "only")
        with Connection(urls.broker) as broker:
            broker.ensure_connection(max_retries=1)
            assert broker.default_channel.client.keys() == []
        assert redis.Redis.from_url(urls.cache).keys() == [b"cache"]


def test_secret_key_is_made_once_and_private(var):
    code = f"from pathlib import Path; from crm import embedded; print(embedded.secret_key(Path({str(var)!r})))"
    several = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    keys = {process.communicate(timeout=60)[0].strip() for process in several}
    assert keys == {embedded.secret_key(var)}
    assert len(keys.pop()) >= 50
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600
    assert [entry.name for entry in var.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("make", ["open folder", "link"])
def test_socket_folder_that_is_not_private_is_refused(tmp_path, make):
    folder = tmp_path / "sockets"
    if make == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(EngineError, match="not a private folder"):
        embedded._make_socket_folder(folder)


def test_pid_is_believed_only_with_its_command_line():
    asleep = subprocess.Popen(["sleep", "60"])
    try:
        assert eventually(lambda: child.is_running(asleep.pid, "sleep 60"))
        assert not child.is_running(asleep.pid, "/srv/facet/var/pg")
        asleep.kill()
        assert eventually(lambda: not child.is_running(asleep.pid, "sleep"))  # a zombie until it is waited for
    finally:
        asleep.kill()
        asleep.wait()


# --- One owner, several users ---


def test_hold_starts_both_engines_and_leaves_nothing(var):
    with embedded.hold(var, command="test") as engines:
        assert engines.is_owner
        assert query(var, "SELECT lower('ÄÉЖ'), current_setting('listen_addresses')") == [("äéж", "")]
        assert valkey.answers(places(var))
        assert stat.S_IMODE(places(var).sockets.stat().st_mode) == 0o700
    assert processes_of(var) == []
    assert list(places(var).sockets.iterdir()) == []


def test_only_what_is_needed_is_started(var):
    with embedded.hold(var, needs=["valkey"], command="test"):
        assert valkey.answers(places(var))
        assert not postgres.answers(places(var))
    with embedded.hold(var, needs=[]) as engines:
        assert not engines.is_owner


def test_a_second_process_joins_and_the_owner_waits_for_it(var):
    first = holder(var, "first")
    assert first.stdout.readline() == "owner\n"
    second = holder(var, "second")
    assert second.stdout.readline() == "guest\n"

    leave(first)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(2)
    assert query(var, "SELECT 1") == [(1,)]
    leave(second)

    assert second.communicate(timeout=20)[0] == "left\n"
    out, err = first.communicate(timeout=20)
    assert out == "left\n"
    assert "another command still uses this database" in err
    assert processes_of(var) == []


def test_run_waits_for_a_short_command_and_refuses_a_second_run(var):
    first = holder(var, "import_revenue")
    assert first.stdout.readline() == "owner\n"
    run = holder(var, "run")
    line = run.stderr.readline()
    assert line == f"Waiting for 'manage.py import_revenue' (process {first.pid}) …\n"
    leave(first)
    assert run.stdout.readline() == "owner\n"

    with (
        pytest.raises(EngineError, match=f"already runs in .* \\(process {run.pid}\\)"),
        embedded.hold(var, command="run"),
    ):
        pass
    leave(run)
    assert run.communicate(timeout=20)[0] == "left\n"


def test_a_running_product_without_the_needed_engine_is_said_in_one_line(var):
    code = HOLD.replace("command={command!r}", "needs=['valkey'], command='run'").format(var=str(var))
    run = start(["-c", code], var)
    assert run.stdout.readline() == "owner\n"
    with pytest.raises(EngineError, match="with another database"), embedded.hold(var, command="retier"):
        pass
    leave(run)
    run.communicate(timeout=20)


# --- Deaths ---


def test_killed_owner_leaves_nothing_running_and_loses_nothing(var):
    first = holder(var)
    assert first.stdout.readline() == "owner\n"
    query(var, "CREATE TABLE kept AS SELECT 42 AS answer")
    kill(first)
    assert eventually(lambda: processes_of(var) == [], 5)

    with embedded.hold(var, command="test"):
        assert query(var, "SELECT answer FROM kept") == [(42,)]


def test_guest_becomes_owner_when_the_owner_dies_before_it_joined(var):
    first = holder(var)
    assert first.stdout.readline() == "owner\n"
    kill(first)
    second = holder(var)
    assert second.stdout.readline() == "owner\n"
    leave(second)
    second.communicate(timeout=20)


def test_start_completes_after_kills_at_many_places(var):
    """During initdb, between its end and the first start, while the server starts, after."""
    for delay in (0.15, 0.3, 0.45, 0.6, 0.8, 1.1):
        process = holder(var)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        kill(process)
        assert eventually(lambda: processes_of(var) == [], 5)
    with embedded.hold(var, command="test"):
        assert query(var, "SELECT 1") == [(1,)]


def test_stale_files_of_another_life_do_not_hinder(var):
    """A pid file whose number belongs to somebody else now, sockets nobody listens on."""
    with embedded.hold(var, command="test"):
        query(var, "CREATE TABLE kept AS SELECT 42 AS answer")
    place = places(var)
    (place.postgres / "postmaster.pid").write_text(
        f"{os.getpid()}\n{place.postgres}\n1\n5432\n{place.sockets}\n\n 1 1\n"
    )
    place.pid_file("valkey").write_text(f"{os.getpid()}\n")
    for socket in (place.postgres_socket, place.valkey_socket):
        socket.touch()
    with embedded.hold(var, command="test"):
        assert query(var, "SELECT answer FROM kept") == [(42,)]
        assert valkey.answers(place)


def test_dead_engine_is_started_again(var, capfd):
    with embedded.hold(var, command="test") as engines:
        engines.mend()
        assert "starting it again" not in capfd.readouterr().err
        for engine in engines.owned:
            os.kill(engine.child.pid, signal.SIGKILL)
            engine.child.wait(10)
        engines.mend()
        assert capfd.readouterr().err == "PostgreSQL ended, starting it again.\nValkey ended, starting it again.\n"
        assert query(var, "SELECT 1") == [(1,)]
        assert valkey.answers(places(var))


def test_unreadable_message_log_is_set_aside(var, capfd):
    with embedded.hold(var, needs=["valkey"], command="test"):
        pass
    manifest = next((var / "valkey" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with embedded.hold(var, needs=["valkey"], command="test"):
        assert valkey.answers(places(var))
    assert "could not read its files" in capfd.readouterr().err
    assert len(list(var.glob("valkey.unreadable-*"))) == 1


def test_cluster_of_another_version_is_named(var):
    with embedded.hold(var, needs=["postgres"], command="test"):
        pass
    (var / "pg" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EngineError, match="was made by PostgreSQL 14"), embedded.hold(var, command="test"):
        pass
    assert processes_of(var) == []


def test_long_path_in_a_closed_folder_with_odd_characters_works():
    with engine_folder(parts=f"{'long-' * 25}/客户 & co/closed") as var:
        var.parent.mkdir(parents=True)
        var.parent.chmod(0o700)
        assert len(os.fsencode(var)) > 152
        with embedded.hold(var, command="test"):
            assert query(var, "SELECT 1") == [(1,)]
            assert valkey.answers(places(var))
        assert processes_of(var) == []
        assert not places(var).sockets.exists()


# --- Commands ---


def test_command_migrates_an_empty_cluster_and_prints_only_its_own(var):
    asked = manage(
        "shell", "--no-imports", "-c", "from accounts.models import User; print(User.objects.count())", var=var
    )
    assert (asked.returncode, asked.stdout) == (0, "0\n")
    assert "Preparing the database" in asked.stderr
    again = manage("migrate", "--check", var=var)
    assert (again.returncode, again.stderr) == (0, "")
    assert processes_of(var) == []


def test_command_that_needs_no_engine_starts_none(var):
    assert manage("check", var=var).returncode == 0
    assert manage("migrate", "--help", var=var).stdout.startswith("usage: manage.py migrate")
    assert [entry.name for entry in var.iterdir()] == ["secret_key"]


def test_terminated_command_stops_its_engines_in_order(var):
    process = start(
        ["manage.py", "shell", "--no-imports", "-c", "import time; print('here', flush=True); time.sleep(60)"], var
    )
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert processes_of(var) == []
    assert "database system is shut down" in (var / "log" / "postgres.log").read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("DATABASE_URL", "mysql://u:geheim@h/db", "it takes postgres://user:password@host:port/name."),
        ("REDIS_URL", "amqp://u:geheim@h", "it takes redis://host:port."),
        ("DEBUG", "maybe", "it takes 0 or 1."),
        ("HTTPS_ONLY", "2", "it takes 0 or 1."),
        ("DEMO", "x", "it takes 0 or 1."),
        ("TIME_ZONE", "Mars/Base", "it takes an IANA zone such as Asia/Shanghai."),
        ("LANGUAGE_CODE", "tlh", "it takes en, zh-hans or zh-hant."),
        ("BASE_CURRENCY", "yuan", "it takes an ISO 4217 code such as CNY."),
        ("FISCAL_YEAR_START_MONTH", "13", "it takes a month number from 1 to 12."),
        ("REVENUE_BASIS", "gross", "it takes signed, ordered, invoiced, recognised or cash."),
        ("NIGHTLY_AT", "25:00", "it takes a local time such as 02:30."),
        ("LOG_LEVEL", "LOUD", "it takes DEBUG, INFO, WARNING or ERROR."),
        ("TRUSTED_PROXIES", "10", "it takes a number of proxies from 0 to 9."),
        ("API_TOKEN_MAX_DAYS", "0", "it takes a number of days from 1 to 3650."),
        (
            "EMAIL_URL",
            "http://u:geheim@h",
            "it takes smtp://user:password@host:port, smtp+tls://... or smtp+ssl://host:port.",
        ),
        ("MAIL_FROM", "Facet <a@b>, c", "it takes an e-mail address such as facet@example.com."),
        ("OIDC_ISSUER", "http://login.example.com", "as it writes itself."),
        ("OIDC_ISSUER", "https://u:geheim@login.example.com", "as it writes itself."),
        ("OIDC_ISSUER", "https://login.example.com/?a=b", "as it writes itself."),
        ("OIDC_LINK_BY_EMAIL", "maybe", "it takes 0 or 1."),
    ],
)
def test_bad_value_stops_the_start_with_one_line(var, name, value, takes):
    process = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env=environment(var, **{name: value}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith(name)
    assert process.stderr.endswith(f"{takes}\n")
    assert "geheim" not in process.stderr


def test_single_sign_on_by_halves_does_not_start(var):
    told = manage("check", var=var, OIDC_ISSUER="https://login.example.com", OIDC_CLIENT_ID="facet")

    assert told.returncode == 2
    assert told.stderr == (
        "OIDC_CLIENT_SECRET cannot be used: it takes what your identity provider gave for this site, where OIDC_ISSUER"
        " is set.\n"
    )


def test_production_without_secret_key_does_not_start(var):
    told = manage("check", var=var, DATABASE_URL="postgres://facet@127.0.0.1/facet")
    assert told.returncode == 2
    assert (
        told.stderr
        == "SECRET_KEY cannot be used: it takes a long random text in production mode (DATABASE_URL set and DEBUG 0).\n"
    )
