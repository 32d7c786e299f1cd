"""A version of a scoring model that has been in use stays as it was: explanations are derived from it for ever."""

from django.db import migrations

GUARD = """
CREATE FUNCTION tiering_parts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.model_id ELSE NEW.model_id END;
BEGIN
    IF EXISTS (SELECT 1 FROM tiering_scoringmodel WHERE id = touched AND state <> 'draft') THEN
        RAISE EXCEPTION 'This version of the scoring model has been in use: make a new version.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION tiering_model_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (
        NEW.state = 'draft' OR
        (NEW.name, NEW.version, NEW.currency, NEW.basis, NEW.as_of, NEW.gross_profit_test, NEW.min_base,
         NEW.evidence_any, NEW.evidence_up, NEW.min_dimension_evidence, NEW.min_valid_weight, NEW.raw_layout)
        IS DISTINCT FROM
        (OLD.name, OLD.version, OLD.currency, OLD.basis, OLD.as_of, OLD.gross_profit_test, OLD.min_base,
         OLD.evidence_any, OLD.evidence_up, OLD.min_dimension_evidence, OLD.min_valid_weight, OLD.raw_layout)
    ) THEN
        RAISE EXCEPTION 'This version of the scoring model has been in use: make a new version.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scoringmodel_only_drafts BEFORE UPDATE ON tiering_scoringmodel
    FOR EACH ROW EXECUTE FUNCTION tiering_model_guard();
CREATE TRIGGER dimension_only_drafts BEFORE INSERT OR UPDATE OR DELETE ON tiering_dimension
    FOR EACH ROW EXECUTE FUNCTION tiering_parts_guard();
CREATE TRIGGER indicator_only_drafts BEFORE INSERT OR UPDATE OR DELETE ON tiering_indicator
    FOR EACH ROW EXECUTE FUNCTION tiering_parts_guard();
CREATE TRIGGER graderule_only_drafts BEFORE INSERT OR UPDATE OR DELETE ON tiering_graderule
    FOR EACH ROW EXECUTE FUNCTION tiering_parts_guard();
"""
UNGUARD = """
DROP TRIGGER scoringmodel_only_drafts ON tiering_scoringmodel;
DROP TRIGGER dimension_only_drafts ON tiering_dimension;
DROP TRIGGER indicator_only_drafts ON tiering_indicator;
DROP TRIGGER graderule_only_drafts ON tiering_graderule;
DROP FUNCTION tiering_model_guard();
DROP FUNCTION tiering_parts_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("tiering", "0001_scoring_models_runs_and_grades")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
