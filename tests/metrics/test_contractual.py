"""sBG and BdW: published estimates and values, series, simulation, monotony, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import beta as beta_function

from crm.lib.exceptions import FormulaError, InsufficientData
from metrics.formulas import contractual
from metrics.formulas.contractual import BetaWeibull, Renewals
from metrics.formulas.lifetime import simple_lifetime_value

REGULAR, HIGH_END = BetaWeibull(alpha=0.704, beta=1.182), BetaWeibull(alpha=0.668, beta=3.806)
CURVES = {
    "regular": [1000, 631, 468, 382, 326, 289, 262, 241],
    "high_end": [1000, 869, 743, 653, 593, 551, 517, 491],
}
SHAPES = st.builds(BetaWeibull, alpha=st.floats(0.02, 40), beta=st.floats(0.02, 40))
WEIBULLS = st.builds(BetaWeibull, alpha=st.floats(0.05, 20), beta=st.floats(0.05, 20), c=st.floats(0.3, 2.5))


@pytest.mark.parametrize(
    ("segment", "alpha", "beta", "log_likelihood"),
    [("regular", 0.7041, 1.1820, -1680.2652), ("high_end", 0.6681, 3.8061, -1611.1581)],
)
def test_sbg_fit_gives_the_published_estimates(segment, alpha, beta, log_likelihood):
    fit = contractual.fit_sbg(contractual.renewals_of_curve(CURVES[segment]))

    assert (fit.model.alpha, fit.model.beta, fit.model.c) == pytest.approx((alpha, beta, 1), abs=5e-5)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=5e-5)
    assert (fit.contracts, fit.points) == (1000, 7)


@pytest.mark.parametrize(
    ("segment", "alpha", "beta", "c", "log_likelihood"),
    [("regular", 0.4556, 0.7793, 1.2835, -1679.6028), ("high_end", 0.2143, 1.4266, 1.7236, -1605.3142)],
)
def test_bdw_fit_gives_the_worked_example(segment, alpha, beta, c, log_likelihood):
    fit = contractual.fit_bdw(contractual.renewals_of_curve(CURVES[segment]))

    assert (fit.model.alpha, fit.model.beta, fit.model.c) == pytest.approx((alpha, beta, c), abs=5.1e-5)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=5e-5)


def test_extra_parameter_must_earn_its_place():
    chosen = {name: contractual.fit(contractual.renewals_of_curve(curve)).model for name, curve in CURVES.items()}

    assert chosen["regular"].is_geometric  # 0.66 gained
    assert chosen["high_end"].c == pytest.approx(1.7236, abs=5e-5)  # 5.84 gained


def test_published_parameters_give_the_worked_values():
    assert contractual.survival(REGULAR, [0, 7, 12]) == pytest.approx([1, 0.2391, 0.1701], abs=5e-5)
    assert contractual.survival(HIGH_END, [0, 7, 12]) == pytest.approx([1, 0.4889, 0.3780], abs=5.1e-5)
    assert contractual.retention(REGULAR, [1, 2]) == pytest.approx([0.6267, 0.7561], abs=5e-5)
    assert contractual.retention(HIGH_END, [1, 2]) == pytest.approx([0.8507, 0.8780], abs=5e-5)


def test_a_constant_retention_understates_the_worked_lifetimes():
    """The last part of the example: the first period's retention for ever, by the simple formula."""
    first = [contractual.retention(model, [1])[0] for model in (REGULAR, HIGH_END)]

    constant = simple_lifetime_value([1, 1], first, discount=0.1, is_first_margin_now=True)

    assert constant == pytest.approx([2.3242, 4.4122], abs=5.1e-5)


def test_published_parameters_give_the_worked_lifetimes():
    regular = contractual.discounted_residual_lifetime(REGULAR, [1, 2, 5], discount=0.1)
    high_end = contractual.discounted_residual_lifetime(HIGH_END, [1, 2, 5], discount=0.1)

    assert contractual.discounted_lifetime(REGULAR, discount=0.1) == pytest.approx(3.695147, abs=5e-7)
    assert contractual.discounted_lifetime(HIGH_END, discount=0.1) == pytest.approx(5.922596, abs=5e-7)
    assert regular == pytest.approx([2.964662, 4.103459, 5.894423], abs=5.1e-7)
    assert high_end == pytest.approx([5.414856, 5.901753, 6.897057], abs=5.1e-7)
    assert contractual.residual_value(REGULAR, [1000, np.nan, 10], [2, 2, 1], discount=0.1) == pytest.approx(
        [4103.459, np.nan, 29.64662], abs=5e-4, nan_ok=True
    )


@given(SHAPES, st.integers(1, 60))
@settings(max_examples=500)
def test_sbg_equals_its_beta_functions(model, t):
    whole = beta_function(model.alpha, model.beta)

    assert contractual.survival(model, t) == pytest.approx(
        beta_function(model.alpha, model.beta + t) / whole, rel=1e-9, abs=1e-14
    )
    assert contractual.churn_probability(model, t) == pytest.approx(
        beta_function(model.alpha + 1, model.beta + t - 1) / whole, rel=1e-9, abs=1e-14
    )


@given(SHAPES)
@settings(max_examples=500)
def test_sbg_survival_falls_strictly_and_retention_rises(model):
    survival, retention = contractual.survival(model, np.arange(40)), contractual.retention(model, np.arange(1, 41))

    assert survival[0] == 1
    assert (np.diff(survival) < 0).all()
    assert (survival > 0).all()
    assert (np.diff(retention) > 0).all()
    assert ((retention > 0) & (retention < 1)).all()


@given(WEIBULLS)
@settings(max_examples=500)
def test_bdw_survival_never_rises_and_its_losses_add_up(model):
    t = np.arange(1, 41)
    survival, lost = contractual.survival(model, np.arange(41)), contractual.churn_probability(model, t)

    assert (np.diff(survival) <= 0).all()
    assert lost.sum() + survival[-1] == pytest.approx(1, abs=1e-10)
    assert contractual.retention(model, t) == pytest.approx(survival[1:] / survival[:-1], rel=1e-7)


def by_terms(model, *, first, discount):
    """sum_{t >= first} S(t) / S(first) / (1 + d)**(t - first), one retention after the other."""
    k = np.arange(first, first + 4_000)
    steps = (model.beta + k) / (model.alpha + model.beta + k) / (1 + discount)
    return 1 + np.cumprod(steps).sum()


@given(SHAPES, st.integers(1, 30), st.floats(0.01, 0.6))
@settings(max_examples=500)
def test_closed_lifetimes_equal_the_sum_of_their_terms(model, n, discount):
    residual = contractual.retention(model, n) * by_terms(model, first=n, discount=discount)

    assert contractual.discounted_lifetime(model, discount=discount) == pytest.approx(
        by_terms(model, first=0, discount=discount), rel=1e-9
    )
    assert contractual.discounted_residual_lifetime(model, n, discount=discount) == pytest.approx(residual, rel=1e-9)


@given(SHAPES, st.floats(0.02, 0.6))
@settings(max_examples=500)
def test_residual_lifetime_grows_with_renewals_and_stays_below_for_ever(model, discount):
    residual = contractual.discounted_residual_lifetime(model, np.arange(1, 20), discount=discount)
    whole = contractual.discounted_lifetime(model, discount=discount)

    assert (np.diff(residual) > 0).all()
    assert (residual < (1 + discount) / discount).all()
    assert whole == pytest.approx(1 + residual[0] / (1 + discount), rel=1e-9)


@pytest.mark.parametrize("alpha", [500.0, 1e5, 3e4], ids=str)
def test_lifetime_is_summed_where_the_hypergeometric_function_fails(alpha):
    model = BetaWeibull(alpha=alpha, beta=900)

    assert contractual.discounted_lifetime(model, discount=0.05) == pytest.approx(
        by_terms(model, first=0, discount=0.05), rel=1e-9
    )


@pytest.mark.parametrize("beside", [0.0, 1e-14, 1e-11, -1e-11, 1e-7, 2e-5])
def test_lifetime_is_smooth_where_the_hypergeometric_function_loses_digits(beside):
    model = BetaWeibull(alpha=1 + beside, beta=30)
    by_hand = by_terms(model, first=0, discount=0.01)

    assert contractual.discounted_lifetime(model, discount=0.01) == pytest.approx(by_hand, rel=1e-9)


def test_bdw_lifetimes_equal_a_plain_sum_and_meet_the_sbg_at_one():
    model = BetaWeibull(0.2143, 1.4266, 1.7236)
    t = np.arange(400)
    survival = beta_function(model.alpha, model.beta + t**model.c) / beta_function(model.alpha, model.beta)
    by_hand = [(survival[n:] / survival[n - 1] / 1.1 ** (t[n:] - n)).sum() for n in (1, 4, 4)]

    assert contractual.discounted_lifetime(model, discount=0.1) == pytest.approx((survival / 1.1**t).sum(), rel=1e-9)
    assert contractual.discounted_residual_lifetime(model, [1, 4, 4], discount=0.1) == pytest.approx(by_hand, rel=1e-9)
    nearly = BetaWeibull(REGULAR.alpha, REGULAR.beta, 1 + 1e-9)
    assert contractual.discounted_lifetime(nearly, discount=0.1) == pytest.approx(3.695147, abs=1e-6)


def test_lifetimes_agree_with_simulated_customers():
    rng = np.random.default_rng(11)
    leaves = rng.beta(REGULAR.alpha, REGULAR.beta, 200_000)
    renewals = rng.geometric(np.maximum(leaves, 1e-12)) - 1  # renewals before the one that fails

    def worth(count):
        return (1 - 1.1 ** -(count.clip(max=500) + 1.0)) / (1 - 1 / 1.1)

    whole = worth(renewals).mean()
    second = (worth(renewals[renewals >= 1] - 2) * (renewals[renewals >= 1] >= 2)).mean()
    assert contractual.discounted_lifetime(REGULAR, discount=0.1) == pytest.approx(whole, rel=0.01)
    assert contractual.discounted_residual_lifetime(REGULAR, 2, discount=0.1) == pytest.approx(second, rel=0.01)


def test_likelihood_is_that_of_losses_and_survivors():
    curve = CURVES["regular"]
    lost = -np.diff(curve)
    by_hand = (lost * np.log(contractual.churn_probability(REGULAR, np.arange(1, 8)))).sum()
    by_hand += curve[-1] * np.log(contractual.survival(REGULAR, 7))

    assert contractual.log_likelihood(REGULAR, contractual.renewals_of_curve(curve)) == pytest.approx(
        by_hand, rel=1e-12
    )
    for factor in (0.98, 1.02):
        fit = contractual.fit_bdw(contractual.renewals_of_curve(curve))
        for moved in (
            BetaWeibull(fit.model.alpha * factor, fit.model.beta, fit.model.c),
            BetaWeibull(fit.model.alpha, fit.model.beta * factor, fit.model.c),
            BetaWeibull(fit.model.alpha, fit.model.beta, fit.model.c * factor),
        ):
            assert contractual.log_likelihood(moved, contractual.renewals_of_curve(curve)) < fit.log_likelihood


@pytest.mark.parametrize("point", [(0.3, -0.4), (0.3, -0.4, 0.5), (-1.0, 2.0, -0.7)], ids=str)
def test_gradient_equals_finite_differences(point):
    likelihood = contractual._Likelihood(contractual.renewals_of_curve(CURVES["high_end"]))
    theta, step = np.array(point), 1e-6

    _value, slope = likelihood.negative_mean(theta)

    differences = [
        (likelihood.negative_mean(theta + step * axis)[0] - likelihood.negative_mean(theta - step * axis)[0])
        / (2 * step)
        for axis in np.eye(len(theta))
    ]
    assert slope == pytest.approx(differences, abs=1e-8)


def test_contracts_of_any_age_give_the_renewals_of_their_curve():
    decided, is_lost = [1, 1, 2, 3, 3, 0], [True, False, True, False, True, False]

    renewals = contractual.renewals_of_contracts(decided, is_lost)

    assert (renewals.lost.tolist(), renewals.kept.tolist()) == ([1, 1, 1], [4, 2, 1])
    assert (renewals.contracts, renewals.points) == (5, 3)
    curve = np.array(CURVES["regular"])
    one_by_one = contractual.renewals_of_contracts(
        np.repeat([*range(1, 8), 7], [*-np.diff(curve), curve[-1]]), np.arange(1000) < 1000 - curve[-1]
    )
    assert one_by_one.lost.tolist() == (-np.diff(curve)).tolist()
    assert one_by_one.kept.tolist() == curve[1:].tolist()


def test_fit_recovers_the_parameters_contracts_were_drawn_from():
    rng = np.random.default_rng(5)
    n = 60_000
    lasts, seen = rng.geometric(np.maximum(rng.beta(0.9, 3.0, n), 1e-12)), rng.integers(0, 9, n)

    fit = contractual.fit(contractual.renewals_of_contracts(np.minimum(lasts, seen), lasts <= seen))

    assert fit.model.is_geometric
    assert (fit.model.alpha, fit.model.beta) == pytest.approx((0.9, 3.0), rel=0.05)


def test_customers_who_are_all_alike_give_one_retention():
    fit = contractual.fit(contractual.renewals_of_curve([100_000 * 0.4**t for t in range(7)]))

    assert fit.model.alpha == pytest.approx(contractual.MOST_ALIKE)
    assert contractual.retention(fit.model, [1, 4, 7]) == pytest.approx([0.4] * 3, abs=0.002)


def test_too_few_contracts_or_renewals_are_named_with_what_is_needed():
    contractual.check_sufficient(contractual.renewals_of_curve([50, 40, 30, 25]))

    with pytest.raises(InsufficientData) as few:
        contractual.check_sufficient(contractual.renewals_of_curve([49, 40, 30, 25]))
    with pytest.raises(InsufficientData) as short:
        contractual.check_sufficient(contractual.renewals_of_curve([500, 400, 300]))

    assert (few.value.reason, few.value.details) == ("renewal_few_contracts", {"found": 49, "needed": 50})
    assert (short.value.reason, short.value.details) == ("renewal_few_points", {"found": 2, "needed": 3})


@pytest.mark.parametrize(
    "curve", [[], [10], [10, 11], [10, -1], [10, float("nan")], [[10, 9], [9, 8]], [float("inf"), 1]], ids=str
)
def test_curves_that_cannot_be_are_refused(curve):
    with pytest.raises(FormulaError):
        contractual.renewals_of_curve(curve)


@pytest.mark.parametrize(
    ("decided", "is_lost"),
    [([0], [True]), ([-1], [False]), ([1.5], [False]), ([1, 2], [True]), ([float("nan")], [False])],
)
def test_contracts_that_cannot_be_are_refused(decided, is_lost):
    with pytest.raises(FormulaError):
        contractual.renewals_of_contracts(decided, is_lost)


@pytest.mark.parametrize(
    "curve",
    [[100, 100, 100, 100], [100, 0, 0], [1000, 600, 600, 600], [0, 0, 0]],
    ids=["kept", "lost", "split", "none"],
)
def test_renewals_that_no_model_describes_are_refused(curve):
    with pytest.raises(FormulaError):
        contractual.fit(contractual.renewals_of_curve(curve))


def test_renewals_without_a_period_or_with_a_negative_number_are_refused():
    for lost, kept in (([], []), ([1.0], [1.0, 2.0]), ([-1.0], [3.0]), ([float("nan")], [3.0])):
        with pytest.raises(FormulaError):
            contractual.check_sufficient(Renewals(np.array(lost), np.array(kept)))
    with pytest.raises(FormulaError):
        contractual.fit(contractual.renewals_of_contracts([], []))


@pytest.mark.parametrize("model", [BetaWeibull(0, 1), BetaWeibull(1, -1), BetaWeibull(1, 1, float("nan"))], ids=str)
def test_parameters_outside_the_domain_are_refused(model):
    for asked in (contractual.survival, contractual.retention, contractual.churn_probability):
        with pytest.raises(FormulaError):
            asked(model, [1])
    with pytest.raises(FormulaError):
        contractual.discounted_lifetime(model, discount=0.1)


def test_tenure_and_discount_outside_the_domain_are_refused():
    for discount in (0.0, -0.1, float("nan"), float("inf")):
        with pytest.raises(FormulaError):
            contractual.discounted_lifetime(REGULAR, discount=discount)
    for period in (0, 1.5, float("nan")):
        with pytest.raises(FormulaError):
            contractual.discounted_residual_lifetime(REGULAR, [period], discount=0.1)
    with pytest.raises(FormulaError):
        contractual.survival(REGULAR, [-1])
    with pytest.raises(FormulaError):
        contractual.discounted_lifetime(BetaWeibull(1e-3, 5, 1.5), discount=1e-12)
