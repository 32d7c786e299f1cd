"""The credit notes that are in the ledger already; none of them names its original yet."""

from django.db import migrations

BACKFILL = """
INSERT INTO metrics_accountcredit
    (account_id, day, currency, basis, reference, credits_reference, original_on, net, cost, lines_without_cost, lines)
SELECT account_id, booked_on, currency, basis, reference, '', NULL, sum(amount), coalesce(sum(cost), 0),
       count(*) FILTER (WHERE cost IS NULL), count(*)
FROM accounts_revenuerecord
WHERE withdrawn_at IS NULL AND kind = 'credit_note'
GROUP BY account_id, booked_on, currency, basis, reference
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0008_credit_notes")]

    operations = [migrations.RunSQL(BACKFILL, "DELETE FROM metrics_accountcredit")]
