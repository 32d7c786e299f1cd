"""Advisory locks: one for whatever changes the ledger or publishes grades, and leases for batches and runs.

The numbers are part of the database protocol between versions: never reuse one for another purpose.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LEDGER_LOCK = 7_306_001
TRAIL_LOCK = 7_306_071
LEASE_BATCH = 7_306_002
LEASE_RUN = 7_306_003
LEASE_PAGES = 7_306_004
EFFORTS_LOCK = 7_306_005
TREE_LOCK = 7_306_006
LISTS_LOCK = 7_306_007
LEASE_BACKTEST = 7_306_010
PLAN_LOCK = 7_306_011
ORG_LOCK = 7_306_014  # taken by the trigger accounts_keep_org_tree too


def ledger_lock() -> None:
    """Take the transaction-level lock that posting, withdrawal and publish share; free at commit or rollback."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])


def trail_lock() -> None:
    """Take the transaction-level lock of whoever adds links to the trail's chain; writers never wait for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TRAIL_LOCK])


def efforts_lock() -> None:
    """Take the transaction-level lock of files of market efforts: two of them find out in turn what is there already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EFFORTS_LOCK])


def lists_lock() -> None:
    """Take the transaction-level lock of files of receivables, ratings and wallet estimates."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LISTS_LOCK])


def plan_lock() -> None:
    """Take the transaction-level lock of whoever writes down which nights are due, so that two find them once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])


def tree_lock() -> None:
    """Take the transaction-level lock of whoever changes groups or merges accounts, so that two changes make no loop."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])


def org_lock() -> None:
    """Take the transaction-level lock of whoever changes the sales organisation, so that two changes make no loop."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ORG_LOCK])


@contextmanager
def lease(kind: int, key: int) -> Iterator[bool]:
    """A session-level lock on one batch or run; yields whether it was free. It dies with its holder."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, key])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held and connection.connection is not None and not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [kind, key])


def is_leased(kind: int, key: int) -> bool:
    """Whether some session holds the lease now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted)",
            [kind, key],
        )
        return bool(cursor.fetchone()[0])
