"""Adding an account beside those its name resembles, and the pairs among all that may be one company."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Reach
from accounts.duplicates import MOST_PAIRS, Match, dismiss_pair, duplicate_pairs, similar_accounts
from accounts.models import Account
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from crm.web.merges import check_right
from crm.web.rights import require_add_account

NAMES = ("name", "latin_name", "short_name")
NAME_LENGTH = 200
PAGE_SIZE = 25


class NewAccountForm(forms.ModelForm):
    """The facts one begins with; the rest is added on its page. ``parent`` is a code."""

    parent = forms.CharField(
        label=gettext_lazy("Code of the account above it"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Of its group, where it has one."),
    )

    class Meta:
        model = Account
        fields = ("name", "latin_name", "short_name", "code", "segment", "industry", "region", "country")

    def __init__(self, *args: Any, viewer: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        dress(self)

    def clean_parent(self) -> Account | None:
        code = self.cleaned_data["parent"].strip()
        found = Account.objects.visible_to(self.viewer).filter(code=code).first() if code else None
        if code and found is None:
            raise forms.ValidationError(_("There is no account with this code among those you see."))
        return found

    def save(self, commit: bool = True) -> Account:  # noqa: FBT001, FBT002 - Django's signature
        """Whoever does not see every account owns what they add, as over REST."""
        self.instance.parent = self.cleaned_data["parent"]
        if self.viewer.reach is not Reach.ALL:
            self.instance.owner = self.viewer
        return super().save(commit)


@signed_in
@require_http_methods(["GET", "POST"])
def new_account(request: HttpRequest) -> HttpResponse:
    """A name like one that is there is shown once; sent again, the account is added."""
    require_add_account(request.user)
    is_sent = request.method == "POST"
    form = NewAccountForm(request.POST if is_sent else None, viewer=user_of(request))
    matches = _matches(request) if is_sent else []
    if is_sent and form.is_valid() and (not matches or request.POST.get("is_other")):
        account = form.save()
        messages.success(request, _("%(account)s is added.") % {"account": account})
        return redirect(account)
    context = {"form": form, "matches": matches, "must_confirm": bool(matches) and form.is_valid()}
    return render(request, "accounts/new.html", context, status=422 if is_sent and form.errors else 200)


@signed_in
@require_GET
def similar(request: HttpRequest) -> HttpResponse:
    """Accounts whose names resemble those in the address; for whoever may add one."""
    require_add_account(request.user)
    return render(request, "accounts/_similar.html", {"matches": _matches(request)})


def _matches(request: HttpRequest) -> list[Match]:
    given = request.POST if request.method == "POST" else request.GET
    names = [given.get(name, "").replace("\x00", "")[:NAME_LENGTH] for name in NAMES]
    return similar_accounts(names, viewer=user_of(request))


@signed_in
@require_GET
def pairs(request: HttpRequest) -> HttpResponse:
    check_right(request)
    found = duplicate_pairs(Account.objects.visible_to(request.user))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "accounts/duplicates.html", {"page": page, "is_cut": len(found) == MOST_PAIRS})


@signed_in
@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """The two are two companies: the pair is not shown again, to anybody."""
    check_right(request)
    seen = Account.objects.visible_to(request.user)
    both = [get_object_or_404(seen, pk=_key(request.POST.get(name, ""))) for name in ("first", "second")]
    if both[0] != both[1]:
        dismiss_pair(one=both[0], other=both[1], by=user_of(request))
        messages.success(
            request, _("%(first)s and %(second)s stay two companies.") % {"first": both[0], "second": both[1]}
        )
    return redirect("accounts:duplicates")


def _key(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
