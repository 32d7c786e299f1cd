"""A score row stands until another one takes its place; what changes between two nights is marked by triggers.

Nights so far graded every account anew, so each of them builds on itself and its rows stand on it alone.
"""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
UPDATE tiering_tierrun SET base_id = id WHERE state IN ('published', 'superseded', 'ready') AND model_id IS NOT NULL;
UPDATE tiering_score s SET base_id = s.run_id, valid_from = r.as_of FROM tiering_tierrun r WHERE r.id = s.run_id;
DELETE FROM tiering_score WHERE base_id IS NULL;
TRUNCATE tiering_ledgerfacts;
DELETE FROM tiering_keptledger;
"""

# Rows before and after a statement come as transition tables; the columns that name the account are all called alike.
MARK = """
CREATE FUNCTION tiering_mark_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tiering_changedaccount (account_id) SELECT DISTINCT account_id FROM now_there;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tiering_changedaccount (account_id) SELECT DISTINCT account_id FROM was_there;
    ELSE
        INSERT INTO tiering_changedaccount (account_id)
        SELECT account_id FROM now_there UNION SELECT account_id FROM was_there;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION tiering_mark_payers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tiering_changedaccount (account_id) SELECT DISTINCT r.account_id FROM accounts_receivable r
        WHERE r.id IN (SELECT receivable_id FROM now_there);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tiering_changedaccount (account_id) SELECT DISTINCT r.account_id FROM accounts_receivable r
        WHERE r.id IN (SELECT receivable_id FROM was_there);
    ELSE
        INSERT INTO tiering_changedaccount (account_id) SELECT DISTINCT r.account_id FROM accounts_receivable r
        WHERE r.id IN (SELECT receivable_id FROM now_there UNION SELECT receivable_id FROM was_there);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION tiering_mark_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tiering_changedaccount (account_id) SELECT id FROM now_there;
    RETURN NULL;
END $$;
CREATE FUNCTION tiering_mark_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tiering_changedaccount (account_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION tiering_mark_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tiering_changedaccount (account_id) VALUES (0);
    RETURN NULL;
END $$;
"""
UNMARK = """
DROP FUNCTION tiering_mark_accounts();
DROP FUNCTION tiering_mark_payers();
DROP FUNCTION tiering_mark_new();
DROP FUNCTION tiering_mark_itself();
DROP FUNCTION tiering_mark_everything();
"""
BY_ACCOUNT = (
    "accounts_contract", "accounts_rating", "accounts_walletestimate", "accounts_receivable", "accounts_teammember",
    "accounts_contact", "service_servicerequest", "tiering_override", "tiering_problemdecision",
)  # fmt: skip
# What an evaluation reads of the account itself; grades, names and owners are no part of it.
READ = ("credit_stop_on", "litigation_on", "insolvency_on", "before_data_start", "opened_on", "planned_from", "planned_until",
        "merged_into_id")  # fmt: skip
EVENTS = {
    "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS now_there",
    "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS was_there NEW TABLE AS now_there",
    "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS was_there",
}


def _triggers() -> tuple[str, str]:
    made, dropped = [], []
    for table in (*BY_ACCOUNT, "accounts_receivablepayment"):
        does = "tiering_mark_payers" if table == "accounts_receivablepayment" else "tiering_mark_accounts"
        for event, words in EVENTS.items():
            made.append(
                f"CREATE TRIGGER tiering_mark_{event} {words.format(table=table)}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {does}();"
            )
            dropped.append(f"DROP TRIGGER tiering_mark_{event} ON {table};")
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in READ)
    made += [
        f"CREATE TRIGGER tiering_mark_insert {EVENTS['insert'].format(table='accounts_account')}"
        " FOR EACH STATEMENT EXECUTE FUNCTION tiering_mark_new();",
        # Of single columns, so that publishing a night's grades costs nothing here.
        f"CREATE TRIGGER tiering_mark_update AFTER UPDATE OF {', '.join(READ)} ON accounts_account"
        f" FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION tiering_mark_itself();",
        "CREATE TRIGGER tiering_mark_delete AFTER DELETE ON accounts_account"
        " FOR EACH STATEMENT EXECUTE FUNCTION tiering_mark_everything();",
    ]
    dropped += [f"DROP TRIGGER tiering_mark_{event} ON accounts_account;" for event in EVENTS]
    return "\n".join(made), "\n".join(dropped)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_approved_plans"),
        ("service", "0002_steps_of_requests"),
        ("tiering", "0015_lifetime_value_indicator"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangedAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="tierrun",
            name="base",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The night that graded every account anew, and whose rows still stand; itself, if it did.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="nights",
                to="tiering.tierrun",
                verbose_name="builds on",
            ),
        ),
        migrations.AddField(
            model_name="score",
            name="base",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="tiering.tierrun",
                verbose_name="builds on",
            ),
        ),
        migrations.AddField(
            model_name="score", name="valid_from", field=models.DateField(null=True, verbose_name="from")
        ),
        migrations.AddField(
            model_name="score",
            name="valid_to",
            field=models.DateField(blank=True, null=True, verbose_name="to"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="score",
            name="base",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="tiering.tierrun",
                verbose_name="builds on",
            ),
        ),
        migrations.AlterField(model_name="score", name="valid_from", field=models.DateField(verbose_name="from")),
        migrations.AlterModelOptions(
            name="score",
            options={
                "ordering": ["base", "account", "run"],
                "verbose_name": "score",
                "verbose_name_plural": "scores",
            },
        ),
        migrations.RemoveConstraint(model_name="score", name="score_once_a_run"),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.UniqueConstraint(fields=("base", "account", "run"), name="score_once_a_night"),
        ),
        *(
            migrations.AddField(model_name="ledgerfacts", name=name, field=field, preserve_default=False)
            for name, field in (
                ("shown", models.IntegerField(default=0)),
                ("ladder", models.IntegerField(default=0)),
                ("state_bits", models.IntegerField(default=0)),
                ("run_support", models.IntegerField(default=0)),
                ("run_since", models.FloatField(default=0)),
                ("graded_on", models.FloatField(default=0)),
                ("signal_since", models.FloatField(default=0)),
                ("row_run", models.BigIntegerField(default=0)),
                ("next_on", models.IntegerField(db_index=True, default=0)),
            )
        ),
        migrations.AlterField(model_name="keptledger", name="question", field=models.CharField(max_length=400)),
        migrations.AddField(
            model_name="keptledger", name="run_id", field=models.BigIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            model_name="keptledger",
            name="held_for",
            field=models.CharField(default="", max_length=200),
            preserve_default=False,
        ),
        migrations.RunSQL("ALTER TABLE tiering_ledgerfacts SET UNLOGGED", "ALTER TABLE tiering_ledgerfacts SET LOGGED"),
        migrations.RunSQL(MARK, UNMARK),
        migrations.RunSQL(*_triggers()),
    ]
