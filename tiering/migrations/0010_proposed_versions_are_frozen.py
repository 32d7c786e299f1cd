"""A version that waits for approval, or for its day, stays as it was proposed; refused, it is a draft again."""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION tiering_model_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (
        (NEW.state IN ('draft', 'proposed', 'approved') AND OLD.state NOT IN ('proposed', 'approved')) OR
        (NEW.name, NEW.version, NEW.currency, NEW.basis, NEW.as_of, NEW.gross_profit_test, NEW.min_base,
         NEW.evidence_any, NEW.evidence_up, NEW.min_dimension_evidence, NEW.min_valid_weight, NEW.buffer_score,
         NEW.buffer_growth, NEW.buffer_money, NEW.confirm_up_days, NEW.confirm_down_days, NEW.confirm_problem_days)
        IS DISTINCT FROM
        (OLD.name, OLD.version, OLD.currency, OLD.basis, OLD.as_of, OLD.gross_profit_test, OLD.min_base,
         OLD.evidence_any, OLD.evidence_up, OLD.min_dimension_evidence, OLD.min_valid_weight, OLD.buffer_score,
         OLD.buffer_growth, OLD.buffer_money, OLD.confirm_up_days, OLD.confirm_down_days, OLD.confirm_problem_days) OR
        (OLD.state IN ('active', 'retired') AND NEW.raw_layout IS DISTINCT FROM OLD.raw_layout)
    ) THEN
        RAISE EXCEPTION 'Only a draft of the scoring model can be changed: make a new version.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION tiering_model_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [("tiering", "0009_activations_and_weight_surveys")]

    operations = [migrations.RunSQL(GUARD, BEFORE)]
