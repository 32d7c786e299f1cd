from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_webhooks")]

    operations = [
        migrations.AlterModelOptions(
            name="erasure",
            options={
                "managed": False,
                "ordering": ["-erased_at", "-pk"],
                "permissions": [
                    ("export_person", "Can export what is kept about a person"),
                    ("erase_person", "Can erase the personal data of a person"),
                ],
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
            },
        ),
    ]
