"""Contracts as a stock: their value by the year, and the days they are in force."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from crm.lib.periods import add_months
from metrics.formulas.contracts import annual_value, is_in_force

NEVER = np.datetime64("NaT")


def a_year(amount, first, last):
    return annual_value([Decimal(amount)], [first], [last]).tolist()


@pytest.mark.parametrize(
    ("amount", "first", "last", "worth"),
    [
        ("1200000", date(2024, 7, 1), date(2025, 6, 30), "1200000"),
        ("365", date(2023, 1, 1), date(2023, 12, 31), "365"),
        ("365", date(2024, 1, 1), date(2024, 12, 31), "365"),  # a leap year: the same terms, the same worth
        ("365", date(2024, 2, 29), date(2025, 2, 27), "365"),  # the year after has no 29 February
        ("100", date(2023, 1, 1), date(2023, 6, 30), "200"),
        ("100", date(2023, 7, 1), date(2023, 12, 31), "200"),
        ("300", date(2023, 3, 15), date(2026, 3, 14), "100"),
        ("100", date(2023, 1, 31), date(2023, 2, 27), "1200"),
        ("10", date(2023, 1, 1), date(2023, 1, 10), "365"),
        ("1", date(2023, 5, 5), date(2023, 5, 5), "365"),
        ("100", date(2023, 1, 1), date(2024, 1, 1), "99.7268"),  # a year and a day
        ("-100", date(2023, 1, 1), date(2024, 1, 1), "-99.7268"),
        ("0", date(2023, 1, 1), date(2024, 1, 1), "0"),
    ],
)
def test_contract_is_worth_its_amount_by_the_year(amount, first, last, worth):
    assert a_year(amount, first, last) == [Decimal(worth)]


def test_renewal_on_the_same_terms_changes_nothing():
    halves = [date(2023, 1, 1), date(2023, 7, 1), date(2024, 1, 1), date(2024, 7, 1), date(2025, 1, 1)]
    found = annual_value([Decimal("77.7")] * 4, halves[:-1], [day - timedelta(days=1) for day in halves[1:]])

    assert set(found.tolist()) == {Decimal("155.4")}


@settings(max_examples=500, deadline=None)
@given(st.integers(-(10**14), 10**18), st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 4000))
def test_annual_value_equals_the_slow_version(units, first, length):
    amount, last = Decimal(units).scaleb(-4), first + timedelta(days=length)

    months = 0
    while add_months(first, months + 1) <= last + timedelta(days=1):
        months += 1
    days = (last + timedelta(days=1) - add_months(first, months)).days
    years = Fraction(months, 12) + Fraction(days, 365)
    exact = Fraction(units) / years
    whole = (Decimal(abs(exact.numerator) * 2 // exact.denominator) / 2).quantize(1, ROUND_HALF_UP).copy_sign(units)

    assert a_year(amount, first, last) == [whole.scaleb(-4)]


@pytest.mark.parametrize(
    ("day", "is_in"), [("2023-01-01", True), ("2022-12-31", False), ("2023-12-31", True), ("2024-01-01", False)]
)
def test_both_days_of_the_term_are_in_force(day, is_in):
    found = is_in_force([date(2023, 1, 1)], [date(2023, 12, 31)], [NEVER], day=np.datetime64(day))

    assert found.tolist() == [is_in]


def test_cancelled_contract_is_in_force_until_the_day_before():
    first, last, cancelled = (
        [date(2023, 1, 1)] * 4,
        [date(2023, 12, 31)] * 4,
        ["2023-06-01", "2023-06-02", "NaT", "2022-01-01"],
    )

    found = is_in_force(first, last, np.array(cancelled, dtype="datetime64[D]"), day=np.datetime64("2023-06-01"))

    assert found.tolist() == [False, True, True, False]
    open_ended = is_in_force(
        [date(2023, 1, 1), NEVER], [NEVER, date(2023, 1, 1)], [NEVER] * 2, day=np.datetime64("2023-01-01")
    )
    assert open_ended.tolist() == [False, False]
    assert is_in_force([], [], [], day=np.datetime64("2023-01-01")).tolist() == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: a_year("1", date(2023, 1, 2), date(2023, 1, 1)),
        lambda: a_year("1", NEVER, date(2023, 1, 1)),
        lambda: a_year("0.00001", date(2023, 1, 1), date(2023, 1, 1)),
        lambda: annual_value([Decimal(1)], [date(2023, 1, 1)] * 2, [date(2023, 1, 1)] * 2),
        lambda: is_in_force([date(2023, 1, 1)], [date(2023, 1, 1)], [], day=np.datetime64("2023-01-01")),
    ],
    ids=["backwards", "no-first-day", "five-decimals", "lengths", "no-cancellations"],
)
def test_what_lies_outside_the_domain_is_refused(wrong):
    with pytest.raises(FormulaError):
        wrong()
