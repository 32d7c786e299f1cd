"""Purchase patterns: hand values, slow versions account by account, refusals."""

import itertools
import statistics
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.patterns import (
    active_months,
    interval_spread,
    order_rhythm,
    revenue_variation,
    season_index,
    season_shares,
    spring_festival_share,
    stability,
    weekday_profile,
    weekday_shares,
)
from tests.metrics.compare import assert_same

AS_OF = np.datetime64("2011-12-31")
START, END = np.datetime64("2011-01-01"), np.datetime64("2012-01-01")
UNKNOWN = np.nan


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def test_rhythm_of_even_and_uneven_accounts():
    even = [date(2011, 11, 1) + timedelta(days=10 * step) for step in range(5)]  # last on 11 December
    uneven = [date(2011, 1, 1), date(2011, 1, 11), date(2011, 1, 21), date(2011, 2, 20)]  # 10, 10, 30 days
    account = [0] * 5 + [1] * 4 + [0]  # one order day twice

    rhythm = order_rhythm(account, days(*even, *uneven, even[0]), accounts=3, as_of=AS_OF)

    assert rhythm.order_days.tolist() == [5, 4, 0]
    assert rhythm.last_order_on[:2].tolist() == [date(2011, 12, 11), date(2011, 2, 20)]
    assert np.isnat(rhythm.last_order_on[2])
    assert_same(rhythm.days_since_order, [20, 314, UNKNOWN])
    assert_same(rhythm.median_interval_days, [10, 10, UNKNOWN])
    assert_same(rhythm.rhythm_ratio, [2, 31.4, UNKNOWN])
    spread = statistics.stdev([10, 10, 30]) / statistics.fmean([10, 10, 30])
    assert_same(rhythm.interval_variation, [0, spread, UNKNOWN])
    assert_same(rhythm.stability, [1, 1 / (1 + spread), UNKNOWN])


def test_rhythm_is_undefined_with_too_few_order_days():
    account, when = [0, 1, 1, 2, 2, 2], days(*["2011-01-01", "2011-01-01", "2011-02-01"], *["2011-01-01", "2011-01-05"],
                                             "2011-01-11")  # fmt: skip

    rhythm = order_rhythm(account, when, accounts=3, as_of=AS_OF)

    assert_same(rhythm.median_interval_days, [UNKNOWN, UNKNOWN, 5])
    assert_same(rhythm.rhythm_ratio, [UNKNOWN] * 3)
    assert_same(rhythm.stability, [UNKNOWN] * 3)


def test_patterns_of_nobody_are_empty():
    assert order_rhythm([], days(), accounts=0, as_of=AS_OF).rhythm_ratio.shape == (0,)
    assert active_months([], days(), accounts=2, start=START, end=END).tolist() == [0, 0]
    assert np.isnan(weekday_profile([], days(), accounts=2, start=START, end=END)).all()
    assert season_shares(np.zeros((0, 12)), first_month=1).shape == (0, 12)
    assert revenue_variation(np.zeros((0, 12))).shape == (0,)


def test_active_months_and_weekdays_count_days_of_the_window_once():
    when = days("2011-01-03", "2011-01-03", "2011-01-31", "2011-03-01", "2010-12-31", "2012-01-01", "2011-12-31")
    account = [0, 0, 0, 0, 0, 0, 1]

    assert active_months(account, when, accounts=3, start=START, end=END).tolist() == [2, 1, 0]
    profile = weekday_profile(account, when, accounts=3, start=START, end=END)  # Mondays, a Tuesday; a Saturday
    assert_same(profile, [[2 / 3, 1 / 3, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0], [UNKNOWN] * 7])


def test_season_shares_begin_with_january_whatever_the_first_month():
    from_december = np.array([[60.0, 10, 20] + [0] * 8 + [10]])  # December, January, February .. November

    shares = season_shares(np.hstack([from_december, from_december]), first_month=12)

    assert_same(shares, [[0.1, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.6]])
    assert_same(spring_festival_share(shares), [0.3])


def test_season_shares_leave_credits_without_a_share_and_nothing_undefined():
    rows = np.zeros((3, 12))
    rows[0, :3] = [-50, 30, 10]
    rows[1, 0] = -5
    rows[2] = 1
    rows[2, 5] = UNKNOWN

    shares = season_shares(rows, first_month=1)

    assert_same(shares[0], [0, 0.75, 0.25] + [0] * 9)
    assert np.isnan(shares[1:]).all()
    assert np.isnan(spring_festival_share(shares)[1:]).all()


def test_revenue_variation_needs_revenue_in_enough_months():
    rows = [[10.0] * 12, [0] * 9 + [40] * 3, [0] * 10 + [60] * 2, [-10] * 9 + [10] * 3, [UNKNOWN] + [10] * 11]

    assert_same(revenue_variation(rows), [0, np.sqrt(3), UNKNOWN, UNKNOWN, UNKNOWN])
    assert_same(stability([0, 1, UNKNOWN]), [1, 0.5, UNKNOWN])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: order_rhythm([0], days("2012-01-01"), accounts=1, as_of=AS_OF),
        lambda: order_rhythm([0], days("NaT"), accounts=1, as_of=AS_OF),
        lambda: order_rhythm([1], days("2011-01-01"), accounts=1, as_of=AS_OF),
        lambda: order_rhythm([-1], days("2011-01-01"), accounts=1, as_of=AS_OF),
        lambda: order_rhythm([0, 0], days("2011-01-01"), accounts=1, as_of=AS_OF),
        lambda: active_months([0], days("2011-01-01"), accounts=1, start=END, end=START),
        lambda: weekday_profile([0], days("2011-01-01"), accounts=1, start=END, end=END),
        lambda: season_shares(np.ones((1, 13)), first_month=1),
        lambda: season_shares(np.ones((1, 0)), first_month=1),
        lambda: season_shares(np.ones((1, 12)), first_month=13),
        lambda: season_shares(np.ones(12), first_month=1),
        lambda: season_shares(np.full((1, 12), np.inf), first_month=1),
        lambda: spring_festival_share(np.ones((1, 11))),
        lambda: revenue_variation(np.ones(12)),
        lambda: stability([-0.1]),
        lambda: stability([np.inf]),
    ],
    ids=[
        "order-after-as-of", "order-without-day", "place-beyond", "place-below", "lengths", "window-backwards",
        "window-empty", "thirteen-months", "no-month", "month-13", "one-row", "infinite", "eleven-shares", "flat",
        "negative-variation", "infinite-variation",
    ],
)  # fmt: skip
def test_patterns_refuse_what_lies_outside_the_domain(wrong):
    with pytest.raises(FormulaError):
        wrong()


ORDERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 700)), max_size=40)


@settings(max_examples=500, deadline=None)
@given(ORDERS)
def test_rhythm_equals_the_slow_version(orders):
    first = date(2010, 1, 1)
    when = days(*[first + timedelta(days=offset) for _, offset in orders])

    rhythm = order_rhythm([who for who, _ in orders], when, accounts=5, as_of=AS_OF)
    months = active_months([who for who, _ in orders], when, accounts=5, start=START, end=END)
    profile = weekday_profile([who for who, _ in orders], when, accounts=5, start=START, end=END)

    for place in range(5):
        mine = sorted({first + timedelta(days=offset) for who, offset in orders if who == place})
        gaps = [(later - earlier).days for earlier, later in itertools.pairwise(mine)]
        since = (AS_OF.item() - mine[-1]).days if mine else UNKNOWN
        median = statistics.median(gaps) if len(mine) >= 3 else UNKNOWN
        has_rhythm = len(mine) >= 4
        spread = statistics.stdev(gaps) / statistics.fmean(gaps) if has_rhythm else UNKNOWN
        assert rhythm.order_days[place] == len(mine)
        assert_same(rhythm.days_since_order[place], since)
        assert_same(rhythm.median_interval_days[place], median)
        assert_same(rhythm.rhythm_ratio[place], since / median if has_rhythm else UNKNOWN)
        np.testing.assert_allclose(rhythm.interval_variation[place], spread, rtol=1e-9, atol=1e-9, equal_nan=True)
        inside = [day for day in mine if day.year == 2011]
        assert months[place] == len({day.month for day in inside})
        shares = (
            [sum(day.weekday() == weekday for day in inside) / len(inside) for weekday in range(7)] if inside else []
        )
        assert_same(profile[place], shares or [UNKNOWN] * 7)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(st.integers(-(10**6), 10**8), min_size=12, max_size=12), max_size=5), st.integers(1, 12))
def test_season_shares_lie_in_bounds_and_add_up(rows, first_month):
    shares = season_shares(np.array(rows, dtype=float).reshape(-1, 12) / 10_000, first_month=first_month)

    for row, found in zip(rows, shares, strict=True):
        if max(row) <= 0:
            assert np.isnan(found).all()
            continue
        assert found.sum() == pytest.approx(1)
        assert ((found >= 0) & (found <= 1)).all()
        assert found[first_month - 1] == pytest.approx(max(row[0], 0) / sum(max(value, 0) for value in row))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(1, 10**8), min_size=12, max_size=12), st.integers(1, 1000))
def test_stability_lies_in_bounds_and_knows_no_scale(units, factor):
    once, scaled = (stability(revenue_variation([np.array(units) * times / 10_000])) for times in (1, factor))

    assert 1 / (1 + np.sqrt(11)) - 1e-12 <= once[0] <= 1
    assert scaled[0] == pytest.approx(once[0])


def slow_spread(orders):
    """Quartiles as the docstring reads, account by account."""
    gaps = {}
    for who, days in orders.items():
        ordered = sorted(set(days))
        if len(ordered) >= 3:
            gaps[who] = [b - a for a, b in itertools.pairwise(ordered)]
    if not gaps:
        return [float("nan")] * 3 + [0]
    values = next(iter(gaps.values())) if len(gaps) == 1 else [statistics.median(found) for found in gaps.values()]
    return [*np.quantile(values, (0.25, 0.5, 0.75)).tolist(), len(gaps)]


@given(st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 400), max_size=8), max_size=4))
@settings(max_examples=500, deadline=None)
def test_interval_spread_and_weekdays_equal_a_slow_version(orders):
    who = [account for account, days in orders.items() for _day in days]
    when = np.array([day for days in orders.values() for day in days], dtype="datetime64[D]")

    found = interval_spread(who, when, accounts=4)

    np.testing.assert_allclose(found, slow_spread(orders), equal_nan=True)
    shares = weekday_shares(when)
    counts = [sum(day.item().weekday() == number for day in when) for number in range(7)]
    wanted = [count / len(when) for count in counts] if len(when) else [float("nan")] * 7
    np.testing.assert_allclose(shares, wanted, equal_nan=True)


def test_season_index_of_an_even_year_is_one_and_a_missing_day_is_refused():
    assert season_index([[1 / 12] * 12]).tolist() == [pytest.approx([1.0] * 12)]
    with pytest.raises(FormulaError, match="without a day"):
        weekday_shares(np.array(["NaT"], dtype="datetime64[D]"))
