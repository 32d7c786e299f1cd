"""The log of attitudes guards itself and follows every change of a contact; nobody reports in a circle; starting values."""

from decimal import Decimal

from django.conf import settings
from django.db import migrations

LOG = """
CREATE FUNCTION accounts_contact_attitude_logged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.attitude IS NULL THEN RETURN NULL; END IF;
    ELSIF NEW.attitude IS NOT DISTINCT FROM OLD.attitude AND NEW.attitude_since IS NOT DISTINCT FROM OLD.attitude_since THEN
        RETURN NULL;
    END IF;
    SELECT attitude, held_from INTO last FROM accounts_attitudenote WHERE contact_id = NEW.id
        ORDER BY held_from DESC, id DESC LIMIT 1;
    IF FOUND AND last.attitude IS NOT DISTINCT FROM NEW.attitude
        AND (NEW.attitude IS NULL OR last.held_from >= NEW.attitude_since) THEN
        RETURN NULL;
    END IF;
    IF NEW.attitude_since < last.held_from THEN
        RAISE EXCEPTION 'An attitude noted before holds from a later day: note the new one from that day on.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO accounts_attitudenote (contact_id, attitude, held_from, evidence, noted_at)
        VALUES (NEW.id, NEW.attitude, coalesce(NEW.attitude_since, greatest(CURRENT_DATE, last.held_from)), '', now());
    RETURN NULL;
END $$;
CREATE TRIGGER contact_attitude_logged AFTER INSERT OR UPDATE OF attitude, attitude_since ON accounts_contact
    FOR EACH ROW EXECUTE FUNCTION accounts_contact_attitude_logged();
"""
UNLOG = """
DROP TRIGGER contact_attitude_logged ON accounts_contact;
DROP FUNCTION accounts_contact_attitude_logged();
"""
# A row may lose who noted it (the user is gone) and its words (they were erased), and follow its account into a merge.
GUARD = """
CREATE FUNCTION accounts_noted_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD) - 'noted_by_id' - 'evidence' - 'account_id' - 'updated_at';
    after jsonb := to_jsonb(NEW) - 'noted_by_id' - 'evidence' - 'account_id' - 'updated_at';
BEGIN
    IF before = after AND (NEW.noted_by_id IS NULL OR NEW.noted_by_id = OLD.noted_by_id)
        AND (NEW.evidence = OLD.evidence OR NEW.evidence = '') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'What was noted stays: add a new row.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER attitudenote_added_only BEFORE UPDATE ON accounts_attitudenote
    FOR EACH ROW EXECUTE FUNCTION accounts_noted_once();
CREATE TRIGGER partnershipstate_added_only BEFORE UPDATE ON accounts_partnershipstate
    FOR EACH ROW EXECUTE FUNCTION accounts_noted_once();
"""
UNGUARD = """
DROP TRIGGER partnershipstate_added_only ON accounts_partnershipstate;
DROP TRIGGER attitudenote_added_only ON accounts_attitudenote;
DROP FUNCTION accounts_noted_once();
"""
# One change of who reports to whom at a time (lock 7306031), so that two at once make no circle.
NO_CIRCLE = """
CREATE FUNCTION accounts_contact_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.reports_to_id IS NULL THEN RETURN NEW; END IF;
    PERFORM pg_advisory_xact_lock(7306031);
    IF EXISTS (
        WITH RECURSIVE up(id) AS (
            SELECT NEW.reports_to_id
            UNION
            SELECT c.reports_to_id FROM accounts_contact c JOIN up ON c.id = up.id WHERE c.reports_to_id IS NOT NULL
        ) SELECT 1 FROM up WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'People would report to each other in a circle.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_no_circle BEFORE INSERT OR UPDATE OF reports_to_id ON accounts_contact
    FOR EACH ROW EXECUTE FUNCTION accounts_contact_no_circle();
"""
CIRCLE = """
DROP TRIGGER contact_no_circle ON accounts_contact;
DROP FUNCTION accounts_contact_no_circle();
"""
NOTE_WHAT_IS_KNOWN = """
INSERT INTO accounts_attitudenote (contact_id, attitude, held_from, evidence, noted_at)
SELECT id, attitude, attitude_since, '', updated_at FROM accounts_contact WHERE attitude IS NOT NULL
"""
KEY_DEPARTMENTS = ["management", "purchasing", "engineering", "production", "finance", "quality"]
# Grade: cadence in days; key score, coverage in per cent and level aimed at; departments; levels (domain.md 5) [D]
RULES = (
    ("diamond", 30, 75, 70, 5, KEY_DEPARTMENTS, ["top", "senior", "middle"]),
    ("gold", 45, 70, 60, 3, KEY_DEPARTMENTS[:5], ["senior", "middle"]),
    ("strategic", 45, 70, 60, 4, KEY_DEPARTMENTS[:5], ["top", "senior", "middle"]),
    ("potential", 90, 60, 50, None, KEY_DEPARTMENTS[:3], ["senior", "middle"]),
    ("general", 180, 50, None, None, [], []),
    ("problem", 30, 60, 50, None, KEY_DEPARTMENTS[:3], ["senior", "middle"]),
    ("not_graded", 180, 50, None, None, [], []),
)
LIMITS = (("gift", Decimal(300), Decimal(1000)), ("hospitality", Decimal(500), Decimal(2000)))


def add_starting_values(apps, schema_editor):
    rule, limit = apps.get_model("accounts", "RelationshipRule"), apps.get_model("accounts", "CourtesyLimit")
    names = ("grade", "cadence_days", "key_target", "general_target", "organisational_target", "departments", "levels")
    rule.objects.bulk_create(rule(**dict(zip(names, row, strict=True))) for row in RULES)
    limit.objects.bulk_create(
        limit(kind=kind, per_occasion=once, per_year=year, currency=settings.BASE_CURRENCY)
        for kind, once, year in LIMITS
    )


def read_departments(apps, schema_editor):
    """The kind of each department that is named so far, one statement a name."""
    from accounts.departments import department_kind

    contact = apps.get_model("accounts", "Contact")
    for name in contact.objects.exclude(department="").values_list("department", flat=True).distinct():
        contact.objects.filter(department=name, department_kind="").update(department_kind=department_kind(name))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0021_relationships")]

    operations = [
        migrations.RunSQL(NOTE_WHAT_IS_KNOWN, migrations.RunSQL.noop),
        migrations.RunPython(read_departments, migrations.RunPython.noop),
        migrations.RunPython(add_starting_values, migrations.RunPython.noop),
        migrations.RunSQL(LOG, UNLOG),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(NO_CIRCLE, CIRCLE),
    ]
