"""Dated work for one account: the plan of a year, and the plan that gets a problem account out of trouble."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import TeamRole
from accounts.enums_relations import Layer
from accounts.models.base import TimeStamped
from plans.enums import Outcome
from plans.enums_team import TaskOrigin, TaskOutcome, TeamGap
from plans.querysets import TaskQuerySet

TEXT_LENGTH = 1000


def _person(label: Any, *, related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name=related_name,
    )


class DatedAction(models.Model):
    """A step somebody does by a day."""

    text = models.CharField(_("what"), max_length=300)
    owner = _person(_("owner"))
    due_on = models.DateField(_("due on"))
    done_on = models.DateField(_("done on"), null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["due_on", "pk"]

    def __str__(self) -> str:
        return self.text


class RemediationPlan(TimeStamped):
    """How an account gets out of the problem state: who, by when, and what must hold then. One is open at a time."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="remediation_plans"
    )
    owner = _person(_("owner"))
    opened_on = models.DateField(_("opened on"))
    due_on = models.DateField(_("due on"))
    exit_test = models.TextField(
        _("exit test"), max_length=TEXT_LENGTH, blank=True, help_text=_("What must hold for the plan to end well.")
    )
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    closing_text = models.CharField(_("what came of it"), max_length=300, blank=True)
    closed_by = _person(_("closed by"))

    class Meta:
        verbose_name = _("remediation plan")
        verbose_name_plural = _("remediation plans")
        ordering = ["-opened_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(closed_on__isnull=True),
                name="remediationplan_one_open",
                violation_error_message=_("A remediation plan is open already."),
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("opened_on")),
                name="remediationplan_due_after_opened",
                violation_error_message=_("It cannot be due before it is opened."),
            ),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True, outcome="")
                | Q(closed_on__isnull=False, outcome__in=Outcome.values),
                name="remediationplan_closed_with_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.opened_on}..{self.closed_on or ''}"

    @property
    def is_open(self) -> bool:
        return self.closed_on is None


class RemediationAction(DatedAction):
    plan = models.ForeignKey(RemediationPlan, on_delete=models.CASCADE, related_name="actions")

    class Meta(DatedAction.Meta):
        verbose_name = _("remediation step")
        verbose_name_plural = _("remediation steps")


class AccountPlan(TimeStamped):
    """What we want with an account in one time, how much we put in, and who approved it."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="plans"
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), help_text=_("First day it no longer covers; 12 months at most."))
    owner = _person(_("owner"))
    goal = models.TextField(_("goal"), max_length=TEXT_LENGTH)
    priority_rank = models.PositiveSmallIntegerField(
        _("priority rank"), validators=[MinValueValidator(1)], help_text=_("1 comes first.")
    )
    planned_hours = models.DecimalField(
        _("planned hours"), max_digits=8, decimal_places=1, validators=[MinValueValidator(0)]
    )
    made_by = _person(_("made by"))
    approved_by = _person(_("approved by"))
    approved_on = models.DateField(_("approved on"), null=True, blank=True)

    class Meta:
        verbose_name = _("account plan")
        verbose_name_plural = _("account plans")
        ordering = ["-valid_from", "-pk"]
        permissions = [("approve_accountplan", _("Can approve an account plan"))]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "valid_from"],
                name="accountplan_once_a_start",
                violation_error_message=_("There is a plan that starts on this day."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to__gt=F("valid_from")),
                name="accountplan_not_empty",
                violation_error_message=_("A plan must end after it begins."),
            ),
            models.CheckConstraint(
                condition=Q(made_by__isnull=True) | Q(approved_by__isnull=True) | ~Q(made_by=F("approved_by")),
                name="accountplan_approved_by_another",
                violation_error_message=_("Another person than the one who made it must approve it."),
            ),
            models.CheckConstraint(
                condition=Q(priority_rank__gte=1, planned_hours__gte=0), name="accountplan_rank_and_hours"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.valid_from}..{self.valid_to}"

    @property
    def is_approved(self) -> bool:
        return self.approved_on is not None


class PlanAction(DatedAction):
    plan = models.ForeignKey(AccountPlan, on_delete=models.CASCADE, related_name="actions")

    class Meta(DatedAction.Meta):
        verbose_name = _("plan step")
        verbose_name_plural = _("plan steps")


class Task(DatedAction, TimeStamped):
    """A step that belongs to no plan: somebody wrote it down, or a gap of a team asks for it.

    Of a gap the words follow from ``gap`` and ``role``, in the reader's language; one is open per account and gap, and it
    closes by itself once the gap is closed. An overload is about a person (``about``) and no account in particular.
    """

    text = models.CharField(_("what"), max_length=300, blank=True)
    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )  # fmt: skip
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("about"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )  # fmt: skip
    origin = models.CharField(_("origin"), max_length=8, choices=TaskOrigin, default=TaskOrigin.MANUAL)
    gap = models.CharField(_("gap"), max_length=10, choices=TeamGap, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=TeamRole, blank=True)
    outcome = models.CharField(_("outcome"), max_length=8, choices=TaskOutcome, blank=True)
    made_by = _person(_("made by"))
    done_by = _person(_("done by"))

    objects = TaskQuerySet.as_manager()

    class Meta(DatedAction.Meta):
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.CheckConstraint(
                condition=Q(origin=TaskOrigin.GAP, gap__in=TeamGap.values)
                | Q(origin=TaskOrigin.MANUAL, gap="", role=""),
                name="task_of_a_gap_or_written",
            ),
            models.CheckConstraint(condition=Q(origin=TaskOrigin.GAP) | ~Q(text=""), name="task_says_what"),
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(about__isnull=False) | Q(origin=TaskOrigin.MANUAL),
                name="task_about_something",
            ),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, outcome="")
                | Q(done_on__isnull=False, outcome__in=TaskOutcome.values),
                name="task_ended_with_outcome",
            ),
            models.UniqueConstraint(
                fields=["account", "gap", "role"],
                condition=Q(origin=TaskOrigin.GAP, done_on__isnull=True, account__isnull=False),
                name="task_one_open_a_gap",
            ),
            models.UniqueConstraint(
                fields=["about", "gap"],
                condition=Q(origin=TaskOrigin.GAP, done_on__isnull=True, account__isnull=True),
                name="task_one_open_a_person",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "due_on"], name="task_open_of", condition=Q(done_on__isnull=True)),
        ]

    @property
    def is_open(self) -> bool:
        return self.done_on is None


class RelationshipPlan(TimeStamped):
    """What we want of the relationships with an account, who sees to it, and when it is looked at again; one an account."""

    account = models.OneToOneField(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="relationship_plan"
    )
    goal = models.TextField(_("goal"), max_length=TEXT_LENGTH)
    owner = _person(_("owner"))
    review_on = models.DateField(_("review on"), help_text=_("By this day the plan is gone through again."))

    class Meta:
        verbose_name = _("relationship plan")
        verbose_name_plural = _("relationship plans")
        ordering = ["review_on", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(goal=""), name="relationshipplan_goal_given")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.review_on}"


class RelationshipAction(DatedAction):
    """A step for one layer, perhaps with one person there."""

    plan = models.ForeignKey(RelationshipPlan, on_delete=models.CASCADE, related_name="actions")
    layer = models.CharField(_("layer"), max_length=14, choices=Layer)
    contact = models.ForeignKey(
        "accounts.Contact", verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL,
        related_name="relationship_actions",
    )  # fmt: skip

    class Meta(DatedAction.Meta):
        verbose_name = _("relationship step")
        verbose_name_plural = _("relationship steps")
        constraints = [
            models.CheckConstraint(condition=Q(layer__in=Layer.values), name="relationshipaction_layer_known"),
            models.CheckConstraint(condition=~Q(text=""), name="relationshipaction_text_given"),
        ]
