"""P10: 200 bootstrap refits of BG/NBD and gamma-gamma, against as many fits by the lifetimes package.

200 fits by the reference take minutes: it fits one resample beside each of our 200, and that time is scaled to 200.
"""

from __future__ import annotations

import secrets
import statistics
import time
import warnings

import numpy as np

from metrics.formulas import bgnbd, uncertainty
from tests.bench.harness import PAIRS, note, peak_mib
from tests.metrics.simulate import simulated_customers, simulated_spend

CUSTOMERS = {"S": 10_000, "M": 100_000, "L": 1_000_000}
GOAL = 20.0
GOAL_SECONDS = {"M": 8.0}
LIKELIHOOD_TOLERANCE = 1e-9  # relative
PARAMETER_TOLERANCE = 1e-3  # of a warm refit: far below the spread it measures


def run(size: str) -> None:
    warnings.simplefilter("ignore")  # the reference's own, about numpy
    for unit, per_week in (("whole weeks", 1), ("days / 7", 7)):
        seed = secrets.randbits(32)
        x, tx, age = simulated_customers(CUSTOMERS[size], seed=seed, per_week=per_week)
        columns = (x, tx, age, simulated_spend(x, seed=seed))
        note(f"{len(x):,} customers in {unit}, seed {seed}")
        _check(columns, seed)
        _compare(columns, size=size, seed=seed)
    note(f"peak memory of the process with both: {peak_mib():.0f} MiB")


def _reference(columns, rng) -> tuple:
    """The two fits of lifetimes on one resample; drawing it is not timed."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    n = len(columns[0])
    who = rng.integers(0, n, n)
    x, tx, age, mean = (column[who] for column in columns)
    repeat = x > 0
    start = time.perf_counter()
    fitted, spend = BetaGeoFitter().fit(x, tx, age), GammaGammaFitter().fit(x[repeat], mean[repeat])
    return time.perf_counter() - start, fitted, spend, (x, tx, age)


def _converging(columns, rng) -> tuple[tuple, dict]:
    """(the same on the next resample where the reference finds a maximum, the state of ``rng`` that draws it): on a few
    resamples it gives up."""
    from lifetimes.utils import ConvergenceError

    while True:
        state = rng.bit_generator.state
        try:
            return _reference(columns, rng), state
        except ConvergenceError:
            continue


def _check(columns, seed) -> None:
    """A warm refit reaches the likelihood of the reference's fit on the same resample, and its parameters."""
    order = np.lexsort((columns[2], columns[1], columns[0]))
    ordered = tuple(column[order] for column in columns)
    (_seconds, fitted, spend, resample), state = _converging(ordered, np.random.default_rng(seed))
    same = np.random.default_rng(seed)
    same.bit_generator.state = state
    mine, my_spend = uncertainty._Sample(*columns).refit(same)
    theirs = bgnbd.BgNbd(*(float(fitted.params_[name]) for name in ("r", "alpha", "a", "b")))
    reached = bgnbd.log_likelihood(theirs, *resample).sum()
    ours = bgnbd.log_likelihood(mine, *resample).sum()
    assert ours >= reached - LIKELIHOOD_TOLERANCE * abs(reached), "lifetimes found a better maximum"
    for model, other in ((mine, theirs), (my_spend, spend)):
        names = ("r", "alpha", "a", "b") if model is mine else ("p", "q", "gamma")
        values = [getattr(model, name) for name in names]
        wanted = [getattr(other, name) for name in names] if model is mine else [*map(float, other.params_)]
        np.testing.assert_allclose(values, wanted, rtol=PARAMETER_TOLERANCE)
    note(f"same maximum on a resample, relative gain in log-likelihood {(ours - reached) / abs(reached):.1e}")


def _compare(columns, *, size: str, seed: int) -> None:
    """A B A B …, one cold pair before; the printed seconds of the reference are scaled, and say so."""
    rng = np.random.default_rng(seed)
    ours, reference = [], []
    for pair in range(PAIRS + 1):
        start = time.perf_counter()
        draws = uncertainty.bootstrap(*columns, seed=seed + pair)
        ours.append(time.perf_counter() - start)
        reference.append(_converging(columns, rng)[0][0] * draws.asked)
    ratios = sorted(other / mine for mine, other in zip(ours[1:], reference[1:], strict=True))
    seconds, ratio = statistics.median(ours[1:]), statistics.median(ratios)
    print(
        f"  {draws.asked} refits of both models: {ratio:.1f} times faster than lifetimes, whose one fit a pair "
        f"is scaled to {draws.asked} (spread {ratios[0]:.1f}–{ratios[-1]:.1f}, cold {reference[0] / ours[0]:.1f}) "
        f"goal ≥ {GOAL:g} × {'met' if ratio >= GOAL else 'MISSED'}",
        flush=True,
    )
    limit = GOAL_SECONDS.get(size)
    verdict = f", goal ≤ {limit:g} s {'met' if seconds <= limit else 'MISSED'}" if limit else ""
    note(f"  {seconds:.2f} s against {statistics.median(reference[1:]):.0f} s (scaled), median of pairs{verdict}")
    note(f"  {draws.lost} resamples without a maximum")
