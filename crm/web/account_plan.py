"""What an account is promised, what it was given, and the plans that close the gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.graded import graded_above
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from crm.web.account import AccountPage, leads_on
from crm.web.auth import dress
from crm.web.drawing import Share
from crm.web.editing import CONFLICT, Clash, SeenMixin, StaleEdit, as_seen, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.plan_words import promise_rows
from crm.web.rights import may_approve_plans, require_approve_plans
from plans.enums import Outcome, PromiseKind, PromiseState
from plans.models import AccountPlan, PlanAction, RemediationAction, RemediationPlan
from plans.selectors import account_plans, account_promises, remediation_plans
from plans.services_work import (
    add_step,
    approve_account_plan,
    change_account_plan,
    change_remediation,
    close_remediation,
    finish_step,
    make_account_plan,
)
from service.models import Interaction

UNPROCESSABLE = 422
CARE_SHOWN = 6
MOST_SPONSORED = 10  # accounts that one sponsor can stand by (domain.md 4) [D]
STEPS: dict[str, type[PlanAction | RemediationAction]] = {"plan": PlanAction, "remedy": RemediationAction}
PLANS: dict[str, type[AccountPlan | RemediationPlan]] = {"plan": AccountPlan, "remedy": RemediationPlan}


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"})


class PlanForm(SeenMixin, forms.ModelForm):
    """A plan of a year; somebody else approves it."""

    last_day = forms.DateField(label=gettext_lazy("Last day"), widget=_day())

    class Meta:
        model = AccountPlan
        fields = ("goal", "priority_rank", "planned_hours", "owner", "valid_from")
        widgets = {"goal": forms.Textarea(attrs={"rows": 3}), "valid_from": _day()}

    field_order = ("goal", "priority_rank", "planned_hours", "owner", "valid_from", "last_day")

    def __init__(self, *args: Any, account: Account, today: date, **kwargs: Any) -> None:
        start = today.replace(month=1, day=1) if today.month < 11 else date(today.year + 1, 1, 1)
        if "instance" in kwargs:
            kwargs["initial"] = {"last_day": kwargs["instance"].valid_to - timedelta(days=1)}
        else:
            kwargs["instance"] = AccountPlan(account=account, valid_to=start + timedelta(days=1))
            kwargs["initial"] = {
                "owner": account.owner_id, "valid_from": start, "last_day": add_months(start, 12) - timedelta(days=1),
                "priority_rank": 1, "planned_hours": 100,
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.remember(self.instance)
        dress(self)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("last_day"):
            self.instance.valid_to = found["last_day"] + timedelta(days=1)
        return found


class RemedyForm(SeenMixin, forms.ModelForm):
    class Meta:
        model = RemediationPlan
        fields = ("owner", "due_on", "exit_test")
        widgets = {"exit_test": forms.Textarea(attrs={"rows": 3}), "due_on": _day()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.remember(self.instance)
        dress(self)


class StepForm(forms.Form):
    text = forms.CharField(label=gettext_lazy("Next step"), max_length=300)
    due_on = forms.DateField(label=gettext_lazy("Due on"), widget=_day())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class CloseForm(forms.Form):
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), choices=Outcome.choices)
    text = forms.CharField(label=gettext_lazy("What came of it"), max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
@leads_on
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Promise by promise what was delivered, with its evidence; sponsors, plans and care beside it."""
    page = AccountPage(request, pk, "plan")
    found = account_promises(page.account)
    rows = promise_rows(page.account, found)
    measured = [row for row in rows if row.line.compliance is not None]
    kept = sum(row.line.state == PromiseState.KEPT for row in measured)
    remedies, plans = remediation_plans(page.account), account_plans(page.account)
    remedy = next((one for one in remedies if one.is_open), None)
    care = page.account.interactions.filter(purpose="care", held_on__lte=found.window.as_of).select_related("logged_by")
    return page.render(
        found=found,
        rows=[row for row in rows if row.line.kind != PromiseKind.STATED],
        stated=[row for row in rows if row.line.kind == PromiseKind.STATED],
        due=len(measured),
        kept=kept,
        share=Share(100 * found.compliance) if found.compliance is not None else None,
        remedy=remedy,
        past_remedies=[one for one in remedies if not one.is_open][:5],
        plans=plans,
        may_approve=may_approve_plans(request.user),
        me=user_of(request),
        carries=graded_above(page.account),
        care=_care(care),
        step_form=StepForm(auto_id=False),
        close_form=CloseForm(auto_id="close_%s"),
        today=timezone.localdate(),
        most_sponsored=MOST_SPONSORED,
    )


def _care(care: Any) -> list[Interaction]:
    return list(care.order_by("-held_on", "-pk")[:CARE_SHOWN])


@signed_in
@leads_on
def new_plan(request: HttpRequest, pk: int) -> HttpResponse:
    page = AccountPage(request, pk, "plan")
    form = PlanForm(request.POST or None, account=page.account, today=timezone.localdate())
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in PlanForm.Meta.fields}
        valid_to = form.cleaned_data["last_day"] + timedelta(days=1)
        try:
            make_account_plan(account=page.account, made_by=user_of(request), valid_to=valid_to, **fields)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The plan is kept. It counts once somebody else has approved it."))
            return redirect("accounts:plan", pk)
    title, lead = _("New account plan"), _("What we want with this account, and how much we put in.")
    return _form(page, form, title=title, lead=lead, action=_("Keep the plan"))


@signed_in
@leads_on
def edit_plan(request: HttpRequest, pk: int, plan: int) -> HttpResponse:
    """A plan that still waits; whoever changes it is its maker from then on."""
    page = AccountPage(request, pk, "plan")
    found = get_object_or_404(AccountPlan, pk=plan, account=page.account, approved_on__isnull=True)
    form = PlanForm(request.POST or None, account=page.account, today=timezone.localdate(), instance=found)
    both: list[Clash] = []
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in PlanForm.Meta.fields}
        valid_to = form.cleaned_data["last_day"] + timedelta(days=1)
        try:
            with as_seen(found, form.cleaned_data["seen"]):
                change_account_plan(plan=found, by=user_of(request), valid_to=valid_to, **fields)
        except StaleEdit as stale:
            both = show_both(form, stale, {"last_day": stale.row.valid_to - timedelta(days=1)})
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The plan is changed. Somebody else than you has to approve it."))
            return redirect("accounts:plan", pk)
    lead = _("What we want with this account, and how much we put in.")
    return _form(page, form, both, title=_("Change the account plan"), lead=lead, action=_("Keep the plan"))


@signed_in
@leads_on
def edit_remedy(request: HttpRequest, pk: int) -> HttpResponse:
    """Owner, day and exit test of the open remediation plan."""
    page = AccountPage(request, pk, "plan")
    plan = get_object_or_404(RemediationPlan, account=page.account, closed_on__isnull=True)
    form = RemedyForm(request.POST or None, instance=plan)
    both: list[Clash] = []
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            with as_seen(plan, given.pop("seen")):
                change_remediation(plan=plan, **given)
        except StaleEdit as stale:
            both = show_both(form, stale)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The remediation plan is changed."))
            return redirect("accounts:plan", pk)
    lead = _("Who gets the account out of trouble, by when, and what must hold then.")
    return _form(page, form, both, title=_("Remediation plan"), lead=lead, action=_("Keep it"))


def _form(page: AccountPage, form: forms.BaseForm, both: list[Clash] | None = None, **words: str) -> HttpResponse:
    status = (CONFLICT if both else UNPROCESSABLE) if form.is_bound else 200
    return page.render_as("accounts/plan_form.html", status=status, form=form, clashes=both, **words)


@signed_in
@require_POST
def approve(request: HttpRequest, pk: int, plan: int) -> HttpResponse:
    require_approve_plans(request.user)
    found = get_object_or_404(AccountPlan, pk=plan, account=_account(request, pk))

    def act() -> str:
        approve_account_plan(plan=found, approved_by=user_of(request), on=timezone.localdate())
        return _("The plan is approved.")

    return _done(request, pk, lambda: on_seen(found, request.POST, act, asked=_("approve the plan")))


@signed_in
@require_POST
def close_remedy(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(RemediationPlan, account=_account(request, pk), closed_on__isnull=True)
    form = CloseForm(request.POST)

    def act() -> str:
        if not form.is_valid():
            raise CrmError(_("Say how the plan ended and what came of it."))
        close_remediation(plan=found, by=user_of(request), on=timezone.localdate(), **form.cleaned_data)
        return _("The remediation plan is closed.")

    return _done(request, pk, lambda: on_seen(found, request.POST, act, asked=_("close the plan")))


@signed_in
@require_POST
def new_step(request: HttpRequest, pk: int, kind: str, plan: int) -> HttpResponse:
    found = get_object_or_404(_model(PLANS, kind), pk=plan, account=_account(request, pk))
    form = StepForm(request.POST)

    def act() -> str:
        if not form.is_valid():
            raise CrmError(_("Say what the step is and by which day it is due."))
        add_step(plan=found, owner=user_of(request), **form.cleaned_data)
        return _("The step is added; it is yours.")

    return _done(request, pk, act)


@signed_in
@require_POST
def tick_step(request: HttpRequest, pk: int, kind: str, step: int) -> HttpResponse:
    """Mark a step as done, or as open again."""
    found = get_object_or_404(_model(STEPS, kind), pk=step, plan__account=_account(request, pk))

    def act() -> str:
        done = None if found.done_on else timezone.localdate()
        finish_step(step=found, on=done)
        return _("Done.") if done else _("The step is open again.")

    asked = _("open it again") if found.done_on else _("mark it as done")
    return _done(request, pk, lambda: on_seen(found, request.POST, act, asked=asked))


def _model(models: dict[str, Any], kind: str) -> Any:
    if kind not in models:
        raise Http404
    return models[kind]


def _account(request: HttpRequest, pk: int) -> Account:
    return get_object_or_404(Account.objects.visible_to(request.user), pk=pk)


def _done(request: HttpRequest, pk: int, act: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, act())
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("accounts:plan", pk)
