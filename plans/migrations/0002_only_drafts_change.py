"""A version of the policies that has been in use stays as it was: what was promised is judged by it for ever."""

from django.db import migrations

GUARD = """
CREATE FUNCTION plans_parts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP <> 'DELETE' AND EXISTS (SELECT 1 FROM plans_policyversion WHERE id = NEW.version_id AND state <> 'draft'))
        OR (TG_OP <> 'INSERT' AND EXISTS (SELECT 1 FROM plans_policyversion WHERE id = OLD.version_id AND state <> 'draft'))
    THEN
        RAISE EXCEPTION 'This version of the policies has been in use: make a new version.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER promise_only_drafts BEFORE INSERT OR UPDATE OR DELETE ON plans_promise
    FOR EACH ROW EXECUTE FUNCTION plans_parts_guard();
CREATE TRIGGER strategy_only_drafts BEFORE INSERT OR UPDATE OR DELETE ON plans_strategy
    FOR EACH ROW EXECUTE FUNCTION plans_parts_guard();
"""
UNGUARD = """
DROP TRIGGER promise_only_drafts ON plans_promise;
DROP TRIGGER strategy_only_drafts ON plans_strategy;
DROP FUNCTION plans_parts_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_policies_plans_and_results")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
