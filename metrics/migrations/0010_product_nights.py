"""When the sums of products last changed: what rests on them is kept until then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0009_credit_notes_of_the_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProductNight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField()),
                ("written_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="productnight_one")],
            },
        ),
    ]
