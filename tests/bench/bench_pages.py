"""P2 for every page of figures: server time of the first opening and of the next, and SQL statements.

Flatness is the statements at this size against those at the smallest. ``--ledger`` opens the pages on the database that
the environment names, with a real ledger, and holds each against the goal for one. The first opening finds nothing kept,
neither in the cache nor in the process, as after a night; a posting alone leaves what the night summed up of products.
"prepared" is the first one after the job that the minute tick sends.
"""

from __future__ import annotations

import gc
import secrets
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.bench_list import AS_OF, clear, company
from tests.bench.harness import database, ledger, note

if TYPE_CHECKING:
    from accounts.models import User

GOAL_SECONDS = 0.3  # of a page on the Online Retail ledger and on the demo company
OPENINGS = {"first": 3, "again": 7}
PERIODS = {"base": "2023", "comparison": "2024"}  # whole years of the generated ledger, as the wire wants them
FIGURES = {
    "growth": PERIODS, "retention": PERIODS, "bridge": PERIODS, "decomposition": PERIODS, "directions": PERIODS,
    "activity": {"period": "2024"}, "concentration": {"period": "2024"}, "doubling": {"period": "2024"},
    "trend": {"metric": "revenue", "from": "2024-01", "to": "2024-12"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """Median seconds of one page by the state it finds, and its SQL statements when opened again."""

    first: float
    prepared: float
    again: float
    statements: int


def run(size: str) -> None:
    with database():
        _company("S")
        small = _opened()
        large = small
        if size != "S":
            clear()
            _company(size)
            large = _opened()
    for name, page in large.items():
        before = small[name]
        verdict = "" if size == "S" else f", {before.statements} at S"
        verdict += "" if page.statements == before.statements else " MISSED"
        note(f"{_words(name, page)}{verdict}")


def on_ledger() -> None:
    """Every page over the ledger of the configured database, as somebody who sees all accounts."""
    with ledger():
        for name, page in _opened().items():
            slowest = max(page.first, page.again)
            verdict = "met" if slowest <= GOAL_SECONDS else "MISSED"
            note(f"{_words(name, page)}; goal ≤ {GOAL_SECONDS * 1000:g} ms {verdict}")


def _company(size: str) -> None:
    from metrics.product_rollup import write_account_products

    company(size)
    write_account_products(AS_OF)


def _opened() -> dict[str, Opening]:
    """Every page: by itself with nothing kept, then all of them after the tick, then once more."""
    from crm import pipeline

    with _reader() as reader:
        paths = _paths()
        reader.get(paths["dashboard"])  # what a process loads once
        first = {name: _median(reader, path, OPENINGS["first"], is_new=True) for name, path in paths.items()}
        forget()
        started = time.perf_counter()
        pipeline.ready_pages()
        note(f"what the tick prepares: {time.perf_counter() - started:.2f} s")
        prepared = {name: _median(reader, path, 1) for name, path in paths.items()}
        again = {name: _median(reader, path, OPENINGS["again"]) for name, path in paths.items()}
        return {
            name: Opening(first[name], prepared[name], again[name], reader.statements(path))
            for name, path in paths.items()
        }


class Reader:
    """A manager before the pages, through every middleware, without a socket."""

    def __init__(self, user: User) -> None:
        from django.test import Client

        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(user)

    def get(self, path: str) -> None:
        response = self.client.get(path)
        if response.streaming:
            b"".join(response.streaming_content)
        assert response.status_code == 200, f"{path} answers {response.status_code}"

    def statements(self, path: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            self.get(path)
        return len(captured)


@contextmanager
def _reader() -> Iterator[Reader]:
    """Somebody who sees every account, gone afterwards."""
    from django.contrib.auth.models import Permission

    from accounts.models import User

    user = User.objects.create(username=f"bench-{secrets.token_hex(4)}")
    user.user_permissions.add(Permission.objects.get(codename="view_all_accounts"))
    reader = Reader(user)
    try:
        yield reader
    finally:
        reader.client.logout()
        user.delete()


def _paths() -> dict[str, str]:
    from urllib.parse import urlencode

    from accounts.models import Account
    from crm.web.metric_questions import QUESTIONS

    middle = Account.objects.order_by("pk")[Account.objects.count() // 2].pk
    return {
        "dashboard": "/",
        "accounts": "/accounts/",
        "account": f"/accounts/{middle}/",
        "account, revenue": f"/accounts/{middle}/revenue/",
        "account, grade": f"/accounts/{middle}/grade/",
        "tiering": "/tiering/",
        "tiering, model": "/tiering/model/",
        "service": "/service/",
        "account, service": f"/accounts/{middle}/service/",
        "reported": "/metrics/reported/",
        **{f"metrics, {key}": f"/metrics/{key}/" for key in QUESTIONS},
        **{f"rest, {key}": f"/api/v1/metrics/{key}/?{urlencode(query)}" for key, query in FIGURES.items()},
    }


def forget() -> None:
    """Nothing that was kept can be found again."""
    from django.core.cache import cache

    from metrics import selectors
    from metrics.services import lifetime_contracts, lifetime_fit

    cache.clear()
    for kept in (
        selectors._ledger_currencies,
        selectors._linked_bases,
        lifetime_fit._computed,
        lifetime_contracts.renewal_cohorts,
    ):
        kept.cache_clear()


def _median(reader: Reader, path: str, times: int, *, is_new: bool = False) -> float:
    seconds = []
    for _time in range(times):
        if is_new:
            forget()
        gc.collect()
        started = time.perf_counter()
        reader.get(path)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _words(name: str, page: Opening) -> str:
    times = ", ".join(
        f"{word} {seconds * 1000:.0f} ms"
        for word, seconds in (("first", page.first), ("prepared", page.prepared), ("again", page.again))
    )
    return f"{name:<32} {times}; {page.statements} statements"
