"""Sums of each account, day and product."""

import accounts.models.base
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_fiscal_calendars"),
        ("metrics", "0012_recognised_of_contracts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProductDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account",
                        "day",
                        "product_key",
                        "currency",
                        "basis",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("product_key", models.BigIntegerField(help_text="Key of the product; 0: lines without one.")),
                ("currency", accounts.models.base.CurrencyField(max_length=3)),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("signed", "Signed"),
                            ("ordered", "Ordered"),
                            ("invoiced", "Invoiced"),
                            ("recognised", "Recognised"),
                            ("cash", "Cash"),
                        ],
                        max_length=10,
                    ),
                ),
                ("net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("cost", models.DecimalField(decimal_places=4, max_digits=25)),
                ("lines", models.PositiveIntegerField()),
                ("lines_without_cost", models.PositiveIntegerField()),
                (
                    "has_positive",
                    models.BooleanField(help_text="A line is above zero: the product was bought on this day."),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "product day",
                "indexes": [django.contrib.postgres.indexes.BrinIndex(fields=["day"], name="productday_day")],
            },
        ),
    ]
