"""The vocabulary of scoring and grading; codes are stored and sent, words go through gettext."""

from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Preset(TextChoices):
    FULL = "full", _("Full")
    LEDGER_ONLY = "ledger-only", _("Ledger only")
    CONTRIBUTION = "contribution-two-years", _("Contribution of two years")


class ModelState(TextChoices):
    """Drafts alone can be edited; proposed and approved ones become drafts again where they are refused."""

    DRAFT = "draft", _("Draft")
    PROPOSED = "proposed", pgettext_lazy("scoring model", "Proposed")
    APPROVED = "approved", pgettext_lazy("scoring model", "Approved")
    ACTIVE = "active", pgettext_lazy("scoring model", "Active")
    RETIRED = "retired", _("Retired")


class ActivationState(TextChoices):
    """How far a version has come on its way into force; one in force with a last day is over."""

    PROPOSED = "proposed", pgettext_lazy("scoring model", "Proposed")
    APPROVED = "approved", pgettext_lazy("scoring model", "Approved")
    IN_FORCE = "in_force", _("In force")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


OPEN_ACTIVATIONS = frozenset({ActivationState.PROPOSED, ActivationState.APPROVED})


class WeightSource(TextChoices):
    """Where the weights of one part of a version come from; without a record they were set by hand."""

    AHP = "ahp", _("Pairwise comparison")
    BLEND = "blend", _("Blend with the dispersion of the data")


class SurveyState(TextChoices):
    OPEN = "open", pgettext_lazy("survey of weights", "Open")
    CLOSED = "closed", pgettext_lazy("survey of weights", "Closed")


class DimensionCode(TextChoices):
    """The four principles, in this order everywhere."""

    SAL = "SAL", _("Sales contribution")
    STR = "STR", _("Strategic value")
    GRO = "GRO", _("Growth potential")
    LOY = "LOY", _("Loyalty")


class IndicatorCode(TextChoices):
    S1 = "S1", _("Net revenue, 12 months")
    S2 = "S2", _("Gross profit, 12 months")
    S3 = "S3", _("Gross margin, 12 months")
    S4 = "S4", _("The customer's own turnover")
    S5 = "S5", _("Customer lifetime value, 36 months")
    V1 = "V1", _("Industry influence")
    V2 = "V2", _("Fit with our strategy")
    V3 = "V3", _("Co-innovation and feedback")
    V4 = "V4", _("Customers it referred to us")
    P1 = "P1", _("Growth of revenue, 12 months on the 12 before")
    P2 = "P2", _("Wallet we do not have yet")
    P3 = "P3", _("Outlook of the customer's industry")
    P4 = "P4", _("Weighted pipeline against revenue")
    P5 = "P5", _("Growth of the number of products bought")
    L1 = "L1", _("Years since the first revenue")
    L2 = "L2", _("Months with an order, of 12")
    L3 = "L3", _("Share of wallet")
    L4 = "L4", _("Share of the amount due paid on time")
    L5 = "L5", _("Satisfaction")
    L6 = "L6", _("Days since the last order against the own rhythm")
    L7 = "L7", _("Different products bought, 12 months")
    L8 = "L8", _("Contracts that were followed by another one, 24 months")


class Unit(TextChoices):
    """How a raw value or a threshold is written."""

    MONEY = "money", _("amount")
    SHARE = "share", _("share")
    RATIO = "ratio", _("ratio")
    RATING = "rating", _("rating 1 to 5")
    YEARS = "years", _("years")
    MONTHS = "months", _("months")
    SCORE = "score", _("points")
    COUNT = "count", _("number")
    PRESENT = "present", _("yes or no")


INDICATOR_UNIT: MappingProxyType[str, Unit] = MappingProxyType(
    {
        IndicatorCode.S1: Unit.MONEY,
        IndicatorCode.S2: Unit.MONEY,
        IndicatorCode.S3: Unit.SHARE,
        IndicatorCode.S4: Unit.MONEY,
        IndicatorCode.S5: Unit.MONEY,
        IndicatorCode.V1: Unit.RATING,
        IndicatorCode.V2: Unit.RATING,
        IndicatorCode.V3: Unit.RATING,
        IndicatorCode.V4: Unit.COUNT,
        IndicatorCode.P1: Unit.RATIO,
        IndicatorCode.P2: Unit.MONEY,
        IndicatorCode.P3: Unit.RATING,
        IndicatorCode.P4: Unit.RATIO,
        IndicatorCode.P5: Unit.RATIO,
        IndicatorCode.L1: Unit.YEARS,
        IndicatorCode.L2: Unit.MONTHS,
        IndicatorCode.L3: Unit.SHARE,
        IndicatorCode.L4: Unit.SHARE,
        IndicatorCode.L5: Unit.RATING,
        IndicatorCode.L6: Unit.RATIO,
        IndicatorCode.L7: Unit.COUNT,
        IndicatorCode.L8: Unit.SHARE,
    }
)


class Rule(TextChoices):
    """What a threshold of a grade is held against; the codes are those of tiering.grading.CONDITIONS."""

    REVENUE_EACH_YEAR = "revenue_each_year", _("Net revenue in each of the last two fiscal years")
    GROSS_PROFIT_EACH_YEAR = "gross_profit_each_year", _("Gross profit in each of the last two fiscal years")
    REVENUE_TTM = "revenue_ttm", _("Net revenue of the last 12 months")
    SAL = "sal", _("Score of sales contribution")
    STR = "str", _("Score of strategic value")
    GRO = "gro", _("Score of growth potential")
    GRO_EVIDENCE = "gro_evidence", _("Known share of growth potential")
    COMPOSITE = "composite", _("Composite score")
    MONTHS = "months", _("Months since the first revenue")
    EVALUATORS = "evaluators", _("People who rated the strategic value")
    BUSINESS = "business", _("Revenue in 12 months, a running contract or an approved plan")
    OPPORTUNITY = "opportunity", _("Wallet or pipeline known")
    PRIOR_REVENUE = "prior_revenue", _("Net revenue of the 12 months before")


class RunState(TextChoices):
    DUE = "due", _("Due")
    COMPUTING = "computing", _("Computing")
    READY = "ready", _("Ready to publish")
    PUBLISHED = "published", _("Published")
    FAILED = "failed", _("Failed")
    SUPERSEDED = "superseded", _("Replaced by a repeat")
    SKIPPED = "skipped", _("Skipped")


UNFINISHED_RUN_STATES = frozenset({RunState.DUE, RunState.COMPUTING, RunState.READY})


class RunTrigger(TextChoices):
    NIGHT = "night", _("Nightly job")
    FIRST = "first", _("First night of a ledger")
    COMMAND = "command", _("Command")
    PAGE = "page", _("Button")
    REPLAY = "replay", _("Replay of history")


class QuarantineReason(TextChoices):
    """Why an account was set apart for a night: its figures cannot be computed with."""

    NOT_A_NUMBER = "not_a_number", _("A figure is not a number")
    INFINITE = "infinite", _("A figure is infinite")
    AMOUNT = "amount", _("An amount is beyond what can be true")
    DATE = "date", _("A date is beyond what can be true")


class OverrideReason(TextChoices):
    """Why a person sets a grade against the computed one."""

    DATA = "data", _("Data are wrong or missing")
    PROJECT = "project", _("A project or tender is under way")
    GROUP = "group", _("Merger, sale or a change in the group")
    RELATION = "relation", _("Relationship or reference value")
    RISK = "risk", _("A known risk")
    FREEZE = "freeze", _("Freeze at the present grade")
    OTHER = "other", _("Another reason")


class OverrideState(TextChoices):
    """An approved one holds from its first to its last day; then it has expired by itself."""

    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    ENDED = "ended", _("Ended early")
    WITHDRAWN = "withdrawn", _("Withdrawn")


# They hold, or held, on the days they name.
HELD_OVERRIDES = frozenset({OverrideState.APPROVED, OverrideState.ENDED})


class ProblemVerdict(TextChoices):
    CONFIRM = "confirm", _("Confirmed")
    REFUSE = "refuse", _("Refused")


class Quadrant(TextChoices):
    """What to do with an account by its attractiveness and our strength with it (domain.md 3.10)."""

    INVEST = "invest", _("Invest")
    SELECTIVE = "selective", _("Invest selectively")
    MAINTAIN = "maintain", _("Maintain")
    CASH = "cash", _("Manage for cash, or withdraw")


class BacktestState(TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


UNFINISHED_BACKTEST_STATES = frozenset({BacktestState.QUEUED, BacktestState.RUNNING})


class BandVerdict(TextChoices):
    """What becomes of a customer of low value ([S004])."""

    KEEP = "keep", _("Keep as it is")
    IMPROVE = "improve", _("Improve")
    END = "end", _("End")
