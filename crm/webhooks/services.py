"""Webhooks: made and changed by administrators, told by the tick, tried again until taken or given up.

A message is claimed by one conditional update that puts its next attempt into the future, so two workers never send it
at once and one that dies leaves it to be tried again: at least once, always under the same id.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from crm.lib import outbound
from crm.lib.exceptions import CrmError
from crm.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from crm.webhooks import events, signing

logger = structlog.get_logger(__name__)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# How long after each failed attempt the next comes; after the last the message has failed. About three days in all.
PAUSES = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
CLAIMED_FOR = 2 * MINUTE  # longer than an attempt can take
SENT_AT_ONCE = 40
SENT_WITHIN_SECONDS = 60.0  # then others get the worker; the tick goes on
GONE = 410
KEPT = timedelta(days=90)


class WebhookRefused(CrmError):
    """A webhook that cannot be had. The message says why."""

    code = "webhook-refused"
    status = 422


def create_webhook(*, name: str, url: str, events_told: Sequence[str], owner: User) -> tuple[WebhookEndpoint, str]:
    """The webhook and its secret, which is shown this once. Raises WebhookRefused, OutboundRefused."""
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(owner=owner, since=timezone.now(), sealed_secret=signing.seal(secret))
    _fill(endpoint, name=name, url=url, events_told=events_told)
    return endpoint, secret


def change_webhook(
    endpoint: WebhookEndpoint, *, name: str, url: str, events_told: Sequence[str], is_active: bool
) -> WebhookEndpoint:
    """What happened while it was off is not told later. Raises WebhookRefused, OutboundRefused."""
    if is_active and not endpoint.is_active:
        endpoint.since, endpoint.stopped_because = timezone.now(), ""
    endpoint.is_active = is_active
    return _fill(endpoint, name=name, url=url, events_told=events_told)


def _fill(endpoint: WebhookEndpoint, *, name: str, url: str, events_told: Sequence[str]) -> WebhookEndpoint:
    door = settings.OUTBOUND
    parts = outbound.check_url(url.strip(), door)
    try:
        outbound.resolve(parts, door)
    except outbound.OutboundFailed as unknown:
        raise WebhookRefused(str(unknown)) from unknown
    endpoint.name, endpoint.url, endpoint.events = name.strip(), url.strip(), sorted(set(events_told))
    try:
        endpoint.full_clean()
        with transaction.atomic():
            endpoint.save()
    except ValidationError as wrong:
        raise WebhookRefused(" ".join(wrong.messages)) from wrong
    except IntegrityError as taken:
        raise WebhookRefused(_("Another webhook has this name.")) from taken
    return endpoint


def rotate_secret(endpoint: WebhookEndpoint) -> str:
    """A new secret, shown this once; the old one signs nothing from now on."""
    secret = signing.new_secret()
    endpoint.sealed_secret = signing.seal(secret)
    endpoint.save(update_fields=["sealed_secret", "updated_at"])
    return secret


def delete_webhook(endpoint: WebhookEndpoint) -> None:
    endpoint.delete()


@transaction.atomic
def send_ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A trial message, to be sent by the next worker."""
    WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    pings = WebhookDelivery.objects.filter(endpoint=endpoint, event=WebhookEvent.PING)
    number = (pings.aggregate(last=Max("subject_id"))["last"] or 0) + 1
    now = timezone.now()
    return _row(endpoint, events.ping(endpoint, number=number, at=now.isoformat()), now=now, save=True)


def send_again(delivery: WebhookDelivery) -> WebhookDelivery:
    """Put a message that has failed or was taken back into the line, under the id it had."""
    waiting = {
        "state": DeliveryState.WAITING,
        "next_at": timezone.now(),
        "attempts": 0,
        "delivered_at": None,
        "error": "",
    }
    WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=DeliveryState.WAITING).update(**waiting)
    delivery.refresh_from_db()
    return delivery


def is_open() -> bool:
    """Whether an operator has switched calls to other systems on."""
    return bool(settings.OUTBOUND.is_open)


def is_work_waiting() -> bool:
    """Whether a worker would find something to do; two look-ups."""
    if not settings.OUTBOUND.is_open or not WebhookEndpoint.objects.filter(is_active=True).exists():
        return False
    due = WebhookDelivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=timezone.now())
    return due.exists() or any(True for one in _listening() for _message in events.untold(one))


def announce() -> int:
    """Write a delivery for everything untold; returns how many. Two that do it at once write each once."""
    now, rows = timezone.now(), []
    for endpoint in _listening():
        rows += [_row(endpoint, message, now=now) for message in events.untold(endpoint)]
    return len(WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=100))


def deliver_due(*, now: datetime | None = None) -> dict[str, int]:
    """Send what is due, oldest first; returns how many were delivered, put off and given up."""
    counts = {"delivered": 0, "put_off": 0, "failed": 0}
    if not settings.OUTBOUND.is_open:
        return counts
    until = time.monotonic() + SENT_WITHIN_SECONDS
    for _round in range(SENT_AT_ONCE):
        if time.monotonic() > until:
            break
        delivery = _claim(now or timezone.now())
        if delivery is None:
            break
        counts[_attempt(delivery)] += 1
    return counts


def forget_old(*, now: datetime | None = None) -> int:
    """Messages done with long ago go; of those told of a run or batch the newest stay, so that nothing is told twice."""
    before = (now or timezone.now()) - KEPT
    WebhookEndpoint.objects.filter(since__lt=before).update(since=before)
    done = WebhookDelivery.objects.exclude(state=DeliveryState.WAITING).filter(created_at__lt=before)
    return done.delete()[0]


def _listening() -> list[WebhookEndpoint]:
    active = WebhookEndpoint.objects.filter(is_active=True, owner__is_active=True)
    return list(active.select_related("owner").order_by("pk"))


def _row(endpoint: WebhookEndpoint, message: events.Message, *, now: datetime, save: bool = False) -> WebhookDelivery:
    row = WebhookDelivery(
        endpoint=endpoint,
        event=message.event,
        subject_id=message.subject_id,
        part=message.part,
        payload=message.payload,
        next_at=now,
    )
    if save:
        row.save()
    return row


def _claim(now: datetime) -> WebhookDelivery | None:
    """The next message that is due, kept from others for the length of an attempt."""
    with transaction.atomic():
        waiting = WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=DeliveryState.WAITING, next_at__lte=now, endpoint__is_active=True, endpoint__owner__is_active=True
        )
        row = waiting.select_related("endpoint").order_by("next_at", "pk").first()
        if row is not None:
            row.attempts += 1
            row.next_at = now + CLAIMED_FOR
            row.save(update_fields=["attempts", "next_at"])
    return row


def _attempt(delivery: WebhookDelivery) -> str:
    """Send one message and write down what became of it: "delivered", "put_off" or "failed"."""
    endpoint = delivery.endpoint
    found: dict[str, Any]
    try:
        answer = _post(endpoint, delivery)
        found = {"status": answer.status, "error": "" if answer.status // 100 == 2 else answer.text[:400]}
    except CrmError as error:
        found = {"status": None, "error": str(error)[:400]}
    if found["status"] is not None and found["status"] // 100 == 2:
        _note(delivery, state=DeliveryState.DELIVERED, delivered_at=timezone.now(), **found)
        return "delivered"
    if found["status"] == GONE:
        reason = _("The address answered that it is gone for good (410).")
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_active=False, stopped_because=reason)
    if found["status"] == GONE or delivery.attempts > len(PAUSES):
        _note(delivery, state=DeliveryState.FAILED, **found)
        logger.warning("webhook_failed", endpoint=endpoint.pk, message=str(delivery.message_id), **found)
        return "failed"
    _note(delivery, state=DeliveryState.WAITING, next_at=timezone.now() + PAUSES[delivery.attempts - 1], **found)
    return "put_off"


def _post(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> outbound.Answer:
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":")).encode()
    message, moment = str(delivery.message_id), int(timezone.now().timestamp())
    signed = signing.signature(signing.unseal(endpoint.sealed_secret), message_id=message, timestamp=moment, body=body)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Facet-Webhooks/1",
        "webhook-id": message,
        "webhook-timestamp": str(moment),
        "webhook-signature": signed,
    }
    return outbound.post(endpoint.url, body=body, headers=headers, door=settings.OUTBOUND)


def _note(delivery: WebhookDelivery, **fields: Any) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**fields)
