"""Which nights are due: a row each in the database, earliest day first; messages only wake (architecture.md rule 11).

A night is a local day with its hour NIGHTLY_AT; it grades the day before, or the ledger's last booked day where that is
earlier. Nights nobody was there for are made up in ascending order, so that a move is dated by the night that would have
seen it. The state of grades counts days, not nights, and "a missed night does not break a run" (domain.md 3.8): that is
why leaving out those longer ago than LONGEST_CATCH_UP changes when a move is seen, never whether.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.locks import LEASE_RUN, is_leased, plan_lock
from accounts.models import User
from crm import pipeline
from metrics.selectors import default_as_of, last_booked_on
from tiering import publishing
from tiering.enums import UNFINISHED_RUN_STATES, RunState, RunTrigger
from tiering.models import TierRun
from tiering.presets import NothingToGrade

logger = structlog.get_logger(__name__)

LONGEST_CATCH_UP = 31  # nights; a month of them is longer than any span a move has to hold by default
GRACE = timedelta(hours=1)  # a night may take this long, catch-up and all, before pages call it overdue
ENDED = (RunState.PUBLISHED, RunState.FAILED, RunState.SUPERSEDED)
DAY = timedelta(days=1)


def night_at(day: date) -> datetime:
    """The moment at which the night of a local day is due; where clocks change, an hour that comes twice counts the first
    time and one that is left out counts an hour later."""
    return datetime.combine(day, settings.NIGHTLY_AT, tzinfo=timezone.get_default_timezone()).astimezone(UTC)


def night_of(moment: datetime) -> date:
    """The local day whose night was the last to become due."""
    day = timezone.localtime(moment, timezone.get_default_timezone()).date()
    return day if night_at(day) <= moment.astimezone(UTC) else day - DAY


def is_overdue(last: TierRun, *, now: datetime | None = None) -> bool:
    """Whether a night has become due since the run was started, and more than GRACE has passed."""
    return last.started_at is not None and night_of((now or timezone.now()) - GRACE) > night_of(last.started_at)


def missed_nights(*, now: datetime | None = None) -> tuple[date, date]:
    """(first, last) night that nobody has graded; the first lies after the last where there is none.

    A night that failed for good counts as tried: it is not due again before the next one.
    """
    tonight = night_of(now or timezone.now())
    started = TierRun.objects.filter(state__in=ENDED, started_at__isnull=False).exclude(trigger=RunTrigger.REPLAY)
    newest = started.order_by("-started_at").values_list("started_at", flat=True).first()
    return (night_of(newest) + DAY if newest else tonight), tonight


def days_due(*, now: datetime | None = None) -> list[date]:
    """The days to grade, ascending; each once, however many nights would have graded it on a ledger that stood still.

    The last published day comes again only where it is all there is: ratings and overrides go on without the ledger.
    """
    booked = last_booked_on()
    first, tonight = missed_nights(now=now)
    if booked is None or first > tonight:
        return []
    nights = min((tonight - first).days + 1, LONGEST_CATCH_UP)
    days = sorted({min(tonight - DAY * (1 + back), booked) for back in range(nights)})
    last = publishing.last_published()
    if last is None:
        return days[-1:]  # before the first night there is no state to carry on
    return [day for day in days if day > last.as_of or day == last.as_of == days[-1]]


def first_day_due() -> date | None:
    """The day of the first night of a ledger: it has a record, and no night is published or has been tried in vain."""
    if last_booked_on() is None or TierRun.objects.filter(state__in=ENDED).exists():
        return None
    return default_as_of()


def unfinished_runs() -> QuerySet[TierRun]:
    """What is asked for, under way or broken off, in the order in which it is done."""
    return TierRun.objects.filter(state__in=UNFINISHED_RUN_STATES).order_by("as_of")


@transaction.atomic
def plan_nights(*, now: datetime | None = None, before: date | None = None) -> None:
    """Write a row for every night that is due and has none. Two planners, or one that comes again, find them once.

    before : only nights of earlier days, for somebody who asks for that day himself
    """
    plan_lock()
    first = first_day_due()
    if first is not None:
        if not unfinished_runs().exists():
            TierRun.objects.create(as_of=first, trigger=RunTrigger.FIRST)
        return
    days = [day for day in days_due(now=now) if before is None or day < before]
    if not days:
        return
    missed, tonight = missed_nights(now=now)
    too_old = (tonight - missed).days + 1 - LONGEST_CATCH_UP
    if too_old > 0:
        logger.warning("nights_left_out", nights=too_old, since=str(missed), reason="longer ago than the catch-up goes")
    for day in days:
        TierRun.objects.get_or_create(
            as_of=day, state__in=UNFINISHED_RUN_STATES, defaults={"state": RunState.DUE, "trigger": RunTrigger.NIGHT}
        )


def waiting_runs() -> list[TierRun]:
    """Unfinished runs while nobody works on one, earliest day first; only the first of them may be done next.

    Those past their attempts are listed as failed instead, those that a later published day has overtaken as skipped.
    """
    if is_leased(LEASE_RUN, pipeline.ANY_NIGHT):
        return []
    unfinished_runs().filter(attempts__gte=pipeline.MAX_ATTEMPTS).update(
        state=RunState.FAILED, finished_at=timezone.now(), error=_("The run broke off several times.")
    )
    last = publishing.last_published()
    if last is not None:
        overtaken = unfinished_runs().filter(as_of__lt=last.as_of).exclude(trigger=RunTrigger.REPLAY)
        words = _("Grades were published until %(day)s in the meantime.") % {"day": last.as_of}
        if overtaken.update(state=RunState.SKIPPED, finished_at=timezone.now(), error=words):
            logger.warning("nights_skipped", reason=words)
    return list(unfinished_runs())


def request_night(*, requested_by: User | None, as_of: date | None = None) -> TierRun:
    """A run that is due, for a worker to do after the missed ones; one that is asked for already is given again."""
    day = as_of or default_as_of()
    publishing.check_as_of(day, replay=False, today=timezone.localdate())
    if publishing.last_published() is not None:
        plan_nights(before=day)
    run, _made = TierRun.objects.get_or_create(
        as_of=day,
        state__in=UNFINISHED_RUN_STATES,
        defaults={"state": RunState.DUE, "trigger": RunTrigger.PAGE, "requested_by": requested_by},
    )
    return run


def first_night_if_due() -> TierRun | None:
    """Do the first night of a ledger; a ledger that cannot be graded yet is listed, not raised."""
    as_of = first_day_due()
    if as_of is None:
        return None
    try:
        return pipeline.run_night(as_of=as_of, trigger=RunTrigger.FIRST)
    except (NothingToGrade, pipeline.NightUnderWay) as refused:
        logger.warning("first_night_not_done", reason=str(refused))
        return None
