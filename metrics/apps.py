from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MetricsConfig(AppConfig):
    name = "metrics"
    verbose_name = _("Figures")

    def ready(self) -> None:
        from accounts.signals import accounts_merged, ledger_changed
        from metrics import merges, product_days, rollup

        ledger_changed.connect(rollup.refresh_touched, dispatch_uid="metrics.rollup")
        ledger_changed.connect(product_days.refresh_touched, dispatch_uid="metrics.product_days")
        accounts_merged.connect(merges.accounts_merged, dispatch_uid="metrics.merges")
