"""The group of an account: who is above and below it, what they bring together, and moving it to another group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.graded import graded_above, set_graded_node
from accounts.group_tree import Ancestor, path_on
from accounts.groups import GroupRefused, change_parent, stays_of
from accounts.links import links_of
from accounts.locks import tree_lock
from accounts.models import Account
from crm.groups import GroupView, group_view
from crm.lib.exceptions import CrmError, PeriodError
from crm.lib.periods import Period
from crm.lib.wall import beyond_the_wall
from crm.web.account import AccountPage, leads_on
from crm.web.auth import dress
from crm.web.basis import basis_words
from crm.web.editing import StaleEdit, as_seen, on_seen
from crm.web.htmx import signed_in, user_of, wants_fragment
from crm.web.period_choices import default_comparison, period_text, presets
from crm.web.rights import VIEW_MARGIN, may_change_group, may_change_link, require_change_group
from crm.web.standing import as_of_of
from metrics.periods import read_period
from metrics.scope import Membership

PAGE_SIZE = 50
MEMBERSHIPS = (
    (str(Membership.AS_WAS), gettext_lazy("as it was on each day")),
    (str(Membership.AS_NOW), gettext_lazy("as it is today")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the tree is counted by: from the address, with what cannot be read left at its default."""

    period: Period
    membership: str
    refusal: str = ""

    @property
    def query(self) -> str:
        return f"period={period_text(self.period)}&membership={self.membership}"


class MoveForm(forms.Form):
    """Where the account goes, by code, and since when."""

    parent = forms.CharField(
        label=gettext_lazy("Code of the account above it"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("Empty: it stands alone from then on."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    since = forms.DateField(
        label=gettext_lazy("First day there"),
        required=False,
        help_text=gettext_lazy("Past or to come. Empty: it has always been so, and the dated history is dropped."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
@leads_on
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """The tab: path, figures, tree and history."""
    page = AccountPage(request, pk, "group")
    asked = asked_of(request)
    view = _view_of(request, page.account, asked)
    return page.render(
        **_tree_context(request, page.account, view, asked),
        path=_path(request, page.account),
        stays=_stays(request, page.account),
        memberships=MEMBERSHIPS,
        periods=_periods(request, asked),
        may_move=may_change_group(request.user),
        links=links_of(page.account, viewer=user_of(request)),
        carries=graded_above(page.account),
        may_link=may_change_link(request.user),
        grades=sorted(view.total.grades.items(), key=lambda item: -item[1]),
    )


@signed_in
@require_POST
def graded(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the account carry the grade of all below it, or no more."""
    require_change_group(request.user)
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    try:
        is_graded = request.POST.get("is_graded") == "1"
        asked = _("one grade for all below") if is_graded else _("each by its own grade")
        with transaction.atomic():
            tree_lock()  # before the row, as everything that changes a group takes them
            on_seen(account, request.POST, lambda: set_graded_node(account=account, is_graded=is_graded), asked=asked)
        messages.success(
            request, _("The grading of the group is changed; the next night grades and measures promises by it.")
        )
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("accounts:group", pk)


@signed_in
@require_GET
def branch(request: HttpRequest, pk: int) -> HttpResponse:
    """What is below one line of the tree; without htmx the page of that account."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    asked = asked_of(request)
    if not wants_fragment(request):
        return redirect(f"{reverse('accounts:group', args=[account.pk])}?{asked.query}")
    view = _view_of(request, account, asked)
    return render(request, "accounts/_group_branch.html", _tree_context(request, account, view, asked))


@signed_in
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the account below another one from a day on, or take it out of its group."""
    require_change_group(request.user)
    page = AccountPage(request, pk, "group")
    form = MoveForm(request.POST if request.method == "POST" else None, initial=_initial(page.account))
    try:
        if request.method == "POST" and form.is_valid() and _moved(request, page.account, form):
            return redirect("accounts:group", pk)
        is_kept = request.method == "POST"
    except StaleEdit as stale:
        form.add_error(None, str(stale))
        page, is_kept = AccountPage(request, pk, "group"), False
    context = {"form": form, "stays": _stays(request, page.account), "is_kept": is_kept}
    return page.render_as("accounts/group_move.html", status=422 if request.method == "POST" else 200, **context)


def _place_in_words(rows: list[Account]) -> str:
    parent = rows[0].parent
    return _("below %(parent)s") % {"parent": parent} if parent else _("in no group")


@beyond_the_wall("the one above is told to whoever may open the account, and has to be sent back with the form")
def _initial(account: Account) -> dict[str, Any]:
    return {"parent": account.parent.code if account.parent else ""}


def _moved(request: HttpRequest, account: Account, form: MoveForm) -> bool:
    """Whether the move was made; else the form says why not."""
    code = form.cleaned_data["parent"].replace("\x00", "").strip()
    parent = Account.objects.visible_to(request.user).filter(code=code).first() if code else None
    if code and parent is None:
        form.add_error("parent", _("There is no account with this code among those you see."))
        return False
    try:
        since, by = form.cleaned_data["since"], user_of(request)
        asked = _("below %(parent)s") % {"parent": parent} if parent else _("in no group")
        with transaction.atomic():
            tree_lock()
            with as_seen(account, request.POST.get("seen", ""), asked=asked, words=_place_in_words):
                change_parent(account=account, parent=parent, since=since, by=by)
    except GroupRefused as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, _("The group of %(account)s is changed.") % {"account": account})
    return True


def asked_of(request: HttpRequest) -> Asked:
    """Period and membership of the address; a period that cannot be read is said, and the last 12 months are shown."""
    as_of, text = as_of_of(request), request.GET.get("period", "")
    membership = request.GET.get("membership", "")
    known = membership if membership in dict(MEMBERSHIPS) else str(Membership.AS_WAS)
    try:
        return Asked(read_period(text) if text else default_comparison(as_of), known)
    except PeriodError as error:
        return Asked(default_comparison(as_of), known, str(error))


def _view_of(request: HttpRequest, account: Account, asked: Asked) -> GroupView:
    return group_view(
        account, viewer=user_of(request), period=asked.period, membership=asked.membership, as_of=as_of_of(request)
    )


def _tree_context(request: HttpRequest, account: Account, view: GroupView, asked: Asked) -> dict[str, Any]:
    page = Paginator(view.lines, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "node": account,
        "view": view,
        "lines": page,
        "sees_margin": request.user.has_perm(VIEW_MARGIN),
        "remaining": page.paginator.count - page.end_index(),
        "asked": asked,
        "currency": view.rollup.currency,
        "reason": next(iter(view.rollup.reasons.values()), ""),
        "basis": basis_words(view.rollup.passport.basis),
    }


def _path(request: HttpRequest, account: Account) -> list[tuple[Ancestor, bool]]:
    """From the root down to the account, each with whether the reader may open it. Two queries."""
    above = path_on(account, as_of_of(request))
    seen = set(
        Account.objects.visible_to(request.user).filter(pk__in=[one.id for one in above]).values_list("pk", flat=True)
    )
    return [(one, one.id in seen) for one in above]


def _stays(request: HttpRequest, account: Account) -> list[dict[str, Any]]:
    """The groups of the account, newest first, a link where the reader may open the one above. Three queries."""
    stays = stays_of(account)
    ids = [stay.parent_id for stay in stays if stay.parent_id]
    with beyond_the_wall("the groups of an account are told by name to whoever may open it"):
        names = dict(Account.objects.filter(pk__in=ids).values_list("pk", "name"))
    seen = set(Account.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {"stay": stay, "name": names.get(stay.parent_id or 0), "is_visible": stay.parent_id in seen}
        for stay in reversed(stays)
    ]


def _periods(request: HttpRequest, asked: Asked) -> list[tuple[str, Any, bool]]:
    """(text, label, is chosen) of the periods offered; one that was typed into the address is among them."""
    now = period_text(asked.period)
    offered = [(one.comparison, one.label) for one in presets(as_of_of(request))]
    if now not in dict(offered):
        offered.append((now, now))
    return [(text, label, text == now) for text, label in offered]
