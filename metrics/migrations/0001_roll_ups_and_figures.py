import accounts.models.base
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_append_only_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="LifetimeFit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField()),
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
                ("currency", accounts.models.base.CurrencyField(max_length=3)),
                ("method", models.CharField(max_length=40)),
                ("parameters", models.JSONField(default=dict)),
                ("log_likelihood", models.FloatField(null=True)),
                ("accounts", models.PositiveIntegerField()),
                ("reason", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-as_of", "-pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("as_of", "basis", "currency", "method"), name="lifetimefit_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountDay",
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
                ("net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("credits", models.DecimalField(decimal_places=4, max_digits=25)),
                ("cost", models.DecimalField(decimal_places=4, max_digits=25)),
                ("lines_without_cost", models.PositiveIntegerField()),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=25)),
                ("lines", models.PositiveIntegerField()),
                ("orders", models.PositiveIntegerField()),
                ("day", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "account day",
                "indexes": [models.Index(fields=["day"], name="accountday_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day", "currency", "basis"), name="accountday_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField()),
                ("currency", accounts.models.base.CurrencyField(max_length=3)),
                ("ttm_revenue", models.DecimalField(decimal_places=4, max_digits=25, null=True)),
                ("prior_ttm_revenue", models.DecimalField(decimal_places=4, max_digits=25, null=True)),
                (
                    "growth_rate",
                    models.FloatField(help_text="Fraction; empty where the prior TTM is not above 0.", null=True),
                ),
                ("ttm_gross_profit", models.DecimalField(decimal_places=4, max_digits=25, null=True)),
                ("margin", models.FloatField(null=True)),
                ("last_order_on", models.DateField(null=True)),
                ("orders_ttm", models.PositiveIntegerField(default=0)),
                ("clv", models.FloatField(null=True)),
                ("expected_revenue", models.FloatField(null=True)),
                ("p_alive", models.FloatField(null=True)),
                (
                    "spark",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(),
                        default=list,
                        help_text="Net revenue of the last 12 whole months.",
                        size=None,
                    ),
                ),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="figures", to="accounts.account"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("ttm_revenue"), descending=True, nulls_last=True),
                        models.F("account"),
                        name="figures_ttm",
                    ),
                    models.Index(
                        models.OrderBy(models.F("growth_rate"), descending=True, nulls_last=True),
                        models.F("account"),
                        name="figures_growth",
                    ),
                    models.Index(
                        models.OrderBy(models.F("clv"), descending=True, nulls_last=True),
                        models.F("account"),
                        name="figures_clv",
                    ),
                    models.Index(
                        models.OrderBy(models.F("last_order_on"), descending=True, nulls_last=True),
                        models.F("account"),
                        name="figures_last_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountMonth",
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
                ("net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("credits", models.DecimalField(decimal_places=4, max_digits=25)),
                ("cost", models.DecimalField(decimal_places=4, max_digits=25)),
                ("lines_without_cost", models.PositiveIntegerField()),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=25)),
                ("lines", models.PositiveIntegerField()),
                ("orders", models.PositiveIntegerField()),
                ("month", models.DateField(help_text="First day of the month.")),
                ("active_days", models.PositiveSmallIntegerField(help_text="Days with at least one order.")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "account month",
                "indexes": [models.Index(fields=["month"], name="accountmonth_month")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "month", "currency", "basis"), name="accountmonth_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountSpan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("first_order_on", models.DateField(null=True)),
                ("last_order_on", models.DateField(null=True)),
                ("first_revenue_on", models.DateField(help_text="First line with a positive amount, ever.", null=True)),
                ("last_booked_on", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "basis"), name="accountspan_once")],
            },
        ),
    ]
