"""A transaction that reads as a narrow reader, and the blocks in it that may read more; knows no model (``accounts.wall``).

Role and settings are local to the transaction: however it ends, nothing survives in a connection that is used again. They
are set in messages of their own, past Django's cursors: they belong to no page, and stand in none of their counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import InternalError, OperationalError, connection

if TYPE_CHECKING:
    from crm.lib.wall_statements import Writer

VIEWER_ROLE = "facet_viewer"
# What is of no account, and what somebody may be given the right to read as a whole: a setting each.
WHOLES = ("trail", "people", "webhooks")
STEP_OUT, STEP_IN = "SET LOCAL ROLE NONE", f"SET LOCAL ROLE {VIEWER_ROLE}"


def told(**settings: str) -> str:
    """SQL: statements are told this until their transaction ends. settings : name → an expression of SQL for its text"""
    return ", ".join(f"set_config('facet.{name}', {text}, true)" for name, text in settings.items())


EMPTY = "''"
READS = tuple(f"reads_{one}" for one in WHOLES)
SEES = "accounts_seen_by(%(viewer)s, %(day)s)"
RAISE = f"""
SELECT {told(viewer="%(viewer)s::text", sees=f"{SEES}::text", **{one: f"%({one})s::text" for one in READS})}; {STEP_IN}
"""
LOWER = f"{STEP_OUT}; SELECT {told(**dict.fromkeys(('viewer', 'sees', 'changes', 'made', *READS), EMPTY))}"


def reads_whole(one: str) -> str:
    """SQL: whether the viewer may read all of it, one of WHOLES."""
    return f"current_setting('facet.reads_{one}', true) = 'true'"


def raise_for(viewer: int, *, on: date, wholes: Collection[str] = ()) -> None:
    """Have the rest of the current transaction read what ``viewer`` sees on that day, and all of ``wholes``."""
    lower_wall()
    if not connection.in_atomic_block:
        raise RuntimeError("The wall lasts for a transaction, and there is none.")
    _run(RAISE, {"viewer": viewer, "day": on, **{f"reads_{one}": one in wholes for one in WHOLES}})
    connection.is_walled = True  # type: ignore[attr-defined]


def raise_for_statements(viewer: int, *, on: date, wholes: Collection[str] = ()) -> None:
    """Have every statement until ``lower_wall`` read what ``viewer`` sees, and change nothing else (``wall_statements``)."""
    from crm.lib.wall_statements import Writer

    lower_wall()
    connection.writer = Writer(viewer, on, wholes, len(connection.atomic_blocks), _answer)  # type: ignore[attr-defined]
    # A cursor of the database stands in no message with a second statement, and may outlive its transaction.
    connection.chunked_cursor = connection.cursor  # type: ignore[method-assign]


def preface(sql: str) -> str:
    """What to say in front of a statement, in the same message."""
    writer = _writer()
    return writer.preface(sql, len(connection.atomic_blocks)) if writer else ""


def lower_wall() -> None:
    """End it before its transaction ends; a transaction that is broken ends it by itself."""
    if _writer():
        connection.writer = None  # type: ignore[attr-defined]
        del connection.chunked_cursor
        if connection.in_atomic_block:
            _step(LOWER)
    elif is_walled():
        connection.is_walled = False  # type: ignore[attr-defined]
        _step(LOWER)


def is_walled() -> bool:
    """Whether what is read now is narrowed to what a reader sees."""
    writer = _writer()
    if writer:
        return writer.is_narrow(len(connection.atomic_blocks))
    return getattr(connection, "is_walled", False)


def _writer() -> Writer | None:
    return getattr(connection, "writer", None)


@contextmanager
def beyond_the_wall(reason: str, *, may_change: bool = False) -> Iterator[None]:
    """Read more than the reader's accounts inside, or in the whole function it decorates.

    reason : why the answer is of more than the reader may open, and what of it they get; for whoever reads the code
    may_change : rows of accounts out of sight may be changed, too
    Querysets are lazy: evaluate them inside. What leaves the block, its caller answers for.
    """
    if writer := _writer():
        with writer.beyond(may_change=may_change):
            yield
    elif is_walled():
        _step(STEP_OUT)
        connection.is_walled = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            connection.is_walled = True  # type: ignore[attr-defined]
            _step(STEP_IN)
    else:
        yield


@contextmanager
def narrowed() -> Iterator[None]:
    """Look up inside what an address or a field names: narrow within a transaction, too (``wall_statements``)."""
    writer = _writer()
    with writer.looking_up() if writer else nullcontext():
        yield


def _step(statement: str) -> None:
    """In a transaction that has failed nothing can be said, and nothing is read any more before its end."""
    if connection.connection is not None and not connection.connection.closed:
        with suppress(InternalError, OperationalError):
            _run(statement)


def _answer(statement: str, values: dict[str, object]) -> tuple[Any, ...]:
    """One row, asked as the owner of the tables."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(f"{STEP_OUT}; {statement}", values)
        return cursor.fetchone()


def _run(statement: str, values: dict[str, object] | None = None) -> None:
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(statement, values)
