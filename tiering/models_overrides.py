"""Grades set by hand, and what managers say of proposed problems (domain.md 3.7, 3.8)."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade
from tiering.enums import OverrideReason, OverrideState, ProblemVerdict

TEXT_LENGTH = 1000
LONGEST = timedelta(days=366)  # twelve months, whatever year they fall into; the service counts months


def person_key(label: object, *, is_optional: bool = True) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        on_delete=models.PROTECT,
        related_name="+",
        null=is_optional,
        blank=is_optional,
    )


class Override(models.Model):
    """A grade that a person asks for and others approve, from one day to another, half-open.

    The computed grade goes on being recorded. Nobody approves the own request; Diamond needs two approvers.
    """

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="overrides"
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    state = models.CharField(_("state"), max_length=9, choices=OverrideState, default=OverrideState.REQUESTED)
    reason = models.CharField(_("reason"), max_length=12, choices=OverrideReason)
    text = models.TextField(_("why"), max_length=TEXT_LENGTH)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), help_text=_("First day it no longer holds; 12 months at most."))
    requested_by = person_key(_("requested by"), is_optional=False)
    requested_at = models.DateTimeField(_("requested at"), auto_now_add=True)
    approved_by = person_key(_("approved by"))
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    seconded_by = person_key(_("second approver"))
    seconded_at = models.DateTimeField(_("second approval at"), null=True, blank=True)
    closed_by = person_key(_("refused or ended by"))
    closed_at = models.DateTimeField(_("refused or ended at"), null=True, blank=True)
    closing_text = models.CharField(_("reason of refusal or end"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        ordering = ["-requested_at", "-pk"]
        permissions = [("approve_override", _("Can approve a grade set by hand"))]
        constraints = [
            ExclusionConstraint(
                name="override_no_overlap",
                expressions=[
                    (F("account"), RangeOperators.EQUAL),
                    (
                        Func(
                            "valid_from", "valid_to", RangeBoundary(),
                            function="daterange", output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state=OverrideState.APPROVED, valid_to__gt=F("valid_from")),
                violation_error_message=_("Another override holds in that time. End it first."),
            ),
            models.UniqueConstraint(
                fields=["account"], condition=Q(state=OverrideState.REQUESTED), name="override_one_request"
            ),
            models.CheckConstraint(condition=Q(state__in=OverrideState.values), name="override_state_known"),
            models.CheckConstraint(
                condition=Q(grade__in=Grade.values) & ~Q(grade=Grade.NOT_GRADED), name="override_grade_known"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="override_text_given"),
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from"), valid_to__lte=F("valid_from") + LONGEST),
                name="override_a_year_at_most",
            ),
            models.CheckConstraint(
                condition=(Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")))
                & (Q(seconded_by__isnull=True) | ~Q(seconded_by=F("requested_by")) & ~Q(seconded_by=F("approved_by"))),
                name="override_approved_by_others",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[OverrideState.APPROVED, OverrideState.ENDED])
                | Q(approved_by__isnull=False) & (~Q(grade=Grade.DIAMOND) | Q(seconded_by__isnull=False)),
                name="override_approved_by_enough",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.account_id} {self.grade} {self.valid_from}..{self.valid_to} {self.state}"

    @property
    def approvals_missing(self) -> int:
        """Approvers it still waits for; 0 unless it is requested."""
        if self.state != OverrideState.REQUESTED:
            return 0
        return (2 if self.grade == Grade.DIAMOND else 1) - (self.approved_by_id is not None)


class ProblemDecision(models.Model):
    """A manager's word on a proposed problem of a Diamond or Gold account; about one run of warning points."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="problem_decisions"
    )
    since = models.DateField(_("warning signs since"), help_text=_("First day of the run the decision is about."))
    verdict = models.CharField(_("decision"), max_length=7, choices=ProblemVerdict)
    text = models.TextField(_("why"), max_length=TEXT_LENGTH)
    decided_by = person_key(_("decided by"), is_optional=False)
    decided_at = models.DateTimeField(_("decided at"), auto_now_add=True)

    class Meta:
        verbose_name = _("decision on a problem")
        verbose_name_plural = _("decisions on problems")
        ordering = ["-decided_at", "-pk"]
        permissions = [("decide_problem", _("Can confirm or refuse a proposed problem"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "since"], name="problemdecision_once_a_run"),
            models.CheckConstraint(condition=Q(verdict__in=ProblemVerdict.values), name="problemdecision_known"),
            models.CheckConstraint(condition=~Q(text=""), name="problemdecision_text_given"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.verdict} since {self.since}"
