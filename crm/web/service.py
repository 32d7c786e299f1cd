"""Requests over all accounts in view, and next steps that are due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from django.db.models import Count, Q
from django.db.models.query import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import User
from crm.web.htmx import signed_in, user_of
from crm.web.keyset import Order, page_of
from crm.web.scope import accounts_in_scope
from crm.web.service_rows import request_rows
from service import mails
from service.enums import RequestKind, RequestState, Severity
from service.models import Interaction, ServiceRequest
from service.selectors import due_steps, requests_in_view

STEPS_SHOWN = 20
STEPS_AHEAD = timedelta(days=7)
OPEN = "open"  # every state but resolved
SORTS = {"severity": Order("severity", nullable=False), "age": Order("opened_at", nullable=False)}
SORT_LABELS = (("severity", _("severest first")), ("age", _("oldest first")))
STATES = ((OPEN, _("all that are open")), *RequestState.choices)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """What the list is narrowed to; an unknown value is as none."""

    state: str = OPEN
    severity: str = ""
    kind: str = ""
    is_mine: bool = False
    sort: str = "severity"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        def one_of(name: str, known: Any, default: str = "") -> str:
            value = given.get(name, "")
            return value if value in {str(one) for one in known} else default

        return cls(
            state=one_of("state", dict(STATES), OPEN),
            severity=one_of("severity", Severity.values),
            kind=one_of("kind", RequestKind.values),
            is_mine=bool(given.get("mine")),
            sort=one_of("sort", SORTS, "severity"),
        )

    @property
    def is_narrow(self) -> bool:
        return self != RequestFilter(sort=self.sort)

    def apply(self, rows: QuerySet[ServiceRequest], user: User) -> QuerySet[ServiceRequest]:
        found: Any = rows
        found = found.still_open() if self.state == OPEN else found.in_state(self.state)
        if self.severity:
            found = found.filter(severity=int(self.severity))
        if self.kind:
            found = found.filter(kind=self.kind)
        return found.filter(assigned_to=user) if self.is_mine else found


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """What customers wait for, worst first, and what we said we would do; a constant number of statements."""
    accounts, user, now = accounts_in_scope(request), user_of(request), timezone.now()
    wanted = RequestFilter.read(request.GET)
    rows = requests_in_view(accounts)
    listed = page_of(
        wanted.apply(rows, user),
        (),
        order=SORTS[wanted.sort],
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    by_key = rows.in_bulk([row["pk"] for row in listed.rows])
    steps = due_steps(
        accounts, until=timezone.localdate() + STEPS_AHEAD, person=user if wanted.is_mine else None, limit=STEPS_SHOWN
    )
    context = {
        "wanted": wanted,
        "listed": listed,
        "rows": request_rows([by_key[row["pk"]] for row in listed.rows if row["pk"] in by_key], now=now),
        "counts": open_counts(rows, user),
        "steps": step_rows(steps, today=timezone.localdate()),
        "states": STATES,
        "severities": [(str(value), label) for value, label in Severity.choices],
        "kinds": RequestKind.choices,
        "sorts": SORT_LABELS,
        "mails": mails.waiting_count(user),
    }
    return render(request, "service/index.html", context)


def open_counts(rows: QuerySet[ServiceRequest], user: User) -> dict[str, int]:
    """How many are open, and of them severe, unanswered, escalated and mine; one statement."""
    is_open: Any = rows
    return is_open.still_open().aggregate(
        open=Count("pk"),
        severe=Count("pk", filter=Q(severity=Severity.SEVERE)),
        unanswered=Count("pk", filter=Q(first_response_at__isnull=True)),
        escalated=Count("pk", filter=Q(escalated_at__isnull=False)),
        mine=Count("pk", filter=Q(assigned_to=user)),
    )


def step_rows(steps: list[Interaction], *, today: date) -> list[tuple[Interaction, bool]]:
    """Each with whether its day is past."""
    return [(step, step.next_step_on is not None and step.next_step_on < today) for step in steps]


def assignable() -> list[User]:
    """Who a request may be handed to."""
    return list(User.objects.filter(is_active=True))
