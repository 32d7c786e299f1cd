"""The sums there are were written by a night: note it."""

from django.db import migrations

NOTE = """
INSERT INTO metrics_productnight (id, as_of, written_at)
SELECT 1, max(as_of), now() FROM metrics_accountproduct HAVING count(*) > 0
"""


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0010_product_nights"),
    ]

    operations = [
        migrations.RunSQL(NOTE, "DELETE FROM metrics_productnight"),
    ]
