"""How far an account lies below its peers."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.peers import MIN_PEERS, peer_gaps

NAN = float("nan")


def test_peer_gaps_measures_the_active_accounts_against_their_group():
    revenue = [10, 20, 30, 40, 50, 60, 5, 7, 100]
    peers = [1, 1, 1, 1, 1, 1, 1, 2, 2]
    active = [True] * 6 + [False, True, True]

    median, gap = peer_gaps(revenue, peers, active)

    np.testing.assert_array_equal(median, [35, 35, 35, 35, 35, 35, NAN, NAN, NAN])
    np.testing.assert_array_equal(gap, [25, 15, 5, 0, 0, 0, NAN, NAN, NAN])


@pytest.mark.parametrize("count", [0, 1])
def test_peer_gaps_of_few_is_unknown(count):
    median, gap = peer_gaps([5.0] * count, [1] * count, [True] * count)

    assert (len(median), bool(np.isnan(gap).all())) == (count, True)


@pytest.mark.parametrize(
    "arguments",
    [([1.0], [1, 2], [True]), ([NAN], [1], [True]), ([[1.0]], [[1]], [[True]])],
    ids=["shapes", "missing", "table"],
)
def test_peer_gaps_refuses_what_it_cannot_measure(arguments):
    with pytest.raises(FormulaError):
        peer_gaps(*arguments)
    with pytest.raises(FormulaError):
        peer_gaps([1.0], [1], [True], min_peers=0)


ROWS = st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 2), st.booleans()), max_size=30)


@settings(max_examples=500)
@given(ROWS)
def test_peer_gaps_agrees_with_the_slow_version(rows):
    revenue = [units / 10_000 for units, _group, _active in rows]
    groups = {g: [u / 10_000 for u, other, active in rows if active and other == g] for g in range(3)}

    median, gap = peer_gaps(revenue, [row[1] for row in rows], [row[2] for row in rows])

    for at, (_units, group, active) in enumerate(rows):
        if not active or len(groups[group]) < MIN_PEERS:
            assert np.isnan([median[at], gap[at]]).all()
            continue
        assert median[at] == pytest.approx(statistics.median(groups[group]), abs=1e-4)
        assert gap[at] == pytest.approx(max(median[at] - revenue[at], 0), abs=1e-4)
