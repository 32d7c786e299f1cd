"""The team of one account: who holds which seat since when, who stands in, who saw the customer last, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts import teams
from accounts.enums import TeamRole
from accounts.models import Account, TeamMember, User
from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.account import AccountPage, leads_on
from crm.web.auth import dress
from crm.web.editing import CONFLICT, StaleEdit, on_seen
from crm.web.htmx import signed_in
from crm.web.rights import may_change_team, require_change_team
from plans.enums_team import GAP_ICON, GAP_TONE, PENDING_HAND_OVERS
from plans.models import HandOver
from plans.team_health import account_health
from service.selectors import touches_by_person

UNPROCESSABLE = 422
Touches = dict[tuple[int, int], date]


def day_field(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


def person_field(label: Any, **kwargs: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(User.objects.filter(is_active=True), label=label, **kwargs)


class SeatForm(forms.Form):
    user = person_field(gettext_lazy("Who"), required=False, empty_label=gettext_lazy("nobody: leave it empty"))
    on = day_field(gettext_lazy("From"))

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"on": today}
        super().__init__(*args, **kwargs)
        dress(self)


class DeputyForm(forms.Form):
    user = person_field(gettext_lazy("Who"))
    valid_from = day_field(gettext_lazy("From"))
    last_day = day_field(
        gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: until somebody ends it.")
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"valid_from": today}
        super().__init__(*args, **kwargs)
        dress(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A holder or deputy, and when they last reached the customer."""

    member: TeamMember
    touched_on: date | None
    days_ago: int | None


@dataclass(slots=True)
class SeatCard:
    """One corner of the triangle on the tab."""

    role: TeamRole
    holder: Place | None
    deputies: list[Place]
    planned: list[TeamMember]
    seat_form: SeatForm
    deputy_form: DeputyForm
    gaps: list[Any] = field(default_factory=list)
    pending: int | None = None  # the hand-over of this seat that is under way
    is_mine: bool = False
    is_kept: bool = False  # the form goes on from the version it was first shown with
    rows: list[TeamMember] = field(default_factory=list)  # of the seat, whose version the forms carry


class TeamTab:
    """What the tab shows; ``wrong`` is a form that was sent and refused, by role and kind."""

    def __init__(
        self,
        page: AccountPage,
        *,
        today: date,
        wrong: dict[tuple[str, str], forms.Form] | None = None,
        is_stale: bool = False,
    ) -> None:
        self.page, self.today, self.wrong = page, today, wrong or {}
        self.refused = next(iter(self.wrong), None) if not is_stale else None
        self.health = account_health(page.account, on=today)
        self.gaps = self.health.gaps_of(page.account.pk)
        rows = HandOver.objects.filter(account=page.account, state__in=PENDING_HAND_OVERS)
        self.pending = dict(rows.values_list("role", "pk"))
        self.touches: Touches = touches_by_person([page.account.pk], until=today)

    def cards(self) -> list[SeatCard]:
        return [self._card(role) for role in TeamRole]

    def past(self) -> list[TeamMember]:
        return [row for row in self.page.members if row.valid_to is not None and row.valid_to <= self.today]

    def _card(self, role: TeamRole) -> SeatCard:
        mine = [row for row in self.page.members if row.role == role]
        now = [row for row in mine if row.holds_on(self.today)]
        holder = next((row for row in now if not row.is_deputy), None)
        return SeatCard(
            role=role,
            holder=self._place(holder) if holder else None,
            deputies=[self._place(row) for row in now if row.is_deputy],
            planned=[row for row in mine if row.valid_from > self.today],
            seat_form=self.wrong.get((role, "seat")) or SeatForm(today=self.today, prefix=f"seat-{role}"),  # type: ignore[arg-type]
            pending=self.pending.get(role),
            is_mine=holder is not None and holder.user_id == self.page.request.user.pk,
            rows=mine,
            is_kept=self.refused == (role, "seat"),
            gaps=[(gap, GAP_TONE[gap], GAP_ICON[gap]) for gap, at, _user in self.gaps if at == role],
            deputy_form=self.wrong.get((role, "deputy")) or DeputyForm(today=self.today, prefix=f"deputy-{role}"),  # type: ignore[arg-type]
        )

    def _place(self, row: TeamMember) -> Place:
        touched = self.touches.get((row.account_id, row.user_id))
        return Place(row, touched, (self.today - touched).days if touched else None)


@signed_in
@require_GET
@leads_on
def team(request: HttpRequest, pk: int) -> HttpResponse:
    return show(AccountPage(request, pk, "team"))


def show(
    page: AccountPage, *, wrong: dict[tuple[str, str], forms.Form] | None = None, is_stale: bool = False
) -> HttpResponse:
    tab = TeamTab(page, today=timezone.localdate(), wrong=wrong, is_stale=is_stale)
    return page.render_as(
        "accounts/team.html",
        status=(CONFLICT if is_stale else UNPROCESSABLE) if wrong else 200,
        cards=tab.cards(),
        past=tab.past(),
        whole=[(gap, GAP_TONE[gap], GAP_ICON[gap]) for gap, role, _user in tab.gaps if not role],
        today=tab.today,
        may_change=may_change_team(page.request.user),
    )


@signed_in
@require_POST
def change_seat(request: HttpRequest, pk: int, role: str) -> HttpResponse:
    """Give the seat to somebody else from a day on, or leave it empty, in one step."""
    page = _page_to_change(request, pk, role)
    form = SeatForm(request.POST, today=timezone.localdate(), prefix=f"seat-{role}")

    def act(given: dict[str, Any]) -> str:
        words = {"role": TeamRole(role).label, "day": formats.day(given["on"])}
        made = on_seen(
            TeamMember.objects.filter(account=page.account, role=role), page.request.POST,
            lambda: teams.change_seat(account=page.account, role=role, user=given["user"], on=given["on"]),
            asked=_("%(user)s from %(day)s") % (words | {"user": given["user"] or _("nobody")}),
            under=page.account, words=holders_in_words,
        )  # fmt: skip
        if made is None:
            return _("%(role)s: empty from %(day)s.") % words
        return _("%(role)s: %(user)s from %(day)s.") % (words | {"user": made.user})

    return _answer(page, form, act, (role, "seat"))


@signed_in
@require_POST
def name_deputy(request: HttpRequest, pk: int, role: str) -> HttpResponse:
    page = _page_to_change(request, pk, role)
    form = DeputyForm(request.POST, today=timezone.localdate(), prefix=f"deputy-{role}")

    def act(given: dict[str, Any]) -> str:
        last = given["last_day"]
        made = teams.name_deputy(
            account=page.account,
            role=role,
            user=given["user"],
            valid_from=given["valid_from"],
            valid_to=None if last is None else date.fromordinal(last.toordinal() + 1),
        )
        return _("%(user)s stands in from %(day)s.") % {"user": made.user, "day": formats.day(made.valid_from)}

    return _answer(page, form, act, (role, "deputy"))


@signed_in
@require_POST
def end_place(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Let a deputy or a planned holder stop today."""
    require_change_team(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    found = get_object_or_404(TeamMember, pk=member, account=account)
    try:
        on = max(timezone.localdate(), found.valid_from)
        asked = _("%(user)s until %(day)s") % {"user": found.user, "day": formats.day(on)}
        on_seen(found, request.POST, lambda: teams.end_place(member=found, on=on), asked=asked, under=account)
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("%(user)s no longer has this place.") % {"user": found.user})
    return redirect("accounts:team", pk)


def holders_in_words(rows: list[TeamMember]) -> str:
    """Who has the seat, since when and until when: those of today and later."""
    today, told = timezone.localdate(), []
    for row in rows:
        if row.valid_to is not None and row.valid_to <= today:
            continue
        words = {"user": row.user, "day": formats.day(row.valid_from), "end": formats.day(row.valid_to)}
        told.append((_("%(user)s from %(day)s until %(end)s") if row.valid_to else _("%(user)s from %(day)s")) % words)
    return ", ".join(told) or _("nobody")


def _page_to_change(request: HttpRequest, pk: int, role: str) -> AccountPage:
    get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    page = AccountPage(request, pk, "team")
    require_change_team(request.user)
    if role not in TeamRole.values:
        raise Http404
    return page


def _answer(
    page: AccountPage, form: forms.Form, act: Callable[[dict[str, Any]], str], key: tuple[str, str]
) -> HttpResponse:
    is_stale = False
    if form.is_valid():
        try:
            messages.success(page.request, act(form.cleaned_data))
        except CrmError as refused:
            form.add_error(None, str(refused))
            is_stale = isinstance(refused, StaleEdit)
        else:
            return redirect("accounts:team", page.account.pk)
    return show(page, wrong={key: form}, is_stale=is_stale)
