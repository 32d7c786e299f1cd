"""Ways in for those who are not logged in: a new password by mail, and the link of an invitation."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.enums_logins import LoginEventKind
from accounts.models import Invitation, User
from accounts.security import invitations, limits, resets
from accounts.security.events import record
from accounts.security.links import BadAddress, LinkRefused, mail_address
from accounts.security.visitors import visitor_of
from accounts.tasks import mail_reset_task
from crm.lib.exceptions import CrmError
from crm.tasks import send
from crm.web.auth import enter
from crm.web.dress import dress

GONE = 410


def site_of(request: HttpRequest) -> str:
    """The address of the site as the reader typed it; Django has held the host against ALLOWED_HOSTS."""
    return request.build_absolute_uri("/").rstrip("/")


def unreferred(response: HttpResponse) -> HttpResponse:
    """The address of the page is a secret: no other address hears of it."""
    response["Referrer-Policy"] = "no-referrer"
    return response


def link_gone(request: HttpRequest, refused: CrmError) -> HttpResponse:
    return unreferred(render(request, "auth/gone.html", {"reason": str(refused)}, status=GONE))


class ForgotForm(forms.Form):
    email = forms.CharField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_email(self) -> str:
        try:
            return mail_address(self.cleaned_data["email"])
        except BadAddress as bad:
            raise ValidationError(str(bad)) from None


@never_cache
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for a new password. The answer is the same, and takes as long, whether the address is known or not."""
    form = ForgotForm(request.POST or None)
    asked = request.method == "POST" and form.is_valid()
    if asked:
        now, visitor = timezone.now(), visitor_of(request)
        email = form.cleaned_data["email"]
        free_at = [
            limits.take(limits.RESET, subject, now=now)
            for subject in (email.casefold(), visitor.neighbourhood)
            if subject
        ]
        record(LoginEventKind.RESET_ASKED, now=now, username=email, visitor=visitor)
        if not any(free_at):
            send(mail_reset_task, email=email, base=site_of(request), language=get_language() or "")
    return render(request, "auth/forgot.html", {"form": form, "asked": asked, "mails": settings.MAIL_IS_SENT})


class NewPasswordForm(SetPasswordForm):
    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        dress(self)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, key: str, token: str) -> HttpResponse:
    """Set a new password by the link of a mail. It logs nobody in: the second factor still stands before that."""
    try:
        user = resets.user_of_link(key, token)
        form = NewPasswordForm(user, request.POST or None)
        if request.method == "POST" and form.is_valid():
            resets.set_password_by_link(
                key=key,
                token=token,
                password=form.cleaned_data["new_password1"],
                visitor=visitor_of(request),
                now=timezone.now(),
            )
            messages.success(request, _("Your new password counts. Log in with it."))
            return redirect("login")
    except LinkRefused as refused:
        return link_gone(request, refused)
    return unreferred(render(request, "auth/reset.html", {"form": form, "name": user.username}))


class JoinForm(forms.ModelForm):
    password1 = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    password2 = forms.CharField(
        label=gettext_lazy("The password again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name")
        labels = {
            "username": gettext_lazy("User name"),
            "first_name": gettext_lazy("First name"),
            "last_name": gettext_lazy("Last name"),
        }

    field_order = ("username", "first_name", "last_name", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password1") != cleaned.get("password2"):
            self.add_error("password2", _("The two passwords differ. Type the same one twice."))
        return cleaned


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Make one's log-in by the link of an invitation."""
    try:
        invitation = invitations.invitation_of(token, now=timezone.now())
        form = JoinForm(request.POST or None, initial=_first_guess(invitation))
        if request.method == "POST" and form.is_valid() and (user := _joined(request, form, token)):
            return enter(request, user, to="/", way=LoginEventKind.PASSWORD)
    except LinkRefused as refused:
        return link_gone(request, refused)
    return unreferred(render(request, "auth/join.html", {"form": form, "invitation": invitation}))


def _first_guess(invitation: Invitation) -> dict[str, str]:
    return {
        "username": invitation.email.partition("@")[0],
        "first_name": invitation.first_name,
        "last_name": invitation.last_name,
    }


def _joined(request: HttpRequest, form: JoinForm, token: str) -> User | None:
    """The new user; None where the form says what is wrong. Raises LinkRefused."""
    given = form.cleaned_data
    try:
        return invitations.join(
            token=token,
            username=given["username"],
            password=given["password1"],
            first_name=given["first_name"],
            last_name=given["last_name"],
            visitor=visitor_of(request),
            now=timezone.now(),
        )
    except ValidationError as error:
        form.add_error("password1" if not hasattr(error, "error_dict") else None, error)
    except invitations.InvitationProblem as problem:
        form.add_error("username", str(problem))
    return None
