from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TieringConfig(AppConfig):
    name = "tiering"
    verbose_name = _("Grades")

    def ready(self) -> None:
        from accounts.signals import accounts_merged
        from tiering import merges

        accounts_merged.connect(merges.accounts_merged, dispatch_uid="tiering.merges")
