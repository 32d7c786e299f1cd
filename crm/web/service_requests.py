"""One request on a page of its own, and the steps it takes."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models.query import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.web.editing import CONFLICT, Clash, StaleEdit, as_seen, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.service import assignable
from crm.web.service_forms import ChangeRequestForm, StepForm
from crm.web.service_rows import request_row
from service import services
from service.models import ServiceRequest

UNPROCESSABLE = 422
Step = Callable[[ServiceRequest, User, StepForm], None]


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = _request(request, pk)
    context = {
        "row": request_row(found, now=timezone.now()),
        "steps": list(found.steps.select_related("by")),
        "users": assignable(),
    }
    return render(request, "service/request.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Kind, severity, responsible person and words of a request."""
    found = _request(request, pk)
    form = ChangeRequestForm(
        request.POST if request.method == "POST" else None, instance=_request(request, pk), account=found.account
    )
    both: list[Clash] = []
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            with as_seen(found, given.pop("seen")):
                services.change_request(request=found, by=user_of(request), at=timezone.now(), **given)
        except StaleEdit as stale:
            both = show_both(form, stale)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Changed."))
            return redirect("service:request", pk)
    status = (CONFLICT if both else UNPROCESSABLE) if form.is_bound else 200
    context = {"found": found, "form": form, "clashes": both}
    return render(request, "service/request_change.html", context, status=status)


def _respond(row: ServiceRequest, user: User, form: StepForm) -> None:
    services.respond(request=row, by=user, at=timezone.now(), text=form.cleaned_data["text"])


def _escalate(row: ServiceRequest, user: User, form: StepForm) -> None:
    given = form.cleaned_data
    services.escalate(request=row, by=user, at=timezone.now(), text=given["text"], assigned_to=given["assigned_to"])


def _resolve(row: ServiceRequest, user: User, form: StepForm) -> None:
    services.resolve(request=row, by=user, at=timezone.now(), resolution=form.cleaned_data["text"])


def _reopen(row: ServiceRequest, user: User, form: StepForm) -> None:
    services.reopen(request=row, by=user, at=timezone.now(), text=form.cleaned_data["text"])


def _taken(step: Step, words: Callable[[], str], asked: Callable[[], str]) -> Callable[..., HttpResponse]:
    """The view of one step: take it, say so, and lead back to where the button was."""

    @signed_in
    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        found = _request(request, pk)
        form = StepForm(request.POST)
        try:
            if form.is_valid():
                said = f"{asked()}: {form.cleaned_data['text']}"
                on_seen(found, request.POST, lambda: step(found, user_of(request), form), asked=said)
                messages.success(request, words())
            else:
                messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        except CrmError as refused:
            messages.error(request, str(refused))
        return back(request, reverse("service:request", args=[pk]))

    return view


respond = _taken(_respond, lambda: _("The first response is noted."), lambda: _("First response"))
escalate = _taken(_escalate, lambda: _("Escalated."), lambda: _("Escalate"))
resolve = _taken(_resolve, lambda: _("Resolved."), lambda: _("Resolve"))
reopen = _taken(_reopen, lambda: _("Open again."), lambda: _("Open again"))


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page the form stood on, where it is one of ours."""
    wanted = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(wanted if here else otherwise)


def visible_requests(request: HttpRequest) -> QuerySet[ServiceRequest]:
    visible = Account.objects.visible_to(request.user)
    return ServiceRequest.objects.filter(account__in=visible)


def _request(request: HttpRequest, pk: int) -> ServiceRequest:
    rows: Any = visible_requests(request).select_related("account", "contact", "assigned_to", "opened_by")
    return get_object_or_404(rows, pk=pk)
