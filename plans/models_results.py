"""What the last measurement found: promised against delivered, kept for lists over every account."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade
from accounts.models.base import CurrencyField
from plans.enums import PromiseState, PromiseType


class Measurement(models.Model):
    """The one measurement in view; the next replaces it together with its rows."""

    as_of = models.DateField(_("as of"))
    measured_at = models.DateTimeField(_("measured at"))
    facts = models.CharField(max_length=200, help_text="What it rests on; another text means it is time to measure.")
    accounts = models.PositiveIntegerField(_("accounts"), default=0)

    class Meta:
        verbose_name = _("measurement of promises")
        verbose_name_plural = _("measurements of promises")

    def __str__(self) -> str:
        return f"{self.as_of}"


class PromiseResult(models.Model):
    """One promise to one account: promised, delivered and where it stands. Written by the measurement alone."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="promise_results"
    )
    promise = models.ForeignKey("plans.Promise", on_delete=models.CASCADE, related_name="results", db_index=False)
    type = models.CharField(_("promise"), max_length=20, choices=PromiseType)
    state = models.CharField(_("state"), max_length=8, choices=PromiseState)
    promised = models.FloatField(_("promised"), help_text="Times, or cases that were due.")
    delivered = models.FloatField(_("delivered"), help_text="Times, or cases in time.")
    compliance = models.FloatField(_("compliance"), null=True, help_text="Fraction; null where nothing is due.")
    weight = models.FloatField(_("weight"))
    missing = models.PositiveIntegerField(_("missing"), default=0, help_text="Whole times, or cases late.")
    median_hours = models.FloatField(null=True)
    p90_hours = models.FloatField(null=True)
    due_on = models.DateField(_("next due on"), null=True)

    class Meta:
        verbose_name = _("promise to an account")
        verbose_name_plural = _("promises to accounts")
        ordering = ["account", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "type"], name="promiseresult_once")]
        indexes = [
            models.Index(fields=["account"], condition=models.Q(state="broken"), name="promiseresult_broken"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.type}: {self.state}"


class AccountCompliance(models.Model):
    """The sum of one account's promises. ``grade`` is the one whose policy holds, 30 days' grace after a step down."""

    account = models.OneToOneField(
        "accounts.Account", on_delete=models.CASCADE, related_name="compliance", primary_key=True
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    compliance = models.FloatField(_("compliance"), null=True)
    weight_due = models.FloatField(default=0)
    weight_kept = models.FloatField(default=0, help_text="Sum of weight times compliance.")
    due = models.PositiveIntegerField(_("promises due"), default=0)
    broken = models.PositiveIntegerField(_("broken"), default=0)
    violations = models.PositiveIntegerField(_("discounts above authority"), default=0)
    service_ratio = models.FloatField(null=True, help_text="Delivered against promised of what is counted, not capped.")
    surplus_cost = models.FloatField(default=0, help_text="Cost of what was delivered above the promise.")
    currency = CurrencyField(blank=True)

    class Meta:
        verbose_name = _("compliance of an account")
        verbose_name_plural = _("compliance of the accounts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(compliance__isnull=True) | models.Q(compliance__gte=0, compliance__lte=1),
                name="accountcompliance_share",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.compliance}"
