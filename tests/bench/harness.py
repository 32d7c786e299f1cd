"""Ours against a reference, alternately in one run, as ratios: milliseconds of a shared machine mean little, ratios more.

A benchmark module is ``bench_<name>.py`` with ``run(size: str) -> None``; ``python -m tests.bench`` finds it. It checks
the result first, then calls ``compare``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAIRS = 7
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Outcome:
    """Ratios of the warm pairs, ascending. ``is_met``: the median reaches the goal; None without a goal."""

    name: str
    ratios: tuple[float, ...]
    cold: float
    ours_seconds: float
    reference_seconds: float
    is_met: bool | None

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)


def compare(
    name: str,
    *,
    ours: Callable[[], Any],
    reference: Callable[[], Any],
    at_least: float | None = None,
    at_most: float | None = None,
    pairs: int = PAIRS,
    reset: Callable[[], Any] | None = None,
    reference_name: str = "reference",
) -> Outcome:
    """Run A B A B …, one cold pair and ``pairs`` warm ones, and print the ratio with the goal beside it.

    at_least : goal for "times faster than the reference", reference time / our time
    at_most : goal for "times the reference's time", our time / reference time; give one of the two, or neither
    reset : runs untimed before each of the two, such as emptying a table
    """
    if at_least is not None and at_most is not None:
        raise ValueError("a benchmark has one goal")
    timings = [(_timed(ours, reset), _timed(reference, reset)) for _pair in range(pairs + 1)]
    cold, *warm = [_ratio(mine, other, is_faster=at_most is None) for mine, other in timings]
    ratios = tuple(sorted(warm))
    median = statistics.median(ratios)
    is_met = None
    if at_least is not None or at_most is not None:
        is_met = median >= at_least if at_least is not None else median <= (at_most or 0)
    outcome = Outcome(
        name=name,
        ratios=ratios,
        cold=cold,
        ours_seconds=statistics.median(mine for mine, _other in timings[1:]),
        reference_seconds=statistics.median(other for _mine, other in timings[1:]),
        is_met=is_met,
    )
    _print(outcome, at_least=at_least, at_most=at_most, reference_name=reference_name)
    return outcome


def note(text: str) -> None:
    """A line beside the ratios: what was measured, or where the time goes."""
    print(f"  {text}", flush=True)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Django on a fresh, migrated database: on the embedded engines of a throw-away folder, or beside the ones of
    DATABASE_URL and REDIS_URL where those are given. Nothing is left."""
    from crm import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-benchmarks-" + "k" * 50)
    given = {"postgres": os.environ.get("DATABASE_URL"), "valkey": os.environ.get("REDIS_URL")}
    with tempfile.TemporaryDirectory(prefix="facet-bench-") as folder:
        var = Path(folder)
        if os.geteuid() == 0:
            var.chmod(0o711)  # PostgreSQL then runs as another user, who must be let through
        (var / "static").mkdir()
        os.environ["FACET_VAR"] = folder
        with embedded.hold(var, needs=[kind for kind in embedded.ALL if not given[kind]], command="bench"):
            import django
            from django.db import connection

            django.setup()
            before = connection.settings_dict["NAME"]
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            try:
                yield
            finally:
                connection.creation.destroy_test_db(before, verbosity=0)


@contextlib.contextmanager
def ledger() -> Iterator[None]:
    """Django on the database that DATABASE_URL or FACET_VAR names, as it stands."""
    from crm import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    var = Path(os.environ.get("FACET_VAR", Path(__file__).resolve().parents[2] / "var"))
    given = {"postgres": os.environ.get("DATABASE_URL"), "valkey": os.environ.get("REDIS_URL")}
    with embedded.hold(var, needs=[kind for kind in embedded.ALL if not given[kind]], command="bench"):
        import django

        django.setup()
        yield


def peak_mib() -> float:
    """Largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / KIB_PER_MIB if sys.platform != "darwin" else peak / KIB_PER_MIB**2


def _timed(function: Callable[[], Any], reset: Callable[[], Any] | None) -> float:
    if reset:
        reset()
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _ratio(mine: float, other: float, *, is_faster: bool) -> float:
    return other / mine if is_faster else mine / other


def _print(outcome: Outcome, *, at_least: float | None, at_most: float | None, reference_name: str) -> None:
    goal = "" if outcome.is_met is None else f"goal ≥ {at_least:g} ×" if at_least else f"goal ≤ {at_most:g} ×"
    verdict = {True: "met", False: "MISSED", None: ""}[outcome.is_met]
    words = "times the time of" if at_most is not None else "times faster than"
    print(
        f"  {outcome.name}: {outcome.median:.1f} {words} {reference_name} (spread {outcome.ratios[0]:.1f}–"
        f"{outcome.ratios[-1]:.1f}, cold {outcome.cold:.1f}) {goal} {verdict}".rstrip(),
        flush=True,
    )
    note(f"  {outcome.ours_seconds * 1000:.1f} ms against {outcome.reference_seconds * 1000:.1f} ms, median of pairs")
