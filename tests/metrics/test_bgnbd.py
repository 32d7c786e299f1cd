"""BG/NBD: published values, the CDNOW fit, recovery of known parameters, monotony, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from crm.lib.exceptions import FormulaError, InsufficientData
from metrics.formulas import bgnbd
from metrics.formulas.bgnbd import BgNbd
from tests.metrics.simulate import simulated_customers

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
CUSTOMERS = [  # x, t_x, T, log-likelihood, P(alive), t, E[Y(t)]
    (0, 0, 39, -0.555498, 1, 39, 0.194531),
    (1, 1.71, 38.86, -4.469093, 0.212101, 39, 0.203187),
    (2, 30.43, 38.86, -9.458606, 0.726579, 39, 1.226028),
    (7, 29.43, 38.86, -21.863276, 0.641756, 39, 3.337053),
    (26, 30.86, 31, -37.726579, 0.968916, 52, 25.758196),
    (10, 10, 39, -18.924377, 0.000179, 39, 0.001302),
]


@pytest.fixture(scope="module")
def cdnow():
    return pytest.importorskip("lifetimes.datasets").load_cdnow_summary()


def test_new_customer_gives_the_worked_example():
    expected = bgnbd.expected_purchases_of_new(PUBLISHED, [0, 13, 39, 52])

    assert expected == pytest.approx([0, 0.534440, 1.196723, 1.446051], abs=5e-7)
    assert bgnbd.probability_of_no_purchase(PUBLISHED, 39) == pytest.approx(0.5737864, abs=5e-8)


@pytest.mark.parametrize(("x", "tx", "age", "log_likelihood", "alive", "ahead", "expected"), CUSTOMERS)
def test_known_customer_gives_the_worked_example(x, tx, age, log_likelihood, alive, ahead, expected):
    assert bgnbd.log_likelihood(PUBLISHED, [x], [tx], [age]) == pytest.approx([log_likelihood], abs=5e-7)
    assert bgnbd.probability_alive(PUBLISHED, [x], [tx], [age]) == pytest.approx([alive], abs=5e-7)
    assert bgnbd.expected_purchases(PUBLISHED, [x], [tx], [age], ahead) == pytest.approx([expected], abs=5e-7)


def test_fit_on_cdnow_gives_the_published_estimates(cdnow):
    fit = bgnbd.fit(bgnbd.group_customers(cdnow["frequency"], cdnow["recency"], cdnow["T"]))

    assert fit.customers == 2357
    assert fit.model.r == pytest.approx(0.2426, abs=0.0002)
    assert fit.model.alpha == pytest.approx(4.4135, abs=0.0002)
    assert fit.model.a == pytest.approx(0.7929, abs=0.0002)
    assert fit.model.b == pytest.approx(2.4258, abs=0.0002)
    assert fit.log_likelihood == pytest.approx(-9582.4256, abs=0.0001)


def test_grouped_fit_has_the_likelihood_of_its_customers(cdnow):
    columns = (cdnow["frequency"], cdnow["recency"], cdnow["T"])
    fit = bgnbd.fit(bgnbd.group_customers(*columns))

    one_by_one = bgnbd.log_likelihood(fit.model, *columns).sum()
    assert fit.groups < 1100
    assert fit.log_likelihood == pytest.approx(one_by_one, rel=1e-12)
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.999, 1.001):
            moved = BgNbd(**{**{k: getattr(fit.model, k) for k in ("r", "alpha", "a", "b")},
                             name: getattr(fit.model, name) * factor})  # fmt: skip
            assert bgnbd.log_likelihood(moved, *columns).sum() < one_by_one


def test_fit_recovers_the_parameters_customers_were_drawn_from():
    fit = bgnbd.fit(bgnbd.group_customers(*simulated_customers(60_000, seed=7)))

    assert fit.model.r == pytest.approx(0.8, rel=0.06)
    assert fit.model.alpha == pytest.approx(6, rel=0.08)
    assert fit.model.a == pytest.approx(0.9, rel=0.12)
    assert fit.model.b == pytest.approx(3, rel=0.15)


def test_gradient_equals_finite_differences():
    likelihood = bgnbd.Likelihood(bgnbd.group_customers(*simulated_customers(500, seed=3)))
    point, step = np.array([0.3, -1.0, 0.2, 0.7]), 1e-6

    _value, slope = likelihood.negative_mean(point)

    differences = [
        (likelihood.negative_mean(point + step * axis)[0] - likelihood.negative_mean(point - step * axis)[0])
        / (2 * step)
        for axis in np.eye(4)
    ]
    assert slope == pytest.approx(differences, abs=1e-8)


def test_groups_hold_every_customer_once_for_days_weeks_and_any_unit():
    x, tx, age = simulated_customers(3_000, seed=5)
    for unit in (1.0, 7.0, np.pi):
        grouped = bgnbd.group_customers(x, tx / unit, age / unit)
        rows = np.stack([grouped.frequency, grouped.recency, grouped.age], axis=1)

        assert grouped.weight.sum() == 3_000
        assert len(np.unique(rows, axis=0)) == len(rows)
        assert (grouped.weight * grouped.recency).sum() == pytest.approx((tx / unit).sum())


def test_expected_purchases_equal_the_integral_over_rates_and_chances():
    r, alpha, a, b = PUBLISHED.r, PUBLISHED.alpha, PUBLISHED.a, PUBLISHED.b
    x, tx, age, ahead = 3, 20.0, 39.0, 26.0
    start = alpha + age

    def gained(p):
        return (1 - (start / (start + p * ahead)) ** (r + x)) / p * beta_distribution.pdf(p, a, b + x)

    by_hand = quad(gained, 0, 1)[0] * bgnbd.probability_alive(PUBLISHED, [x], [tx], [age])[0]
    assert bgnbd.expected_purchases(PUBLISHED, [x], [tx], [age], ahead) == pytest.approx([by_hand], rel=1e-8)


@pytest.mark.parametrize("a", [1.0, 1 - 1e-9, 0.5, 2.5])
def test_expected_purchases_are_smooth_through_the_removable_singularities(a):
    model = BgNbd(r=0.8, alpha=6, a=a, b=0.5)

    here = bgnbd.expected_purchases(model, [0, 0, 4], [0, 0, 9], [12, 30, 30], 26)
    near = bgnbd.expected_purchases(BgNbd(r=0.8, alpha=6, a=a + 1e-5, b=0.5), [0, 0, 4], [0, 0, 9], [12, 30, 30], 26)

    assert np.isfinite(here).all()
    assert here == pytest.approx(near, rel=1e-3)


@pytest.mark.parametrize("steps", [1, 10, 39, 156, 520])
def test_discounted_purchases_equal_the_sum_over_single_weeks(steps):
    x, tx, age = (np.array(column, dtype=float) for column in list(zip(*CUSTOMERS, strict=True))[:3])
    discount = 1.1 ** (1 / 52) - 1
    by_hand, before = np.zeros(len(x)), np.zeros(len(x))
    for week in range(1, steps + 1):
        so_far = bgnbd.expected_purchases(PUBLISHED, x, tx, age, week)
        by_hand += (so_far - before) / (1 + discount) ** week
        before = so_far

    total = bgnbd.discounted_purchases(PUBLISHED, x, tx, age, steps=steps, discount=discount)

    assert total == pytest.approx(by_hand, rel=1e-8)


def test_discounted_purchases_of_very_frequent_customers_stay_finite():
    total = bgnbd.discounted_purchases(PUBLISHED, [0, 600, 3000], [0, 103, 100], [104, 104, 104], steps=156, discount=0)

    assert np.isfinite(total).all()
    assert (total > 0).all()


MODELS = st.builds(BgNbd, r=st.floats(0.05, 10), alpha=st.floats(0.1, 50), a=st.floats(0.05, 8), b=st.floats(0.05, 20))
HISTORIES = st.tuples(st.integers(1, 60), st.floats(0, 1), st.floats(1, 300))


@settings(max_examples=500, deadline=None)
@given(MODELS, HISTORIES)
def test_probability_alive_lies_in_zero_one_and_falls_as_silence_grows(model, history):
    x, part, age = history
    alive = bgnbd.probability_alive(model, [x, x, x], [part * age, part * age, part * age / 2], [age, age + 5, age])

    assert ((alive >= 0) & (alive <= 1)).all()
    assert alive[1] <= alive[0]
    assert alive[2] <= alive[0]
    assert bgnbd.probability_alive(model, [0], [0], [age])[0] == 1


@settings(max_examples=500, deadline=None)
@given(MODELS, HISTORIES)
def test_expected_purchases_start_at_nothing_and_rise(model, history):
    x, part, age = history
    expected = bgnbd.expected_purchases(model, [x] * 4, [part * age] * 4, [age] * 4, [0, 1, 10, 100])

    assert expected[0] == pytest.approx(0, abs=1e-9)
    assert (np.diff(expected) >= -1e-9 * max(expected[-1], 1)).all()


@pytest.mark.parametrize(
    ("x", "tx", "age"),
    [([-1], [0], [1]), ([0.5], [0], [1]), ([1], [2], [1]), ([0], [1], [2]), ([1], [-1], [2]),
     ([float("nan")], [0], [1]), ([1, 2], [1], [2])],
)  # fmt: skip
def test_histories_that_cannot_be_are_refused(x, tx, age):
    with pytest.raises(FormulaError):
        bgnbd.group_customers(x, tx, age)


def test_fit_refuses_customers_of_whom_none_came_back():
    with pytest.raises(FormulaError):
        bgnbd.fit(bgnbd.group_customers([0, 0], [0, 0], [5, 9]))


def test_fit_refuses_purchases_that_run_to_the_edge():
    with pytest.raises(FormulaError):
        bgnbd.fit(bgnbd.group_customers([10] * 300, [10.0] * 300, [10.0] * 300))


def test_discounted_purchases_refuse_an_empty_horizon():
    with pytest.raises(FormulaError):
        bgnbd.discounted_purchases(PUBLISHED, [1], [1], [2], steps=0, discount=0.1)


def test_too_little_history_is_named_with_what_is_needed():
    x, tx, age = simulated_customers(400, seed=1)
    bgnbd.check_sufficient(x, tx, age)

    with pytest.raises(InsufficientData) as few:
        bgnbd.check_sufficient(x[:150], tx[:150], age[:150])
    with pytest.raises(InsufficientData) as silent:
        bgnbd.check_sufficient(np.zeros(300), np.zeros(300), np.full(300, 50.0))
    with pytest.raises(InsufficientData) as short:
        bgnbd.check_sufficient(np.ones(300), np.full(300, 40.0), np.full(300, 50.0))

    assert (few.value.reason, few.value.details) == ("lifetime_few_accounts", {"found": 150, "needed": 200})
    assert (silent.value.reason, silent.value.details["found"]) == ("lifetime_few_repeaters", 0)
    assert short.value.reason == "lifetime_short_span"
