"""Pages for what went wrong, in the frame; the last one needs neither database nor session."""

import sys
import uuid

import structlog
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from crm.lib.out_of_time import RETRY_AFTER_SECONDS, GaveUp, gave_up

# SQLSTATE of a value that somebody sent: too long, too large, no such day, no character of the database. A division by zero,
# say, is our own mistake.
NOT_STORABLE = frozenset({"22001", "22003", "22008", "22021", "22P05"})
PLAIN_ERROR = "<!doctype html><title>%s</title><p>Something went wrong on our side. Reference: %s</p>"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def no_right(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old, or came from elsewhere: say what to do instead of Django's debug words."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the number under which the log holds the traceback; 503 where the database gave up, with what to do; 400
    where a value reached the database that no column holds."""
    error = sys.exc_info()[1]  # Django calls this while it handles the error
    if isinstance(error, DataError) and getattr(error.__cause__, "pgcode", None) in NOT_STORABLE:
        return HttpResponse(render_to_string("400_value.html"), status=400)
    why = gave_up(error)
    bound = structlog.contextvars.get_contextvars().get("request_id")
    reference = str(bound or uuid.uuid4())
    if not bound:
        structlog.get_logger(__name__).error("server_error_page", request_id=reference, path=request.path)
    status = 503 if why else 500
    try:
        page = render_to_string(f"{status}.html", {"reference": reference, "is_busy": why == GaveUp.BUSY})
    except Exception:  # noqa: BLE001 (whatever broke the page may break this one: the number still has to reach the reader)
        page = PLAIN_ERROR % (status, reference)
    response = HttpResponse(page, status=status)
    if why:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
