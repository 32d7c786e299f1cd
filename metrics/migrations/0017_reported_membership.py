"""Reported figures of groups say whose members counted; those kept so far counted the members of their day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0016_days_with_positive_lines")]

    operations = [
        migrations.AddField(
            model_name="reportedfigure",
            name="membership",
            field=models.CharField(
                choices=[("as_was", "as it was on each day"), ("as_now", "as it was when reported")],
                db_default="as_now",
                default="as_now",
                help_text="Of each day, or that of the day of the report.",
                max_length=10,
                verbose_name="membership of groups",
            ),
        ),
    ]
