"""The Celery application. The database holds the state; the broker only wakes workers."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import beat_embedded_init, setup_logging, worker_init, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep

from crm.engines.child import end_with_parent
from crm.roles import take_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("facet")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """A receiver is all Celery asks for to leave the log handlers of the settings alone."""


@worker_init.connect
def work_within_limits(**kwargs: Any) -> None:
    """Before the pool is forked, so that its processes have them too."""
    take_role("worker")


@worker_process_init.connect
@beat_embedded_init.connect
def follow_the_worker(**kwargs: Any) -> None:
    """Pool and timetable processes end with their worker, however that dies: a killed one leaves nothing at work."""
    end_with_parent(signal.SIGKILL)
