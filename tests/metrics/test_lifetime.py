"""Closed-form lifetime value against its worked example and against the sum it closes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.lifetime import compounded_value, discounted_value, per_step_discount, simple_lifetime_value


def test_simple_value_gives_the_worked_example():
    def value(**choices):
        return simple_lifetime_value([400_000], [0.8], discount=0.1, **choices)[0]

    assert value() == pytest.approx(1_066_666.67, abs=0.005)
    assert value(is_first_margin_now=True) == pytest.approx(1_466_666.67, abs=0.005)
    assert value(growth=0.03) == pytest.approx(1_159_420.29, abs=0.005)
    assert value(horizon=5) == pytest.approx(849_638.93, abs=0.005)


def test_discounted_value_gives_the_worked_example():
    margins, survival = [100, 100, 105, 110, 115], [1, 0.9, 0.82, 0.76, 0.72]

    terms = discounted_value(margins, survival, discount=0.1)

    assert terms == pytest.approx([100, 81.8182, 71.1570, 62.8099, 56.5535], abs=5e-5)
    assert terms.sum() == pytest.approx(372.3386, abs=5e-5)
    assert discounted_value(margins, survival, discount=0.1, is_mid_period=True).sum() == pytest.approx(
        355.0110, abs=5e-5
    )


@settings(max_examples=500, deadline=None)
@given(st.floats(0, 0.99), st.floats(0.01, 0.5), st.floats(-0.2, 0.01), st.integers(1, 60))
def test_simple_value_equals_the_sum_it_closes(retention, discount, growth, horizon):
    t = np.arange(1, horizon + 1)
    by_hand = (100 * (1 + growth) ** (t - 1) * retention**t / (1 + discount) ** t).sum()

    value = simple_lifetime_value([100], [retention], discount=discount, growth=growth, horizon=horizon)[0]

    assert value == pytest.approx(by_hand, rel=1e-9, abs=1e-12)


def test_horizon_without_any_decay_adds_equal_margins():
    assert simple_lifetime_value([10], [1.0], discount=0.0, growth=0.0001, horizon=1)[0] == pytest.approx(10)
    assert simple_lifetime_value([10], [0.5], discount=0.0, growth=1.0, horizon=4)[0] == pytest.approx(20)


@pytest.mark.parametrize(
    ("retention", "choices"),
    [(1.1, {}), (-0.1, {}), (float("nan"), {}), (1.0, {"discount": 0.0}), (0.9, {"discount": -0.1}),
     (0.9, {"growth": 0.3}), (0.9, {"horizon": 0}), (0.9, {"growth": -1.0}), (0.9, {"discount": float("nan")})],
)  # fmt: skip
def test_simple_value_refuses_what_has_no_value(retention, choices):
    with pytest.raises(FormulaError):
        simple_lifetime_value([100], [retention], **({"discount": 0.1} | choices))


def test_simple_value_refuses_a_missing_margin():
    with pytest.raises(FormulaError):
        simple_lifetime_value([float("nan")], [0.8], discount=0.1)


@pytest.mark.parametrize(
    ("margins", "survival"), [([1, 1], [1]), ([1, 1], [1, 1.1]), ([1, 1], [0.9, 0.8]), ([], []), ([1, 1], [1, -0.1])]
)
def test_discounted_value_refuses_what_is_no_survival_curve(margins, survival):
    with pytest.raises(FormulaError):
        discounted_value(margins, survival, discount=0.1)


def test_weekly_discount_compounds_to_the_year():
    assert (1 + per_step_discount(0.1, steps_per_year=52)) ** 52 == pytest.approx(1.1)
    with pytest.raises(FormulaError):
        per_step_discount(-1.0, steps_per_year=52)


def test_compounded_value_grows_by_the_rate_a_year():
    found = compounded_value([100, -50, np.nan, 7], [365.25, 730.5, 10, 0], rate=0.1)

    assert found[[0, 1, 3]] == pytest.approx([110, -60.5, 7])
    assert np.isnan(found[2])


@pytest.mark.parametrize(
    ("amounts", "age", "rate"), [([1], [1, 2], 0.1), ([1], [-1], 0.1), ([1], [1], -0.1), ([1], [1], np.inf)]
)
def test_compounded_value_is_refused_outside_its_domain(amounts, age, rate):
    with pytest.raises(FormulaError):
        compounded_value(amounts, age, rate=rate)
