"""Which accounts moved a factor: one class each, so that their changes add up."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import parts_in_units
from metrics.formulas.movers import UNMOVED, Mover, movers

CASES = [  # covered before and after, active before and after, revenue before and after, class
    (False, True, False, True, 0, 10, Mover.NEWLY_COVERED),
    (False, True, False, False, 0, 0, Mover.NEWLY_COVERED),
    (True, False, True, False, 10, 0, Mover.NO_LONGER_COVERED),
    (True, True, False, True, 0, 10, Mover.BECAME_ACTIVE),
    (True, True, True, False, 10, -1, Mover.WENT_SILENT),
    (True, True, True, True, 10, 11, Mover.SPENDS_MORE),
    (True, True, True, True, 10, 9, Mover.SPENDS_LESS),
    (True, True, True, True, 10, 10, UNMOVED),
    (True, True, False, False, 0, -5, Mover.WITHOUT_ORDERS),
    (False, False, False, False, -5, 0, Mover.WITHOUT_ORDERS),
    (False, False, False, False, 0, 0, UNMOVED),
]


def test_movers_names_what_happened_first():
    *columns, names = zip(*CASES, strict=True)

    assert movers(*columns).tolist() == [str(name) for name in names]


def test_movers_of_nobody_is_empty():
    assert movers([], [], [], [], [], []).tolist() == []


@pytest.mark.parametrize(
    "columns",
    [
        ([True], [True], [True], [True], [1.0], [1.0, 2.0]),
        ([True], [True], [True], [True], [float("nan")], [1.0]),
        ([False], [True], [True], [True], [1.0], [1.0]),
        ([True], [False], [True], [True], [1.0], [1.0]),
    ],
    ids=["shapes", "missing", "base not covered", "comparison not covered"],
)
def test_movers_refuses_what_it_cannot_class(columns):
    with pytest.raises(FormulaError):
        movers(*columns)


def one_by_one(k0, k1, a0, a1, r0, r1):
    """The slow version, one account."""
    if k0 != k1:
        return Mover.NEWLY_COVERED if k1 else Mover.NO_LONGER_COVERED
    if a0 != a1:
        return Mover.BECAME_ACTIVE if a1 else Mover.WENT_SILENT
    if r0 == r1:
        return UNMOVED
    if not a0:
        return Mover.WITHOUT_ORDERS
    return Mover.SPENDS_MORE if r1 > r0 else Mover.SPENDS_LESS


ACCOUNT = st.tuples(
    st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(-9, 9), st.integers(-9, 9)
).map(lambda row: (row[0] or row[2], row[1] or row[3], *row[2:]))


@settings(max_examples=500)
@given(st.lists(ACCOUNT, max_size=12))
def test_movers_agrees_with_the_slow_version_and_swapping_turns_each_class_round(accounts):
    columns = [list(column) for column in zip(*accounts, strict=True)] or [[] for _ in range(6)]
    k0, k1, a0, a1, r0, r1 = columns
    other = {Mover.WITHOUT_ORDERS: Mover.WITHOUT_ORDERS, UNMOVED: UNMOVED}
    for one, two in ((0, 1), (2, 3), (4, 5)):
        pair = list(Mover)[one], list(Mover)[two]
        other |= {pair[0]: pair[1], pair[1]: pair[0]}

    found = movers(*columns).tolist()

    assert found == [str(one_by_one(*account)) for account in accounts]
    assert movers(k1, k0, a1, a0, r1, r0).tolist() == [str(other[name]) for name in found]


def test_parts_in_units_gives_what_rounding_leaves_to_the_largest_part():
    parts = parts_in_units([[1 / 3, 1 / 3, 1 / 3], [-2.00004, 1.00002, 0.0]], np.array([10_000, -10_000]))

    assert parts.tolist() == [[3334, 3333, 3333], [-20_000, 10_000, 0]]


def test_parts_in_units_refuses_what_is_no_split():
    with pytest.raises(FormulaError):
        parts_in_units([[1.0, 1.0]], np.array([30_000]))
    with pytest.raises(FormulaError):
        parts_in_units([[1.0, np.nan]], np.array([10_000]))


def test_parts_in_units_allows_the_noise_of_what_was_split():
    noisy, total = [[0.02, 0.01]], np.array([0])

    assert parts_in_units(noisy, total, scale=1e14).tolist() == [[-100, 100]]
    with pytest.raises(FormulaError):
        parts_in_units(noisy, total)


@settings(max_examples=500)
@given(
    st.lists(st.tuples(*[st.floats(-1e9, 1e9) for _ in range(3)]), min_size=1, max_size=6),
)
def test_parts_in_units_adds_up_and_stays_within_rounding(rows):
    totals = np.array([round(sum(Decimal(part) for part in row) * 10_000) for row in rows], dtype=object)

    found = parts_in_units(rows, totals)

    assert found.sum(axis=1).tolist() == totals.tolist()
    assert np.abs(found.astype(float) / 10_000 - np.array(rows)).max() <= 3e-4
