"""Who may do what, out of the table itself; and what somebody else sees, and why, out of what decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import COLUMNS, REACH, TABLE, TOKEN_SCOPES, Action, Reach, Role, permissions_for, permissions_of
from accounts.enums import UserRole
from accounts.fields import hidden_from
from accounts.models import Account, User
from accounts.querysets import today_local
from accounts.security.people import people
from accounts.sight import EACH, Explanation, Sight, Way, condition, counts, explain, seen_by, sight_of, ways_to
from crm.web import sight_words
from crm.web.access_words import SECTIONS, WORDS, actions_of
from crm.web.htmx import signed_in, user_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One action: whether each role may, in the order of the columns; the permissions that add it; whether a token may
    carry it."""

    action: Action
    words: Any
    marks: tuple[tuple[Any, bool, bool], ...]  # name of the role, may, is the reader's
    permissions: tuple[str, ...]
    is_scope: bool


@signed_in
@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """Roles × actions. ``role`` in the address leaves the actions of one role."""
    user = user_of(request)
    chosen = request.GET.get("role", "")
    only = Role(chosen) if chosen in UserRole.values else None
    sections = []
    for title, areas in SECTIONS:
        lines = [_line(action, user) for action in actions_of(areas) if only is None or action in TABLE.of(only)]
        if lines:
            sections.append((title, lines))
    roles = [(role, UserRole(role).label, role is user.effective_role, _reach(role)) for role in COLUMNS]
    context = {"tab": "table", "sections": sections, "roles": roles, "only": only, "added": _added(user)}
    return render(request, "access/table.html", context)


def _line(action: Action, user: User) -> Line:
    marks = tuple((UserRole(role).label, action in TABLE.of(role), role is user.effective_role) for role in COLUMNS)
    return Line(action, WORDS[action], marks, permissions_for(action), action in TOKEN_SCOPES)


def _reach(role: Role) -> Any:
    return sight_words.REACHES[REACH[role]]


def _added(user: User) -> list[Any]:
    """What the reader may beyond the role, by explicit permission."""
    beyond = [action for action in Action if action not in TABLE.of(user.effective_role) and user.may(action)]
    return [WORDS[action] for action in beyond]


@signed_in
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Whose sight is asked about."""
    text = request.GET.get("q", "").replace("\x00", "")[:100]
    rows = User.objects.filter(pk__in=_found(text)).select_related("unit").order_by("-is_active", "username", "pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    shown = [(one, sight_words.REACHES[REACH[one.effective_role]]) for one in page]
    return render(request, "access/choose.html", {"tab": "sight", "page": page, "rows": shown, "q": text})


def _found(text: str) -> Any:
    from django.utils import timezone

    return people(now=timezone.now(), text=text).order_by().values("pk")


class QuestionForm(forms.Form):
    """One account by its code, and which way the list is narrowed to."""

    account = forms.CharField(required=False, max_length=64)
    way = forms.ChoiceField(required=False, choices=[("", ""), *((way.value, way.value) for way in EACH)])

    def clean_account(self) -> str:
        return str(self.cleaned_data["account"]).strip()


@signed_in
@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """What one person sees: how far, by which ways, what of it is hidden, and one account asked for by its code."""
    viewer, asked = user_of(request), get_object_or_404(User.objects.select_related("unit"), pk=pk)
    form = QuestionForm(request.GET)
    given = form.cleaned_data if form.is_valid() else {}
    sight, on = sight_of(asked), today_local()
    code, way = given.get("account", ""), given.get("way", "")
    rows = seen_by(asked, viewer=viewer).select_related("owner").order_by("sort_key", "pk")
    if way:
        rows = rows.filter(condition(sight, Way(way), on=on))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    found = ways_to(sight, list(page), on=on)
    numbers = counts(sight, viewer=viewer, on=on)
    context = {
        "tab": "sight",
        "person": asked,
        "sight": sight,
        "reach": sight_words.REACHES[sight.reach] if sight.may_look else "",
        "everything": sight_words.everything_words(sight),
        "hidden": [sight_words.HIDDEN[kind] for kind in sorted(hidden_from(asked))] if asked.is_active else [],
        "rights": _explicit(asked),
        "total": numbers["total"],
        "by_way": [(one.value, sight_words.WAYS[one], numbers[one], one.value == way) for one in EACH],
        "page": page,
        "rows": [(account, [sight_words.way_words(one) for one in found[account.pk]]) for account in page],
        "way": way,
        "code": code,
        "answer": _answer(sight, viewer, code) if code else None,
        "not_found": bool(code) and not _account(viewer, code),
    }
    return render(request, "access/person.html", context)


def _explicit(user: User) -> list[str]:
    """Django permissions beyond those that the role answers for, by name or through groups."""
    return sorted(user.get_all_permissions() - permissions_of(user.effective_role)) if not user.is_superuser else []


def _account(viewer: User, code: str) -> Account | None:
    """An account the viewer may ask about: one they see, or one that was merged into such a one."""
    if "\x00" in code:
        return None
    rows = Account.objects.visible_to(viewer).with_merged().select_related("owner", "merged_into")
    return rows.filter(code=code).first()


def _answer(sight: Sight, viewer: User, code: str) -> dict[str, Any] | None:
    account = _account(viewer, code)
    if account is None:
        return None
    told: Explanation = explain(sight, account, on=today_local())
    return {
        "account": account,
        "sees": told.sees,
        "ways": [sight_words.way_words(way) for way in told.ways],
        "obstacles": [sight_words.obstacle_words(*one) for one in told.obstacles],
        "is_all": sight.reach is Reach.ALL,
    }
