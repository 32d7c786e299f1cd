"""The table of knox's own tokens goes: accounts.AccessToken has stood for it since accounts 0025, which took its rows.

knox makes it all the same, and with a foreign key to users that no model of ours knows, tables cannot be emptied for tests.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0006_right_to_erase"),
        ("accounts", "0025_tokens_and_rule"),
        ("knox", "0009_extend_authtoken_field"),
    ]

    operations = [migrations.RunSQL("DROP TABLE IF EXISTS knox_authtoken", migrations.RunSQL.noop)]
