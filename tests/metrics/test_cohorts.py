"""The cohort matrix: the worked example, an independent slow version, unfinished cells."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.cohorts import NOWHERE, CohortBase, cohort_matrix, period_places
from tests.metrics.compare import assert_same

FIRST = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
EXAMPLE = [  # account, quarter, net revenue
    (0, 0, 100), (1, 0, 100), (2, 0, 100), (3, 0, 100), (0, 1, 160), (1, 1, 100), (2, 1, 100), (0, 2, 180), (2, 2, 150),
    (3, 2, 50), (4, 1, 60), (5, 1, 40), (4, 2, 60), (5, 2, 60), (6, 2, 50), (7, 2, 50), (8, 2, 50), (9, 2, 50), (10, 2, 50),
]  # fmt: skip
UNKNOWN = np.nan


def matrix_of(rows, first, **options):
    account, period, revenue, *active = zip(*rows, strict=True) if rows else ((), (), ())
    return cohort_matrix(
        account, period, revenue, active[0] if active else np.ones(len(rows), bool), first_period=first, **options
    )


def test_cohorts_give_the_worked_example():
    matrix = matrix_of(EXAMPLE, FIRST, finished=3)

    assert matrix.sizes.tolist() == [4, 2, 5]
    assert_same(matrix.active, [[4, 3, 3], [2, 2, UNKNOWN], [5, UNKNOWN, UNKNOWN]])
    assert_same(matrix.revenue, [[400, 360, 380], [100, 120, UNKNOWN], [250, UNKNOWN, UNKNOWN]])
    assert_same(matrix.active_share, [[1, 0.75, 0.75], [1, 1, UNKNOWN], [1, UNKNOWN, UNKNOWN]])
    assert_same(matrix.revenue_share, [[1, 0.9, 0.95], [1, 1.2, UNKNOWN], [1, UNKNOWN, UNKNOWN]])
    assert_same(matrix.pooled_active_share, [1, 5 / 6, 0.75])
    assert_same(matrix.pooled_revenue_share, [1, 0.96, 0.95])
    assert matrix.pooled_accounts.tolist() == [11, 6, 4]
    assert matrix.unplaced_accounts == 0


def test_cohorts_against_the_first_full_period_leave_age_nought_out():
    matrix = matrix_of(EXAMPLE, FIRST, finished=3, base=CohortBase.FIRST_FULL_PERIOD)

    assert_same(matrix.revenue_share, [[UNKNOWN, 1, 380 / 360], [UNKNOWN, 1, UNKNOWN], [UNKNOWN] * 3])
    assert_same(matrix.pooled_revenue_share, [UNKNOWN, 1, 380 / 360])
    assert_same(matrix.pooled_active_share, [1, 5 / 6, 0.75])


def test_cells_of_a_running_period_are_marked_not_numbers():
    matrix = matrix_of(EXAMPLE, FIRST, finished=2, periods=3)

    assert_same(matrix.revenue, [[400, 360, UNKNOWN], [100, UNKNOWN, UNKNOWN], [UNKNOWN] * 3])
    assert matrix.is_running.tolist() == [[False, False, True], [False, True, False], [True, False, False]]
    assert matrix.is_finished.tolist() == [[True, True, False], [True, False, False], [False, False, False]]
    assert_same(matrix.pooled_revenue_share, [1, 0.9, UNKNOWN])
    assert matrix.sizes.tolist() == [4, 2, 5]


def test_account_without_a_known_beginning_is_in_no_cohort():
    matrix = matrix_of([(0, 0, 10), (1, 0, 500), (1, 1, 500)], [0, NOWHERE], finished=2)

    assert_same(matrix.revenue, [[10, 0], [0, UNKNOWN]])
    assert (matrix.unplaced_accounts, matrix.sizes.tolist()) == (1, [1, 0])
    assert_same(matrix.active_share, [[1, 0], [UNKNOWN, UNKNOWN]])


def test_several_rows_of_one_account_and_period_count_one_account():
    matrix = matrix_of([(0, 0, 10, True), (0, 0, 5, True), (0, 1, -3, False)], [0], finished=2)

    assert_same(matrix.active[0], [1, 0])
    assert_same(matrix.revenue[0], [15, -3])
    assert_same(matrix.revenue_share[0], [1, -0.2])


def test_cohort_whose_first_revenue_was_credited_at_once_has_no_revenue_share():
    matrix = matrix_of([(0, 0, -5, False), (0, 1, 7, True)], [0], finished=2)

    assert_same(matrix.revenue_share[0], [UNKNOWN, UNKNOWN])
    assert_same(matrix.pooled_revenue_share, [UNKNOWN, UNKNOWN])


def test_credit_before_the_first_revenue_belongs_to_no_age():
    matrix = matrix_of([(0, 0, -5, False), (0, 1, 7, True)], [1], finished=2)

    assert_same(matrix.revenue, [[0, 0], [7, UNKNOWN]])


def test_cohorts_of_nobody_are_undefined():
    matrix = matrix_of([], [], finished=1)

    assert_same(matrix.active, [[0]])
    assert np.isnan([matrix.active_share[0, 0], matrix.pooled_revenue_share[0]]).all()
    assert np.isnan(matrix_of([], [], finished=1, base=CohortBase.FIRST_FULL_PERIOD).revenue_share).all()
    assert np.isnan(matrix_of([], [], finished=0, periods=2).active).all()


def test_cohorts_beyond_float_precision_are_exact():
    matrix = matrix_of([(0, 0, 900_000_000_000.0), (0, 0, 0.0001), (0, 0, -900_000_000_000.0)], [0], finished=1)

    assert matrix.revenue[0, 0] == 0.0001


@pytest.mark.parametrize(
    "case",
    [
        {"period": [3]},
        {"period": [-1]},
        {"account": [1]},
        {"account": [-1]},
        {"revenue": [float("nan")]},
        {"revenue": [float("inf")]},
        {"revenue": [1, 2]},
        {"first_period": [3]},
        {"first_period": [-2]},
        {"first_period": [2]},
        {"finished": 4, "periods": 3},
        {"finished": -1, "periods": 3},
        {"finished": 0, "periods": 0},
    ],
    ids=lambda case: "-".join(f"{key}={value}" for key, value in case.items()),
)
def test_cohorts_refuse_what_lies_outside_the_domain(case):
    given_ = {"account": [0], "period": [1], "revenue": [1.0], "first_period": [0], "finished": 3, "periods": 3} | case

    with pytest.raises(FormulaError):
        cohort_matrix(
            given_["account"], given_["period"], given_["revenue"], [True], first_period=given_["first_period"],
            finished=given_["finished"], periods=given_["periods"],
        )  # fmt: skip


def test_period_places_are_half_open_and_nowhere_outside():
    edges = ["2011-01-01", "2011-02-01", "2011-04-01"]
    days = np.array(
        ["2010-12-31", "2011-01-01", "2011-01-31", "2011-02-01", "2011-03-31", "2011-04-01", "NaT"], "M8[D]"
    )

    assert period_places(days, np.array(edges, "M8[D]")).tolist() == [NOWHERE, 0, 0, 1, 1, NOWHERE, NOWHERE]
    for bad in (edges[:1], edges[::-1], [edges[0], edges[0]], []):
        with pytest.raises(FormulaError):
            period_places(days, np.array(bad, "M8[D]"))


def slow_cohorts(rows, first, finished, periods, base_age):
    """The definition, one cell after the other, in fractions; None is an unfinished or undefined cell."""
    cells, pooled = {}, {}
    for age in range(periods):
        top = bottom = Fraction(0)
        reached = [cohort for cohort in range(periods) if cohort + age < finished]
        for cohort in range(periods):
            members = {place for place, beginning in enumerate(first) if beginning == cohort}

            def revenue(at, members=members, cohort=cohort):
                return sum(Fraction(u, 10_000) for who, when, u, _ in rows if who in members and when == cohort + at)

            active = {who for who, when, _, buys in rows if buys and who in members and when == cohort + age}
            share = None
            if cohort in reached and age >= base_age and revenue(base_age) > 0:
                share = revenue(age) / revenue(base_age)
            if cohort in reached and age >= base_age:
                top, bottom = top + revenue(age), bottom + revenue(base_age)
            cells[cohort, age] = (len(active), revenue(age), share) if cohort in reached else None
        pooled[age] = top / bottom if bottom > 0 else None
    return cells, pooled


@st.composite
def ledgers(draw):
    periods = draw(st.integers(1, 5))
    finished = draw(st.integers(0, periods))
    first = draw(st.lists(st.integers(NOWHERE, periods - 1), max_size=6))
    rows = []
    if first:
        for _ in range(draw(st.integers(0, 12))):
            who, when = draw(st.integers(0, len(first) - 1)), draw(st.integers(0, periods - 1))
            may_buy = first[who] == NOWHERE or when >= first[who]
            rows.append((who, when, draw(st.integers(-(10**7), 10**9)), may_buy and draw(st.booleans())))
    return rows, first, finished, periods


@settings(max_examples=500, deadline=None)
@given(ledgers(), st.sampled_from(CohortBase))
def test_cohorts_equal_the_slow_version(ledger, base):
    rows, first, finished, periods = ledger
    base_age = int(base is CohortBase.FIRST_FULL_PERIOD)

    matrix = matrix_of([(who, when, units / 10_000, buys) for who, when, units, buys in rows], first,
                       finished=finished, periods=periods, base=base)  # fmt: skip

    cells, pooled = slow_cohorts(rows, first, finished, periods, base_age)
    for (cohort, age), wanted in cells.items():
        found = (matrix.active[cohort, age], matrix.revenue[cohort, age], matrix.revenue_share[cohort, age])
        if wanted is None:
            assert np.isnan(found).all()
            assert not matrix.is_finished[cohort, age]
        else:
            active, revenue, share = wanted
            assert found[0] == active
            assert found[1] == float(revenue)
            assert_same(found[2], UNKNOWN if share is None else float(share))
    assert_same(matrix.pooled_revenue_share, [UNKNOWN if value is None else float(value) for value in pooled.values()])


@settings(max_examples=500, deadline=None)
@given(ledgers())
def test_cohorts_keep_their_bounds_and_lose_no_money(ledger):
    rows, first, finished, periods = ledger

    matrix = matrix_of([(who, when, units / 10_000, buys) for who, when, units, buys in rows], first,
                       finished=finished, periods=periods)  # fmt: skip

    known = matrix.active_share[np.isfinite(matrix.active_share)]
    assert ((known >= 0) & (known <= 1)).all()
    kept = sum(u for who, when, u, _ in rows if first[who] != NOWHERE and first[who] <= when < finished)
    assert np.rint(np.nansum(np.rint(matrix.revenue * 10_000))) == kept
    assert matrix.sizes.sum() + matrix.unplaced_accounts == len(first)
    for age in range(periods):
        column = matrix.active_share[: max(finished - age, 0), age]
        if np.isfinite(column).any():
            pooled = matrix.pooled_active_share[age]
            assert np.nanmin(column) - 1e-12 <= pooled <= np.nanmax(column) + 1e-12
