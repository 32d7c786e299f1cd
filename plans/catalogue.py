"""What each type of promise is made of: how it is checked, by what clock, and what weighs how much [D]."""

from dataclasses import dataclass

from plans.enums import CaseEvent, Clock, Evidence, Level, PromiseType, Span, Unit


@dataclass(frozen=True, slots=True)
class Make:
    """The parts of a promise that its type brings along; a policy row may set what the type leaves open.

    levels : words it may be promised in, where it is no number alone
    severity : cases of this severity or graver count, 1 is the gravest; None: all
    """

    evidence: Evidence
    unit: Unit = Unit.NONE
    has_target: bool = False
    has_span: bool = False
    levels: tuple[Level, ...] = ()
    clock: str = ""
    start: str = ""
    stop: str = ""
    severity: int | None = None
    weight: int = 1


def _counted(evidence: Evidence, weight: int) -> Make:
    return Make(evidence, Unit.TIMES, has_target=True, has_span=True, weight=weight)


def _timed(evidence: Evidence, stop: CaseEvent, *, severity: int | None, weight: int, levels: tuple = ()) -> Make:
    return Make(
        evidence, Unit.HOURS, has_target=True, levels=levels, clock=Clock.BUSINESS, start=CaseEvent.OPENED, stop=stop,
        severity=severity, weight=weight,
    )  # fmt: skip


MAKE: dict[str, Make] = {
    PromiseType.VISITS: _counted(Evidence.VISIT, 3),
    PromiseType.PLAN_CHECKS: _counted(Evidence.PLAN_CHECK, 2),
    PromiseType.SPONSOR_MEETINGS: _counted(Evidence.SPONSOR, 2),
    PromiseType.ALIGNMENT_MEETINGS: _counted(Evidence.ALIGNMENT, 1),
    PromiseType.JOINT_REVIEWS: _counted(Evidence.JOINT_REVIEW, 2),
    PromiseType.SENIOR_PARTNER: Make(
        Evidence.SENIOR_PARTNER, levels=(Level.EXCLUSIVE, Level.SHARED, Level.ON_REQUEST, Level.POOL), weight=2
    ),
    PromiseType.EXPERT_PRIORITY: _timed(
        Evidence.EXPERT_REQUEST,
        CaseEvent.RESPONDED,
        severity=None,
        weight=2,
        levels=(Level.P1, Level.P2, Level.ON_REQUEST, Level.POOL),
    ),
    PromiseType.RESOURCES: _timed(Evidence.RESOURCE_REQUEST, CaseEvent.RESPONDED, severity=None, weight=2),
    PromiseType.FIRST_RESPONSE: _timed(Evidence.REQUEST, CaseEvent.RESPONDED, severity=1, weight=3),
    PromiseType.RESOLUTION: _timed(Evidence.REQUEST, CaseEvent.RESOLVED, severity=1, weight=3),
    PromiseType.ESCALATION: _timed(Evidence.REQUEST, CaseEvent.ESCALATED, severity=2, weight=2),
    PromiseType.PROBLEM_CHANNEL: Make(Evidence.EXECUTIVE_SPONSOR, levels=(Level.YES, Level.ON_ESCALATION), weight=2),
    PromiseType.ACCOUNT_PLAN: Make(Evidence.APPROVED_PLAN, levels=(Level.YES,), weight=2),
    PromiseType.REMEDIATION_PLAN: Make(Evidence.REMEDIATION, levels=(Level.YES,), weight=3),
    PromiseType.DISCOUNT: Make(Evidence.DISCOUNT, Unit.PERCENT, has_target=True),
    PromiseType.CREDIT: Make(Evidence.NONE, levels=(Level.STANDARD_PLUS, Level.STANDARD, Level.RESTRICTED)),
}
# Levels of a standing promise that ask for somebody by name; the others are open to all and not measured.
NAMED_LEVELS = frozenset({Level.EXCLUSIVE, Level.SHARED, Level.YES})
SPANS = tuple(Span.values)
