"""Fiscal calendars as tables of periods; one of them may be active."""

import accounts.models.people
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_fact_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="FiscalCalendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("is_active", models.BooleanField(default=False, editable=False, verbose_name="active")),
            ],
            options={
                "verbose_name": "fiscal calendar",
                "verbose_name_plural": "fiscal calendars",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)), fields=("is_active",), name="fiscalcalendar_one_active"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="fiscalcalendar_name_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FiscalPeriodRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.PositiveSmallIntegerField(verbose_name="fiscal year")),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        help_text="From 1; periods 1 to 3 are the first quarter.", verbose_name="period"
                    ),
                ),
                ("starts_on", models.DateField(verbose_name="first day")),
                ("ends_on", models.DateField(help_text="Included.", verbose_name="last day")),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="accounts.fiscalcalendar",
                        verbose_name="fiscal calendar",
                    ),
                ),
            ],
            options={
                "verbose_name": "fiscal period",
                "verbose_name_plural": "fiscal periods",
                "ordering": ["calendar", "year", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("calendar", "year", "number"), name="fiscalperiodrow_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("number__gte", 1), ("number__lte", 13), ("year__gte", 1970), ("year__lte", 9998)
                        ),
                        name="fiscalperiodrow_number_known",
                        violation_error_message="A fiscal year has at most 13 periods, and lies between 1970 and 9998.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_on__gte", models.F("starts_on"))),
                        name="fiscalperiodrow_ends_after_start",
                        violation_error_message="The last day lies before the first.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("calendar", "="),
                            (
                                accounts.models.people.DateRange(
                                    "starts_on",
                                    "ends_on",
                                    django.contrib.postgres.fields.ranges.RangeBoundary(
                                        inclusive_lower=True, inclusive_upper=True
                                    ),
                                ),
                                "&&",
                            ),
                        ],
                        name="fiscalperiodrow_no_overlap",
                        violation_error_message="Another period of this calendar holds some of these days.",
                    ),
                ],
            },
        ),
    ]
