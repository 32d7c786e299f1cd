"""What a line lacks or may lose: each move puts its condition on the threshold, and a little less does not."""

import math

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from tests.tiering.worked_example import INPUT, RAW
from tiering import grading, scoring
from tiering.grading import DIAMOND, GOLD, POTENTIAL, STRATEGIC, Rules
from tiering.nearest import Need, inverse, needs_of, single_gain, single_loss
from tiering.presets import full
from tiering.scoring import IndicatorScale, Scheme

CASES = 600
FULL = full()
NAN = float("nan")
scores = st.floats(0, 100).map(lambda score: round(score, 3))


@st.composite
def scales(draw) -> tuple[tuple[float, float], ...]:
    """Rising or falling, with flat pieces and jumps."""
    values = sorted(draw(st.lists(st.integers(-50, 50), min_size=2, max_size=5)))
    reached = sorted(draw(st.lists(st.integers(0, 100), min_size=len(values), max_size=len(values))))
    falls = draw(st.booleans())
    return tuple(zip(map(float, values), map(float, reached[::-1] if falls else reached), strict=True))


@st.composite
def accounts(draw) -> tuple[Scheme, np.ndarray]:
    """A scheme of three dimensions and one account's raw values, some of them missing."""
    specs, dimensions = [], {"SAL": 0.5, "STR": 0.3, "GRO": 0.2}
    for code in dimensions:
        weights = draw(st.sampled_from([(1.0,), (0.6, 0.4), (0.5, 0.3, 0.2)]))
        specs += [
            IndicatorScale(f"{code}{place}", code, weight, draw(scales())) for place, weight in enumerate(weights)
        ]
    one = st.integers(0, 7).flatmap(lambda number: st.floats(-60, 60).map(lambda v: round(v, 2) if number else NAN))
    return Scheme(dimensions, tuple(specs)), np.array([draw(one) for _ in specs])


def held_of(raw, scheme, *, grade, thresholds, relaxed=False, **inputs):
    """The needs of one line for an account whose scores are those of its raw values."""
    composed = scoring.compose(np.asarray(raw, dtype=float)[:, None], scheme=scheme)
    values = {name: np.array([float(value)]) for name, value in (INPUT | inputs).items()}
    for code in ("SAL", "STR", "GRO"):
        values[code.lower()] = composed.dimension_scores[code]
    values["composite"] = composed.composite
    tests = grading.tested_conditions(grade, values, rules=Rules(thresholds=thresholds), relaxed=relaxed)
    return needs_of(tests, raw=np.asarray(raw, dtype=float), scheme=scheme, relaxed=relaxed)


def score_with(raw, scheme, reads, code, value) -> float:
    """The score that a condition reads, with one indicator changed, settled as before a threshold."""
    changed = np.array(raw, dtype=float)
    changed[scheme.codes.index(code)] = value
    composed = scoring.compose(changed[:, None], scheme=scheme)
    found = composed.composite if reads == "composite" else composed.dimension_scores[reads.upper()]
    return float(scoring.settled(found[0]))


@settings(max_examples=CASES, deadline=None)
@given(accounts(), st.sampled_from(["composite", "sal"]), scores)
def test_a_move_puts_the_score_on_its_threshold_and_a_little_less_does_not(account, reads, threshold):
    scheme, raw = account
    thresholds = {(GOLD, reads): threshold}
    (need,) = held_of(raw, scheme, grade=GOLD, thresholds=thresholds) or (None,)
    assume(need is not None)

    for move in need.moves:
        event("gain" if need.is_blocking else "loss")
        assert score_with(raw, scheme, reads, move.code, move.to) >= threshold
        falls = scoring.is_falling(next(spec.anchors for spec in scheme.indicators if spec.code == move.code))
        assert (move.change <= 0) is falls or move.change == 0 or not need.is_blocking
        if need.is_blocking and abs(need.gap) > 1e-6:
            assert score_with(raw, scheme, reads, move.code, move.value + 0.99 * move.change) < threshold
        if not need.is_blocking and abs(need.gap) > 1e-6:
            beyond = move.to + (0.01 if falls else -0.01) * max(abs(move.change), 1.0)
            assert score_with(raw, scheme, reads, move.code, beyond) < threshold


@settings(max_examples=CASES, deadline=None)
@given(accounts(), st.floats(0.01, 1))
def test_an_indicator_that_is_not_named_cannot_reach_the_threshold_alone(account, ambition):
    scheme, raw = account
    composite = scoring.compose(raw[:, None], scheme=scheme).composite[0]
    assume(composite < 99)
    threshold = composite + ambition * (100 - composite)
    (need,) = held_of(raw, scheme, grade=GOLD, thresholds={(GOLD, "composite"): threshold})
    named = {move.code for move in need.moves}

    for position, spec in enumerate(scheme.indicators):
        if spec.code not in named and not math.isnan(raw[position]):
            best = max(spec.anchors, key=lambda anchor: anchor[1])[0]
            assert score_with(raw, scheme, "composite", spec.code, best) < threshold


@settings(max_examples=CASES, deadline=None)
@given(scales(), scores)
def test_inverse_gives_the_first_value_from_the_worse_end_that_has_the_score(anchors, score):
    found = inverse(score, anchors=anchors)
    ends = [anchor[1] for anchor in anchors]
    worse = -1.0 if not scoring.is_falling(anchors) else 1.0

    if score > max(ends):
        assert math.isnan(found)
    elif score <= min(ends) or min(ends) == max(ends):
        assert found == worse * math.inf
    else:
        assert scoring.anchored([found], anchors=anchors)[0] == pytest.approx(score, abs=1e-9) or (
            scoring.anchored([found], anchors=anchors)[0] > score  # a jump
        )
        assert scoring.anchored([found + worse * 1e-6], anchors=anchors)[0] < score


@pytest.mark.parametrize(
    ("anchors", "score", "value"),
    [
        ([(0, 0), (1, 20), (5, 50)], 35, 3),
        ([(0, 0), (5, 20), (5, 60), (10, 100)], 40, 5),
        ([(0, 0), (2, 50), (4, 50), (6, 100)], 50, 2),
        ([(1, 100), (2, 60), (3, 30), (5, 0)], 80, 1.5),
        ([(1, 100), (2, 60), (2, 30), (5, 0)], 45, 2),
        ([(0, 0), (1, 50)], 60, NAN),
        ([(0, 10), (1, 50)], 10, -math.inf),
        ([(0, 50), (1, 10)], 10, math.inf),
    ],
)
def test_inverse_by_hand(anchors, score, value):
    assert inverse(score, anchors=anchors) == pytest.approx(value, nan_ok=True)


def example(grade, *, relaxed=False, raw=None, **inputs) -> dict[str, Need]:
    """EX-16 with the thresholds of the full preset, by what each condition reads."""
    values = RAW | (raw or {})
    found = held_of(
        [values[code] for code in FULL.scheme().codes],
        FULL.scheme(),
        grade=grade,
        thresholds=FULL.rules().thresholds,
        relaxed=relaxed,
        **inputs,
    )
    return {need.test.condition.reads: need for need in found}


def test_the_worked_example_needs_six_points_of_sales_for_diamond():
    sales = example(DIAMOND)["sal"]

    assert (sales.gap, sales.is_blocking) == (pytest.approx(6), True)  # 64 of 70
    moves = {move.code: move for move in sales.moves}
    # Revenue has half of the dimension: 12 points of its own scale more, 62.5 → 74.5 on 25 points for 15 million.
    assert moves["S1"].change == pytest.approx(12 / 25 * 15e6)
    # Gross profit 30 %: 20 points more, 62.5 → 82.5, past the anchor 75 at 6 million: half of the way from 6 to 15.
    assert moves["S2"].to == pytest.approx(10.5e6)
    # Margin 20 %: 30 points more is its whole scale.
    assert moves["S3"].to == pytest.approx(0.45)
    assert [move.code for move in sales.moves] == ["S1", "S2", "S3"]


def test_the_worked_example_says_what_gold_may_lose():
    gold = example(GOLD, relaxed=True)

    assert gold["composite"].gap == pytest.approx(45 - 67.061397)
    assert gold["revenue_ttm"].moves[0].to == 4_500_000
    assert gold["revenue_ttm"].gap == -8_000_000
    # Sales may lose 19 of 64 points: 38 of revenue's own, from 62.5 to 24.5, past the anchor 20 at 1 million.
    assert {m.code: m.to for m in gold["sal"].moves}["S1"] == pytest.approx(1e6 + 4.5 / 30 * 4e6)
    lost = single_loss(gold.values())
    assert (lost.code, lost.to) == ("S1", 4_500_000)
    assert single_gain(gold.values()) is None


def test_the_third_account_of_the_grades_example_lacks_one_point_of_composite():
    """a3: 5.5 million, SAL 52, COMP 49.05; here by its own ratings and revenue."""
    raw = {"S1": 5_500_000, "V1": 2, "V2": 2.5, "V3": 2, "P1": 0.0, "P2": 500_000, "P3": 3, "L3": 0.2}
    gold = example(GOLD, raw=raw, revenue_ttm=5_500_000)

    assert [reads for reads, need in gold.items() if need.is_blocking] == ["composite"]
    gap = gold["composite"].gap
    one = single_gain(gold.values())
    assert one == gold["composite"].moves[0]
    values = RAW | raw | {one.code: one.to}
    again = example(GOLD, raw=values, revenue_ttm=5_500_000)
    assert gap > 0
    assert again["composite"].gap == pytest.approx(0, abs=1e-9)


def test_ratings_move_in_halves_and_months_in_whole_ones():
    moves = {move.code: move for move in example(STRATEGIC)["str"].moves}

    # 5.625 points more: 14.0625 of V1's own is 0.5625 of a rating, so one whole point, as medians move by halves.
    assert moves["V1"].to == pytest.approx(4.5625)
    assert moves["V1"].step == 5
    assert moves["V2"].step == 4.5
    assert moves["V3"].step == 4


def test_one_indicator_has_to_satisfy_every_failing_condition():
    raw = {"S1": 3_000_000, "S2": 900_000}
    gold = example(GOLD, raw=raw, revenue_ttm=3_000_000)

    assert [reads for reads, need in gold.items() if need.is_blocking] == ["revenue_ttm", "sal"]
    assert single_gain(gold.values()).code == "S1"
    assert single_gain(gold.values()).to == max(
        move.to for reads in ("revenue_ttm", "sal") for move in gold[reads].moves if move.code == "S1"
    )


def test_years_that_are_over_have_a_gap_and_no_move():
    diamond = example(DIAMOND)

    assert (diamond["revenue_fy1"].gap, diamond["revenue_fy1"].moves) == (8_000_000, ())
    assert single_gain(diamond.values()) is None


def test_of_two_years_one_is_enough_for_who_holds_diamond():
    diamond = example(DIAMOND, relaxed=True, revenue_fy1=17e6, revenue_fy2=23e6)

    assert not diamond["revenue_fy1"].is_blocking
    assert diamond["revenue_fy1"].gap == pytest.approx(1_000_000)


def test_scores_that_are_not_known_have_neither_gap_nor_move():
    raw = dict.fromkeys(("S1", "S2", "S3"), NAN)
    gold = example(GOLD, raw=raw, revenue_ttm=NAN)

    assert [(need.gap, need.moves) for reads, need in gold.items() if reads != "months"] == [(None, ())] * 3


def test_a_score_held_by_expired_ratings_names_no_move():
    composed = scoring.compose(np.array([[RAW[code]] for code in FULL.scheme().codes]), scheme=FULL.scheme())
    inputs = {name: np.array([float(value)]) for name, value in INPUT.items()} | {"composite": composed.composite}
    inputs["gro"] = np.array([60.0])  # the row kept what expired ratings gave
    tests = grading.tested_conditions(POTENTIAL, inputs, rules=FULL.rules(), relaxed=False)
    needs = needs_of(tests, raw=np.array([RAW[c] for c in FULL.scheme().codes]), scheme=FULL.scheme(), relaxed=False)

    assert needs[0].gap == 5
    assert needs[0].moves == ()


def test_years_alone_are_nobodys_move():
    composite = example(DIAMOND, raw={"L1": 1, "V1": 2, "V2": 2})["composite"]

    assert composite.moves
    assert "L1" not in {move.code for move in composite.moves}
