"""Retention economics: the figures of the definitions, long sums and a simulation beside the closed forms, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.economics import (
    RETENTION_CAP,
    Reading,
    RetentionTerms,
    UpliftKind,
    cost_share_for_ratio,
    profit_ratio,
    retention_economics,
    retentions_with_lift,
    steady_state_path,
)
from metrics.formulas.lifetime import simple_lifetime_value


def make_terms(**changes):
    """5 points at a discount of 10 %, a margin of 1, no cost."""
    return RetentionTerms(**{"margin": 1, "uplift": 0.05, "uplift_kind": UpliftKind.POINTS, "discount": 0.1} | changes)


def lifts(reading, retention, **changes):
    return retention_economics(retention, terms=make_terms(**changes)).gains[reading].lift


def test_lifts_give_the_worked_example():
    retention = [0.6, 0.7, 0.8, 0.85, 0.9]

    value = lifts(Reading.CUSTOMER_VALUE, retention)
    steady = lifts(Reading.STEADY_STATE, retention)

    assert np.round(value * 100, 2).tolist() == [20.37, 22.45, 27.5, 32.35, 40.74]
    assert np.round(steady * 100, 2).tolist() == [14.29, 20, 33.33, 50, 100]
    assert round(float(lifts(Reading.STEADY_STATE, 0.8, acquisition_cost=0.6)[0]) * 100, 2) == 37.88


def test_first_year_reading_of_five_points_is_a_sixteenth():
    assert lifts(Reading.FIRST_YEAR, 0.8) == pytest.approx([0.0625], rel=1e-12)


def test_relative_uplift_is_not_an_uplift_in_points():
    relative = {"uplift_kind": UpliftKind.RELATIVE}

    assert lifts(Reading.CUSTOMER_VALUE, 0.8, **relative) == pytest.approx([0.21153846], abs=5e-9)
    assert lifts(Reading.FIRST_YEAR, [0.2, 0.8], **relative) == pytest.approx([0.05, 0.05], rel=1e-12)
    assert retention_economics(0.8, terms=make_terms(**relative)).raised_retention == pytest.approx([0.84], rel=1e-15)


def test_claim_of_thirty_percent_holds_where_the_definitions_say():
    claim = {reading: retentions_with_lift(reading, target_lift=0.3, terms=make_terms()) for reading in Reading}

    assert claim[Reading.CUSTOMER_VALUE] == pytest.approx([0.221, 0.829], abs=5e-4)
    assert claim[Reading.STEADY_STATE] == pytest.approx([0.85 - 0.2 / 3], rel=1e-12)
    assert claim[Reading.FIRST_YEAR] == pytest.approx([1 / 6], rel=1e-12)


def test_claim_on_a_customers_value_solves_its_quadratic():
    # (r + u)(1 + d - r) = 1.3 r (1 + d - r - u), gathered by powers of r.
    u, d, target = 0.05, 0.1, 1.3
    by_hand = np.roots([target - 1, (1 + d - u) - target * (1 + d - u), u * (1 + d)])

    roots = retentions_with_lift(Reading.CUSTOMER_VALUE, target_lift=0.3, terms=make_terms())

    assert roots == pytest.approx(sorted(by_hand), rel=1e-12)


def test_claim_meets_both_roots_near_the_least_lift_and_none_below_it():
    twice = retentions_with_lift(Reading.CUSTOMER_VALUE, target_lift=0.2, terms=make_terms())
    never = retentions_with_lift(Reading.CUSTOMER_VALUE, target_lift=0.199, terms=make_terms())

    assert twice == pytest.approx([0.5, 0.55], rel=1e-9)
    assert never.tolist() == []


def test_claim_is_not_sought_where_customers_never_pay_back():
    costly = make_terms(acquisition_cost=3)  # below r = 2/3 the steady state earns nothing

    roots = retentions_with_lift(Reading.STEADY_STATE, target_lift=0.3, terms=costly)
    nowhere = retentions_with_lift(Reading.STEADY_STATE, target_lift=0.3, terms=make_terms(acquisition_cost=1e12))

    assert (np.concatenate([roots, nowhere]) > 2 / 3).all()
    for root in roots:
        assert lifts(Reading.STEADY_STATE, root, acquisition_cost=3) == pytest.approx([0.3], rel=1e-9)
    assert nowhere.tolist() == []


def test_claim_that_is_true_everywhere_or_cannot_be_is_refused():
    within_the_year = make_terms(uplift_kind=UpliftKind.RELATIVE)

    with pytest.raises(FormulaError, match="every retention"):
        retentions_with_lift(Reading.FIRST_YEAR, target_lift=0.05, terms=within_the_year)
    assert retentions_with_lift(Reading.FIRST_YEAR, target_lift=0.3, terms=within_the_year).tolist() == []
    assert retentions_with_lift(Reading.FIRST_YEAR, target_lift=0.3, terms=make_terms(uplift=1.5)).tolist() == []
    with pytest.raises(FormulaError, match="uplift"):
        retentions_with_lift(Reading.FIRST_YEAR, target_lift=0.3, terms=make_terms(uplift=0))
    with pytest.raises(FormulaError, match="lift"):
        retentions_with_lift(Reading.FIRST_YEAR, target_lift=float("nan"), terms=make_terms())


def test_three_times_the_cost_and_sixteen_times_the_profit_hold_at_one_cost_share():
    share, acquisition = cost_share_for_ratio(16)

    assert (share, acquisition) == pytest.approx((15 / 47, 45 / 47), rel=1e-15)
    assert (round(float(share) * 100, 1), round(float(acquisition) * 100, 1)) == (31.9, 95.7)
    assert profit_ratio(share) == pytest.approx(16, rel=1e-12)


def test_profit_ratio_is_a_curve_that_ends_where_a_new_customer_earns_nothing():
    ratio = profit_ratio([0, 0.1, 0.2, 0.3, 1 / 3, 0.5, 1])

    assert ratio == pytest.approx([1, 9 / 7, 2, 7, *[float("nan")] * 3], nan_ok=True)


def test_extra_spend_is_netted_from_every_reading():
    gains = retention_economics(0.8, terms=make_terms(margin=100, retention_cost=4, new_customers=10)).gains

    # (a) (85 - 4) / 0.25 against 80 / 0.3; (b) 10 x 96 / 0.15 against 10 x 100 / 0.2; (c) 85 - 4 against 80.
    assert [float(gains[reading].before[0]) for reading in Reading] == pytest.approx([80 / 0.3, 5000, 80])
    assert [float(gains[reading].after[0]) for reading in Reading] == pytest.approx([324, 6400, 81])
    assert [float(gains[reading].lift[0]) for reading in Reading] == pytest.approx([0.215, 0.28, 0.0125])
    assert [float(gains[reading].break_even_cost[0]) for reading in Reading] == pytest.approx([5.5 / 0.3, 25, 5])


def test_raised_retention_is_capped_below_one_and_never_lowered():
    result = retention_economics([0.9, 0.97, 0.9995], terms=make_terms())

    assert result.raised_retention == pytest.approx([0.95, RETENTION_CAP, 0.9995], rel=1e-15)
    assert result.is_capped.tolist() == [False, True, True]
    assert np.isfinite(result.gains[Reading.STEADY_STATE].lift).all()


def test_lift_without_a_positive_base_is_undefined():
    nothing_kept = retention_economics(0, terms=make_terms())
    no_payback = retention_economics(0.5, terms=make_terms(acquisition_cost=2))

    assert np.isnan(nothing_kept.gains[Reading.CUSTOMER_VALUE].lift).all()
    assert np.isnan(nothing_kept.gains[Reading.FIRST_YEAR].lift).all()
    assert np.isnan(no_payback.gains[Reading.STEADY_STATE].lift).all()


def test_retention_of_one_has_a_value_only_with_a_discount_or_a_horizon():
    with pytest.raises(FormulaError, match="discount 0, a retention of 1"):
        retention_economics(1, terms=make_terms(discount=0))

    discounted = retention_economics(1, terms=make_terms()).gains
    bounded = retention_economics(1, terms=make_terms(discount=0, horizon=5)).gains

    assert discounted[Reading.CUSTOMER_VALUE].before == pytest.approx([10])
    assert bounded[Reading.CUSTOMER_VALUE].before == pytest.approx([5])
    assert np.isnan(discounted[Reading.STEADY_STATE].before).all()


def test_value_over_a_horizon_keeps_its_digits_where_retention_almost_reaches_one():
    gains = retention_economics(1 - 1e-13, terms=make_terms(discount=0, horizon=10)).gains

    assert gains[Reading.CUSTOMER_VALUE].before == pytest.approx([10 - 55e-13], rel=1e-14)


@pytest.mark.parametrize("retention", [-0.01, 1.01, float("nan")])
def test_retention_outside_the_domain_is_refused(retention):
    with pytest.raises(FormulaError, match=r"\[0, 1\]"):
        retention_economics([0.5, retention], terms=make_terms())
    with pytest.raises(FormulaError, match="steady state"):
        steady_state_path(retention, terms=make_terms(), years=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"margin": 0},
        {"margin": float("nan")},
        {"uplift": float("nan")},
        {"discount": -0.1},
        {"acquisition_cost": -1},
        {"retention_cost": float("inf")},
        {"new_customers": 0},
        {"horizon": 0},
        {"horizon": 101},
    ],
    ids=lambda changes: "-".join(f"{name}-{value}" for name, value in changes.items()),
)
def test_terms_outside_the_domain_are_refused(changes):
    with pytest.raises(FormulaError):
        make_terms(**changes)


def test_uplift_below_nothing_and_odd_ratios_are_refused():
    with pytest.raises(FormulaError, match="below 0"):
        retention_economics(0.3, terms=make_terms(uplift=-0.4))
    for years in -1, 101:
        with pytest.raises(FormulaError, match="years"):
            steady_state_path(0.8, terms=make_terms(), years=years)
    for share in -0.1, 1.1, float("nan"):
        with pytest.raises(FormulaError, match="cost share"):
            profit_ratio(share)
    for ratio in 0.9, float("nan"), float("inf"):
        with pytest.raises(FormulaError, match="ratio"):
            cost_share_for_ratio(ratio)
    for multiple in 1, float("nan"):
        with pytest.raises(FormulaError, match="multiple"):
            profit_ratio(0.1, cost_multiple=multiple)
        with pytest.raises(FormulaError, match="multiple"):
            cost_share_for_ratio(2, cost_multiple=multiple)


def test_steady_state_path_starts_at_the_old_state_and_ends_at_the_new_one():
    terms = make_terms(margin=100, new_customers=10, acquisition_cost=60, retention_cost=4)

    customers, profit = steady_state_path(0.8, terms=terms, years=100)

    gain = retention_economics(0.8, terms=terms).gains[Reading.STEADY_STATE]
    assert (customers[0], customers[1]) == pytest.approx((50, 52.5))
    assert (profit[0], profit[1]) == pytest.approx((4400, 96 * 52.5 - 600))
    assert (profit[0], profit[-1]) == pytest.approx((gain.before[0], gain.after[0]), rel=1e-6)


RETENTIONS = st.floats(0.01, 0.98)
TERMS = st.builds(
    make_terms,
    margin=st.floats(1, 1e6),
    uplift=st.floats(0.001, 0.5),
    uplift_kind=st.sampled_from(list(UpliftKind)),
    discount=st.floats(0, 0.5),
    acquisition_cost=st.floats(0, 2e6),
    retention_cost=st.floats(0, 1e5),
    new_customers=st.floats(1, 1e4),
    horizon=st.none() | st.integers(1, 40),
)


@settings(max_examples=500, deadline=None)
@given(RETENTIONS, TERMS)
def test_readings_equal_the_years_added_up(retention, terms):
    result = retention_economics(retention, terms=terms)
    raised, gains = float(result.raised_retention[0]), result.gains
    t = np.arange(1, (terms.horizon or 40_000) + 1)

    def value(r, spend):
        return ((terms.margin * r - spend) * r ** (t - 1) * (1 + terms.discount) ** -t.astype(float)).sum()

    def steady_profit(r, spend):
        alive = (r ** np.arange(40_000)).sum() * terms.new_customers
        return (terms.margin - spend) * alive - terms.new_customers * terms.acquisition_cost

    for reading, by_year in (Reading.CUSTOMER_VALUE, value), (Reading.STEADY_STATE, steady_profit):
        gain = gains[reading]
        rounding = 1e-9 * (abs(float(gain.before[0])) + terms.new_customers * (terms.acquisition_cost + 2e6))
        assert gain.before == pytest.approx([by_year(retention, 0)], rel=1e-9, abs=rounding)
        assert gain.after == pytest.approx([by_year(raised, terms.retention_cost)], rel=1e-9, abs=rounding)
    assert gains[Reading.FIRST_YEAR].after[0] == terms.margin * raised - terms.retention_cost


@settings(max_examples=500, deadline=None)
@given(RETENTIONS, TERMS)
def test_spend_below_break_even_pays_and_above_does_not(retention, terms):
    for reading, gain in retention_economics(retention, terms=terms).gains.items():
        edge = float(gain.break_even_cost[0])
        assume(abs(terms.retention_cost - edge) > 1e-6 * terms.margin)

        assert (gain.after > gain.before).tolist() == [terms.retention_cost < edge], reading


@settings(max_examples=500, deadline=None)
@given(RETENTIONS, st.floats(0, 0.5), st.none() | st.integers(1, 40))
def test_value_before_is_the_simple_lifetime_value(retention, discount, horizon):
    gains = retention_economics(retention, terms=make_terms(margin=400, discount=discount, horizon=horizon)).gains

    expected = simple_lifetime_value(400, retention, discount=discount, horizon=horizon)

    assert gains[Reading.CUSTOMER_VALUE].before == pytest.approx([float(expected)], rel=1e-12)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(list(Reading)), st.floats(0.02, 3), TERMS)
def test_every_root_makes_the_claim_true(reading, target_lift, terms):
    is_own_lift = reading is Reading.FIRST_YEAR and terms.uplift_kind is UpliftKind.RELATIVE
    assume(not is_own_lift or abs(terms.uplift - target_lift) > 1e-6)  # else every retention makes it true
    roots = retentions_with_lift(reading, target_lift=target_lift, terms=terms)

    assert (np.diff(roots) > 0).all()
    for root in roots:
        result = retention_economics(root, terms=terms)
        if not result.is_capped[0]:
            assert result.gains[reading].lift == pytest.approx([target_lift], rel=1e-6, abs=1e-6)


@settings(max_examples=500, deadline=None)
@given(st.floats(1, 1e6), st.floats(1.01, 100))
def test_profit_ratio_and_its_inverse_agree(ratio, multiple):
    share, acquisition = cost_share_for_ratio(ratio, cost_multiple=multiple)

    assert profit_ratio(share, cost_multiple=multiple) == pytest.approx(ratio, rel=1e-6)
    assert 0 <= share < 1 / multiple
    assert acquisition == pytest.approx(multiple * share, rel=1e-15)
