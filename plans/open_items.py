"""What is open at one account, whoever has it: what the one who takes over a seat has to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import DecimalField, F, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.enums import ContractStatus
from accounts.models import Account, Contract, Rating, Receivable, User
from crm.lib.wall import beyond_the_wall
from plans.enums_team import OpenItemKind
from plans.models import AccountPlan, PlanAction, RelationshipAction, RemediationAction, RemediationPlan, Task
from plans.wording_team import task_text
from service.selectors import open_requests, open_steps
from tiering.selectors_overrides import waiting

AHEAD = timedelta(days=90)  # for what ends or expires by itself [D]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One thing that is open; ``key`` is its row, ``person`` who has it, "" for nobody in particular."""

    kind: str
    key: int
    text: str
    due_on: date | None
    person: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"kind": str(self.kind), "due_on": self.due_on.isoformat() if self.due_on else None}


@beyond_the_wall("whoever is to take a seat reads what is open at the account before they may open it")
def open_items(account: Account, *, today: date) -> list[OpenItem]:
    """By kind in the order of OpenItemKind, in each the first due first. A statement a kind."""
    found: list[OpenItem] = []
    for kind, rows in _SOURCES.items():
        items = (OpenItem(kind, *row) for row in rows(account, today))
        found += sorted(items, key=lambda one: (one.due_on is None, one.due_on or today, one.key))
    return found


Row = tuple[int, str, date | None, str]


def _name(user: User | None) -> str:
    return user.display_name if user else ""


def _requests(account: Account, today: date) -> Iterator[Row]:
    for one in open_requests(account):
        yield one.pk, f"{one.number} {one.subject}", timezone.localtime(one.opened_at).date(), _name(one.assigned_to)


def _next_steps(account: Account, today: date) -> Iterator[Row]:
    for one in open_steps(account):
        yield one.pk, one.next_step, one.next_step_on, ""


def _steps(model: Any) -> Callable[[Account, date], Iterator[Row]]:
    def rows(account: Account, today: date) -> Iterator[Row]:
        for one in model.objects.filter(plan__account=account, done_on__isnull=True).select_related("owner"):
            yield one.pk, one.text, one.due_on, _name(one.owner)

    return rows


def _plans(account: Account, today: date) -> Iterator[Row]:
    for one in AccountPlan.objects.filter(account=account, approved_on__isnull=True).select_related("owner"):
        yield one.pk, one.goal, one.valid_from, _name(one.owner)


def _remedies(account: Account, today: date) -> Iterator[Row]:
    for one in RemediationPlan.objects.filter(account=account, closed_on__isnull=True).select_related("owner"):
        yield one.pk, one.exit_test, one.due_on, _name(one.owner)


def _tasks(account: Account, today: date) -> Iterator[Row]:
    for one in Task.objects.filter(account=account, done_on__isnull=True).select_related("owner", "about"):
        yield one.pk, task_text(one), one.due_on, _name(one.owner)


def _overrides(account: Account, today: date) -> Iterator[Row]:
    for one in waiting(Account.objects.filter(pk=account.pk)):
        yield one.pk, f"{one.get_grade_display()}: {one.text}", one.valid_from, _name(one.requested_by)


def _ratings(account: Account, today: date) -> Iterator[Row]:
    rows = Rating.objects.unexpired_on(today).filter(account=account, expires_on__lte=today + AHEAD)
    for one in rows.select_related("evaluator").order_by("expires_on", "pk"):
        yield one.pk, str(one.get_indicator_display()), one.expires_on, _name(one.evaluator)


def _contracts(account: Account, today: date) -> Iterator[Row]:
    rows = Contract.objects.filter(account=account, status=ContractStatus.ACTIVE)
    for one in rows.filter(Q(ends_on__gte=today, ends_on__lte=today + AHEAD)).order_by("ends_on", "pk"):
        yield one.pk, f"{one.number} {one.title}".strip(), one.ends_on, ""


def _receivables(account: Account, today: date) -> Iterator[Row]:
    """Invoices past their day that are not paid in full."""
    money = DecimalField(max_digits=19, decimal_places=4)
    paid = Coalesce(Sum("payments__amount", filter=Q(payments__paid_on__lte=today)), Value(0), output_field=money)
    rows = Receivable.objects.filter(account=account, due_on__lt=today).annotate(left=F("amount") - paid)
    for one in rows.filter(left__gt=0).order_by("due_on", "pk"):
        yield one.pk, f"{one.number}: {one.left:.2f} {one.currency}", one.due_on, ""


_SOURCES: dict[str, Callable[[Account, date], Iterator[Row]]] = {
    OpenItemKind.REQUEST: _requests,
    OpenItemKind.NEXT_STEP: _next_steps,
    OpenItemKind.TASK: _tasks,
    OpenItemKind.PLAN_STEP: _steps(PlanAction),
    OpenItemKind.REMEDY: _remedies,
    OpenItemKind.REMEDY_STEP: _steps(RemediationAction),
    OpenItemKind.TIES_STEP: _steps(RelationshipAction),
    OpenItemKind.PLAN: _plans,
    OpenItemKind.OVERRIDE: _overrides,
    OpenItemKind.RECEIVABLE: _receivables,
    OpenItemKind.CONTRACT: _contracts,
    OpenItemKind.RATING: _ratings,
}
