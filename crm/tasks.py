"""What workers do: the night, and a tick a minute that finds in the database what is due and left undone.

Messages only wake: a lost one costs a minute, a doubled one finds the work done or in other hands.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task, shared_task
from django.db import OperationalError
from django.utils import timezone

from accounts.enums import UNFINISHED_BATCH_STATES
from accounts.groups import apply_memberships
from accounts.locks import LEASE_BATCH, LEASE_PAGES, is_leased, lease
from accounts.models import ImportBatch
from accounts.security import housekeeping
from accounts.tasks import import_batch_task
from crm import nights, pipeline
from crm.lib.exceptions import CrmError
from crm.trail.chain import seal
from crm.webhooks import services as webhooks
from plans.services_handover import complete_hand_overs
from service import storage
from tiering import services_backtests as backtests
from tiering.enums import RunTrigger

logger = structlog.get_logger(__name__)


def send(task: Task, **kwargs: Any) -> bool:
    """Hand a task to a worker; a broker that is away is logged, never raised: the tick finds the work again."""
    try:
        task.apply_async(kwargs=kwargs)
    except Exception:
        logger.warning("message_not_sent", task=task.name, arguments=kwargs, exc_info=True)
        return False
    return True


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=pipeline.MAX_ATTEMPTS)
def nightly_task(*, as_of: str | None = None, trigger: str = RunTrigger.NIGHT) -> int | None:
    """Do the earliest night that waits, and wake a worker for the next one. Returns the id of the run.

    as_of : the day this message is about, as ISO date; it does nothing where that day does not wait (any more).
    Without one, nights that have become due are planned first.
    """
    if as_of is None:
        nights.plan_nights()
    waiting = nights.waiting_runs()
    if not waiting or (as_of is not None and as_of not in {run.as_of.isoformat() for run in waiting}):
        return None
    run, *later = waiting
    is_replay = run.trigger == RunTrigger.REPLAY
    try:
        done = pipeline.run_night(as_of=run.as_of, trigger=run.trigger, replay=is_replay, only_asked=True)
    except CrmError as refused:
        logger.warning("night_not_done", as_of=str(run.as_of), reason=str(refused))
        return None
    if later:
        send(nightly_task, as_of=later[0].as_of.isoformat(), trigger=later[0].trigger)
    return done.pk


@shared_task(ignore_result=True)
def pages_task() -> None:
    """Compute what the dashboard shows of every account, so that nobody waits for it; at once done where it is kept."""
    with lease(LEASE_PAGES, 0) as is_held:
        if is_held:
            pipeline.ready_pages()


@shared_task(acks_late=True, autoretry_for=(OperationalError,), retry_backoff=True, max_retries=backtests.MAX_ATTEMPTS)
def backtest_task(*, backtest_id: int) -> str | None:
    """Replay the past for a backtest that waits; returns its state, None where another worker has it or it is done."""
    run = backtests.run_backtest(backtest_id)
    return run.state if run else None


@shared_task(ignore_result=True)
def webhooks_task() -> dict[str, int]:
    """Tell other systems what has happened; counts of messages delivered, put off and given up."""
    webhooks.announce()
    webhooks.forget_old()
    return webhooks.deliver_due()


@shared_task(ignore_result=True)
def tick_task() -> None:
    """Send what is due, unfinished and in nobody's hands; seal the trail."""
    seal()
    housekeeping.sweep(now=timezone.now())
    storage.sweep(now=timezone.now(), shelf=storage.shelf_of(timezone.now()))
    apply_memberships()
    if webhooks.is_work_waiting():
        send(webhooks_task)
    if not pipeline.are_pages_ready():
        send(pages_task)
    for batch_id in waiting_batches():
        send(import_batch_task, batch_id=batch_id)
    for backtest_id in backtests.waiting_backtests():
        send(backtest_task, backtest_id=backtest_id)
    complete_hand_overs(today=timezone.localdate())
    pipeline.follow_up_if_left_undone()
    nights.plan_nights()
    for run in nights.waiting_runs()[:1]:  # the others follow it, in order
        send(nightly_task, as_of=run.as_of.isoformat(), trigger=run.trigger)


def waiting_batches() -> list[int]:
    """Queued or broken-off batches that no worker holds, oldest first."""
    unfinished = ImportBatch.objects.filter(state__in=UNFINISHED_BATCH_STATES).order_by("pk")
    return [pk for pk in unfinished.values_list("pk", flat=True) if not is_leased(LEASE_BATCH, pk)]
