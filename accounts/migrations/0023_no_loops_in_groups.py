"""No account is above itself on any day, whoever writes the tree; looked at when the transaction ends."""

from django.db import migrations

# The parents of one account with their days: its memberships, or without any its parent since ever (accounts.group_tree).
PARENTS = """(
    SELECT m.parent_id AS parent, daterange(m.valid_from, m.valid_to) AS days
    FROM accounts_groupmembership m WHERE m.account_id = {0}
    UNION ALL
    SELECT a.parent_id, daterange(NULL, NULL) FROM accounts_account a WHERE a.id = {0} AND a.parent_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM accounts_groupmembership m WHERE m.account_id = a.id)
)"""
# The lock is that of accounts.locks.tree_lock: two transactions that each add half of a loop are looked at in turn.
GUARD = f"""
CREATE FUNCTION accounts_refuse_loop(node bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7306006);
    IF EXISTS (
        WITH RECURSIVE climb(top, days) AS (
            SELECT e.parent, e.days FROM {PARENTS.format("node")} AS e
            UNION
            SELECT e.parent, c.days * e.days FROM climb c CROSS JOIN LATERAL {PARENTS.format("c.top")} AS e
            WHERE e.days && c.days AND c.top <> node
        ) SELECT 1 FROM climb WHERE top = node
    ) OR EXISTS (
        WITH RECURSIVE up(top, steps) AS (
            SELECT a.parent_id, 1 FROM accounts_account a WHERE a.id = node
            UNION
            SELECT a.parent_id, up.steps + 1 FROM up JOIN accounts_account a ON a.id = up.top
            WHERE up.top <> node AND up.steps < 1000
        ) SELECT 1 FROM up WHERE top = node
    ) THEN
        RAISE EXCEPTION 'A group cannot contain itself: account % would be above itself.', node
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
CREATE FUNCTION accounts_account_refuse_loop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_refuse_loop(NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION accounts_membership_refuse_loop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM accounts_refuse_loop(OLD.account_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM accounts_refuse_loop(NEW.account_id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_no_loop_new AFTER INSERT ON accounts_account DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION accounts_account_refuse_loop();
CREATE CONSTRAINT TRIGGER account_no_loop AFTER UPDATE OF parent_id ON accounts_account DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL AND OLD.parent_id IS DISTINCT FROM NEW.parent_id)
    EXECUTE FUNCTION accounts_account_refuse_loop();
CREATE CONSTRAINT TRIGGER membership_no_loop AFTER INSERT OR UPDATE OR DELETE ON accounts_groupmembership
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_membership_refuse_loop();
"""
UNGUARD = """
DROP TRIGGER membership_no_loop ON accounts_groupmembership;
DROP TRIGGER account_no_loop ON accounts_account;
DROP TRIGGER account_no_loop_new ON accounts_account;
DROP FUNCTION accounts_membership_refuse_loop();
DROP FUNCTION accounts_account_refuse_loop();
DROP FUNCTION accounts_refuse_loop(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0022_relationship_guards")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
