"""The history of dealers and of who recommended us, kept by the database whoever writes the column; and what is there."""

from typing import Any

from django.db import migrations

FOLLOW = """
CREATE FUNCTION accounts_follow_link(kind text, owner bigint, other bigint, is_new boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kept bigint := (SELECT id FROM accounts_accountlinktype WHERE follows = kind);
BEGIN
    IF kept IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM accounts_accountlink l WHERE l.type_id = kept AND l.target_id = owner AND l.valid_to IS NULL
        AND l.source_id IS DISTINCT FROM other AND l.valid_from >= current_date;
    UPDATE accounts_accountlink l SET valid_to = current_date, updated_at = now()
        WHERE l.type_id = kept AND l.target_id = owner AND l.valid_to IS NULL AND l.source_id IS DISTINCT FROM other;
    IF other IS NULL OR EXISTS (
        SELECT 1 FROM accounts_accountlink l
        WHERE l.type_id = kept AND l.target_id = owner AND l.source_id = other AND l.valid_to IS NULL
    ) THEN
        RETURN;
    END IF;
    -- What was taken back on the same day goes on as if nothing had been.
    UPDATE accounts_accountlink l SET valid_to = NULL, updated_at = now()
        WHERE l.type_id = kept AND l.target_id = owner AND l.source_id = other AND l.valid_to = current_date;
    IF NOT FOUND THEN
        INSERT INTO accounts_accountlink (type_id, source_id, target_id, valid_from, note, created_at, updated_at)
        VALUES (kept, other, owner, CASE WHEN is_new THEN NULL ELSE current_date END, '', now(), now());
    END IF;
END $$;
CREATE FUNCTION accounts_follow_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR OLD.dealer_id IS DISTINCT FROM NEW.dealer_id THEN
        PERFORM accounts_follow_link('dealer', NEW.id, NEW.dealer_id, TG_OP = 'INSERT');
    END IF;
    IF TG_OP = 'INSERT' OR OLD.referred_by_id IS DISTINCT FROM NEW.referred_by_id THEN
        PERFORM accounts_follow_link('referred_by', NEW.id, NEW.referred_by_id, TG_OP = 'INSERT');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER account_links_new AFTER INSERT ON accounts_account FOR EACH ROW
    WHEN (NEW.dealer_id IS NOT NULL OR NEW.referred_by_id IS NOT NULL) EXECUTE FUNCTION accounts_follow_links();
CREATE TRIGGER account_links_changed AFTER UPDATE ON accounts_account FOR EACH ROW
    WHEN (OLD.dealer_id IS DISTINCT FROM NEW.dealer_id OR OLD.referred_by_id IS DISTINCT FROM NEW.referred_by_id)
    EXECUTE FUNCTION accounts_follow_links();
"""
UNFOLLOW = """
DROP TRIGGER account_links_changed ON accounts_account;
DROP TRIGGER account_links_new ON accounts_account;
DROP FUNCTION accounts_follow_links();
DROP FUNCTION accounts_follow_link(text, bigint, bigint, boolean);
"""
BACKFILL = """
INSERT INTO accounts_accountlink (type_id, source_id, target_id, note, created_at, updated_at)
SELECT t.id, a.dealer_id, a.id, '', now(), now() FROM accounts_account a
JOIN accounts_accountlinktype t ON t.follows = 'dealer' WHERE a.dealer_id IS NOT NULL
UNION ALL
SELECT t.id, a.referred_by_id, a.id, '', now(), now() FROM accounts_account a
JOIN accounts_accountlinktype t ON t.follows = 'referred_by' WHERE a.referred_by_id IS NOT NULL
"""
TYPES = (
    ("dealer", "is the dealer of", "buys through", False, "dealer"),
    ("refers", "recommended us to", "came to us by", False, "referred_by"),
    ("supplies", "is a supplier of", "is a customer of", False, ""),
    ("competes", "competes with", "competes with", True, ""),
    ("same-owner", "has the same owner as", "has the same owner as", True, ""),
)


def fill(apps: Any, editor: Any) -> None:
    kinds = apps.get_model("accounts", "AccountLinkType")
    for key, forward, backward, is_mutual, follows in TYPES:
        values = {"forward": forward, "backward": backward, "is_mutual": is_mutual, "follows": follows}
        kinds.objects.get_or_create(key=key, defaults=values)
    editor.execute(BACKFILL)


def empty(apps: Any, _editor: Any) -> None:
    apps.get_model("accounts", "AccountLink").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0030_account_links")]

    operations = [migrations.RunPython(fill, empty), migrations.RunSQL(FOLLOW, UNFOLLOW)]
