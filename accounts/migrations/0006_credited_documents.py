"""A credit note may say which document it credits; null for every record there is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_fiscal_calendars"),
    ]

    operations = [
        migrations.AddField(
            model_name="revenuerecord",
            name="credits_reference",
            field=models.CharField(
                help_text="Of a credit note: the reference of the original of the same account.",
                max_length=64,
                null=True,
                verbose_name="credits the document",
            ),
        ),
        migrations.AddIndex(
            model_name="revenuerecord",
            index=models.Index(
                condition=models.Q(("kind", "credit_note"), ("withdrawn_at__isnull", True)),
                fields=["account"],
                name="revenue_credit_notes",
            ),
        ),
        migrations.AddConstraint(
            model_name="revenuerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("credits_reference", ""), _negated=True), name="revenue_credits_given_or_null"
            ),
        ),
    ]
