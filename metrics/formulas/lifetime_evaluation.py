"""Did what the model expected come? Errors of a forecast an account, beside those of "next year is like last year".

Pure, no Django import; scipy is imported where it is used. Source: domain.md 2.4 (backtest: calibration/holdout split).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.forecast_accuracy import mean_absolute_error


@dataclass(frozen=True, slots=True)
class ForecastQuality:
    """One forecast of n accounts against what came, in its unit (orders or money).

    total : sum of the forecasts; mean_error : mean |actual - forecast| an account; total_error : (total - actual total) /
    actual total, NaN unless that is above 0; rank_correlation : Spearman's rho, whether the forecast puts accounts in the
    right order, NaN where one of the two is the same for all
    """

    total: float
    mean_error: float
    total_error: float
    rank_correlation: float


def forecast_quality(expected: ArrayLike, actual: ArrayLike) -> ForecastQuality:
    """Quality of ``expected`` against ``actual``, both finite, shape (n,), n >= 1.

    raises FormulaError : shapes differ, no account, or a value is missing
    """
    e, y = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.shape != y.shape or e.ndim != 1 or not len(e):
        raise FormulaError("each account needs what was expected and what came, and one account is the least")
    if not (np.isfinite(e).all() and np.isfinite(y).all()):
        raise FormulaError("a value is missing; leave accounts without one out of both")
    came = float(y.sum())
    return ForecastQuality(
        total=float(e.sum()),
        mean_error=float(mean_absolute_error(y - e)),
        total_error=(float(e.sum()) - came) / came if came > 0 else float("nan"),
        rank_correlation=_spearman(e, y),
    )


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(first), rankdata(second)])
    if (ranks == ranks[:, :1]).all(axis=1).any():
        return float("nan")
    return float(np.corrcoef(ranks)[0, 1])
