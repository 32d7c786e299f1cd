"""Pairs of accounts that look like one company and are none, as somebody said."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class DuplicateDismissal(models.Model):
    """Two accounts that are two companies, whatever their names; the smaller key first. Written by accounts.duplicates."""

    first = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("pair that is no duplicate")
        verbose_name_plural = _("pairs that are no duplicates")
        constraints = [
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicatedismissal_ordered"),
            models.UniqueConstraint(fields=["first", "second"], name="duplicatedismissal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"
