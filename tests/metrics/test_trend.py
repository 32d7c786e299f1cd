"""Moving sums, year pairs and lines."""

import numpy as np
import pytest

from crm.lib.exceptions import FormulaError
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.formulas.trend import line_through, moving_sum, year_pairs


def test_moving_sum_equals_the_sum_of_each_window_exactly():
    rng = np.random.default_rng(1)
    monthly = np.round(rng.normal(0, 1e6, (20, 40)), 4)

    sums = moving_sum(monthly)

    by_hand = np.stack([monthly[:, k : k + 12].sum(axis=1) for k in range(29)], axis=1)
    assert sums == pytest.approx(by_hand, abs=1e-6)


def test_large_month_leaves_nothing_behind():
    assert moving_sum([[9e11, 0.1, 0.2, 0.3]], width=2).tolist() == [[9e11 + 0.1, 0.3, 0.5]]


def test_year_pairs_set_each_year_against_the_one_before():
    prior, last = year_pairs([[1.0] * 12 + [2.0] * 12 + [5.0]])

    assert (prior.tolist(), last.tolist()) == ([[12.0, 13.0]], [[24.0, 27.0]])


def test_too_few_months_are_refused():
    with pytest.raises(FormulaError):
        moving_sum([[1.0] * 11])
    with pytest.raises(FormulaError):
        year_pairs([[1.0] * 23])


def test_line_through_leaves_gaps_out_and_needs_two_points():
    assert line_through([1, 3, float("nan"), 7]) == pytest.approx((7, 2))
    assert np.isnan(line_through([1, float("nan")])).all()


def test_missing_cost_is_not_a_full_margin():
    profit = gross_profit([100, 100, -5], [60, 0, 1], [0, 3, 0])

    assert profit == pytest.approx([40, float("nan"), -6], nan_ok=True)
    assert gross_margin([100, 100, -5], profit) == pytest.approx([0.4, float("nan"), float("nan")], nan_ok=True)
