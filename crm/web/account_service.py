"""The tab Service of one account: what was done, what is asked for, who stands by it, what was given away."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account, Contact
from accounts.services import note_attitude
from crm.lib.exceptions import CrmError
from crm.web.account import AccountPage, leads_on
from crm.web.editing import StaleEdit, as_seen, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.relations_words import attitude_words
from crm.web.rights import (
    ADD_DISCOUNT,
    ADD_SPONSOR,
    APPROVE_DISCOUNT,
    CHANGE_SPONSOR,
    DELETE_INTERACTION,
    may_correct,
    require_approve_discount,
    require_change_contact,
    require_correct,
    require_end_sponsor,
    require_grant_discount,
    require_name_sponsor,
)
from crm.web.service import assignable, step_rows
from crm.web.service_forms import AttitudeForm, DiscountForm, InteractionForm, OpenRequestForm, SponsorForm
from crm.web.service_requests import back
from crm.web.service_rows import request_rows
from service import services
from service.models import Discount, Interaction, Sponsor
from service.selectors import discounts_of, last_touches, open_requests, open_steps, sponsors_of, timeline

UNPROCESSABLE = 422
DISCOUNTS_SHOWN = 10
TAB = "service"


@signed_in
@require_GET
@leads_on
def service(request: HttpRequest, pk: int) -> HttpResponse:
    """What was done for the account and what is open; a constant number of statements."""
    page = AccountPage(request, pk, TAB)
    account, today, user = page.account, timezone.localdate(), request.user
    touched = last_touches([account.pk], until=today).get(account.pk)
    return page.render(
        requests=request_rows(open_requests(account), now=timezone.now()),
        steps=step_rows(open_steps(account), today=today),
        touched=touched,
        touched_days=(today - touched).days if touched else None,
        timeline=timeline(account, today=today, after=request.GET.get("after", "")),
        is_first=not request.GET.get("after"),
        sponsors=[(one, one.valid_to is None or one.valid_to > today) for one in sponsors_of(account)],
        discounts=discounts_of(account, limit=DISCOUNTS_SHOWN),
        users=assignable(),
        may_name=user.has_perm(ADD_SPONSOR),
        may_end=user.has_perm(CHANGE_SPONSOR),
        may_grant=user.has_perm(ADD_DISCOUNT),
        may_approve=user.has_perm(APPROVE_DISCOUNT),
    )


@signed_in
@require_http_methods(["GET", "POST"])
@leads_on
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """The form for one interaction; seeing the account is enough."""
    page, user, today = AccountPage(request, pk, TAB), user_of(request), timezone.localdate()
    form = InteractionForm(*_sent_with_files(request), account=page.account, user=user, today=today)

    def act(given: dict[str, Any]) -> str:
        services.log_interaction(account=page.account, logged_by=user, today=today, **given)
        return _("Logged.")

    return _answer(page, form, act, template="service/interaction.html", interaction=None)


@signed_in
@require_http_methods(["GET", "POST"])
def edit_interaction(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct what was written down, or take it away."""
    found, today = _interaction(request, pk), timezone.localdate()
    require_correct(request.user, logged_by=found.logged_by_id)
    page = AccountPage(request, found.account_id, TAB)
    form = InteractionForm(
        *_sent_with_files(request),
        instance=_interaction(request, pk),
        account=page.account,
        user=user_of(request),
        today=today,
    )

    def act(given: dict[str, Any]) -> str:
        services.correct_interaction(interaction=found, today=today, by=user_of(request), **given)
        return _("Corrected.")

    may_delete = may_correct(request.user, logged_by=found.logged_by_id, right=DELETE_INTERACTION)
    template = "service/interaction.html"
    return _answer(page, form, act, row=found, template=template, interaction=found, may_delete=may_delete)


@signed_in
@require_POST
def delete_interaction(request: HttpRequest, pk: int) -> HttpResponse:
    found = _interaction(request, pk)
    require_correct(request.user, logged_by=found.logged_by_id, right=DELETE_INTERACTION)
    try:
        on_seen(
            found, request.POST, lambda: services.delete_interaction(interaction=found), asked=_("take it off the log")
        )
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The interaction is taken off the log."))
    return redirect("accounts:service", found.account_id)


@signed_in
@require_POST
def finish_step(request: HttpRequest, pk: int) -> HttpResponse:
    """The next step of an interaction is done; whoever sees the account may say so."""
    found = _interaction(request, pk)
    return _done(
        request,
        found.account_id,
        lambda: services.finish_next_step(interaction=found, on=timezone.localdate()),
        _("Done."),
        row=found,
        asked=_("mark it as done"),
    )


@signed_in
@require_http_methods(["GET", "POST"])
@leads_on
def open_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what a customer asks for; seeing the account is enough."""
    page, user, now = AccountPage(request, pk, TAB), user_of(request), timezone.now()
    form = OpenRequestForm(_sent(request), account=page.account, now=now)

    def act(given: dict[str, Any]) -> str:
        made = services.open_request(account=page.account, opened_by=user, now=now, **given)
        return _("%(number)s is open.") % {"number": made.number}

    return _answer(
        page, form, act, title=_("Open a request"), button=_("Open it"),
        lead=_("What the customer asks for. Its clock runs from the moment it came in."),
    )  # fmt: skip


@signed_in
@require_http_methods(["GET", "POST"])
@leads_on
def name_sponsor(request: HttpRequest, pk: int) -> HttpResponse:
    require_name_sponsor(request.user)
    page = AccountPage(request, pk, TAB)
    form = SponsorForm(_sent(request), account=page.account, today=timezone.localdate())

    def act(given: dict[str, Any]) -> str:
        services.name_sponsor(account=page.account, **given)
        return _("Named.")

    return _answer(
        page, form, act, title=_("Name a sponsor"), button=_("Name them"),
        lead=_("Somebody from our top who stands by this account; for ten accounts at most, and never its account manager."),
    )  # fmt: skip


@signed_in
@require_POST
def end_sponsor(request: HttpRequest, pk: int) -> HttpResponse:
    require_end_sponsor(request.user)
    found = get_object_or_404(Sponsor.objects.visible_to(request.user), pk=pk)
    return _done(
        request,
        found.account_id,
        lambda: services.end_sponsor(sponsor=found, on=timezone.localdate()),
        _("The sponsorship ends."),
        row=found,
        asked=_("end it"),
    )


@signed_in
@require_http_methods(["GET", "POST"])
@leads_on
def grant_discount(request: HttpRequest, pk: int) -> HttpResponse:
    require_grant_discount(request.user)
    page, user, today = AccountPage(request, pk, TAB), user_of(request), timezone.localdate()
    form = DiscountForm(_sent(request), account=page.account, user=user, today=today)

    def act(given: dict[str, Any]) -> str:
        services.grant_discount(account=page.account, granted_by=user, today=today, **given)
        return _("The discount is noted.")

    return _answer(
        page, form, act, title=_("Note a discount"), button=_("Note it"),
        lead=_("What you granted off the list price. Somebody else can approve it afterwards."),
    )  # fmt: skip


@signed_in
@require_POST
def approve_discount(request: HttpRequest, pk: int) -> HttpResponse:
    require_approve_discount(request.user)
    found = get_object_or_404(Discount.objects.visible_to(request.user), pk=pk)
    return _done(
        request,
        found.account_id,
        lambda: services.approve_discount(discount=found, by=user_of(request)),
        _("Approved."),
        row=found,
        asked=_("approve it"),
    )


@signed_in
@require_POST
def note_contact(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """How a contact stands to us, from the tab People."""
    require_change_contact(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    row = get_object_or_404(Contact, pk=contact, account=account)
    form = AttitudeForm(request.POST, instance=get_object_or_404(Contact, pk=contact, account=account))
    if form.is_valid():
        given = form.cleaned_data
        since: date = given["attitude_since"] or timezone.localdate()
        try:
            on_seen(row, request.POST, lambda: _noted(form.instance, given, since), asked=_attitude_words(given))
            messages.success(request, _("Noted; the next night counts it."))
        except CrmError as refused:
            messages.error(request, str(refused))
        except ValidationError as refused:
            messages.error(request, " ".join(refused.messages))
    else:
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    return redirect("accounts:people", pk)


def _noted(contact: Contact, given: dict[str, Any], since: date) -> None:
    note_attitude(
        contact=contact, is_decision_maker=given["is_decision_maker"], attitude=given["attitude"], since=since
    )


def _attitude_words(given: dict[str, Any]) -> str:
    decides = _("key decision maker") if given["is_decision_maker"] else _("no key decision maker")
    return f"{attitude_words(given['attitude'])}, {decides}"


def _sent(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _sent_with_files(request: HttpRequest) -> tuple[Any, Any]:
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def _answer(
    page: AccountPage,
    form: forms.BaseForm,
    act: Callable[[dict[str, Any]], str],
    *,
    template: str = "service/form.html",
    row: Any = None,
    **context: Any,
) -> HttpResponse:
    """The page of a form; once it is sent and kept, the tab, else the form again with what is wrong.

    row : the one that is edited, which others may have changed since the page was made
    """
    if form.is_bound and form.is_valid():
        given = dict(form.cleaned_data)
        seen = given.pop("seen", "")
        try:
            with as_seen(row, seen) if row else nullcontext():
                words = act(given)
            messages.success(page.request, words)
        except StaleEdit as stale:
            found = show_both(form, stale)
            return page.render_as(template, status=stale.status, form=form, clashes=found, **context)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("accounts:service", page.account.pk)
    return page.render_as(template, status=UNPROCESSABLE if form.is_bound else 200, form=form, **context)


def _done(
    request: HttpRequest, account_id: int, act: Callable[[], object], words: str, *, row: Any, asked: str
) -> HttpResponse:
    try:
        on_seen(row, request.POST, act, asked=asked)
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, words)
    return back(request, reverse("accounts:service", args=[account_id]))


def _interaction(request: HttpRequest, pk: int) -> Interaction:
    return get_object_or_404(Interaction.objects.visible_to(request.user), pk=pk)
