"""Who carries us? Shares, Herfindahl index, Gini, ABC classes. Pure, no Django import."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray, exact_total, positive_part, whole_units

A_PERCENT = 80  # an account whose cumulated share before it is below 80 % is A, so that A reaches at least 80 %
B_PERCENT = 95
TOP_SHARE_DIVISOR = 5  # the largest fifth


@dataclass(frozen=True, slots=True)
class Concentration:
    """Shares are fractions of the sum of positive revenue; all are NaN where that sum is 0.

    normalised_hhi is NaN for a single account. accounts: those with revenue above 0.
    """

    accounts: int
    positive_total: Decimal
    total: Decimal
    top_1_share: float
    top_5_share: float
    top_10_share: float
    top_20_percent_share: float
    hhi: float
    effective_accounts: float
    normalised_hhi: float
    gini: float


def concentration(revenue: ArrayLike) -> Concentration:
    """Concentration of revenue over accounts.

    revenue : R, shape (n,), money of one currency; accounts with R <= 0 have no share
    HHI = sum s^2, effective number = 1 / HHI, normalised = (HHI - 1/n) / (1 - 1/n), top-20-% = share of the
    ceil(n/5) largest, Gini = sum (2i - n - 1) R_(i) / (n sum R) with R ascending, i from 1.
    raises FormulaError : a value is NaN or infinite
    """
    r = _checked(revenue)
    largest = np.sort(r[r > 0])[::-1]
    n, whole = len(largest), float(largest.sum())
    if n == 0:
        return Concentration(0, Decimal(0), exact_total(r), *[float("nan")] * 8)
    shares = largest / whole
    hhi = float((shares**2).sum())
    ranks = np.arange(n, 0, -1, dtype=np.float64)  # of the ascending order, for values that descend
    return Concentration(
        accounts=n,
        positive_total=exact_total(largest),
        total=exact_total(r),
        top_1_share=top_share(largest, 1),
        top_5_share=top_share(largest, 5),
        top_10_share=top_share(largest, 10),
        top_20_percent_share=top_share(largest, -(-n // TOP_SHARE_DIVISOR)),
        hhi=hhi,
        effective_accounts=1 / hhi,
        normalised_hhi=(hhi - 1 / n) / (1 - 1 / n) if n > 1 else float("nan"),
        gini=float(((2 * ranks - n - 1) * largest).sum() / (n * whole)),
    )


def top_share(revenue: ArrayLike, count: int) -> float:
    """Share of the ``count`` largest accounts in positive revenue, CR_N; NaN where there is none."""
    positive = np.sort(positive_part(_checked(revenue)))[::-1]
    whole = exact_total(positive)
    return float(exact_total(positive[:count]) / whole) if whole else float("nan")


def abc_classes(revenue: ArrayLike, account_ids: ArrayLike) -> NDArray[np.str_]:
    """ABC class of each account, shape (n,): "A", "B", "C", or "N" where R <= 0.

    Sorted by revenue descending, then id ascending; class by the cumulated share before the account: under 80 % A,
    under 95 % B, else C. Compared in whole ten-thousandths of the currency, so that no float noise decides.
    """
    r, ids = _checked(revenue), np.asarray(account_ids)
    if r.shape != ids.shape:
        raise FormulaError("revenue and account_ids must have one value an account")
    classes = np.full(r.shape, "N", dtype="<U1")
    order = np.lexsort((ids, -r))
    order = order[r[order] > 0]
    units = [int(unit) for unit in whole_units(r[order])[0].tolist()]
    whole, before = sum(units), 0
    letters = []
    for unit in units:
        if before * 100 < A_PERCENT * whole:
            letters.append("A")
        else:
            letters.append("B" if before * 100 < B_PERCENT * whole else "C")
        before += unit
    classes[order] = letters
    return classes


def cumulative_curve(revenue: ArrayLike, *, points: int = 200) -> tuple[NDArray[np.int64], FloatArray]:
    """The concentration curve: (number of largest accounts, their share), at most ``points`` + 1 points from (0, 0).

    Points lie denser at the large accounts, where the curve bends. Empty arrays where no revenue is above 0.
    """
    r = _checked(revenue)
    largest = np.sort(r[r > 0])[::-1]
    n = len(largest)
    if n == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    counts = np.arange(1, n + 1) if n <= points else np.geomspace(1, n, points)
    ranks = np.concatenate([[0], np.unique(np.rint(counts).astype(np.int64))])
    running = np.concatenate([[0.0], np.cumsum(largest)])
    return ranks, running[ranks] / running[-1]


def _checked(revenue: ArrayLike) -> FloatArray:
    r = np.asarray(revenue, dtype=np.float64)
    if not np.isfinite(r).all():
        raise FormulaError("an amount is missing; leave accounts without a known amount out")
    return r
