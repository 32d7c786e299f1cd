"""Activity: who is on the books, who bought, and the identity of the three factors."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.activity import covered, window_activity

START, END = np.datetime64("2011-01-01"), np.datetime64("2012-01-01")
NEVER = np.datetime64("NaT")


def days(*texts):
    return np.array([NEVER if text is None else np.datetime64(text) for text in texts], dtype="datetime64[D]")


def test_covered_wants_a_first_order_before_the_end_and_no_earlier_closing():
    first = days("2010-05-01", "2011-12-31", "2012-01-01", None, "2010-05-01", "2010-05-01", "2010-05-01")
    closed = days(None, None, None, None, "2010-12-31", "2011-01-01", "2010-12-31")

    on_books = covered(first, closed, [0, 1, 0, 0, 0, 0, 2], start=START, end=END)

    assert on_books.tolist() == [True, True, False, False, False, True, True]


def test_activity_counts_and_divides():
    figures = window_activity(
        [100.5, 50, -10, 0], [2, 1, 0, 0], [2, 1, 0, 0], days("2010-05-01", "2011-02-01", "2010-01-01", "2009-01-01"),
        [True, True, True, True], start=START,
    )  # fmt: skip

    assert (figures.covered_accounts, figures.active_accounts, figures.active_rate) == (4, 2, 0.5)
    assert (figures.orders, figures.order_frequency) == (3, 1.5)
    assert (figures.revenue, figures.unattributed) == (Decimal("140.5"), Decimal(0))
    assert (figures.repeat_accounts, figures.repeat_rate) == (1, 0.5)
    assert (figures.returning_accounts, figures.returning_rate) == (1, 0.5)


def test_activity_without_an_order_leaves_rates_undefined_and_names_the_revenue():
    figures = window_activity([-7.0], [0], [0], days("2010-05-01"), [True], start=START)

    assert figures.active_rate == 0
    assert np.isnan([figures.repeat_rate, figures.returning_rate, figures.order_frequency]).all()
    assert figures.unattributed == figures.revenue == Decimal(-7)


def test_activity_of_nobody_is_undefined():
    figures = window_activity([], [], [], days(), [], start=START)

    assert np.isnan(figures.active_rate)
    assert figures.covered_accounts == 0


def test_activity_refuses_an_active_account_that_is_not_covered():
    with pytest.raises(FormulaError):
        window_activity([1.0], [1], [1], days("2011-01-01"), [False], start=START)


ROWS = st.lists(
    st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 5), st.integers(-900, 300), st.booleans()), max_size=25
)


@settings(max_examples=500, deadline=None)
@given(ROWS)
def test_revenue_is_covered_times_rate_times_revenue_per_active(rows):
    first = np.array([START + np.timedelta64(offset, "D") for _, _, offset, _ in rows], dtype="datetime64[D]")
    orders = np.array([count for _, count, _, _ in rows], dtype=np.int64)
    closed = np.array([START - 1 if gone else NEVER for *_, gone in rows], dtype="datetime64[D]")
    on_books = covered(first, closed, orders, start=START, end=END)

    figures = window_activity([units / 10_000 for units, *_ in rows], orders, orders, first, on_books, start=START)

    assert figures.revenue == sum((Decimal(units).scaleb(-4) for units, *_ in rows), Decimal(0))
    assert figures.active_accounts <= figures.covered_accounts
    if figures.active_accounts:
        per_active = figures.revenue / figures.active_accounts
        product = figures.covered_accounts * figures.active_rate * float(per_active)
        assert product == pytest.approx(float(figures.revenue), rel=1e-9, abs=1e-6)
        assert figures.unattributed == 0
