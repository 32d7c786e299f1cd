"""One shape for every error of the REST edge: problem documents (RFC 9457)."""

import json
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.fields import get_error_detail
from rest_framework.renderers import JSONRenderer
from rest_framework.settings import api_settings

from crm.lib.exceptions import CrmError
from crm.lib.out_of_time import RETRY_AFTER_SECONDS, GaveUp, gave_up

MEDIA_TYPE = "application/problem+json"
SHOWN_ERRORS = 3  # of the list, repeated in the one-line detail
WHOLE_BODY = {api_settings.NON_FIELD_ERRORS_KEY, "__all__"}

log = structlog.get_logger(__name__)


class BadParameter(exceptions.ValidationError):
    """A parameter of the query string that is unknown or cannot be used; ``detail`` maps its name to sentences."""

    default_code = "bad-parameter"


class PayloadTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"
    default_detail = _("The body is larger than this address takes; send it in parts.")


class PreconditionRequired(exceptions.APIException):
    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_code = "precondition-required"
    default_detail = _("Say which version you change: send the ETag you read in the If-Match header.")


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition-failed"
    default_detail = _("Somebody changed it since you read it: read it again, then repeat the change.")

    def __init__(self, *, current: Any = None, tag: str = "", errors: Iterable[dict[str, str]] = ()) -> None:
        """current : what is stored, as a read gives it, under ``tag``; errors : each field that was sent otherwise"""
        super().__init__()
        self.current, self.tag, self.errors = current, tag, list(errors)


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = _("This contradicts what is stored; read it again.")


class OutOfTime(exceptions.APIException):
    """The database gave up a statement; ``wait`` becomes Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "out-of-time"
    default_detail = _(
        "This took longer than an answer may take, and nothing was changed. Ask for a shorter period, fewer accounts or a"
        " smaller page, or repeat it in a minute."
    )
    wait = RETRY_AFTER_SECONDS - 1  # the header names a second more


class Busy(OutOfTime):
    default_code = "busy"
    default_detail = _(
        "Somebody else is changing the same records, an import or a night perhaps. Nothing was changed; repeat it in a minute."
    )


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency-key-reused"
    default_detail = _("This Idempotency-Key came with another request before; use a new key for new content.")


def problem(
    code: int,
    *,
    name: str = "",
    detail: Any = "",
    errors: Iterable[dict[str, Any]] = (),
    current: Any = None,
    **headers: str,
) -> HttpResponse:
    """A problem document. ``name`` identifies the kind of problem for programs and stays the same over releases.

    current : what is stored, where the problem is that it is not what the sender saw
    """
    phrase = HTTPStatus(code).phrase
    body = {
        "type": f"urn:facet:problem:{name}" if name else "about:blank",
        "title": phrase,
        "status": code,
        "detail": str(detail) or phrase,
        "errors": list(errors),
    }
    if current is not None:
        body["current"] = json.loads(JSONRenderer().render(current))
    json_form = {"ensure_ascii": False}
    return JsonResponse(body, status=code, content_type=MEDIA_TYPE, headers=headers, json_dumps_params=json_form)


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. None lets an unexpected error through to Django, which logs it with its traceback."""
    known = _known(error)
    if known is None:
        return None
    headers = {}
    if getattr(known, "auth_header", None) or getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = getattr(known, "auth_header", None) or error.auth_header  # type: ignore[attr-defined]
    if getattr(known, "wait", None):
        headers["Retry-After"] = str(int(known.wait) + 1)  # type: ignore[attr-defined]
    if isinstance(known, exceptions.ValidationError):
        where = "parameter" if isinstance(known, BadParameter) else "pointer"
        errors = list(_flattened(known.detail, where))
        name = BadParameter.default_code if where == "parameter" else "invalid"
        return problem(known.status_code, name=name, detail=_one_line(errors, where), errors=errors, **headers)
    name = str(known.default_code).replace("_", "-")
    if getattr(known, "tag", ""):
        headers["ETag"] = known.tag  # type: ignore[attr-defined]
    more = {"errors": getattr(known, "errors", ()), "current": getattr(known, "current", None)}
    return problem(known.status_code, name=name, detail=known.detail, **more, **headers)


def from_crm_error(error: CrmError) -> exceptions.APIException:
    """An expected error of the product as an answer: its own status, code and sentence."""
    answer = exceptions.APIException(str(error) or HTTPStatus(error.status).phrase)
    answer.status_code, answer.default_code = error.status, error.code
    return answer


def _known(error: Exception) -> exceptions.APIException | None:
    """The error as one DRF knows, or None."""
    if isinstance(error, exceptions.APIException):
        return error
    why = gave_up(error)
    if why is not None:
        log.warning("api_database_gave_up", why=str(why))
        return Busy() if why is GaveUp.BUSY else OutOfTime()
    for kinds, answer in _ANSWERS:
        if isinstance(error, kinds):
            return answer(error)
    return None


def _contradiction(error: Exception) -> exceptions.APIException:
    log.warning("api_conflict", error=type(error).__name__)
    return Conflict()


def _out_of_range(error: Exception) -> exceptions.APIException:
    log.warning("api_value_out_of_range")
    return exceptions.ValidationError(_("A value lies outside the range that can be stored."))


# The first line that fits answers. What is on no line is unexpected: a 500, logged with its traceback.
_ANSWERS: tuple[tuple[tuple[type[Exception], ...], Callable[[Any], exceptions.APIException]], ...] = (
    ((CrmError,), from_crm_error),
    ((Http404, django_errors.ObjectDoesNotExist), lambda _error: exceptions.NotFound()),
    ((django_errors.PermissionDenied,), lambda _error: exceptions.PermissionDenied()),
    ((django_errors.ValidationError,), lambda error: exceptions.ValidationError(get_error_detail(error))),
    ((django_errors.RequestDataTooBig,), lambda _error: PayloadTooLarge()),
    ((django_errors.SuspiciousOperation, UnreadablePostError), lambda _error: exceptions.ParseError()),
    (
        (ProtectedError, RestrictedError),
        lambda _error: Conflict(_("Other records hang on it; remove or move those first.")),
    ),
    ((IntegrityError,), _contradiction),
    ((DataError,), _out_of_range),
)


def _flattened(detail: Any, where: str, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested error detail as a flat list with a JSON pointer (or the parameter's name) each."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            if key in WHOLE_BODY:
                yield from _flattened(value, where, path)
            else:
                step = key if where == "parameter" else f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
                yield from _flattened(value, where, str(step))
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        for number, item in enumerate(detail):
            yield from _flattened(item, where, f"{path}/{number}" if nested else path)
    else:
        yield {where: path, "detail": str(detail), "code": getattr(detail, "code", "invalid")}


def _one_line(errors: list[dict[str, str]], where: str) -> str:
    told = [f"{error[where]}: {error['detail']}" if error[where] else error["detail"] for error in errors]
    return " · ".join(told[:SHOWN_ERRORS])
