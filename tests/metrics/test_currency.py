"""Constant currency: the worked example, a slow version in fractions, missing rates."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.currency import MissingRate, constant_currency
from tests.metrics.compare import assert_same

UNKNOWN = np.nan
USD, CNY = 0, 1


def figures_of(rows, base_rates, comparison_rates, *, accounts):
    columns = zip(*rows, strict=True) if rows else ((),) * 5
    return constant_currency(*columns, accounts=accounts, base_rates=base_rates, comparison_rates=comparison_rates)


def test_constant_currency_gives_the_worked_example():
    figures = figures_of([(0, USD, 0, 100, 110), (1, CNY, 0, 500, 520)], [[7.0], [1]], [[7.2], [1]], accounts=2)

    total = figures.total()
    assert_same([total.base, total.reported, total.constant, total.fx_effect], [1200, 1312, 1290, 22])
    assert_same([total.reported_growth, total.constant_growth, total.fx_growth], [112 / 1200, 0.075, 22 / 1200])
    assert_same(figures.reported, [792, 520])
    assert_same(figures.fx_effect, [22, 0])
    assert figures.missing == ()


def test_each_month_takes_the_base_rate_of_the_same_month():
    figures = figures_of([(0, USD, 0, 0, 10), (0, USD, 1, 0, 10)], [[6, 8]], [[7, 7]], accounts=1)

    assert_same([figures.reported[0], figures.constant[0], figures.fx_effect[0]], [140, 140, 0])


def test_missing_rate_leaves_undefined_only_what_needs_it_and_is_listed():
    rows = [(0, USD, 0, 100, 110), (0, USD, 0, 0, 1), (1, CNY, 0, 500, 520), (2, USD, 1, 0, 50), (3, USD, 2, 80, 0)]

    figures = figures_of(rows, [[UNKNOWN, 7, 7], [1, 1, 1]], [[7.2, UNKNOWN, UNKNOWN], [1, 1, 1]], accounts=4)

    assert_same(figures.base, [UNKNOWN, 500, 0, 560])
    assert_same(figures.reported, [799.2, 520, UNKNOWN, 0])
    assert_same(figures.constant, [UNKNOWN, 520, 350, 0])
    assert_same(figures.fx_effect, [UNKNOWN, 0, UNKNOWN, 0])
    assert figures.missing == (
        MissingRate(currency=USD, month=0, is_base=True, rows=2),
        MissingRate(currency=USD, month=1, is_base=False, rows=1),
    )
    assert np.isnan(figures.total().reported_growth)
    assert_same(figures.total(members=[False, True, False, True]).constant_growth, (520 - 1060) / 1060)


def test_growth_is_undefined_without_a_base_above_nought():
    for base in (0, -5):
        total = figures_of([(0, CNY, 0, base, 10)], [[7.0], [1]], [[7.2], [1]], accounts=1).total()
        assert np.isnan([total.reported_growth, total.constant_growth, total.fx_growth]).all()
    assert figures_of([], [[1.0]], [[1.0]], accounts=2).total().reported == 0


@pytest.mark.parametrize(
    "case",
    [
        {"base_rates": [[0.0]]},
        {"base_rates": [[-1.0]]},
        {"comparison_rates": [[np.inf]]},
        {"comparison_rates": [[1.0, 1.0]]},
        {"base_rates": [1.0]},
        {"base": [UNKNOWN]},
        {"comparison": [np.inf]},
        {"comparison": [1, 2]},
        {"account": [1]},
        {"account": [-1]},
        {"currency": [1]},
        {"month": [1]},
    ],
    ids=lambda case: "-".join(f"{key}={value}" for key, value in case.items()),
)
def test_constant_currency_refuses_what_lies_outside_the_domain(case):
    row = {"account": [0], "currency": [0], "month": [0], "base": [1.0], "comparison": [1.0]}
    tables = {"base_rates": [[1.0]], "comparison_rates": [[1.0]]}

    with pytest.raises(FormulaError):
        constant_currency(**(row | tables | case), accounts=1)


def test_total_refuses_a_mask_of_another_length():
    with pytest.raises(FormulaError):
        figures_of([(0, 0, 0, 1, 1)], [[1.0]], [[1.0]], accounts=1).total(members=[True, True])


MONEY = st.integers(-(10**8), 10**10)
RATE = st.one_of(st.none(), st.integers(1, 10**6))  # ten-thousandths
RATES = st.lists(st.lists(RATE, min_size=3, max_size=3), min_size=2, max_size=2)
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 2), MONEY, MONEY), max_size=15)


def as_rates(table):
    return [[UNKNOWN if rate is None else rate / 10_000 for rate in row] for row in table]


def slow_amount(rows, account, column, table):
    """Sum of the amounts of one account at the rates of one table, in fractions; None where a rate is missing."""
    whole = Fraction(0)
    for row in rows:
        if row[0] != account or row[column] == 0:
            continue
        rate = table[row[1]][row[2]]
        if rate is None:
            return None
        whole += Fraction(row[column], 10_000) * Fraction(rate, 10_000)
    return whole


@settings(max_examples=500, deadline=None)
@given(ROWS, RATES, RATES)
def test_constant_currency_equals_the_slow_version(rows, before, after):
    figures = figures_of([(*row[:3], row[3] / 10_000, row[4] / 10_000) for row in rows], as_rates(before), as_rates(after),
                         accounts=4)  # fmt: skip

    for account in range(4):
        base, constant = (slow_amount(rows, account, column, before) for column in (3, 4))
        reported = slow_amount(rows, account, 4, after)
        scale = 1 + sum(abs(row[3]) + abs(row[4]) for row in rows) / 100
        fx = None if constant is None or reported is None else reported - constant
        for found, wanted in ((figures.base, base), (figures.constant, constant), (figures.reported, reported),
                              (figures.fx_effect, fx)):  # fmt: skip
            if wanted is None:
                assert np.isnan(found[account])
            else:
                assert found[account] == pytest.approx(float(wanted), rel=1e-12, abs=scale * 1e-12)
    needed = {(where, when, True) for _, where, when, b, c in rows if (b or c) and before[where][when] is None}
    needed |= {(where, when, False) for _, where, when, _, c in rows if c and after[where][when] is None}
    assert {(rate.currency, rate.month, rate.is_base) for rate in figures.missing} == needed


FULL_RATES = st.lists(st.lists(st.integers(1000, 10**5), min_size=3, max_size=3), min_size=2, max_size=2)


@settings(max_examples=500, deadline=None)
@given(ROWS, FULL_RATES, FULL_RATES)
def test_reported_is_constant_plus_the_effect_and_equal_rates_have_none(rows, before, after):
    scaled = [(*row[:3], row[3] / 10_000, row[4] / 10_000) for row in rows]
    total = figures_of(scaled, as_rates(before), as_rates(after), accounts=4).total()
    still = figures_of(scaled, as_rates(before), as_rates(before), accounts=4)

    size = 1 + sum(abs(row[3]) + abs(row[4]) for row in rows) / 1000
    assert total.reported == pytest.approx(total.constant + total.fx_effect, abs=size * 1e-12)
    if total.base > 0:
        assert total.reported_growth == pytest.approx(
            total.constant_growth + total.fx_growth, abs=size * 1e-11 / total.base
        )
    assert (still.fx_effect == 0).all()
    assert (still.reported == still.constant).all()
