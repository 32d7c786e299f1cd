"""The ledger guards itself: no DELETE, no UPDATE but the withdrawal of a counting row.

Its foreign keys are checked at once: deferred checks queue an event per row, a third of the time of a large import.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION accounts_revenuerecord_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    otherwise accounts_revenuerecord;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'The ledger is append-only: withdraw the batch instead of deleting its rows.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    otherwise := NEW;
    otherwise.withdrawn_at := NULL;
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND OLD IS NOT DISTINCT FROM otherwise THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: a correction is a new row.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revenue_append_only BEFORE UPDATE OR DELETE ON accounts_revenuerecord
    FOR EACH ROW EXECUTE FUNCTION accounts_revenuerecord_guard();
"""
UNGUARD = """
DROP TRIGGER revenue_append_only ON accounts_revenuerecord;
DROP FUNCTION accounts_revenuerecord_guard();
"""
SET_KEYS = """
DO $$
DECLARE foreign_key text;
BEGIN
    FOR foreign_key IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'accounts_revenuerecord'::regclass AND contype = 'f'
    LOOP
        EXECUTE format('ALTER TABLE accounts_revenuerecord ALTER CONSTRAINT %I {mode}', foreign_key);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_users_accounts_and_ledger")]

    operations = [
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(
            SET_KEYS.format(mode="NOT DEFERRABLE"),
            SET_KEYS.format(mode="DEFERRABLE INITIALLY DEFERRED"),
        ),
    ]
