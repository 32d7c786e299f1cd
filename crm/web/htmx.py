"""What htmx adds to plain pages: fragments, log-in that has run out, words for a toast."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from accounts.models import User

VARY = ("HX-Request", "HX-Request-Type", "HX-History-Restore-Request")
View = Callable[..., HttpResponseBase]


def wants_fragment(request: HttpRequest) -> bool:
    """True where htmx will put the answer into a part of the page: not a full swap, not a history restore."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Request-Type") != "full"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render ``fragment`` for htmx and ``page`` (which includes the fragment) for everybody else."""
    response = render(request, fragment if wants_fragment(request) else page, context, status=status)
    patch_vary_headers(response, VARY)
    return response


def signed_in(view: View) -> View:
    """``login_required`` that leads htmx to the log-in page as a page instead of swapping it into a part."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.headers.get("HX-Request") == "true":
            here = request.headers.get("HX-Current-URL", "/")
            return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(_path_of(here)).url})
        return redirect_to_login(request.get_full_path())

    return guarded


def user_of(request: HttpRequest) -> User:
    """Who is logged in, behind ``signed_in``."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def with_toast(response: HttpResponse, text: str, *, kind: str = "good") -> HttpResponse:
    """Let the page say ``text`` once the answer has arrived."""
    response["HX-Trigger"] = json.dumps({"toast": {"text": str(text), "kind": kind}})
    return response


def _path_of(url: str) -> str:
    """Path and query of an address of ours; a foreign or odd one becomes the start page."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    path = parts.path or "/"
    if not path.startswith("/") or path.startswith("//"):
        return "/"
    return f"{path}?{parts.query}" if parts.query else path
