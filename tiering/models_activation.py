"""How a version of a scoring model comes into force, and that somebody looks at it again (domain.md 3.9)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from tiering.enums import OPEN_ACTIVATIONS, ActivationState
from tiering.models_overrides import TEXT_LENGTH, person_key

CLOSING_LENGTH = 300


class Activation(models.Model):
    """One way of a version into force: proposed by one person, approved by another, taken up by the night of its day.

    From ``effective_on`` until before ``ended_on`` it is the version that grades; days are as-of days. Nobody approves the
    own proposal. Without a proposer the operator or the first night activated it.
    """

    model = models.ForeignKey(
        "tiering.ScoringModel", verbose_name=_("scoring model"), on_delete=models.CASCADE, related_name="activations"
    )
    state = models.CharField(_("state"), max_length=9, choices=ActivationState, default=ActivationState.PROPOSED)
    effective_on = models.DateField(_("in force from"), help_text=_("The first as-of day it grades."))
    ended_on = models.DateField(_("until before"), null=True, blank=True)
    text = models.TextField(_("why"), max_length=TEXT_LENGTH, blank=True)
    proposed_by = person_key(_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed at"), auto_now_add=True)
    decided_by = person_key(_("decided by"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    closing_text = models.CharField(_("reason of refusal"), max_length=CLOSING_LENGTH, blank=True)

    class Meta:
        verbose_name = _("activation")
        verbose_name_plural = _("activations")
        ordering = ["-effective_on", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="activation_one_in_force",
                expressions=[
                    (
                        Func(
                            "effective_on", "ended_on", RangeBoundary(),
                            function="daterange", output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state=ActivationState.IN_FORCE),
                violation_error_message=_("Two versions cannot be in force on one day."),
            ),
            models.UniqueConstraint(
                fields=["model"], condition=Q(state__in=sorted(OPEN_ACTIVATIONS)), name="activation_one_open_a_model"
            ),
            models.UniqueConstraint(
                fields=["effective_on"], condition=Q(state=ActivationState.APPROVED), name="activation_one_approved_a_day",
                violation_error_message=_("Another version is approved for that day."),
            ),
            models.CheckConstraint(condition=Q(state__in=ActivationState.values), name="activation_state_known"),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True)
                | Q(state=ActivationState.IN_FORCE, ended_on__gte=F("effective_on")),
                name="activation_ends_after_it_began",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ActivationState.APPROVED, ActivationState.IN_FORCE])
                | Q(proposed_by__isnull=True)
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="activation_approved_by_another",
                violation_error_message=_("Somebody else has to approve the version."),
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ActivationState.REFUSED, ActivationState.WITHDRAWN]) | ~Q(closing_text=""),
                name="activation_refused_with_reason",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.model_id} {self.state} {self.effective_on}..{self.ended_on or ''}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ACTIVATIONS


class ModelReview(models.Model):
    """Somebody has looked at the version in force and says that it stays; ``next_on`` is the day to look again."""

    model = models.ForeignKey(
        "tiering.ScoringModel", verbose_name=_("scoring model"), on_delete=models.CASCADE, related_name="reviews"
    )
    text = models.TextField(_("what was found"), max_length=TEXT_LENGTH)
    was_due_on = models.DateField(_("was due on"), null=True, blank=True)
    next_on = models.DateField(_("next review on"))
    reviewed_by = person_key(_("reviewed by"), is_optional=False)
    reviewed_at = models.DateTimeField(_("reviewed at"), auto_now_add=True)

    class Meta:
        verbose_name = _("review of a scoring model")
        verbose_name_plural = _("reviews of scoring models")
        ordering = ["-reviewed_at", "-pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="modelreview_text_given")]

    def __str__(self) -> str:
        return f"{self.model_id}, next on {self.next_on}"
