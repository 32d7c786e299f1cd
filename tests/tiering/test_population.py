"""Counting scores by part, and the population stability index."""

import math

import numpy as np
import pytest

from crm.lib.exceptions import FormulaError
from tiering.population import counted, stability_index


def test_known_scores_are_counted_by_ten_points():
    scores = np.array([0, 9.99, 10, 55, 99.9, 100, np.nan])

    assert counted(scores).tolist() == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert counted(np.array([])).tolist() == [0] * 10


def test_index_of_a_worked_example():
    # Shares 0.6 and 0.4 against 0.4 and 0.6: 2 · 0.2 · ln 1.5.
    assert stability_index([60, 40], [40, 60]) == pytest.approx(0.4 * math.log(1.5))
    assert stability_index([60, 40, 0], [6, 4, 0]) == pytest.approx(0)


def test_index_is_zero_for_the_same_and_the_same_both_ways():
    rng = np.random.default_rng(3)
    for _ in range(50):
        first, last = (
            rng.integers(0, 50, 11) + np.eye(11, dtype=int)[0],
            rng.integers(0, 50, 11) + np.eye(11, dtype=int)[5],
        )
        assert stability_index(first, first) == 0
        assert stability_index(first, last) >= 0
        assert stability_index(first, last) == pytest.approx(stability_index(last, first))


def test_an_emptied_part_gives_a_finite_index():
    assert 0.25 < stability_index([50, 50], [100, 0]) < 10


@pytest.mark.parametrize(("start", "now"), [([], []), ([1, 2], [1]), ([0, 0], [1, 1]), ([1, -1], [1, 1])])
def test_what_cannot_be_compared_is_refused(start, now):
    with pytest.raises(FormulaError):
        stability_index(start, now)
