"""When we work: the hours from a day on, and single days that are off or worked against the rule."""

from __future__ import annotations

import zoneinfo
from datetime import time
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as text
from django.utils.translation import gettext_lazy as _

from accounts.models.base import TimeStamped

WEEKDAYS = range(1, 8)  # Monday is 1, as in ISO 8601


def monday_to_friday() -> list[int]:
    return [1, 2, 3, 4, 5]


class BusinessHours(TimeStamped):
    """The hours that promises in business hours run by, from one day until the next row begins."""

    valid_from = models.DateField(_("from"), unique=True)
    opens_at = models.TimeField(_("work begins"), default=time(9))
    closes_at = models.TimeField(_("work ends"), default=time(18))
    working_days = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("working days"),
        default=monday_to_friday,
        help_text=_("1 is Monday, 7 is Sunday."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("As in Asia/Shanghai; empty: that of the installation."),
    )

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        ordering = ["-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")),
                name="businesshours_end_after_begin",
                violation_error_message=_("Work must end after it begins, on the same day."),
            ),
            models.CheckConstraint(
                condition=Q(working_days__len__gte=1, working_days__len__lte=7)
                & Q(working_days__contained_by=list(WEEKDAYS)),
                name="businesshours_days_known",
                violation_error_message=_("Choose one day of the week or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.opens_at:%H:%M}–{self.closes_at:%H:%M} {self.valid_from}"

    def clean(self) -> None:
        """raises ValidationError : a time zone that nobody knows, or a day of the week named twice."""
        super().clean()
        wrong: dict[str, Any] = {}
        if self.time_zone and self.time_zone not in zoneinfo.available_timezones():
            wrong["time_zone"] = text("There is no such time zone. Write it as in Asia/Shanghai.")
        if len(set(self.working_days or [])) < len(self.working_days or []):
            wrong["working_days"] = text("A day of the week is named twice.")
        if wrong:
            raise ValidationError(wrong)


class BusinessDay(TimeStamped):
    """One day that is off, or worked, whatever day of the week it is: public holidays and the days that make up for them."""

    day = models.DateField(_("day"), unique=True)
    is_working = models.BooleanField(_("worked"), default=False)
    name = models.CharField(_("name"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("day off or make-up day")
        verbose_name_plural = _("days off and make-up days")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()
