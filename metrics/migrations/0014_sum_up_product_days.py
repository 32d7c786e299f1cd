"""Sum up the days of the ledger that is there."""

from django.db import migrations


FILL = """
INSERT INTO metrics_productday (
    account_id, day, product_key, currency, basis, net, cost, lines, lines_without_cost, has_positive
)
SELECT account_id, booked_on, coalesce(product_id, 0), currency, basis, sum(amount)::numeric(25, 4),
       coalesce(sum(cost), 0)::numeric(25, 4), count(*)::int, (count(*) FILTER (WHERE cost IS NULL))::int,
       bool_or(amount > 0)
FROM accounts_revenuerecord WHERE withdrawn_at IS NULL
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
"""


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0013_product_days"),
    ]

    operations = [
        migrations.RunSQL(FILL, "DELETE FROM metrics_productday"),
    ]
