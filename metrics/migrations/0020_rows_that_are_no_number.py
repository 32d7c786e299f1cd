"""Find at once which accounts hold an amount that is no number: the index holds those rows alone, as a rule none."""

from django.db import migrations

CREATE = "CREATE INDEX accountmonth_no_number ON metrics_accountmonth (account_id) WHERE net = 'NaN' OR cost = 'NaN'"


class Migration(migrations.Migration):
    dependencies = [("metrics", "0019_touched_accounts")]

    operations = [migrations.RunSQL(CREATE, "DROP INDEX accountmonth_no_number")]
