"""Contract schedules: the worked example, a slow version in fractions, parts that always add up."""

import itertools
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.schedule import backlog, milestones, straight_line, straight_line_until

YEARS = np.array(["2024-01-01", "2025-01-01", "2026-01-01"], dtype="datetime64[D]")
TERM = ([date(2024, 7, 1)], [date(2025, 6, 30)])


def money(*texts):
    return [Decimal(text) for text in texts]


def test_straight_line_gives_the_worked_example():
    parts = straight_line(money("1200000"), *TERM, edges=YEARS)

    assert parts.tolist() == [money("604931.51", "595068.49")]
    assert straight_line_until(money("1200000"), *TERM, as_of=np.datetime64("2024-12-31")).tolist() == money(
        "604931.51"
    )


def test_both_days_of_the_term_count():
    edges = np.array(["2024-06-30", "2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04"], dtype="datetime64[D]")

    parts = straight_line(money("100"), [date(2024, 7, 1)], [date(2024, 7, 2)], edges=edges)

    assert parts.tolist() == [money("0", "50", "50", "0")]
    one_day = straight_line(money("7"), [date(2024, 7, 1)], [date(2024, 7, 1)], edges=edges)
    assert one_day.tolist() == [money("0", "7", "0", "0")]


def test_cents_that_do_not_divide_go_where_the_running_total_rounds():
    edges = np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    term = ([date(2024, 1, 1)], [date(2024, 1, 3)])

    assert straight_line(money("100"), *term, edges=edges).tolist() == [money("33.33", "33.34", "33.33")]
    assert straight_line(money("-100"), *term, edges=edges).tolist() == [money("-33.33", "-33.34", "-33.33")]
    assert straight_line(money("100"), *term, edges=edges, places=0).tolist() == [money("33", "34", "33")]
    assert straight_line(money("0.0001"), *term, edges=edges).tolist() == [money("0", "0", "0.0001")]


def test_half_a_cent_is_rounded_away_from_zero():
    edges = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    term = ([date(2024, 1, 1)] * 2, [date(2024, 1, 2)] * 2)

    assert straight_line(money("0.01", "-0.01"), *term, edges=edges).tolist() == [
        money("0.01", "0"),
        money("-0.01", "0"),
    ]


def test_value_with_digits_below_the_cent_is_never_passed_by_rounding():
    edges = np.array(["2024-01-01", "2033-12-31", "2034-01-01"], dtype="datetime64[D]")  # all but a day, and that day
    term = ([date(2024, 1, 1)] * 2, [date(2033, 12, 31)] * 2)

    parts = straight_line(money("0.0051", "-0.0051"), *term, edges=edges)

    assert parts.tolist() == [money("0.0051", "0"), money("-0.0051", "0")]


def test_contract_outside_the_periods_has_no_part():
    parts = straight_line(money("5", "5"), [date(2020, 1, 1), date(2030, 1, 1)], [date(2020, 9, 1), date(2030, 9, 1)],
                          edges=YEARS)  # fmt: skip

    assert parts.tolist() == [money("0", "0")] * 2
    assert straight_line([], [], [], edges=YEARS).shape == (0, 2)


def test_amounts_beyond_sixty_four_bits_stay_exact():
    parts = straight_line(money("999999999999999.9999"), [date(1970, 1, 1)], [date(2099, 12, 31)],
                          edges=np.array(["1970-01-01", "2024-01-01", "2100-01-01"], "M8[D]"))  # fmt: skip

    assert sum(parts[0]) == Decimal("999999999999999.9999")


def test_milestones_fall_where_they_were_accepted():
    accepted = np.array(["2024-12-31", "2025-01-01", "2025-12-31", "NaT", "2026-01-01"], dtype="datetime64[D]")

    parts = milestones([0, 0, 0, 0, 1], money("10.5", "20", "0.0001", "40", "50"), accepted, contracts=2, edges=YEARS)

    assert parts.tolist() == [money("10.5", "20.0001"), money("0", "0")]


def test_backlog_is_floored_with_a_warning():
    found = backlog(money("100", "100", "100.0001"), money("40.01", "100", "100.0002"))

    assert found.amount.tolist() == money("59.99", "0", "0")
    assert found.is_overrun.tolist() == [False, False, True]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: straight_line(money("1"), [date(2024, 1, 2)], [date(2024, 1, 1)], edges=YEARS),
        lambda: straight_line(money("1"), [np.datetime64("NaT")], [date(2024, 1, 1)], edges=YEARS),
        lambda: straight_line(money("1"), [date(2024, 1, 1)], [np.datetime64("NaT")], edges=YEARS),
        lambda: straight_line(money("1", "2"), *TERM, edges=YEARS),
        lambda: straight_line(money("0.00001"), *TERM, edges=YEARS),
        lambda: straight_line(money("NaN"), *TERM, edges=YEARS),
        lambda: straight_line(money("Infinity"), *TERM, edges=YEARS),
        lambda: straight_line(money("1"), *TERM, edges=YEARS[::-1]),
        lambda: straight_line(money("1"), *TERM, edges=YEARS[:1]),
        lambda: straight_line(money("1"), *TERM, edges=YEARS, places=5),
        lambda: milestones([2], money("1"), [date(2024, 1, 1)], contracts=2, edges=YEARS),
        lambda: milestones([0, 1], money("1"), [date(2024, 1, 1)], contracts=2, edges=YEARS),
        lambda: milestones([0], money("1"), [date(2024, 1, 1)], contracts=1, edges=YEARS[:1]),
        lambda: backlog(money("1"), money("1", "2")),
        lambda: backlog(money("1"), money("sNaN")),
    ],
    ids=[
        "term-backwards", "no-first-day", "no-last-day", "lengths", "five-decimals", "not-a-number", "infinite",
        "edges-backwards", "one-edge", "five-places", "contract-beyond", "milestone-lengths", "milestone-edge",
        "backlog-lengths", "backlog-not-a-number",
    ],
)  # fmt: skip
def test_schedule_refuses_what_lies_outside_the_domain(wrong):
    with pytest.raises(FormulaError):
        wrong()


FIRST = date(2020, 1, 1)
CONTRACTS = st.lists(
    st.tuples(st.integers(-(10**12), 10**16), st.integers(0, 900), st.integers(0, 1200)), min_size=1, max_size=4
)
EDGES = st.sets(st.integers(-100, 2300), min_size=2, max_size=7).map(sorted)


@settings(max_examples=500, deadline=None)
@given(CONTRACTS, EDGES)
def test_straight_line_equals_the_slow_version(contracts, edges):
    value = [Decimal(units).scaleb(-4) for units, *_ in contracts]
    first = [FIRST + timedelta(days=start) for _, start, _ in contracts]
    last = [FIRST + timedelta(days=start + length) for _, start, length in contracts]
    bounds = np.array([FIRST + timedelta(days=edge) for edge in edges], dtype="datetime64[D]")

    parts = straight_line(value, first, last, edges=bounds)

    for place, (units, start, length) in enumerate(contracts):
        cumulated = []
        for edge in edges:
            elapsed, term = min(max(edge - start, 0), length + 1), length + 1
            cents = Fraction(units * elapsed, 100 * term)
            whole = int((Decimal(abs(cents.numerator) * 2 // cents.denominator) / 2).quantize(1, ROUND_HALF_UP))
            at_end = Decimal(units).scaleb(-4)
            cumulated.append(
                at_end if elapsed == term else min(Decimal(whole).scaleb(-2), abs(at_end)).copy_sign(units)
            )
        assert parts[place].tolist() == [after - before for before, after in itertools.pairwise(cumulated)]


@settings(max_examples=500, deadline=None)
@given(CONTRACTS, EDGES)
def test_parts_of_periods_over_the_whole_term_add_up_to_the_value(contracts, edges):
    value = [Decimal(units).scaleb(-4) for units, *_ in contracts]
    first = [FIRST + timedelta(days=start) for _, start, _ in contracts]
    last = [FIRST + timedelta(days=start + length) for _, start, length in contracts]
    days = sorted({0, *[edge for edge in edges if edge > 0], 2400})
    bounds = np.array([FIRST + timedelta(days=day) for day in days], dtype="datetime64[D]")

    parts = straight_line(value, first, last, edges=bounds)
    halfway = straight_line_until(value, first, last, as_of=bounds[1] - 1)

    assert [sum(row) for row in parts.tolist()] == value
    assert halfway.tolist() == parts[:, 0].tolist()
    left = backlog([abs(amount) for amount in value], [abs(amount) for amount in halfway])
    assert not left.is_overrun.any()
    assert all(part * amount >= 0 for row, amount in zip(parts.tolist(), value, strict=True) for part in row)
