from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PlansConfig(AppConfig):
    name = "plans"
    verbose_name = _("Plans")

    def ready(self) -> None:
        from accounts.signals import accounts_merged
        from plans import merges

        post_migrate.connect(_first_policy, sender=self)
        accounts_merged.connect(merges.accounts_merged, dispatch_uid="plans.merges")


def _first_policy(*, using: str, apps: Any = registry, **_others: Any) -> None:
    """A fresh database gets the starting values, so that no grade is without promises; so does one that was emptied."""
    try:
        apps.get_model("plans", "Strategy")
    except LookupError:  # migrated to before there were policies
        return
    from plans.defaults import ensure_policy

    ensure_policy(using=using)
