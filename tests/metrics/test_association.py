"""Rules between products: the worked example, counting by hand, the corrected test, what is shown, refusals."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import hypergeom

from crm.lib.exceptions import FormulaError
from metrics.formulas.association import (
    adjusted_p_values,
    association_rules,
    fisher_p_value,
    is_rule_shown,
    ownership,
    rule_figures,
)

NAN = float("nan")
EXAMPLE = np.zeros((20, 2), dtype=bool)  # n = 20, n_A = 8, n_B = 6, n_AB = 4
EXAMPLE[:8, 0] = EXAMPLE[4:10, 1] = True
matrices = st.integers(1, 5).flatmap(
    lambda products: st.lists(st.lists(st.booleans(), min_size=products, max_size=products), min_size=1, max_size=25)
)
counts = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n)).flatmap(
        lambda ab: st.tuples(
            st.just(n), st.just(ab[0]), st.just(ab[1]), st.integers(max(0, ab[0] + ab[1] - n), min(ab))
        )
    )
)


def test_rule_gives_the_worked_example():
    rules = association_rules(EXAMPLE, min_joint=4)

    assert (rules.antecedent.tolist(), rules.consequent.tolist(), rules.joint.tolist()) == ([0, 1], [1, 0], [4, 4])
    assert rules.figures.support == pytest.approx([0.2, 0.2])
    assert rules.figures.confidence == pytest.approx([0.5, 4 / 6])
    assert rules.figures.lift == pytest.approx([1.666667] * 2, abs=5e-7)
    assert rules.figures.leverage == pytest.approx([0.08, 0.08])
    assert rules.p_value == pytest.approx([0.137255] * 2, abs=5e-7)
    assert (rules.is_shown.tolist(), rules.tested_pairs, rules.accounts) == ([False, False], 1, 20)
    assert len(association_rules(EXAMPLE).joint) == 0


def test_strong_rule_is_shown_in_both_directions_and_alone():
    owned = np.zeros((60, 4), dtype=bool)
    owned[:12, 0] = owned[:10, 1] = owned[30:, 2] = True
    owned[::2, 3] = True

    rules = association_rules(owned)

    pairs = zip(rules.antecedent[rules.is_shown].tolist(), rules.consequent[rules.is_shown].tolist(), strict=True)
    assert list(pairs) == [(0, 1), (1, 0)]
    assert rules.tested_pairs == 6


@pytest.mark.parametrize(
    ("joint", "lift", "p", "is_shown"),
    [(5, 1.1, 0.049, True), (4, 1.1, 0.049, False), (5, 1.0, 0.049, False), (5, 1.1, 0.05, False),
     (5, 1 + 1e-12, 0.01, False), (5, NAN, 0.01, False), (5, 1.1, NAN, False)],
    ids=["all-hold", "few", "no-lift", "at-significance", "float-noise", "lift-nan", "p-nan"],
)  # fmt: skip
def test_rule_is_shown_when_all_three_conditions_hold(joint, lift, p, is_shown):
    assert is_rule_shown([joint], lift=[lift], adjusted_p_value=[p]).tolist() == [is_shown]


def slow_p(n, n_a, n_b, n_ab):
    """The definition in whole numbers."""
    ways = sum(comb(n_a, k) * comb(n - n_a, n_b - k) for k in range(n_ab, min(n_a, n_b) + 1))
    return float(Fraction(ways, comb(n, n_b)))


def slow_adjusted(p_values):
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, least = [1.0] * len(p_values), 1.0
    for rank in range(len(order), 0, -1):
        least = min(least, p_values[order[rank - 1]] * len(order) / rank)
        adjusted[order[rank - 1]] = least
    return adjusted


@given(counts)
@settings(max_examples=500, deadline=None)
def test_fisher_p_value_equals_the_count_of_ways_and_scipy(count):
    n, n_a, n_b, n_ab = count

    p = fisher_p_value([n_ab], [n_a], [n_b], accounts=n)

    assert p == pytest.approx([slow_p(n, n_a, n_b, n_ab)], rel=1e-9)
    assert p == pytest.approx([hypergeom.sf(n_ab - 1, n, n_a, n_b)], rel=1e-9)
    assert p == pytest.approx(fisher_p_value([n_ab], [n_b], [n_a], accounts=n), rel=1e-9)
    assert 0 <= p[0] <= 1


def test_fisher_p_value_of_many_accounts_keeps_its_digits_in_the_tails():
    n, n_a, n_b = 20_000, np.array([3_000, 3_000, 3_000, 40, 5]), np.array([2_000, 2_000, 2_000, 30, 5])
    n_ab = np.array([400, 300, 1, 12, 5])

    p = fisher_p_value(n_ab, n_a, n_b, accounts=n)

    assert p == pytest.approx([slow_p(n, int(a), int(b), int(ab)) for a, b, ab in zip(n_a, n_b, n_ab, strict=True)])
    assert p[4] < 1e-17


@given(matrices, st.integers(1, 4))
@settings(max_examples=500, deadline=None)
def test_rules_equal_counting_by_hand(rows, min_joint):
    rules = association_rules(rows, min_joint=min_joint)

    n, owners = len(rows), [{i for i, row in enumerate(rows) if row[j]} for j in range(len(rows[0]))]
    candidates = [j for j, own in enumerate(owners) if len(own) >= min_joint]
    pairs = [(a, b) for a in candidates for b in candidates if a < b]
    p = [slow_p(n, len(owners[a]), len(owners[b]), len(owners[a] & owners[b])) for a, b in pairs]
    expected = []
    for (a, b), adjusted in zip(pairs, slow_adjusted(p), strict=True):
        both = len(owners[a] & owners[b])
        if both >= min_joint:
            expected += [(a, b, both, adjusted), (b, a, both, adjusted)]
    expected.sort()
    assert rules.tested_pairs == len(pairs)
    found = zip(rules.antecedent.tolist(), rules.consequent.tolist(), rules.joint.tolist(), strict=True)
    assert list(found) == [row[:3] for row in expected]
    assert rules.adjusted_p_value == pytest.approx([row[3] for row in expected], rel=1e-9)
    for place, (a, b, both, _) in enumerate(expected):
        n_a, n_b, figures = len(owners[a]), len(owners[b]), rules.figures
        assert figures.support[place] == pytest.approx(both / n)
        assert figures.confidence[place] == pytest.approx(both / n_a)
        assert figures.lift[place] == pytest.approx((both / n_a) / (n_b / n))
        assert figures.leverage[place] == pytest.approx(both / n - n_a / n * n_b / n, abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(0, 30))
@settings(max_examples=500, deadline=None)
def test_correction_over_unlisted_tests_equals_listing_them(p_values, unlisted):
    adjusted = adjusted_p_values(p_values, tests=len(p_values) + unlisted)

    assert adjusted == pytest.approx(slow_adjusted([*p_values, *[1.0] * unlisted])[: len(p_values)], rel=1e-9)
    assert (adjusted >= np.array(p_values) * (1 - 1e-12)).all()


@given(counts)
@settings(max_examples=500, deadline=None)
def test_lift_leverage_and_confidence_agree_about_chance(count):
    n, n_a, n_b, n_ab = count
    figures = rule_figures([n_ab], [n_a], [n_b], accounts=n)

    assert np.isnan(figures.confidence[0]) == (n_a == 0)
    assert np.isnan(figures.lift[0]) == (n_a * n_b == 0)
    assert np.sign(figures.leverage[0]) == np.sign(n * n_ab - n_a * n_b)
    if n_a * n_b:
        assert np.sign(round(figures.lift[0] - 1, 9)) == np.sign(n * n_ab - n_a * n_b)
        assert 0 <= figures.support[0] <= figures.confidence[0] <= 1


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=30))
@settings(max_examples=500, deadline=None)
def test_ownership_counts_repeats_once(pairs):
    matrix = ownership([a for a, _ in pairs], [p for _, p in pairs], accounts=7, products=4)

    by_hand = np.zeros((7, 4), dtype=bool)
    for account, product in pairs:
        by_hand[account, product] = True
    assert matrix.toarray().tolist() == by_hand.tolist()


def test_rules_of_a_sparse_matrix_with_stored_zeros_are_the_same():
    sparse = csr_array(EXAMPLE.astype(float))
    sparse.data[0] = 0.0  # account 0 no longer owns A

    assert association_rules(sparse, min_joint=1).figures.confidence == pytest.approx([4 / 7, 4 / 6])


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (3, 1)])
def test_nothing_to_count_gives_no_rules(shape):
    rules = association_rules(np.ones(shape, dtype=bool))

    assert (len(rules.joint), rules.tested_pairs, len(rules.is_shown)) == (0, 0, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: association_rules([[0.5, 1]]),
        lambda: association_rules([[2, 1]]),
        lambda: association_rules([[NAN, 1]]),
        lambda: association_rules([True, False]),
        lambda: association_rules(EXAMPLE, min_joint=0),
        lambda: rule_figures([3], [2], [5], accounts=10),
        lambda: rule_figures([0], [6], [5], accounts=10),
        lambda: rule_figures([1], [11], [5], accounts=10),
        lambda: rule_figures([1.5], [2], [5], accounts=10),
        lambda: rule_figures([NAN], [2], [5], accounts=10),
        lambda: fisher_p_value([-1], [2], [5], accounts=10),
        lambda: fisher_p_value([1, 2], [2], [5], accounts=10),
        lambda: adjusted_p_values([0.5, 1.5], tests=2),
        lambda: adjusted_p_values([0.5, NAN], tests=2),
        lambda: adjusted_p_values([0.5, 0.5], tests=1),
        lambda: ownership([0], [5], accounts=2, products=5),
        lambda: ownership([-1], [0], accounts=2, products=5),
        lambda: ownership([0, 1], [0], accounts=2, products=5),
    ],
    ids=["half", "two", "nan", "one-row", "min-joint", "joint-above-a", "joint-too-few", "owners-above-n", "not-whole",
         "count-nan", "negative", "shapes", "p-above-1", "p-nan", "tests", "product", "account", "lengths"],
)  # fmt: skip
def test_rules_outside_their_domain_are_refused(call):
    with pytest.raises(FormulaError):
        call()
