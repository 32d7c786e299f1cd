"""`Idempotency-Key`: a POST repeated under the same key within a day answers as the first time and does nothing.

Only answers of success are kept: what was refused left no trace, so it may be corrected and sent again.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.errors import Conflict, KeyReused
from crm.lib.wall import beyond_the_wall
from crm.models import IdempotencyKey

KEPT_FOR = timedelta(hours=24)
HEADER = "Idempotency-Key"
KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_HEADERS = ("Location", "ETag")

Post = Callable[..., Response]


def idempotent(*, atomic: bool = True) -> Callable[[Post], Post]:
    """Decorates a POST handler of a view.

    ``atomic``: the work and its key commit together. Without it (work that commits by itself, safe to repeat by its
    own rules) the key is kept after the work, and only the repeats of the moment are held off.
    """

    def decorate(post: Post) -> Post:
        @functools.wraps(post)
        def answer(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
            key = request.headers.get(HEADER)
            if key is None:
                return post(view, request, *args, **kwargs)
            if not KEY_FORM.fullmatch(key):
                raise ValidationError({HEADER: [_("Give 1 to 255 visible ASCII characters.")]})
            with _alone(request.user.pk, key, atomic=atomic):
                fingerprint = fingerprint_of(request)
                return _kept(request, key, fingerprint) or _keep(
                    request, key, fingerprint, post(view, request, *args, **kwargs)
                )

        return answer

    return decorate


def fingerprint_of(request: Request) -> str:
    """SHA-256 of method, path and the parsed body; of files their content, since boundaries differ each time."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    data = request.data
    files = {name: request.FILES[name] for name in sorted(request.FILES)}
    plain = {k: data.getlist(k) for k in sorted(data) if k not in files} if hasattr(data, "getlist") else data
    digest.update(json.dumps(plain, sort_keys=True, default=str).encode())
    for name, file in files.items():
        digest.update(f"\n{name}\n".encode() + _file_digest(file))
    return digest.hexdigest()


def _file_digest(file: UploadedFile) -> bytes:
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.digest()


@beyond_the_wall("keys of the caller alone, of a table that no reader is granted")
def _kept(request: Request, key: str, fingerprint: str) -> HttpResponse | None:
    """The answer kept under this key, if it is young enough; raises KeyReused where the request was another."""
    row = IdempotencyKey.objects.filter(user=request.user, key=key, created_at__gt=timezone.now() - KEPT_FOR).first()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise KeyReused
    headers = {**row.headers, "Idempotent-Replayed": "true"}
    return HttpResponse(row.body, status=row.status, content_type="application/json", headers=headers)


def _keep(request: Request, key: str, fingerprint: str, response: Response) -> Response:
    IdempotencyKey.objects.filter(created_at__lte=timezone.now() - KEPT_FOR).delete()
    if response.status_code < 400:
        IdempotencyKey.objects.create(
            user=request.user,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            body=JSONRenderer().render(response.data).decode(),
        )
    return response


def _alone(user_id: int, key: str, *, atomic: bool) -> AbstractContextManager[None]:
    return _in_one_transaction(user_id, key) if atomic else _under_a_session_lock(user_id, key)


@contextmanager
def _in_one_transaction(user_id: int, key: str) -> Iterator[None]:
    with transaction.atomic():
        if not _locked("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", user_id, key):
            raise Conflict(_("The first request under this key is still being worked on; ask again shortly."))
        yield


@contextmanager
def _under_a_session_lock(user_id: int, key: str) -> Iterator[None]:
    if not _locked("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", user_id, key):
        raise Conflict(_("The first request under this key is still being worked on; ask again shortly."))
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            _locked("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", user_id, key)


def _locked(statement: str, user_id: int, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [f"idempotency {user_id} {key}"])
        return bool(cursor.fetchone()[0])
