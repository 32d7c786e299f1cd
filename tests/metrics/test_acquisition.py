"""Acquisition cost, payback, new against existing, wallet, contribution: the worked example and the edges."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.acquisition import (
    Split,
    acquisition_cost,
    contribution,
    is_new_account,
    new_existing_split,
    payback,
    wallet_share,
)
from tests.metrics.compare import assert_same

START = np.datetime64("2011-01-01")
UNKNOWN = np.nan


def test_acquisition_gives_the_worked_example():
    cost = acquisition_cost([1_200_000], [40])

    assert cost.tolist() == [30_000]
    assert payback(cost, [5_000 * 0.5]).months.tolist() == [12]


def test_acquisition_cost_without_a_customer_or_a_cost_is_undefined():
    assert_same(acquisition_cost([100, 0, UNKNOWN, 0], [0, 4, 2, 0]), [UNKNOWN, 0, UNKNOWN, UNKNOWN])


def test_acquisition_cost_lags_by_the_sales_cycle():
    assert_same(acquisition_cost([100, 200, 300], [1, 2, 4], lag=1), [UNKNOWN, 50, 50])
    assert_same(acquisition_cost([100, 200], [1, 2], lag=5), [UNKNOWN, UNKNOWN])


def test_payback_says_never_and_unknown_apart():
    found = payback([100, 100, 100, UNKNOWN, 100, UNKNOWN, 0], [10, 0, -5, 10, UNKNOWN, 0, 5])

    assert_same(found.months, [10, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0])
    assert found.is_never.tolist() == [False, True, True, False, False, False, False]


def test_new_accounts_had_no_revenue_before_the_window():
    first = np.array(["2010-12-31", "2011-01-01", "2011-05-01", "NaT", "0001-01-01"], dtype="datetime64[D]")

    assert is_new_account(first, start=START).tolist() == [False, True, True, True, False]


def test_split_adds_up_and_counts_accounts():
    split = new_existing_split([0.1, 0.2, 0.7, 0], [True, True, False, False])

    assert split == Split(Decimal("0.3000"), Decimal("0.7000"), 2, 1, 0.3, 0.7)


def test_split_share_is_undefined_without_two_amounts_of_one_sign():
    for amounts in ([-5, 10], [10, -5], [0, 0], [-1, -1]):
        split = new_existing_split(amounts, [True, False])
        assert np.isnan([split.new_share, split.existing_share]).all()
    assert new_existing_split([], []).new_amount == 0


def test_wallet_share_is_invalid_where_the_wallet_is_smaller_than_our_revenue():
    found = wallet_share([50, 100, 101, -20, 0, 30, 0.3], [200, 100, 100, 80, 0, UNKNOWN, 0.1 + 0.2])

    assert_same(found.share, [0.25, 1, UNKNOWN, 0, UNKNOWN, UNKNOWN, 1])
    np.testing.assert_allclose(found.headroom, [150, 0, UNKNOWN, 80, 0, UNKNOWN, 0], atol=1e-12, equal_nan=True)
    assert found.is_invalid.tolist() == [False, False, True, False, False, False, False]


def test_contribution_takes_every_cost_off_and_is_missing_with_one_missing():
    found = contribution([100, 100, UNKNOWN], {"visits": [10, UNKNOWN, 1], "rebates": [25.5, 1, 1]})

    assert_same(found, [64.5, UNKNOWN, UNKNOWN])
    assert_same(contribution([100], {}), [100])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: acquisition_cost([-1], [1]),
        lambda: acquisition_cost([1], [-1]),
        lambda: acquisition_cost([np.inf], [1]),
        lambda: acquisition_cost([1], [UNKNOWN]),
        lambda: acquisition_cost([1, 2], [1]),
        lambda: acquisition_cost([1], [1], lag=-1),
        lambda: payback([-1], [1]),
        lambda: payback([1], [np.inf]),
        lambda: payback([1, 1], [1]),
        lambda: new_existing_split([UNKNOWN], [True]),
        lambda: new_existing_split([1], [True, False]),
        lambda: wallet_share([1], [-1]),
        lambda: wallet_share([UNKNOWN], [1]),
        lambda: wallet_share([1], [np.inf]),
        lambda: wallet_share([1, 2], [1]),
        lambda: contribution([1], {"freight": [1, 2]}),
        lambda: contribution([1], {"freight": [np.inf]}),
        lambda: contribution([np.inf], {}),
    ],
    ids=[
        "negative-cost", "negative-count", "infinite-cost", "missing-count", "cost-lengths", "negative-lag",
        "negative-acquisition", "infinite-margin", "payback-lengths", "missing-amount", "split-lengths",
        "negative-wallet", "missing-revenue", "infinite-wallet", "wallet-lengths", "cost-shape", "infinite-freight",
        "infinite-profit",
    ],
)  # fmt: skip
def test_acquisition_refuses_what_lies_outside_the_domain(wrong):
    with pytest.raises(FormulaError):
        wrong()


UNITS = st.integers(-(10**9), 10**11)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(UNITS, st.booleans()), max_size=20))
def test_split_equals_the_slow_version_exactly(rows):
    split = new_existing_split([units / 10_000 for units, _ in rows], [new for _, new in rows])

    won = sum((Decimal(units).scaleb(-4) for units, new in rows if new), Decimal(0))
    kept = sum((Decimal(units).scaleb(-4) for units, new in rows if not new), Decimal(0))
    assert (split.new_amount, split.existing_amount) == (won, kept)
    if won >= 0 and kept >= 0 and won + kept > 0:
        assert split.new_share == float(won / (won + kept))
        assert split.new_share + split.existing_share == pytest.approx(1)
    else:
        assert np.isnan(split.new_share)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(UNITS, st.integers(0, 10**11)), max_size=20))
def test_wallet_share_lies_in_bounds_and_is_invalid_as_defined(rows):
    found = wallet_share([ours / 10_000 for ours, _ in rows], [wallet / 10_000 for _, wallet in rows])

    for place, (ours, wallet) in enumerate(rows):
        invalid = wallet < max(ours, 0)
        assert found.is_invalid[place] == invalid
        assert np.isnan(found.headroom[place]) == invalid
        assert np.isnan(found.share[place]) == (invalid or wallet == 0)
        if not np.isnan(found.share[place]):
            assert 0 <= found.share[place] <= 1
            assert found.share[place] == pytest.approx(max(ours, 0) / wallet)
