"""Binary COPY and sums per account, against what PostgreSQL and plain Python say."""

import math
import statistics

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tiering.grouping import (
    distinct_pairs,
    group_medians,
    group_ranges,
    group_sums,
    places_of,
    sorted_distinct,
    window_sums,
)
from tiering.staging import Shared, binary_rows, copy_in


def test_copy_in_writes_what_it_was_given(db):
    columns = {
        "number": np.array([1, -(2**62)], dtype=np.int64),
        "word": Shared("général 一般"),
        "empty": Shared(""),
        "nothing": Shared(None),
        "amount": np.array([0.1, math.nan]),
        "list": np.array([[1.5, math.nan, -0.0], [math.inf, 2.0, 1e300]]),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE landing (number bigint, word varchar(20), empty text, nothing float8, amount float8,"
            " list float8[])"
        )
        copy_in(cursor, "landing", list(columns), [binary_rows(columns), binary_rows(columns | {"word": Shared("b")})])
        cursor.execute("SELECT number, word, empty, nothing, amount::text, list::text FROM landing")
        rows = cursor.fetchall()

    expected = [
        (1, "général 一般", "", None, "0.1", "{1.5,NaN,-0}"),
        (-(2**62), "général 一般", "", None, "NaN", "{Infinity,2,1e+300}"),
    ]
    assert rows == expected + [(number, "b", *rest) for number, _word, *rest in expected]


def test_copy_in_takes_no_rows_at_all(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE landing (number bigint)")
        copy_in(cursor, "landing", ["number"], [])
        cursor.execute("SELECT count(*) FROM landing")
        assert cursor.fetchone() == (0,)


groups = st.lists(st.tuples(st.integers(0, 4), st.integers(-1000, 1000)), max_size=40)


@given(groups)
def test_sums_per_group_equal_plain_ones(pairs):
    places = np.array([place for place, _ in pairs], dtype=np.int64)
    values = np.array([value / 8 for _, value in pairs], dtype=np.float64)
    by_group = [[value / 8 for place, value in pairs if place == group] for group in range(5)]

    sums = group_sums(values, places=places, count=5, decimals=4)
    medians = group_medians((values * 8).astype(np.int64) + 1000, places=places, count=5)
    ranges = group_ranges(values, places=places, count=5)
    distinct = distinct_pairs(places, (values * 8).astype(np.int64) + 1000, count=5)

    assert sums.tolist() == [sum(group) for group in by_group]
    expected = [statistics.median(group) * 8 + 1000 if group else math.nan for group in by_group]
    assert medians == pytest.approx(expected, nan_ok=True)
    assert ranges.tolist() == [max(group) - min(group) if group else 0 for group in by_group]
    assert distinct.tolist() == [len(set(group)) for group in by_group]


@given(st.lists(st.integers(-5, 5)))
def test_sorted_distinct_is_a_sorted_set(numbers):
    assert sorted_distinct(np.array(numbers, dtype=np.int64)).tolist() == sorted(set(numbers))


@pytest.mark.parametrize("among", [[3, 4, 5, 9], [1, 10**12]])
def test_places_of_finds_close_and_far_ids(among):
    ids = np.array(among, dtype=np.int64)

    assert places_of(ids[[1, 0, 1]], among=ids).tolist() == [1, 0, 1]
    assert places_of(np.array([], dtype=np.int64), among=ids).tolist() == []


def test_window_sums_add_each_value_to_the_windows_of_its_slot():
    found = window_sums(
        np.array([1.0, 2.0, 4.0, 8.0]),
        places=np.array([0, 0, 1, 1]),
        slots=np.array([0, 1, 1, 2]),
        windows=[[0, 1], [1, 2], []],
        count=3,
        slot_count=3,
    )

    assert [sums.tolist() for sums in found] == [[3, 4, 0], [2, 12, 0], [0, 0, 0]]
