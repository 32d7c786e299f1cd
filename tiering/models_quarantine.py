"""Accounts that a run set apart, each with the reason: their figures cannot be computed with."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tiering.enums import QuarantineReason


class Quarantine(models.Model):
    """One account that one run did not grade anew: it keeps the grade it had, the others are published."""

    run = models.ForeignKey(
        "tiering.TierRun", verbose_name=_("run"), on_delete=models.CASCADE, related_name="set_apart"
    )
    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="quarantines"
    )
    reason = models.CharField(_("reason"), max_length=12, choices=QuarantineReason)
    figure = models.CharField(_("figure"), max_length=24, help_text=_("Code of the first figure that is at fault."))
    value = models.CharField(_("value"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("account set apart")
        verbose_name_plural = _("accounts set apart")
        ordering = ["run", "account"]
        constraints = [
            models.UniqueConstraint(fields=["run", "account"], name="quarantine_once_a_run"),
            models.CheckConstraint(condition=Q(reason__in=QuarantineReason.values), name="quarantine_reason_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.reason} {self.figure}"
