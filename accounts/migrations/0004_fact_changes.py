"""Changes of the facts that figures rest on leave a row, so that an answer computed before them is known as old."""

from django.db import migrations, models

NOTE = """
CREATE FUNCTION accounts_note_fact_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_factchange (changed_at) VALUES (clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER account_come_or_gone AFTER INSERT OR DELETE OR TRUNCATE ON accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_note_fact_change();
CREATE TRIGGER account_facts_changed AFTER UPDATE ON accounts_account FOR EACH ROW
    WHEN (
        OLD.closed_on IS DISTINCT FROM NEW.closed_on
        OR OLD.parent_id IS DISTINCT FROM NEW.parent_id
        OR OLD.before_data_start IS DISTINCT FROM NEW.before_data_start
    )
    EXECUTE FUNCTION accounts_note_fact_change();
"""
FORGET = """
DROP TRIGGER account_facts_changed ON accounts_account;
DROP TRIGGER account_come_or_gone ON accounts_account;
DROP FUNCTION accounts_note_fact_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_room_for_nightly_updates")]

    operations = [
        migrations.CreateModel(
            name="FactChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(NOTE, FORGET),
    ]
