"""Who acts: told to the database in front of every write, in the same message, for the length of its transaction.

A wrapper on each connection reads the signature of the running request, command or task and puts
``SELECT set_config('facet.trail', …, true);`` before what writes. That is no statement of its own (and none in the counts
of tests), nothing survives in a pooled connection, and a savepoint that is rolled back takes nothing with it. COPY goes
past the wrapper: within a transaction the signature of an earlier write still holds, and the tables into which this
product copies are exempt.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject, empty

from crm.lib.wall import preface

SETTING = "facet.trail"
# What may stand in the literal; everything else becomes a dash, so that it needs no quoting.
UNSAFE = re.compile(r"[^A-Za-z0-9._:/+=@ -]")
# By their first word; the others read, or may stand in no message with a second statement.
WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|TRUNCATE|MERGE|WITH|CREATE\s+TEMP)\b", re.IGNORECASE)
GetResponse = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Signature:
    """via : page, rest, admin, ``command <name>`` or ``task <name>``; actor : the id of the user, asked at each write."""

    via: str
    request_id: str
    actor: Callable[[], int | None]

    @property
    def prefix(self) -> str:
        told = "|".join([str(self.actor() or ""), _safe(self.via, 80), _safe(self.request_id, 128)])
        return f"SELECT set_config('{SETTING}', '{told}', true); "


_current: ContextVar[Signature | None] = ContextVar("trail_signature", default=None)
_of_tasks: dict[str, Any] = {}


def _safe(text: str, length: int) -> str:
    return UNSAFE.sub("-", text)[:length]


@contextmanager
def signed(*, via: str, request_id: str, actor: Callable[[], int | None] = lambda: None) -> Iterator[None]:
    """Sign what is written inside."""
    token = _current.set(Signature(via, request_id, actor))
    try:
        yield
    finally:
        _current.reset(token)


def sign_command(name: str) -> None:
    """Sign all that this process writes as the work of a command."""
    _current.set(Signature(f"command {name}", str(uuid.uuid4()), lambda: None))


def tell_the_database(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    """Put the signature in front of a statement that writes, and an empty one where it ended within a transaction; and in
    front of all statements of a request that may write what the wall has to say."""
    if isinstance(sql, str):
        sql = preface(sql) + _signature(context["connection"], sql) + sql
    elif isinstance(sql, bytes):
        text = sql[:40].decode("ascii", "replace")
        sql = (preface(text) + _signature(context["connection"], text)).encode() + sql
    return execute(sql, params, many, context)


def _signature(connection: BaseDatabaseWrapper, sql: str) -> str:
    signature = _current.get()
    if (signature is None and not getattr(connection, "trail_is_signed", False)) or not WRITES.match(sql):
        return ""
    connection.trail_is_signed = signature is not None  # type: ignore[attr-defined]
    return signature.prefix if signature else f"SELECT set_config('{SETTING}', '', true); "


def watch_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of connection_created. First of the wrappers, so that who takes the last one off takes off his own."""
    if connection.vendor == "postgresql" and tell_the_database not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, tell_the_database)


class SignatureMiddleware:
    """Sign what a request writes: by a page, the admin or REST. A bearer token names its user inside the REST view."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        via = "rest" if path.startswith("/api/") else "admin" if path.startswith("/admin/") else "page"
        with signed(via=via, request_id=request.META.get("HTTP_X_REQUEST_ID", ""), actor=lambda: _user_of(request)):
            return self.get_response(request)


def _user_of(request: HttpRequest) -> int | None:
    """Nobody while nobody has asked who it is: reading the session here would be a statement within a statement."""
    user = getattr(request, "user", None)
    if user is None or (isinstance(user, SimpleLazyObject) and user._wrapped is empty):  # noqa: SLF001
        return None
    return user.pk


def sign_task(task_id: str, task: Any, **kwargs: Any) -> None:
    """Receiver of task_prerun: the task, in the name and under the request of whoever sent it, where somebody did."""

    def sender() -> int | None:
        found = str(structlog.contextvars.get_contextvars().get("user_id") or "")
        return int(found) if found.isdecimal() else None

    asked = structlog.contextvars.get_contextvars().get("request_id")
    _of_tasks[task_id] = _current.set(Signature(f"task {task.name}", str(asked or task_id), sender))


def unsign_task(task_id: str, **kwargs: Any) -> None:
    token = _of_tasks.pop(task_id, None)
    if token is not None:
        _current.reset(token)
