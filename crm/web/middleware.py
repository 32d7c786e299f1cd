"""Two small middlewares: the policy of the pages that are not ours, and the language each user chose."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN_POLICY = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
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
