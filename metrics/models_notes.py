"""Growth notes: why somebody thinks revenue grew or fell between two periods, and what is to be done about it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.periods import Period
from metrics.enums import GrowthFactor, GrowthStrategy
from metrics.querysets import GrowthNoteQuerySet

NOTE_LENGTH = 1000


class GrowthNote(models.Model):
    """One reason for what changed from base to comparison, at one account or, without one, in the whole portfolio.

    strategy : empty where nothing is proposed
    """

    account = models.ForeignKey(
        "accounts.Account",
        verbose_name=_("account"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: about all accounts together."),
    )
    base_start_on = models.DateField(_("base from"))
    base_last_on = models.DateField(_("base to"), help_text=_("Included."))
    base_label = models.CharField(_("base"), max_length=60)
    comparison_start_on = models.DateField(_("comparison from"))
    comparison_last_on = models.DateField(_("comparison to"), help_text=_("Included."))
    comparison_label = models.CharField(_("comparison"), max_length=60)
    factor = models.CharField(_("factor"), max_length=20, choices=GrowthFactor)
    strategy = models.CharField(_("strategy"), max_length=20, choices=GrowthStrategy, blank=True)
    text = models.TextField(_("note"), max_length=NOTE_LENGTH)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("withdrawn by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = GrowthNoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("growth note")
        verbose_name_plural = _("growth notes")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(factor__in=GrowthFactor.values), name="growthnote_factor_known"),
            models.CheckConstraint(
                condition=Q(strategy__in=["", *GrowthStrategy.values]), name="growthnote_strategy_known"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="growthnote_text_given"),
            models.CheckConstraint(
                condition=Q(base_start_on__lte=F("base_last_on"))
                & Q(base_last_on__lt=F("comparison_start_on"))
                & Q(comparison_start_on__lte=F("comparison_last_on")),
                name="growthnote_base_before_comparison",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="growthnote_withdrawn_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["comparison_start_on", "comparison_last_on"], name="growthnote_comparison")]

    def __str__(self) -> str:
        return f"{self.get_factor_display()}: {self.text[:60]}"

    @property
    def base(self) -> Period:
        return Period(self.base_start_on, self.base_last_on + timedelta(days=1), self.base_label)

    @property
    def comparison(self) -> Period:
        return Period(self.comparison_start_on, self.comparison_last_on + timedelta(days=1), self.comparison_label)
