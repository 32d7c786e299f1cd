"""Suggestions that somebody has turned down for an account."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

REASON_LENGTH = 300


class SuggestionRejection(models.Model):
    """A product that is not suggested to an account any more, and why; until it is withdrawn."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="suggestion_rejections"
    )
    product = models.ForeignKey(
        "accounts.Product", verbose_name=_("product"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("rejected by"), on_delete=models.PROTECT, related_name="+"
    )
    rejected_at = models.DateTimeField(_("rejected at"), auto_now_add=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("withdrawn by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, help_text=_("Empty: the rejection holds."))

    class Meta:
        verbose_name = _("suggestion rejection")
        verbose_name_plural = _("suggestion rejections")
        ordering = ["-rejected_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "product"], condition=Q(withdrawn_at__isnull=True), name="rejection_holds_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="rejection_reason_given"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="rejection_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.product_id}: {self.reason}"
