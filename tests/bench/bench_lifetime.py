"""P9: fitting BG/NBD and gamma-gamma, against the lifetimes package in the same run."""

from __future__ import annotations

import secrets
import warnings

import numpy as np

from metrics.formulas import bgnbd, gammagamma
from tests.bench.harness import compare, note, peak_mib
from tests.metrics.simulate import simulated_customers, simulated_spend

CUSTOMERS = {"S": 10_000, "M": 100_000, "L": 1_000_000}
GOAL = 15.0
LIKELIHOOD_TOLERANCE = 1e-9  # relative
PARAMETER_TOLERANCE = 1e-4


def run(size: str) -> None:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    warnings.simplefilter("ignore")  # the reference's own, about numpy
    seed = secrets.randbits(32)
    x, tx, age = simulated_customers(CUSTOMERS[size], seed=seed, per_week=1)
    mean = simulated_spend(x, seed=seed)
    repeat = x > 0
    note(f"{len(x):,} customers in whole weeks, seed {seed}")

    def ours() -> tuple[bgnbd.BgNbdFit, gammagamma.GammaGammaFit]:
        return bgnbd.fit(bgnbd.group_customers(x, tx, age)), gammagamma.fit(x, mean)

    def reference() -> tuple[BetaGeoFitter, GammaGammaFitter]:
        return BetaGeoFitter().fit(x, tx, age), GammaGammaFitter().fit(x[repeat], mean[repeat])

    _check(*ours(), *reference(), x=x, tx=tx, age=age)
    compare("BG/NBD fit", ours=lambda: bgnbd.fit(bgnbd.group_customers(x, tx, age)),
            reference=lambda: BetaGeoFitter().fit(x, tx, age), at_least=GOAL, reference_name="lifetimes")  # fmt: skip
    compare("BG/NBD + gamma-gamma fit", ours=ours, reference=reference, at_least=GOAL, reference_name="lifetimes")
    daily = simulated_customers(CUSTOMERS[size], seed=seed)
    compare("BG/NBD fit, days / 7", ours=lambda: bgnbd.fit(bgnbd.group_customers(*daily)),
            reference=lambda: BetaGeoFitter().fit(*daily), reference_name="lifetimes")  # fmt: skip
    note(f"peak memory of the process with both: {peak_mib():.0f} MiB")


def _check(fit, spend, fitted, fitted_spend, *, x, tx, age) -> None:
    """Same maximum, or a better one, and the same parameters as the reference's where it is one."""
    theirs = [float(fitted.params_[name]) for name in ("r", "alpha", "a", "b")]
    mine = [fit.model.r, fit.model.alpha, fit.model.a, fit.model.b]
    reached = bgnbd.log_likelihood(bgnbd.BgNbd(*theirs), x, tx, age).sum()
    assert fit.log_likelihood >= reached - LIKELIHOOD_TOLERANCE * abs(reached), "lifetimes found a better maximum"
    np.testing.assert_allclose(mine, theirs, rtol=PARAMETER_TOLERANCE)
    spent = [float(fitted_spend.params_[name]) for name in ("p", "q", "v")]
    np.testing.assert_allclose([spend.model.p, spend.model.q, spend.model.gamma], spent, rtol=10 * PARAMETER_TOLERANCE)
    gain = (fit.log_likelihood - reached) / abs(reached)
    note(f"same maximum: log-likelihood {fit.log_likelihood:.4f}, relative gain over lifetimes {gain:.1e}")
