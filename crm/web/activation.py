"""Versions on their way into force: proposed by one person, decided by another, with what they change side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib.exceptions import CrmError
from crm.web.auth import dress
from crm.web.editing import on_seen
from crm.web.htmx import signed_in, user_of
from crm.web.model_differences import Line, difference_lines
from crm.web.rights import may_activate, require_activate, require_draft
from crm.web.scope import number_style
from tiering import selectors_activation as selectors
from tiering.checks import activation_problems
from tiering.enums import ActivationState
from tiering.models import Activation, ScoringModel
from tiering.services_activation import (
    approve_activation,
    close_activation,
    earliest_effective_day,
    propose_activation,
    review_model,
)

PAST_A_PAGE = 25
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Proposal:
    """One open activation with what it changes against the version in force, and what the reader may do."""

    activation: Activation
    lines: list[Line]
    may_approve: bool
    may_close: bool
    is_own: bool


class ProposeForm(forms.Form):
    """What whoever proposes a version fills in; the rules are those of the service."""

    effective_on = forms.DateField(
        label=gettext_lazy("In force from"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The first night, by the day its data go up to, that grades with it."),
    )
    text = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Whoever approves it reads this, and so does everybody who asks later."),
    )

    def __init__(self, *args: Any, earliest: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"effective_on": earliest})
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Versions that wait or are approved, and every version that has been in force."""
    active = selectors.active_model()
    past = Paginator(selectors.past_activations(), PAST_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "active": active,
        "proposals": [_proposal(request, one, active) for one in selectors.open_activations()],
        "page": past,
    }
    return render(request, "tiering/activation.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose a draft for activation."""
    require_draft(request.user)
    model = get_object_or_404(ScoringModel.objects.prefetch_related("dimensions", "indicators", "rules"), pk=pk)
    today = timezone.localdate()
    form = ProposeForm(request.POST or None, earliest=earliest_effective_day(today=today))
    if form.is_valid():
        try:
            propose_activation(model=model, proposed_by=user_of(request), today=today, **form.cleaned_data)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Proposed. It comes into force once somebody else has approved it."))
            return redirect("tiering:activation")
    active = selectors.active_model()
    context = {
        "model": model,
        "form": form,
        "active": active,
        "lines": _lines(request, model, active),
        "problems": activation_problems(model) if model.is_draft and not form.is_bound else [],
    }
    return render(request, "tiering/propose.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@signed_in
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    require_activate(request.user)
    activation = get_object_or_404(Activation, pk=pk)

    def act() -> str:
        approve_activation(activation=activation, approved_by=user_of(request))
        return _("Approved. The night of its day takes it up.")

    return _done(request, lambda: on_seen(activation, request.POST, act, asked=_("approve it")))


@signed_in
@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse a proposal, stop an approved one, or take one's own back."""
    activation = get_object_or_404(Activation, pk=pk)
    if activation.proposed_by_id != user_of(request).pk:
        require_activate(request.user)

    def act() -> str:
        close_activation(activation=activation, by=user_of(request), text=request.POST.get("text", ""))
        return _("Closed. The version is a draft again and can be edited.")

    return _done(request, lambda: on_seen(activation, request.POST, act, asked=_("close the proposal")))


@signed_in
@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the version in force was looked at and stays."""
    require_activate(request.user)
    model = get_object_or_404(ScoringModel, pk=pk)
    asked = forms.DateField(required=False)

    def act() -> str:
        try:
            next_on = asked.clean(request.POST.get("next_on", ""))
        except forms.ValidationError:
            next_on = date.min
        made = review_model(
            model=model, reviewed_by=user_of(request), text=request.POST.get("text", ""), next_on=next_on,
            today=timezone.localdate(),
        )  # fmt: skip
        return _("Noted. The next review is due on %(day)s.") % {"day": made.next_on}

    return _done(request, act, to="tiering:model")


def _proposal(request: HttpRequest, activation: Activation, active: ScoringModel | None) -> Proposal:
    is_own = activation.proposed_by_id == user_of(request).pk
    may = may_activate(request.user)
    return Proposal(
        activation=activation,
        lines=_lines(request, activation.model, active),
        may_approve=may and not is_own and activation.state == ActivationState.PROPOSED,
        may_close=may or is_own,
        is_own=is_own,
    )


def _lines(request: HttpRequest, model: ScoringModel, active: ScoringModel | None) -> list[Line]:
    if active is None or active.pk == model.pk:
        return []
    return difference_lines(active.design(), model, style=number_style(request))


def _done(request: HttpRequest, act: Callable[[], str], *, to: str = "tiering:activation") -> HttpResponse:
    try:
        messages.success(request, act())
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect(to)
