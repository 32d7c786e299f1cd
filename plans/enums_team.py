"""The vocabulary of account teams: what can be missing, where tasks come from, how seats change hands."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class TeamGap(TextChoices):
    """What is wrong with the team of an account, or with the load of a person (domain.md 5.4)."""

    MISSING = "missing", _("Seat empty")
    LEFT = "left", _("Holder switched off")
    NO_DEPUTY = "no_deputy", _("No deputy")
    UNTOUCHED = "untouched", _("No touch within the cadence")
    HAND_OVER = "hand_over", _("Hand-over pending")
    SEVERAL = "several", _("One person in several seats")
    OVERLOAD = "overload", _("Overload")


# Without these the triangle does not stand; the others are flags.
BREAKING = frozenset({TeamGap.MISSING, TeamGap.LEFT})
# What somebody has to do something about, by when; the rest is allowed, or does itself [D].
GAP_DAYS: dict[str, int] = {
    TeamGap.LEFT: 7,
    TeamGap.MISSING: 14,
    TeamGap.UNTOUCHED: 7,
    TeamGap.NO_DEPUTY: 30,
    TeamGap.OVERLOAD: 30,
}
GAP_TONE: dict[str, str] = {
    TeamGap.MISSING: "bad",
    TeamGap.LEFT: "bad",
    TeamGap.NO_DEPUTY: "warn",
    TeamGap.UNTOUCHED: "warn",
    TeamGap.HAND_OVER: "info",
    TeamGap.SEVERAL: "info",
    TeamGap.OVERLOAD: "bad",
}
GAP_ICON: dict[str, str] = {
    TeamGap.MISSING: "user-plus",
    TeamGap.LEFT: "ban",
    TeamGap.NO_DEPUTY: "users",
    TeamGap.UNTOUCHED: "clock",
    TeamGap.HAND_OVER: "share",
    TeamGap.SEVERAL: "user",
    TeamGap.OVERLOAD: "alert-triangle",
}


class TaskOrigin(TextChoices):
    GAP = "gap", _("from a gap of a team")
    MANUAL = "manual", _("written by somebody")


class TaskOutcome(TextChoices):
    DONE = "done", pgettext_lazy("task", "Done")
    SETTLED = "settled", _("Closed by itself")
    DROPPED = "dropped", pgettext_lazy("task", "Dropped")


class HandOverState(TextChoices):
    OPEN = "open", _("Waits for signatures")
    SIGNED = "signed", _("Signed, waits for its day")
    DONE = "done", pgettext_lazy("hand-over", "Done")
    CANCELLED = "cancelled", pgettext_lazy("hand-over", "Called off")


PENDING_HAND_OVERS = frozenset({HandOverState.OPEN, HandOverState.SIGNED})


class OpenItemKind(TextChoices):
    """What may be open at an account when a seat is handed over."""

    REQUEST = "request", _("Open request")
    NEXT_STEP = "next_step", _("Next step")
    TASK = "task", _("Task")
    PLAN_STEP = "plan_step", _("Step of the account plan")
    REMEDY = "remedy", _("Remediation plan")
    REMEDY_STEP = "remedy_step", _("Step of the remediation plan")
    TIES_STEP = "ties_step", _("Step of the relationship plan")
    PLAN = "plan", _("Account plan that waits for approval")
    OVERRIDE = "override", _("Grade request that waits")
    RECEIVABLE = "receivable", _("Overdue invoice")
    CONTRACT = "contract", _("Contract that ends")
    RATING = "rating", _("Rating that runs out")


class MoveRule(TextChoices):
    """Who takes over what somebody leaves behind."""

    PERSON = "person", _("one person")
    REGION = "region", _("by region")
    DEPUTY = "deputy", _("the deputy of each seat")


class MovedKind(TextChoices):
    OWNER = "owner", _("Accounts owned")
    SEAT = "seat", _("Seats")
    DEPUTY = "deputy", _("Places as a deputy")
    PLANNED = "planned", _("Places that begin later")
    PROMOTED = "promoted", _("Deputies who took the seat")
    SPONSOR = "sponsor", _("Sponsorships")
    REQUEST = "request", _("Open requests")
    TASK = "task", _("Open tasks")
    PLAN = "plan", _("Account plans")
    PLAN_STEP = "plan_step", _("Steps of account plans")
    REMEDY = "remedy", _("Remediation plans")
    REMEDY_STEP = "remedy_step", _("Steps of remediation plans")
    TIES = "ties", _("Relationship plans")
    TIES_STEP = "ties_step", _("Steps of relationship plans")
