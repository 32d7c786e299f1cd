"""Weights: EX-15, power iteration and plain loops beside them, consistency, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from tiering.weights import blended_weights, entropy_weights, joint_judgements, judged_weights, percentages

AGREEING = [[1, 2, 2, 3], [1 / 2, 1, 1, 2], [1 / 2, 1, 1, 2], [1 / 3, 1 / 2, 1 / 2, 1]]
CONTRADICTING = [[1, 3, 1 / 5], [1 / 3, 1, 4], [5, 1 / 4, 1]]
SPREAD = np.transpose([(80, 82, 78, 80), (50, 50, 50, 50), (10, 40, 90, 60)])
WITH_ZERO = np.transpose([(0, 50, 100, 50), (20, 30, 40, 30)])


def test_example_15_judgements_give_weights_and_agree():
    found = judged_weights(AGREEING)

    assert found.weights == pytest.approx([0.423587, 0.227044, 0.227044, 0.122324], abs=5e-7)
    assert found.largest_eigenvalue == pytest.approx(4.010363, abs=5e-7)
    assert found.consistency_ratio == pytest.approx(0.003838, abs=5e-7)
    assert found.is_consistent


def test_example_15_judgements_that_contradict_are_not_consistent():
    found = judged_weights(CONTRADICTING)

    assert found.largest_eigenvalue == pytest.approx(5.170304, abs=5e-7)
    assert found.consistency_ratio == pytest.approx(1.87095, abs=5e-6)
    assert not found.is_consistent


def test_example_15_entropy_gives_weights():
    assert entropy_weights(SPREAD).weights == pytest.approx([0.000804, 0, 0.999196], abs=5e-7)
    found = entropy_weights(WITH_ZERO)
    assert found.entropy == pytest.approx([0.75, 0.979574], abs=5e-7)
    assert found.weights == pytest.approx([0.924467, 0.075533], abs=5e-7)


def test_judgement_that_deviates_most_is_named():
    one_off = np.array(AGREEING, dtype=np.float64)
    one_off[0, 3], one_off[3, 0] = 9, 1 / 9

    assert judged_weights(one_off).worst == (0, 3)


@pytest.mark.parametrize(("matrix", "weights"), [([[1]], [1]), ([[1, 4], [1 / 4, 1]], [0.8, 0.2])], ids=["one", "two"])
def test_one_or_two_indicators_cannot_disagree(matrix, weights):
    found = judged_weights(matrix)

    assert found.weights == pytest.approx(weights, rel=1e-12)
    assert (found.consistency_ratio, found.worst, found.is_consistent) == (0, None, True)


def test_several_judges_are_joined_by_their_geometric_mean():
    joined = joint_judgements([[[1, 4], [1 / 4, 1]], [[1, 9], [1 / 9, 1]]])

    assert joined == pytest.approx(np.array([[1, 6], [1 / 6, 1]]), rel=1e-12)


def test_indicators_that_are_the_same_for_all_share_the_weight_equally():
    found = entropy_weights([[3, 0.1, 7], [3, 0.1, 7], [3, 0.1, 7]])

    assert found.weights.tolist() == [1 / 3] * 3
    assert found.entropy.tolist() == [1, 1, 1]


def test_blend_keeps_the_manual_weights_in_front():
    assert blended_weights([0.6, 0.4], [0.1, 0.9], manual_share=0.8) == pytest.approx([0.5, 0.5], rel=1e-12)
    assert blended_weights([0.6, 0.4], [0.1, 0.9], manual_share=1).tolist() == [0.6, 0.4]


@pytest.mark.parametrize(
    "matrix",
    [
        [],
        [[1, 2]],
        [[1, 2], [1, 1]],
        [[2, 1], [1, 1 / 2]],
        [[1, 10], [1 / 10, 1]],
        [[1, -2], [-1 / 2, 1]],
        [[1, float("nan")], [1, 1]],
        np.ones((11, 11)),
    ],
    ids=["nothing", "shape", "one_sided", "itself", "beyond_9", "negative", "missing", "eleven"],
)
def test_what_is_no_matrix_of_judgements_is_refused(matrix):
    with pytest.raises(FormulaError):
        judged_weights(matrix)


@pytest.mark.parametrize("matrices", [[], [AGREEING, CONTRADICTING]], ids=["nobody", "sizes"])
def test_judges_of_different_indicators_are_refused(matrices):
    with pytest.raises(FormulaError):
        joint_judgements(matrices)


@pytest.mark.parametrize(
    "values",
    [[[1, 2]], [[1], [-1]], [[0, 1], [0, 2]], [[1], [float("nan")]], [[], []], [1, 2]],
    ids=["one_account", "negative", "all_zero", "missing", "no_indicator", "column"],
)
def test_entropy_refuses_what_has_none(values):
    with pytest.raises(FormulaError):
        entropy_weights(values)


@pytest.mark.parametrize(
    ("manual", "advised", "share"),
    [([0.5, 0.5], [1], 0.6), ([0.5, 0.6], [0.5, 0.5], 0.6), ([1.5, -0.5], [0.5, 0.5], 0.6),
     ([0.5, 0.5], [0.5, 0.5], 0.49), ([0.5, 0.5], [0.5, 0.5], 1.1), ([0.5, 0.5], [0.5, 0.5], float("nan"))],
)  # fmt: skip
def test_blend_refuses_weights_that_are_none_and_a_share_out_of_range(manual, advised, share):
    with pytest.raises(FormulaError):
        blended_weights(manual, advised, manual_share=share)


SCALE = st.sampled_from([value for n in range(1, 10) for value in (n, 1 / n)])


@st.composite
def judgements(draw):
    n = draw(st.integers(1, 10))
    a = np.ones((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            a[i, j] = draw(SCALE)
            a[j, i] = 1 / a[i, j]
    return a


@settings(max_examples=500, deadline=None)
@given(judgements())
def test_judged_weights_add_up_to_one_and_equal_power_iteration(matrix):
    found = judged_weights(matrix)

    w = np.ones(len(matrix)) / len(matrix)
    for _step in range(2_000):
        w = matrix @ w
        w = w / w.sum()
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (found.weights > 0).all()
    assert found.weights == pytest.approx(w, abs=1e-7)
    assert found.largest_eigenvalue == pytest.approx((matrix @ w).sum(), rel=1e-7)
    assert found.consistency_ratio >= 0


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=10))
def test_judgements_taken_from_weights_give_them_back(sizes):
    w = np.array(sizes, dtype=np.float64) / sum(sizes)

    found = judged_weights(w[:, None] / w[None, :])

    assert found.weights == pytest.approx(w, rel=1e-9)
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 5).flatmap(lambda k: st.lists(st.lists(st.integers(0, 1000), min_size=k, max_size=k), min_size=2, max_size=12)))  # fmt: skip
def test_entropy_weights_add_up_to_one_and_equal_plain_loops(rows):
    columns = list(zip(*rows, strict=True))
    if not all(any(column) for column in columns):
        return
    found = entropy_weights(rows)

    entropies = []
    for column in columns:
        shares = [value / sum(column) for value in column]
        entropies.append(-sum(p * math.log(p) for p in shares if p) / math.log(len(rows)))
    spread = [1 - e for e in entropies]
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (found.weights >= 0).all()
    assert found.entropy == pytest.approx(entropies, abs=1e-9)
    if sum(spread) > 1e-6:
        assert found.weights == pytest.approx([one / sum(spread) for one in spread], abs=1e-6)


# --- Percent that sum to 100 ---


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 1, 1], ["33.34", "33.33", "33.33"]),
        ([0.423587, 0.227044, 0.227044, 0.122324], ["42.36", "22.71", "22.70", "12.23"]),
        ([1, 1, 1, 1, 1, 1, 1], ["14.29", "14.29", "14.29", "14.29", "14.28", "14.28", "14.28"]),
        ([0, 5], ["0.00", "100.00"]),
        ([0.07, 0.93], ["7.00", "93.00"]),
    ],
)
def test_percentages_sum_to_100_by_the_largest_remainder(weights, expected):
    found = percentages(weights)

    assert [f"{one:.2f}" for one in found] == expected
    assert sum(found) == 100


@pytest.mark.parametrize("weights", [[], [0, 0], [-1, 2], [math.nan, 1]])
def test_percentages_of_what_are_no_weights_are_refused(weights):
    with pytest.raises(FormulaError):
        percentages(weights)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=10).filter(lambda weights: sum(weights) > 0))
def test_percentages_always_sum_to_exactly_100_and_stay_near(weights):
    found = percentages(weights)

    assert sum(found) == 100
    assert all(abs(float(one) - 100 * w / sum(weights)) < 0.0101 for one, w in zip(found, weights, strict=True))
