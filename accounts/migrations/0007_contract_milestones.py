"""Milestones as parts of a contract, the day a contract was cancelled, and an index over what was recognised of contracts."""

import accounts.models.base
import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models

# Checked when the transaction ends, so that amount and milestones may change together in any order. The contract is locked:
# of two transactions that add milestones to it the second waits and then counts those of the first.
FIT = """
CREATE FUNCTION accounts_milestones_fit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_contract bigint;
    about numeric;
BEGIN
    IF TG_TABLE_NAME = 'accounts_contract' THEN
        of_contract := NEW.id;
    ELSE
        of_contract := NEW.contract_id;
    END IF;
    SELECT amount INTO about FROM accounts_contract WHERE id = of_contract FOR UPDATE;
    IF FOUND AND coalesce(about, 0) < (
        SELECT coalesce(sum(amount), 0) FROM accounts_contractmilestone WHERE contract_id = of_contract
    ) AND EXISTS (SELECT 1 FROM accounts_contractmilestone WHERE contract_id = of_contract) THEN
        RAISE EXCEPTION 'The milestones of a contract add up to more than its amount.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'milestones_within_contract';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER milestones_within_contract AFTER INSERT OR UPDATE ON accounts_contractmilestone
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_milestones_fit();
CREATE CONSTRAINT TRIGGER contract_covers_milestones AFTER UPDATE OF amount ON accounts_contract
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_milestones_fit();
"""
UNFIT = """
DROP TRIGGER contract_covers_milestones ON accounts_contract;
DROP TRIGGER milestones_within_contract ON accounts_contractmilestone;
DROP FUNCTION accounts_milestones_fit();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_credited_documents"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContractMilestone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                (
                    "amount",
                    accounts.models.base.MoneyField(
                        decimal_places=4,
                        max_digits=19,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.0001"))],
                        verbose_name="amount",
                    ),
                ),
                ("planned_on", models.DateField(verbose_name="planned for")),
                (
                    "accepted_on",
                    models.DateField(
                        blank=True,
                        help_text="Empty: not accepted yet, so nothing of it is recognised.",
                        null=True,
                        verbose_name="accepted on",
                    ),
                ),
            ],
            options={
                "verbose_name": "contract milestone",
                "verbose_name_plural": "contract milestones",
                "ordering": ["planned_on", "pk"],
            },
        ),
        migrations.AddField(
            model_name="contract",
            name="cancelled_on",
            field=models.DateField(
                blank=True,
                help_text="First day on which a cancelled contract is no longer in force; what was not delivered ends with it.",
                null=True,
                verbose_name="cancelled on",
            ),
        ),
        migrations.AddIndex(
            model_name="revenuerecord",
            index=models.Index(
                condition=models.Q(
                    ("basis", "recognised"), ("contract__isnull", False), ("withdrawn_at__isnull", True)
                ),
                fields=["contract", "booked_on"],
                name="revenue_recognised_contract",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(("cancelled_on__isnull", True), ("status", "cancelled"), _connector="OR"),
                name="contract_cancelled_by_status",
                violation_error_message="Only a cancelled contract has a day of cancellation; set its status too.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cancelled_on__isnull", True),
                    ("signed_on__isnull", True),
                    ("cancelled_on__gte", models.F("signed_on")),
                    _connector="OR",
                ),
                name="contract_cancelled_after_signing",
                violation_error_message="The contract is cancelled before it was signed.",
            ),
        ),
        migrations.AddField(
            model_name="contractmilestone",
            name="contract",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="milestones",
                to="accounts.contract",
                verbose_name="contract",
            ),
        ),
        migrations.AddConstraint(
            model_name="contractmilestone",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="milestone_amount_above_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="contractmilestone",
            constraint=models.CheckConstraint(
                condition=models.Q(("title", ""), _negated=True), name="milestone_title_given"
            ),
        ),
        migrations.RunSQL(FIT, UNFIT),
    ]
