"""The three starting points of a scoring model, as plain numbers (domain.md 3.1, 3.6).

Pure: what a preset takes from the ledger comes in as arrays. Whatever was found there is written into the model once
and never moves by itself.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from types import MappingProxyType

import numpy as np

from crm.lib.exceptions import CrmError
from tiering.design import HUNDRED, Anchors, Design
from tiering.grading import DIAMOND, GOLD, POTENTIAL, STRATEGIC
from tiering.scoring import Floats

MILLION = 1_000_000
RATING: Anchors = ((1, 0), (5, 100))
ARC_GROWTH: Anchors = ((-0.4, 0), (0, 40), (0.2, 70), (0.5, 100))
RHYTHM: Anchors = ((1, 100), (2, 60), (3, 30), (5, 0))
TENURE: Anchors = ((0, 0), (1, 30), (3, 60), (5, 80), (10, 100))
ACTIVE_MONTHS: Anchors = ((0, 0), (3, 30), (6, 60), (9, 80), (12, 100))
# Quantile of the positive TTM revenues → score of the ledger-only sales scale.
SALES_QUANTILES = ((0.5, 20), (0.8, 50), (0.95, 75), (0.98, 90), (0.995, 100))
DIAMOND_QUANTILE, GOLD_QUANTILE = 0.99, 0.95
SIGNIFICANT_DIGITS = 2
MONEY_DECIMALS = 4


class NothingToGrade(CrmError):
    """No account has revenue in the last 12 whole months, so no scale can be found in the ledger."""

    code = "nothing-to-grade"
    status = 422


def _million(*anchors: tuple[float, float]) -> Anchors:
    return tuple((value * MILLION, score) for value, score in anchors)


def _weights(**weights: int) -> dict[str, Decimal]:
    return {code: Decimal(weight) for code, weight in weights.items()}


STRATEGIC_VALUE = (
    ("STR", "V1", Decimal(40), RATING),
    ("STR", "V2", Decimal(35), RATING),
    ("STR", "V3", Decimal(25), RATING),
)
FULL_INDICATORS = (
    ("SAL", "S1", Decimal(50), _million((0, 0), (1, 20), (5, 50), (20, 75), (50, 90), (100, 100))),
    ("SAL", "S2", Decimal(30), _million((0, 0), (0.3, 20), (1.5, 50), (6, 75), (15, 90), (30, 100))),
    ("SAL", "S3", Decimal(20), ((0, 0), (0.15, 40), (0.3, 70), (0.45, 100))),
    *STRATEGIC_VALUE,
    ("GRO", "P1", Decimal(35), ARC_GROWTH),
    ("GRO", "P2", Decimal(35), _million((0, 0), (1, 30), (5, 60), (20, 90), (50, 100))),
    ("GRO", "P3", Decimal(15), RATING),
    ("GRO", "P4", Decimal(15), ((0, 0), (0.1, 40), (0.3, 70), (0.6, 100))),
    ("LOY", "L1", Decimal(20), TENURE),
    ("LOY", "L2", Decimal(25), ACTIVE_MONTHS),
    ("LOY", "L3", Decimal(25), ((0, 0), (0.2, 40), (0.5, 75), (0.8, 100))),
    ("LOY", "L4", Decimal(15), ((0, 0), (0.5, 20), (0.8, 60), (1, 100))),
    ("LOY", "L5", Decimal(15), RATING),
)
# Common to all presets; money thresholds come on top.
SCORE_THRESHOLDS = MappingProxyType(
    {
        (DIAMOND, "gross_profit_each_year"): Decimal(0),
        (DIAMOND, "sal"): Decimal(70),
        (DIAMOND, "composite"): Decimal(60),
        (GOLD, "sal"): Decimal(50),
        (GOLD, "composite"): Decimal(50),
        (GOLD, "months"): Decimal(6),
        (STRATEGIC, "str"): Decimal(70),
        (STRATEGIC, "evaluators"): Decimal(2),
        (STRATEGIC, "business"): Decimal(1),
        (POTENTIAL, "gro"): Decimal(65),
        (POTENTIAL, "gro_evidence"): Decimal("0.6"),
    }
)


def full(*, diamond: Decimal | None = None) -> Design:
    """All four dimensions; needs cost, ratings, and wallet or pipeline to reach every grade."""
    return Design(
        dimensions=_weights(SAL=40, STR=25, GRO=20, LOY=15),
        indicators=FULL_INDICATORS,
        thresholds={
            **SCORE_THRESHOLDS,
            (DIAMOND, "revenue_each_year"): Decimal(20 * MILLION) if diamond is None else diamond,
            (GOLD, "revenue_ttm"): Decimal(5 * MILLION),
            (POTENTIAL, "opportunity"): Decimal(1),
        },
        gross_profit_test=True,
    )


def ledger_only(*, ttm_revenue: Floats, year_revenue: Floats, diamond: Decimal | None = None) -> Design:
    """For a company that has imported revenue and nothing else.

    ttm_revenue : (n,) net revenue of the last 12 whole months per account, in the model's currency, NaN not known
    year_revenue : (n,) of the last fiscal year that is complete and covered, else the TTM again
    raises NothingToGrade : no account has TTM revenue above 0
    """
    scale = sales_scale(ttm_revenue)
    positive = _positive(year_revenue)
    if not len(positive):
        positive = _positive(ttm_revenue)
    found = {
        quantile: rounded_down(float(np.quantile(positive, quantile))) for quantile in (DIAMOND_QUANTILE, GOLD_QUANTILE)
    }
    return Design(
        dimensions=_weights(SAL=50, STR=0, GRO=25, LOY=25),
        indicators=(
            ("SAL", "S1", HUNDRED, scale),
            *STRATEGIC_VALUE,
            ("GRO", "P1", Decimal(70), ARC_GROWTH),
            ("GRO", "P5", Decimal(30), ARC_GROWTH),
            ("LOY", "L1", Decimal(25), TENURE),
            ("LOY", "L2", Decimal(50), ACTIVE_MONTHS),
            ("LOY", "L6", Decimal(25), RHYTHM),
        ),
        thresholds={
            **SCORE_THRESHOLDS,
            (DIAMOND, "revenue_each_year"): found[DIAMOND_QUANTILE] if diamond is None else diamond,
            (GOLD, "revenue_ttm"): found[GOLD_QUANTILE],
            # Growth from nothing is not potential: last year's revenue replaces "wallet or pipeline".
            (POTENTIAL, "prior_revenue"): Decimal(repr(scale[1][0])),
        },
        gross_profit_test=False,
        evidence_up=Decimal("0.6"),
    )


def contribution_two_years(*, ttm_revenue: Floats, year_revenue: Floats, diamond: Decimal | None = None) -> Design:
    """Revenue alone decides on Diamond, two fiscal years running; ``diamond`` None leaves it to be filled in."""
    base = ledger_only(ttm_revenue=ttm_revenue, year_revenue=year_revenue, diamond=diamond)
    thresholds = base.thresholds | {(DIAMOND, "sal"): Decimal(0), (DIAMOND, "composite"): Decimal(0)}
    missing: tuple[tuple[str, str], ...] = ()
    if diamond is None:
        missing = ((DIAMOND, "revenue_each_year"),)
        thresholds = {key: value for key, value in thresholds.items() if key not in missing}
    return Design(
        dimensions=base.dimensions,
        indicators=base.indicators,
        thresholds=thresholds,
        gross_profit_test=False,
        evidence_any=base.evidence_any,
        evidence_up=base.evidence_up,
        missing=missing,
    )


def sales_scale(ttm_revenue: Floats) -> Anchors:
    """Anchors of S1 at quantiles (linear-interpolated) of the positive revenues; raises NothingToGrade without any."""
    positive = _positive(ttm_revenue)
    if not len(positive):
        raise NothingToGrade("No account has revenue in the last 12 whole months. Import revenue first.")
    values = np.quantile(positive, [quantile for quantile, _ in SALES_QUANTILES])
    found = zip(values, SALES_QUANTILES, strict=True)
    return ((0.0, 0), *((round(float(value), MONEY_DECIMALS), score) for value, (_, score) in found))


def rounded_down(value: float, *, digits: int = SIGNIFICANT_DIGITS) -> Decimal:
    """``value`` > 0 cut to its first significant digits: 11789.3 → 11000."""
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return (exact / step).to_integral_value(rounding=ROUND_FLOOR) * step


def _positive(revenue: Floats) -> Floats:
    return revenue[revenue > 0]
