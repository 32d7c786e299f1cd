"""One key and fewer indexes for the figures of an account: most nightly updates then touch no index (HOT)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_append_only_ledger"),
        ("metrics", "0001_roll_ups_and_figures"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="accountfigures",
            name="figures_clv",
        ),
        migrations.RemoveField(
            model_name="accountfigures",
            name="id",
        ),
        migrations.AlterField(
            model_name="accountfigures",
            name="account",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="figures",
                serialize=False,
                to="accounts.account",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE metrics_accountfigures SET (fillfactor = 50)",
            "ALTER TABLE metrics_accountfigures RESET (fillfactor)",
        ),
    ]
