"""What to do about a margin, and where effort and result part: the rule at its edges, and against a slow version."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.acquisition import customer_months, pooled_wallet_share, wallet_share
from metrics.formulas.advice import HIGH_ABOVE, LOW_BELOW, Advice, margin_advice, most_apart
from tests.metrics.compare import assert_same

NAN = float("nan")


def one(revenue, margin, contribution=NAN, pooled=0.3):
    return margin_advice([revenue], [margin], [contribution], pooled_margin=pooled)[0]


@pytest.mark.parametrize(
    ("case", "advice"),
    [
        ((0, NAN), Advice.NO_REVENUE),
        ((-5, 0.9), Advice.NO_REVENUE),
        ((10, NAN), Advice.RECORD_COST),
        ((10, -0.0001), Advice.STOP_LOSS),
        ((10, 0.9, -1), Advice.CUT_SERVICE),
        ((10, 0.25), Advice.IMPROVE),
        ((10, 0.2500001), Advice.KEEP),
        ((10, 0.35), Advice.PERSONAL_SERVICE),
        ((10, 0.3499999), Advice.KEEP),
        ((10, 0.35, 0), Advice.PERSONAL_SERVICE),
        ((10, 0.9, NAN, NAN), Advice.KEEP),
        ((10, -0.9, NAN, NAN), Advice.STOP_LOSS),
        ((10, 0.1 + 0.2 + 0.05), Advice.PERSONAL_SERVICE),
    ],
)
def test_advice_is_the_first_condition_that_holds(case, advice):
    assert one(*case) == advice


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: margin_advice([1, 2], [1], [1], pooled_margin=0),
        lambda: margin_advice([NAN], [1], [1], pooled_margin=0),
        lambda: margin_advice([1], [np.inf], [1], pooled_margin=0),
        lambda: margin_advice([1], [1], [1], pooled_margin=np.inf),
    ],
    ids=["lengths", "revenue", "margin", "pooled"],
)
def test_advice_refuses_what_lies_outside_the_domain(wrong):
    with pytest.raises(FormulaError):
        wrong()


def slow_advice(revenue, margin, contribution, pooled):
    if revenue <= 0:
        return Advice.NO_REVENUE
    if margin != margin:
        return Advice.RECORD_COST
    if margin < 0:
        return Advice.STOP_LOSS
    if contribution < 0:
        return Advice.CUT_SERVICE
    if round(margin - pooled, 9) <= -LOW_BELOW:
        return Advice.IMPROVE
    return Advice.PERSONAL_SERVICE if round(margin - pooled, 9) >= HIGH_ABOVE else Advice.KEEP


rates = st.one_of(st.just(NAN), st.integers(-1000, 1000).map(lambda n: n / 1000))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 10**9), rates, rates), max_size=12), rates)
def test_advice_equals_the_slow_version(rows, pooled):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]

    found = margin_advice(*columns, pooled_margin=pooled)

    assert found.tolist() == [slow_advice(*row, pooled).value for row in rows]


def test_most_apart_finds_the_pair_and_says_when_there_is_none():
    assert most_apart(np.array([0.5, 0.1]), np.array([0.4, 0.6])) == (1, 1)
    assert most_apart(np.array([NAN, 0.1]), np.array([0.1, NAN])) == (1, 0)
    assert most_apart(np.array([NAN]), np.array([0.1])) is None
    assert most_apart(np.array([]), np.array([])) is None


def test_customer_months_count_from_the_first_revenue_within_the_window():
    first = np.array(["2023-05-01", "2024-01-31", "2024-12-31", "2025-01-01", "NaT"], dtype="datetime64[D]")

    months = customer_months(first, start=np.datetime64("2024-01-01"), end=np.datetime64("2025-01-01"))

    assert months.tolist() == [12, 12, 1, 0, 0]


def test_pooled_wallet_share_is_a_ratio_of_sums():
    found = pooled_wallet_share([50, 100, 101, -20, 30], [200, 100, 100, 80, NAN])

    assert (found.accounts, float(found.revenue), float(found.wallet), float(found.headroom)) == (3, 150, 380, 230)
    assert found.share == 150 / 380
    assert np.isnan(pooled_wallet_share([], []).share)
    assert np.isnan(pooled_wallet_share([0], [0]).share)


UNITS = st.integers(-(10**9), 10**11)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(UNITS, st.integers(0, 10**11)), max_size=20))
def test_pooled_share_lies_between_the_shares_and_sums_are_exact(rows):
    ours, theirs = [a / 10_000 for a, _ in rows], [b / 10_000 for _, b in rows]
    found, each = pooled_wallet_share(ours, theirs), wallet_share(ours, theirs)

    valid = [(max(a, 0), b) for a, b in rows if b >= max(a, 0)]
    assert int(found.revenue * 10_000) == sum(a for a, _ in valid)
    assert int(found.headroom * 10_000) == sum(b - a for a, b in valid)
    known = each.share[~np.isnan(each.share)]
    if len(known):
        assert known.min() - 1e-9 <= found.share <= known.max() + 1e-9
    else:
        assert_same([found.share], [NAN])
