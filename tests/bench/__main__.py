"""``python -m tests.bench [--size S|M|L] [--only NAME] [--ledger]``: every bench_*.py of this folder, smallest size first."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import subprocess
import sys

import tests.bench

SIZES = ("S", "M", "L")
USUAL = ("S", "M")
PREFIX = "bench_"


def main() -> int:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as crm.settings has it, which a benchmark reads later
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # a line a request would be most of the output
    names = sorted(
        module.name.removeprefix(PREFIX)
        for module in pkgutil.iter_modules(tests.bench.__path__)
        if module.name.startswith(PREFIX)
    )
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--size", choices=SIZES, action="append", help="S 10,000 accounts, M 100,000, L 1,000,000; default S and M"
    )
    parser.add_argument("--only", choices=names, action="append", help="default: all of them")
    parser.add_argument(
        "--ledger", action="store_true", help="open the pages on the database of DATABASE_URL or FACET_VAR instead"
    )
    chosen = parser.parse_args()
    if chosen.ledger:
        importlib.import_module(f"tests.bench.{PREFIX}pages").on_ledger()
        return 0
    jobs = [(name, size) for name in chosen.only or names for size in chosen.size or USUAL]
    if len(jobs) == 1:
        name, size = jobs[0]
        print(f"{name}, size {size}", flush=True)
        importlib.import_module(f"tests.bench.{PREFIX}{name}").run(size)
        return 0
    # A process each: memory and caches of one do not colour the next.
    failed = [
        f"{name} {size}"
        for name, size in jobs
        if subprocess.run([sys.executable, "-m", "tests.bench", "--only", name, "--size", size], check=False).returncode
    ]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
