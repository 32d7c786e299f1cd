"""Names of the accounts that are there, as the search for duplicates reads them."""

from typing import Any

from django.db import migrations

from accounts.names import name_grams, name_key

PAGE = 1000


def fill(apps: Any, _editor: Any) -> None:
    account = apps.get_model("accounts", "Account")
    last = 0
    while page := list(
        account.objects.filter(pk__gt=last).order_by("pk").only("pk", "name", "latin_name", "short_name")[:PAGE]
    ):
        for one in page:
            one.name_key, one.name_grams = name_key(one.name), name_grams(one.name, one.latin_name, one.short_name)
        account.objects.bulk_update(page, ["name_key", "name_grams"])
        last = page[-1].pk


class Migration(migrations.Migration):
    dependencies = [("accounts", "0028_names_for_duplicates")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
