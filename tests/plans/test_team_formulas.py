"""The iron triangle as arithmetic (domain.md 5.4): by hand, against a slow version, and outside the domain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from plans import formulas_team as formulas

POINTS = {"diamond": 5, "gold": 3, "strategic": 3, "problem": 2, "potential": 2, "general": 1}


def test_load_of_the_worked_example():
    """Anna: Diamond 5, Gold 3, Strategic 3, Problem 2, Potential 2 = 15, which is right at the capacity; one General more
    and it is 16, an overload. Ben holds two seats of one Gold account and one of a General one: 3 + 1 = 4, not 7."""
    anna, ben = 7, 9
    book = ["diamond", "gold", "strategic", "problem", "potential"]
    person = [anna] * 5 + [ben, ben, ben, 0]
    account = [1, 2, 3, 4, 5, 6, 6, 8, 9]
    points = [POINTS[grade] for grade in book] + [3, 3, 1, 5]

    people, carried, accounts = formulas.load(person, account, points)
    _more, fuller, _n = formulas.load([*person, anna], [*account, 10], [*points, POINTS["general"]])

    assert (people.tolist(), carried.tolist(), accounts.tolist()) == ([7, 9], [15, 4], [5, 2])
    assert fuller.tolist() == [16, 4]
    assert formulas.is_overloaded(carried, [15, 15]).tolist() == [False, False]
    assert formulas.is_overloaded(fuller, [15, 15]).tolist() == [True, False]


@given(
    seats=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8)), max_size=40),
    weights=st.lists(st.integers(0, 9), min_size=9, max_size=9),
)
def test_load_equals_the_slow_sum_over_distinct_accounts(seats, weights):
    slow: dict[int, int] = {}
    for person, account in set(seats):
        if person:
            slow[person] = slow.get(person, 0) + weights[account]

    people, carried, accounts = formulas.load(
        [person for person, _a in seats],
        [account for _p, account in seats],
        [weights[account] for _p, account in seats],
    )

    assert dict(zip(people.tolist(), carried.tolist(), strict=True)) == slow
    assert accounts.sum() == len({seat for seat in seats if seat[0]})


@given(seats=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=20), more=st.integers(1, 6))
def test_one_seat_more_never_lowers_anybodys_load(seats, more):
    def loads(rows):
        people, carried, _n = formulas.load([p for p, _ in rows], [a for _, a in rows], [2] * len(rows))
        return dict(zip(people.tolist(), carried.tolist(), strict=True))

    before, after = loads(seats), loads([*seats, (1, more)])

    assert all(after[person] >= carried for person, carried in before.items())


def test_nobody_carries_nothing():
    people, carried, accounts = formulas.load([], [], [])

    assert (len(people), len(carried), len(accounts)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("target", "months", "days"), [(6, 3, 15), (3, 3, 30), (2, 3, 45), (1, 3, 91), (1, 1, 30), (400, 12, 1)]
)
def test_the_cadence_shares_the_span_out(target, months, days):
    assert formulas.cadence_days(target, months) == days


def test_where_nothing_is_promised_there_is_no_cadence():
    assert np.isnan(formulas.cadence_days([0.0, np.nan], [3, 3])).all()
    for target, months in ((-1, 3), (1, 0)):
        with pytest.raises(FormulaError):
            formulas.cadence_days(target, months)


def test_seats_missing_left_and_without_a_deputy():
    required = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1]], bool)
    holder = np.array([[4, 0, 5], [0, 6, 0], [4, 5, 6]])
    active = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]], bool)
    deputy = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 0]], bool)

    assert formulas.missing(required, holder).tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert formulas.left(holder, active).tolist() == [[False, False, True], [False] * 3, [False] * 3]
    assert formulas.without_deputy(required, holder, deputy, [True, True, False]).tolist() == [
        [False, False, True],
        [False] * 3,
        [False] * 3,
    ]


def test_one_person_in_several_seats():
    holders = [[1, 1, 2], [1, 2, 1], [2, 1, 1], [1, 2, 3], [0, 0, 0], [1, 0, 0], [4, 4, 4]]

    assert formulas.in_several(holders).tolist() == [True, True, True, False, False, False, True]


def test_a_touch_is_overdue_the_day_after_the_cadence():
    days = ["2024-05-16", "2024-05-15", "NaT", "NaT", "2024-01-01", "2024-01-01"]
    since = ["2020-01-01", "2020-01-01", "2024-05-20", "NaT", "2024-05-31", "2020-01-01"]
    cadence = [15, 15, 15, 15, 15, np.nan]

    found = formulas.untouched(days, since, today="2024-05-31", cadence=cadence)

    # 15 days ago is in time, 16 are not; a new seat has its own time; nothing at all is overdue; no cadence asks nothing.
    assert found.tolist() == [False, True, False, True, False, False]


def test_the_share_of_seats_that_stand():
    required = [[1, 1, 1], [1, 0, 0]]

    assert formulas.standing_share(required, [[0, 1, 0], [0, 1, 1]]) == pytest.approx(3 / 4)
    assert np.isnan(formulas.standing_share([[0, 0, 0]], [[0, 0, 0]]))
