"""What has happened since a webhook was made and is not told yet, read from the rows themselves.

Nothing is written when a night publishes or a file is posted: the rows of runs and batches are the events, so one that
a process died over is told as well. Messages hold the accounts that the owner of the webhook may see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.enums import BatchState
from accounts.models import Account, ImportBatch
from crm.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from crm.web.rights import may_import
from tiering import selectors as tiering
from tiering.enums import RunState, RunTrigger
from tiering.models import TierRun

CHANGES_A_MESSAGE = 1_000
RUNS_AT_ONCE = 31


@dataclass(frozen=True, slots=True)
class Message:
    """One message: what it is about, and what it says."""

    event: WebhookEvent
    subject_id: int
    part: int
    payload: dict[str, Any]


def untold(endpoint: WebhookEndpoint) -> Iterator[Message]:
    """Every message the endpoint waits for that has no delivery yet, oldest first."""
    if WebhookEvent.GRADES_CHANGED in endpoint.events:
        for run in _untold_runs(endpoint):
            yield from _grade_messages(endpoint, run)
    for event, batches in _untold_batches(endpoint):
        for batch in batches:
            yield Message(event, batch.pk, 1, _envelope(event, batch_time(batch), _batch_data(batch)))


def ping(endpoint: WebhookEndpoint, *, number: int, at: str) -> Message:
    data = {"webhook": endpoint.name, "text": "It works."}
    return Message(WebhookEvent.PING, number, 1, _envelope(WebhookEvent.PING, at, data))


def _not_told(endpoint: WebhookEndpoint, event: WebhookEvent) -> Exists:
    told = WebhookDelivery.objects.filter(endpoint=endpoint, event=event, subject_id=OuterRef("pk"))
    return ~Exists(told)


def _untold_runs(endpoint: WebhookEndpoint) -> QuerySet[TierRun]:
    """Published nights; a replay of the past changes no grade of today."""
    published = TierRun.objects.filter(state=RunState.PUBLISHED, published_at__gte=endpoint.since)
    waiting = published.exclude(trigger=RunTrigger.REPLAY).filter(_not_told(endpoint, WebhookEvent.GRADES_CHANGED))
    return waiting.order_by("as_of")[:RUNS_AT_ONCE]


def _grade_messages(endpoint: WebhookEndpoint, run: TierRun) -> Iterator[Message]:
    """One message for up to CHANGES_A_MESSAGE moves; a night without a move is told too, with none."""
    moved = tiering.movers(Account.objects.visible_to(endpoint.owner), run=run)
    columns = ("account_id", "account__code", "previous_grade", "grade")
    moves = list(moved.order_by("account_id").values_list(*columns))
    parts = [moves[at : at + CHANGES_A_MESSAGE] for at in range(0, len(moves), CHANGES_A_MESSAGE)] or [[]]
    for number, part in enumerate(parts, 1):
        data = {
            "as_of": run.as_of.isoformat(),
            "run": run.pk,
            "part": number,
            "parts": len(parts),
            "changes": [
                {"account": account, "code": code, "from": before, "to": after} for account, code, before, after in part
            ],
        }
        at = run.published_at.isoformat() if run.published_at else ""
        yield Message(WebhookEvent.GRADES_CHANGED, run.pk, number, _envelope(WebhookEvent.GRADES_CHANGED, at, data))


def _untold_batches(endpoint: WebhookEndpoint) -> Iterator[tuple[WebhookEvent, QuerySet[ImportBatch]]]:
    """Imports are the business of whoever may import."""
    if not may_import(endpoint.owner):
        return
    since = endpoint.since
    posted = Q(state=BatchState.POSTED, posted_at__gte=since) | Q(state=BatchState.FAILED, created_at__gte=since)
    withdrawn = Q(state=BatchState.WITHDRAWN, withdrawn_at__gte=since)
    for event, which in ((WebhookEvent.IMPORT_FINISHED, posted), (WebhookEvent.IMPORT_WITHDRAWN, withdrawn)):
        if event in endpoint.events:
            yield event, ImportBatch.objects.filter(which, _not_told(endpoint, event)).order_by("pk")[:RUNS_AT_ONCE]


def batch_time(batch: ImportBatch) -> str:
    return (batch.withdrawn_at or batch.posted_at or batch.created_at).isoformat()


def _batch_data(batch: ImportBatch) -> dict[str, Any]:
    return {
        "batch": batch.pk,
        "state": batch.state,
        "file": batch.file_name,
        "source": batch.source,
        "read": batch.read,
        "posted": batch.posted,
        "already_there": batch.already_there,
        "rejected": batch.rejected,
    }


def _envelope(event: WebhookEvent, at: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": event.value, "timestamp": at, "data": data}
