from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Facet")

    def ready(self) -> None:
        """Put the trail of changes on: who acts, on every connection and task; the triggers, after migrations, and the
        policies of the second wall."""
        from celery.signals import task_postrun, task_prerun
        from django.core import checks
        from django.db.backends.signals import connection_created
        from django.db.models.signals import post_migrate, pre_migrate

        from crm import wall
        from crm.trail import signature, triggers

        connection_created.connect(signature.watch_connection)
        task_prerun.connect(signature.sign_task)
        task_postrun.connect(signature.unsign_task)
        pre_migrate.connect(triggers.loosen, sender=self)
        post_migrate.connect(triggers.put_on, sender=self)
        post_migrate.connect(wall.put_up, sender=self)
        checks.register(wall.check, checks.Tags.database)
