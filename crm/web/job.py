"""The page about the nightly job: the last good night, what is due, under way, failed, left out and set apart."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from crm import nights, pipeline
from crm.web import tiering_night
from crm.web.htmx import signed_in
from crm.web.rights import may_retier
from crm.web.scope import accounts_in_scope
from metrics.selectors import last_booked_on
from tiering.enums import IndicatorCode, QuarantineReason, RunState, RunTrigger
from tiering.models import Quarantine, TierRun
from tiering.selectors import published_runs
from tiering.wording import INPUT_LABEL

SET_APART_A_PAGE = 25
ENDED_BADLY_SHOWN = 10
DAY = nights.DAY
# Figures that only this list names; the others have their words already.
FIGURE_LABELS = {
    "booked_on": gettext_lazy("Day of a ledger line"),
    "revenue": gettext_lazy("Amount of a ledger line"),
    "cost": gettext_lazy("Cost of a ledger line"),
    "wallet": gettext_lazy("Wallet estimate"),
    "receivable": gettext_lazy("Amount of a receivable"),
    "payment": gettext_lazy("Payment of a receivable"),
    "months": gettext_lazy("Months since the first revenue"),
    "revenue_ttm": gettext_lazy("Net revenue of the last 12 months"),
    "revenue_prior_ttm": gettext_lazy("Net revenue of the 12 months before"),
    "overdue_31": gettext_lazy("Overdue for 31 to 90 days"),
    "overdue_61": gettext_lazy("Overdue for 61 to 90 days"),
    "overdue_90": gettext_lazy("Overdue for more than 90 days"),
}
WHAT_NEXT = {
    QuarantineReason.NOT_A_NUMBER: gettext_lazy("Correct the value where it was written past the forms."),
    QuarantineReason.INFINITE: gettext_lazy("Look for a divisor that is nearly zero in the account's figures."),
    QuarantineReason.AMOUNT: gettext_lazy("Withdraw the batch with the wrong amount, correct it, import it again."),
    QuarantineReason.DATE: gettext_lazy("Withdraw the batch with the wrong day, or correct the day of opening."),
}


@dataclass(frozen=True, slots=True)
class SetApart:
    """One account of the list, with what is at fault and what to do."""

    row: Quarantine
    figure: Any
    what_next: Any


@dataclass(frozen=True, slots=True)
class Job:
    """How the job stands. waiting : earliest day first, without the one under way; ended_badly : since the last good night."""

    last: TierRun | None
    age_days: int
    is_overdue: bool
    next_at: datetime
    under_way: TierRun | None
    waiting: list[TierRun]
    ended_badly: list[TierRun]


def job_now() -> Job:
    """Four look-ups."""
    now = timezone.now()
    last = published_runs().exclude(trigger=RunTrigger.REPLAY).first()
    unfinished = list(nights.unfinished_runs().select_related("requested_by"))
    under_way = next((run for run in unfinished if run.state != RunState.DUE), None)
    bad = TierRun.objects.filter(state__in=[RunState.FAILED, RunState.SKIPPED]).order_by("-pk")
    if last is not None:
        bad = bad.filter(pk__gt=last.pk)
    return Job(
        last=last,
        age_days=(now - last.published_at).days if last is not None and last.published_at else 0,
        is_overdue=last_booked_on() is not None and last is not None and nights.is_overdue(last, now=now),
        next_at=nights.night_at(nights.night_of(now) + DAY),
        under_way=under_way,
        waiting=[run for run in unfinished if run is not under_way],
        ended_badly=list(bad[:ENDED_BADLY_SHOWN]),
    )


def set_apart(request: HttpRequest, run: TierRun | None) -> Page:
    """The accounts of one night that the reader sees."""
    rows = Quarantine.objects.none()
    if run is not None and run.quarantined:
        rows = Quarantine.objects.filter(run=run, account__in=accounts_in_scope(request))
    page = Paginator(rows.select_related("account").order_by("account__name", "pk"), SET_APART_A_PAGE)
    found = page.get_page(request.GET.get("page"))
    found.object_list = [
        SetApart(row, figure_label(row.figure), WHAT_NEXT[QuarantineReason(row.reason)]) for row in found
    ]
    return found


def figure_label(code: str) -> Any:
    """What a figure is called on screen."""
    if code in IndicatorCode.values:
        return IndicatorCode(code).label
    return FIGURE_LABELS.get(code) or INPUT_LABEL.get(code) or code


@signed_in
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """The nightly job as it stands."""
    job = job_now()
    context: dict[str, Any] = {
        "job": job,
        "page": set_apart(request, job.last),
        "may_retier": may_retier(request.user),
        "attempts": pipeline.MAX_ATTEMPTS,
        "stages": tiering_night.stages_of(job.under_way) if job.under_way else [],
    }
    return render(request, "tiering/job.html", context)
