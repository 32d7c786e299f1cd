"""Small middlewares: the policy of the pages that are not ours, the language each user chose, one instant for a page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware

from crm.lib.snapshot import one_snapshot

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN_POLICY = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
PROBES = {"/healthz", "/readyz"}
DOORS = ("/login/", "/join/")  # what is counted and logged there has to count whatever becomes of the rest
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


class SnapshotMiddleware:
    """What is only read is read at one instant, so that no answer mixes the grades of two nights.

    A page asks many statements, and a night may be published between two of them. What must answer without the database
    is left alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or request.path in PROBES or request.path.startswith(DOORS):
            return self.get_response(request)
        with one_snapshot(read_only=False):
            return self.get_response(request)
