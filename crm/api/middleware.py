"""What Django answers before or after the REST views, in the shape of the REST edge."""

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from crm.api.errors import MEDIA_TYPE, problem

GetResponse = Callable[[HttpRequest], HttpResponse]
PREFIX = "/api/"
DRAINED = 16 << 20  # bytes of an unread body that are read and dropped
KEPT_HEADERS = ("WWW-Authenticate", "Allow", "Retry-After")


class ProblemMiddleware:
    """Below /api/ every error is a problem document, also those no REST view has seen (bad host, 404, 500), and no
    answer is for shared caches."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(PREFIX):
            return response
        if response.status_code >= 400:
            drain(request)
            response = as_problem(response)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        patch_cache_control(response, private=True, no_cache=True)  # may be kept, must be asked about by its ETag
        return response


def as_problem(response: HttpResponse) -> HttpResponse:
    """The response itself where it is a problem document, else one of its status."""
    if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
        return response
    answer = problem(response.status_code)
    for name in KEPT_HEADERS:
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    answer.cookies = response.cookies
    return answer


def drain(request: HttpRequest) -> None:
    """Read what a refused request still sends: a server that closes on an unread body takes the answer with it."""
    dropped = 0
    with suppress(OSError):
        while dropped < DRAINED and (piece := request.read(1 << 16)):
            dropped += len(piece)
