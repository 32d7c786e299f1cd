"""Hand-overs of seats: agreed on the tab Team, signed by both on a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.enums import TeamRole
from accounts.models import Account, TeamMember
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall
from crm.web.account import AccountPage
from crm.web.account_team import day_field, person_field
from crm.web.auth import dress
from crm.web.editing import on_seen
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_change_team
from plans.enums_team import OpenItemKind
from plans.models import HandOver
from plans.models_team import NOTE_LENGTH
from plans.open_items import open_items
from plans.services_handover import agree_hand_over, cancel_hand_over, sign_hand_over

A_PAGE = 25
UNPROCESSABLE = 422
UNSEEN = "whoever is to take a seat reads what waits for their signature before they may open the account"
# Where an open item is worked on; of an account by its key, of a request by its own.
TABS = {
    OpenItemKind.REQUEST: "service", OpenItemKind.NEXT_STEP: "service", OpenItemKind.TASK: "team",
    OpenItemKind.OVERRIDE: "grade", OpenItemKind.RECEIVABLE: "contracts", OpenItemKind.CONTRACT: "contracts",
    OpenItemKind.RATING: "grade",
}  # fmt: skip


class HandOverForm(forms.Form):
    taker = person_field(gettext_lazy("Who takes over"))
    on = day_field(gettext_lazy("On"), help_text=gettext_lazy("First day of the one who takes over."))
    note = forms.CharField(
        label=gettext_lazy("What to know"),
        max_length=NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"on": today}
        super().__init__(*args, **kwargs)
        dress(self)


@dataclass(frozen=True, slots=True)
class ItemRow:
    kind: Any
    text: str
    due_on: date | None
    person: str
    href: str
    is_late: bool


def item_rows(items: list[dict[str, Any]], account_id: int, *, today: date) -> list[ItemRow]:
    found = []
    for one in items:
        kind = OpenItemKind(one["kind"])
        due = date.fromisoformat(one["due_on"]) if one["due_on"] else None
        href = reverse(f"accounts:{TABS.get(kind, 'plan')}", args=[account_id])
        late = due is not None and due < today and kind != OpenItemKind.REQUEST
        found.append(ItemRow(kind.label, one["text"], due, one["person"], href, late))
    return found


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Hand-overs of the accounts in view, those that are pending first."""
    rows = HandOver.objects.visible_to(request.user).select_related("account", "giver", "taker")
    pending = Paginator(rows.order_by("done_on", "on", "pk").filter(state__in=["open", "signed"]), A_PAGE)
    over = Paginator(rows.order_by("-on", "-pk").exclude(state__in=["open", "signed"]), A_PAGE)
    context = {
        "tab": "hand_overs",
        "pending": _read(pending, request.GET.get("pending")),
        "over": _read(over, request.GET.get("page")),
        "today": timezone.localdate(),
    }
    return render(request, "teams/hand_overs.html", context)


@beyond_the_wall(UNSEEN)
def _read(rows: Paginator, number: str | None) -> Page:
    page = rows.get_page(number)
    page.object_list = list(page.object_list)
    return page


@signed_in
@require_http_methods(["GET", "POST"])
def agree(request: HttpRequest, pk: int, role: str) -> HttpResponse:
    """Agree on a hand-over: by whoever holds the seat, or may change teams."""
    get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    if role not in TeamRole.values:
        raise Http404
    page, user, today = AccountPage(request, pk, "team"), user_of(request), timezone.localdate()
    if not may_change_team(user) and not _holds(page.account, role, user.pk, today):
        raise PermissionDenied(_("The holder of the seat hands it over, or somebody who may change account teams."))
    form = HandOverForm(request.POST or None, today=today)
    if form.is_bound and form.is_valid():
        try:
            made = agree_hand_over(account=page.account, role=role, made_by=user, today=today, **form.cleaned_data)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Agreed. Now both sign, each as themself."))
            return redirect("teams:hand_over", made.pk)
    items = [one.as_json() for one in open_items(page.account, today=today)]
    return page.render_as(
        "teams/hand_over_form.html",
        status=UNPROCESSABLE if form.is_bound else 200,
        form=form,
        role=TeamRole(role),
        items=item_rows(items, pk, today=today),
    )


def _holds(account: Account, role: str, user_id: int, today: date) -> bool:
    seats = TeamMember.objects.filter(account=account, role=role, user=user_id).holders()
    return bool(seats.current(today).exists())


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One hand-over with what is open at the account: as it stands now, or stood when the second one signed."""
    row, user, today = _found(request, pk), user_of(request), timezone.localdate()
    live = [one.as_json() for one in open_items(row.account, today=today)] if row.state == "open" else row.items
    context = {
        "tab": "hand_overs",
        "row": row,
        "items": item_rows(live, row.account_id, today=today),
        "sees_account": Account.objects.visible_to(user).filter(pk=row.account_id).exists(),
        "may_sign": row.state == "open" and (
            (user.pk == row.giver_id and row.giver_signed_at is None)
            or (user.pk == row.taker_id and row.taker_signed_at is None)
        ),
        "may_sign_for_leaver": row.state == "open" and not row.giver.is_active and row.giver_signed_at is None
        and may_change_team(user),
        "may_cancel": row.is_pending and (may_change_team(user) or user.pk in {row.giver_id, row.taker_id}),
    }  # fmt: skip
    return render(request, "teams/hand_over.html", context)


@signed_in
@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    row, user = _found(request, pk), user_of(request)

    def act() -> str:
        done = sign_hand_over(hand_over=row, by=user, at=timezone.now(), for_leaver=may_change_team(user))
        if done.state == "done":
            return _("Both have signed. The seat has changed hands.")
        return _("Both have signed. The seat changes hands on its day.") if done.state == "signed" else _("Signed.")

    return _done(request, row, act, _("sign it"))


@signed_in
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row, user = _found(request, pk), user_of(request)
    if not may_change_team(user) and user.pk not in {row.giver_id, row.taker_id}:
        raise PermissionDenied(
            _("Those whom it is about call a hand-over off, or somebody who may change account teams.")
        )

    def act() -> str:
        cancel_hand_over(hand_over=row)
        return _("The hand-over is called off.")

    return _done(request, row, act, _("call it off"))


@beyond_the_wall(UNSEEN)
def _found(request: HttpRequest, pk: int) -> HandOver:
    rows = HandOver.objects.visible_to(request.user).select_related("account", "giver", "taker", "made_by")
    return get_object_or_404(rows, pk=pk)


def _done(request: HttpRequest, row: HandOver, act: Callable[[], str], asked: str) -> HttpResponse:
    try:
        messages.success(request, on_seen(row, request.POST, act, asked=asked, under=row.account))
    except CrmError as refused:
        messages.error(request, str(refused))
    is_seen = HandOver.objects.visible_to(request.user).filter(pk=row.pk).exists()
    return redirect("teams:hand_over", row.pk) if is_seen else redirect("tasks:index")
