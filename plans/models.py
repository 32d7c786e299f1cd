"""Policies in versions: what each grade is promised, how it is checked, and what it is for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade
from accounts.models.base import CurrencyField, MoneyField, TimeStamped
from plans.enums import (
    COUNTED,
    KIND_OF,
    PROMISED_GRADES,
    TIMED,
    CaseEvent,
    Clock,
    Evidence,
    Level,
    PolicyState,
    PromiseKind,
    PromiseType,
    Span,
    Unit,
)
from plans.models_hours import BusinessDay, BusinessHours
from plans.models_results import AccountCompliance, Measurement, PromiseResult
from plans.models_team import HandOver, MovedRow, Reassignment, TeamRule
from plans.models_work import (
    AccountPlan,
    PlanAction,
    RelationshipAction,
    RelationshipPlan,
    RemediationAction,
    RemediationPlan,
    Task,
)

__all__ = [
    "AccountCompliance", "AccountPlan", "BusinessDay", "BusinessHours", "HandOver", "Measurement", "MovedRow",
    "PlanAction", "PolicyVersion", "Promise", "PromiseResult", "Reassignment", "RelationshipAction",
    "RelationshipPlan", "RemediationAction", "RemediationPlan", "Strategy", "Task", "TeamRule",
]  # fmt: skip

LANGUAGE_FIELDS = {"zh-hans": "zh_hans", "zh-hant": "zh_hant"}


def _person(label: Any) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )


def in_own_words(row: models.Model, name: str) -> str:
    """The text of ``row`` in the reader's language, in English where that is empty."""
    suffix = LANGUAGE_FIELDS.get(get_language() or "", "en")
    return str(getattr(row, f"{name}_{suffix}") or getattr(row, f"{name}_en"))


class PolicyVersion(TimeStamped):
    """What all grades are promised from one day to another, half-open. Only a draft can be edited; a trigger sees to it.

    A version that is replaced is retired at once and still holds until its last day.
    """

    number = models.PositiveIntegerField(_("number"), unique=True)
    state = models.CharField(_("state"), max_length=8, choices=PolicyState, default=PolicyState.DRAFT, editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    is_default = models.BooleanField(_("starting values"), default=False, editable=False)
    valid_from = models.DateField(_("from"), null=True, blank=True, editable=False)
    valid_to = models.DateField(_("to"), null=True, blank=True, editable=False)
    made_by = _person(_("made by"))
    activated_by = _person(_("activated by"))
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering = ["-number"]
        permissions = [("activate_policy", _("Can activate a version of the policies"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PolicyState.values), name="policyversion_state_known"),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=PolicyState.ACTIVE), name="policyversion_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state=PolicyState.DRAFT) | Q(valid_from__isnull=False), name="policyversion_in_use_dated"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="policyversion_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(made_by__isnull=True) | Q(activated_by__isnull=True) | ~Q(made_by=F("activated_by")),
                name="policyversion_activated_by_another",
                violation_error_message=_("Another person than the one who made it must activate it."),
            ),
            ExclusionConstraint(
                name="policyversion_no_overlap",
                expressions=[
                    (
                        Func(
                            "valid_from", "valid_to", RangeBoundary(),
                            function="daterange", output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=~Q(state=PolicyState.DRAFT),
                violation_error_message=_("Another version holds in that time."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Version %(number)s") % {"number": self.number}

    @property
    def is_draft(self) -> bool:
        return self.state == PolicyState.DRAFT


class Promise(models.Model):
    """One row of a policy: what one grade is promised, and how that is checked."""

    version = models.ForeignKey(
        PolicyVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="promises"
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    type = models.CharField(_("promise"), max_length=20, choices=PromiseType)
    target = models.DecimalField(
        _("target"), max_digits=8, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    level = models.CharField(_("level"), max_length=14, choices=Level, blank=True)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit, default=Unit.NONE)
    period = models.CharField(
        _("period"), max_length=10, choices=Span, blank=True, help_text=_("Empty: once, while the grade lasts.")
    )
    clock = models.CharField(_("clock"), max_length=8, choices=Clock, blank=True)
    severity = models.PositiveSmallIntegerField(
        _("severity"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(4)],
        help_text=_("Cases of this severity or graver count; 1 is the gravest. Empty: all."),
    )  # fmt: skip
    start_event = models.CharField(_("starts with"), max_length=9, choices=CaseEvent, blank=True)
    stop_event = models.CharField(_("stops with"), max_length=9, choices=CaseEvent, blank=True)
    evidence = models.CharField(_("evidence"), max_length=17, choices=Evidence)
    counts_remote = models.BooleanField(
        _("remote counts"), default=False, help_text=_("A call or a remote visit counts as well.")
    )
    weight = models.DecimalField(
        _("weight"), max_digits=5, decimal_places=2, default=Decimal(1), validators=[MinValueValidator(0)],
        help_text=_("Of this promise in the compliance of an account."),
    )  # fmt: skip
    unit_cost = MoneyField(
        _("cost"), default=Decimal(0), validators=[MinValueValidator(0)],
        help_text=_("Of one time where it is counted, of a year elsewhere."),
    )  # fmt: skip
    currency = CurrencyField(_("currency"))
    customer_text_en = models.CharField(_("for the customer, English"), max_length=300, blank=True)
    customer_text_zh_hans = models.CharField(_("for the customer, simplified Chinese"), max_length=300, blank=True)
    customer_text_zh_hant = models.CharField(_("for the customer, traditional Chinese"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "grade", "type"], name="promise_once"),
            models.CheckConstraint(condition=Q(grade__in=PROMISED_GRADES), name="promise_grade_known"),
            models.CheckConstraint(condition=Q(type__in=PromiseType.values), name="promise_type_known"),
            models.CheckConstraint(
                condition=~Q(evidence__in=[*COUNTED, *TIMED, Evidence.DISCOUNT])
                | Q(target__isnull=False, target__gte=0),
                name="promise_measured_with_target",
                violation_error_message=_("A promise that is counted or timed needs a number."),
            ),
            models.CheckConstraint(
                condition=~Q(evidence__in=TIMED)
                | ~Q(clock="") & ~Q(start_event="") & ~Q(stop_event="") & Q(target__isnull=False, target__gt=0),
                name="promise_timed_by_a_clock",
                violation_error_message=_("A timed promise needs hours above 0, a clock, a start and a stop."),
            ),
            models.CheckConstraint(
                condition=~Q(evidence=Evidence.DISCOUNT) | Q(target__lte=100), name="promise_discount_percent"
            ),
            models.CheckConstraint(
                condition=Q(severity__isnull=True) | Q(severity__gte=1, severity__lte=4), name="promise_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=0, unit_cost__gte=0) & ~Q(currency=""), name="promise_weight_and_cost"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grade}: {self.type}"

    @property
    def kind(self) -> PromiseKind:
        return KIND_OF[self.evidence]

    @property
    def customer_text(self) -> str:
        return in_own_words(self, "customer_text")


class Strategy(models.Model):
    """Why a grade exists and how its accounts are managed, in the three languages of the product."""

    version = models.ForeignKey(
        PolicyVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="strategies"
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    purpose_en = models.TextField(_("purpose, English"), max_length=600)
    purpose_zh_hans = models.TextField(_("purpose, simplified Chinese"), max_length=600, blank=True)
    purpose_zh_hant = models.TextField(_("purpose, traditional Chinese"), max_length=600, blank=True)
    strategy_en = models.TextField(_("strategy, English"), max_length=1200)
    strategy_zh_hans = models.TextField(_("strategy, simplified Chinese"), max_length=1200, blank=True)
    strategy_zh_hant = models.TextField(_("strategy, traditional Chinese"), max_length=1200, blank=True)

    class Meta:
        verbose_name = _("strategy of a grade")
        verbose_name_plural = _("strategies of the grades")
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "grade"], name="strategy_once"),
            models.CheckConstraint(condition=Q(grade__in=PROMISED_GRADES), name="strategy_grade_known"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} {self.grade}"

    @property
    def purpose(self) -> str:
        return in_own_words(self, "purpose")

    @property
    def strategy(self) -> str:
        return in_own_words(self, "strategy")
