"""P11: importing revenue with validation, matching, duplicates and a row report, against a raw COPY of the same file.

The figures count only if the ledger holds every row and the total to the cent. save() per row stands beside it, as a
sample that is scaled; memory and the whole command come from a process of its own.
"""

from __future__ import annotations

import csv
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.bench.harness import compare, database, note

SIZES = {
    "S": (10_000, 100_000, 7),
    "M": (100_000, 1_000_000, 3),
    "L": (1_000_000, 10_000_000, 1),
}  # accounts, rows, pairs
SAVED = 2_000  # rows of the save() sample
MILLION = 1_000_000
GOAL, STRETCH, GOAL_SECONDS, GOAL_MIB = 30, 15, 30, 300
HEADER = (
    "account_code", "account_name", "booked_on", "reference", "product_code", "quantity", "unit_price", "cost",
    "currency",
)  # fmt: skip
BARE = """
CREATE TABLE bench_bare (account_code text, account_name text, booked_on date, reference text, product_code text,
    quantity numeric, unit_price numeric, cost numeric, currency text)
"""
LEDGER = """
accounts_revenuerecord, accounts_account, accounts_product, accounts_contract, accounts_importbatch,
metrics_accountday, metrics_accountmonth, metrics_accountspan
"""
CHILD = """
import json, re, sys, time
started = time.perf_counter()
import django
django.setup()
from pathlib import Path
from accounts.imports.options import ImportOptions
from accounts.imports.services import import_file
result = import_file(path=Path(sys.argv[1]), options=ImportOptions())
status = Path("/proc/self/status")
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text()).group(1)) // 1024 if status.exists() else 0
print(json.dumps({"posted": result.posted, "peak": peak, "seconds": time.perf_counter() - started}))
"""
SURNAMES, TRADES = "张王李赵陈杨黄周吴徐孙胡朱高林", ("电子", "机械", "食品", "物流", "纺织", "化工", "医药", "建材")


def run(size: str) -> None:
    accounts, rows, pairs = SIZES[size]
    seed = secrets.randbits(32)
    with database(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "revenue.csv"
        total = write_file(path, accounts=accounts, rows=rows, seed=seed)
        note(f"{rows:,} rows of {accounts:,} accounts, {path.stat().st_size / 2**20:.0f} MiB, seed {seed}")
        results: list[Any] = []
        outcome = compare(
            "import",
            ours=lambda: results.append(_import(path)),
            reference=lambda: _copy(path),
            reset=_empty,
            at_most=GOAL,
            pairs=pairs,
            reference_name="a raw COPY",
        )
        _empty()
        last = _import(path)
        _check(rows, total)
        _note_phases(last.phases)
        million = outcome.ours_seconds / rows * MILLION
        note(f"stretch ≤ {STRETCH} × {_met(outcome.median, STRETCH)}")
        note(f"{million:.1f} s a million rows, goal ≤ {GOAL_SECONDS} s {_met(million, GOAL_SECONDS)}")
        again = _import(path)
        note(f"the same file again: {again.seconds:.2f} s, {again.posted} posted")
        saved = _seconds_of_saves()
        note(f"save() per row: {saved:.0f} s a million ({SAVED:,} rows, scaled), {saved / million:.0f} times ours")
        _note_command(path, rows)


def write_file(path: Path, *, accounts: int, rows: int, seed: int) -> Decimal:
    """Pareto revenue over accounts, 5 % back-dated, half of the names Chinese; returns the total amount."""
    rng, total, yesterday = random.Random(seed), Decimal(0), date.today() - timedelta(days=1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            account = number if number < accounts else int(min(rng.paretovariate(0.6), accounts)) - 1
            name = f"{SURNAMES[account % 15]}{TRADES[account % 8]}{account}" if account % 2 else f"Company {account}"
            back = rng.randrange(1500) if rng.random() < 0.05 else (rows - number) * 700 // rows
            quantity, cents = rng.randrange(1, 50), int(rng.paretovariate(1.2) * 100) % 10_000_000
            total += quantity * Decimal(cents) / 100
            day = yesterday - timedelta(days=back)
            cost = f"{quantity * cents * 0.7 / 100:.2f}"
            writer.writerow(
                (f"A{account:07}", name, day, f"R{number // 3}", f"P{rng.randrange(5000)}", quantity,
                 f"{cents / 100:.2f}", cost, "CNY")
            )  # fmt: skip
    return total


def _import(path: Path) -> Any:
    from accounts.imports.options import ImportOptions
    from accounts.imports.services import import_file

    return import_file(path=path, options=ImportOptions())


def _copy(path: Path) -> None:
    from django.db import connection

    with connection.cursor() as cursor, path.open("rb") as file:
        cursor.execute(BARE)
        cursor.cursor.copy_expert("COPY bench_bare FROM STDIN WITH (FORMAT csv, HEADER true)", file)


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS bench_bare; TRUNCATE {LEDGER} CASCADE; CHECKPOINT")


def _check(rows: int, total: Decimal) -> None:
    from django.db import connection

    from metrics.rollup import difference

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(amount) FROM accounts_revenuerecord")
        found = cursor.fetchone()
    assert found == (rows, total), f"the ledger holds {found}, the file {(rows, total)}"
    assert difference() == 0, "the roll-up is not the ledger's"


def _note_phases(phases: dict[str, float]) -> None:
    whole = sum(phases.values())
    note("phases: " + ", ".join(f"{name} {seconds:.2f} s ({seconds / whole:.0%})" for name, seconds in phases.items()))


def _seconds_of_saves() -> float:
    """Seconds per million rows of save() one by one, in one transaction."""
    from django.db import transaction

    from accounts.models import Account, ImportBatch, RevenueRecord

    with transaction.atomic():
        account, batch = Account.objects.create(code="save", name="save"), ImportBatch.objects.create(source="save")
        started = time.perf_counter()
        for number in range(SAVED):
            RevenueRecord(
                account=account,
                batch=batch,
                booked_on=date(2024, 1, 2),
                amount=Decimal(number),
                currency="CNY",
                source="save",
                identity=number.to_bytes(16, "big"),
            ).save()
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds / SAVED * MILLION


def _note_command(path: Path, rows: int) -> None:
    """One run in a process of its own: start-up included, and its peak memory."""
    from django.db import connection

    _empty()
    address, _, query = os.environ.get("DATABASE_URL", "").partition("?")
    if not address:
        from django.conf import settings

        told = settings.DATABASES["default"]
        address, query = f"postgres://{told['USER']}@/{told['NAME']}", f"host={told['HOST'] or told['OPTIONS']['host']}"
    name = connection.settings_dict["NAME"]
    url = f"{address.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["posted"] == rows
    note(
        f"whole command {told['seconds']:.2f} s, peak {told['peak']} MiB, goal ≤ {GOAL_MIB} {_met(told['peak'], GOAL_MIB)}"
    )


def _met(value: float, goal: float) -> str:
    return "met" if value <= goal else "MISSED"
