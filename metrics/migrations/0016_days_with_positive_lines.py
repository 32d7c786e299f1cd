"""Days say whether some line of theirs is above 0: a group's first revenue is looked up among the days of its members."""

from django.db import migrations, models

# The few days without such a line; the rest are right as they are.
FILL = """
UPDATE metrics_accountday d SET has_positive = false
WHERE NOT EXISTS (
    SELECT 1 FROM accounts_revenuerecord r
    WHERE r.account_id = d.account_id AND r.booked_on = d.day AND r.currency = d.currency AND r.basis = d.basis
      AND r.amount > 0 AND r.withdrawn_at IS NULL
)
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_group_memberships"), ("metrics", "0015_lighter_account_products")]

    operations = [
        migrations.AddField(
            model_name="accountday",
            name="has_positive",
            field=models.BooleanField(db_default=True, default=True, help_text="Some line has an amount above 0."),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
