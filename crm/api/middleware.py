"""What Django answers before or after the REST views, in the shape of the REST edge."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from crm.api.errors import MEDIA_TYPE, problem

GetResponse = Callable[[HttpRequest], HttpResponse]
PREFIX = "/api/"
KEPT_HEADERS = ("WWW-Authenticate", "Allow", "Retry-After")


class ProblemMiddleware:
    """Below /api/ every error is a problem document, also those no REST view has seen: bad host, 404, 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(PREFIX) or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        answer = problem(response.status_code)
        for name in KEPT_HEADERS:
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        answer.cookies = response.cookies
        return answer
