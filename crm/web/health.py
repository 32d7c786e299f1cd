"""Two pages for machines: is the process up, and can it work."""

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError

from crm.celery import app

log = structlog.get_logger(__name__)
BROKER_SECONDS = 2.0
# Migrations do not unapply themselves: once seen complete, a process need not read them all again.
_seen_complete: set[str] = set()


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up. Asks nothing else, so that a database fault does not make a supervisor kill the web server."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where database and broker answer and no migration is missing, else 503; each part by name, faults in the log."""
    parts = {"database": database_answers, "broker": broker_answers, "migrations": migrations_complete}
    found = {name: _holds(name, check) for name, check in parts.items()}
    ready = all(found.values())
    body = {"ready": ready, **{name: "ok" if good else "failed" for name, good in found.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def broker_answers() -> bool:
    options = {**app.conf.broker_transport_options, "socket_connect_timeout": BROKER_SECONDS}
    with app.connection_for_write(transport_options=options) as link:
        link.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_SECONDS)
    return True


def migrations_complete() -> bool:
    from crm.engines.commands import is_behind

    alias = connection.alias
    if alias not in _seen_complete and not is_behind():
        _seen_complete.add(alias)
    return alias in _seen_complete


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, BrokerError, OSError) as error:
        log.warning("not_ready", part=name, error=str(error))
        return False
