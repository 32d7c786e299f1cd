"""Values of the columns of this app."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReportedQuestion(models.TextChoices):
    """The questions whose answer can be kept as reported."""

    GROWTH = "growth", _("Growth")
    RETENTION = "retention", _("Retention")
    BRIDGE = "bridge", _("Revenue bridge")


class GrowthFactor(models.TextChoices):
    """What growth or decline is put down to: the five factors of [S002]."""

    QUALITY = "quality", _("Product and service quality")
    RELATIONSHIP = "relationship", _("Relationship management")
    MARKET = "market", _("Market trend")
    COMPETITION = "competition", _("Competition")
    INNOVATION = "innovation", _("Innovation")


class GrowthStrategy(models.TextChoices):
    """What is done about it: the four strategies of [S002]."""

    RELATIONSHIPS = "relationships", _("Deepen relationships")
    PRODUCT_INNOVATION = "product_innovation", _("Product innovation")
    SEGMENTATION = "segmentation", _("Market segmentation")
    DATA_ANALYSIS = "data_analysis", _("Data analysis")
