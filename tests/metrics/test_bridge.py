"""The bridge: the worked example, an independent slow version, and the identity for any signed data."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.bridge import BridgeLine, LineTotal, revenue_bridge
from metrics.formulas.retention import cohort_retention
from tests.metrics.strategies import BASE_END, accounts, some_money

BEFORE, IN_BASE, BETWEEN, IN_COMPARISON = (date(2009, 5, 1), date(2010, 5, 1), date(2011, 2, 1), date(2011, 9, 1))
COMPARISON_START = date(2011, 4, 1)
EXAMPLE = [  # base, comparison, first positive line
    (1000, 1300, IN_BASE),
    (800, 600, BEFORE),
    (500, 0, BEFORE),
    (400, 400, IN_BASE),
    (300, -50, BEFORE),
    (0, 250, IN_COMPARISON),
    (0, 120, BEFORE),
    (-40, 90, BEFORE),
    (0, 70, BETWEEN),
    (-20, -35, BEFORE),
]


def bridge_of(rows, *, base_end=BASE_END, comparison_start=COMPARISON_START):
    base, comparison, first = zip(*rows, strict=True) if rows else ((), (), ())
    return revenue_bridge(
        base, comparison, np.array(first, dtype="datetime64[D]"),
        base_end=np.datetime64(base_end), comparison_start=np.datetime64(comparison_start),
    )  # fmt: skip


def test_bridge_gives_the_worked_example():
    bridge = bridge_of(EXAMPLE)

    assert bridge.opening == LineTotal(Decimal(2940), 5)
    assert bridge.lines == {
        BridgeLine.EXPANSION: LineTotal(Decimal(300), 1),
        BridgeLine.CONTRACTION: LineTotal(Decimal(-200), 1),
        BridgeLine.CHURNED: LineTotal(Decimal(-800), 2),
        BridgeLine.REACTIVATED: LineTotal(Decimal(210), 2),
        BridgeLine.NEW: LineTotal(Decimal(320), 2),
        BridgeLine.ADJUSTMENT: LineTotal(Decimal(-25), 3),
    }
    assert bridge.closing == LineTotal(Decimal(2745), 7)
    assert bridge.new_in_comparison == LineTotal(Decimal(250), 1)
    assert bridge.new_between == LineTotal(Decimal(70), 1)


def test_retention_gives_the_worked_example():
    retention = cohort_retention(*zip(*[row[:2] for row in EXAMPLE], strict=True))

    assert (retention.cohort_accounts, retention.retained_accounts) == (5, 3)
    assert (retention.base_revenue, retention.comparison_revenue) == (Decimal(3000), Decimal(2250))
    assert retention.growth_rate == -0.25
    assert retention.net_revenue_retention == 0.75
    assert retention.gross_revenue_retention == pytest.approx(2 / 3, abs=1e-15)
    assert retention.logo_retention == 0.6
    assert retention.overall_growth_rate == pytest.approx(-0.06632653, abs=5e-9)


def test_bridge_of_no_accounts_is_all_nothing():
    bridge = bridge_of([])

    assert bridge.opening == bridge.closing == LineTotal(Decimal(0), 0)
    assert set(bridge.lines.values()) == {LineTotal(Decimal(0), 0)}


def test_retention_without_a_cohort_is_undefined_not_zero():
    retention = cohort_retention([0, -5], [10, 20])

    ratios = (retention.growth_rate, retention.net_revenue_retention, retention.gross_revenue_retention)
    assert np.isnan([*ratios, retention.logo_retention, retention.overall_growth_rate]).all()
    assert retention.cohort_accounts == 0


def test_account_from_before_the_data_start_is_never_new():
    bridge = bridge_of([(0, 100, date.min)])

    assert bridge.lines[BridgeLine.REACTIVATED] == LineTotal(Decimal(100), 1)


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_bridge_and_retention_refuse_missing_amounts(amount):
    with pytest.raises(FormulaError):
        bridge_of([(amount, 1, BEFORE)])
    with pytest.raises(FormulaError):
        cohort_retention([1], [amount])


def test_bridge_refuses_different_lengths():
    with pytest.raises(FormulaError):
        revenue_bridge([1], [1, 2], [np.datetime64("NaT")], base_end=np.datetime64(BASE_END),
                       comparison_start=np.datetime64(BASE_END))  # fmt: skip


def test_bridge_of_amounts_beyond_float_precision_still_adds_up():
    bridge = bridge_of([(999_999_999_999_999.0, 1.0, BEFORE), (0.0001, 888_888_888_888_888.0, BEFORE)])

    assert bridge.opening.amount + sum(line.amount for line in bridge.lines.values()) == bridge.closing.amount


def slow_bridge(rows):
    """The definition, one account after the other, in exact decimals."""
    lines = dict.fromkeys(BridgeLine, Decimal(0))
    zero = Decimal(0)
    for base, comparison, first in rows:
        b, c = (Decimal(str(round(value, 4))) for value in (base, comparison))
        if b > 0 and c > b:
            lines[BridgeLine.EXPANSION] += c - b
        elif b > 0 and 0 < c < b:
            lines[BridgeLine.CONTRACTION] -= b - c
        elif b > 0 and c <= 0:
            lines[BridgeLine.CHURNED] -= b
        elif b <= 0 and c > 0 and first is not None and first < BASE_END:
            lines[BridgeLine.REACTIVATED] += c
        elif b <= 0 and c > 0:
            lines[BridgeLine.NEW] += c
        lines[BridgeLine.ADJUSTMENT] += min(c, zero) - min(b, zero)
    return lines


@settings(max_examples=500, deadline=None)
@given(accounts)
def test_bridge_equals_the_slow_version_and_adds_up(rows):
    bridge = bridge_of(rows)

    assert {line: total.amount for line, total in bridge.lines.items()} == slow_bridge(rows)
    assert bridge.opening.amount + sum(line.amount for line in bridge.lines.values()) == bridge.closing.amount
    counts = {line: total.accounts for line, total in bridge.lines.items()}
    gained = counts[BridgeLine.NEW] + counts[BridgeLine.REACTIVATED]
    assert bridge.opening.accounts - counts[BridgeLine.CHURNED] + gained == bridge.closing.accounts


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(some_money, some_money), max_size=30))
def test_retention_equals_the_slow_version_and_its_bounds(rows):
    retention = cohort_retention([b for b, _ in rows], [c for _, c in rows])

    cohort = [(Decimal(str(round(b, 4))), Decimal(str(round(c, 4)))) for b, c in rows if b > 0]
    assert retention.cohort_accounts == len(cohort)
    if not cohort:
        assert np.isnan(retention.gross_revenue_retention)
        return
    base = sum(b for b, _ in cohort)
    kept = sum(min(max(c, Decimal(0)), b) for b, c in cohort)
    credited = sum(min(c, Decimal(0)) for _, c in cohort)
    assert retention.gross_revenue_retention == float(kept / base)
    assert retention.net_revenue_retention == float(sum(c for _, c in cohort) / base)
    assert 0 <= retention.gross_revenue_retention <= 1
    assert retention.comparison_revenue >= kept + credited  # NRR >= GRR + credits, times the base: no float between
    assert retention.growth_rate == pytest.approx(retention.net_revenue_retention - 1, abs=1e-9)


@settings(max_examples=500, deadline=None)
@given(accounts)
def test_overall_growth_splits_into_cohort_new_reactivated_and_credits(rows):
    bridge, retention = bridge_of(rows), cohort_retention([row[0] for row in rows], [row[1] for row in rows])

    cohort_change = retention.comparison_revenue - retention.base_revenue
    outside = [(Decimal(str(round(b, 4))), Decimal(str(round(c, 4)))) for b, c, _ in rows if b <= 0]
    credited = sum(min(c, Decimal(0)) - min(b, Decimal(0)) for b, c in outside)
    gained = bridge.lines[BridgeLine.NEW].amount + bridge.lines[BridgeLine.REACTIVATED].amount
    change = retention.total_comparison_revenue - retention.total_base_revenue
    assert change == cohort_change + gained + credited
