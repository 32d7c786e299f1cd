"""The version that is active now has been in force since its first night, and is reviewed a year after its activation."""

from datetime import timedelta

from django.db import migrations
from django.db.models import Min

YEAR = timedelta(days=365)


def record(apps, schema_editor):
    model_class, activation = apps.get_model("tiering", "ScoringModel"), apps.get_model("tiering", "Activation")
    for model in model_class.objects.filter(state="active"):
        first = model.runs.filter(state="published").aggregate(first=Min("as_of"))["first"]
        activation.objects.create(
            model=model, state="in_force", effective_on=first or model.as_of, decided_by_id=model.activated_by_id,
            decided_at=model.activated_at,
        )  # fmt: skip
        if model.activated_at:
            model_class.objects.filter(pk=model.pk).update(review_on=model.activated_at.date() + YEAR)


def forget(apps, schema_editor):
    apps.get_model("tiering", "Activation").objects.filter(proposed_by=None).delete()


class Migration(migrations.Migration):
    dependencies = [("tiering", "0010_proposed_versions_are_frozen")]

    operations = [migrations.RunPython(record, forget)]
