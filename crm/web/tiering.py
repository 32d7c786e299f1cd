"""Tiering: how the last night graded the accounts, and the model it graded by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.enums import Grade
from crm import tasks
from crm.lib.exceptions import CrmError
from crm.nights import request_night
from crm.web import tiering_model, tiering_night
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.rights import may_activate, may_draft, may_retier, require_retier
from crm.web.scope import ALL, accounts_in_scope, can_choose_scope, number_style, scope_of
from crm.web.weights import origin_lines
from metrics.selectors import last_booked_on
from tiering.enums import UNFINISHED_RUN_STATES, ModelState, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun
from tiering.selectors import published_runs
from tiering.selectors_activation import reviews_of

MOVERS_A_PAGE = 25
NIGHTS_SHOWN = 14
REVIEWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Nights:
    """The run on show, the newest of any state, and those before.

    shown : a published run, None before the first one; newest : None before the first attempt
    """

    shown: TierRun | None
    newest: TierRun | None
    listed: list[TierRun]

    @property
    def is_running(self) -> bool:
        return self.newest is not None and self.newest.state in UNFINISHED_RUN_STATES

    @property
    def has_failed(self) -> bool:
        return self.newest is not None and self.newest.state == RunState.FAILED

    @property
    def is_latest(self) -> bool:
        """Whether the run on show is the last published one."""
        published = [run for run in self.listed if run.state == RunState.PUBLISHED]
        return not published or self.shown == published[0]


@signed_in
@require_GET
def night(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The last published night, or the one asked for."""
    nights = _nights(pk)
    context = _status_context(request, nights)
    if nights.shown is not None:
        context |= _night_context(request, nights.shown)
    return page_or_fragment(request, "tiering/night.html", "tiering/_night.html", context)


@signed_in
@require_POST
def run_now(request: HttpRequest) -> HttpResponse:
    """Ask for a run of the newest day; a worker does it, and a second request joins the first."""
    require_retier(request.user)
    if last_booked_on() is None:
        messages.warning(request, _("Nothing to grade: the ledger is empty. Import revenue first."))
        return redirect("tiering:night")
    try:
        run = request_night(requested_by=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        tasks.send(tasks.nightly_task, as_of=run.as_of.isoformat(), trigger=RunTrigger.PAGE)
    return redirect("tiering:night")


@signed_in
@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """How far the run is, asked every second; once it has ended the whole page is shown anew."""
    nights = _nights(None)
    if not nights.is_running:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("tiering:night")})
    return render(request, "tiering/_status.html", _status_context(request, nights))


def _status_context(request: HttpRequest, nights: Nights) -> dict[str, Any]:
    context: dict[str, Any] = {"nights": nights, "may_retier": may_retier(request.user)}
    run = nights.newest
    if run is not None and nights.is_running:
        context |= {
            "elapsed": int((timezone.now() - run.started_at).total_seconds()) if run.started_at else 0,
            "stages": tiering_night.stages_of(run),
        }
    return context


@signed_in
@require_GET
def model(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The active model, or the version asked for; before one is active, the newest draft."""
    versions = list(
        ScoringModel.objects.select_related("created_by", "activated_by")
        .annotate(nights=Count("runs", filter=Q(runs__state=RunState.PUBLISHED)))
        .order_by("-pk")
    )
    shown = _version(versions, pk)
    context: dict[str, Any] = {
        "model": shown,
        "versions": versions,
        "can_edit": request.user.is_staff and request.user.has_perm("tiering.change_scoringmodel"),
        "may_draft": may_draft(request.user),
        "may_activate": may_activate(request.user),
    }
    if shown is not None:
        whole = ScoringModel.objects.prefetch_related("dimensions", "indicators", "rules").get(pk=shown.pk)
        style = number_style(request)
        context |= {
            "weights": tiering_model.weights_bar(list(whole.dimensions.all())),
            "dimensions": tiering_model.dimension_parts(whole, style=style),
            "grades": tiering_model.grade_parts(whole, style=style),
            "reviews": list(reviews_of(shown)[:REVIEWS_SHOWN]),
            "is_review_overdue": _is_review_overdue(shown),
            "origins": origin_lines(whole),
        }
    return render(request, "tiering/model.html", context)


def _is_review_overdue(model: ScoringModel) -> bool:
    is_due = model.review_on is not None and model.review_on < timezone.localdate()
    return model.state == ModelState.ACTIVE and is_due


def _version(versions: Sequence[ScoringModel], pk: int | None) -> ScoringModel | None:
    if pk is not None:
        found = [version for version in versions if version.pk == pk]
        if not found:
            raise Http404
        return found[0]
    active = [version for version in versions if version.state == ModelState.ACTIVE]
    return next(iter(active or versions), None)


def _nights(pk: int | None) -> Nights:
    listed = list(
        TierRun.objects.exclude(state=RunState.SUPERSEDED).select_related("model", "requested_by")[:NIGHTS_SHOWN]
    )
    published = published_runs().select_related("requested_by")
    shown = published.filter(pk=pk).first() if pk is not None else published.first()
    if pk is not None and shown is None:
        raise Http404
    return Nights(shown=shown, newest=TierRun.objects.order_by("-pk").first(), listed=listed)


def _grade(request: HttpRequest, name: str) -> str:
    asked = request.GET.get(name, "")
    return asked if asked in Grade.values else ""


def _night_context(request: HttpRequest, run: TierRun) -> dict[str, Any]:
    accounts = accounts_in_scope(request)
    sees_all = scope_of(request) == ALL and can_choose_scope(request)
    moves = tiering_night.moves_of(run, accounts, sees_all=sees_all)
    direction = request.GET.get("moved", "")
    before, now = _grade(request, "before"), _grade(request, "now")
    movers = tiering_night.moved(run, accounts, direction=direction, before=before, now=now)
    money, currency = tiering_night.moved_money(movers)
    counts = tiering_night.grade_counts(run, accounts, moves, sees_all=sees_all)
    return {
        "run": run,
        "counts": counts,
        "accounts": sum(count.accounts for count in counts),
        "sees_all": sees_all,
        "chart": tiering_night.movement_chart(moves),
        "moved": sum(number for *_pair, number in moves),
        "page": Paginator(movers, MOVERS_A_PAGE).get_page(request.GET.get("page")),
        "direction": direction if direction in tiering_night.DIRECTIONS else "",
        "before": before,
        "now": now,
        "money": money,
        "currency": currency,
        "phases": tiering_night.phases_of(run),
    }
