"""What was done for customers, read: the timeline of an account, open requests, steps that are due, last touches."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import DateField, F, IntegerField, Max, Model, Q, QuerySet, Value
from django.db.models.functions import Cast, TruncDate

from accounts.models import Account, User
from service.models import Discount, Interaction, ServiceRequest, Sponsor

TIMELINE_SIZE = 30
# What a timeline is made of, by its place where several things happened on one day.
INTERACTION, REQUEST, SPONSOR_FROM, SPONSOR_TO = range(4)
Mark = tuple[date, int, int]  # day, what it is, its key


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline; ``row`` is what happened, ``is_end`` of a sponsor that stopped."""

    day: date
    kind: str
    row: Any
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """Newest first; ``older`` is the token of the next page, "" on the last."""

    moments: list[Moment]
    older: str = ""


def timeline(account: Account, *, today: date, after: str = "", size: int = TIMELINE_SIZE) -> Timeline:
    """Interactions, requests and changes of sponsors until ``today``, paged by key; seven statements at most."""
    marks = _marks(account, today=today, after=_read(after), size=size + 1)
    shown = marks[:size]
    rows = {kind: _rows(kind, [pk for _day, place, pk in shown if place in places]) for kind, places in _PLACES.items()}
    moments = [
        Moment(day, kind, rows[kind][pk], is_end=place == SPONSOR_TO)
        for day, place, pk in shown
        for kind, places in _PLACES.items()
        if place in places
    ]
    return Timeline(moments, _token(shown[-1]) if len(marks) > size else "")


def requests_in_view(accounts: QuerySet[Account]) -> QuerySet[ServiceRequest]:
    """Requests of these accounts, the newest first, with the people a list shows."""
    rows = ServiceRequest.objects.filter(account__in=accounts.order_by().values("pk"))
    return rows.select_related("account", "assigned_to", "contact", "opened_by")


def open_requests(account: Account) -> list[ServiceRequest]:
    """What is not resolved yet, the severest and then the oldest first; one statement."""
    rows = ServiceRequest.objects.filter(account=account).still_open()
    return list(rows.select_related("assigned_to", "contact").order_by("severity", "opened_at", "pk"))


def due_steps(accounts: QuerySet[Account], *, until: date, person: User | None = None, limit: int) -> list[Interaction]:
    """Next steps due by that day, the most overdue first; ``person``: those they wrote down or took part in."""
    rows = Interaction.objects.filter(account__in=accounts.order_by().values("pk")).with_step_due(until)
    if person is not None:
        took_part = Interaction.our_people.through.objects.filter(user=person).values("interaction")
        rows = rows.filter(Q(logged_by=person) | Q(pk__in=took_part))
    return list(rows.select_related("account", "logged_by").order_by("next_step_on", "pk")[:limit])


def open_steps(account: Account) -> list[Interaction]:
    """Next steps of one account that are not done, those without a day last."""
    rows = Interaction.objects.filter(account=account, next_step_done_on__isnull=True).exclude(next_step="")
    return list(rows.order_by(F("next_step_on").asc(nulls_last=True), "pk"))


def last_touches(accounts: Iterable[int] | QuerySet[Any], *, until: date) -> dict[int, date]:
    """Account id → day of the last interaction that reached the customer; one statement, accounts without one are absent."""
    rows = Interaction.objects.touches().filter(account__in=accounts, held_on__lte=until)
    return dict(rows.order_by().values_list("account").annotate(last=Max("held_on")))


def touches_by_person(accounts: Iterable[int] | QuerySet[Any], *, until: date) -> dict[tuple[int, int], date]:
    """(account id, user id) → day of the last interaction by which this person reached the customer: who took part, and
    whoever wrote it down. Two statements, however many accounts there are."""
    rows = Interaction.objects.touches().filter(account__in=accounts, held_on__lte=until).order_by()
    found: dict[tuple[int, int], date] = {}
    for person in ("our_people", "logged_by"):
        for account, user, last in (
            rows.filter(**{f"{person}__isnull": False}).values_list("account", person).annotate(last=Max("held_on"))
        ):
            found[account, user] = max(found.get((account, user), last), last)
    return found


def sponsors_of(account: Account) -> list[Sponsor]:
    return list(Sponsor.objects.filter(account=account).select_related("user").order_by("kind", "-valid_from", "pk"))


def discounts_of(account: Account, *, limit: int) -> list[Discount]:
    return list(Discount.objects.filter(account=account).select_related("granted_by", "approved_by")[:limit])


_PLACES: dict[str, tuple[int, ...]] = {
    "interaction": (INTERACTION,),
    "request": (REQUEST,),
    "sponsor": (SPONSOR_FROM, SPONSOR_TO),
}


def _marks(account: Account, *, today: date, after: Mark | None, size: int) -> list[Mark]:
    """Day, place and key of the newest ``size`` moments before ``after``, in one statement: each source gives its own
    newest through its index, and their union is cut again."""
    sources: list[tuple[type[Model], int, Any]] = [
        (Interaction, INTERACTION, F("held_on")),
        (ServiceRequest, REQUEST, TruncDate("opened_at")),
        (Sponsor, SPONSOR_FROM, F("valid_from")),
        (Sponsor, SPONSOR_TO, F("valid_to")),
    ]
    parts = []
    for model, place, day in sources:
        rows = model._default_manager.filter(account=account).annotate(  # noqa: SLF001 - Django's public name
            day=Cast(day, DateField()), place=Value(place, output_field=IntegerField())
        )
        rows = rows.filter(day__lte=today)
        if after is not None:
            rows = rows.filter(_beyond(after, place))
        parts.append(rows.order_by("-day", "-pk").values_list("day", "place", "pk")[:size])
    merged = parts[0].union(*parts[1:], all=True).order_by("-day", "-place", "-pk")[:size]
    return [(day, place, pk) for day, place, pk in merged]


def _beyond(after: Mark, place: int) -> Q:
    """Moments of one source that come after a mark in the order day, place, key, all falling."""
    day, at, pk = after
    if place == at:
        return Q(day__lt=day) | Q(day=day, pk__lt=pk)
    return Q(day__lte=day) if place < at else Q(day__lt=day)


def _rows(kind: str, ids: list[int]) -> dict[int, Any]:
    found: QuerySet[Any]
    if kind == "interaction":
        found = Interaction.objects.select_related("logged_by").prefetch_related(
            "our_people", "their_people", "attachments"
        )
    elif kind == "request":
        found = ServiceRequest.objects.select_related("assigned_to", "contact")
    else:
        found = Sponsor.objects.select_related("user")
    return found.in_bulk(ids)


def _token(mark: Mark) -> str:
    day, place, pk = mark
    text = json.dumps([day.isoformat(), place, pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str) -> Mark | None:
    """The mark of a token; None for anything that is none of ours."""
    try:
        day, place, pk = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        found = date.fromisoformat(day), int(place), int(pk)
    except (ValueError, TypeError, binascii.Error, OverflowError):
        return None
    return found if 0 <= found[2] < 2**63 else None
