"""The split of a change in revenue: worked examples, permutations in fractions, limits, what undefined factors do."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import permutations
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.decomposition import (
    FOUR_FACTORS,
    THREE_FACTORS,
    Factor,
    PerformanceCounts,
    SplitMethod,
    decompose_performance,
    filled_factors,
    lmdi_effects,
    logarithmic_mean,
    performance_factors,
    roll_up,
    shapley_effects,
)

# EX-3: covered, active, orders, revenue of one leaf.
BASE = PerformanceCounts([200], [120], [480], [6000])
COMPARISON = PerformanceCounts([240], [156], [780], [7488])


def by_permutations(base, comparison):
    """Shapley as defined: change one factor after the other, in every order, and take the mean; in fractions."""
    x0, x1 = [Fraction(x) for x in base], [Fraction(x) for x in comparison]
    effects = [Fraction(0)] * len(x0)
    for order in permutations(range(len(x0))):
        state = list(x0)
        for k in order:
            before = prod(state)
            state[k] = x1[k]
            effects[k] += prod(state) - before
    return [float(effect / factorial(len(x0))) for effect in effects]


def by_decimal_logarithms(base, comparison):
    """The index with so many digits that every product of five float64 is exact."""
    with localcontext(prec=400):
        x0, x1 = [Decimal(x) for x in base], [Decimal(x) for x in comparison]
        r0, r1 = prod(x0), prod(x1)
        mean = r0 if r0 == r1 else (r1 - r0) / (r1.ln() - r0.ln())
        return [float(mean * (b.ln() - a.ln())) for a, b in zip(x0, x1, strict=True)]


def size(base, comparison):
    """The largest product on the way; what rounding is measured against."""
    return float(np.maximum(np.abs(base), np.abs(comparison)).prod(axis=-1).max(initial=0.0))


@pytest.mark.parametrize(
    ("method", "factors", "expected"),
    [
        ("shapley", THREE_FACTORS, [3674 / 3, 1616 / 3, -826 / 3]),
        ("lmdi", THREE_FACTORS, [1224.572072, 537.610945, -274.183016]),
        ("shapley", FOUR_FACTORS, [1236.75, 543.983333, 1512.516667, -1805.25]),
        ("lmdi", FOUR_FACTORS, [1224.572072, 537.610945, 1498.755088, -1772.938105]),
    ],
    ids=["shapley-3", "lmdi-3", "shapley-4", "lmdi-4"],
)
def test_decomposition_gives_the_worked_example(method, factors, expected):
    split = decompose_performance(BASE, COMPARISON, factors=factors, method=SplitMethod(method))

    assert split.effects[0] == pytest.approx(expected, abs=1e-6)
    assert split.change.tolist() == [1488]
    assert split.effects.sum() == pytest.approx(1488, rel=1e-12)
    assert (split.method, split.is_fallback, split.is_imputed.any()) == (method, False, False)


def test_shapley_equals_the_printed_formula_of_three_factors():
    (k0, a0, v0), (k1, a1, v1) = base, comparison = [200, 0.6, 50], [240, 0.65, 48]

    by_hand = (k1 - k0) * ((a0 * v0 + a1 * v1) / 3 + (a0 * v1 + a1 * v0) / 6)

    assert shapley_effects(base, comparison)[0] == pytest.approx(by_hand, rel=1e-14)
    assert by_permutations(["200", "0.6", "50"], ["240", "0.65", "48"])[0] == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize("effects", [shapley_effects, lmdi_effects], ids=["shapley", "lmdi"])
def test_effects_of_many_leaves_are_those_of_each_alone(effects):
    base, comparison = np.random.default_rng(1).uniform(0.1, 9, (2, 3, 4, 5))

    together = effects(base, comparison)

    assert together.shape == (3, 4, 5)
    for row in np.ndindex(3, 4):
        assert together[row] == pytest.approx(effects(base[row], comparison[row]), rel=1e-12)


@pytest.mark.parametrize(
    ("method", "expected"), [("shapley", [200, 2200, 0]), ("lmdi", [0, 2400, 0])], ids=["shapley", "lmdi"]
)
def test_leaf_that_wakes_up_takes_the_other_windows_value(method, expected):
    asleep, awake = PerformanceCounts([100], [0], [0], [0]), PerformanceCounts([120], [60], [90], [2400])

    split = decompose_performance(asleep, awake, method=SplitMethod(method))

    assert split.effects[0] == pytest.approx(expected, abs=1e-9)
    assert split.is_imputed.tolist() == [[False, False, True]]
    assert np.isnan(split.base_factors[0, 2])


@pytest.mark.parametrize(("delta", "covered", "rate"), [(1e-10, 19.43, 2380.57), (1e-20, 9.61, 2390.39)])
def test_lmdi_with_a_small_number_for_zero_nears_its_limit_slowly(delta, covered, rate):
    effects = lmdi_effects([100, delta, 40], [120, 0.5, 40])

    assert effects == pytest.approx([covered, rate, 0], abs=0.005)


def test_lmdi_shares_the_change_between_factors_that_turn_zero_together():
    effects = lmdi_effects([[10, 0, 0], [10, 0.5, 0], [0, 0, 5]], [[10, 0.5, 40], [10, 0, 40], [0, 1, 5]])

    assert effects.tolist() == [[0, 100, 100], [0, 0, 0], [0, 0, 0]]


def test_lmdi_is_not_defined_below_zero():
    effects = lmdi_effects([[10, 0.5, -4], [10, 0.5, 4]], [[10, 0.5, 4], [10, 0.5, 8]])

    assert np.isnan(effects[0]).all()
    assert effects[1] == pytest.approx([0, 0, 20])


def test_one_leaf_below_zero_turns_the_whole_table_to_shapley_and_says_so():
    base = PerformanceCounts([10, 10], [5, 5], [5, 5], [-20, 20])
    comparison = PerformanceCounts([10, 12], [5, 6], [5, 6], [20, 30])

    split = decompose_performance(base, comparison, method=SplitMethod.LMDI)
    plain = decompose_performance(base, comparison)

    assert (split.method, split.is_fallback, split.negative_leaves.tolist()) == ("shapley", True, [True, False])
    assert split.effects.tolist() == plain.effects.tolist()
    assert (plain.method, plain.is_fallback) == ("shapley", False)


def test_revenue_without_an_active_account_is_unattributed():
    base = PerformanceCounts([10, 0, 0], [0, 0, 0], [0, 0, 0], [-50, 0, -7])
    comparison = PerformanceCounts([10, 4, 0], [5, 2, 0], [5, 2, 0], [100, 60, 0])

    split = decompose_performance(base, comparison)

    assert split.base_unattributed.tolist() == [-50, 0, -7]
    assert split.unattributed_change.tolist() == [50, 0, 7]
    assert split.effects.tolist() == [[0, 100, 0], [60, 0, 0], [0, 0, 0]]
    assert split.change.tolist() == [150, 60, 7]
    assert split.is_imputed.tolist() == [[False, False, True], [False, True, True], [False, False, False]]


def test_revenue_of_active_accounts_without_an_order_is_unattributed_in_the_form_with_orders():
    counts = PerformanceCounts([10], [5], [0], [100])

    with_orders, loose = performance_factors(counts, factors=FOUR_FACTORS)
    without, bound = performance_factors(counts)

    assert with_orders[0].tolist() == pytest.approx([10, 0.5, 0, float("nan")], nan_ok=True)
    assert (without.tolist(), loose.tolist(), bound.tolist()) == ([[10, 0.5, 20]], [100], [0])


def test_filled_factors_take_the_other_window_or_nothing():
    nan = float("nan")

    base, comparison = filled_factors([1, nan, nan], [nan, 2, nan])

    assert (base.tolist(), comparison.tolist()) == ([1, 2, 0], [1, 2, 0])


def test_roll_up_names_what_the_mix_of_leaves_does():
    # Neither team changed its rate or its amount; accounts moved to the team that is active.
    base = PerformanceCounts([100, 100], [20, 80], [20, 80], [2000, 8000])
    comparison = PerformanceCounts([50, 150], [10, 120], [10, 120], [1000, 12000])

    whole = roll_up(base, comparison)

    assert whole.effects == pytest.approx([3000, 0, 0], abs=1e-9)
    assert whole.totals.effects[0] == pytest.approx([0, 3000, 0], abs=1e-9)
    assert whole.mix == pytest.approx([3000, -3000, 0], abs=1e-9)
    assert whole.unattributed_mix == 0


def test_roll_up_never_compares_two_methods():
    # The credits of the sleeping team make the total negative, though no leaf has a factor below 0.
    base = PerformanceCounts([10, 10], [5, 0], [5, 0], [100, -500])
    comparison = PerformanceCounts([10, 10], [5, 5], [5, 5], [200, 300])

    whole = roll_up(base, comparison, method=SplitMethod.LMDI)

    assert not decompose_performance(base, comparison, method=SplitMethod.LMDI).is_fallback
    assert (whole.leaves.method, whole.leaves.is_fallback) == ("shapley", True)
    assert (whole.totals.method, whole.totals.is_fallback) == ("shapley", True)
    assert whole.mix.sum() + whole.unattributed_mix == pytest.approx(0, abs=1e-9)
    assert whole.unattributed_mix == 500


@pytest.mark.parametrize(
    "counts",
    [
        ([1, 2], [1], [1], [1]),
        ([1], [2], [1], [1]),
        ([1], [-1], [1], [1]),
        ([1], [1], [-1], [1]),
        ([1], [1], [1], [float("nan")]),
        ([float("inf")], [1], [1], [1]),
        (1, 1, 1, 1),
    ],
    ids=["shapes", "active-above-covered", "negative-active", "negative-orders", "nan", "infinite", "scalar"],
)
def test_counts_outside_the_domain_are_refused(counts):
    with pytest.raises(FormulaError):
        decompose_performance(PerformanceCounts(*counts), COMPARISON)


def test_unlike_windows_and_unknown_products_are_refused():
    two_leaves = PerformanceCounts([1, 1], [1, 1], [1, 1], [1, 1])
    none = PerformanceCounts([], [], [], [])

    with pytest.raises(FormulaError, match="same leaves"):
        decompose_performance(BASE, two_leaves)
    with pytest.raises(FormulaError, match="three factors"):
        decompose_performance(BASE, COMPARISON, factors=(Factor.ACTIVE_RATE,))
    with pytest.raises(FormulaError, match="at least one leaf"):
        roll_up(none, none)
    assert decompose_performance(none, none).effects.shape == (0, 3)


@pytest.mark.parametrize("effects", [shapley_effects, lmdi_effects], ids=["shapley", "lmdi"])
def test_factors_outside_the_domain_are_refused(effects):
    for base, comparison in ([1, 2], [1]), ([], []), (1, 1), ([1, float("nan")], [1, 1]), ([1, 1], [1, float("inf")]):
        with pytest.raises(FormulaError):
            effects(base, comparison)


def test_logarithmic_mean_keeps_its_digits_near_equality():
    low = 6000.0
    high = low * (1 + 1e-12)

    mean = logarithmic_mean([high, low, low, 0, 3], [low, high, low, 5, 0])

    assert mean.tolist() == pytest.approx([(high + low) / 2, (high + low) / 2, low, 0, 0], rel=1e-15)
    for value in -1.0, float("nan"), float("inf"):
        with pytest.raises(FormulaError):
            logarithmic_mean([value], [1])


def test_lmdi_of_almost_equal_windows_keeps_its_digits():
    base, comparison = [200.0, 0.6, 50.0], [200.0 * (1 + 1e-11), 0.6, 50.0 * (1 - 3e-12)]

    assert lmdi_effects(base, comparison) == pytest.approx(by_decimal_logarithms(base, comparison), rel=1e-10)


POSITIVE = st.floats(1e-3, 1e6)
ANY = st.one_of(st.just(0.0), POSITIVE, POSITIVE.map(lambda x: -x))


def window_pairs(element, *, largest=5):
    """Two windows of one to ``largest`` factors."""
    return st.integers(1, largest).flatmap(
        lambda n: st.tuples(st.lists(element, min_size=n, max_size=n), st.lists(element, min_size=n, max_size=n))
    )


@settings(max_examples=500, deadline=None)
@given(window_pairs(ANY))
def test_shapley_equals_the_permutations_and_adds_up(windows):
    base, comparison = windows
    rounding = 1e-12 * size(base, comparison)

    effects = shapley_effects(base, comparison)

    assert effects == pytest.approx(by_permutations(base, comparison), rel=1e-9, abs=rounding)
    assert effects.sum() == pytest.approx(prod(comparison) - prod(base), rel=1e-9, abs=rounding)
    assert shapley_effects(comparison, base) == pytest.approx(-effects, rel=1e-9, abs=rounding)


@settings(max_examples=500, deadline=None)
@given(window_pairs(POSITIVE))
def test_lmdi_equals_the_logarithms_in_decimals_and_adds_up(windows):
    base, comparison = windows
    rounding = 1e-12 * size(base, comparison)

    effects = lmdi_effects(base, comparison)

    assert effects == pytest.approx(by_decimal_logarithms(base, comparison), rel=1e-9, abs=rounding)
    assert effects.sum() == pytest.approx(prod(comparison) - prod(base), rel=1e-9, abs=rounding)
    assert lmdi_effects(comparison, base) == pytest.approx(-effects, rel=1e-9, abs=rounding)


@settings(max_examples=500, deadline=None)
@given(window_pairs(st.one_of(st.just(0.0), POSITIVE)))
def test_lmdi_with_zeros_adds_up_and_flips_with_the_windows(windows):
    base, comparison = windows
    turned = [(a == 0) != (b == 0) for a, b in zip(base, comparison, strict=True)]
    rounding = 1e-12 * size(base, comparison)

    effects = lmdi_effects(base, comparison)

    assert effects.sum() == pytest.approx(prod(comparison) - prod(base), rel=1e-9, abs=rounding)
    assert lmdi_effects(comparison, base) == pytest.approx(-effects, rel=1e-9, abs=rounding)
    if any(turned):
        assert [effect for effect, has_turned in zip(effects, turned, strict=True) if not has_turned and effect] == []


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-3, 1e9), st.floats(-16, 3))
def test_logarithmic_mean_lies_between_its_arguments(low, log_gap):
    high = low * (1 + 10**log_gap)

    mean = float(logarithmic_mean(high, low))

    assert low * (1 - 1e-15) <= mean <= high * (1 + 1e-15)
    assert mean == logarithmic_mean(low, high)


@st.composite
def leaf(draw):
    """covered, active, orders, revenue in cents / 100; now and then no account, none active, no order."""
    covered = draw(st.integers(0, 40))
    active = draw(st.integers(0, covered) | st.just(0))
    orders = draw(st.integers(active, 5 * active + 3) | st.just(0))
    return covered, active, orders, draw(st.integers(-(10**6), 10**8)) / 100


LEAVES = st.integers(1, 5).flatmap(lambda n: st.tuples(*[st.lists(leaf(), min_size=n, max_size=n)] * 2))


@settings(max_examples=500, deadline=None)
@given(LEAVES, st.sampled_from([THREE_FACTORS, FOUR_FACTORS]), st.sampled_from(list(SplitMethod)))
def test_decomposition_adds_up_for_every_leaf_and_for_the_roll_up(windows, factors, method):
    base, comparison = (PerformanceCounts(*zip(*window, strict=True)) for window in windows)

    whole = roll_up(base, comparison, factors=factors, method=method)
    turned = roll_up(comparison, base, factors=factors, method=method)

    rounding = 1e-12 * sum(
        size(*filled_factors(split.base_factors, split.comparison_factors))
        + np.abs([base.revenue, comparison.revenue]).sum()
        for split in (whole.leaves, whole.totals)
    )
    for split in whole.leaves, whole.totals:
        parts = split.effects.sum(axis=1) + split.unattributed_change
        assert parts == pytest.approx(split.change, rel=1e-9, abs=rounding)
    assert turned.effects == pytest.approx(-whole.effects, rel=1e-9, abs=rounding)
    assert whole.mix.sum() + whole.unattributed_mix == pytest.approx(0, abs=rounding)
    assert whole.leaves.method == whole.totals.method


@settings(max_examples=500, deadline=None)
@given(leaf(), st.sampled_from([THREE_FACTORS, FOUR_FACTORS]))
def test_product_of_the_factors_is_the_attributed_revenue(counts, factors):
    measured, unattributed = performance_factors(PerformanceCounts(*([x] for x in counts)), factors=factors)

    attributed = counts[3] - unattributed[0]

    assert np.isnan(measured).any() == (counts[1] == 0 or (factors == FOUR_FACTORS and counts[2] == 0))
    assert attributed == pytest.approx(0 if np.isnan(measured).any() else float(measured.prod()), rel=1e-12)
