from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServiceConfig(AppConfig):
    name = "service"
    verbose_name = _("Service")

    def ready(self) -> None:
        from accounts.signals import accounts_merged
        from service import merges

        accounts_merged.connect(merges.accounts_merged, dispatch_uid="service.merges")
