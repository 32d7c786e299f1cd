"""Everything one version of a scoring model holds, apart from its name and its life: pure, made of exact decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tiering.grading import Rules
from tiering.scoring import IndicatorScale, Scheme

Anchors = tuple[tuple[float, float], ...]
HUNDRED = Decimal(100)
# Settings of a version that are neither weights, scales nor thresholds; named alike on model and design.
SETTINGS = (
    "gross_profit_test", "min_base", "evidence_any", "evidence_up", "min_dimension_evidence", "min_valid_weight",
    "buffer_score", "buffer_growth", "buffer_money", "confirm_up_days", "confirm_down_days", "confirm_problem_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Design:
    """Weights are percent; those of the dimensions sum to 100, and so do the indicators' inside each dimension.

    indicators : dimension, code, weight, anchors; their order is the order of stored raw values and contributions
    thresholds : (grade, rule) → number
    missing : thresholds that must be filled in by hand before the model can be activated
    evidence_any, evidence_up, min_dimension_evidence, min_valid_weight : shares, 0..1
    buffer_score, buffer_growth, buffer_money, confirm_…_days : as in grading.Rules
    min_base : amount of the model's currency below which a base is too small to compare with
    """

    dimensions: dict[str, Decimal]
    indicators: tuple[tuple[str, str, Decimal, Anchors], ...]
    thresholds: dict[tuple[str, str], Decimal]
    gross_profit_test: bool
    evidence_any: Decimal = Decimal("0.6")
    evidence_up: Decimal = Decimal("0.8")
    min_dimension_evidence: Decimal = Decimal("0.5")
    min_valid_weight: Decimal = Decimal("0.7")
    min_base: Decimal = Decimal(1000)
    buffer_score: Decimal = Decimal(5)
    buffer_growth: Decimal = Decimal(10)
    buffer_money: Decimal = Decimal("0.9")
    confirm_up_days: int = 7
    confirm_down_days: int = 28
    confirm_problem_days: int = 28
    missing: tuple[tuple[str, str], ...] = ()

    def scheme(self) -> Scheme:
        """Weights and scales as the formulas take them."""
        return Scheme(
            dimensions={code: float(weight / HUNDRED) for code, weight in self.dimensions.items()},
            indicators=tuple(
                IndicatorScale(code, dimension, float(weight / HUNDRED), anchors)
                for dimension, code, weight, anchors in self.indicators
            ),
            min_dimension_evidence=float(self.min_dimension_evidence),
            min_valid_weight=float(self.min_valid_weight),
        )

    def rules(self) -> Rules:
        """Thresholds as the formulas take them."""
        return Rules(
            thresholds={key: float(value) for key, value in self.thresholds.items()},
            gross_profit_test=self.gross_profit_test,
            evidence_any=float(self.evidence_any),
            evidence_up=float(self.evidence_up),
            buffer_score=float(self.buffer_score),
            buffer_growth=float(self.buffer_growth),
            buffer_money=float(self.buffer_money),
            confirm_up_days=self.confirm_up_days,
            confirm_down_days=self.confirm_down_days,
            confirm_problem_days=self.confirm_problem_days,
        )
