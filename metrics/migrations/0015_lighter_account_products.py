"""Rows of products without their day, and without checks that the ledger makes anyway."""

import datetime

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0014_sum_up_product_days"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountproduct",
            name="as_of",
            field=models.DateField(
                default=datetime.date(1970, 1, 1)
            ),  # of a table that is filled again by the next night
        ),
        migrations.RemoveField(
            model_name="accountproduct",
            name="as_of",
        ),
        migrations.AlterField(
            model_name="accountproduct",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.account",
            ),
        ),
        migrations.AlterField(
            model_name="accountproduct",
            name="product",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.product",
            ),
        ),
    ]
