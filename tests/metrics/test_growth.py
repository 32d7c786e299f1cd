"""Growth and arc growth: the worked base cases, and refusal outside the domain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.growth import arc_growth, growth_rate, is_small_base

NAN = float("nan")


@pytest.mark.parametrize(
    ("base", "comparison", "rate", "arc"),
    [(100, 150, 0.5, 0.4), (0, 80, NAN, 2), (80, 0, -1, -2), (0, 0, NAN, NAN), (-40, 90, NAN, NAN),
     (100, 50, -0.5, -2 / 3), (100, -20, -1.2, NAN), (NAN, 50, NAN, NAN)],
)  # fmt: skip
def test_growth_follows_the_table_of_small_and_negative_bases(base, comparison, rate, arc):
    assert growth_rate([base], [comparison]) == pytest.approx([rate], nan_ok=True)
    assert arc_growth([base], [comparison]) == pytest.approx([arc], nan_ok=True)


def test_small_base_is_flagged_between_nothing_and_the_minimum():
    flags = is_small_base([-5, 0, 0.01, 999.99, 1000, NAN])

    assert flags.tolist() == [False, False, True, True, False, False]


def test_growth_refuses_arrays_of_different_length():
    with pytest.raises(FormulaError):
        growth_rate([1, 2], [1])


@settings(max_examples=500, deadline=None)
@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_arc_growth_lies_between_minus_two_and_two_and_flips_with_the_windows(base, comparison):
    forward, back = arc_growth([base], [comparison])[0], arc_growth([comparison], [base])[0]

    if base + comparison == 0:
        assert np.isnan(forward)
        assert np.isnan(back)
    else:
        assert -2 <= forward <= 2
        assert forward == -back
