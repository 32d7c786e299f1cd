"""J5: a night with fifty kinds of poison among its accounts, against the same night without; everybody else comes out alike."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.bench.bench_retier import LAST_DAY, SIZES, build
from tests.bench.harness import database, note

COLUMNS = ("account_id", "grade", "ladder", "composite", "evidence", "flags")


def run(size: str) -> None:
    accounts, rows, _pairs = SIZES[size]
    with database():
        build(accounts=accounts, rows=rows, seed=5)
        from accounts.models import Account
        from crm.pipeline import run_night
        from tests.factories import make_receivable
        from tests.tiering.poison import KINDS
        from tiering.enums import RunTrigger
        from tiering.models import Quarantine, Score

        everyone = list(Account.objects.order_by("pk"))
        make_receivable(account=everyone[-1])
        run_night(as_of=LAST_DAY - timedelta(days=31), trigger=RunTrigger.COMMAND)
        started = time.perf_counter()
        clean = run_night(as_of=LAST_DAY, trigger=RunTrigger.COMMAND)
        without = time.perf_counter() - started
        expected = {row[0]: row[1:] for row in Score.objects.filter(run=clean).values_list(*COLUMNS)}
        victims = dict(zip([account.pk for account in everyone[:: accounts // len(KINDS)]], KINDS, strict=False))
        for account in Account.objects.filter(pk__in=victims):
            victims[account.pk].put(account)
        started = time.perf_counter()
        poisoned = run_night(as_of=LAST_DAY, trigger=RunTrigger.COMMAND)
        seconds = time.perf_counter() - started
        listed = dict(Quarantine.objects.filter(run=poisoned).values_list("account", "reason"))
        # This ledger knows no cost, so that a wrong one changes nothing.
        wanted = {pk: kind.reason for pk, kind in victims.items() if kind.reason and "cost" not in kind.name}
        found = {row[0]: row[1:] for row in Score.objects.filter(run=poisoned).values_list(*COLUMNS)}
        others = [pk for pk in expected if pk not in victims and found[pk] != expected[pk]]
        note(
            f"{accounts:,} accounts, {len(KINDS)} kinds of poison, {len(listed)} accounts set apart of {len(wanted)} expected"
        )
        note(
            f"listed with the expected reason: {listed == wanted}; others that differ from the clean night: {len(others)}"
        )
        note(f"published at attempt {poisoned.attempts}; {seconds:.2f} s, clean night {without:.2f} s")
