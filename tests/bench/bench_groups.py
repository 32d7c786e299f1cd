"""A group of 3,000 subsidiaries over 6 levels: account page and group roll-up, server time and SQL statements.

Reference: a group of 30 over as many levels; the statements must be the same. Every subsidiary has 24 months of revenue,
every tenth has changed its group in the middle of a month, a contract, a receivable and an estimate of its wallet.
"""

from __future__ import annotations

import statistics
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.bench.harness import database, note

if TYPE_CHECKING:
    from accounts.models import Account

GOAL_SECONDS = 0.3
LEVELS = 6
SIZES = {"S": 300, "M": 3_000, "L": 30_000}
FIRST, MONTHS = date(2023, 1, 1), 24
MOVED_ON = date(2024, 5, 17)
OPENINGS = 9


def run(size: str) -> None:
    with database():
        small, large = _group(30, "s"), _group(SIZES[size if size != "S" else "M"], "l")
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        _measure(small, large)


def _group(count: int, mark: str) -> Account:
    """A root with ``count`` accounts below it, each level as wide as the next but one allows."""
    from accounts.models import Account, GroupMembership
    from accounts.search import index_new_accounts
    from tests.factories import post_revenue

    root = Account.objects.create(code=f"{mark}root", name=f"Root {mark}")
    before = Account.objects.create(code=f"{mark}before", name=f"Before {mark}")
    width = round(count ** (1 / LEVELS)) + 1
    level, made = [root], []
    while len(made) < count:
        deep = len(made) and _depth(level[0], root) >= LEVELS
        parents = [root] if deep else level
        fresh = []
        for parent in parents:
            number = count - len(made) if deep else min(width, count - len(made))
            rows = [
                Account(code=f"{mark}{len(made) + at:06}", name=f"Company {mark} {len(made) + at}", parent=parent)
                for at in range(number)
            ]
            fresh += Account.objects.bulk_create(rows)
            made += rows
            if len(made) >= count:
                break
        level = fresh
    index_new_accounts()
    post_revenue([
        {"account": one, "booked_on": _day(month), "amount": Decimal(100 + at % 50), "cost": Decimal(60)}
        for at, one in enumerate([root, *made]) for month in range(MONTHS)
    ])  # fmt: skip
    moved = made[::10]
    GroupMembership.objects.bulk_create(
        row
        for one in moved
        for row in (
            GroupMembership(account=one, parent=before, valid_to=MOVED_ON),
            GroupMembership(account=one, parent_id=one.parent_id, valid_from=MOVED_ON),
        )
    )
    _papers(moved)
    return root


def _day(month: int) -> date:
    return date(FIRST.year + month // 12, month % 12 + 1, 11)


def _depth(account: Account, root: Account) -> int:
    depth = 0
    while account.parent_id is not None and account.pk != root.pk:
        account, depth = account.parent, depth + 1  # type: ignore[assignment]
    return depth


def _papers(accounts: list[Any]) -> None:
    from tests.factories import make_contract, make_receivable, make_user, make_wallet_estimate

    author = make_user()
    for one in accounts:
        make_contract(account=one, status="active", amount=Decimal(1000), currency="CNY", starts_on=FIRST)
        make_receivable(account=one, due_on=date(2024, 12, 1))
        make_wallet_estimate(
            account=one, author=author, estimated_on=FIRST + timedelta(days=400), expires_on=date(2026, 1, 1)
        )


def _measure(small: Account, large: Account) -> None:
    from tests.bench.bench_pages import _reader

    with _reader() as reader:
        for name, path in (
            ("account page", "/accounts/{}/"),
            ("group, as it was", "/accounts/{}/group/?period=2024&membership=as_was"),
            ("group, as it is", "/accounts/{}/group/?period=2024&membership=as_now"),
            ("group over REST", "/api/v1/accounts/{}/group/?period=2024"),
        ):
            for root in (small, large):
                reader.get(path.format(root.pk))  # what a process looks up once
            statements = [reader.statements(path.format(root.pk)) for root in (small, large)]
            seconds = []
            for _opening in range(OPENINGS):
                started = time.perf_counter()
                reader.get(path.format(large.pk))
                seconds.append(time.perf_counter() - started)
            median = statistics.median(seconds)
            verdict = "met" if median <= GOAL_SECONDS and statements[0] == statements[1] else "MISSED"
            note(
                f"{name:<20} {median * 1000:.0f} ms (slowest {max(seconds) * 1000:.0f}); {statements[1]} statements,"
                f" {statements[0]} for a group of 30; goal ≤ {GOAL_SECONDS * 1000:.0f} ms {verdict}"
            )
