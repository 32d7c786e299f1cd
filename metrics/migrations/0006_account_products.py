"""What each account bought of each product, summed up by the night."""

import accounts.models.base
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_fiscal_calendars"),
        ("metrics", "0005_reported_figures_stay"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountProduct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("ttm_net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("ttm_cost", models.DecimalField(decimal_places=4, max_digits=25)),
                ("ttm_lines", models.PositiveIntegerField()),
                ("ttm_lines_without_cost", models.PositiveIntegerField()),
                ("prior_net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("prior_lines", models.PositiveIntegerField()),
                ("first_bought_on", models.DateField(null=True)),
                ("last_bought_on", models.DateField(null=True)),
                ("as_of", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "account product",
                "indexes": [models.Index(fields=["product"], name="accountproduct_product")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "product", "currency", "basis"), name="accountproduct_once"
                    )
                ],
            },
        ),
    ]
