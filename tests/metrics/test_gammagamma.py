"""Gamma-gamma: published values, the CDNOW fit, bounds, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas import bgnbd, gammagamma
from metrics.formulas.gammagamma import GammaGamma
from tests.metrics.simulate import simulated_spend

PUBLISHED = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def cdnow():
    return pytest.importorskip("lifetimes.datasets").load_cdnow_summary_data_with_monetary_value()


def test_expected_value_gives_the_worked_example():
    values = gammagamma.expected_value(PUBLISHED, [1, 2, 7, 7], [11.77, 22.35, 73.74, 20])

    assert PUBLISHED.population_mean == pytest.approx(35.218978, abs=5e-7)
    assert values == pytest.approx([18.916852, 24.663714, 71.469671, 20.896967], abs=5e-7)


def test_lifetime_value_gives_the_worked_example():
    model = bgnbd.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    purchase = gammagamma.expected_value(PUBLISHED, [7], [73.74])[0] * 0.30
    history = ([7], [29.43], [38.86])

    plain = bgnbd.discounted_purchases(model, *history, steps=39, discount=0)[0] * purchase
    discounted = bgnbd.discounted_purchases(model, *history, steps=39, discount=1.1 ** (1 / 52) - 1)[0] * purchase

    assert plain == pytest.approx(71.5494, abs=5e-5)
    assert discounted == pytest.approx(69.1647, abs=5e-5)


def test_fit_on_cdnow_gives_the_published_estimates(cdnow):
    fit = gammagamma.fit(cdnow["frequency"], cdnow["monetary_value"])

    assert fit.customers == 946
    assert fit.model.p == pytest.approx(6.249, abs=0.002)
    assert fit.model.q == pytest.approx(3.745, abs=0.002)
    assert fit.model.gamma == pytest.approx(15.448, abs=0.002)
    assert not fit.is_dependent


def test_fit_has_the_likelihood_of_its_customers_in_any_money_unit(cdnow):
    repeat = cdnow[cdnow["frequency"] > 0]
    fit = gammagamma.fit(repeat["frequency"], repeat["monetary_value"])
    in_cents = gammagamma.fit(repeat["frequency"], repeat["monetary_value"] * 100)

    one_by_one = gammagamma.log_likelihood(fit.model, repeat["frequency"], repeat["monetary_value"]).sum()
    assert fit.log_likelihood == pytest.approx(one_by_one, rel=1e-12)
    assert in_cents.model.gamma == pytest.approx(fit.model.gamma * 100, rel=1e-5)


def test_gradient_equals_finite_differences(cdnow):
    repeat = cdnow[cdnow["frequency"] > 0]
    likelihood = gammagamma.Likelihood(repeat["frequency"].to_numpy(float), repeat["monetary_value"].to_numpy())
    point, step = np.array([0.3, 0.5, 0.2]), 1e-6

    _value, slope = likelihood.negative_mean(point)

    differences = [
        (likelihood.negative_mean(point + step * axis)[0] - likelihood.negative_mean(point - step * axis)[0])
        / (2 * step)
        for axis in np.eye(3)
    ]
    assert slope == pytest.approx(differences, abs=1e-8)


@settings(max_examples=500, deadline=None)
@given(st.floats(1.01, 20), st.floats(1.05, 20), st.floats(0.1, 1e6), st.integers(1, 100), st.floats(0.01, 1e6))
def test_expected_value_lies_between_the_own_mean_and_the_population(p, q, gamma, x, seen):
    model = GammaGamma(p=p, q=q, gamma=gamma)

    value = gammagamma.expected_value(model, [x], [seen])[0]

    low, high = sorted([seen, model.population_mean])
    assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)


def test_customer_without_a_repeat_is_worth_the_population_mean():
    values = gammagamma.expected_value(PUBLISHED, [0, 0], [float("nan"), 5])

    assert values == pytest.approx([PUBLISHED.population_mean] * 2)


def test_credits_that_outweigh_purchases_count_as_nothing_seen():
    assert gammagamma.expected_value(PUBLISHED, [3], [-50]) == gammagamma.expected_value(PUBLISHED, [3], [0])


def test_dependence_of_spend_on_frequency_is_told():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 30, 500).astype(float)

    fit = gammagamma.fit(x, rng.gamma(4, 1, 500) * (1 + x))

    assert fit.correlation > 0.3
    assert fit.is_dependent


def test_fit_and_expectation_refuse_what_they_cannot_use():
    with pytest.raises(FormulaError):
        gammagamma.fit([1, 0], [5, 0])
    with pytest.raises(FormulaError):
        gammagamma.expected_value(GammaGamma(p=2, q=0.9, gamma=1), [1], [5])
    with pytest.raises(FormulaError):
        gammagamma.expected_value(PUBLISHED, [1], [float("nan")])
    with pytest.raises(FormulaError):
        gammagamma.expected_value(PUBLISHED, [1, 2], [5])
    with pytest.raises(FormulaError):
        gammagamma.log_likelihood(PUBLISHED, [0], [5])


def test_fit_recovers_the_parameters_spend_was_drawn_from():
    x = np.random.default_rng(4).integers(0, 12, 40_000).astype(float)

    fit = gammagamma.fit(x, simulated_spend(x, seed=4))

    assert fit.model.p == pytest.approx(6.25, rel=0.05)
    assert fit.model.q == pytest.approx(3.74, rel=0.05)
    assert fit.model.gamma == pytest.approx(15.44, rel=0.08)


def test_fit_of_customers_who_always_spend_the_same_ends_at_the_steadiest_shape():
    rng = np.random.default_rng(7)
    means = 30_000 / rng.gamma(3, size=400)  # nu of a customer, without any spread inside

    found = gammagamma.fit(rng.integers(20, 90, size=400), means)

    assert found.model.p == pytest.approx(gammagamma.STEADIEST_SHAPE)
    value = gammagamma.expected_value(found.model, np.full(400, 50), means)
    assert value == pytest.approx(means, rel=1e-2)
