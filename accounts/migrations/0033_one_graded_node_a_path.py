"""One graded account on the way from the root of a group to a leaf, by today's tree, whoever writes it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION accounts_refuse_two_graded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_below boolean;
    is_here boolean;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM accounts_account WHERE is_graded_node) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7306006);
    SELECT is_graded_node INTO is_here FROM accounts_account WHERE id = NEW.id;
    WITH RECURSIVE up(id) AS (
        SELECT parent_id FROM accounts_account WHERE id = NEW.id
        UNION
        SELECT a.parent_id FROM up JOIN accounts_account a ON a.id = up.id
    ) SELECT EXISTS (SELECT 1 FROM up JOIN accounts_account a USING (id) WHERE a.is_graded_node) INTO is_below;
    IF NOT is_here AND NOT is_below THEN
        RETURN NULL;
    END IF;
    IF is_here AND is_below OR EXISTS (
        WITH RECURSIVE below(id) AS (
            SELECT id FROM accounts_account WHERE parent_id = NEW.id
            UNION
            SELECT a.id FROM below b JOIN accounts_account a ON a.parent_id = b.id
        ) SELECT 1 FROM below JOIN accounts_account a USING (id) WHERE a.is_graded_node
    ) THEN
        RAISE EXCEPTION 'Two accounts on one way from root to leaf are graded as groups.'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_one_graded AFTER UPDATE OF is_graded_node, parent_id ON accounts_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id OR OLD.is_graded_node IS DISTINCT FROM NEW.is_graded_node)
    EXECUTE FUNCTION accounts_refuse_two_graded();
"""
UNGUARD = """
DROP TRIGGER account_one_graded ON accounts_account;
DROP FUNCTION accounts_refuse_two_graded();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0032_graded_nodes")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
