"""Bootstrap of the lifetime models: against full fits, against simulation, intervals, determinism, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError, InsufficientData
from metrics.formulas import bgnbd, gammagamma, uncertainty
from metrics.formulas.bgnbd import BgNbd
from metrics.formulas.gammagamma import GammaGamma
from metrics.formulas.optimise import curvature_root, minimise_near
from metrics.formulas.uncertainty import ParameterDraws
from tests.metrics.simulate import simulated_customers, simulated_spend

OUTLOOK = {"steps": 52, "discount": 0.002}
TRUE = BgNbd(r=0.8, alpha=6.0, a=0.9, b=3.0)
TRUE_SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)


def base(n, *, seed):
    x, tx, age = simulated_customers(n, seed=seed, per_week=1)
    return x, tx, age, simulated_spend(x, seed=seed)


def asked(columns, *, margin=0.3):
    x, tx, age, mean = columns
    return {"frequency": x, "recency": tx, "age": age, "mean_value": mean, "margin": np.full(len(x), margin)} | OUTLOOK


def purchase_values(draws):
    return np.array([[model.r, model.alpha, model.a, model.b] for model in draws.purchases])


def spend_values(draws):
    return np.array([[model.p, model.q, model.gamma] for model in draws.spends])


@pytest.fixture(scope="module")
def customers():
    return base(2_000, seed=4)


@pytest.fixture(scope="module")
def draws(customers):
    return uncertainty.bootstrap(*customers, seed=1)


def test_bootstrap_starts_from_the_fit_of_the_base(customers, draws):
    x, tx, age, mean = customers

    fit = bgnbd.fit(bgnbd.group_customers(x, tx, age)).model
    spend = gammagamma.fit(x, mean).model

    assert (draws.asked, len(draws.purchases), len(draws.spends), draws.lost) == (200, 200, 200, 0)
    assert (draws.point.r, draws.point.alpha, draws.point.a, draws.point.b) == pytest.approx(
        (fit.r, fit.alpha, fit.a, fit.b), rel=1e-7
    )
    # The last digits are the processor's: its vector units add in an order of their own.
    assert (draws.spend.p, draws.spend.q, draws.spend.gamma) == pytest.approx((spend.p, spend.q, spend.gamma), rel=1e-7)


def test_warm_refit_equals_a_full_fit_on_the_resampled_customers(customers):
    x, tx, age, mean = customers
    order = np.lexsort((age, tx, x))
    sample = uncertainty._Sample(*customers)

    for seed in range(6):
        model, spend = sample.refit(np.random.default_rng(seed))

        who = order[np.random.default_rng(seed).integers(0, len(x), len(x))]
        full = bgnbd.fit(bgnbd.group_customers(x[who], tx[who], age[who])).model
        full_spend = gammagamma.fit(x[who], mean[who]).model
        assert (model.r, model.alpha, model.a, model.b) == pytest.approx((full.r, full.alpha, full.a, full.b), rel=1e-4)
        assert (spend.p, spend.q, spend.gamma) == pytest.approx(
            (full_spend.p, full_spend.q, full_spend.gamma), rel=1e-4
        )


def test_refit_far_from_the_base_is_fitted_at_full_length(customers):
    sample = uncertainty._Sample(*customers)
    weight = np.where(sample.purchases.likelihood.frequency > 3, 2.0, 1.0)  # customers of another kind
    sample.purchases.root = sample.purchases.root * 100  # so that the search nearby ends at its edge

    model = sample.purchases.refit(weight)

    grouped = bgnbd.group_customers(*customers[:3])
    likelihood = sample.purchases.likelihood
    heavy = bgnbd.Grouped(grouped.frequency, grouped.recency, grouped.age, np.where(grouped.frequency > 3, 2.0, 1.0))
    full = bgnbd.fit(heavy).model
    assert likelihood.total == heavy.weight.sum()
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((full.r, full.alpha, full.a, full.b), rel=1e-3)


def test_spread_of_the_draws_is_that_of_bases_simulated_from_the_model(draws):
    simulated, spent = [], []
    for seed in range(100, 180):
        x, tx, age, mean = base(2_000, seed=seed)
        model, spend = bgnbd.fit(bgnbd.group_customers(x, tx, age)).model, gammagamma.fit(x, mean).model
        simulated.append([model.r, model.alpha, model.a, model.b])
        spent.append([spend.p, spend.q, spend.gamma])

    ratio = np.log(purchase_values(draws)).std(axis=0) / np.log(simulated).std(axis=0)
    spend_ratio = np.log(spend_values(draws)).std(axis=0) / np.log(spent).std(axis=0)
    assert ((ratio > 0.65) & (ratio < 1.5)).all()
    assert ((spend_ratio > 0.65) & (spend_ratio < 1.5)).all()


def test_most_intervals_hold_what_the_true_parameters_expect():
    held, total = [], 0
    for seed in range(15):
        columns = base(1_000, seed=1_000 + seed)
        x, tx, age, mean = columns
        found = uncertainty.value_intervals(uncertainty.bootstrap(*columns, seed=seed), **asked(columns))
        truth = bgnbd.discounted_purchases(TRUE, x, tx, age, **OUTLOOK)
        truth *= gammagamma.expected_value(TRUE_SPEND, x, mean)
        held.append(found.total_revenue.low <= truth.sum() <= found.total_revenue.high)
        total += ((found.revenue.low <= truth) & (truth <= found.revenue.high)).mean()

    assert sum(held) >= 9  # 12 expected
    assert 0.6 < total / 15 < 0.95


def test_intervals_hold_the_estimate_for_most_seeds(customers):
    held = []
    for seed in range(6):
        found = uncertainty.value_intervals(uncertainty.bootstrap(*customers, seed=seed), **asked(customers))
        revenue = found.revenue
        held.append(found.total_clv.low <= found.total_clv.estimate <= found.total_clv.high)
        assert ((revenue.low <= revenue.estimate) & (revenue.estimate <= revenue.high)).mean() > 0.95

    assert sum(held) >= 5


def test_intervals_equal_quantiles_taken_account_by_account(customers, draws):
    part = [column[:40] for column in customers]
    x, tx, age, mean = part
    margin = np.linspace(-0.2, 0.6, 40)
    table = np.array([
        bgnbd.discounted_purchases(model, x, tx, age, **OUTLOOK) * gammagamma.expected_value(spend, x, mean)
        for model, spend in zip(draws.purchases, draws.spends, strict=True)
    ])  # fmt: skip

    found = uncertainty.value_intervals(draws, **(asked(part) | {"margin": margin}))

    assert found.revenue.low == pytest.approx(np.quantile(table, 0.1, axis=0), rel=1e-12)
    assert found.revenue.high == pytest.approx(np.quantile(table, 0.9, axis=0), rel=1e-12)
    assert found.clv.low == pytest.approx(np.quantile(table * margin, 0.1, axis=0), rel=1e-12)
    assert found.clv.high == pytest.approx(np.quantile(table * margin, 0.9, axis=0), rel=1e-12)
    assert float(found.total_revenue.low) == pytest.approx(np.quantile(table.sum(axis=1), 0.1), rel=1e-12)
    assert float(found.total_clv.high) == pytest.approx(np.quantile(table @ margin, 0.9), rel=1e-12)


def test_accounts_in_blocks_give_the_same_intervals(customers, draws, monkeypatch):
    whole = uncertainty.value_intervals(draws, **asked(customers))
    monkeypatch.setattr(uncertainty, "_BLOCK_VALUES", 30_000)

    blocks = uncertainty.value_intervals(draws, **asked(customers))

    for name in ("revenue", "clv", "total_revenue", "total_clv"):
        for end in ("low", "estimate", "high"):
            assert getattr(getattr(blocks, name), end) == pytest.approx(getattr(getattr(whole, name), end), rel=1e-9)


def test_more_customers_make_the_interval_narrower(customers, draws):
    many = base(16_000, seed=4)
    sure = uncertainty.bootstrap(*many, seed=1)

    few_found = uncertainty.value_intervals(draws, **asked(customers)).total_revenue
    many_found = uncertainty.value_intervals(sure, **asked(many)).total_revenue

    few_width = (few_found.high - few_found.low) / few_found.estimate
    many_width = (many_found.high - many_found.low) / many_found.estimate
    assert 1.8 < few_width / many_width < 4.5  # root of 8 expected


def test_same_seed_gives_the_same_draws_and_another_seed_others(customers, draws):
    again = uncertainty.bootstrap(*customers, seed=1)
    passed_in = uncertainty.bootstrap(*customers, seed=np.random.default_rng(1))
    other = uncertainty.bootstrap(*customers, seed=2)

    assert again.purchases == draws.purchases == passed_in.purchases
    assert again.spends == draws.spends == passed_in.spends
    assert other.purchases[0] != draws.purchases[0]


def test_bootstrap_without_values_has_no_spend_and_the_same_kind_of_draws(customers, draws):
    alone = uncertainty.bootstrap(*customers[:3], seed=1)

    assert (alone.spend, alone.spends) == (None, ())
    assert purchase_values(alone) == pytest.approx(purchase_values(draws))
    with pytest.raises(FormulaError):
        uncertainty.value_intervals(alone, **asked(customers))


def test_customers_who_always_spend_the_same_have_a_mean_however_loose_their_shape():
    x, tx, age = simulated_customers(600, seed=9, r=6, alpha=6, a=0.4, b=40)
    means = 30_000 / np.random.default_rng(7).gamma(3, size=len(x))

    found = uncertainty.bootstrap(x, tx, age, means, seed=3)

    shapes, averages = spend_values(found)[:, 0], np.array([spend.population_mean for spend in found.spends])
    assert found.lost <= 2  # of 200; on most processors none
    assert shapes.max() == pytest.approx(gammagamma.STEADIEST_SHAPE)  # some refits end at that edge
    assert 0.01 < averages.std() / averages.mean() < 0.1


def test_refit_at_the_steadiest_shape_is_as_likely_as_a_full_fit():
    x, tx, age = simulated_customers(600, seed=9, r=6, alpha=6, a=0.4, b=40)
    means = 30_000 / np.random.default_rng(7).gamma(3, size=len(x))
    order, sample = np.lexsort((age, tx, x)), uncertainty._Sample(x, tx, age, means)

    for seed in range(5):
        _model, spend = sample.refit(np.random.default_rng(seed))

        who = order[np.random.default_rng(seed).integers(0, len(x), len(x))]
        who = who[x[who] > 0]
        reached = gammagamma.log_likelihood(spend, x[who], means[who]).sum()
        assert reached == pytest.approx(gammagamma.fit(x[who], means[who]).log_likelihood, rel=1e-8)


def test_unknown_margin_or_value_leaves_account_and_total_undefined(customers, draws):
    part = [column[:6].copy() for column in customers]
    buyer = int(np.flatnonzero(part[0] > 0)[0])
    part[3][buyer] = np.nan
    margin = np.full(6, 0.3)
    margin[5 if buyer != 5 else 4] = np.nan

    found = uncertainty.value_intervals(draws, **(asked(part) | {"margin": margin}))

    assert np.flatnonzero(np.isnan(found.revenue.low)).tolist() == [buyer]
    assert np.isnan(found.clv.high).sum() == 2
    assert np.isnan(found.total_revenue.low)
    assert np.isnan(found.total_clv.estimate)


MODELS = st.builds(BgNbd, r=st.floats(0.2, 3), alpha=st.floats(2, 20), a=st.floats(0.2, 3), b=st.floats(0.5, 8))
SPENDS = st.builds(GammaGamma, p=st.floats(1, 9), q=st.floats(1.5, 9), gamma=st.floats(1, 90))
DRAWS = st.lists(st.tuples(MODELS, SPENDS), min_size=3, max_size=6).map(
    lambda pairs: ParameterDraws(
        purchases=tuple(model for model, _ in pairs), spends=tuple(spend for _, spend in pairs),
        point=pairs[0][0], spend=pairs[0][1], asked=len(pairs),
    )
)  # fmt: skip


@given(DRAWS, st.integers(0, 30), st.floats(0, 1), st.floats(1, 200), st.floats(0.1, 1e5), st.floats(-0.5, 0.9))
@settings(max_examples=500)
def test_interval_has_its_ends_in_order_and_grows_with_coverage(draws, x, part, age, mean, margin):
    one = {
        "frequency": [x],
        "recency": [part * age if x else 0],
        "age": [age],
        "mean_value": [mean],
        "margin": [margin],
    }

    narrow = uncertainty.value_intervals(draws, **one, **OUTLOOK, coverage=0.5)
    wide = uncertainty.value_intervals(draws, **one, **OUTLOOK, coverage=0.9)

    assert 0 <= wide.revenue.low[0] <= narrow.revenue.low[0] <= narrow.revenue.high[0] <= wide.revenue.high[0]
    assert wide.clv.low[0] <= narrow.clv.low[0] <= narrow.clv.high[0] <= wide.clv.high[0]
    assert (float(wide.total_clv.low), float(wide.total_clv.high)) == pytest.approx((wide.clv.low[0], wide.clv.high[0]))


def test_bootstrap_refuses_too_few_refits_customers_or_values(customers):
    x, tx, age, mean = customers

    with pytest.raises(FormulaError):
        uncertainty.bootstrap(*customers, seed=1, refits=199)
    with pytest.raises(InsufficientData) as few:
        uncertainty.bootstrap(x[:150], tx[:150], age[:150], mean[:150], seed=1)
    with pytest.raises(FormulaError):
        uncertainty.bootstrap(x, tx, age, mean[:-1], seed=1)
    with pytest.raises(FormulaError):
        uncertainty.bootstrap(x, tx, age, np.full(len(x), np.nan), seed=1)
    assert few.value.reason == "lifetime_few_accounts"


def test_resamples_without_a_maximum_are_left_out_and_counted_until_they_are_too_many(customers, monkeypatch):
    real = uncertainty._Sample.refit

    def losing(share):
        def refit(self, rng):
            return None if rng.random() < share else real(self, rng)

        monkeypatch.setattr(uncertainty._Sample, "refit", refit)

    losing(0.03)
    some = uncertainty.bootstrap(*customers, seed=1)
    losing(0.3)
    with pytest.raises(FormulaError):
        uncertainty.bootstrap(*customers, seed=1)

    assert 0 < some.lost == 200 - len(some.purchases) == 200 - len(some.spends) <= 20


@pytest.mark.parametrize(
    "changed",
    [{"coverage": 0.0}, {"coverage": 1.0}, {"coverage": float("nan")}, {"margin": [0.3]}, {"frequency": [1.5, 1, 1]},
     {"steps": 0}, {"discount": -0.1}, {"recency": [99, 1, 1]}],
    ids=str,
)  # fmt: skip
def test_intervals_refuse_what_is_outside_their_domain(draws, changed):
    three = {
        "frequency": [1, 2, 3],
        "recency": [4, 5, 6],
        "age": [9, 9, 9],
        "mean_value": [5, 5, 5],
        "margin": [0.3] * 3,
    }

    with pytest.raises(FormulaError):
        uncertainty.value_intervals(draws, **(three | OUTLOOK | changed))


def test_data_grade_asks_for_the_minimum_then_for_an_own_history_or_schedule():
    grades = uncertainty.data_grades(
        is_minimum_met=[True, True, True, True, False, False],
        repeats=[3, 2, 0, 0, 9, 0],
        has_schedule=[False, False, False, True, False, True],
    )

    assert grades.tolist() == ["A", "B", "B", "A", "C", "C"]
    assert uncertainty.data_grades(is_minimum_met=True, repeats=[0, 5]).tolist() == ["B", "A"]
    with pytest.raises(FormulaError):
        uncertainty.data_grades(is_minimum_met=True, repeats=[float("nan")])


def test_minimum_nearby_is_found_in_a_narrow_valley_and_its_root_needs_a_hollow():
    steep = np.array([[1e4, 99.0], [99.0, 1.0]])

    def valley(point):
        return float(point @ steep @ point / 2 + 0.01 * point[0] ** 4), steep @ point + np.array(
            [0.04 * point[0] ** 3, 0]
        )

    def shifted(point):
        value, slope = valley(point - np.array([0.001, 0.02]))
        return value, slope

    root = curvature_root(valley, np.zeros(2))

    assert root @ root.T == pytest.approx(steep, rel=1e-6)
    assert curvature_root(lambda point: (-valley(point)[0], -valley(point)[1]), np.zeros(2)) is None
    found = minimise_near(shifted, np.zeros(2), root=root)
    assert found.is_inner
    assert found.x == pytest.approx([0.001, 0.02], abs=1e-6)
    assert not minimise_near(lambda point: valley(point - 50.0), np.zeros(2), root=root).is_inner
