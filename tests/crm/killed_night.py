"""Nights in processes of their own that are killed without warning, one after the other; Python starts only once.

Reads one order a line from standard input and answers each with one line: {"as_of", "how", "point", "real"}.
how : "child" is killed itself, "backend" loses its database session, "all" both; "no" runs to its end
point : the name of a stage of the run, as "begin:grades" or "end:grades", or the number of a database statement
real : a backend dies by kill -9, which makes the server restart all sessions; else it is told to end
The answer: {"code": exit code (negative: the signal), "statements": how many it got to, "struck": 0 or 1}.
"""

import itertools
import json
import os
import signal
import sys
from contextlib import contextmanager
from multiprocessing import Value

import django

STATEMENTS, STRUCK = Value("i", 0), Value("i", 0)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    import crm.tasks  # noqa: F401 - everything a night needs, read before the forks

    print("ready", flush=True)
    for order in map(json.loads, sys.stdin):
        STATEMENTS.value = STRUCK.value = 0
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)  # answers are the parent's
            code = 1
            try:
                night(**order)
                code = 0
            finally:
                os._exit(code)
        status = os.waitpid(pid, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"code": code, "statements": STATEMENTS.value, "struck": STRUCK.value}), flush=True)


def night(*, as_of: str, how: str, point: str | int, real: bool) -> None:
    from django.db import OperationalError

    from crm import tasks

    tasks.send = lambda task, **kwargs: True
    if how != "no":
        arm(how, point, real=real)
    else:
        count_statements(lambda number: None)
    try:
        tasks.nightly_task.run(as_of=as_of)
    except OperationalError:
        if how != "backend":
            raise


def arm(how: str, point: str | int, *, real: bool) -> None:
    """Let the point strike."""

    def strike() -> None:
        STRUCK.value = 1
        if how in {"backend", "all"}:
            end_backend(real=real)
        if how in {"child", "all"}:
            os.kill(os.getpid(), signal.SIGKILL)

    if isinstance(point, int):
        count_statements(lambda number: strike() if number == point else None)
        return
    count_statements(lambda number: None)
    from crm.pipeline import Phases

    phase = Phases.phase

    @contextmanager
    def with_points(self, name):
        if point == f"begin:{name}":
            strike()
        with phase(self, name) as counts:
            yield counts
            if point == f"in:{name}":
                strike()
        if point == f"end:{name}":
            strike()

    Phases.phase = with_points


def end_backend(*, real: bool) -> None:
    """The session the night works in dies, by another session or by the kernel."""
    import psycopg2
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.get_backend_pid()
    if real:
        os.kill(pid, signal.SIGKILL)
        return
    known = ("dbname", "user", "password", "host", "port")
    parameters = {key: value for key, value in connection.get_connection_params().items() if key in known and value}
    other = psycopg2.connect(**parameters)
    other.autocommit = True
    other.cursor().execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()


def count_statements(strike) -> None:
    """Call ``strike`` with the number of each statement, COPY included, before it is sent."""
    from django.db import connection
    from django.db.backends.utils import CursorWrapper

    numbers, copy = itertools.count(1), CursorWrapper.__getattr__

    def count() -> None:
        STATEMENTS.value = next(numbers)
        strike(STATEMENTS.value)

    def counted(execute, sql, params, many, context):
        count()
        return execute(sql, params, many, context)

    def counted_attribute(self, name):
        if name == "copy_expert":
            count()
        return copy(self, name)

    CursorWrapper.__getattr__ = counted_attribute
    connection.execute_wrappers.append(counted)


if __name__ == "__main__":
    main()
