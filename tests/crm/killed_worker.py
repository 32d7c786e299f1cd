"""A real worker for nights whose stages take a moment longer, so that a kill at any time finds one of them.

python killed_worker.py PREFIX NAME: takes nights from the queue under the broker prefix PREFIX.
"""

import os
import sys
import time
from contextlib import contextmanager

import django

MOMENT = 0.12  # seconds a stage


def main(prefix: str, name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from django.conf import settings

    settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = prefix
    django.setup()
    from crm.celery import app
    from crm.pipeline import Phases

    phase = Phases.phase

    @contextmanager
    def slower(self, stage):
        time.sleep(MOMENT)
        with phase(self, stage) as counts:
            yield counts

    Phases.phase = slower
    quiet = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
    app.worker_main(["worker", "-n", f"{name}@%h", "-Q", "nights", "-c", "1", *quiet.split()])


if __name__ == "__main__":
    main(*sys.argv[1:])
