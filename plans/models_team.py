"""Teams of accounts: the rule of each grade, seats that are handed over, and what a leaver's successor was given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade, TeamRole
from accounts.models.base import TimeStamped
from plans.enums import PROMISED_GRADES
from plans.enums_team import HandOverState, MovedKind, MoveRule
from plans.querysets import HandOverQuerySet, ReassignmentQuerySet

MOST_POINTS = 99
NOTE_LENGTH = 1000


def _person(label: Any, *, is_optional: bool = False, related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        on_delete=models.PROTECT,
        null=is_optional,
        blank=is_optional,
        related_name=related_name,
    )


class TeamRule(TimeStamped):
    """What the team of an account of one grade has to be like, and what the account weighs on a person (domain.md 5.4)."""

    grade = models.CharField(_("grade"), max_length=10, choices=Grade, unique=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=TeamRole), verbose_name=_("seats that must be filled"), default=list, blank=True
    )  # fmt: skip
    needs_deputy = models.BooleanField(
        _("needs deputies"), default=False, help_text=_("Each seat that must be filled needs somebody who stands in.")
    )
    points = models.PositiveSmallIntegerField(
        _("points"), validators=[MaxValueValidator(MOST_POINTS)], help_text=_("Load that the account puts on a person.")
    )

    class Meta:
        verbose_name = _("rule for teams")
        verbose_name_plural = _("rules for teams")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(grade__in=PROMISED_GRADES), name="teamrule_grade_known"),
            models.CheckConstraint(condition=Q(points__lte=MOST_POINTS), name="teamrule_points_in_range"),
            models.CheckConstraint(condition=Q(roles__contained_by=TeamRole.values), name="teamrule_roles_known"),
        ]

    def __str__(self) -> str:
        return f"{self.grade}"


class HandOver(TimeStamped):
    """A seat that goes from one person to another on a day, once both have signed."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="hand_overs"
    )
    role = models.CharField(_("role"), max_length=20, choices=TeamRole)
    giver = _person(_("hands over"), related_name="hand_overs_given")
    taker = _person(_("takes over"), related_name="hand_overs_taken")
    on = models.DateField(_("on"), help_text=_("First day of the one who takes over."))
    note = models.TextField(_("note"), max_length=NOTE_LENGTH, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=HandOverState, default=HandOverState.OPEN)
    made_by = _person(_("made by"))
    giver_signed_at = models.DateTimeField(_("signed by the giver at"), null=True, blank=True)
    taker_signed_at = models.DateTimeField(_("signed by the taker at"), null=True, blank=True)
    done_on = models.DateField(_("done on"), null=True, blank=True)
    items = models.JSONField(
        _("open items"), default=list, blank=True, help_text=_("As they stood when the second one signed.")
    )

    objects = HandOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        ordering = ["-on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=TeamRole.values), name="handover_role_known"),
            models.CheckConstraint(condition=Q(state__in=HandOverState.values), name="handover_state_known"),
            models.CheckConstraint(
                condition=~Q(giver=F("taker")),
                name="handover_between_two",
                violation_error_message=_("A seat is handed over to somebody else: choose another person."),
            ),
            models.UniqueConstraint(
                fields=["account", "role"],
                condition=Q(state__in=[HandOverState.OPEN, HandOverState.SIGNED]),
                name="handover_one_pending_a_seat",
                violation_error_message=_("A hand-over of this seat is under way: finish it or call it off first."),
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[HandOverState.SIGNED, HandOverState.DONE])
                | Q(giver_signed_at__isnull=False, taker_signed_at__isnull=False),
                name="handover_signed_by_both",
            ),
            models.CheckConstraint(
                condition=Q(state=HandOverState.DONE, done_on__isnull=False)
                | ~Q(state=HandOverState.DONE) & Q(done_on__isnull=True),
                name="handover_done_on_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["on"], name="handover_signed_due", condition=Q(state=HandOverState.SIGNED)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.on}"

    @property
    def is_pending(self) -> bool:
        return self.state in {HandOverState.OPEN, HandOverState.SIGNED}


class Reassignment(TimeStamped):
    """What one person held and others were given, in one transaction; it can be taken back."""

    leaver = _person(_("who leaves"), related_name="departures")
    rule = models.CharField(_("rule"), max_length=8, choices=MoveRule)
    successor = _person(_("successor"), is_optional=True)
    regions = models.JSONField(_("by region"), default=dict, blank=True, help_text="Region → id of the user.")
    on = models.DateField(_("on"), help_text=_("First day of the successors."))
    made_by = _person(_("made by"))
    counts = models.JSONField(_("moved"), default=dict, help_text="Rows by kind.")
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = _person(_("undone by"), is_optional=True)
    restored = models.JSONField(_("given back"), default=dict, help_text="Rows by kind; others had changed since.")

    objects = ReassignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("re-assignment")
        verbose_name_plural = _("re-assignments")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(rule__in=MoveRule.values), name="reassignment_rule_known"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(undone_by__isnull=False), name="reassignment_undone_by_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leaver_id} {self.on}"


class MovedRow(models.Model):
    """One row of a re-assignment: whose it was, whose it became, and what is needed to take it back."""

    reassignment = models.ForeignKey(Reassignment, on_delete=models.CASCADE, related_name="rows", db_index=False)
    kind = models.CharField(max_length=12, choices=MovedKind)
    row = models.BigIntegerField(help_text="Key of the row that changed.")
    successor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    made = models.BigIntegerField(null=True, help_text="Key of the row that was added for the successor.")
    valid_to = models.DateField(null=True, help_text="Of a seat or sponsorship: its end before.")

    class Meta:
        verbose_name = _("row of a re-assignment")
        verbose_name_plural = _("rows of re-assignments")
        constraints = [
            models.UniqueConstraint(fields=["reassignment", "kind", "row"], name="movedrow_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"
