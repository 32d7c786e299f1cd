"""What the trail costs: the same work with its triggers and without them.

A night writes no column that is watched, and the ledger is exempt, so both should cost what they did. An import that
makes accounts, and an edit of ten thousand of them, leave an entry for each: that is the price, and stated as such.
"""

from __future__ import annotations

import itertools
import secrets
import time
from datetime import timedelta
from typing import Any

from tests.bench.bench_retier import LAST_DAY, SIZES, Night, build, tidy
from tests.bench.harness import compare, database, note

AT_MOST_NIGHT = 1.05
EDITED = 10_000
MADE = """
INSERT INTO accounts_account (created_at, updated_at, code, name, latin_name, short_name, status, segment, industry,
    region, country, size, currency, before_data_start, search_text, sort_key, search_grams, name_grams)
SELECT now(), now(), 'M' || n, 'Made ' || n, '', '', 'active', '', '', '', '', '', '', false, 'm' || n, n::text, '{}', '{}'
FROM generate_series(1, 10000) n
"""


def run(size: str) -> None:
    accounts, rows, pairs = SIZES[size]
    with database():
        build(accounts=accounts, rows=rows, seed=secrets.randbits(16))
        note(f"{accounts:,} accounts, {rows:,} ledger rows")
        days = (LAST_DAY + timedelta(days=number) for number in itertools.count())
        Night(next(days))
        compare(
            "night",
            ours=lambda: Night(next(days), is_full=True),
            reference=lambda: _without(lambda: Night(next(days), is_full=True)),
            reset=tidy,
            at_most=AT_MOST_NIGHT,
            pairs=pairs,
            reference_name="the night without the trail",
        )
        for name, work in (("edit of 10,000 accounts", _edit), ("10,000 accounts made", _make)):
            compare(
                name,
                ours=lambda work=work: _undone(work),
                reference=lambda work=work: _without(lambda: _undone(work)),
                reset=tidy,
                pairs=pairs,
                reference_name="the same without the trail",
            )
        _edit()
        started = time.perf_counter()
        _seal_and_walk(started)


def _seal_and_walk(started: float) -> None:
    from crm.trail.chain import seal, verify

    head = seal()
    sealed = time.perf_counter() - started
    report = verify()
    assert report.is_valid, report.faults
    walked = time.perf_counter() - started - sealed
    note(
        f"{head.sealed if head else 0:,} entries sealed in {sealed:.2f} s; {report.entries:,} walked in {walked:.2f} s"
    )


def _edit() -> None:
    from django.db.models import Value
    from django.db.models.functions import Concat

    from accounts.models import Account

    ids = Account.objects.order_by("pk").values("pk")[:EDITED]
    Account.objects.filter(pk__in=ids).update(region=Concat("region", Value("x")))


def _make() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(MADE)


def _undone(work: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        work()
        transaction.set_rollback(True)


def _without(work: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for verb in ("DISABLE", "ENABLE ALWAYS"):
            for name in ("trail_note_added", "trail_note_change"):
                cursor.execute(f"ALTER TABLE accounts_account {verb} TRIGGER {name}")
            if verb == "DISABLE":
                work()
