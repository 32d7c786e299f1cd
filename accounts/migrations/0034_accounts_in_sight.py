"""Which accounts a narrow reader sees, as the database works it out for itself; see ``accounts.wall``."""

from django.db import migrations

# The rule of AccountQuerySet.visible_to for reaches below "all", and what was merged into these accounts: owned, or a seat
# on the day, by the viewer or, for a manager, by whoever belongs to the units they head.
SEEN_BY = """
CREATE FUNCTION accounts_seen_by(viewer bigint, day date) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    WITH person AS (
        SELECT u.id FROM accounts_user u WHERE u.id = $1 AND u.is_active
        UNION
        SELECT unnest(accounts_people_below(u.id)) FROM accounts_user u
        WHERE u.id = $1 AND u.is_active AND u.role = 'manager'
    ), kept AS (
        SELECT a.id FROM accounts_account a JOIN person p ON a.owner_id = p.id
        UNION
        SELECT t.account_id FROM accounts_teammember t JOIN person p ON t.user_id = p.id
        WHERE t.valid_from <= $2 AND (t.valid_to IS NULL OR t.valid_to > $2)
    ), standing AS (
        SELECT a.id FROM accounts_account a JOIN kept USING (id) WHERE a.merged_into_id IS NULL
    ), seen AS (
        SELECT id FROM standing
        UNION ALL
        SELECT m.id FROM accounts_account m JOIN standing s ON m.merged_into_id = s.id
    ) SELECT coalesce(array_agg(seen.id), '{}') FROM seen
$$;
"""
# What the transaction was told when the wall was raised; without it nobody and nothing.
SEES = """
CREATE FUNCTION accounts_sees() RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
    SELECT unnest(nullif(current_setting('facet.sees', true), '')::bigint[])
$$;
CREATE FUNCTION accounts_viewer() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('facet.viewer', true), '')::bigint
$$;
"""
# Which account is in which group is asked of whole trees, hidden members and all: keys alone, nothing of the accounts.
TREES = """
CREATE FUNCTION accounts_tree() RETURNS TABLE (id bigint, root bigint) LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
SET search_path FROM CURRENT AS $$
    WITH RECURSIVE tree AS (
        SELECT a.id, a.id AS root FROM accounts_account a WHERE a.parent_id IS NULL
        UNION ALL
        SELECT a.id, t.root FROM accounts_account a JOIN tree t ON a.parent_id = t.id
    ) SELECT tree.id, tree.root FROM tree
$$;
CREATE FUNCTION accounts_below(top bigint) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path FROM CURRENT AS $$
    WITH RECURSIVE below(id) AS (
        SELECT $1
        UNION
        SELECT child.id FROM accounts_account child JOIN below ON child.parent_id = below.id
    ) SELECT below.id FROM below
$$;
"""
FORGET = """
DROP FUNCTION accounts_tree();
DROP FUNCTION accounts_below(bigint);
DROP FUNCTION accounts_sees() CASCADE;
DROP FUNCTION accounts_viewer() CASCADE;
DROP FUNCTION accounts_seen_by(bigint, date);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0033_one_graded_node_a_path")]

    operations = [migrations.RunSQL(SEEN_BY + SEES + TREES, FORGET)]
