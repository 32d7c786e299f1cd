"""Merging an account into another: which one, what will happen in numbers, why; and taking it back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.following import counts
from accounts.merges import MergePreview, MergeRefused, merge_accounts, preview, undo_merge
from accounts.models import Account, AccountMerge
from crm.lib.exceptions import CrmError
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from plans.merges import OWN as PLANS
from service.merges import OWN as SERVICE
from tiering.merges import OWN as GRADES

REASON_LENGTH = 500
FOLLOWING = {**SERVICE, **GRADES, **PLANS}
KINDS = {
    "children": gettext_lazy("members of its group"),
    "contacts": gettext_lazy("contacts"),
    "contracts": gettext_lazy("contracts"),
    "team_members": gettext_lazy("seats of the team"),
    "ratings": gettext_lazy("ratings"),
    "wallet_estimates": gettext_lazy("estimates of its wallet"),
    "receivables": gettext_lazy("receivables"),
    "market_efforts": gettext_lazy("market efforts"),
    "interactions": gettext_lazy("interactions"),
    "service_requests": gettext_lazy("requests"),
    "sponsors": gettext_lazy("sponsors"),
    "discounts": gettext_lazy("discounts"),
    "overrides": gettext_lazy("grades set by hand"),
    "band_decisions": gettext_lazy("decisions on its value band"),
    "account_plans": gettext_lazy("account plans"),
    "remediation_plans": gettext_lazy("remediation plans"),
}


class IntoForm(forms.Form):
    into = forms.CharField(
        label=gettext_lazy("Code of the account that stays"),
        max_length=64,
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why are they one customer?"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Without ``into`` asks for the other account; with it says what will happen; a POST does it."""
    check_right(request)
    visible = Account.objects.visible_to(user_of(request))
    account = get_object_or_404(visible, pk=pk)
    code = (request.POST if request.method == "POST" else request.GET).get("into", "").replace("\x00", "").strip()
    asked = IntoForm({"into": code} if code else None)
    reason = ReasonForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"account": account, "form": asked, "reason": reason}
    if not code:
        return render(request, "accounts/merge.html", context)
    into = visible.filter(code=code).first()
    try:
        if into is None:
            raise MergeRefused(_("There is no account with this code among those you see."))
        shown = preview(merged=account, into=into)
        if request.method == "POST" and reason.is_valid():
            return _done(request, account, into, reason.cleaned_data["reason"])
    except CrmError as refused:
        asked.is_valid()
        asked.add_error("into", str(refused))
        return render(request, "accounts/merge.html", context, status=422)
    more = counts(FOLLOWING, merged_id=account.pk, survivor_id=into.merged_into_id or into.pk)
    context |= {"into": into, "effects": _effects(shown, more)}
    return render(request, "accounts/merge.html", context, status=422 if request.method == "POST" else 200)


def _done(request: HttpRequest, account: Account, into: Account, reason: str) -> HttpResponse:
    done = merge_accounts(merged=account, into=into, by=user_of(request), reason=reason)
    messages.success(
        request, _("%(merged)s is part of %(survivor)s now.") % {"merged": account, "survivor": done.survivor}
    )
    return redirect(done.survivor)


def _effects(found: MergePreview, more: dict[str, tuple[int, int]]) -> dict[str, Any]:
    moves = found.moves | {name: going for name, (going, _left) in more.items()}
    stays = found.stays | {name: left for name, (_going, left) in more.items()}
    return {
        "records": found.records,
        "moves": [(KINDS[name], count) for name, count in moves.items() if count],
        "stays": [(KINDS[name], count) for name, count in stays.items() if count],
        "joins_plans": bool(stays["remediation_plans"]),
    }


@signed_in
@require_POST
def undo(request: HttpRequest, pk: int, merge: int) -> HttpResponse:
    """From the page of the account that stays."""
    check_right(request)
    account = get_object_or_404(Account.objects.visible_to(user_of(request)), pk=pk)
    found = AccountMerge.objects.filter(pk=merge, survivor=account).select_related("merged").first()
    if found is None:
        raise Http404
    try:
        undo_merge(merge=found, by=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(account.get_absolute_url())
    messages.success(request, _("%(merged)s is an account of its own again.") % {"merged": found.merged})
    return HttpResponseRedirect(account.get_absolute_url())


def check_right(request: HttpRequest) -> None:
    if not request.user.has_perm("accounts.change_account"):
        raise PermissionDenied(_("Changing accounts needs the right to change them. Your administrator can give it."))
