from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts and ledger")

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from accounts import local_day
        from accounts.security import sessions

        sessions.connect()
        post_migrate.connect(local_day.put_on, sender=self)
