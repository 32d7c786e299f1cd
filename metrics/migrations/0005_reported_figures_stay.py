"""Reported figures guard themselves: no DELETE, no UPDATE but the withdrawal; a cohort is written once and whole."""

from django.db import migrations

GUARD = """
CREATE FUNCTION metrics_reportedfigure_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    otherwise metrics_reportedfigure;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A reported figure stays: withdraw it instead of deleting it.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    otherwise := NEW;
    otherwise.withdrawn_at := NULL;
    otherwise.withdrawn_by_id := NULL;
    otherwise.withdrawn_reason := '';
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND OLD IS NOT DISTINCT FROM otherwise THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A reported figure never changes: report another.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reportedfigure_stays BEFORE UPDATE OR DELETE ON metrics_reportedfigure
    FOR EACH ROW EXECUTE FUNCTION metrics_reportedfigure_guard();

CREATE FUNCTION metrics_reportedaccount_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The cohort of a reported figure never changes.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reportedaccount_stays BEFORE UPDATE OR DELETE ON metrics_reportedaccount
    FOR EACH ROW EXECUTE FUNCTION metrics_reportedaccount_guard();

CREATE FUNCTION metrics_reportedaccount_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT figure_id FROM written) AS touched
        JOIN metrics_reportedfigure f ON f.id = touched.figure_id
        WHERE f.cohort_rows <> (SELECT count(*) FROM metrics_reportedaccount r WHERE r.figure_id = f.id)
    ) THEN
        RAISE EXCEPTION 'The cohort of a reported figure is written once and whole.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reportedaccount_whole AFTER INSERT ON metrics_reportedaccount
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION metrics_reportedaccount_whole();
"""
UNGUARD = """
DROP TRIGGER reportedaccount_whole ON metrics_reportedaccount;
DROP TRIGGER reportedaccount_stays ON metrics_reportedaccount;
DROP TRIGGER reportedfigure_stays ON metrics_reportedfigure;
DROP FUNCTION metrics_reportedaccount_whole();
DROP FUNCTION metrics_reportedaccount_guard();
DROP FUNCTION metrics_reportedfigure_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_reported_figures")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
