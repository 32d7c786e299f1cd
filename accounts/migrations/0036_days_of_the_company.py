"""Triggers that date what they write take the day of the company's time zone, not that of the connection, which is UTC:
a dealer changed in Shanghai before eight in the morning was dated the day before."""

from typing import Any

from django.db import migrations

from accounts.local_day import create

FUNCTIONS = "('accounts_follow_link', 'accounts_contact_attitude_logged')"
REWRITE = """
DO $do$
DECLARE
    body text;
BEGIN
    FOR body IN
        SELECT regexp_replace(pg_get_functiondef(p.oid), '{old}', '{new}', 'gi') FROM pg_proc p
        WHERE p.proname IN {names} AND p.pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE body;
    END LOOP;
END $do$
"""


def make(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(create(), params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0035_accounts_in_sight_by_key")]

    operations = [
        migrations.RunPython(make, migrations.RunPython.noop),
        migrations.RunSQL(
            REWRITE.format(old=r"\mcurrent_date\M", new="accounts_today()", names=FUNCTIONS),
            REWRITE.format(old=r"accounts_today\(\)", new="current_date", names=FUNCTIONS),
        ),
    ]
