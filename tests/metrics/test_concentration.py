"""Concentration: the worked example, slow versions, bounds."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.concentration import abc_classes, concentration, cumulative_curve, top_share

EXAMPLE = [400, 250, 150, 100, 50, 30, 20, 0, -15]


def test_concentration_gives_the_worked_example():
    figures = concentration(EXAMPLE)

    assert (figures.accounts, figures.positive_total, figures.total) == (7, Decimal(1000), Decimal(985))
    assert figures.hhi == pytest.approx(0.2588, abs=1e-12)
    assert figures.effective_accounts == pytest.approx(3.8640, abs=5e-5)
    assert figures.normalised_hhi == pytest.approx(0.135267, abs=5e-7)
    assert top_share(EXAMPLE, 3) == 0.8
    assert figures.top_20_percent_share == 0.65
    assert figures.gini == pytest.approx(0.48, abs=1e-12)
    assert (figures.top_1_share, figures.top_5_share, figures.top_10_share) == (0.4, 0.95, 1.0)


def test_abc_gives_the_worked_example():
    assert "".join(abc_classes(EXAMPLE, np.arange(9))) == "AAABBCCNN"


def test_abc_at_a_share_of_exactly_eighty_percent_is_b():
    assert "".join(abc_classes([0.8, 0.1, 0.05, 0.05], [1, 2, 3, 4])) == "ABBC"


def test_abc_orders_equal_revenue_by_id():
    assert "".join(abc_classes([10, 10, 10, 10, 10], [5, 4, 3, 2, 1])) == "BAAAA"


def test_concentration_without_revenue_is_undefined():
    figures = concentration([0, -3])

    assert figures.accounts == 0
    assert figures.total == Decimal(-3)
    assert np.isnan([figures.hhi, figures.gini, figures.top_1_share, figures.effective_accounts]).all()
    assert np.isnan(top_share([], 3))
    assert [len(axis) for axis in cumulative_curve([])] == [0, 0]


def test_single_account_has_no_normalised_index():
    figures = concentration([5])

    assert (figures.hhi, figures.gini, figures.effective_accounts) == (1, 0, 1)
    assert np.isnan(figures.normalised_hhi)


def test_concentration_refuses_missing_amounts_and_lengths():
    with pytest.raises(FormulaError):
        concentration([1, float("nan")])
    with pytest.raises(FormulaError):
        abc_classes([1, 2], [1])


def test_curve_runs_from_nothing_to_all_with_the_top_shares_on_it():
    ranks, shares = cumulative_curve(EXAMPLE)
    long_ranks, long_shares = cumulative_curve(np.arange(1, 5001))

    assert dict(zip(ranks.tolist(), shares.tolist(), strict=True))[3] == 0.8
    assert (ranks[0], shares[0], shares[-1]) == (0, 0, 1)
    assert len(long_ranks) <= 201
    assert long_ranks[-1] == 5000
    assert (np.diff(long_shares) > 0).all()


AMOUNTS = st.lists(st.integers(-(10**9), 10**11).map(lambda units: units / 10_000), max_size=25)


@settings(max_examples=500, deadline=None)
@given(AMOUNTS)
def test_concentration_equals_the_slow_version_and_its_bounds(amounts):
    figures = concentration(amounts)
    exact = sorted(Fraction(round(amount * 10_000), 10_000) for amount in amounts if amount > 0)
    n, whole = len(exact), sum(exact)

    assert figures.accounts == n
    if not n:
        return
    hhi = sum((amount / whole) ** 2 for amount in exact)
    gini = sum((2 * rank - n - 1) * amount for rank, amount in enumerate(exact, 1)) / (n * whole)
    top_fifth = sum(exact[-((n + 4) // 5) :]) / whole
    assert figures.hhi == pytest.approx(float(hhi), rel=1e-9)
    assert figures.gini == pytest.approx(float(gini), abs=1e-9)
    assert figures.top_20_percent_share == pytest.approx(float(top_fifth), abs=1e-9)
    assert 1 / n - 1e-12 <= figures.hhi <= 1 + 1e-12
    assert -1e-12 <= figures.gini <= 1


@settings(max_examples=500, deadline=None)
@given(AMOUNTS)
def test_abc_equals_the_slow_version_in_fractions(amounts):
    units = [round(amount * 10_000) for amount in amounts]
    whole, before, expected = sum(unit for unit in units if unit > 0), 0, {}
    for index in sorted(range(len(units)), key=lambda i: (-units[i], i)):
        if units[index] <= 0:
            expected[index] = "N"
            continue
        share = Fraction(before, whole)
        expected[index] = "A" if share < Fraction(4, 5) else "B" if share < Fraction(19, 20) else "C"
        before += units[index]

    classes = abc_classes(amounts, np.arange(len(amounts)))

    assert classes.tolist() == [expected[index] for index in range(len(units))]
