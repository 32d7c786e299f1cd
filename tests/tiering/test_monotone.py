"""More of what is good never costs points: domain.md section 9, on a thousand models drawn at random.

Raw revenue is the exception the domain names: it also shrinks the wallet left and the pipeline's share of it.
"""

import numpy as np

from tiering.enums import DimensionCode
from tiering.scoring import IndicatorScale, Scheme, compose

MODELS, ACCOUNTS = 1000, 20
MOST_INSIDE = 5


def random_scheme(rng) -> Scheme:
    """Four dimensions of 1 to 5 indicators with random weights, rising scales with level parts and doubled values."""
    weights = rng.dirichlet(np.ones(4))
    indicators = []
    for dimension in DimensionCode.values:
        count = int(rng.integers(1, MOST_INSIDE + 1))
        for place, weight in enumerate(rng.dirichlet(np.ones(count))):
            anchors = int(rng.integers(2, 7))
            values = np.sort(rng.integers(-5, 20, anchors).astype(float))
            scores = np.sort(rng.integers(0, 101, anchors).astype(float))
            indicators.append(
                IndicatorScale(f"{dimension}{place}", dimension, float(weight), tuple(zip(values, scores, strict=True)))
            )
    return Scheme(
        dimensions=dict(zip(DimensionCode.values, weights.tolist(), strict=True)),
        indicators=tuple(indicators),
        min_dimension_evidence=float(rng.uniform(0, 1)),
        min_valid_weight=float(rng.uniform(0, 1)),
    )


def test_raising_one_known_indicator_never_lowers_the_composite():
    rng = np.random.default_rng(20260101)
    compared = 0
    for _ in range(MODELS):
        scheme = random_scheme(rng)
        raw = rng.uniform(-8, 25, (len(scheme.indicators), ACCOUNTS))
        raw[rng.random(raw.shape) < 0.3] = np.nan
        place = int(rng.integers(len(scheme.indicators)))
        raised = raw.copy()
        raised[place] += rng.exponential(5, ACCOUNTS)  # what is not known stays unknown

        before, after = compose(raw, scheme=scheme).composite, compose(raised, scheme=scheme).composite

        assert np.array_equal(np.isnan(before), np.isnan(after))
        known = ~np.isnan(before)
        assert (after[known] >= before[known] - 1e-9).all()
        compared += int((known & ~np.isnan(raw[place])).sum())
    assert compared > MODELS
