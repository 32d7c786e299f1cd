"""Accounts that became part of another, and what moved with them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# No chains: who carries the figures of another account is not merged itself, and who is merged carries nobody's.
GUARD = """
CREATE FUNCTION accounts_merged_into_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.merged_into_id IS NOT NULL AND (
        EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.merged_into_id AND merged_into_id IS NOT NULL)
        OR EXISTS (SELECT 1 FROM accounts_account WHERE merged_into_id = NEW.id)
    ) THEN
        RAISE EXCEPTION 'Merged accounts make no chains: merge into the account that stays.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_merged_once AFTER INSERT OR UPDATE OF merged_into_id ON accounts_account
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL)
    EXECUTE FUNCTION accounts_merged_into_guard();
CREATE TRIGGER account_merged_changed AFTER UPDATE ON accounts_account FOR EACH ROW
    WHEN (OLD.merged_into_id IS DISTINCT FROM NEW.merged_into_id) EXECUTE FUNCTION accounts_note_fact_change();
"""
UNGUARD = """
DROP TRIGGER account_merged_changed ON accounts_account;
DROP TRIGGER account_merged_once ON accounts_account;
DROP FUNCTION accounts_merged_into_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_group_memberships")]

    operations = [
        migrations.CreateModel(
            name="AccountMerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merged_at", models.DateTimeField(verbose_name="merged at")),
                ("reason", models.TextField(verbose_name="reason")),
                ("moved", models.JSONField(default=dict, verbose_name="what moved")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
            ],
            options={
                "verbose_name": "merge of accounts",
                "verbose_name_plural": "merges of accounts",
                "ordering": ["-merged_at", "-pk"],
            },
        ),
        migrations.AddField(
            model_name="account",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                help_text="The account that carries its figures; never one that is merged itself.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged_accounts",
                to="accounts.account",
                verbose_name="merged into",
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="account_merged"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True),
                    models.Q(("merged_into", models.F("pk")), _negated=True),
                    _connector="OR",
                ),
                name="account_not_merged_into_itself",
            ),
        ),
        migrations.AddField(
            model_name="accountmerge",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="accountmerge",
            name="merged",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merges",
                to="accounts.account",
                verbose_name="merged account",
            ),
        ),
        migrations.AddField(
            model_name="accountmerge",
            name="survivor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merges_taken",
                to="accounts.account",
                verbose_name="account that stays",
            ),
        ),
        migrations.AddField(
            model_name="accountmerge",
            name="undone_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="undone by",
            ),
        ),
        migrations.AddConstraint(
            model_name="accountmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged", models.F("survivor")), _negated=True), name="accountmerge_two_accounts"
            ),
        ),
        migrations.AddConstraint(
            model_name="accountmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="accountmerge_reason_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="accountmerge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("merged",), name="accountmerge_once_at_a_time"
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
