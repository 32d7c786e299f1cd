"""Small middlewares: the policy of the pages that are not ours, the language each user chose, one instant for a page."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.translation import gettext as _

from accounts.fields import hidden_asked, hidden_from, read_as
from crm.access import APART, gate_for, shows_hidden
from crm.lib.snapshot import one_snapshot
from crm.web.htmx import View, signed_in, user_of

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


class AccessMiddleware:
    """Asks ``crm.access`` before a page is made: who is not logged in is led to the log-in, and who may not gets 403.

    An address that is not listed there fails the build; until then its view alone guards it.
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
        if gate is None or gate.is_open:
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
