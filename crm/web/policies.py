"""The policies: what each grade is promised, in versions that one person drafts and another puts into force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account
from crm.lib.exceptions import CrmError
from crm.web.auth import dress
from crm.web.editing import CONFLICT, StaleEdit, as_seen, on_seen
from crm.web.htmx import signed_in, user_of
from crm.web.policies_form import GradeForm
from crm.web.rights import may_activate_policy, may_draft_policy, require_activate_policy, require_draft_policy
from plans.enums import PROMISED_GRADES, PolicyState, PromiseKind, PromiseType
from plans.models import PolicyVersion, Promise, Strategy
from plans.selectors import policy_on, promises_of, strategy_of, versions
from plans.services import activate_policy, discard_draft, draft_policy, edit_grade, promise_parts
from plans.wording import promise_text, severity_text

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Cell:
    """What one grade is promised of one type; ``is_changed``: otherwise than in the version in force."""

    grade: str
    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Line:
    label: Any
    note: str
    cells: list[Cell]


class StartForm(forms.Form):
    valid_from = forms.DateField(
        label=gettext_lazy("In force from"), widget=forms.DateInput(attrs={"type": "date"}), initial=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"valid_from": timezone.localdate() + timedelta(days=1)})
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The promises of a version as one table, and the versions."""
    version, today = _version(request), timezone.localdate()
    known = list(versions())
    context: dict[str, Any] = {"version": version, "versions": known, "today": today, "grades": PROMISED_GRADES}
    if version is not None:
        context |= _standing(request, version, today)
        context["lines"] = table_of(version, policy_on(today))
    context |= {
        "may_draft": may_draft_policy(request.user),
        "has_draft": any(one.is_draft for one in known),
        "start_form": StartForm(auto_id="start_%s"),
        "tab": "policies",
    }
    return render(request, "plans/policies.html", context)


def _standing(request: HttpRequest, version: PolicyVersion, today: date) -> dict[str, Any]:
    in_force = policy_on(today)
    is_mine = version.made_by_id == user_of(request).pk
    return {
        "in_force": in_force,
        "is_in_force": version == in_force,
        "is_mine": is_mine,
        "may_activate": may_activate_policy(request.user) and version.is_draft and not is_mine,
    }


def table_of(version: PolicyVersion, in_force: PolicyVersion | None) -> list[Line]:
    """Rows promise types, columns grades; two queries."""
    mine = {(one.type, one.grade): one for one in promises_of(version)}
    before = mine if in_force in (None, version) else {(one.type, one.grade): one for one in promises_of(in_force)}  # type: ignore[arg-type]
    found = []
    for type_ in PromiseType:
        cells = [_cell(type_, grade, mine, before) for grade in PROMISED_GRADES]
        severities = {severity_text(one) for (kind, _grade), one in mine.items() if kind == type_ and _is_timed(one)}
        if any(cell.text for cell in cells):
            found.append(Line(type_.label, ", ".join(sorted(severities - {""})), cells))
    return found


def _cell(type_: str, grade: str, mine: dict, before: dict) -> Cell:
    text = promise_text(mine[type_, grade]) if (type_, grade) in mine else ""
    was = promise_text(before[type_, grade]) if (type_, grade) in before else ""
    return Cell(grade, text, text != was)


def _is_timed(promise: Promise) -> bool:
    return promise.kind == PromiseKind.TIME


@signed_in
@require_GET
def grade(request: HttpRequest, code: str) -> HttpResponse:
    """Why a grade exists, how its accounts are managed, and what they are promised."""
    _known(code)
    version, today = _version(request), timezone.localdate()
    if version is None:
        raise Http404
    accounts = Account.objects.visible_to(request.user).filter(grade=code)
    context = {
        **_standing(request, version, today),
        "version": version,
        "code": code,
        "grades": PROMISED_GRADES,
        "strategy": strategy_of(version, code),
        "rows": [(one, promise_text(one), severity_text(one)) for one in promises_of(version, grade=code)],
        "accounts": accounts.count(),
        "may_edit": version.is_draft and may_draft_policy(request.user),
        "tab": "policies",
    }
    return render(request, "plans/grade.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, number: int, code: str) -> HttpResponse:
    """Change what a draft promises to one grade, and its words."""
    require_draft_policy(request.user)
    _known(code)
    version = get_object_or_404(PolicyVersion, number=number, state=PolicyState.DRAFT)
    form = GradeForm(
        request.POST or None,
        promises=promises_of(version, grade=code),
        strategy=strategy_of(version, code),
        currency=_currency(version),
    )
    rows, is_stale = (version.promises.filter(grade=code), version.strategies.filter(grade=code)), False
    if request.method == "POST" and form.is_valid():
        try:
            with as_seen(rows, request.POST.get("seen", ""), asked=_typed(form), under=version, words=_promised):
                edit_grade(version=version, grade=code, promises=form.promises(), words=form.words())
        except StaleEdit as stale:
            form.errors_of_rules, is_stale = [str(stale)], True
        except (CrmError, ValidationError) as refused:
            form.errors_of_rules = [str(refused)] if isinstance(refused, CrmError) else refused.messages
        else:
            messages.success(request, _("Kept in the draft."))
            return redirect(f"{reverse('plans:grade', args=[code])}?version={version.number}")
    context = {"form": form, "version": version, "code": code, "tab": "policies", "grades": PROMISED_GRADES}
    context |= {"shown": [row for one in rows for row in one.all()], "is_kept": form.is_bound and not is_stale}
    status = (CONFLICT if is_stale else UNPROCESSABLE) if form.is_bound else 200
    return render(request, "plans/grade_edit.html", context, status=status)


def _promised(rows: list[Any]) -> str:
    """What is stored of one grade: its promises, then what it is for."""
    promises = [f"{one.get_type_display()} {promise_text(one)}" for one in rows if isinstance(one, Promise)]
    return "; ".join([*promises, *(one.purpose for one in rows if isinstance(one, Strategy) and one.purpose)])


def _typed(form: GradeForm) -> str:
    """The same of what was typed."""
    rows = [Promise(type=type_, **promise_parts(type_, fields)) for type_, fields in form.promises().items()]
    return _promised([*rows, Strategy(**form.words())])


def _currency(version: PolicyVersion) -> str:
    """The one currency of a version's costs."""
    return version.promises.values_list("currency", flat=True).first() or ""


@signed_in
@require_POST
def draft(request: HttpRequest) -> HttpResponse:
    require_draft_policy(request.user)

    def act() -> tuple[str, PolicyVersion | None]:
        made = draft_policy(made_by=user_of(request))
        return _("%(version)s is a draft of the policies. Edit a grade; somebody else puts it into force.") % {
            "version": made
        }, made

    return _done(request, act)


@signed_in
@require_POST
def activate(request: HttpRequest, number: int) -> HttpResponse:
    require_activate_policy(request.user)
    version = get_object_or_404(PolicyVersion, number=number)
    form = StartForm(request.POST)

    def act() -> tuple[str, PolicyVersion | None]:
        if not form.is_valid():
            raise CrmError(_("Give the day from which it holds."))
        asked = _("put it into force from %(day)s") % {"day": form.cleaned_data["valid_from"]}
        done = on_seen(
            version, request.POST,
            lambda: activate_policy(version=version, activated_by=user_of(request), **form.cleaned_data), asked=asked,
        )  # fmt: skip
        return _("Put into force. Until then the version before holds."), done

    return _done(request, act, back=version)


@signed_in
@require_POST
def discard(request: HttpRequest, number: int) -> HttpResponse:
    require_draft_policy(request.user)
    version = get_object_or_404(PolicyVersion, number=number)

    def act() -> tuple[str, PolicyVersion | None]:
        on_seen(version, request.POST, lambda: discard_draft(version=version), asked=_("discard it"))
        return _("The draft is discarded."), None

    return _done(request, act, back=version)


def _done(
    request: HttpRequest, act: Callable[[], tuple[str, PolicyVersion | None]], *, back: PolicyVersion | None = None
) -> HttpResponse:
    try:
        text, back = act()
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, text)
    where = reverse("plans:policies")
    return redirect(f"{where}?version={back.number}" if back is not None else where)


def _version(request: HttpRequest) -> PolicyVersion | None:
    """The version asked for by number, else the one in force, else the newest."""
    asked = request.GET.get("version", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 7:
        return get_object_or_404(versions(), number=int(asked))
    return policy_on(timezone.localdate()) or versions().first()


def _known(code: str) -> None:
    if code not in PROMISED_GRADES:
        raise Http404
