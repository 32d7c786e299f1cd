"""Figures as they were reported, each with the accounts it rests on."""

import accounts.models.base
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_fact_changes"),
        ("metrics", "0003_lifetime_intervals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportedFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "question",
                    models.CharField(
                        choices=[("growth", "Growth"), ("retention", "Retention"), ("bridge", "Revenue bridge")],
                        max_length=10,
                        verbose_name="question",
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("note", models.TextField(blank=True, max_length=2000, verbose_name="note")),
                ("base_start_on", models.DateField(verbose_name="base from")),
                ("base_last_on", models.DateField(help_text="Included.", verbose_name="base to")),
                ("base_label", models.CharField(max_length=60, verbose_name="base")),
                ("comparison_start_on", models.DateField(verbose_name="comparison from")),
                ("comparison_last_on", models.DateField(help_text="Included.", verbose_name="comparison to")),
                ("comparison_label", models.CharField(max_length=60, verbose_name="comparison")),
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
                        verbose_name="basis",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        help_text="Legal entities, or groups as they were then.", max_length=10, verbose_name="level"
                    ),
                ),
                ("currency", accounts.models.base.CurrencyField(max_length=3, verbose_name="currency")),
                ("as_of", models.DateField(verbose_name="as of")),
                ("version", models.CharField(max_length=20, verbose_name="formula version")),
                ("filters", models.JSONField(blank=True, default=dict, verbose_name="account filters")),
                ("filter_words", models.JSONField(blank=True, default=list, verbose_name="account filters in words")),
                ("figures", models.JSONField(verbose_name="figures")),
                ("reasons", models.JSONField(blank=True, default=dict, verbose_name="reasons")),
                (
                    "accounts",
                    models.PositiveIntegerField(
                        help_text="Legal entities or groups behind the figures.", verbose_name="accounts"
                    ),
                ),
                ("cohort_rows", models.PositiveIntegerField(verbose_name="legal entities")),
                ("ledger_state", models.JSONField(verbose_name="state of the ledger")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                ("withdrawn_reason", models.TextField(blank=True, verbose_name="reason of the withdrawal")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reported_figures",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "reported figure",
                "verbose_name_plural": "reported figures",
                "ordering": ["-pk"],
                "permissions": [("withdraw_reportedfigure", "Can withdraw what others reported")],
            },
        ),
        migrations.CreateModel(
            name="ReportedAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=64, verbose_name="code")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("base_amount", models.DecimalField(decimal_places=4, max_digits=25, verbose_name="base")),
                ("comparison_amount", models.DecimalField(decimal_places=4, max_digits=25, verbose_name="comparison")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "root",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="The top of its group then; the account itself where it had none.",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="group",
                    ),
                ),
                (
                    "figure",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cohort",
                        to="metrics.reportedfigure",
                    ),
                ),
            ],
            options={
                "verbose_name": "account of a reported figure",
                "verbose_name_plural": "accounts of reported figures",
                "ordering": ["figure", "-comparison_amount", "account"],
            },
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("question__in", ["growth", "retention", "bridge"])), name="reported_question_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis__in", ["signed", "ordered", "invoiced", "recognised", "cash"])),
                name="reported_basis_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("level__in", ("entity", "group"))), name="reported_level_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("title", ""), _negated=True), models.Q(("currency", ""), _negated=True)),
                name="reported_title_given",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("accounts__gt", 0), ("cohort_rows__gt", 0)), name="reported_cohort_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("base_start_on__lte", models.F("base_last_on")),
                    ("base_last_on__lt", models.F("comparison_start_on")),
                    ("comparison_start_on__lte", models.F("comparison_last_on")),
                ),
                name="reported_base_before_comparison",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_at__isnull", True), ("withdrawn_by__isnull", True), ("withdrawn_reason", "")),
                    models.Q(
                        ("withdrawn_at__isnull", False),
                        ("withdrawn_by__isnull", False),
                        models.Q(("withdrawn_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="reported_withdrawn_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="reportedaccount",
            index=models.Index(
                models.F("figure"),
                models.OrderBy(models.F("comparison_amount"), descending=True),
                models.F("account"),
                name="reportedaccount_by_size",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedaccount",
            constraint=models.UniqueConstraint(fields=("figure", "account"), name="reportedaccount_once"),
        ),
    ]
