"""The refits behind a lifetime fit and the intervals they give, of every account and of all together."""

from django.db import migrations, models

ENDS = {
    "clv_low": {"help_text": "Lower end of the 80 % interval of the estimate."},
    "clv_high": {},
    "expected_revenue_low": {},
    "expected_revenue_high": {},
}


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_lighter_account_figures")]

    operations = [
        *(
            migrations.AddField(model_name="accountfigures", name=name, field=models.FloatField(null=True, **options))
            for name, options in ENDS.items()
        ),
        migrations.AddField(model_name="lifetimefit", name="draws", field=models.JSONField(null=True)),
        migrations.AddField(model_name="lifetimefit", name="intervals", field=models.JSONField(null=True)),
    ]
