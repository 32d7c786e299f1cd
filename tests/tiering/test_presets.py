"""The three presets: plain numbers, found once in the ledger where the preset says so."""

from decimal import Decimal

import numpy as np
import pytest

from tiering.presets import NothingToGrade, contribution_two_years, full, ledger_only, rounded_down, sales_scale
from tiering.scoring import check_anchors

REVENUE = np.array([0.0, -5.0, *range(1, 1001)])
DESIGNS = {
    "full": full(),
    "ledger-only": ledger_only(ttm_revenue=REVENUE, year_revenue=REVENUE * 2),
    "contribution-two-years": contribution_two_years(ttm_revenue=REVENUE, year_revenue=REVENUE, diamond=Decimal(7)),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_preset_weights_sum_to_one_hundred_and_scales_are_monotone(name):
    design = DESIGNS[name]

    assert sum(design.dimensions.values()) == 100
    for dimension in design.dimensions:
        assert sum(weight for of, _, weight, _ in design.indicators if of == dimension) == 100
    for _, _, _, anchors in design.indicators:
        check_anchors(anchors)
    codes = [code for _, code, _, _ in design.indicators]
    assert len(codes) == len(set(codes))


def test_sales_scale_lies_at_the_quantiles_of_positive_revenue():
    assert sales_scale(REVENUE) == (
        (0.0, 0), (500.5, 20), (800.2, 50), (950.05, 75), (980.02, 90), (995.005, 100),
    )  # fmt: skip


def test_sales_scale_of_equal_revenues_is_still_a_scale():
    check_anchors(sales_scale(np.array([7.0, 7.0, 7.0])))


def test_ledger_only_takes_its_money_thresholds_from_the_fiscal_year():
    design = DESIGNS["ledger-only"]

    assert design.thresholds["diamond", "revenue_each_year"] == 1900  # p99 of 2..2000 is 1980.02
    assert design.thresholds["gold", "revenue_ttm"] == 1900
    assert design.thresholds["potential", "prior_revenue"] == Decimal("500.5")
    assert ("potential", "opportunity") not in design.thresholds
    assert (design.gross_profit_test, design.evidence_any, design.evidence_up) == (
        False,
        Decimal("0.6"),
        Decimal("0.6"),
    )


def test_ledger_only_falls_back_to_the_ttm_where_no_fiscal_year_is_covered():
    design = ledger_only(ttm_revenue=REVENUE, year_revenue=np.full(3, np.nan))

    assert design.thresholds["gold", "revenue_ttm"] == 950


def test_ledger_only_refuses_a_ledger_without_revenue():
    with pytest.raises(NothingToGrade):
        ledger_only(ttm_revenue=np.array([0.0, -3.0, np.nan]), year_revenue=REVENUE)


def test_contribution_two_years_waits_for_its_amount_and_tests_no_score():
    waiting = contribution_two_years(ttm_revenue=REVENUE, year_revenue=REVENUE)
    filled = DESIGNS["contribution-two-years"]

    assert waiting.missing == (("diamond", "revenue_each_year"),)
    assert not {"revenue_each_year"} & {rule for _, rule in waiting.thresholds}
    assert filled.missing == ()
    assert filled.thresholds["diamond", "revenue_each_year"] == 7
    assert {condition.rule for condition in filled.rules().tested("diamond")} == {"revenue_each_year"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(11789.3, "11000"), (1000, "1000"), (999.99, "990"), (7, "7"), (0.0567, "0.056"), (1e15, "1E+15")],
)
def test_rounded_down_keeps_two_significant_digits(value, expected):
    assert rounded_down(float(value)) == Decimal(expected)
