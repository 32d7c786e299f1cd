"""Requests as the pages show them: how old, how far, and who has it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.timesince import timesince

from service.models import ServiceRequest


@dataclass(frozen=True, slots=True)
class RequestRow:
    """age: since it came in, of a resolved one until it was solved; response: until its first response, "" before."""

    request: ServiceRequest
    age: str
    response: str


def request_rows(requests: Iterable[ServiceRequest], *, now: datetime) -> list[RequestRow]:
    return [request_row(request, now=now) for request in requests]


def request_row(request: ServiceRequest, *, now: datetime) -> RequestRow:
    answered = request.first_response_at
    return RequestRow(
        request,
        age=span_text(request.opened_at, request.resolved_at or now),
        response=span_text(request.opened_at, answered) if answered else "",
    )


def span_text(start: datetime, end: datetime) -> str:
    """The largest unit of a span: 3 days, 5 hours."""
    return timesince(start, end, depth=1)
