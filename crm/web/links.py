"""Linking an account to another, and ending a link; shown on the group tab from both ends."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.links import LinkRefused, end_link, link_accounts
from accounts.models import Account, AccountLinkType
from accounts.querysets import today_local
from crm.lib.exceptions import CrmError
from crm.web.account import AccountPage
from crm.web.auth import dress
from crm.web.editing import on_seen
from crm.web.htmx import signed_in, user_of
from crm.web.rights import require_change_link

DAY = {"type": "date"}


class LinkForm(forms.Form):
    """``kind``: key of a type and a direction, as the account at hand would say it."""

    kind = forms.ChoiceField(label=gettext_lazy("This account"))
    other = forms.CharField(
        label=gettext_lazy("Code of the other account"),
        max_length=64,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    since = forms.DateField(
        label=gettext_lazy("First day"), required=False, widget=forms.DateInput(attrs=DAY),
        help_text=gettext_lazy("Empty: since ever."),
    )  # fmt: skip
    until = forms.DateField(
        label=gettext_lazy("First day no longer so"), required=False, widget=forms.DateInput(attrs=DAY),
        help_text=gettext_lazy("Empty: still."),
    )  # fmt: skip
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = []
        for one in AccountLinkType.objects.filter(is_active=True):
            choices.append((f"{one.pk}-out", one.words(is_forward=True)))
            if not one.is_mutual:
                choices.append((f"{one.pk}-in", one.words(is_forward=False)))
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]
        dress(self)


class LinkTypeForm(forms.ModelForm):
    class Meta:
        model = AccountLinkType
        fields = ("key", "forward", "backward", "is_mutual")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_http_methods(["GET", "POST"])
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_link(request.user)
    page = AccountPage(request, pk, "group")
    form = LinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _linked(request, page.account, form):
        return redirect("accounts:group", pk)
    status = 422 if request.method == "POST" else 200
    return page.render_as("accounts/link_new.html", form=form, status=status)


def _linked(request: HttpRequest, account: Account, form: LinkForm) -> bool:
    """Whether the link was made; else the form says why not."""
    given = form.cleaned_data
    other = Account.objects.visible_to(request.user).filter(code=given["other"].replace("\x00", "").strip()).first()
    if other is None:
        form.add_error("other", _("There is no account with this code among those you see."))
        return False
    key, direction = given["kind"].split("-")
    source, target = (account, other) if direction == "out" else (other, account)
    try:
        link_accounts(
            type=AccountLinkType.objects.get(pk=key), source=source, target=target, since=given["since"],
            until=given["until"], note=given["note"], by=user_of(request),
        )  # fmt: skip
    except LinkRefused as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, _("%(account)s and %(other)s are linked.") % {"account": account, "other": other})
    return True


@signed_in
@require_POST
def end(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """The link ends today."""
    require_change_link(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    found = get_object_or_404(account.links_out.all() | account.links_in.all(), pk=link)
    try:
        on_seen(
            found, request.POST, lambda: end_link(link=found, on=today_local(), by=user_of(request)), asked=_("end it")
        )
        messages.success(request, _("The link has ended today."))
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("accounts:group", pk)


@signed_in
@require_http_methods(["GET", "POST"])
def types(request: HttpRequest) -> HttpResponse:
    """The types of links there are, and one's own."""
    require_change_link(request.user)
    form = LinkTypeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = form.save()
        messages.success(request, _("“%(words)s” can be chosen now.") % {"words": made})
        return redirect("accounts:link_types")
    rows = [(one, one.words(is_forward=True), one.words(is_forward=False)) for one in AccountLinkType.objects.all()]
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/link_types.html", {"form": form, "rows": rows}, status=status)
