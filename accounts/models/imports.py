from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.enums import BatchState
from accounts.models.base import CurrencyField
from accounts.querysets import ImportBatchQuerySet


class ImportBatch(models.Model):
    """One file or one request that brought revenue records, with the count of every row it read."""

    state = models.CharField(_("state"), max_length=10, choices=BatchState, default=BatchState.DRAFT)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    upload = models.FileField(_("uploaded file"), upload_to="imports/%Y/%m/", blank=True, max_length=300)
    source = models.CharField(_("source"), max_length=60, blank=True)
    profile = models.CharField(_("profile"), max_length=60, blank=True)
    mapping = models.JSONField(_("mapping"), default=dict, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)
    currency = CurrencyField(_("default currency"), blank=True)
    read = models.BigIntegerField(_("rows read"), default=0)
    posted = models.BigIntegerField(_("posted"), default=0)
    already_there = models.BigIntegerField(_("already there"), default=0)
    rejected = models.BigIntegerField(_("rejected"), default=0)
    reasons = models.JSONField(_("reasons"), default=dict, blank=True)
    error_file = models.FileField(_("error file"), upload_to="imports/%Y/%m/", blank=True, max_length=300)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    first_booked_on = models.DateField(_("first booked day"), null=True, blank=True)
    last_booked_on = models.DateField(_("last booked day"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("loaded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="import_batches",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    queued_at = models.DateTimeField(_("queued at"), null=True, blank=True)
    posted_at = models.DateTimeField(_("posted at"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("withdrawn by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    withdrawn_reason = models.TextField(_("reason of the withdrawal"), blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("import batch")
        verbose_name_plural = _("import batches")
        ordering = ["-pk"]
        permissions = [("import_revenue", _("Can import revenue")), ("withdraw_batch", _("Can withdraw a batch"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=BatchState.values), name="batch_state_known"),
            models.CheckConstraint(
                condition=~Q(state=BatchState.POSTED) | Q(read=F("posted") + F("already_there") + F("rejected")),
                name="batch_conserves_rows",
            ),
            models.CheckConstraint(
                condition=~Q(state=BatchState.WITHDRAWN) | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="batch_withdrawn_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.file_name or self.source}"

    def get_absolute_url(self) -> str:
        return reverse("imports:detail", args=[self.pk])


class ResentRow(models.Model):
    """A rejected row that came back corrected: (first batch, its row) → the batch that posted it."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="resent_rows")
    row_number = models.PositiveIntegerField()
    posted_batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "row_number"], name="resentrow_once"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.row_number}"


class SavedMapping(models.Model):
    """A mapping of columns to fields under a name, as `--mapping` takes it."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    definition = models.JSONField(_("definition"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("made by"), null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved mapping")
        verbose_name_plural = _("saved mappings")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
