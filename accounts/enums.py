"""The vocabulary of the ledger and of the grades; codes are promises to outsiders, words go through gettext."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.access import Role


class UserRole(TextChoices):
    """The roles of ``accounts.access``, with their words."""

    ADMINISTRATOR = Role.ADMINISTRATOR.value, pgettext_lazy("role of a user", "Administrator")
    DIRECTOR = Role.DIRECTOR.value, pgettext_lazy("role of a user", "Director")
    MANAGER = Role.MANAGER.value, pgettext_lazy("role of a user", "Manager")
    MEMBER = Role.MEMBER.value, pgettext_lazy("role of a user", "Team member")
    ANALYST = Role.ANALYST.value, pgettext_lazy("role of a user", "Analyst")


class OrgLevel(TextChoices):
    """The ladder of a sales organisation, highest first (checklist 004.17)."""

    DIRECTOR = "director", pgettext_lazy("level of a unit", "Sales direction")
    AREA = "area", pgettext_lazy("level of a unit", "Area")
    PROVINCE = "province", pgettext_lazy("level of a unit", "Province")
    DISTRICT = "district", pgettext_lazy("level of a unit", "District")
    TEAM = "team", pgettext_lazy("level of a unit", "Team of a supervisor")

    @property
    def rank(self) -> int:
        return list(OrgLevel).index(self)


class AccountStatus(TextChoices):
    PROSPECT = "prospect", _("Prospect")
    ACTIVE = "active", _("Active")
    CLOSED = "closed", _("Closed")


class AccountSize(TextChoices):
    MICRO = "micro", _("Micro")
    SMALL = "small", _("Small")
    MEDIUM = "medium", _("Medium")
    LARGE = "large", _("Large")


class AccountNeed(TextChoices):
    """What the customer looks for first ([S004])."""

    FUNCTION = "function", _("Function")
    PRICE = "price", _("Price")
    SERVICE = "service", _("Service")


class MarketPotential(TextChoices):
    """How far the customer's market can carry it ([S004]); judged by people, unlike the score of growth potential."""

    HIGH = "high", _("High potential")
    MID = "mid", _("Middle potential")
    LOW = "low", _("Low potential")


class Grade(TextChoices):
    """The six grades and the place of those without one (domain.md 3.6)."""

    DIAMOND = "diamond", _("Diamond")
    GOLD = "gold", _("Gold")
    STRATEGIC = "strategic", _("Strategic")
    POTENTIAL = "potential", _("Potential")
    GENERAL = "general", _("General")
    PROBLEM = "problem", _("Problem")
    NOT_GRADED = "not_graded", _("Not graded")


# Rank for moves up and down (domain.md 3.6); a problem ranks below every ladder grade.
GRADE_RANK: dict[str, int] = {
    Grade.DIAMOND: 6,
    Grade.GOLD: 5,
    Grade.STRATEGIC: 4,
    Grade.POTENTIAL: 3,
    Grade.GENERAL: 2,
    Grade.PROBLEM: 1,
    Grade.NOT_GRADED: 0,
}
# Icon and hue token of each grade; a grade is always shown as icon + word + hue (screens.md).
GRADE_ICON: dict[str, str] = {
    Grade.DIAMOND: "◆",
    Grade.GOLD: "●",
    Grade.STRATEGIC: "▲",
    Grade.POTENTIAL: "↗",
    Grade.GENERAL: "○",
    Grade.PROBLEM: "!",
    Grade.NOT_GRADED: "–",
}
LADDER_GRADES = frozenset({Grade.DIAMOND, Grade.GOLD, Grade.STRATEGIC, Grade.POTENTIAL, Grade.GENERAL})
KEY_GRADES = frozenset({Grade.DIAMOND, Grade.GOLD, Grade.STRATEGIC})


class TeamRole(TextChoices):
    """The iron triangle."""

    ACCOUNT_MANAGER = "account_manager", _("Account manager")
    SOLUTION_MANAGER = "solution_manager", _("Solution manager")
    DELIVERY_MANAGER = "delivery_manager", _("Delivery manager")


class Attitude(IntegerChoices):
    """How a person at the customer stands to us (domain.md 5.1)."""

    OPPOSES = -2, _("Opposes us")
    SCEPTICAL = -1, _("Sceptical")
    NEUTRAL = 0, _("Neutral")
    SUPPORTS = 1, _("Supports us")
    CHAMPION = 2, _("Champion")


class ContractStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", pgettext_lazy("contract", "Active")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


SIGNED_CONTRACT_STATUSES = frozenset({ContractStatus.ACTIVE, ContractStatus.COMPLETED})


class RecognitionMethod(TextChoices):
    """How the stand-in for recognised revenue spreads a contract (domain.md 1.1): evenly over the days of its term, or in
    the amounts of its milestones on the days they are accepted."""

    STRAIGHT_LINE = "straight_line", _("Straight line")
    MILESTONES = "milestones", _("Milestones")


class RevenueKind(TextChoices):
    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")
    ADJUSTMENT = "adjustment", _("Adjustment")


class RevenueBasis(TextChoices):
    """Never mixed in one figure (domain.md 1.1)."""

    SIGNED = "signed", _("Signed")
    ORDERED = "ordered", _("Ordered")
    INVOICED = "invoiced", _("Invoiced")
    RECOGNISED = "recognised", _("Recognised")
    CASH = "cash", _("Cash")


class CreditNotes(TextChoices):
    """Into which period a linked credit note counts (domain.md 1.1): its own, or that of the document it credits."""

    BOOKED = "booked", _("in their own period")
    RESTATED = "restated", _("in the period of their original")


class RateKind(TextChoices):
    SPOT = "spot", _("Rate of the day")
    MONTH_AVERAGE = "month_average", _("Average of the month")
    CLOSING = "closing", _("Closing rate")


class BatchState(TextChoices):
    DRAFT = "draft", _("Draft")
    QUEUED = "queued", _("Waiting")
    READING = "reading", _("Reading")
    POSTED = "posted", _("Posted")
    FAILED = "failed", _("Failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


UNFINISHED_BATCH_STATES = frozenset({BatchState.QUEUED, BatchState.READING})


class RatingIndicator(TextChoices):
    """What people judge from 1 to 5 (domain.md 3.1, 3.4)."""

    V1 = "V1", _("Industry influence")
    V2 = "V2", _("Fit with our strategy")
    V3 = "V3", _("Co-innovation and feedback")
    P3 = "P3", _("Outlook of the customer's industry")
    L5 = "L5", _("Satisfaction")


STRATEGIC_INDICATORS = (RatingIndicator.V1, RatingIndicator.V2, RatingIndicator.V3)


class EvaluatorFunction(TextChoices):
    SALES = "sales", _("Sales")
    SOLUTIONS = "solutions", _("Solutions")
    DELIVERY = "delivery", _("Delivery")
    FINANCE = "finance", _("Finance")
    PRODUCT = "product", _("Product")
    MANAGEMENT = "management", _("Management")
    CUSTOMER = "customer", _("Customer")


class EffortPurpose(TextChoices):
    """What money and hours are spent for: to win customers, or to keep those there are."""

    ACQUISITION = "acquisition", _("Winning new customers")
    RETENTION = "retention", _("Keeping existing customers")


class CalendarPattern(TextChoices):
    """How a fiscal year falls into periods; codes of weeks are those of crm.lib.fiscal.WeekPattern."""

    MONTHS = "months", _("Calendar months")
    FOUR_FOUR_FIVE = "4-4-5", _("Weeks: 4-4-5")
    FOUR_FIVE_FOUR = "4-5-4", _("Weeks: 4-5-4")
    FIVE_FOUR_FOUR = "5-4-4", _("Weeks: 5-4-4")
