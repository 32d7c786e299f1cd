"""Do they stay? Growth and retention of the accounts that bought in the base window. Pure, no Django import."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import exact_ratio, exact_total, positive_part


@dataclass(frozen=True, slots=True)
class Retention:
    """Figures of the cohort E = {i : B_i > 0}; a ratio is NaN where E is empty.

    gross_revenue_retention lies in [0, 1]; growth_rate is net_revenue_retention - 1.
    """

    cohort_accounts: int
    retained_accounts: int
    base_revenue: Decimal
    comparison_revenue: Decimal
    growth_rate: float
    net_revenue_retention: float
    gross_revenue_retention: float
    logo_retention: float
    total_base_revenue: Decimal
    total_comparison_revenue: Decimal
    overall_growth_rate: float


def cohort_retention(base: ArrayLike, comparison: ArrayLike) -> Retention:
    """Retention and growth of one pair of windows.

    base, comparison : B and C, shape (n,), money of one currency with at most 4 decimals
    NRR = sum_E C / sum_E B; GRR = sum_E min(C+, B) / sum_E B; logo = |{i in E : C > 0}| / |E|;
    overall growth = (sum C - sum B) / sum B over all accounts, NaN unless sum B > 0.
    raises FormulaError : shapes differ, or an amount is NaN or infinite
    Rates are ratios of sums, never means of rates. Source: [S002]; NRR and GRR as commonly defined [R25].
    """
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    if b.shape != c.shape:
        raise FormulaError("base and comparison must have one value an account")
    if not (np.isfinite(b).all() and np.isfinite(c).all()):
        raise FormulaError("an amount is missing; leave accounts without a known amount out")
    existing = b > 0
    cohort_base, cohort_comparison = exact_total(b[existing]), exact_total(c[existing])
    kept = exact_total(np.minimum(positive_part(c[existing]), b[existing]))
    accounts, retained = int(existing.sum()), int((existing & (c > 0)).sum())
    total_base, total_comparison = exact_total(b), exact_total(c)
    return Retention(
        cohort_accounts=accounts,
        retained_accounts=retained,
        base_revenue=cohort_base,
        comparison_revenue=cohort_comparison,
        growth_rate=exact_ratio(cohort_comparison - cohort_base, cohort_base),
        net_revenue_retention=exact_ratio(cohort_comparison, cohort_base),
        gross_revenue_retention=exact_ratio(kept, cohort_base),
        logo_retention=retained / accounts if accounts else float("nan"),
        total_base_revenue=total_base,
        total_comparison_revenue=total_comparison,
        overall_growth_rate=exact_ratio(total_comparison - total_base, max(total_base, Decimal(0))),
    )
