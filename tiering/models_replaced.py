from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade


class ReplacedPeriod(models.Model):
    """What a grade period said before a night that was done again corrected it (domain.md 3.8: corrections add, never edit).

    Written by a trigger on the history whenever a row is deleted or a closed one changes, so nothing that was ever shown
    is lost; nobody changes it. A period that merely ends is no correction. No foreign keys: it outlives what it tells of.
    """

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.DO_NOTHING, related_name="replaced_periods",
        db_constraint=False,
    )  # fmt: skip
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    underlying = models.CharField(_("underlying grade"), max_length=10, choices=Grade, blank=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)
    run = models.ForeignKey(
        "tiering.TierRun", verbose_name=_("run"), on_delete=models.DO_NOTHING, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    recorded_at = models.DateTimeField(_("recorded at"))
    replaced_at = models.DateTimeField(_("replaced at"), db_default=Now())

    class Meta:
        verbose_name = _("replaced grade period")
        verbose_name_plural = _("replaced grade periods")
        ordering = ["-replaced_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.grade} {self.valid_from}.., replaced"
