"""Suggestions: the worked example, sets by hand, never an owned product, hit rate against popularity, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas import similarity as module
from metrics.formulas.similarity import (
    NO_PRODUCT,
    Similarity,
    hit_rates,
    popular_products,
    product_similarity,
    similarity_value,
    suggestions,
)

NAN = float("nan")
EXAMPLE = np.zeros((20, 2), dtype=bool)  # n = 20, n_A = 8, n_B = 6, n_AB = 4
EXAMPLE[:8, 0] = EXAMPLE[4:10, 1] = True


def tables(count):
    """``count`` boolean tables of one shape."""
    return st.tuples(st.integers(1, 12), st.integers(1, 6)).flatmap(
        lambda shape: st.tuples(
            *[
                st.lists(
                    st.lists(st.booleans(), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
                )
                for _ in range(count)
            ]
        )
    )


@pytest.mark.parametrize(
    ("kind", "shrinkage", "expected"),
    [(Similarity.COSINE, 0, 0.577350), (Similarity.JACCARD, 0, 0.4), (Similarity.COSINE, 5, 0.256600)],
    ids=["cosine", "jaccard", "shrunk"],
)
def test_similarity_gives_the_worked_example(kind, shrinkage, expected):
    assert similarity_value([4], [8], [6], kind=kind, shrinkage=shrinkage) == pytest.approx([expected], abs=5e-7)
    matrix = product_similarity(EXAMPLE, kind=kind, shrinkage=shrinkage).toarray()
    assert matrix == pytest.approx(np.array([[0, expected], [expected, 0]]), abs=5e-7)


def slow_similarity(rows, kind):
    owners = [{i for i, row in enumerate(rows) if row[j]} for j in range(len(rows[0]))]
    value = {}
    for a, own_a in enumerate(owners):
        for b, own_b in enumerate(owners):
            both = len(own_a & own_b)
            if a != b and both:
                whole = math.sqrt(len(own_a) * len(own_b)) if kind is Similarity.COSINE else len(own_a | own_b)
                value[a, b] = both / whole * both / (both + 5)
    return value


def slow_best(scores, barred, top):
    ranked = sorted((-round(score, 9), j) for j, score in enumerate(scores) if not barred[j] and round(score, 9) > 0)
    return [(j, -score) for score, j in ranked[:top]]


@given(tables(2), st.sampled_from(list(Similarity)), st.integers(1, 4))
@settings(max_examples=500, deadline=None)
def test_suggestions_equal_sets_by_hand_and_are_never_owned_or_excluded(pair, kind, top):
    rows, excluded = pair
    sim = slow_similarity(rows, kind)

    found = suggestions(rows, product_similarity(rows, kind=kind), excluded=excluded, top=top)

    for account, row in enumerate(rows):
        own = [j for j, is_owned in enumerate(row) if is_owned]
        scores = [sum(sim.get((i, j), 0) for i in own) / math.sqrt(len(own) or 1) for j in range(len(row))]
        best = slow_best(scores, [a or b for a, b in zip(row, excluded[account], strict=True)], top)
        padding = [NO_PRODUCT] * (top - len(best))
        assert found.product[account].tolist() == [j for j, _ in best] + padding
        assert found.score[account] == pytest.approx([s for _, s in best] + [NAN] * len(padding), nan_ok=True)
        for place, (j, _) in enumerate(best):
            reason = int(found.because_of[account, place])
            assert reason in own
            assert sim[reason, j] == pytest.approx(max(sim.get((i, j), 0) for i in own))
        assert found.because_of[account, len(best) :].tolist() == padding


@given(tables(2), st.integers(1, 4))
@settings(max_examples=500, deadline=None)
def test_popular_products_are_the_most_owned_ones_the_account_lacks(pair, top):
    rows, excluded = pair

    found = popular_products(rows, excluded=excluded, top=top)

    owners = [sum(row[j] for row in rows) for j in range(len(rows[0]))]
    for account, row in enumerate(rows):
        best = slow_best(owners, [a or b for a, b in zip(row, excluded[account], strict=True)], top)
        assert found[account].tolist() == [j for j, _ in best] + [NO_PRODUCT] * (top - len(best))


@given(tables(3), st.integers(1, 3))
@settings(max_examples=500, deadline=None)
def test_hit_rates_equal_counting_hits_by_hand(triple, top):
    before, after, excluded = triple
    found = hit_rates(before, after, excluded=excluded, top=top)

    model = suggestions(before, product_similarity(before), excluded=excluded, top=top).product
    popular = popular_products(before, excluded=excluded, top=top)
    hits, judged = [0, 0], 0
    for account, (old, later) in enumerate(zip(before, after, strict=True)):
        new = {j for j, (was, is_now) in enumerate(zip(old, later, strict=True)) if is_now and not was}
        if any(old) and new:
            judged += 1
            hits[0] += bool(new & set(model[account].tolist()))
            hits[1] += bool(new & set(popular[account].tolist()))
    assert (found.accounts, found.top) == (judged, top)
    expected = [hit / judged if judged else NAN for hit in hits]
    assert [found.model, found.popularity] == pytest.approx(expected, nan_ok=True)
    assert found.is_better == (judged > 0 and hits[0] > hits[1])


def test_suggestions_beat_popularity_where_products_go_together():
    rng = np.random.default_rng(8)
    taste = rng.integers(0, 2, 400)
    likes = np.repeat([[0.6] * 4 + [0.05] * 4, [0.05] * 4 + [0.6] * 4], [1, 1], axis=0)[taste]
    before = rng.random((400, 8)) < likes
    after = rng.random((400, 8)) < likes / 2

    found = hit_rates(before, after, top=3)

    assert found.is_better
    assert found.model > found.popularity + 0.1


def test_suggestions_in_blocks_are_the_suggestions_at_once(monkeypatch):
    owned = np.random.default_rng(3).random((50, 7)) < 0.4
    sim = product_similarity(owned)
    at_once = suggestions(owned, sim)
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 20)
    monkeypatch.setattr(module, "_SUGGESTIONS_AT_ONCE", 3)

    in_blocks = suggestions(owned, sim)

    np.testing.assert_array_equal(at_once.product, in_blocks.product)
    np.testing.assert_array_equal(at_once.score, in_blocks.score)
    np.testing.assert_array_equal(at_once.because_of, in_blocks.because_of)


@given(tables(1), st.sampled_from(list(Similarity)))
@settings(max_examples=500, deadline=None)
def test_similarity_is_symmetric_without_itself_and_within_bounds(single, kind):
    plain = product_similarity(single[0], kind=kind, shrinkage=0).toarray()
    shrunk = product_similarity(single[0], kind=kind).toarray()

    assert (plain == plain.T).all()
    assert (plain.diagonal() == 0).all()
    assert ((shrunk >= 0) & (shrunk <= plain)).all()
    assert (plain <= 1 + 1e-12).all()


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_suggest_gives_empty_suggestions(shape):
    owned = np.zeros(shape, dtype=bool)

    found = suggestions(owned, product_similarity(owned))

    assert (found.product == NO_PRODUCT).all()
    assert found.product.shape == (shape[0], 3)
    assert not hit_rates(owned, owned).is_better


@pytest.mark.parametrize(
    "call",
    [
        lambda: similarity_value([5], [4], [6], kind=Similarity.COSINE),
        lambda: similarity_value([-1], [4], [6], kind=Similarity.COSINE),
        lambda: similarity_value([NAN], [4], [6], kind=Similarity.COSINE),
        lambda: similarity_value([1], [4, 5], [6], kind=Similarity.COSINE),
        lambda: similarity_value([1], [4], [6], kind=Similarity.COSINE, shrinkage=-1),
        lambda: similarity_value([1], [4], [6], kind=Similarity.COSINE, shrinkage=NAN),
        lambda: product_similarity([[2]]),
        lambda: suggestions(EXAMPLE, np.zeros((3, 3))),
        lambda: suggestions(EXAMPLE, np.full((2, 2), -1.0)),
        lambda: suggestions(EXAMPLE, np.full((2, 2), NAN)),
        lambda: suggestions(EXAMPLE, np.zeros((2, 2)), top=0),
        lambda: suggestions(EXAMPLE, np.zeros((2, 2)), excluded=np.zeros((3, 2))),
        lambda: popular_products(EXAMPLE, top=0),
        lambda: hit_rates(EXAMPLE, EXAMPLE[:, :1]),
    ],
    ids=["joint-above", "joint-below-0", "joint-nan", "shapes", "shrinkage", "shrinkage-nan", "not-boolean", "products",
         "negative", "similarity-nan", "top", "excluded", "popular-top", "split"],
)  # fmt: skip
def test_suggestions_outside_their_domain_are_refused(call):
    with pytest.raises(FormulaError):
        call()
