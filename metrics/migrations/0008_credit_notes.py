"""Credit notes with the day of their original, and reports that say how they counted them."""

import accounts.models.base
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_credited_documents"),
        ("metrics", "0007_suggestion_rejections"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountCredit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
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
                ("reference", models.CharField(blank=True, max_length=64)),
                (
                    "credits_reference",
                    models.CharField(blank=True, help_text="Empty: the credit note names none.", max_length=64),
                ),
                ("original_on", models.DateField(null=True)),
                ("net", models.DecimalField(decimal_places=4, max_digits=25)),
                ("cost", models.DecimalField(decimal_places=4, max_digits=25)),
                ("lines_without_cost", models.PositiveIntegerField()),
                ("lines", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name": "credit note of an account",
            },
        ),
        migrations.AddField(
            model_name="reportedfigure",
            name="credit_notes",
            field=models.CharField(
                choices=[("booked", "in their own period"), ("restated", "in the period of their original")],
                default="booked",
                max_length=10,
                verbose_name="credit notes",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportedfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("credit_notes__in", ["booked", "restated"])), name="reported_credit_notes_known"
            ),
        ),
        migrations.AddField(
            model_name="accountcredit",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddIndex(
            model_name="accountcredit",
            index=models.Index(
                condition=models.Q(("original_on__isnull", False)),
                fields=["account", "basis"],
                name="accountcredit_linked",
            ),
        ),
        migrations.AddConstraint(
            model_name="accountcredit",
            constraint=models.UniqueConstraint(
                fields=("account", "day", "currency", "basis", "reference", "credits_reference"),
                name="accountcredit_once",
            ),
        ),
    ]
