"""The bridge by product: an example by hand, a slow version account by account, exact sums, what rounding leaves."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.bridge import BridgeLine, revenue_bridge
from metrics.formulas.bridge_parts import CLASSES, LINES, NO_LINE, account_classes, part_effects, with_whole

BASE_END, START = np.datetime64("2011-01-01"), np.datetime64("2011-01-01")
PARTS = 3
units = st.integers(-10_000, 10_000)
accounts = st.lists(
    st.tuples(st.lists(units, min_size=PARTS, max_size=PARTS), st.lists(units, min_size=PARTS, max_size=PARTS), st.booleans()),
    max_size=12,
)  # fmt: skip


def classes_of(b, c, was_before):
    first = np.where(was_before, np.datetime64("2010-01-01"), np.datetime64("2011-06-01")).astype("datetime64[D]")
    bridge = revenue_bridge(b / 10_000, c / 10_000, first, base_end=BASE_END, comparison_start=START)
    return bridge, account_classes(bridge.members)


def sums(values, classes):
    table = np.zeros((CLASSES, values.shape[1]), dtype=np.int64)
    np.add.at(table, classes, values)
    return table


def test_a_product_may_fall_inside_an_account_that_grows():
    b, c = np.array([[100, 50]]), np.array([[300, 20]])

    _bridge, classes = classes_of(b.sum(axis=1), c.sum(axis=1), [True])
    effects = part_effects(sums(b, classes), sums(c, classes))

    assert effects[BridgeLine.EXPANSION].tolist() == [200, -30]
    assert all(not values.any() for line, values in effects.items() if line is not BridgeLine.EXPANSION)


def slow(b, c, was_before):
    """Effects of one account's parts, as the table of the definition reads."""
    whole_b, whole_c = sum(b), sum(c)
    found = {line: [Fraction(0)] * PARTS for line in BridgeLine}
    for at in range(PARTS):
        if whole_b > 0 and whole_c > 0 and whole_c != whole_b:
            found[BridgeLine.EXPANSION if whole_c > whole_b else BridgeLine.CONTRACTION][at] = c[at] - b[at]
        elif whole_b > 0 and whole_c <= 0:
            found[BridgeLine.CHURNED][at], found[BridgeLine.ADJUSTMENT][at] = -b[at], c[at]
        elif whole_b <= 0 and whole_c > 0:
            found[BridgeLine.REACTIVATED if was_before else BridgeLine.NEW][at] = c[at]
            found[BridgeLine.ADJUSTMENT][at] = -b[at]
        else:
            found[BridgeLine.ADJUSTMENT][at] = c[at] - b[at]
    return found


@given(accounts)
@settings(max_examples=500, deadline=None)
def test_parts_equal_the_slow_version_and_add_up_to_the_bridge(rows):
    b = np.array([row[0] for row in rows], dtype=np.int64).reshape(-1, PARTS)
    c = np.array([row[1] for row in rows], dtype=np.int64).reshape(-1, PARTS)
    bridge, classes = classes_of(b.sum(axis=1), c.sum(axis=1), np.array([row[2] for row in rows], dtype=bool))

    effects = part_effects(sums(b, classes), sums(c, classes))

    slowly = [slow(*row) for row in rows]
    for line in BridgeLine:
        assert effects[line].tolist() == [sum(one[line][at] for one in slowly) for at in range(PARTS)]
        assert int(effects[line].sum()) == int(bridge.lines[line].amount.scaleb(4))
    assert (b.sum(axis=0) + sum(effects.values()) == c.sum(axis=0)).all()


def test_an_account_that_holds_is_in_the_class_of_no_line_and_moves_no_line():
    b, c = np.array([[30, 10]]), np.array([[10, 30]])

    _bridge, classes = classes_of(b.sum(axis=1), c.sum(axis=1), [True])
    effects = part_effects(sums(b, classes), sums(c, classes))

    assert classes.tolist() == [NO_LINE]
    assert effects[BridgeLine.ADJUSTMENT].tolist() == [-20, 20]


def test_rounding_goes_to_the_largest_part_and_what_is_more_is_told():
    parts = np.array([[5, -70, 9], [1, 2, 3], [0, 0, 0]])

    mended, rest = with_whole(parts, np.array([-57, 16, 0]), rounding=2)

    assert mended.tolist() == [[5, -71, 9], [1, 2, 3], [0, 0, 0]]
    assert rest.tolist() == [0, 10, 0]
    assert with_whole(np.zeros((2, 0)), np.array([1, 0]), rounding=5)[1].tolist() == [1, 0]


def test_refusals():
    with pytest.raises(FormulaError, match="classes of accounts"):
        part_effects(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(FormulaError, match="in one line"):
        account_classes(dict.fromkeys(LINES, np.array([True])))
