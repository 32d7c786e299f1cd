"""What a request of a narrow reader changes is held to the accounts in sight; see ``crm.lib.wall_statements``."""

from django.db import migrations

# Both settings hold keys between commas. Without ``facet.changes`` nothing is held: nights, workers, who sees every account.
KEEPS = """
CREATE FUNCTION wall_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.action = 'I' AND NEW.table_name = 'accounts_account' THEN
        -- Whoever made an account goes on with it in the same transaction.
        PERFORM set_config(
            'facet.made', coalesce(nullif(current_setting('facet.made', true), ''), ',') || NEW.account_id || ',', true
        );
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'A change of % at account %, which is out of sight for whoever asked.', NEW.table_name, NEW.account_id
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER wall_keeps AFTER INSERT ON crm_trailentry FOR EACH ROW
WHEN (
    NEW.account_id IS NOT NULL AND coalesce(current_setting('facet.changes', true), '') <> ''
    AND position(',' || NEW.account_id || ',' IN current_setting('facet.changes', true)) = 0
    AND position(',' || NEW.account_id || ',' IN coalesce(current_setting('facet.made', true), '')) = 0
)
EXECUTE FUNCTION wall_keeps();
ALTER TABLE crm_trailentry ENABLE ALWAYS TRIGGER wall_keeps;
"""
FORGET = "DROP TRIGGER wall_keeps ON crm_trailentry; DROP FUNCTION wall_keeps();"


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_without_table_of_swapped_tokens")]

    operations = [migrations.RunSQL(KEEPS, FORGET)]
