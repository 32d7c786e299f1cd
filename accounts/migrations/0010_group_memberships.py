"""Which group an account belonged to on which days."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.models.people

# Several accounts may change in one statement; one row says so.
NOTE = """
CREATE TRIGGER groupmembership_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts_groupmembership
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_note_fact_change();
"""
FORGET = "DROP TRIGGER groupmembership_changed ON accounts_groupmembership;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_market_efforts")]

    operations = [
        migrations.CreateModel(
            name="GroupMembership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                (
                    "valid_from",
                    models.DateField(blank=True, help_text="Empty: since ever.", null=True, verbose_name="from"),
                ),
                (
                    "valid_to",
                    models.DateField(
                        blank=True,
                        help_text="First day no longer in the group; empty: still.",
                        null=True,
                        verbose_name="to",
                    ),
                ),
            ],
            options={
                "verbose_name": "group membership",
                "verbose_name_plural": "group memberships",
                "ordering": ["account", models.OrderBy(models.F("valid_from"), nulls_first=True), "pk"],
            },
        ),
        migrations.AddField(
            model_name="groupmembership",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AddField(
            model_name="groupmembership",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="entered by",
            ),
        ),
        migrations.AddField(
            model_name="groupmembership",
            name="parent",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships_below",
                to="accounts.account",
                verbose_name="group parent",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmembership",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("account")), _negated=True),
                name="groupmembership_not_own_parent",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmembership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__isnull", True),
                    ("valid_to__isnull", True),
                    ("valid_to__gt", models.F("valid_from")),
                    _connector="OR",
                ),
                name="groupmembership_ends_after_start",
                violation_error_message="The last day lies before the first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmembership",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("account", "="),
                    (
                        accounts.models.people.DateRange(
                            "valid_from", "valid_to", django.contrib.postgres.fields.ranges.RangeBoundary()
                        ),
                        "&&",
                    ),
                ],
                name="groupmembership_one_parent_a_day",
                violation_error_message="The account has another parent in these days.",
            ),
        ),
        migrations.RunSQL(NOTE, FORGET),
    ]
