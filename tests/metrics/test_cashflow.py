"""Discounted plans and schedules: worked examples, plain loops, refusals."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas import cashflow
from metrics.formulas.lifetime import discounted_value

MARGINS, SURVIVAL = [100, 100, 105, 110, 115], [1, 0.9, 0.82, 0.76, 0.72]
AS_OF = np.datetime64("2025-03-01")


def test_curve_value_gives_the_worked_example():
    assert cashflow.curve_value([MARGINS], SURVIVAL, discount=0.1) == pytest.approx([372.3386], abs=5e-5)
    assert cashflow.curve_value([MARGINS], SURVIVAL, discount=0.1, is_mid_period=True) == pytest.approx(
        [355.0110], abs=5e-5
    )


@pytest.mark.parametrize(
    ("value", "years", "growth", "is_first_margin_now"),
    [(1_066_666.67, 400, 0, False), (1_466_666.67, 400, 0, True), (1_159_420.29, 400, 0.03, False),
     (849_638.93, 5, 0, False)],
    ids=["plain", "first_now", "growth", "five_years"],
)  # fmt: skip
def test_curve_value_of_a_constant_retention_gives_the_closed_forms(value, years, growth, is_first_margin_now):
    t = np.arange(years + 1)
    margins = 400_000 * (1 + growth) ** np.maximum(t - 1, 0) * np.where(t == 0, float(is_first_margin_now), 1)

    assert cashflow.curve_value([margins], 0.8**t, discount=0.1) == pytest.approx([value], abs=0.005)


def test_curve_value_takes_a_curve_an_account_and_keeps_gaps():
    margins = [MARGINS, MARGINS, [100, np.nan, 0, 0, 0]]
    curves = [SURVIVAL, [1, 0, 0, 0, 0], SURVIVAL]

    values = cashflow.curve_value(margins, curves, discount=0.1)

    assert values == pytest.approx([discounted_value(MARGINS, SURVIVAL, discount=0.1).sum(), 100, np.nan], nan_ok=True)


def test_plan_value_equals_the_curve_value_of_its_sums():
    rng = np.random.default_rng(3)
    account, period = rng.integers(0, 40, 600), rng.integers(0, 6, 600)
    amount, curves = rng.normal(100, 80, 600).round(2), np.cumprod(np.c_[np.ones(41), rng.random((41, 5))], axis=1)
    margins = np.zeros((41, 6))
    for who, when, money in zip(account, period, amount, strict=True):
        margins[who, when] += money

    for curve in (curves, curves[7]):
        for is_mid_period in (False, True):
            choices = {"discount": 0.08, "is_mid_period": is_mid_period}
            values = cashflow.plan_value(account, period, amount, curve, accounts=41, **choices)

            assert values == pytest.approx(cashflow.curve_value(margins, curve, **choices), rel=1e-12, abs=1e-9)
            assert values[40] == 0


def test_schedule_value_discounts_each_due_date_and_leaves_the_past_out():
    due = np.array(["2025-03-01", "2026-03-01", "2025-02-28", "2027-03-01", "2025-08-30"], dtype="datetime64[D]")

    values = cashflow.schedule_value(
        [0, 0, 0, 2, 2], due, [100, 110, 999, 121, -50], as_of=AS_OF, accounts=4, discount=0.1
    )

    assert values == pytest.approx([200, 0, 100 - 50 / 1.1 ** (182 / 365), 0])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6), st.dates(date(2024, 1, 1), date(2034, 12, 31)), st.floats(-1e6, 1e6), st.floats(0, 1)
        ),
        max_size=30,
    ),
    st.floats(-0.2, 0.5),
)
@settings(max_examples=500)
def test_schedule_value_equals_a_plain_loop(rows, discount):
    by_hand = [0.0] * 7
    for who, day, money, chance in rows:
        days = (day - date(2025, 3, 1)).days
        if days >= 0:
            by_hand[who] += chance * money / (1 + discount) ** (days / 365)
    account, due, amount, chance = zip(*rows, strict=True) if rows else ((), (), (), ())

    values = cashflow.schedule_value(
        account, np.array(due, dtype="datetime64[D]"), amount, as_of=AS_OF, accounts=7, discount=discount, chance=chance
    )

    assert values == pytest.approx(by_hand, rel=1e-9, abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 0.5))
@settings(max_examples=500)
def test_curve_weights_lie_between_nothing_and_one_and_fall(steps, discount):
    weights = cashflow.curve_weights([1, *np.cumprod(steps)], discount=discount)
    middle = cashflow.curve_weights([1, *np.cumprod(steps)], discount=discount, is_mid_period=True)

    assert weights[0] == 1
    assert (np.diff(weights) <= 0).all()
    assert middle == pytest.approx(weights / (1 + discount) ** 0.5)


@pytest.mark.parametrize(
    "survival",
    [[], [0.9, 0.8], [1, 1.1], [1, 0.5, 0.6], [1, -0.1], [1, float("nan")], [[1, 0.5], [0.9, 0.5]], 1.0, [[[1.0]]]],
    ids=str,
)
def test_what_is_no_survival_curve_is_refused(survival):
    with pytest.raises(FormulaError):
        cashflow.curve_weights(survival, discount=0.1)


@pytest.mark.parametrize("discount", [-1.0, -2.0, float("nan"), float("inf")])
def test_a_discount_outside_its_domain_is_refused(discount):
    with pytest.raises(FormulaError):
        cashflow.curve_weights([1, 0.5], discount=discount)
    with pytest.raises(FormulaError):
        cashflow.schedule_value([0], [AS_OF], [1.0], as_of=AS_OF, accounts=1, discount=discount)


@pytest.mark.parametrize(
    ("margins", "survival"), [([1, 1], [1, 0.5]), ([[1, 1, 1]], [1, 0.5]), ([[1, 1]], [[1, 0.5], [1, 0.5]])], ids=str
)
def test_margins_that_do_not_fit_the_curve_are_refused(margins, survival):
    with pytest.raises(FormulaError):
        cashflow.curve_value(margins, survival, discount=0.1)


@pytest.mark.parametrize(
    ("account", "period", "amount", "survival"),
    [([1], [0], [5.0], [1, 0.5]), ([-1], [0], [5.0], [1, 0.5]), ([0], [2], [5.0], [1, 0.5]), ([0], [-1], [5.0], [1, 1]),
     ([0], [0.5], [5.0], [1, 1]), ([0], [0], [float("nan")], [1, 1]), ([0, 0], [0], [5.0], [1, 1]),
     ([0], [0, 1], [5.0], [1, 1]), ([0], [0], [5.0], [[1, 1], [1, 1]])],
    ids=str,
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(account, period, amount, survival):
    with pytest.raises(FormulaError):
        cashflow.plan_value(account, period, amount, survival, accounts=1, discount=0.1)


@pytest.mark.parametrize(
    ("due", "chance"), [("NaT", 1.0), ("2025-03-01", 1.2), ("2025-03-01", -0.1), ("2025-03-01", [0.5, 0.5]),
                        ("2025-03-01", float("nan"))], ids=str,
)  # fmt: skip
def test_schedules_that_cannot_be_are_refused(due, chance):
    with pytest.raises(FormulaError):
        cashflow.schedule_value(
            [0], np.array([due], dtype="datetime64[D]"), [1.0], as_of=AS_OF, accounts=1, discount=0.1, chance=chance
        )
