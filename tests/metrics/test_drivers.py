"""The doubling what-if: the example's drivers, the equal factor, the ceiling of the active rate, what one driver needs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from crm.lib.exceptions import FormulaError
from metrics.formulas.drivers import driver_scenario, equal_driver_multiple, equal_driver_multiples, needed_drivers

TODAY = [200, 0.6, 50]


def test_scenario_gives_the_worked_example():
    result = driver_scenario(TODAY, [240, 0.65, 48])

    assert (result.current_revenue, result.revenue) == pytest.approx((6000, 7488), rel=1e-12)
    assert (result.change, result.multiple) == pytest.approx((1488, 1.248), rel=1e-12)
    assert result.driver_multiples == pytest.approx([1.2, 13 / 12, 0.96], rel=1e-12)
    assert result.effects == pytest.approx([3674 / 3, 1616 / 3, -826 / 3], rel=1e-12)


def test_three_drivers_of_a_quarter_more_double_revenue():
    factor = float(equal_driver_multiple(2))

    assert factor == pytest.approx(1.2599210498948732, rel=1e-15)
    assert driver_scenario(TODAY, np.multiply(TODAY, factor)).multiple == pytest.approx(2, rel=1e-12)
    assert equal_driver_multiple([1, 2, 16], drivers=4).tolist() == pytest.approx([1, 2**0.25, 2], rel=1e-15)


def test_equal_drivers_stop_the_active_rate_at_one():
    multiples = equal_driver_multiples([TODAY, [200, 0.9, 50], [200, 1, 50]], target_multiple=2)

    assert multiples[0] == pytest.approx([2 ** (1 / 3)] * 3, rel=1e-15)
    assert multiples[1] == pytest.approx([1.8**0.5, 1 / 0.9, 1.8**0.5], rel=1e-15)
    assert multiples[2] == pytest.approx([2**0.5, 1, 2**0.5], rel=1e-15)


def test_equal_drivers_cannot_move_a_driver_of_zero():
    assert np.isnan(equal_driver_multiples([[0, 0.5, 50], [200, 0, 50]], target_multiple=2)).all()


def test_needed_driver_closes_the_gap_the_others_leave():
    # Covered raised to 240, amount to 60: which rate, which amount, which coverage doubles 6,000?
    needed = needed_drivers([240, 0.6, 60], target=12000)

    assert needed.values == pytest.approx([12000 / 36, 12000 / 14400, 12000 / 144], rel=1e-12)
    assert needed.is_reachable.tolist() == [True, True, True]


def test_needed_active_rate_above_one_is_out_of_reach():
    needed = needed_drivers([[200, 0.6, 50], [200, 0, 50]], target=[12000, 0])

    assert needed.values[0] == pytest.approx([400, 1.2, 100], rel=1e-12)
    assert needed.is_reachable[0].tolist() == [True, False, True]
    assert needed.values[1] == pytest.approx([float("nan"), 0, float("nan")], nan_ok=True)
    assert needed.is_reachable[1].tolist() == [False, True, False]


def test_scenario_from_nothing_has_no_multiple():
    result = driver_scenario([0, 0.5, 10], [20, 0.5, 10])

    assert np.isnan(result.multiple)
    assert result.driver_multiples == pytest.approx([float("nan"), 1, 1], nan_ok=True)
    assert result.effects == pytest.approx([100, 0, 0])


@pytest.mark.parametrize(
    "drivers",
    [[1, 0.5], [1, 1.01, 1], [-1, 0.5, 1], [1, 0.5, float("nan")], [1, 0.5, float("inf")], 1.0, [1, 0.5, 1, 1, 1]],
    ids=["two", "rate-above-one", "negative", "nan", "infinite", "scalar", "five"],
)
def test_drivers_outside_the_domain_are_refused(drivers):
    for refused in (
        lambda: driver_scenario(TODAY, drivers),
        lambda: driver_scenario(drivers, TODAY),
        lambda: needed_drivers(drivers, target=1),
        lambda: equal_driver_multiples(drivers, target_multiple=2),
    ):
        with pytest.raises(FormulaError):
            refused()


@pytest.mark.parametrize("target", [0, -1, float("nan"), float("inf")])
def test_targets_outside_the_domain_are_refused(target):
    with pytest.raises(FormulaError, match="target"):
        equal_driver_multiple(target)
    with pytest.raises(FormulaError, match="target"):
        equal_driver_multiples(TODAY, target_multiple=target)
    with pytest.raises(FormulaError, match="target"):
        needed_drivers(TODAY, target=target - 1)


def test_mixed_forms_and_no_drivers_are_refused():
    with pytest.raises(FormulaError, match="the same"):
        driver_scenario(TODAY, [200, 0.6, 4, 12.5])
    with pytest.raises(FormulaError, match="one driver"):
        equal_driver_multiple(2, drivers=0)


SIZES = st.floats(0.01, 1e6)
DRIVERS = st.tuples(SIZES, st.floats(0.01, 1), SIZES) | st.tuples(SIZES, st.floats(0.01, 1), SIZES, SIZES)


@settings(max_examples=500, deadline=None)
@given(DRIVERS, st.floats(0.1, 50))
def test_equal_drivers_reach_the_target_within_the_domain(today, target):
    multiples = equal_driver_multiples(today, target_multiple=target)

    then = np.minimum(np.multiply(today, multiples), [np.inf, 1 + 1e-12] + [np.inf] * (len(today) - 2))
    free = np.delete(multiples, 1)
    by_search = brentq(
        lambda x: x ** (len(today) - 1) * min(x, 1 / today[1]) - target, 1e-3, 1e3 * target, xtol=1e-13, rtol=1e-14
    )

    assert then.prod() == pytest.approx(target * np.prod(today), rel=1e-9)
    assert free == pytest.approx([by_search] * len(free), rel=1e-9)
    assert multiples[1] == pytest.approx(min(by_search, 1 / today[1]), rel=1e-9)


@settings(max_examples=500, deadline=None)
@given(DRIVERS, st.floats(0, 1e9))
def test_needed_driver_put_in_its_place_gives_the_target(drivers, target):
    needed = needed_drivers(drivers, target=target)

    for k, value in enumerate(needed.values):
        assert np.prod([*drivers[:k], value, *drivers[k + 1 :]]) == pytest.approx(target, rel=1e-9)
        assert needed.is_reachable[k] == (k != 1 or value <= 1)


@settings(max_examples=500, deadline=None)
@given(DRIVERS.flatmap(lambda today: st.tuples(st.just(today), DRIVERS.filter(lambda then: len(then) == len(today)))))
def test_scenario_effects_add_up_to_its_change(pair):
    result = driver_scenario(*pair)

    scale = np.maximum(*pair).prod()
    assert result.effects.sum() == pytest.approx(result.change, rel=1e-9, abs=1e-12 * scale)
    assert result.revenue == pytest.approx(result.multiple * result.current_revenue, rel=1e-12)
