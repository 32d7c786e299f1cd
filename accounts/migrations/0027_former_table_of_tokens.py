"""Knox's own table is left: its rows have moved (0025). The class behind it is swapped out, so nothing else would clean it
up, and a table that refers to users without Django's knowledge stands in the way of emptying them together."""

from django.db import migrations

LEAVE = """
DO $$
BEGIN
    IF to_regclass('knox_authtoken') IS NOT NULL THEN
        INSERT INTO accounts_accesstoken (digest, token_key, user_id, created, expiry, name, auth_version)
            SELECT t.digest, t.token_key, t.user_id, t.created, coalesce(t.expiry, now() + interval '365 days'),
                'create_api_token', u.auth_version
            FROM knox_authtoken t JOIN accounts_user u ON u.id = t.user_id
            ON CONFLICT (digest) DO NOTHING;
        DROP TABLE knox_authtoken;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0026_invitations"),
        ("knox", "0009_extend_authtoken_field"),
    ]

    operations = [migrations.RunSQL(LEAVE, migrations.RunSQL.noop)]
