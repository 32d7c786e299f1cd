"""pytest plugin, loaded before the settings are read: throw-away engines where DATABASE_URL or REDIS_URL is not given.

The controlling process starts PostgreSQL once and xdist workers inherit its address (pytest-django gives each a
database); every process gets a Valkey of its own, so that no test sees another's keys. What a killed run left behind is
removed by the next one.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "facet-tests-"
# A folder this young may belong to a run that has not taken its lock yet.
ABANDONED_AFTER_SECONDS = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "live_server",
}

_engines = contextlib.ExitStack()
_process = os.getpid()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    _start_engines()
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "db: uses the database (added by itself).")
    config.addinivalue_line("markers", "e2e: drives a real browser.")
    _keep_keys_apart()
    _copy_migrated_database()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _stop_engines()


# They walk every door of the product; what they find is of the code at the edge, whichever server stands behind it.
FAMILIES = (
    "test_fuzz_api.py", "test_fuzz_pages.py", "test_mass_assignment.py", "test_matrix.py", "test_sqlmap.py", "test_uploads.py", "test_worlds.py",
    "web/test_formula_injection.py", "web/test_formulas_in_libreoffice.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is bound to the database, the families, and browser tests by their folder; skip the last without a browser."""
    families = {ROOT / "tests" / name for name in FAMILIES}
    browser = any(shutil.which(name) for name in BROWSERS)
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("db")
        if item.path in families:
            item.add_marker("family")
        if (ROOT / "tests" / "e2e") in item.path.parents:
            item.add_marker("e2e")
        if item.get_closest_marker("e2e") and not browser:
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed on this machine"))


def _start_engines() -> None:
    """Start what the environment does not name and fill the environment the settings will read."""
    from crm import embedded
    from crm.engines import postgres

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    given = {"postgres": os.environ.get("DATABASE_URL"), "valkey": os.environ.get("REDIS_URL")}
    needs = [kind for kind in embedded.ALL if not given[kind]]
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        _remove_abandoned()
    if "postgres" in needs:
        from tests import template_cluster

        template_cluster.prepare()
    var = Path(tempfile.mkdtemp(prefix=PREFIX))
    if os.geteuid() == 0:
        var.chmod(0o711)  # PostgreSQL then runs as another user, who must be let through
    (var / "static").mkdir()
    _engines.callback(shutil.rmtree, var, ignore_errors=True)
    atexit.register(_stop_engines)
    if "postgres" in needs:
        template_cluster.copy_into(var)
    _engines.enter_context(embedded.hold(var, needs=needs, command="tests", durable=False))
    os.environ["FACET_VAR"] = str(var)
    if "postgres" in needs:
        os.environ["DATABASE_URL"] = embedded.urls(var).database
        os.environ["FACET_TESTS_TEMPLATE"] = postgres.DATABASE
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "k" * 50)


def _stop_engines() -> None:
    if os.getpid() == _process:
        _engines.close()


def _keep_keys_apart() -> None:
    """On a given Redis every process of every run writes under a prefix of its own."""
    from django.conf import settings

    if settings.configured and os.environ.get("REDIS_URL"):
        prefix = f"facet-tests-{os.getpid()}"
        settings.CACHES["default"]["KEY_PREFIX"] = prefix
        settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{prefix}:"


def _copy_migrated_database() -> None:
    """On a cluster of our own each worker's database begins as a copy of the migrated one."""
    from django.conf import settings

    if settings.configured and (template := os.environ.get("FACET_TESTS_TEMPLATE")):
        settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = template


def _remove_abandoned() -> None:
    """Folders of runs that were killed: nobody holds their lock."""
    from crm.engines.locks import FileLock

    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime < ABANDONED_AFTER_SECONDS:
                continue
            lock = FileLock(folder / "owner.lock")
            if lock.try_exclusive():
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
