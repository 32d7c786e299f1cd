"""How much a request with files may bring, asked of its header before anything of it is read.

Django reads a form whole before the first view sees it, and stores files of any size; the server hands on no more than the
header says.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from crm.api.errors import problem
from crm.api.middleware import PREFIX, drain
from crm.web.htmx import View
from service import attachments, mails

GetResponse = Callable[[HttpRequest], HttpResponseBase]
TOO_LARGE = 413
# By route: how many bytes it takes, and what to say where it is more.
Limit = tuple[Callable[[], int], Callable[[], str]]
FILES: Limit = (attachments.largest_body, attachments.too_large_words)
LIMITS: dict[str, Limit] = {
    "accounts:log_interaction": FILES,
    "service:interaction": FILES,
    "api:attachments-list": FILES,
    "api:mails-list": (mails.largest, mails.too_large_words),
}


class BodyLimitMiddleware:
    """Stands before the middleware that reads forms."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *given: object) -> HttpResponse | None:
        match = request.resolver_match
        limit = LIMITS.get(match.view_name) if match else None
        if limit is None or length_of(request) <= limit[0]():
            return None
        words = limit[1]()
        if request.path_info.startswith(PREFIX):
            return problem(TOO_LARGE, name="too-large", detail=words)
        drain(request)
        return render(request, "413.html", {"words": words}, status=TOO_LARGE)


def length_of(request: HttpRequest) -> int:
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isascii() and told.isdigit() else 0
