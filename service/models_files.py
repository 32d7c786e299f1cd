"""Files that hang on interactions. The bytes lie below MEDIA_ROOT under a name of ours (service.storage)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.filetypes import NAME_LENGTH
from service.querysets import AttachmentQuerySet


class Attachment(models.Model):
    """One file of an interaction: what it was called, what it is, and under which name of ours it lies. Rows are added and
    removed; an erasure alone changes one."""

    interaction = models.ForeignKey(
        "service.Interaction", verbose_name=_("interaction"), on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(_("file name"), max_length=NAME_LENGTH)
    media_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("Bytes."))
    sha256 = models.CharField(_("checksum"), max_length=64)
    stored_as = models.CharField(_("stored as"), max_length=32, unique=True)
    added_by = models.ForeignKey(
        "accounts.User", verbose_name=_("added by"), on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField(_("added at"))

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="attachment_name_given"),
            models.CheckConstraint(condition=Q(size__gt=0), name="attachment_not_empty"),
            models.CheckConstraint(condition=Q(stored_as__regex=r"^[0-9a-f]{32}$"), name="attachment_stored_by_us"),
        ]

    def __str__(self) -> str:
        return self.name
