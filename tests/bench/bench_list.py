"""P1 and P2: the account list of 50 rows with every figure column, as a manager who sees all accounts.

P1 compares the page with a bare fetch of the same 50 rows joined into a string, and with a stock admin list of the same
models. P2 compares each page at this size with itself at the smallest size: time, and the number of SQL statements.
A figure counts only if page and bare fetch name the same accounts in the same order.
"""

from __future__ import annotations

import re
import secrets
import statistics
import time
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.bench.bench_retier import SIZES, Night, build
from tests.bench.harness import PAIRS, compare, database, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import Account

GOAL_BARE, GOAL_ADMIN, GOAL_FLAT = 15, 20, 1.25
AS_OF = date(2024, 12, 31)
OWNERS = 20
ROWS = 50
BARE = """
SELECT a.id, a.name, a.code, a.grade, a.composite, u.username, f.ttm_revenue, f.growth_rate, f.spark, f.clv,
       f.last_order_on
FROM accounts_account a JOIN metrics_accountfigures f ON f.account_id = a.id LEFT JOIN accounts_user u ON u.id = a.owner_id
ORDER BY f.ttm_revenue DESC NULLS LAST, a.id LIMIT 50
"""


def run(size: str) -> None:
    with database():
        company("S")
        pages = Pages()
        small = {name: pages.measure(path) for name, path in pages.paths().items()}
        if size != "S":
            clear()
            company(size)
            pages = Pages()
        check(pages)
        compare("account list", ours=lambda: pages.get("/accounts/"), reference=bare_rows, at_most=GOAL_BARE,
                reference_name="a bare fetch joined into a string")  # fmt: skip
        compare("account list", ours=lambda: pages.get("/accounts/"), reference=StockAdmin().changelist,
                at_least=GOAL_ADMIN, reference_name="a stock admin list (goal stated for 1M accounts)")  # fmt: skip
        if size != "S":
            flatness(small, {name: pages.measure(path) for name, path in pages.paths().items()})


class Pages:
    """The pages of a manager, through every middleware, without a socket."""

    def __init__(self) -> None:
        from django.contrib.auth.models import Permission
        from django.test import Client

        from accounts.models import User

        manager, _made = User.objects.get_or_create(username="manager")
        manager.user_permissions.add(Permission.objects.get(codename="view_all_accounts"))
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(manager)

    def paths(self) -> dict[str, str]:
        from accounts.models import Account

        middle = Account.objects.order_by("pk")[Account.objects.count() // 2].pk
        return {"list": "/accounts/", "account": f"/accounts/{middle}/", "search": "/search/?q=a77", "dashboard": "/"}

    def get(self, path: str) -> str:
        response = self.client.get(path)
        assert response.status_code == 200, f"{path} answers {response.status_code}"
        return str(response.content.decode())

    def measure(self, path: str) -> tuple[float, int]:
        """Median seconds of a warm page, and its SQL statements."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        started = time.perf_counter()
        self.get(path)
        if path == "/":  # kept for the ledger as it stands: what follows finds it, this one computes it
            note(f"dashboard computed for a new ledger: {time.perf_counter() - started:.2f} s")
        with CaptureQueriesContext(connection) as captured:
            self.get(path)
        statements = len(captured)  # now: the next request empties the log
        seconds = []
        for _pair in range(PAIRS):
            started = time.perf_counter()
            self.get(path)
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds), statements


class StockAdmin:
    """The admin list a first try would use: the same columns, the templates that come with the framework."""

    def __init__(self) -> None:
        import django.contrib.admin
        from django.conf import settings
        from django.contrib.admin import AdminSite, ModelAdmin
        from django.template.backends.django import get_installed_libraries
        from django.template.engine import Engine

        from accounts.models import Account, User

        class Accounts(ModelAdmin):
            list_display = ("name", "code", "grade", "composite", "owner", "ttm", "growth", "clv", "last_order")
            list_per_page = ROWS
            list_select_related = ("owner", "figures")
            ordering = ("-figures__ttm_revenue",)
            ttm, growth = figure("ttm_revenue"), figure("growth_rate")
            clv, last_order = figure("clv"), figure("last_order_on")

        self.admin = Accounts(Account, AdminSite())
        options = dict(settings.TEMPLATES[0]["OPTIONS"])
        self.engine = Engine(
            dirs=[str(Path(django.contrib.admin.__file__).parent / "templates")],
            app_dirs=True,
            libraries=get_installed_libraries(),
            **options,
        )
        self.user = User.objects.create_superuser(f"admin{secrets.token_hex(4)}")

    def changelist(self) -> None:
        from django.contrib.messages.storage.fallback import FallbackStorage
        from django.contrib.sessions.backends.db import SessionStore
        from django.template import engines
        from django.test import RequestFactory

        request = RequestFactory(headers={"host": "localhost"}).get("/admin/accounts/account/")
        request.user, request.session = self.user, SessionStore()  # type: ignore[assignment]
        request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
        with patch.object(engines["django"], "engine", self.engine):
            response = self.admin.changelist_view(request)
            response.render()  # type: ignore[attr-defined]
        assert response.content.count(b'name="_selected_action"') == ROWS


def figure(column: str) -> Callable[[object, Account], object]:
    return lambda _admin, account: getattr(account.figures, column)


def company(size: str) -> None:
    """Accounts, ledger, roll-up, owners, one published night and the figures of the list."""
    from django.db import connection

    from accounts.models import User
    from metrics.services.figures import write_account_figures

    accounts, rows, _pairs = SIZES[size]
    seed = secrets.randbits(16)
    build(accounts=accounts, rows=rows, seed=seed)
    note(f"{accounts:,} accounts, {rows:,} ledger rows, seed {seed}")
    owners = [User.objects.get_or_create(username=f"owner{number}")[0].pk for number in range(OWNERS)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_account SET owner_id = (%s::bigint[])[1 + id %% %s]", [owners, OWNERS])
    write_account_figures(AS_OF)
    Night(AS_OF)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def clear() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_account, accounts_product, accounts_importbatch, tiering_tierrun CASCADE")


def bare_rows() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(BARE)
        return "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in cursor.fetchall()
        )


def check(pages: Pages) -> None:
    shown = list(dict.fromkeys(re.findall(r'href="/accounts/(\d+)/', pages.get("/accounts/"))))
    assert shown == re.findall(r"<tr><td>(\d+)</td>", bare_rows()), "page and bare fetch show other accounts"


def flatness(small: dict[str, tuple[float, int]], large: dict[str, tuple[float, int]]) -> None:
    for name, (seconds, statements) in large.items():
        before, statements_before = small[name]
        ratio = seconds / before
        verdict = "met" if ratio <= GOAL_FLAT and statements == statements_before else "MISSED"
        note(
            f"{name}: {seconds * 1000:.1f} ms against {before * 1000:.1f} ms at S, {ratio:.2f} ×, goal ≤ {GOAL_FLAT} × "
            f"{verdict}; {statements} statements against {statements_before}"
        )
