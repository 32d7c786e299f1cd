"""Log-in, log-out, change of password."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm, UsernameField
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts.enums_logins import LoginEventKind, SessionEnd
from accounts.models import User
from accounts.security import sessions
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.factors import has_factor as has_second_factor
from accounts.security.factors import is_required
from accounts.security.logins import try_password
from accounts.security.visitors import visitor_of
from crm.web import second_step
from crm.web.dress import dress
from crm.web.htmx import user_of
from crm.web.session_watch import SIGNED_OUT

__all__ = ["LoginView", "PasswordChangeView", "dress", "enter", "open_session"]

BACKEND = "django.contrib.auth.backends.ModelBackend"
ENDED_WORDS = {
    SessionEnd.BY_USER: _("You were signed out because somebody with your log-in ended this session elsewhere."),
    SessionEnd.BY_ADMINISTRATOR: _("You were signed out because an administrator ended this session."),
    SessionEnd.PASSWORD: _("You were signed out because your password was changed. Log in with the new one."),
    SessionEnd.OFF: _("You were signed out because this log-in was switched off. Ask your administrator."),
    SessionEnd.RIGHTS: _("You were signed out because your password or your rights were changed. Log in again."),
    SessionEnd.FACTOR: _("You were signed out because your second factor was changed. Log in again."),
}


class LoginForm(forms.Form):
    username = UsernameField(label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None
        dress(self)

    def clean(self) -> None:
        """Look at name and password, within the limits; the refusal says what to do."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return
        try:
            self.user = try_password(
                username=name, password=password, visitor=visitor_of(self.request), now=timezone.now()
            )
        except LoginRefused as refused:
            raise forms.ValidationError(str(refused), code=refused.reason) from None


class ChangePasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@method_decorator([sensitive_post_parameters("password"), csrf_protect, never_cache], name="dispatch")
class LoginView(auth_views.RedirectURLMixin, FormView):
    template_name = "auth/login.html"
    form_class = LoginForm
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Where ``next`` leads on this site, as a path from its root; the log-in itself is no goal."""
        wanted = super().get_redirect_url()
        return wanted if wanted.startswith("/") and not wanted.startswith(self.request.path) else ""

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ended = self.request.session.get(SIGNED_OUT, "")
        said = ENDED_WORDS.get(ended, "") if self.request.method == "GET" else ""
        own = {"next": self.get_redirect_url(), "ended": said}
        own["sso_name"] = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        return super().get_context_data(**kwargs) | own

    def form_valid(self, form: LoginForm) -> HttpResponse:
        assert form.user is not None
        return enter(self.request, form.user, to=self.get_success_url(), way=LoginEventKind.PASSWORD)


def enter(request: HttpRequest, user: User, *, to: str, way: LoginEventKind) -> HttpResponse:
    """What follows the first factor: the second, setting one up where the role asks for it, or the session."""
    has_factor = has_second_factor(user)
    if not has_factor and not is_required(user):
        return open_session(request, user, to=to, way=way)
    now = timezone.now()
    record(way, now=now, user=user, username=user.username, visitor=visitor_of(request))
    second_step.suspend(request, user, to=to, way=way, now=now)
    return redirect("login_code" if has_factor else "login_setup")


def open_session(request: HttpRequest, user: User, *, to: str, way: LoginEventKind) -> HttpResponse:
    """Log in a user who has shown all that is asked for, and bring their language to this device."""
    login(request, user, backend=BACKEND)
    request.session.pop(SIGNED_OUT, None)
    record(way, now=timezone.now(), user=user, username=user.username, visitor=visitor_of(request))
    response = HttpResponseRedirect(to)
    if user.language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax", secure=settings.HTTPS_ONLY)
    return response


class PasswordChangeView(auth_views.PasswordChangeView):
    template_name = "auth/password_change.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("dashboard")

    @transaction.atomic
    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Change it, end what other devices and programs hold open, and go on here under a new key."""
        now, user, old_key = timezone.now(), user_of(self.request), self.request.session.session_key
        response = super().form_valid(form)
        user.refresh_from_db(fields=["auth_version"])
        sessions.carry_over(user=user, old_key=old_key, new_key=self.request.session.session_key)
        sessions.end_other_sessions(
            user=user, keep=self.request.session.session_key, reason=SessionEnd.PASSWORD, now=now
        )
        record(LoginEventKind.PASSWORD_CHANGED, now=now, user=user, visitor=visitor_of(self.request))
        messages.success(self.request, _("Your password is changed. Other devices are logged out."))
        return response
