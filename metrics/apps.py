from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MetricsConfig(AppConfig):
    name = "metrics"
    verbose_name = _("Figures")

    def ready(self) -> None:
        from accounts.signals import ledger_changed
        from metrics.rollup import refresh_touched

        ledger_changed.connect(refresh_touched, dispatch_uid="metrics.rollup")
