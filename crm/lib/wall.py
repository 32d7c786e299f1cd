"""A transaction that reads as a narrow reader, and the blocks in it that may read more; knows no model (``accounts.wall``).

Role and settings are local to the transaction: however it ends, nothing survives in a connection that is used again. They
are set in messages of their own, past Django's cursors: they belong to no page, and stand in none of their counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date

from django.db import InternalError, OperationalError, connection

VIEWER_ROLE = "facet_viewer"
RAISE = (
    "SELECT set_config('facet.viewer', %(viewer)s::text, true),"
    " set_config('facet.sees', accounts_seen_by(%(viewer)s, %(day)s)::text, true),"
    " set_config('facet.reads_trail', %(reads_trail)s::text, true); "
    f"SET LOCAL ROLE {VIEWER_ROLE}"
)
STEP_OUT, STEP_IN = "SET LOCAL ROLE NONE", f"SET LOCAL ROLE {VIEWER_ROLE}"
FORGET = "set_config('facet.reads_trail', '', true)"
LOWER = f"{STEP_OUT}; SELECT set_config('facet.viewer', '', true), set_config('facet.sees', '', true), {FORGET}"


def raise_for(viewer: int, *, on: date, reads_trail: bool = False) -> None:
    """Have the rest of the current transaction read what ``viewer`` sees on that day; the whole trail where they may."""
    lower_wall()
    if not connection.in_atomic_block:
        raise RuntimeError("The wall lasts for a transaction, and there is none.")
    _run(RAISE, {"viewer": viewer, "day": on, "reads_trail": reads_trail})
    connection.is_walled = True  # type: ignore[attr-defined]


def lower_wall() -> None:
    """End it before its transaction ends; a transaction that is broken ends it by itself."""
    if is_walled():
        connection.is_walled = False  # type: ignore[attr-defined]
        _step(LOWER)


def is_walled() -> bool:
    """Whether the current transaction reads as a narrow reader."""
    return getattr(connection, "is_walled", False)


@contextmanager
def beyond_the_wall(reason: str) -> Iterator[None]:
    """Read more than the reader's accounts inside, or in the whole function it decorates.

    reason : why the answer is of more than the reader may open, and what of it they get; for whoever reads the code
    Querysets are lazy: evaluate them inside. What leaves the block, its caller answers for.
    """
    if not is_walled():
        yield
        return
    _step(STEP_OUT)
    connection.is_walled = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.is_walled = True  # type: ignore[attr-defined]
        _step(STEP_IN)


def _step(statement: str) -> None:
    """In a transaction that has failed nothing can be said, and nothing is read any more before its end."""
    if connection.connection is not None and not connection.connection.closed:
        with suppress(InternalError, OperationalError):
            _run(statement)


def _run(statement: str, values: dict[str, object] | None = None) -> None:
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(statement, values)
