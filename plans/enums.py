"""The vocabulary of promises and of the work that keeps them (domain.md section 4)."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import Grade

PROMISED_GRADES = tuple(grade for grade in Grade.values if grade != Grade.NOT_GRADED)


class PolicyState(TextChoices):
    DRAFT = "draft", pgettext_lazy("policy", "Draft")
    ACTIVE = "active", pgettext_lazy("policy", "Active")
    RETIRED = "retired", pgettext_lazy("policy", "Retired")


class PromiseType(TextChoices):
    VISITS = "visits", _("Visits of the account manager")
    PLAN_CHECKS = "plan_checks", _("Checks of the plan")
    SPONSOR_MEETINGS = "sponsor_meetings", _("Meetings with the executive sponsor")
    ALIGNMENT_MEETINGS = "alignment_meetings", _("Strategic alignment meetings")
    JOINT_REVIEWS = "joint_reviews", _("Joint reviews")
    SENIOR_PARTNER = "senior_partner", _("Dedicated senior partner")
    EXPERT_PRIORITY = "expert_priority", _("Priority with our experts")
    RESOURCES = "resources", _("Resources released by executives")
    FIRST_RESPONSE = "first_response", _("First response to severe cases")
    RESOLUTION = "resolution", _("Resolution of severe cases")
    ESCALATION = "escalation", _("Escalation to a director")
    PROBLEM_CHANNEL = "problem_channel", _("Executive channel for problems")
    ACCOUNT_PLAN = "account_plan", _("Approved account plan")
    REMEDIATION_PLAN = "remediation_plan", _("Remediation plan")
    DISCOUNT = "discount", _("Discount authority of the account manager")
    CREDIT = "credit", _("Credit terms")


class PromiseKind(TextChoices):
    """How a promise is checked."""

    COUNT = "count", _("counted")
    TIME = "time", _("timed")
    STANDING = "standing", _("in place or not")
    PERMISSION = "permission", _("a limit for ourselves")
    STATED = "stated", _("stated, not measured")


class Evidence(TextChoices):
    """What shows that a promise was kept; ``KIND_OF`` says how it is read."""

    VISIT = "visit", _("visits")
    PLAN_CHECK = "plan_check", _("plan checks")
    SPONSOR = "sponsor", _("meetings with a sponsor")
    ALIGNMENT = "alignment", _("alignment meetings")
    JOINT_REVIEW = "joint_review", _("joint reviews")
    REQUEST = "request", _("cases")
    EXPERT_REQUEST = "expert", _("requests for experts")
    RESOURCE_REQUEST = "resources", _("requests for resources")
    SENIOR_PARTNER = "senior_partner", _("a named senior partner")
    EXECUTIVE_SPONSOR = "executive_sponsor", _("a named executive sponsor")
    APPROVED_PLAN = "approved_plan", _("an approved account plan")
    REMEDIATION = "remediation", _("an open remediation plan in time")
    DISCOUNT = "discount", _("discounts granted")
    NONE = "none", _("none")


KIND_OF: dict[str, PromiseKind] = {
    **dict.fromkeys(
        (Evidence.VISIT, Evidence.PLAN_CHECK, Evidence.SPONSOR, Evidence.ALIGNMENT, Evidence.JOINT_REVIEW),
        PromiseKind.COUNT,
    ),
    **dict.fromkeys((Evidence.REQUEST, Evidence.EXPERT_REQUEST, Evidence.RESOURCE_REQUEST), PromiseKind.TIME),
    **dict.fromkeys(
        (Evidence.SENIOR_PARTNER, Evidence.EXECUTIVE_SPONSOR, Evidence.APPROVED_PLAN, Evidence.REMEDIATION),
        PromiseKind.STANDING,
    ),
    Evidence.DISCOUNT: PromiseKind.PERMISSION,
    Evidence.NONE: PromiseKind.STATED,
}
COUNTED = tuple(one.value for one, kind in KIND_OF.items() if kind == PromiseKind.COUNT)
TIMED = tuple(one.value for one, kind in KIND_OF.items() if kind == PromiseKind.TIME)


class Unit(TextChoices):
    TIMES = "times", _("times")
    HOURS = "hours", _("hours")
    PERCENT = "percent", _("per cent off list")
    NONE = "none", "–"


class Span(TextChoices):
    """In what time a promised number is due; a promise without one is due once while the grade lasts."""

    MONTH = "month", _("a month")
    QUARTER = "quarter", _("a quarter")
    HALF_YEAR = "half_year", _("half a year")
    YEAR = "year", _("a year")


SPAN_MONTHS: dict[str, int] = {Span.MONTH: 1, Span.QUARTER: 3, Span.HALF_YEAR: 6, Span.YEAR: 12}


class Clock(TextChoices):
    BUSINESS = "business", _("business hours")
    CALENDAR = "calendar", _("hours around the clock")


class CaseEvent(TextChoices):
    """Where a clock starts and stops."""

    OPENED = "opened", _("opened")
    RESPONDED = "responded", _("first response")
    ESCALATED = "escalated", _("escalated or resolved")
    RESOLVED = "resolved", _("resolved")


class Level(TextChoices):
    """What is promised where it is no number."""

    EXCLUSIVE = "exclusive", _("exclusive")
    SHARED = "shared", _("shared")
    ON_REQUEST = "on_request", _("on request")
    POOL = "pool", _("from the pool")
    P1 = "p1", "P1"
    P2 = "p2", "P2"
    YES = "yes", _("yes")
    ON_ESCALATION = "on_escalation", _("on escalation")
    STANDARD_PLUS = "standard_plus", _("standard plus")
    STANDARD = "standard", pgettext_lazy("credit", "standard")
    RESTRICTED = "restricted", _("restricted")


class PromiseState(TextChoices):
    """Where a promise to one account stands. ``WAITING``: a part is missing, no whole unit of it is owed yet."""

    KEPT = "kept", pgettext_lazy("promise", "Kept")
    WAITING = "waiting", _("On its way")
    BROKEN = "broken", _("Broken")
    NOT_DUE = "not_due", _("Nothing due")
    STATED = "stated", _("Not measured")


STATE_TONE: dict[str, str] = {
    PromiseState.KEPT: "good",
    PromiseState.WAITING: "info",
    PromiseState.BROKEN: "bad",
    PromiseState.NOT_DUE: "",
    PromiseState.STATED: "",
}
STATE_ICON: dict[str, str] = {
    PromiseState.KEPT: "check",
    PromiseState.WAITING: "clock",
    PromiseState.BROKEN: "x",
    PromiseState.NOT_DUE: "calendar",
    PromiseState.STATED: "info-circle",
}


class Outcome(TextChoices):
    """How a remediation plan ended."""

    SOLVED = "solved", _("Solved: the exit test holds")
    WOUND_DOWN = "wound_down", _("The business is wound down")
    DROPPED = "dropped", _("Dropped: it was no problem")
