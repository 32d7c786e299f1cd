"""Modules that pages need and that take seconds to load: read by each web worker once it answers, not by its first visitor.

They are not read before the fork: a start, a command and a worker's beginning would all wait for what most of them never
use. Meanwhile a page that needs one waits for the rest of it, as it did for all of it before.
"""

from __future__ import annotations

import threading
from importlib import import_module

import structlog

SLOW_MODULES = ("pandas", "scipy.special", "scipy.optimize", "scipy.sparse")

log = structlog.get_logger(__name__)


def load_in_background() -> threading.Thread:
    """Begin to load them in a thread of this process; it never holds up an exit, and a module that fails is left to the
    page that needs it."""
    thread = threading.Thread(target=load, name="warm", daemon=True)
    thread.start()
    return thread


def load() -> None:
    for name in SLOW_MODULES:
        try:
            import_module(name)
        except Exception:
            log.exception("module_not_warmed", module=name)
            return
