"""Growth notes on the pages: what people put the change down to, beside the growth answer and on the page of an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.lib.periods import Period, prior_ttm, ttm
from crm.web.htmx import signed_in, user_of
from crm.web.period_choices import period_text
from metrics.enums import GrowthFactor, GrowthStrategy
from metrics.models import GrowthNote
from metrics.models_notes import NOTE_LENGTH
from metrics.periods import read_period
from metrics.services.growth_notes import add_note, withdraw_note

SHOWN_NOTES = 20


@dataclass(frozen=True, slots=True)
class NotesPanel:
    """Notes with the form to add one. ``can_add`` is false for those who would have to see more accounts; ``is_of_one``:
    they are about one account, whose name need not be repeated."""

    notes: Sequence[GrowthNote]
    base: str
    comparison: str
    account: int | None
    can_add: bool
    is_of_one: bool
    factors: Sequence[tuple[str, Any]] = tuple(GrowthFactor.choices)
    strategies: Sequence[tuple[str, Any]] = tuple(GrowthStrategy.choices)
    longest: int = NOTE_LENGTH


def notes_of_answer(accounts: AccountQuerySet, *, base: Period, comparison: Period, account: int | None) -> NotesPanel:
    """Notes whose comparison shares a day with the one asked about; one query.

    accounts : those the answer counts; account : where the answer is about one alone
    """
    found = GrowthNote.objects.about(accounts).standing().touching(comparison)
    return NotesPanel(
        notes=list(found.select_related("author", "account")[:SHOWN_NOTES]),
        base=period_text(base),
        comparison=period_text(comparison),
        account=account,
        can_add=account is not None or accounts.is_everything,
        is_of_one=account is not None,
    )


def notes_of_account(account: Account, *, as_of: Any) -> NotesPanel:
    """The newest notes on one account, whatever their periods; the form stands at the rolling year; one query."""
    found = GrowthNote.objects.filter(account=account).standing().select_related("author")
    return NotesPanel(
        notes=list(found[:SHOWN_NOTES]),
        base=period_text(prior_ttm(as_of)),
        comparison=period_text(ttm(as_of)),
        account=account.pk,
        can_add=True,
        is_of_one=True,
    )


@signed_in
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep a note on an account the user sees, or on all of them for whoever sees all."""
    given = request.POST
    asked = given.get("account", "")
    account = None
    if asked:
        pk = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
        account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    try:
        add_note(
            author=user_of(request),
            account=account,
            base=read_period(given.get("base", "")),
            comparison=read_period(given.get("comparison", "")),
            factor=given.get("factor", ""),
            strategy=given.get("strategy", ""),
            text=given.get("text", ""),
        )
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The note is kept."))
    return _back(request, account)


@signed_in
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a note back; whoever sees it may."""
    note = get_object_or_404(GrowthNote.objects.visible_to(request.user).select_related("account"), pk=pk)
    withdraw_note(note=note, user=user_of(request))
    messages.success(request, _("The note is withdrawn."))
    return _back(request, note.account)


def _back(request: HttpRequest, account: Account | None) -> HttpResponse:
    wanted = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        wanted = account.get_absolute_url() if account else reverse("metrics:question", args=["growth"])
    return HttpResponseRedirect(f"{wanted.partition('#')[0]}#growth-notes")
