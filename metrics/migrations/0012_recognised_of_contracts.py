"""What was recognised of each contract day by day, summed up from the ledger as it stands."""

import accounts.models.base
import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO metrics_contractday (account_id, contract_id, day, currency, net)
SELECT account_id, contract_id, booked_on, currency, sum(amount)
FROM accounts_revenuerecord
WHERE withdrawn_at IS NULL AND basis = 'recognised' AND contract_id IS NOT NULL
GROUP BY account_id, contract_id, booked_on, currency
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_contract_milestones"),
        ("metrics", "0011_product_night_so_far"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContractDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("currency", accounts.models.base.CurrencyField(max_length=3)),
                ("net", models.DecimalField(decimal_places=4, max_digits=25)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.contract",
                    ),
                ),
            ],
            options={
                "verbose_name": "contract day",
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "account", "day", "currency"), name="contractday_once")
                ],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
