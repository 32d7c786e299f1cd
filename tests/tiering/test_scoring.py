"""Scores and composite: published example, an independent slow version, refusals and invariants."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from tests.tiering.slow import compose_slowly
from tiering.presets import full, ledger_only
from tiering.scoring import anchored, check_anchors, compose, is_falling

FULL = full().scheme()
NAN = float("nan")
# EX-16: values in the currency itself, shares as fractions.
EX_16 = {
    "S1": 12.5e6, "S2": 3.75e6, "S3": 0.30,
    "V1": 4, "V2": 3.5, "V3": 3,
    "P1": 0.1, "P2": 12.5e6, "P3": 4, "P4": NAN,
    "L1": 4, "L2": 11, "L3": 0.5, "L4": 0.9, "L5": NAN,
}  # fmt: skip


def column(values: dict[str, float]) -> np.ndarray:
    return np.array([[values[code]] for code in FULL.codes], dtype=np.float64)


def test_anchored_gives_the_published_score_of_s1():
    s1 = next(spec for spec in FULL.indicators if spec.code == "S1")

    assert anchored([12.5e6], anchors=s1.anchors).tolist() == [62.5]


def test_anchored_is_flat_outside_and_keeps_missing():
    got = anchored([-5, 0, 5, 10, 99, NAN], anchors=[(0, 10), (10, 90)])

    assert got[:5].tolist() == [10, 10, 50, 90, 90]
    assert math.isnan(got[5])


@pytest.mark.parametrize(
    ("anchors", "at", "expected"),
    [
        ([(0, 0), (5, 20), (5, 60), (10, 100)], [4.999999, 5, 7.5], [20, 60, 80]),
        ([(1, 100), (2, 60), (2, 30), (5, 0)], [1, 2, 2.000001, 5], [100, 60, 30, 0]),
        ([(0, 100), (1, 100), (1, 50)], [1, 1.5], [100, 50]),
        ([(3, 0), (3, 100)], [2, 3, 4], [0, 100, 100]),
    ],
)
def test_anchored_takes_the_highest_score_at_equal_values(anchors, at, expected):
    assert anchored(at, anchors=anchors) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "anchors",
    [[], [(0, 0)], [(0, 0), (1, 101)], [(0, -1), (1, 5)], [(0, 0), (1, NAN)], [(0, 0), (1, 50), (2, 40), (3, 60)]],
)
def test_check_anchors_refuses_what_is_no_scale(anchors):
    with pytest.raises(FormulaError):
        check_anchors(anchors)


def test_compose_gives_the_published_example():
    got = compose(column(EX_16), scheme=FULL)

    assert got.scores[:, 0] == pytest.approx(
        [62.5, 62.5, 70, 75, 62.5, 50, 55, 75, 75, NAN, 70, 93.3333, 75, 80, NAN], abs=1e-4, nan_ok=True
    )
    scores = {code: values[0] for code, values in got.dimension_scores.items()}
    assert scores == pytest.approx({"SAL": 64, "STR": 64.375, "GRO": 66.764706, "LOY": 80.098039}, abs=1e-6)
    assert {code: round(values[0], 9) for code, values in got.dimension_evidence.items()} == {
        "SAL": 1, "STR": 1, "GRO": 0.85, "LOY": 0.85,
    }  # fmt: skip
    assert got.composite[0] == pytest.approx(67.061397, abs=1e-6)
    assert got.evidence[0] == pytest.approx(0.9475, abs=1e-12)


@pytest.mark.parametrize(
    ("missing", "has_composite"),
    [
        ((), True),
        (("S2", "S3"), True),  # half of SAL is enough
        (("S1",), True),
        (("S1", "S2"), False),  # 20 % of SAL is not
        (("V1", "V2", "V3", "P1", "P2"), False),  # SAL and LOY alone are 55 % of the weight
        (("V1", "V2", "V3"), True),  # 75 %
    ],
)
def test_compose_needs_sales_and_seventy_percent_of_the_weight(missing, has_composite):
    got = compose(column(EX_16 | dict.fromkeys(missing, NAN)), scheme=FULL)

    assert bool(np.isnan(got.composite[0])) is not has_composite
    assert bool(np.isnan(got.contributions).all()) is not has_composite


def test_compose_refuses_a_matrix_of_another_model():
    with pytest.raises(FormulaError):
        compose(np.zeros((2, 1)), scheme=FULL)


values = st.one_of(st.just(NAN), st.floats(-3, 1.5e8, allow_nan=False))
matrices = st.lists(st.lists(values, min_size=15, max_size=15), min_size=1, max_size=4)


@settings(max_examples=500, deadline=None)
@given(matrices)
def test_compose_equals_the_slow_version_account_by_account(rows):
    raw = np.array(rows, dtype=np.float64).T

    got = compose(raw, scheme=FULL)

    for position, row in enumerate(rows):
        composite, evidence, contributions, dimensions = compose_slowly(dict(zip(FULL.codes, row, strict=True)), FULL)
        assert got.composite[position] == pytest.approx(composite, abs=1e-9, nan_ok=True)
        assert got.evidence[position] == pytest.approx(evidence, abs=1e-12)
        assert got.contributions[:, position] == pytest.approx(contributions, abs=1e-9, nan_ok=True)
        for code, (score, share) in dimensions.items():
            assert got.dimension_scores[code][position] == pytest.approx(score, abs=1e-9, nan_ok=True)
            assert got.dimension_evidence[code][position] == pytest.approx(share, abs=1e-12)


@settings(max_examples=500, deadline=None)
@given(matrices)
def test_contributions_add_up_to_the_composite_to_the_last_bit(rows):
    got = compose(np.array(rows, dtype=np.float64).T, scheme=FULL)

    for position in np.flatnonzero(~np.isnan(got.composite)):
        parts = [part for part in got.contributions[:, position].tolist() if not math.isnan(part)]
        assert sum(parts) == got.composite[position]
        assert -1e-9 <= got.composite[position] <= 100 + 1e-9


@settings(max_examples=500, deadline=None)
@given(matrices, st.integers(0, 14), st.floats(0, 1e8))
def test_raising_one_known_indicator_never_lowers_the_composite(rows, position, step):
    assert not any(is_falling(spec.anchors) for spec in FULL.indicators)
    raw = np.array(rows, dtype=np.float64).T
    raised = raw.copy()
    raised[position] += step

    before, after = compose(raw, scheme=FULL).composite, compose(raised, scheme=FULL).composite

    assert np.array_equal(np.isnan(before), np.isnan(after))
    assert (after[~np.isnan(after)] >= before[~np.isnan(before)] - 1e-9).all()


@settings(max_examples=500, deadline=None)
@given(matrices)
def test_an_account_scores_the_same_alone_and_in_company(rows):
    raw = np.array(rows, dtype=np.float64).T

    together, alone = compose(raw, scheme=FULL), compose(raw[:, :1], scheme=FULL)

    assert np.array_equal(together.composite[:1], alone.composite, equal_nan=True)
    assert np.array_equal(together.contributions[:, :1], alone.contributions, equal_nan=True)


def test_a_dimension_without_weight_is_scored_but_does_not_contribute():
    revenue = np.array([100.0, 200.0, 300.0])
    scheme = ledger_only(ttm_revenue=revenue, year_revenue=revenue).scheme()
    raw = np.full((len(scheme.indicators), 1), NAN)
    for code, value in {"S1": 200, "V1": 5, "V2": 5, "V3": 5, "L1": 5, "L2": 12}.items():
        raw[scheme.codes.index(code)] = value

    got = compose(raw, scheme=scheme)

    assert got.dimension_scores["STR"].tolist() == [100]
    assert got.contributions[[scheme.codes.index(code) for code in ("V1", "V2", "V3")], 0].tolist() == [0, 0, 0]
    assert got.evidence[0] == pytest.approx(0.6875)  # SAL 50 % and three quarters of LOY
    assert got.composite[0] == pytest.approx((0.5 * 20 + 0.25 * (80 * 25 + 100 * 50) / 75) / 0.75)
