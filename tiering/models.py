"""Scoring models in versions, the runs that used them, a result row per account and run, and the history of grades."""

from copy import copy
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade, RevenueBasis
from accounts.models.base import CurrencyField, MoneyField, TimeStamped
from crm.lib.exceptions import FormulaError
from tiering import grading, scoring
from tiering.design import HUNDRED, Design
from tiering.enums import (
    UNFINISHED_RUN_STATES,
    DimensionCode,
    IndicatorCode,
    ModelState,
    Preset,
    Rule,
    RunState,
    RunTrigger,
)
from tiering.models_activation import Activation, ModelReview
from tiering.models_backtests import BacktestRun
from tiering.models_bands import BandDecision
from tiering.models_facts import ChangedAccount, GradedMember, KeptLedger, LedgerFacts
from tiering.models_overrides import Override, ProblemDecision
from tiering.models_quarantine import Quarantine
from tiering.models_replaced import ReplacedPeriod
from tiering.models_weights import Judgement, WeightOrigin, WeightSurvey
from tiering.querysets import ScoreQuerySet

__all__ = [
    "Activation", "BacktestRun", "BandDecision", "ChangedAccount", "Dimension", "GradePeriod", "GradeRule", "GradedMember",
    "Indicator", "Judgement", "KeptLedger", "LedgerFacts", "ModelReview", "Override", "ProblemDecision", "Quarantine",
    "ReplacedPeriod", "Score", "ScoringModel", "TierRun", "WeightOrigin", "WeightSurvey",
]  # fmt: skip

PERCENT = [MinValueValidator(Decimal(0)), MaxValueValidator(HUNDRED)]
SHARE = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))]
SPAN = [MinValueValidator(1), MaxValueValidator(366)]


class ShareField(models.DecimalField):
    """A fraction 0..1 with three decimals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 4, 3
        super().__init__(*args, **kwargs)
        self.validators.extend(validator for validator in SHARE if validator not in self.validators)


class PercentField(models.DecimalField):
    """A weight in percent with three decimals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 6, 3
        super().__init__(*args, **kwargs)
        self.validators.extend(validator for validator in PERCENT if validator not in self.validators)


class PointsField(models.DecimalField):
    """Points of a score, 0..100, with one decimal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 4, 1
        super().__init__(*args, **kwargs)
        self.validators.extend(validator for validator in PERCENT if validator not in self.validators)


class SpanField(models.PositiveSmallIntegerField):
    """Whole days, 1 or more: no grade moves on a single night."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.validators.extend(validator for validator in SPAN if validator not in self.validators)


class ScoringModel(TimeStamped):
    """One version of how accounts are scored and graded. Only a draft can be edited; a trigger sees to it."""

    name = models.CharField(_("name"), max_length=80)
    version = models.PositiveIntegerField(_("version"), default=1)
    preset = models.CharField(_("made from"), max_length=24, choices=Preset)
    state = models.CharField(_("state"), max_length=8, choices=ModelState, default=ModelState.DRAFT, editable=False)
    currency = CurrencyField(_("currency"), help_text=_("Of its scales and thresholds; fixed when it is made."))
    basis = models.CharField(_("revenue basis"), max_length=10, choices=RevenueBasis, default=RevenueBasis.INVOICED)
    as_of = models.DateField(_("thresholds found on"), help_text=_("Data until this day set scales and thresholds."))
    note = models.TextField(_("note"), blank=True)
    gross_profit_test = models.BooleanField(
        _("test gross profit"), default=True, help_text=_("Switch off only where costs are not known.")
    )
    min_base = MoneyField(_("smallest base"), default=Decimal(1000), validators=[MinValueValidator(Decimal(0))])
    evidence_any = ShareField(_("evidence for any move"), default=Decimal("0.6"))
    evidence_up = ShareField(_("evidence to enter Gold or Diamond"), default=Decimal("0.8"))
    min_dimension_evidence = ShareField(_("evidence for a dimension to count"), default=Decimal("0.5"))
    min_valid_weight = ShareField(_("weight of counting dimensions for a score"), default=Decimal("0.7"))
    buffer_score = PointsField(
        _("points a held grade may fall short"), default=Decimal(5), db_default=Decimal(5),
        help_text=_("Minimum scores of the grade in force and of lower ones are this much lower."),
    )  # fmt: skip
    buffer_growth = PointsField(
        _("the same for growth potential"), default=Decimal(10), db_default=Decimal(10),
        help_text=_("One good or bad quarter moves this score far."),
    )  # fmt: skip
    buffer_money = ShareField(
        _("share of a money threshold that keeps a grade"), default=Decimal("0.9"), db_default=Decimal("0.9")
    )
    confirm_up_days = SpanField(_("days a move up must hold"), default=7, db_default=7)
    confirm_down_days = SpanField(_("days a move down must hold"), default=28, db_default=28)
    confirm_problem_days = SpanField(_("days warning signs must hold"), default=28, db_default=28)
    raw_layout = models.JSONField(
        default=list, editable=False, help_text="Codes of the stored raw values, in order; written at activation."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("activated by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    review_on = models.DateField(
        _("to be reviewed on"), null=True, blank=True, editable=False,
        help_text=_("Twelve months after activation, until somebody has looked at it and moves the day."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("scoring model")
        verbose_name_plural = _("scoring models")
        ordering = ["-pk"]
        permissions = [("activate_model", _("Can activate a scoring model"))]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="scoringmodel_version_once"),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=ModelState.ACTIVE), name="scoringmodel_one_active"
            ),
            models.CheckConstraint(condition=Q(state__in=ModelState.values), name="scoringmodel_state_known"),
            models.CheckConstraint(condition=~Q(currency=""), name="scoringmodel_currency_given"),
            models.CheckConstraint(
                condition=Q(evidence_up__gte=F("evidence_any")),
                name="scoringmodel_evidence_up_not_below_any",
                violation_error_message=_("A move up cannot need less evidence than any other move."),
            ),
            models.CheckConstraint(
                condition=Q(confirm_up_days__gte=1, confirm_down_days__gte=1, confirm_problem_days__gte=1),
                name="scoringmodel_spans_of_a_day_or_more",
                violation_error_message=_("A move must hold for a day or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_draft(self) -> bool:
        return self.state == ModelState.DRAFT

    def clean(self) -> None:
        if self.pk and not ScoringModel.objects.filter(pk=self.pk, state=ModelState.DRAFT).exists():
            raise ValidationError(
                _("Only a draft can be changed. Take its proposal back, or make a new version of one that was in use.")
            )

    def design(self) -> Design:
        """Everything the formulas need, in stored order. Three queries unless the parts are prefetched."""
        dimensions = {dimension.pk: dimension for dimension in self.dimensions.all()}
        return Design(
            dimensions={dimension.code: dimension.weight for dimension in dimensions.values()},
            indicators=tuple(
                (
                    dimensions[indicator.dimension_id].code,
                    indicator.code,
                    indicator.weight,
                    tuple((float(value), float(score)) for value, score in indicator.anchors),
                )
                for indicator in self.indicators.all()
            ),
            thresholds={(rule.grade, rule.condition): rule.threshold for rule in self.rules.all()},
            gross_profit_test=self.gross_profit_test,
            evidence_any=self.evidence_any,
            evidence_up=self.evidence_up,
            min_dimension_evidence=self.min_dimension_evidence,
            min_valid_weight=self.min_valid_weight,
            min_base=self.min_base,
            buffer_score=self.buffer_score,
            buffer_growth=self.buffer_growth,
            buffer_money=self.buffer_money,
            confirm_up_days=self.confirm_up_days,
            confirm_down_days=self.confirm_down_days,
            confirm_problem_days=self.confirm_problem_days,
        )


class Dimension(models.Model):
    """One of the four principles with its weight in the composite."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="dimensions")
    code = models.CharField(_("dimension"), max_length=3, choices=DimensionCode)
    weight = PercentField(_("weight, %"), help_text=_("The four weights sum to 100."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("dimension")
        verbose_name_plural = _("dimensions")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "code"], name="dimension_once"),
            models.CheckConstraint(condition=Q(code__in=DimensionCode.values), name="dimension_known"),
            models.CheckConstraint(condition=Q(weight__gte=0, weight__lte=100), name="dimension_weight_percent"),
        ]

    def __str__(self) -> str:
        return self.code


class Indicator(models.Model):
    """One thing that is measured, its weight inside its dimension and its scale."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="indicators")
    dimension = models.ForeignKey(
        Dimension, verbose_name=_("dimension"), on_delete=models.CASCADE, related_name="indicators"
    )
    code = models.CharField(_("indicator"), max_length=2, choices=IndicatorCode)
    weight = PercentField(_("weight, %"), help_text=_("The weights inside a dimension sum to 100."))
    anchors = models.JSONField(
        _("scale"), help_text=_("Pairs of value and score, such as [[0, 0], [10, 100]]; straight lines between them.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "code"], name="indicator_once"),
            models.CheckConstraint(condition=Q(code__in=IndicatorCode.values), name="indicator_known"),
            models.CheckConstraint(condition=Q(weight__gte=0, weight__lte=100), name="indicator_weight_percent"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        try:
            scoring.check_anchors(self.anchors)
        except (FormulaError, TypeError, ValueError) as error:
            raise ValidationError(
                {"anchors": _("A scale is two or more pairs of value and score 0 to 100, rising or falling.")}
            ) from error
        if self.dimension_id and self.model_id and self.dimension.model_id != self.model_id:
            raise ValidationError({"dimension": _("The dimension belongs to another model.")})


class GradeRule(models.Model):
    """One threshold of one grade; minimum scores of 0 are not tested."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="rules")
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    condition = models.CharField(_("condition"), max_length=24, choices=Rule)
    threshold = models.DecimalField(_("threshold"), max_digits=25, decimal_places=6)

    class Meta:
        verbose_name = _("grade rule")
        verbose_name_plural = _("grade rules")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "grade", "condition"], name="graderule_once"),
            models.CheckConstraint(condition=Q(condition__in=Rule.values), name="graderule_condition_known"),
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="graderule_grade_known"),
        ]

    def __str__(self) -> str:
        return f"{self.grade}: {self.condition} {self.threshold.normalize():f}"

    def clean(self) -> None:
        if (self.grade, self.condition) not in grading.RULES:
            raise ValidationError({"condition": _("This grade does not test that condition.")})


class TierRun(models.Model):
    """One evaluation of every account as of one day; readers see the scores of published runs only."""

    as_of = models.DateField(_("as of"))
    model = models.ForeignKey(
        ScoringModel, verbose_name=_("scoring model"), null=True, on_delete=models.PROTECT, related_name="runs"
    )
    state = models.CharField(_("state"), max_length=10, choices=RunState, default=RunState.DUE)
    trigger = models.CharField(_("started by"), max_length=8, choices=RunTrigger)
    phases = models.JSONField(default=list, help_text="[{name, seconds, …counts}], in the order they ran.")
    counts = models.JSONField(default=dict, help_text="Accounts per grade code.")
    matrix = models.JSONField(default=list, help_text="[[grade before, grade now, accounts]], moved accounts only.")
    moves = models.PositiveIntegerField(_("moves"), default=0)
    accounts = models.PositiveIntegerField(_("accounts"), default=0)
    quarantined = models.PositiveIntegerField(_("set apart"), default=0, db_default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    last_record_id = models.BigIntegerField(null=True, help_text="The last ledger line the run saw.")
    base = models.ForeignKey(
        "self", verbose_name=_("builds on"), null=True, blank=True, editable=False, on_delete=models.PROTECT,
        related_name="nights", help_text="The night that graded every account anew, and whose rows still stand; itself, if it did.",
    )  # fmt: skip
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    published_at = models.DateTimeField(_("published at"), null=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-as_of", "-pk"]
        permissions = [("retier", _("Can start a re-tier"))]
        constraints = [
            models.UniqueConstraint(
                fields=["as_of"], condition=Q(state=RunState.PUBLISHED), name="tierrun_one_published_a_day"
            ),
            models.UniqueConstraint(
                fields=["as_of"],
                condition=Q(state__in=sorted(UNFINISHED_RUN_STATES)),
                name="tierrun_one_unfinished_a_day",
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="tierrun_state_known"),
            models.CheckConstraint(
                condition=~Q(state=RunState.PUBLISHED) | Q(published_at__isnull=False, model__isnull=False),
                name="tierrun_published_with_time_and_model",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.state}"

    @property
    def is_full(self) -> bool:
        """Whether it graded every account anew, rather than those that had changed."""
        return self.base_id is not None and self.base_id == self.pk

    @property
    def seconds(self) -> float | None:
        """Time from start to end, None while it runs."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class Score(models.Model):
    """The result of one account: a grade or the reason for none. Written by binary COPY, and only for accounts whose result
    may differ from the night before (tiering.ageing); it stands from its own night until another row takes its place, but
    never beyond the next night that grades every account anew. ``Score.objects.of(run)`` has every account's row of a night.

    raw holds the indicators and then what the conditions read, in the order of the model's ``raw_layout``;
    contributions the points of each indicator; NaN is not known. No foreign key in the database: checking two of them
    a row costs more than writing the row, and nothing but the run's own service writes here.
    """

    run = models.ForeignKey(
        TierRun, on_delete=models.CASCADE, related_name="scores", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="scores", db_constraint=False, db_index=False
    )
    base = models.ForeignKey(
        TierRun, verbose_name=_("builds on"), on_delete=models.CASCADE, related_name="rows", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    ladder = models.CharField(_("underlying grade"), max_length=10, choices=Grade, blank=True)
    previous_grade = models.CharField(_("grade before"), max_length=10, choices=Grade, blank=True)
    composite = models.FloatField(_("score"), null=True)
    evidence = models.FloatField(_("evidence"))
    flags = models.BigIntegerField(default=0)
    raw = ArrayField(models.FloatField())
    contributions = ArrayField(models.FloatField())

    objects = ScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["base", "account", "run"]
        constraints = [
            # A run has one base, so this is once a run; the order finds a whole night, and an account in it, by the base.
            models.UniqueConstraint(fields=["base", "account", "run"], name="score_once_a_night")
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.grade}"

    def on(self, run: TierRun) -> "Score":
        """The row as what it is on another night it stands on."""
        found = copy(self)
        found.run = run
        return found

    def has_flag(self, flag: grading.Flag) -> bool:
        return bool(self.flags & flag)


class GradePeriod(models.Model):
    """The grade an account had from one day to another, half-open; an open end means until now."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="grade_periods"
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    underlying = models.CharField(_("underlying grade"), max_length=10, choices=Grade, blank=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)
    run = models.ForeignKey(
        TierRun, verbose_name=_("run"), on_delete=models.PROTECT, related_name="grade_periods", db_index=False
    )
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("grade period")
        verbose_name_plural = _("grade history")
        ordering = ["-valid_from", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="gradeperiod_no_overlap",
                expressions=[
                    (F("account"), RangeOperators.EQUAL),
                    (
                        Func(
                            "valid_from",
                            "valid_to",
                            RangeBoundary(),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="gradeperiod_not_empty"
            ),
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="gradeperiod_grade_known"),
        ]

    def __str__(self) -> str:
        return f"{self.grade} {self.valid_from}.."
