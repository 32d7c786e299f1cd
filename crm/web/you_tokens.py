"""Tokens for programs: made, shown once, listed, revoked."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import TOKEN_SCOPES, Action
from accounts.models import AccessToken, User
from accounts.security import tokens
from accounts.security.visitors import visitor_of
from crm.web.access_words import WORDS, in_sections
from crm.web.dress import dress
from crm.web.htmx import signed_in, user_of
from crm.web.you import UNPROCESSABLE, ConfirmForm

USUAL_DAYS = 90


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=tokens.NAME_LENGTH,
        help_text=gettext_lazy("The program that will use it."),
    )
    days = forms.IntegerField(label=gettext_lazy("Lasts, in days"), min_value=1, initial=USUAL_DAYS)
    reach = forms.ChoiceField(
        label=gettext_lazy("What it may do"),
        choices=[
            ("read", gettext_lazy("Only look: nothing it does changes anything")),
            ("some", gettext_lazy("What is ticked below")),
            ("all", gettext_lazy("All that you may do")),
        ],
        initial="read",
        widget=forms.RadioSelect,
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes, days = self.fields["scopes"], self.fields["days"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        assert isinstance(days, forms.IntegerField)
        scopes.choices = [(scope.value, WORDS[scope]) for scope in TOKEN_SCOPES if user.may(scope)]
        days.widget.attrs["max"] = settings.API_TOKEN_MAX_DAYS
        days.help_text = _("At most %(most)s.") % {"most": settings.API_TOKEN_MAX_DAYS}
        dress(self)

    def scope_sections(self) -> list[tuple[Any, list[tuple[Any, Action]]]]:
        """The boxes with their codes, below the headings of "Who may do what"."""
        boxes = {Action(box.data["value"]): box for box in self["scopes"]}
        return [(title, [(boxes[action], action) for action, _words in lines]) for title, lines in in_sections(boxes)]

    def wanted(self) -> list[str] | None:
        reach = self.cleaned_data["reach"]
        return self.cleaned_data["scopes"] if reach == "some" else tokens.preset(reach)


@signed_in
@require_GET
def token_list(request: HttpRequest) -> HttpResponse:
    rows = AccessToken.objects.filter(user=user_of(request))
    context = {"tab": "tokens", "rows": [(row, _state(row), _reach(row)) for row in rows]}
    return render(request, "you/tokens.html", context)


def _state(token: AccessToken) -> str:
    if token.expiry <= timezone.now():
        return "expired"
    return "good" if token.auth_version == token.user.auth_version else "changed"


def _reach(token: AccessToken) -> dict[str, Any]:
    """What the token may, in words. ``gone``: codes of scopes that no release knows any more."""
    if token.scopes is None:
        return {"is_all": True}
    known = {Action(scope) for scope in token.scopes if scope in TOKEN_SCOPES}
    return {
        "only_looks": set(token.scopes) == set(tokens.preset("read") or ()),
        "count": len(known),
        "sections": in_sections(known),
        "gone": sorted(set(token.scopes) - known),
    }


@signed_in
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def token_new(request: HttpRequest) -> HttpResponse:
    """A new token; its text stands in the answer to the form and never again."""
    user = user_of(request)
    form, confirm = TokenForm(user, request.POST or None), ConfirmForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid() and confirm.is_valid():
        try:
            row, text = tokens.make_token(
                user=user,
                name=form.cleaned_data["name"],
                days=form.cleaned_data["days"],
                scopes=form.wanted(),
                now=timezone.now(),
                visitor=visitor_of(request),
            )
        except tokens.TokenProblem as problem:
            form.add_error(problem.field, str(problem))
        else:
            return render(request, "you/token_made.html", {"token": row, "text": text})
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "you/token_new.html", {"form": form, "confirm": confirm}, status=status)


@signed_in
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    token = get_object_or_404(AccessToken.objects.filter(user=user), pk=pk)
    tokens.revoke_token(token=token, by=user, now=timezone.now(), visitor=visitor_of(request))
    messages.success(request, _("Revoked. The next call with it is refused."))
    return redirect("you:tokens")
