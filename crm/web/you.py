"""One's own log-in: password, second factor, sessions, tokens, and what was tried with one's name."""

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.enums_logins import SessionEnd
from accounts.models import LoginEvent, User, UserSession
from accounts.security import factors, sessions
from accounts.security.errors import LoginRefused
from accounts.security.logins import confirm_password
from accounts.security.oidc import identities_of
from accounts.security.visitors import visitor_of
from crm.web.devices import device_name
from crm.web.dress import dress
from crm.web.htmx import signed_in, user_of
from crm.web.second_step import SECRET, AppForm, app_setup, credential_of, options_text

UNPROCESSABLE = 422
LOG_PAGE = 50
FRESH = timedelta(minutes=15)  # a log-in this new stands for a password, where there is none


class ConfirmForm(forms.Form):
    """The password once more, before something that an unlocked screen should not be enough for."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user_of(request)
        if not self.user.has_usable_password():
            del self.fields["password"]
        dress(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            if "password" not in self.fields:
                self._require_fresh_session()
            elif "password" in cleaned:
                confirm_password(
                    user=self.user,
                    password=cleaned["password"],
                    visitor=visitor_of(self.request),
                    now=timezone.now(),
                )
        except LoginRefused as refused:
            self.add_error("password" if "password" in self.fields else None, str(refused))
        return cleaned

    def _require_fresh_session(self) -> None:
        key = self.request.session.session_key
        since = UserSession.objects.filter(session_key=key).values_list("started_at", flat=True).first()
        if since is None or timezone.now() - since > FRESH:
            raise LoginRefused(_("Log out, log in again, and repeat this within a quarter of an hour."), reason="")


@signed_in
@never_cache
@require_GET
def security(request: HttpRequest) -> HttpResponse:
    return security_page(request)


def security_page(request: HttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    user = user_of(request)
    context = {
        "tab": "security",
        "factors": factors.factors_of(user),
        "is_required": factors.is_required(user),
        "confirm": ConfirmForm(request),
        "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "identities": identities_of(user) if settings.OIDC_ISSUER else [],
        **extra,
    }
    return render(request, "you/security.html", context, status=status)


@signed_in
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Set up, or change, the app that shows codes."""
    user, now = user_of(request), timezone.now()
    form, confirm = AppForm(request.POST or None), ConfirmForm(request, request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid() and confirm.is_valid():
        try:
            codes = factors.add_app(
                user=user,
                secret=request.session.get(SECRET, ""),
                code=form.cleaned_data["code"],
                visitor=visitor_of(request),
                now=now,
            )
        except LoginRefused as refused:
            refusal = str(refused)
        else:
            request.session.pop(SECRET, None)
            return _after_adding(request, codes)
    context = {"form": form, "confirm": confirm, "refusal": refusal, **app_setup(request, user)}
    return render(request, "you/app.html", context, status=UNPROCESSABLE if request.method == "POST" else 200)


def _after_adding(request: HttpRequest, codes: list[str]) -> HttpResponse:
    if codes:
        return render(request, "you/codes.html", {"codes": codes, "to": "/you/"})
    messages.success(request, _("Your second factor is set up. It is asked for at the next log-in."))
    return redirect("you:security")


class PasskeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name of the passkey"),
        max_length=factors.PASSKEY_NAME_LENGTH,
        help_text=gettext_lazy("By which you will know it, such as the laptop at work."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey: the device's own lock, or a security key."""
    user, now = user_of(request), timezone.now()
    form, confirm = PasskeyForm(request.POST or None), ConfirmForm(request, request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid() and confirm.is_valid():
        try:
            codes = factors.add_passkey(
                user=user,
                name=form.cleaned_data["name"],
                credential=credential_of(request) or {},
                visitor=visitor_of(request),
                now=now,
            )
        except LoginRefused as refused:
            refusal = str(refused)
        else:
            return _after_adding(request, codes)
    options = options_text(factors.begin_passkey(user))
    context = {"form": form, "confirm": confirm, "refusal": refusal, "options": options}
    return render(request, "you/passkey.html", context, status=UNPROCESSABLE if request.method == "POST" else 200)


@signed_in
@sensitive_post_parameters()
@require_POST
def remove_factor(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    factor = get_object_or_404(Authenticator.objects.filter(user_id=user.pk, type__in=factors.FACTORS), pk=pk)
    confirm = ConfirmForm(request, request.POST)
    if not confirm.is_valid():
        return security_page(request, status=UNPROCESSABLE, confirm=confirm, opened=f"factor-{factor.pk}")
    try:
        factors.remove_factor(user=user, factor=factor, visitor=visitor_of(request), now=timezone.now())
    except LoginRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Removed. It is no longer asked for at log-in."))
    return redirect("you:security")


@signed_in
@sensitive_post_parameters()
@never_cache
@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ten new codes, shown in this answer and never again."""
    confirm = ConfirmForm(request, request.POST)
    if not confirm.is_valid():
        return security_page(request, status=UNPROCESSABLE, confirm=confirm, opened="codes")
    try:
        codes = factors.new_recovery_codes(user=user_of(request), visitor=visitor_of(request), now=timezone.now())
    except LoginRefused as refused:
        messages.error(request, str(refused))
        return redirect("you:security")
    return render(request, "you/codes.html", {"codes": codes, "to": "/you/"})


@signed_in
@sensitive_post_parameters()
@never_cache
@require_POST
def recovery_file(request: HttpRequest) -> HttpResponse:
    """The codes on the page as a file. The page sends them along: only who sees them can have them."""
    codes = request.POST.get("codes", "").split()
    if not factors.are_own_codes(user=user_of(request), codes=codes):
        messages.error(request, _("These are not your codes any more. Make new ones."))
        return redirect("you:security")
    lines = [_("Recovery codes for Facet, user %(name)s. Each is good once.") % {"name": request.user.get_username()}]
    text = "\n".join([*lines, "", *codes, ""])
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="facet-recovery-codes.txt"'},
    )


@signed_in
@require_GET
def session_list(request: HttpRequest) -> HttpResponse:
    rows = [
        {"session": one, "device": device_name(one.agent), "is_this": one.session_key == request.session.session_key}
        for one in sessions.open_sessions(user_of(request))
    ]
    return render(request, "you/sessions.html", {"tab": "sessions", "rows": rows})


@signed_in
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(sessions.open_sessions(user_of(request)), pk=pk)
    sessions.end_session(session=session, reason=SessionEnd.BY_USER, now=timezone.now(), visitor=visitor_of(request))
    if session.session_key == request.session.session_key:
        request.session.flush()
        return redirect("login")
    messages.success(request, _("Signed out there."))
    return redirect("you:sessions")


@signed_in
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    number = sessions.sign_out_others(
        user=user_of(request), keep=request.session.session_key, now=timezone.now(), visitor=visitor_of(request)
    )
    messages.success(request, _("Signed out everywhere else: %(number)s sessions.") % {"number": number})
    return redirect("you:sessions")


@signed_in
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """What was tried with one's own name."""
    page = Paginator(own_events(user_of(request)), LOG_PAGE).get_page(request.GET.get("page"))
    rows = [(event, device_name(event.agent)) for event in page]
    return render(request, "you/log.html", {"tab": "log", "page": page, "rows": rows})


def own_events(user: User) -> Any:
    return LoginEvent.objects.filter(user=user).select_related("actor")
