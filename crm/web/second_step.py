"""Between the password and the session: the second factor, or setting one up where the role asks for it.

Until this is done nobody is logged in: the session holds who has shown a password, and nothing but the pages below reads
it. So there is no address by which the step could be left out.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.adapter import get_adapter
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.enums_logins import LoginEventKind
from accounts.models import User
from accounts.security import factors
from accounts.security.errors import LoginRefused
from accounts.security.visitors import visitor_of
from crm.web.dress import dress

PENDING = "login_pending"
SECRET = "second_factor_secret"  # noqa: S105 - where a secret is kept while it is being set up
PENDING_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody who has shown the first factor: where to after the second, and how the first was shown."""

    user: User
    to: str
    way: str


def suspend(request: HttpRequest, user: User, *, to: str, way: str, now: datetime) -> None:
    """Remember who is half-way in, under a new session key; whoever was logged in here before is not any more."""
    request.session.flush()
    request.session[PENDING] = {
        "user": user.pk,
        "version": user.auth_version,
        "until": (now + PENDING_FOR).timestamp(),
        "to": to,
        "way": way,
    }


def pending_of(request: HttpRequest, *, now: datetime) -> Pending | None:
    held = request.session.get(PENDING)
    if not held or now.timestamp() > held["until"] or request.user.is_authenticated:
        return None
    user = User.objects.filter(pk=held["user"], is_active=True, auth_version=held["version"]).first()
    return Pending(user, held["to"], held["way"]) if user else None


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false"}
        ),
        help_text=_("The six digits your app shows now, or one of your recovery codes."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class AppForm(CodeForm):
    """Proof that an app holds the secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("The six digits your app shows now.")


def credential_of(request: HttpRequest) -> dict[str, Any] | None:
    """What a passkey answered; None where the form came without one."""
    text = request.POST.get("credential", "")
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def options_text(options: Any) -> str:
    """The options of a passkey as the page hands them to its script; bytes as base64url."""
    return json.dumps(options, default=_as_text)


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    return dict(value)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second factor of a log-in."""
    now = timezone.now()
    pending = pending_of(request, now=now)
    if pending is None or not factors.has_factor(pending.user):
        return redirect("login")
    form = CodeForm(request.POST if request.method == "POST" and not request.POST.get("credential") else None)
    refusal = ""
    if request.method == "POST":
        try:
            if (credential := credential_of(request)) is not None:
                factors.check_passkey(user=pending.user, credential=credential, visitor=visitor_of(request), now=now)
            elif form.is_valid():
                factors.check_code(
                    user=pending.user, code=form.cleaned_data["code"], visitor=visitor_of(request), now=now
                )
            else:
                return _code_page(request, pending, form, "")
        except LoginRefused as refused:
            refusal = str(refused)
        else:
            return complete(request, pending, LoginEventKind.SECOND_FACTOR)
    return _code_page(request, pending, form, refusal)


def _code_page(request: HttpRequest, pending: Pending, form: CodeForm, refusal: str) -> HttpResponse:
    own = factors.factors_of(pending.user)
    options = options_text(factors.ask_passkey(pending.user)) if own.passkeys else ""
    context = {"form": form, "refusal": refusal, "factors": own, "options": options}
    return render(request, "auth/code.html", context)


def complete(request: HttpRequest, pending: Pending, step: LoginEventKind) -> HttpResponse:
    from crm.web.auth import open_session

    request.session.pop(PENDING, None)
    return open_session(request, pending.user, to=pending.to, way=step)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Set up a second factor before the first log-in that needs one; who has one already shows that instead."""
    now = timezone.now()
    pending = pending_of(request, now=now)
    if pending is None or factors.has_factor(pending.user) or not factors.is_required(pending.user):
        return redirect("login")
    form = AppForm(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            codes = factors.add_app(
                user=pending.user,
                secret=request.session.get(SECRET, ""),
                code=form.cleaned_data["code"],
                visitor=visitor_of(request),
                now=now,
            )
        except LoginRefused as refused:
            refusal = str(refused)
        else:
            complete(request, pending, LoginEventKind.SECOND_FACTOR)
            return render(request, "you/codes.html", {"codes": codes, "to": pending.to})
    context = {"form": form, "refusal": refusal, **app_setup(request, pending.user)}
    return render(request, "auth/setup.html", context)


def app_setup(request: HttpRequest, user: User) -> dict[str, Any]:
    """Secret and picture for an app; the secret stays the same until it is confirmed."""
    secret = request.session.get(SECRET)
    if not secret:
        secret = request.session[SECRET] = factors.new_secret()
    adapter = get_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    picture = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"picture": picture, "secret": spaced}
