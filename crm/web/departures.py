"""Somebody leaves: one page with all that hangs on them, given to others by a rule, and taken back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.web.account_team import person_field
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from crm.web.rights import SPEAK_FOR_OTHERS, require_reassign
from crm.web.teams import colleague
from plans.departures import Preview, holdings, preview, reassign, undo_reassignment
from plans.enums_team import MovedKind, MoveRule
from plans.models import AccountPlan, HandOver, Reassignment
from service.models import Discount
from tiering.models import Override

UNPROCESSABLE = 422
MOST_REGIONS = 40


class LeaveForm(forms.Form):
    """Who takes over. Regions are those of the accounts that hang on the leaver."""

    rule = forms.ChoiceField(
        label=gettext_lazy("Who takes over"),
        choices=MoveRule.choices,
        widget=forms.RadioSelect,
        initial=MoveRule.PERSON,
    )
    successor = person_field(
        gettext_lazy("Successor"), help_text=gettext_lazy("Also where the rule names nobody: no deputy, no region.")
    )

    def __init__(self, *args: Any, leaver: User, regions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {f"region-{at}": region for at, region in enumerate(regions)}
        for name, region in self.places.items():
            self.fields[name] = person_field(
                region or _("without a region"), required=False, empty_label=_("the successor")
            )
        for name in ("successor", *self.places):
            field: Any = self.fields[name]
            field.queryset = field.queryset.exclude(pk=leaver.pk)
        dress(self)

    def choice(self) -> dict[str, Any]:
        given = self.cleaned_data
        regions = {region: given[name] for name, region in self.places.items() if given[name]}
        return {"rule": given["rule"], "successor": given["successor"], "regions": regions}

    @property
    def region_fields(self) -> list[Any]:
        return [self[name] for name in self.places]


@signed_in
@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """First POST: what would move, in numbers, with the load of whoever takes over. Second (``confirmed``): move it."""
    require_reassign(request.user)
    accounts = Account.objects.visible_to(request.user)
    leaver, today = colleague(request, pk, accounts), timezone.localdate()
    form = LeaveForm(request.POST or None, leaver=leaver, regions=_regions(leaver, accounts))
    found: Preview | None = None
    if form.is_bound and form.is_valid():
        given = {"leaver": leaver, "accounts": accounts, "made_by": user_of(request), "on": today, **form.choice()}
        try:
            if "confirmed" in request.POST:
                move = reassign(**given)
                messages.success(request, _("%(count)s rows have new people.") % {"count": sum(move.counts.values())})
                return redirect("teams:leave", pk)
            found = preview(**given)
        except CrmError as refused:
            form.add_error(None, str(refused))
    held = holdings(leaver, accounts, on=today)
    context = {
        "tab": "load",
        "person": leaver,
        "form": form,
        "held": [(MovedKind(kind).label, count) for kind, count in held.items() if count],
        "left": _stays(leaver, accounts),
        "preview": found,
        "moves": [(MovedKind(kind).label, count) for kind, count in found.counts.items()] if found else [],
        "takers": found.by_successor if found else [],
        "history": _history(leaver),
        "may_switch_off": request.user.has_perm(SPEAK_FOR_OTHERS)
        and leaver != request.user
        and not leaver.is_superuser,
    }
    return render(request, "teams/leave.html", context, status=UNPROCESSABLE if form.errors else 200)


def _regions(leaver: User, accounts: AccountQuerySet) -> list[str]:
    mine = accounts.filter(owner=leaver) | accounts.filter(pk__in=leaver.team_memberships.values("account"))
    return list(mine.order_by("region").values_list("region", flat=True).distinct()[:MOST_REGIONS])


def _stays(leaver: User, accounts: AccountQuerySet) -> list[tuple[Any, int]]:
    """What waits and is nobody else's to take: it is finished, called off or decided by others."""
    ids = accounts.order_by().values("pk")
    pending = HandOver.objects.filter(account__in=ids, state__in=["open", "signed"])
    counts = (
        (_("hand-overs to finish or call off"), pending.filter(giver=leaver) | pending.filter(taker=leaver)),
        (_("grade requests that wait for approval"), Override.objects.filter(account__in=ids, state="requested", requested_by=leaver)),
        (_("account plans that wait for approval"), AccountPlan.objects.filter(account__in=ids, approved_on=None, made_by=leaver)),
        (_("discounts without an approval"), Discount.objects.filter(account__in=ids, approved_by=None, granted_by=leaver)),
    )  # fmt: skip
    return [(label, count) for label, rows in counts if (count := rows.count())]


def _history(leaver: User) -> list[tuple[Reassignment, int, int]]:
    """Each with how much moved and how much of it was given back."""
    moves = Reassignment.objects.filter(leaver=leaver).select_related("successor", "made_by", "undone_by")[:10]
    return [(move, sum(move.counts.values()), sum(move.restored.values())) for move in moves]


@signed_in
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    require_reassign(request.user)
    move = get_object_or_404(Reassignment.objects.visible_to(request.user), pk=pk)
    try:
        done = undo_reassignment(move=move, by=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        back, all_of_them = sum(done.restored.values()), sum(done.counts.values())
        messages.success(
            request, _("%(count)s of %(total)s rows are as they were.") % {"count": back, "total": all_of_them}
        )
        if back < all_of_them:
            words = _("%(count)s rows have changed since and stay as they are now.")
            messages.warning(request, words % {"count": all_of_them - back})
    return redirect("teams:leave", move.leaver_id)


@signed_in
@require_POST
def switch_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch the log-in off once nothing hangs on it that the reader sees."""
    if not request.user.has_perm(SPEAK_FOR_OTHERS):
        raise PermissionDenied(_("Your log-in may not switch users off. An administrator can do it."))
    user, today = get_object_or_404(User, pk=pk), timezone.localdate()
    if user == request.user or user.is_superuser:
        messages.error(request, _("This log-in cannot be switched off here. Use the admin."))
    elif any(holdings(user, Account.objects.standing(), on=today).values()):
        messages.error(request, _("Something still hangs on %(user)s: re-assign it first.") % {"user": user})
    else:
        user.is_active = False
        user.save(update_fields=["is_active"])
        messages.success(request, _("%(user)s is switched off.") % {"user": user})
    return redirect("teams:leave", pk)
