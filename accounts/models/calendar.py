from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.base import TimeStamped
from accounts.models.people import DateRange
from crm.lib.fiscal import MOST_PERIODS
from crm.lib.periods import FIRST_YEAR, LAST_YEAR, fiscal_label


class FiscalCalendar(TimeStamped):
    """Fiscal years as a table of periods. The active one reads FY2011, FY2011-Q2 and FY2011-P03; where none is active,
    fiscal years begin with FISCAL_YEAR_START_MONTH. Grades keep to that month whatever is active here."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    is_active = models.BooleanField(_("active"), default=False, editable=False)

    class Meta:
        verbose_name = _("fiscal calendar")
        verbose_name_plural = _("fiscal calendars")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="fiscalcalendar_one_active"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="fiscalcalendar_name_given"),
        ]

    def __str__(self) -> str:
        return self.name


class FiscalPeriodRow(models.Model):
    """One period of a fiscal year, from its first to its last day."""

    calendar = models.ForeignKey(
        FiscalCalendar, verbose_name=_("fiscal calendar"), on_delete=models.CASCADE, related_name="rows"
    )
    year = models.PositiveSmallIntegerField(_("fiscal year"))
    number = models.PositiveSmallIntegerField(_("period"), help_text=_("From 1; periods 1 to 3 are the first quarter."))
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), help_text=_("Included."))

    class Meta:
        verbose_name = _("fiscal period")
        verbose_name_plural = _("fiscal periods")
        ordering = ["calendar", "year", "number"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "year", "number"], name="fiscalperiodrow_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=MOST_PERIODS) & Q(year__gte=FIRST_YEAR, year__lte=LAST_YEAR),
                name="fiscalperiodrow_number_known",
                violation_error_message=_("A fiscal year has at most 13 periods, and lies between 1970 and 9998."),
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="fiscalperiodrow_ends_after_start",
                violation_error_message=_("The last day lies before the first."),
            ),
            ExclusionConstraint(
                name="fiscalperiodrow_no_overlap",
                expressions=[
                    ("calendar", RangeOperators.EQUAL),
                    (
                        DateRange("starts_on", "ends_on", RangeBoundary(inclusive_lower=True, inclusive_upper=True)),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("Another period of this calendar holds some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return fiscal_label(self.year, months=1, number=self.number)
