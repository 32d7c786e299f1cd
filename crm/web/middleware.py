"""Small middlewares: the policy of the pages that are not ours, the language each user chose, one instant for a page."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.translation import gettext as _

from accounts.fields import hidden_asked, hidden_from, read_as
from accounts.models import User
from accounts.wall import raise_wall, raise_wall_for_writes
from crm.access import APART, gate_for, shows_hidden
from crm.lib.snapshot import one_snapshot
from crm.lib.wall import is_walled, lower_wall
from crm.web.errors import bad_request
from crm.web.htmx import View, signed_in, user_of

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN_POLICY = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
NUL = "\x00"
PROBES = {"/healthz", "/readyz"}
DOORS = ("/login/", "/join/")  # what is counted and logged there has to count whatever becomes of the rest
NO_KEY = re.compile(r"Field '\w+' expected a number but got ")  # Django's words, of any field that is a key
DOCS_POLICY = {"style-src": ["'self'", "'unsafe-inline'"]}


class AdminPolicyMiddleware:
    """Relax the content policy for the admin (its Alpine build needs eval) and the API docs (inline styles) alone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]  # noqa: SLF001
        elif request.path.startswith("/api/v1/docs/"):
            response._csp_update = DOCS_POLICY  # type: ignore[attr-defined]  # noqa: SLF001
        return response


class LanguageMiddleware(LocaleMiddleware):
    """The language of the cookie, else the browser's; a page varies on both."""


class StorableMiddleware:
    """No page and no form of the admin meets a NUL, which no column holds: it is taken for nothing typed.

    REST refuses it in its own words (``crm.api.parsers``).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *given: Any) -> None:
        if request.path_info.startswith("/api/"):
            return
        if NUL in request.path_info:
            raise Http404
        if any(NUL in text for name, texts in request.GET.lists() for text in (name, *texts)):
            request.GET = _without_nul(request.GET)  # type: ignore[assignment]
        if any(NUL in text for name, texts in request.POST.lists() for text in (name, *texts)):
            request.POST = _without_nul(request.POST)  # type: ignore[assignment]

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Where the admin takes a key from an address or a list without asking, letters in it are a bad request."""
        if (
            request.path_info.startswith("/admin/")
            and isinstance(exception, ValueError)
            and NO_KEY.match(str(exception))
        ):
            return bad_request(request, exception)
        return None


def _without_nul(given: QueryDict) -> QueryDict:
    kept = QueryDict(mutable=True, encoding=given.encoding)
    for name, texts in given.lists():
        kept.setlist(name.replace(NUL, ""), [text.replace(NUL, "") for text in texts])
    kept._mutable = False  # noqa: SLF001 - as Django's own request does
    return kept


class AccessMiddleware:
    """Asks ``crm.access`` before a page is made: who is not logged in is led to the log-in, and who may not gets 403.

    An address that is not listed there fails the build, and is not there while it runs.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        read_as(frozenset())
        try:
            return self.get_response(request)
        finally:
            read_as(frozenset())

    def process_view(self, request: HttpRequest, view: View, *given: Any) -> HttpResponseBase | None:
        match = request.resolver_match
        route = match.view_name if match else ""
        if route.startswith(APART):
            return None
        gate = gate_for(route, request.method or "")
        if gate is None:
            raise Http404
        if gate.is_open:
            return None
        if not request.user.is_authenticated:
            return signed_in(view)(request)
        user = user_of(request)
        if not gate.admits(user):
            raise PermissionDenied  # the page says who can give the right
        read_as(hidden_from(user))
        if shows_hidden(route, given[1]) or hidden_asked([*request.GET.lists(), *request.POST.lists()]):
            raise PermissionDenied(_("Costs, margins and personal data are not for your log-in."))
        return None


def is_only_read(request: HttpRequest) -> bool:
    """Whether the request reads in one transaction of its own; the others manage theirs."""
    return request.method in {"GET", "HEAD"} and has_wall(request)


def has_wall(request: HttpRequest) -> bool:
    """Probes answer without the database; the doors are open before anybody is known."""
    return request.path not in PROBES and not request.path.startswith(DOORS)


class SnapshotMiddleware:
    """What is only read is read at one instant, so that no answer mixes the grades of two nights.

    A page asks many statements, and a night may be published between two of them. What must answer without the database
    is left alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_only_read(request):
            return self.get_response(request)
        with one_snapshot(read_only=False):
            return self.get_response(request)


def _behind_the_wall(pieces: Iterable[bytes], user: User) -> Iterator[bytes]:
    """The pieces of a download, each read as ``user``; one that is broken off ends the transaction with it."""
    with one_snapshot(read_only=False):
        raise_wall(user)
        try:
            yield from pieces
        finally:
            lower_wall()


class WallMiddleware:
    """What a page reads for a narrow reader, the database narrows once more (``accounts.wall``): within the transaction
    of the snapshot, or statement by statement where the request may write. Below /api/ the reader is known within the view,
    where ``crm.api.policy`` does the same; the admin, where staff repairs what no page shows, has its own rights alone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
            if is_walled() and type(response) is StreamingHttpResponse:  # its rows are read while it is sent
                response.streaming_content = _behind_the_wall(response.streaming_content, user_of(request))
            return response
        finally:
            lower_wall()

    def process_view(self, request: HttpRequest, view: View, *given: Any) -> None:
        match = request.resolver_match
        if (match and match.view_name.startswith(APART)) or not has_wall(request) or not request.user.is_authenticated:
            return
        if is_only_read(request):
            raise_wall(user_of(request))
        else:
            raise_wall_for_writes(user_of(request))
