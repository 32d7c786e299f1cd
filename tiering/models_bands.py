"""What is to become of customers of low value: kept, improved or ended, by whom, and when it is looked at again."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tiering.enums import BandVerdict
from tiering.models_overrides import TEXT_LENGTH, person_key


class BandDecision(models.Model):
    """One decision about one account; the newest one counts, the earlier ones stay as its history."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="band_decisions"
    )
    verdict = models.CharField(_("decision"), max_length=7, choices=BandVerdict)
    text = models.TextField(_("why"), max_length=TEXT_LENGTH)
    review_on = models.DateField(_("looked at again on"))
    decided_by = person_key(_("decided by"), is_optional=False)
    decided_on = models.DateField(_("decided on"))
    decided_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("decision on a customer of low value")
        verbose_name_plural = _("decisions on customers of low value")
        ordering = ["-decided_at", "-pk"]
        indexes = [models.Index(fields=["account", "-id"], name="banddecision_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=BandVerdict.values), name="banddecision_known"),
            models.CheckConstraint(condition=~Q(text=""), name="banddecision_text_given"),
            models.CheckConstraint(
                condition=Q(review_on__gt=F("decided_on")),
                name="banddecision_reviewed_later",
                violation_error_message=_("Choose a day after today on which it is looked at again."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.verdict} until {self.review_on}"

    def is_due(self, today: date) -> bool:
        """Whether it is time to look at it again."""
        return self.review_on <= today
