"""What each level of a rating means, in words that everybody rates by."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.enums import RatingIndicator
from accounts.models.base import TimeStamped

TEXT_LENGTH = 300


class RatingAnchor(TimeStamped):
    """The written anchor of one level of one indicator, in the three languages of the product (domain.md 3.4)."""

    indicator = models.CharField(_("indicator"), max_length=2, choices=RatingIndicator)
    level = models.PositiveSmallIntegerField(_("level"), validators=[MinValueValidator(1), MaxValueValidator(5)])
    text_en = models.CharField(_("text in English"), max_length=TEXT_LENGTH)
    text_zh_hans = models.CharField(_("text in simplified Chinese"), max_length=TEXT_LENGTH, blank=True)
    text_zh_hant = models.CharField(_("text in traditional Chinese"), max_length=TEXT_LENGTH, blank=True)

    class Meta:
        verbose_name = _("anchor of a rating")
        verbose_name_plural = _("anchors of ratings")
        ordering = ["indicator", "level"]
        constraints = [
            models.UniqueConstraint(fields=["indicator", "level"], name="anchor_level_once"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="anchor_from_1_to_5"),
            models.CheckConstraint(condition=Q(indicator__in=RatingIndicator.values), name="anchor_indicator_known"),
        ]

    @property
    def text(self) -> str:
        """In the language in use; English where a translation is empty."""
        said = {"zh-hans": self.text_zh_hans, "zh-hant": self.text_zh_hant}.get(get_language() or "", "")
        return said or self.text_en

    def __str__(self) -> str:
        return f"{self.indicator} {self.level}: {self.text}"
