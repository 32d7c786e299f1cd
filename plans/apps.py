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
        post_migrate.connect(_first_team_rules, sender=self)
        from plans import signals  # noqa: F401 (connects)


def _first_policy(*, using: str, apps: Any = registry, **_others: Any) -> None:
    """A fresh database gets the starting values, so that no grade is without promises; so does one that was emptied."""
    try:
        apps.get_model("plans", "Strategy")
    except LookupError:  # migrated to before there were policies
        return
    from plans.defaults import ensure_policy

    ensure_policy(using=using)


def _first_team_rules(*, using: str, apps: Any = registry, **_others: Any) -> None:
    """A fresh database gets the rule of each grade for its teams; what was changed stays."""
    try:
        apps.get_model("plans", "TeamRule")
    except LookupError:  # migrated to before there were rules
        return
    from plans.defaults_team import ensure_team_rules

    ensure_team_rules(using=using)
