"""Values of the columns of this app."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReportedQuestion(models.TextChoices):
    """The questions whose answer can be kept as reported."""

    GROWTH = "growth", _("Growth")
    RETENTION = "retention", _("Retention")
    BRIDGE = "bridge", _("Revenue bridge")
