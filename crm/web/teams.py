"""Account teams over the portfolio: what each person carries, and where a triangle does not stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import teams
from accounts.enums import Grade, TeamRole
from accounts.models import Account, User
from accounts.models.people import MOST_CAPACITY
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.auth import dress
from crm.web.drawing import Share, load_bar
from crm.web.editing import CONFLICT, on_seen
from crm.web.export import FORMS, table_file
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.rights import (
    may_change_team,
    may_change_team_rules,
    may_reassign,
    require_change_team,
    require_change_team_rules,
)
from crm.web.scope import accounts_in_scope
from plans.enums import PROMISED_GRADES
from plans.enums_team import GAP_ICON, GAP_TONE, TeamGap
from plans.models import TeamRule
from plans.models_team import MOST_POINTS
from plans.team_frames import GRADES, ROLES, read_rules
from plans.team_health import GAPS, NO_ROLE, Gaps, PersonLoad, TeamHealth, team_health

A_PAGE, PEOPLE_A_PAGE = 25, 20
UNPROCESSABLE = 422
# Gaps of accounts; an overload is listed with the people.
ACCOUNT_GAPS = tuple((gap.value, gap.label) for gap in TeamGap if gap != TeamGap.OVERLOAD)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what cannot be read counts as not asked."""

    grade: str = ""
    gap: str = ""
    role: str = ""
    person: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Filters:
        asked = request.GET
        person = asked.get("person", "")
        return cls(
            grade=asked.get("grade", "") if asked.get("grade") in PROMISED_GRADES else "",
            gap=asked.get("gap", "") if asked.get("gap") in dict(ACCOUNT_GAPS) else "",
            role=asked.get("role", "") if asked.get("role") in TeamRole.values else "",
            person=person if person.isascii() and person.isdigit() and len(person) < 19 else "",
        )

    @property
    def is_narrow(self) -> bool:
        return self != Filters()

    def within(self, health: TeamHealth) -> Gaps:
        gaps = health.gaps
        if self.grade:
            gaps = gaps.where(health.facts.grade[gaps.at] == GRADES.index(self.grade))
        if self.gap:
            gaps = gaps.where(gaps.gap == GAPS.index(self.gap))
        if self.role:
            gaps = gaps.where(gaps.role == ROLES.index(self.role))
        if self.person:
            holds = (health.facts.holder == int(self.person)).any(axis=1)
            gaps = gaps.where(holds[gaps.at])
        return gaps


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap of an account, as the list shows it."""

    account: Account
    gap: TeamGap
    role: TeamRole | None
    holder: User | None

    @property
    def tone(self) -> str:
        return GAP_TONE[self.gap]

    @property
    def icon(self) -> str:
        return GAP_ICON[self.gap]


@dataclass(frozen=True, slots=True)
class PersonRow:
    person: PersonLoad
    bar: Any


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Load, capacity and seats of everybody, gaps of every account in view; the same statements however many there are."""
    filters, accounts = Filters.of(request), accounts_in_scope(request)
    health = team_health(accounts, on=timezone.localdate())
    everybody = health.people()
    largest = max((max(one.load, one.capacity) for one in everybody), default=1)
    people: Any = Paginator(everybody, PEOPLE_A_PAGE).get_page(request.GET.get("people"))
    people.object_list = [
        PersonRow(one, load_bar(one.load, one.capacity, largest=largest)) for one in people.object_list
    ]
    gaps = filters.within(health)
    page: Any = Paginator(range(len(gaps)), A_PAGE).get_page(request.GET.get("page"))
    page.object_list = list(gap_rows(health, gaps.where(np.array([*page.object_list], dtype=int))))
    context = {
        "tab": "load",
        "health": health,
        "share": None if math.isnan(health.share) else health.share,
        "incomplete": int(health.is_incomplete.sum()),
        "accounts": len(health.ids),
        "over": sum(one.is_over for one in everybody),
        "everybody": len(everybody),
        "grades": [(one, Share.of(one.accounts - one.incomplete, one.accounts)) for one in health.by_grade()],
        "people": people,
        "page": page,
        "gap_count": len(health.gaps),
        "filters": filters,
        "grade_choices": [(grade, Grade(grade).label) for grade in PROMISED_GRADES],
        "gap_choices": ACCOUNT_GAPS,
        "role_choices": TeamRole.choices,
        "person_choices": sorted(((str(one.user.pk), one.user.display_name) for one in everybody), key=lambda o: o[1]),
    }
    return page_or_fragment(request, "teams/index.html", "teams/_index.html", context)


def gap_rows(health: TeamHealth, gaps: Gaps) -> Iterator[GapRow]:
    """The gaps with their accounts and holders; two statements."""
    ids = health.ids[gaps.at].tolist()
    accounts = Account.objects.select_related("owner").in_bulk(ids)
    users = User.objects.in_bulk([pk for pk in gaps.user.tolist() if pk])
    for pk, gap, role, user in zip(ids, gaps.gap.tolist(), gaps.role.tolist(), gaps.user.tolist(), strict=True):
        yield GapRow(
            accounts[pk], TeamGap(GAPS[gap]), TeamRole(ROLES[role]) if role != NO_ROLE else None, users.get(user)
        )


@signed_in
@require_GET
def export_gaps(request: HttpRequest, form: str) -> HttpResponseBase:
    """The gaps as they are filtered, all pages."""
    if form not in FORMS:
        raise Http404
    filters, today = Filters.of(request), timezone.localdate()
    health = team_health(accounts_in_scope(request), on=today)
    rows = (
        [row.account.code, row.account.name, row.account.get_grade_display(), row.gap.label,
         row.role.label if row.role else "", row.holder.display_name if row.holder else "",
         row.account.owner.display_name if row.account.owner else ""]
        for row in gap_rows(health, filters.within(health))
    )  # fmt: skip
    headings = [_("Code"), _("Account"), _("Grade"), _("Gap"), _("Seat"), _("Holder"), _("Owner")]
    return table_file(form, f"team-gaps-{today:%Y-%m-%d}", headings, rows, about=_about(request, health))


@signed_in
@require_GET
def export_load(request: HttpRequest, form: str) -> HttpResponseBase:
    if form not in FORMS:
        raise Http404
    today = timezone.localdate()
    health = team_health(accounts_in_scope(request), on=today)
    rows = (
        [one.user.username, one.user.display_name, one.load, one.capacity, one.load - one.capacity, one.accounts,
         *one.seats, one.deputies]
        for one in health.people()
    )  # fmt: skip
    headings = [
        _("User name"), _("Name"), _("Load"), _("Capacity"), _("Above capacity"), _("Accounts"),
        *(role.label for role in TeamRole), _("Deputy for"),
    ]  # fmt: skip
    return table_file(form, f"team-load-{today:%Y-%m-%d}", headings, rows, about=_about(request, health))


def _about(request: HttpRequest, health: TeamHealth) -> list[tuple[Any, Any]]:
    return [
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
        (_("Accounts"), formats.number(len(health.ids))),
        (_("As of"), formats.day(health.on)),
    ]


# --- One person ---


class CapacityForm(forms.Form):
    capacity = forms.IntegerField(label=gettext_lazy("Capacity in points"), min_value=0, max_value=MOST_CAPACITY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@dataclass(frozen=True, slots=True)
class HeldRow:
    account: Account
    roles: list[str]
    points: int
    gaps: list[TeamGap]


def colleague(request: HttpRequest, pk: int, accounts: AccountQuerySet) -> User:
    """Somebody who holds or owns something that the reader sees, or the reader; everybody for those who change teams."""
    found = get_object_or_404(User, pk=pk)
    if found == request.user or may_change_team(request.user):
        return found
    ids = accounts.order_by().values("pk")
    if found.team_memberships.filter(account__in=ids).exists() or accounts.filter(owner=found).exists():
        return found
    raise Http404


@signed_in
@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    return show_person(request, pk)


def show_person(request: HttpRequest, pk: int, form: CapacityForm | None = None) -> HttpResponse:
    """The accounts on which somebody holds a seat, of those the reader sees, and how much they carry."""
    accounts = Account.objects.visible_to(request.user)
    user, today = colleague(request, pk, accounts), timezone.localdate()
    mine = accounts.filter(pk__in=user.team_memberships.current(today).values("account"))
    health = team_health(mine, on=today)
    load = next(one for one in health.people(also=(user.pk,)) if one.user.pk == user.pk)
    page: Any = Paginator(_held(health, user), A_PAGE).get_page(request.GET.get("page"))
    found = Account.objects.in_bulk([row[0] for row in page.object_list])
    page.object_list = [HeldRow(found[pk], *rest) for pk, *rest in page.object_list]
    context = {
        "tab": "load",
        "person": user,
        "load": load,
        "bar": load_bar(load.load, load.capacity, largest=max(load.load, load.capacity)),
        "page": page,
        "form": form or CapacityForm(initial={"capacity": user.capacity}),
        "may_change": may_change_team(request.user),
        "may_reassign": may_reassign(request.user),
    }
    return render(request, "teams/person.html", context, status=UNPROCESSABLE if form else 200)


def _held(health: TeamHealth, user: User) -> list[tuple[int, list[str], int, list[TeamGap]]]:
    """(account id, labels of the seats, points, gaps), the heaviest first. No query."""
    deputies = set(health.facts.deputy_account[health.facts.deputy_user == user.pk].tolist())
    by_account: dict[int, list[TeamGap]] = {}
    for at, gap in zip(health.gaps.at.tolist(), health.gaps.gap.tolist(), strict=True):
        by_account.setdefault(at, []).append(TeamGap(GAPS[gap]))
    found = []
    for at, pk in enumerate(health.ids.tolist()):
        seats = [
            str(TeamRole(ROLES[role]).label) for role in range(len(ROLES)) if health.facts.holder[at, role] == user.pk
        ]
        if pk in deputies:
            seats.append(_("deputy"))
        holds = bool((health.facts.holder[at] == user.pk).any())
        found.append((pk, seats, int(health.facts.points[at]) if holds else 0, by_account.get(at, [])))
    return sorted(found, key=lambda row: (-row[2], row[0]))


@signed_in
@require_POST
def set_capacity(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_team(request.user)
    user, form = get_object_or_404(User, pk=pk), CapacityForm(request.POST)
    if not form.is_valid():
        return show_person(request, pk, form)
    points = form.cleaned_data["capacity"]
    try:
        asked = _("capacity %(points)s") % {"points": points}
        on_seen(user, request.POST, lambda: teams.set_capacity(user=user, points=points), asked=asked)
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The capacity of %(user)s is changed.") % {"user": user})
    return redirect("teams:person", pk)


# --- Rules ---


class RuleForm(forms.ModelForm):
    roles = forms.MultipleChoiceField(
        choices=TeamRole.choices, required=False, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Seats")
    )

    class Meta:
        model = TeamRule
        fields = ("roles", "needs_deputy", "points")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["points"].widget.attrs |= {"min": 0, "max": MOST_POINTS}
        dress(self)


@signed_in
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """What each grade asks of its team; changed by those with the right, seen by everybody."""
    is_sent = request.method == "POST"
    if is_sent:
        require_change_team_rules(request.user)
    rows = sorted(TeamRule.objects.all(), key=lambda rule: PROMISED_GRADES.index(rule.grade))
    shown = [RuleForm(request.POST if is_sent else None, instance=rule, prefix=rule.grade) for rule in rows]
    valid = [form.is_valid() for form in shown]  # each says what is wrong with it
    refusal = ""
    if is_sent and all(valid):
        try:
            on_seen(
                TeamRule.objects.all(), request.POST, lambda: _keep_rules(shown),
                asked=_rules_in_words([form.instance for form in shown]), words=_rules_in_words,
            )  # fmt: skip
        except CrmError as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("The rules are changed. Gaps follow at once, tasks with the next night."))
            return HttpResponseRedirect(reverse("teams:rules"))
    found = read_rules(timezone.localdate()).cadence.tolist()
    cadence = {GRADES[at]: int(days) for at, days in enumerate(found) if days == days}  # noqa: PLR0124
    context = {
        "tab": "rules",
        "rows": [(form, cadence.get(form.instance.grade)) for form in shown],
        "may_change": may_change_team_rules(request.user),
        "roles": TeamRole.choices,
        "refusal": refusal,
        "stored": list(TeamRule.objects.all()),
        "is_kept": is_sent and not refusal,
    }
    status = (CONFLICT if refusal else UNPROCESSABLE) if is_sent else 200
    return render(request, "teams/rules.html", context, status=status)


def _keep_rules(shown: list[RuleForm]) -> None:
    for form in shown:
        if form.has_changed():
            form.save()


def _rules_in_words(rows: list[TeamRule]) -> str:
    """Grade by grade: seats, whether deputies are asked for, points."""
    told = []
    for rule in sorted(rows, key=lambda rule: PROMISED_GRADES.index(rule.grade)):
        seats = ", ".join(str(TeamRole(role).label) for role in rule.roles)
        deputy = _("with deputies") if rule.needs_deputy else _("without deputies")
        told.append(f"{rule.get_grade_display()}: {seats or '–'}, {deputy}, {rule.points}")
    return "; ".join(told)
