"""A real browser before a real server: every page that logs an error, is refused by the policy or fails fails the test."""

import os
import shutil
import time
from collections.abc import Generator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page

from accounts.models import User
from tests.engines import BROWSERS
from tests.factories import make_superuser

# The browser's driver runs an event loop in this thread; the ORM is only used between its calls.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
PASSWORD = "a-long-Passw0rd"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
WAIT_MS = 10_000


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The machine's own Chromium, not one the driver downloads."""
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    return {**browser_type_launch_args, "executable_path": path, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-US", "viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def complaints(page: Page) -> Generator[list[str]]:
    """What the browser complains of; a test that leaves one unread fails."""
    found: list[str] = []
    page.set_default_timeout(WAIT_MS)
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def boss(transactional_db: None) -> User:
    return make_superuser(first_name="Lin", last_name="Yue")


@pytest.fixture
def at(page: Page, live_server: Any, boss: User, complaints: list[str]) -> Generator[Any]:
    """at(path): the page as ``boss`` sees it."""

    def go(path: str) -> Page:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        return page

    log_in(page, live_server.url, boss)
    yield go
    page.goto("about:blank")
    wait_until_quiet()


def wait_until_quiet() -> None:
    """Until the server has answered what the browser no longer waits for: it may hold what is emptied next."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
    for _attempt in range(100):
        with connection.cursor() as cursor:
            cursor.execute(others)
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.1)


def log_in(page: Page, base: str, user: User, password: str = PASSWORD) -> None:
    page.goto(base + "/login/")
    page.fill("input[name=username]", user.username)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(base + "/")
