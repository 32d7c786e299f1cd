"""Whatever of the grade history is deleted, or changed after its end, is kept as it was."""

from django.db import migrations

KEEP = """
CREATE FUNCTION tiering_keep_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tiering_replacedperiod (account_id, grade, underlying, valid_from, valid_to, run_id, recorded_at)
    VALUES (OLD.account_id, OLD.grade, OLD.underlying, OLD.valid_from, OLD.valid_to, OLD.run_id, OLD.recorded_at);
    RETURN NULL;
END $$;
CREATE TRIGGER gradeperiod_deleted AFTER DELETE ON tiering_gradeperiod
    FOR EACH ROW EXECUTE FUNCTION tiering_keep_replaced();
CREATE TRIGGER gradeperiod_corrected AFTER UPDATE ON tiering_gradeperiod FOR EACH ROW
    WHEN (OLD.valid_to IS NOT NULL OR (OLD.grade, OLD.underlying, OLD.valid_from)
          IS DISTINCT FROM (NEW.grade, NEW.underlying, NEW.valid_from))
    EXECUTE FUNCTION tiering_keep_replaced();
CREATE FUNCTION tiering_replaced_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What the grade history said before a correction stays.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER replacedperiod_stays BEFORE UPDATE OR DELETE ON tiering_replacedperiod
    FOR EACH ROW EXECUTE FUNCTION tiering_replaced_stays();
"""
LEAVE = """
DROP TRIGGER replacedperiod_stays ON tiering_replacedperiod;
DROP FUNCTION tiering_replaced_stays();
DROP TRIGGER gradeperiod_corrected ON tiering_gradeperiod;
DROP TRIGGER gradeperiod_deleted ON tiering_gradeperiod;
DROP FUNCTION tiering_keep_replaced();
"""


class Migration(migrations.Migration):
    dependencies = [("tiering", "0006_replaced_grade_periods")]

    operations = [migrations.RunSQL(KEEP, LEAVE)]
