"""What is asked of relationships by grade, read once for many accounts; a grade without a row has the starting values."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings

from accounts.enums import Grade
from accounts.enums_relations import ContactLevel, CourtesyKind, DepartmentKind, OrganisationalLevel
from accounts.models import CourtesyLimit, RelationshipRule

_D, _L = DepartmentKind, ContactLevel
_KEY = [_D.MANAGEMENT, _D.PURCHASING, _D.ENGINEERING, _D.PRODUCTION, _D.FINANCE, _D.QUALITY]
_UPPER, _WORK = [_L.TOP, _L.SENIOR, _L.MIDDLE], [_L.SENIOR, _L.MIDDLE]
_FIELDS = ("cadence_days", "key_target", "general_target", "organisational_target", "departments", "levels")
# domain.md 5: the key layer is mandatory, the others by grade; figures of ours [D]
STARTING: dict[str, tuple[object, ...]] = {
    Grade.DIAMOND: (30, 75, 70, OrganisationalLevel.STRATEGIC, _KEY, _UPPER),
    Grade.GOLD: (45, 70, 60, OrganisationalLevel.PLANNED, _KEY[:5], _WORK),
    Grade.STRATEGIC: (45, 70, 60, OrganisationalLevel.EXECUTIVE, _KEY[:5], _UPPER),
    Grade.POTENTIAL: (90, 60, 50, None, _KEY[:3], _WORK),
    Grade.GENERAL: (180, 50, None, None, [], []),
    Grade.PROBLEM: (30, 60, 50, None, _KEY[:3], _WORK),
    Grade.NOT_GRADED: (180, 50, None, None, [], []),
}
STARTING_LIMITS = {CourtesyKind.GIFT: (300, 1000), CourtesyKind.HOSPITALITY: (500, 2000)}


def relationship_rules() -> dict[str, RelationshipRule]:
    """Grade → rule, for every grade. One query."""
    found = {rule.grade: rule for rule in RelationshipRule.objects.all()}
    missing = {
        grade: RelationshipRule(grade=grade, **dict(zip(_FIELDS, values, strict=True)))  # type: ignore[arg-type]
        for grade, values in STARTING.items()
        if grade not in found
    }
    return found | missing


def courtesy_limit(kind: str) -> CourtesyLimit:
    found = CourtesyLimit.objects.filter(kind=kind).first()
    if found is not None:
        return found
    once, year = STARTING_LIMITS[CourtesyKind(kind)]
    return CourtesyLimit(kind=kind, per_occasion=Decimal(once), per_year=Decimal(year), currency=settings.BASE_CURRENCY)
