"""Grades set by hand: who asks, who approves, what holds until when; and problems that wait for a manager."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.enums import Grade
from accounts.models import Account
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from crm.web.auth import dress
from crm.web.editing import on_seen
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_approve, may_decide, require_approve, require_decide, require_request
from metrics.selectors import default_as_of
from tiering import selectors_overrides as overrides
from tiering.enums import OverrideReason, ProblemVerdict
from tiering.models import Override
from tiering.services_overrides import (
    LONGEST_MONTHS,
    approve_override,
    decide_problem,
    end_override,
    refuse_override,
    request_override,
)

PAST_A_PAGE = 25
UNPROCESSABLE = 422
GRADES = [(grade, label) for grade, label in Grade.choices if grade != Grade.NOT_GRADED]


class RequestForm(forms.Form):
    """What whoever asks for another grade fills in; the rules are those of the service."""

    grade = forms.ChoiceField(label=gettext_lazy("Grade"), choices=GRADES)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=OverrideReason.choices)
    text = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Whoever approves it reads this, and so does everybody who asks later."),
    )
    valid_from = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("12 months at most; then the computed grade is shown again by itself."),
    )

    def __init__(self, *args: Any, account: Account, as_of: date, **kwargs: Any) -> None:
        known = {value for value, _label in GRADES}
        kwargs.setdefault(
            "initial",
            {
                "grade": account.grade if account.grade in known else Grade.GENERAL,
                "valid_from": as_of,
                "last_day": add_months(as_of, LONGEST_MONTHS // 2) - timedelta(days=1),
            },
        )
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Requests that wait, overrides in force, proposed problems, and what is over."""
    as_of, accounts = default_as_of(), Account.objects.visible_to(request.user)
    held = list(overrides.in_force(accounts, as_of=as_of))
    context = {
        "as_of": as_of,
        "waiting": [(one, _may_approve(request, one)) for one in overrides.waiting(accounts)],
        "held": [(one, overrides.expires_soon(one, as_of=as_of)) for one in held],
        "expiring": sum(overrides.expires_soon(one, as_of=as_of) for one in held),
        "proposals": overrides.proposals(accounts),
        "page": Paginator(overrides.over(accounts, as_of=as_of), PAST_A_PAGE).get_page(request.GET.get("page")),
        "may_approve": may_approve(request.user),
        "may_decide": may_decide(request.user),
    }
    return render(request, "tiering/overrides.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another grade of one account."""
    require_request(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    form = RequestForm(request.POST if request.method == "POST" else None, account=account, as_of=default_as_of())
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        last = fields.pop("last_day")
        try:
            request_override(
                account=account, requested_by=user_of(request), valid_to=last + timedelta(days=1), **fields
            )
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Asked for. It holds once somebody else has approved it."))
            return redirect("tiering:overrides")
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "tiering/override_new.html", {"account": account, "form": form}, status=status)


@signed_in
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    require_approve(request.user)
    override = _override(request, pk)

    def act() -> str:
        found = approve_override(override=override, approved_by=user_of(request))
        if found.approvals_missing:
            return _("Approved by you; a Diamond needs a second person.")
        return _("Approved. The next night shows it, or grade again now.")

    return _done(request, lambda: on_seen(override, request.POST, act, asked=_("approve it")))


@signed_in
@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn a request down, or take one's own back."""
    override = _override(request, pk)
    if override.requested_by_id != user_of(request).pk:
        require_approve(request.user)

    def act() -> str:
        refuse_override(override=override, by=user_of(request), text=request.POST.get("text", ""))
        return _("The request is closed; the computed grade stays.")

    return _done(request, lambda: on_seen(override, request.POST, act, asked=_("close the request")))


@signed_in
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    require_approve(request.user)
    override = _override(request, pk)

    def act() -> str:
        end_override(override=override, by=user_of(request), text=request.POST.get("text", ""), on=default_as_of())
        return _("Ended. The next night shows the computed grade.")

    return _done(request, lambda: on_seen(override, request.POST, act, asked=_("end it")))


@signed_in
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """A manager's word on a proposed problem of one account."""
    require_decide(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    verdict = request.POST.get("verdict", "")
    if verdict not in ProblemVerdict.values:
        verdict = ProblemVerdict.REFUSE

    def act() -> str:
        decide_problem(account=account, verdict=verdict, text=request.POST.get("text", ""), decided_by=user_of(request))
        return _("Noted. The next night acts on it, or grade again now.")

    return _done(request, act)


def _done(request: HttpRequest, act: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, act())
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("tiering:overrides")


def _override(request: HttpRequest, pk: int) -> Override:
    visible = Account.objects.visible_to(request.user)
    return get_object_or_404(Override.objects.filter(account__in=visible), pk=pk)


def _may_approve(request: HttpRequest, override: Override) -> bool:
    me = user_of(request).pk
    return may_approve(request.user) and me not in {override.requested_by_id, override.approved_by_id}
