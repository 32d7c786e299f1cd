"""The vocabulary of relationships with people at the customer (domain.md 5.1 to 5.3); codes are promises to outsiders."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ContactLevel(TextChoices):
    """Where a person stands in the customer's hierarchy, from the top down."""

    TOP = "top", pgettext_lazy("level of a person", "Top")
    SENIOR = "senior", pgettext_lazy("level of a person", "Senior")
    MIDDLE = "middle", pgettext_lazy("level of a person", "Middle")
    WORKING = "working", pgettext_lazy("level of a person", "Working level")


class DepartmentKind(TextChoices):
    """What a department does, whatever the customer calls it."""

    MANAGEMENT = "management", _("Company management")
    PURCHASING = "purchasing", _("Purchasing department")
    ENGINEERING = "engineering", _("Engineering and R&D")
    PRODUCTION = "production", pgettext_lazy("department", "Production")
    MAINTENANCE = "maintenance", pgettext_lazy("department", "Maintenance")
    QUALITY = "quality", pgettext_lazy("department", "Quality")
    FINANCE = "finance", _("Finance department")
    IT = "it", _("IT")
    LOGISTICS = "logistics", pgettext_lazy("department", "Logistics")
    SALES = "sales", _("Sales and marketing")
    OTHER = "other", _("Another department")


class ChainRole(TextChoices):
    """What somebody does when the customer decides; one person may have several (domain.md 5.1)."""

    DECIDER = "decider", _("Decider")
    INFLUENCER = "influencer", _("Influencer")
    APPROVER = "approver", _("Approver, finance")
    TECHNICAL = "technical", _("Technical selector")
    USER = "user", pgettext_lazy("in a decision", "User")
    PURCHASER = "purchaser", _("Purchaser")
    GATEKEEPER = "gatekeeper", _("Gatekeeper")
    COACH = "coach", pgettext_lazy("in a decision", "Coach")


class Layer(TextChoices):
    """The three layers of a relationship with a customer."""

    KEY = "key", _("Key people")
    GENERAL = "general", _("Breadth")
    ORGANISATIONAL = "organisational", _("Company to company")


class OrganisationalLevel(IntegerChoices):
    """How close the two companies are (domain.md 5.3)."""

    TRANSACTIONAL = 1, _("1 – transactional")
    APPROVED = 2, _("2 – approved supplier, framework")
    PLANNED = 3, _("3 – yearly plan and regular review")
    EXECUTIVE = 4, _("4 – executives visit each other, joint project")
    STRATEGIC = 5, _("5 – strategic agreement, systems linked")


class Partnership(TextChoices):
    """What a customer has become for us; each step includes the one before."""

    SATISFIED = "satisfied", _("Satisfied customer")
    LOYAL = "loyal", _("Loyal customer")
    STRATEGIC = "strategic", _("Strategic partner")
    ENDED = "ended", _("None of these any more")


class CourtesyKind(TextChoices):
    GIFT = "gift", _("Gift")
    HOSPITALITY = "hospitality", _("Hospitality")


class CourtesyState(TextChoices):
    """Within the limits it is recorded at once; beyond them somebody else decides."""

    RECORDED = "recorded", _("Within the limits")
    WAITING = "waiting", pgettext_lazy("courtesy", "Waits for approval")
    APPROVED = "approved", pgettext_lazy("courtesy", "Approved")
    REFUSED = "refused", pgettext_lazy("courtesy", "Refused")


COUNTED_COURTESIES = frozenset({CourtesyState.RECORDED, CourtesyState.APPROVED})
