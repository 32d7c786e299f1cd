"""``manage.py run``: the whole product in the foreground. All of it ends with this process."""

import contextlib
import errno
import os
import secrets
import signal
import socket
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from crm import embedded
from crm.engines import child
from crm.engines.commands import bring_up_to_date, needed_engines
from crm.engines.errors import EngineError
from crm.engines.locks import FileLock
from crm.engines.places import places
from crm.engines.supervisor import STOP, Supervisor

HOST = "127.0.0.1"
DEMO_USER = "demo"
ADMIN_USER = "admin"
WEB_SECONDS = 120
WORKER_PROCESSES = 2
BEAT = "-B --scheduler celery.beat:Scheduler"
# Shorter than the 8 s the supervisor gives, so that an interrupted task is handed back in order.
SOFT_SHUTDOWN_SECONDS = 5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Start everything: database, broker, web server, workers and timetable; Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_port, default=os.environ.get("PORT") or "8000", help="web server's port")

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = options["port"]
        with contextlib.suppress(Stopped), _one_signal():
            _follow_make()
            _end_leftover_web(port)
            _check_port_free(port)
            with embedded.hold(settings.VAR_DIR, needs=needed_engines("migrate"), command=embedded.RUN) as engines:
                prepare()
                self._serve(port, engines)
        print("Facet has stopped.", flush=True)

    def _serve(self, port: int, engines: embedded.Engines) -> None:
        place = places(settings.VAR_DIR)
        place.logs.mkdir(mode=0o700, parents=True, exist_ok=True)  # no engine has, where none is embedded
        supervisor = Supervisor()
        try:
            base = settings.BASE_DIR
            supervisor.add("Web server", web_command(port), place=place, cwd=base, env=children_environment())
            supervisor.add("Worker", worker_command(), place=place, cwd=base, env=worker_environment())
            supervisor.add("Imports", imports_command(), place=place, cwd=base, env=worker_environment())
            supervisor.wait_until(lambda: _healthy(port), WEB_SECONDS)
            _greet(port)
            supervisor.watch(engines.mend)
        finally:
            _ignore_signals()
            supervisor.stop()


class Stopped(BaseException):
    """A signal asked us to end. Not an Exception, so that no handler on the way takes it for a fault."""


def prepare() -> None:
    """Bring database and first content to where the web server may start. Each step may be repeated after a kill."""
    bring_up_to_date()
    prepare_static_files()
    User = get_user_model()  # noqa: N806 - a class
    if demo_wanted():
        load_demo_into_empty_database()
    elif User.objects.filter(username=DEMO_USER).exists():
        print(
            f"{settings.VAR_DIR} holds the demo company: to begin without it, stop, delete {settings.VAR_DIR}, start again."
        )
    if not User.objects.exists():
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMIN_USER, password=password)
        print(
            f"New superuser {ADMIN_USER}, password {password} (shown only now; change it after logging in).", flush=True
        )
    publish_first_night()
    connections.close_all()


def prepare_static_files() -> None:
    """Beside the embedded database they are served from where they lie; in production from hashed, packed copies."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # an absent one is warned of
    if not settings.EMBEDDED_DATABASE:
        call_command("collectstatic", interactive=False, verbosity=0)


def demo_wanted() -> bool:
    """DEMO as given; where it is not given, the embedded database gets the demo. A database of yours never does."""
    given = bool(os.environ.get("DEMO"))
    return settings.EMBEDDED_DATABASE and (settings.DEMO if given else True)


def load_demo_into_empty_database() -> None:
    """The log-in first: a kill between the two steps leaves a database that still counts as empty."""
    from accounts.models import Account

    User = get_user_model()  # noqa: N806 - a class
    if Account.objects.exists() or User.objects.exclude(username=DEMO_USER).exists():
        return
    if not User.objects.filter(username=DEMO_USER).exists():
        User.objects.create_superuser(DEMO_USER, password=DEMO_USER)
    print("Making the demo company …", flush=True)
    call_command("load_demo", verbosity=0, log_ins=True)


def publish_first_night() -> None:
    """Grade the ledger if it holds a record and no night is published yet; the demo company has a past as well."""
    from crm.demo.history import grade_past_months
    from crm.nights import first_night_if_due

    if settings.EMBEDDED_DATABASE and get_user_model().objects.filter(username=DEMO_USER).exists():
        grade_past_months()
    else:
        first_night_if_due()


def web_command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "crm.wsgi:application",
        "-c",
        "python:crm.gunicorn",
        "-b",
        f"{HOST}:{port}",
    ]


def worker_environment() -> dict[str, str]:
    """Everything here belongs to the one user who started us, so root is no news worth a warning."""
    return {**children_environment(), "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}


def worker_command() -> list[str]:
    """Nights, ticks and pages, with the timetable: only here, where there is exactly one such worker. It keeps no file.

    A page's long computation takes one of its two processes, never both, so a night always finds the other.
    """
    return [*_celery("worker", queues="nights,default", processes=WORKER_PROCESSES), *BEAT.split()]


def imports_command() -> list[str]:
    """Files and replays of the past: one of an hour holds up another one, nothing else."""
    return _celery("imports", queues="imports", processes=1)


def _celery(name: str, *, queues: str, processes: int) -> list[str]:
    words = f"-m celery -A crm --quiet worker -n {name}@%h -Q {queues} -c {processes}"
    quiet = f"--without-gossip --without-mingle --without-heartbeat --loglevel {_log_level()}"
    return [sys.executable, *words.split(), *quiet.split()]


def _log_level() -> str:
    """What the children print: the log level given, else what a person should see in a quiet terminal."""
    return os.environ.get("LOG_LEVEL") or "WARNING"


def children_environment() -> dict[str, str]:
    return {
        **os.environ,
        "DEMO": "1" if demo_wanted() else "0",
        "LOG_LEVEL": _log_level(),
        "REMAP_SIGTERM": "SIGQUIT",
        "CELERY_SOFT_SHUTDOWN_SECONDS": str(SOFT_SHUTDOWN_SECONDS),
        "PYTHONUNBUFFERED": "1",
    }


def _greet(port: int) -> None:
    print(f"\n  Facet runs at http://{HOST}:{port}/", flush=True)
    demo = get_user_model().objects.filter(username=DEMO_USER).first()
    if demo is not None and demo.check_password(DEMO_USER):
        print(f"  Log in as {DEMO_USER}, password {DEMO_USER}", flush=True)
    print("  Ctrl-C stops it.\n", flush=True)
    connections.close_all()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=5) as answer:  # nosec B310 # our own
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True  # it answers: HTTPS_ONLY or a host that is not allowed are the operator's choice
    except OSError:
        return False


def _end_leftover_web(port: int) -> None:
    """Where no kernel ends the children of a killed run, its web server still has the port: end that first."""
    place = places(settings.VAR_DIR)
    owner = FileLock(place.owner_lock)
    if place.owner_lock.exists() and owner.try_exclusive():
        words = web_command(port)
        child.end_leftover(place.pid_file("web"), " ".join(words[1:4]), STOP)
        owner.release()


def _check_port_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise EngineError(f"Port {port} needs more rights: take one above 1023 (make run PORT=8001).") from None
            raise EngineError(f"Port {port} is taken: give another (make run PORT={port + 1}).") from None


def _port(text: str) -> int:
    """PORT may come from the environment, so a bad value is said in its words."""
    from crm.lib.env import refuse

    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        refuse("PORT", text, "a port number from 1 to 65535")
    return int(text)


def _follow_make() -> None:
    """Under make, end with make: a killed make must not leave a product nobody can stop from the keyboard."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{os.getppid()}/comm").read_text().strip() in {"make", "gmake"}:
            child.end_with_parent(signal.SIGTERM)


@contextlib.contextmanager
def _one_signal() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the block by one exception; make and the group both deliver, the second is mute."""

    def leave(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise Stopped

    for number in SIGNALS:
        signal.signal(number, leave)
    try:
        yield
    finally:
        _ignore_signals()


def _ignore_signals() -> None:
    """By a handler that does nothing: SIG_IGN makes Python complain of a signal already on its way."""
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: None)
