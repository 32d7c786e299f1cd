"""A night changes the score of most accounts and no index of theirs: with room on the page the update stays there."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_append_only_ledger")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_account SET (fillfactor = 80)",
            "ALTER TABLE accounts_account RESET (fillfactor)",
        ),
    ]
