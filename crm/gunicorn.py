"""How the web server runs, under ``manage.py run`` and in a container alike. Command-line options win over this."""

import os
import signal
from typing import Any

from crm.engines.child import end_with_parent

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# Above the 60 s htmx waits, so that a slow answer is the application's to explain.
timeout = 90
graceful_timeout = 7
keepalive = 5
control_socket_disable = True
# Loaded once before the workers fork: they share its memory and are ready at once.
preload_app = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # nosec B108 # heartbeat files, no data
loglevel = "warning"
proc_name = "facet-web"


def on_starting(server: Any) -> None:
    """Read all pages' modules now; Django would leave that to each worker's first visitor."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its master however that dies."""
    end_with_parent(signal.SIGKILL, parent=server.pid)


def post_worker_init(worker: Any) -> None:
    """What takes seconds to load is loaded while the worker waits for its first visitor."""
    from crm.warm import load_in_background

    load_in_background()
