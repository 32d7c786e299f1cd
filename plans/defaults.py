"""The starting values of the policies [D]: the table of domain.md section 4, to be edited in a new version."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.enums import Grade
from plans.catalogue import MAKE
from plans.enums import PROMISED_GRADES, Level, PolicyState, PromiseType, Span
from plans.models import PolicyVersion, Promise, Strategy
from plans.texts import STRATEGIES

D, G, S, P, N, X = PROMISED_GRADES
MONTH, QUARTER, HALF, YEAR, ONCE = Span.MONTH, Span.QUARTER, Span.HALF_YEAR, Span.YEAR, ""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the table. ``cost`` is in the company's currency: of one time, or of a year where it is not counted."""

    target: float | None = None
    period: str = ""
    level: str = ""
    cost: int = 0
    counts_remote: bool = False


def _times(number: int, period: str, cost: int, *, remote: bool = False) -> Row:
    return Row(number, period, cost=cost, counts_remote=remote)


VISIT, REMOTE_VISIT, CHECK, SPONSOR, ALIGNMENT, REVIEW = 1_500, 300, 400, 6_000, 8_000, 4_000
TABLE: dict[str, dict[str, Row]] = {
    PromiseType.VISITS: {
        D: _times(6, QUARTER, VISIT), G: _times(3, QUARTER, VISIT), S: _times(3, QUARTER, VISIT),
        P: _times(2, QUARTER, VISIT), N: _times(1, QUARTER, REMOTE_VISIT, remote=True), X: _times(2, QUARTER, VISIT),
    },
    PromiseType.PLAN_CHECKS: {X: _times(4, MONTH, CHECK, remote=True)},
    PromiseType.SPONSOR_MEETINGS: {
        D: _times(4, YEAR, SPONSOR), G: _times(2, YEAR, SPONSOR), S: _times(2, YEAR, SPONSOR),
        X: _times(1, ONCE, SPONSOR),
    },
    PromiseType.ALIGNMENT_MEETINGS: {
        D: _times(2, YEAR, ALIGNMENT), G: _times(1, YEAR, ALIGNMENT), S: _times(1, YEAR, ALIGNMENT),
    },
    PromiseType.JOINT_REVIEWS: {
        D: _times(1, QUARTER, REVIEW), G: _times(1, HALF, REVIEW), S: _times(1, HALF, REVIEW),
    },
    PromiseType.SENIOR_PARTNER: {
        D: Row(level=Level.EXCLUSIVE, cost=120_000), G: Row(level=Level.SHARED, cost=30_000),
        S: Row(level=Level.SHARED, cost=30_000), P: Row(level=Level.ON_REQUEST), N: Row(level=Level.POOL),
        X: Row(level=Level.POOL),
    },
    PromiseType.EXPERT_PRIORITY: {
        D: Row(4, level=Level.P1, cost=20_000), G: Row(8, level=Level.P2, cost=8_000),
        S: Row(8, level=Level.P2, cost=8_000), P: Row(16, level=Level.ON_REQUEST, cost=2_000),
        N: Row(45, level=Level.POOL), X: Row(45, level=Level.POOL),
    },
    PromiseType.RESOURCES: {D: Row(9, cost=15_000), G: Row(18, cost=6_000), S: Row(18, cost=6_000)},
    PromiseType.FIRST_RESPONSE: {
        D: Row(1, cost=12_000), G: Row(2, cost=5_000), S: Row(2, cost=5_000), P: Row(4, cost=1_500),
        N: Row(8, cost=300), X: Row(4, cost=1_500),
    },
    PromiseType.RESOLUTION: {
        D: Row(8, cost=18_000), G: Row(16, cost=8_000), S: Row(16, cost=8_000), P: Row(24, cost=2_500),
        N: Row(48, cost=500), X: Row(24, cost=2_500),
    },
    PromiseType.ESCALATION: {
        D: Row(4, cost=3_000), G: Row(8, cost=1_500), S: Row(8, cost=1_500), P: Row(24, cost=500), N: Row(48),
        X: Row(8, cost=1_500),
    },
    PromiseType.PROBLEM_CHANNEL: {
        D: Row(level=Level.YES, cost=5_000), G: Row(level=Level.YES, cost=5_000), S: Row(level=Level.YES, cost=5_000),
        X: Row(level=Level.ON_ESCALATION),
    },
    PromiseType.ACCOUNT_PLAN: {
        D: Row(level=Level.YES, cost=10_000), G: Row(level=Level.YES, cost=5_000), S: Row(level=Level.YES, cost=5_000),
        P: Row(level=Level.YES, cost=2_500),
    },
    PromiseType.REMEDIATION_PLAN: {X: Row(level=Level.YES, cost=5_000)},
    PromiseType.DISCOUNT: {D: Row(12), G: Row(8), S: Row(10), P: Row(8), N: Row(3), X: Row(0)},
    PromiseType.CREDIT: {
        D: Row(level=Level.STANDARD_PLUS), G: Row(level=Level.STANDARD_PLUS), S: Row(level=Level.STANDARD),
        P: Row(level=Level.STANDARD), N: Row(level=Level.STANDARD), X: Row(level=Level.RESTRICTED),
    },
}  # fmt: skip


def ensure_policy(*, using: str = "default") -> PolicyVersion | None:
    """The first version, valid from today, where there is none at all; a repeat does nothing."""
    with transaction.atomic(using=using):
        if PolicyVersion.objects.using(using).exists():
            return None
        version = PolicyVersion.objects.using(using).create(number=1, is_default=True)
        Promise.objects.using(using).bulk_create(
            promise_of(version, type_, grade, row, currency=settings.BASE_CURRENCY)
            for type_, by_grade in TABLE.items()
            for grade, row in by_grade.items()
        )
        Strategy.objects.using(using).bulk_create(
            Strategy(version=version, grade=grade, **words) for grade, words in STRATEGIES.items()
        )
        version.state, version.valid_from = PolicyState.ACTIVE, timezone.localdate()
        version.activated_at = timezone.now()
        version.save(using=using)
        return version


def promise_of(version: PolicyVersion, type_: str, grade: str, row: Row, *, currency: str) -> Promise:
    """A promise with the parts that its type brings along."""
    make = MAKE[type_]
    return Promise(
        version=version,
        grade=Grade(grade),
        type=type_,
        target=None if row.target is None else Decimal(str(row.target)),
        level=row.level,
        unit=make.unit,
        period=row.period,
        clock=make.clock,
        severity=make.severity,
        start_event=make.start,
        stop_event=make.stop,
        evidence=make.evidence,
        counts_remote=row.counts_remote,
        weight=Decimal(make.weight),
        unit_cost=Decimal(row.cost),
        currency=currency,
    )
