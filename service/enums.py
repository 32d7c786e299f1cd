"""The vocabulary of what is done for customers; codes are promises to outsiders, words go through gettext."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class InteractionKind(TextChoices):
    VISIT = "visit", _("Visit")
    CALL = "call", pgettext_lazy("on the phone", "Call")
    MEETING = "meeting", _("Meeting")
    EMAIL = "email", pgettext_lazy("interaction", "E-mail")
    NOTE = "note", _("Note")


# What reaches the customer; a note is for ourselves (domain.md 1.6, 5.2).
TOUCH_KINDS = frozenset({InteractionKind.VISIT, InteractionKind.CALL, InteractionKind.MEETING, InteractionKind.EMAIL})


# What goes both ways: both sides spoke (domain.md 5.2). An e-mail may have had no answer.
TWO_WAY_KINDS = frozenset({InteractionKind.VISIT, InteractionKind.CALL, InteractionKind.MEETING})


class InteractionPurpose(TextChoices):
    """What it was held for, where a promise asks for it by name (domain.md 4)."""

    ROUTINE = "routine", _("Routine")
    SPONSOR = "sponsor", _("Executive sponsor meeting")
    ALIGNMENT = "alignment", _("Strategic alignment")
    JOINT_REVIEW = "joint_review", _("Joint review")
    PLAN_CHECK = "plan_check", _("Plan check")
    CARE = "care", _("Care and thanks")


class RequestKind(TextChoices):
    """What customers ask for; the last two are what Diamond accounts are promised first (domain.md 4)."""

    QUESTION = "question", pgettext_lazy("request", "Question")
    COMPLAINT = "complaint", _("Complaint")
    DISPUTE = "dispute", _("Dispute")
    SUPPORT = "support", pgettext_lazy("request", "Support")
    EXPERT = "expert", _("Expert consulting")
    RESOURCES = "resources", _("Resource dispatch")


# Kinds that say something is wrong between us; severe and open for long they are a warning sign (domain.md 3.7).
GRIEVANCES = frozenset({RequestKind.COMPLAINT, RequestKind.DISPUTE})


class Severity(IntegerChoices):
    """1 is the worst; promised times are those of severity 1 (domain.md 4)."""

    SEVERE = 1, _("1 – severe")
    HIGH = 2, _("2 – high")
    NORMAL = 3, _("3 – normal")
    LOW = 4, _("4 – low")


class SponsorKind(TextChoices):
    EXECUTIVE = "executive", _("Executive sponsor")
    SENIOR_PARTNER = "senior_partner", _("Senior partner")


class RequestStepKind(TextChoices):
    RESPONSE = "response", _("First response")
    ESCALATION = "escalation", _("Escalation")
    RESOLUTION = "resolution", _("Resolution")
    REOPENING = "reopening", _("Opened again")
    CHANGE = "change", pgettext_lazy("request", "Change")


class RequestState(TextChoices):
    """How far a request is; derived from its times, never stored."""

    NEW = "new", _("Waits for a first response")
    ANSWERED = "answered", _("In work")
    ESCALATED = "escalated", _("Escalated")
    RESOLVED = "resolved", _("Resolved")


class MailState(TextChoices):
    """What became of a mail that came."""

    WAITING = "waiting", pgettext_lazy("mail", "Waits for an account")
    LOGGED = "logged", pgettext_lazy("mail", "Logged")
    ASIDE = "aside", pgettext_lazy("mail", "Put aside")
