"""What a management command needs before it runs: which engines, and a database as new as the code."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Never

from crm import embedded
from crm.engines import postgres

# Commands that touch neither database nor broker. ``run`` is its own parent of everything.
WITHOUT_ENGINES = frozenset(
    {
        "",
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "run",
        "spectacular",
        "startapp",
        "startproject",
        "testserver",
        "version",
    }
)
# Commands that look at the migrations themselves: the cluster is left as it is.
WITHOUT_MIGRATIONS = frozenset(
    {"dbshell", "makemigrations", "migrate", "optimizemigration", "showmigrations", "sqlmigrate", "squashmigrations"}
)
# Held while one process brings the cluster up to date; any number of ours, as long as all processes use the same.
MIGRATION_LOCK = 7_202_611


def command_of(argv: Sequence[str]) -> str:
    """The subcommand of a manage.py call; empty where only help is asked for."""
    words = list(argv[1:])
    if not words or words[0].startswith("-") or {"-h", "--help"} & set(words):
        return ""
    return words[0]


@contextlib.contextmanager
def engines_for(argv: Sequence[str]) -> Iterator[None]:
    """Start or join the embedded engines that the command of ``argv`` needs, and bring an old cluster up to date.

    Raises EngineError (one line) where that cannot be had. SIGTERM ends the command like an exit, so that the engines
    are stopped in order.
    """
    command = command_of(argv)
    needs = needed_engines(command)
    if not needs:
        yield
        return
    from django.conf import settings

    signal.signal(signal.SIGTERM, _leave)
    with embedded.hold(settings.VAR_DIR, needs=needs, command=command):
        if settings.EMBEDDED_DATABASE and command not in WITHOUT_MIGRATIONS:
            bring_up_to_date()
        if command == "dbshell":
            os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), str(postgres.program("psql").parent)])
        try:
            yield
        finally:
            _close_connections()


def needed_engines(command: str) -> tuple[str, ...]:
    """The embedded engines a command needs: all that no URL replaces, or none."""
    if command in WITHOUT_ENGINES:
        return ()
    from django.conf import settings

    replaced = {"postgres": not settings.EMBEDDED_DATABASE, "valkey": not settings.EMBEDDED_REDIS}
    return tuple(kind for kind in embedded.ALL if not replaced[kind])


def bring_up_to_date() -> None:
    """Apply the migrations the cluster lacks; one process at a time, the others find nothing left to do.

    Says so on standard error: standard output belongs to the command.
    """
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if not is_behind():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            if is_behind():
                print("Preparing the database …", file=sys.stderr, flush=True)
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def is_behind() -> bool:
    """True if a migration of the code is not applied in the database."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


def _leave(number: int, frame: FrameType | None) -> Never:
    sys.exit(128 + number)
