"""Notes when a session was last used, and remembers why one ended until the log-in page can say so."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.security import sessions
from crm.web.middleware import PROBES

SIGNED_OUT = "signed_out_because"  # in the session of nobody: a SessionEnd

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionWatchMiddleware:
    """Stands behind the authentication; costs a request nothing but what ``request.user`` costs anyway."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if key and request.path not in PROBES:
            self.watch(request, key)
        return self.get_response(request)

    def watch(self, request: HttpRequest, key: str) -> None:
        known = request.session.get(SESSION_KEY)
        if known is None:
            gone = not request.session.keys()
            reason = sessions.why_ended(session_key=key[:40]) if gone else ""
        elif request.user.is_authenticated:
            sessions.note_seen(request, now=timezone.now())
            return
        else:  # Django has emptied the session: its hash is no longer the user's
            reason = sessions.why_ended(session_key=key[:40]) or sessions.why_refused(user_id=known)
        if reason:
            request.session[SIGNED_OUT] = reason
