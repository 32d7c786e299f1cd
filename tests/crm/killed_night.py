"""A night in a process of its own that is killed without warning before its n-th database statement.

python killed_night.py AS_OF N: prints "published" if the night ends before statement N.
"""

import itertools
import os
import signal
import sys
from datetime import date

import django


def main(as_of: str, kill_at: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    from django.db import connection
    from django.db.backends.utils import CursorWrapper

    from crm.pipeline import run_night

    statements = itertools.count(1)

    def count() -> None:
        if next(statements) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(execute, sql, params, many, context):
        count()
        return execute(sql, params, many, context)

    copy = CursorWrapper.__getattr__

    def counted_attribute(self, name):
        if name == "copy_expert":
            count()
        return copy(self, name)

    CursorWrapper.__getattr__ = counted_attribute
    with connection.execute_wrapper(counted):
        run_night(as_of=date.fromisoformat(as_of), trigger="command")
    print("published", next(statements))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
