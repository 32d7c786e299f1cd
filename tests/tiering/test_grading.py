"""Grades: the published table, the pseudo-code run slowly beside it, and what each evidence rule does."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiering.slow import LADDER, candidate_slowly
from tiering import grading
from tiering.grading import FLAG_DTYPE, RANK, Flag
from tiering.presets import full
from tiering.signals import signal_points

NAN = float("nan")
MODEL = {
    "D": 20.0, "G": 5.0, "diamond_sal": 70.0, "diamond_comp": 60.0, "gold_sal": 50.0, "gold_comp": 50.0,
    "gross_profit_test": True, "any": 0.6, "up": 0.8, "potential_needs": "opportunity",
}  # fmt: skip
ACCOUNT = {
    "COMP": 50.0, "SAL": 50.0, "STR": 50.0, "GRO": 50.0, "gro_evidence": 1.0, "evidence": 1.0, "revenue": (1.0, 1.0),
    "gross_profit": (1.0, 1.0), "ttm": 1.0, "prior": 1.0, "months": 60.0, "evaluators": 0.0, "business": True,
    "opportunity": True, "in_business": True, "before": None, "points": 0.0,
}  # fmt: skip


def rules_of(model):
    design = full(diamond=Decimal(repr(model["D"])))
    thresholds = design.rules().thresholds | {
        ("gold", "revenue_ttm"): model["G"],
        ("diamond", "sal"): model["diamond_sal"],
        ("diamond", "composite"): model["diamond_comp"],
        ("gold", "sal"): model["gold_sal"],
        ("gold", "composite"): model["gold_comp"],
    }
    if model["potential_needs"] != "opportunity":
        del thresholds["potential", "opportunity"]
        thresholds["potential", "prior_revenue"] = model["potential_needs"]
    return grading.Rules(thresholds, model["gross_profit_test"], model["any"], model["up"])


def grade(accounts, model=MODEL):
    """Candidates of accounts written as in ACCOUNT, and their flags as if each candidate were in force."""

    def numbers(read):
        return np.array([read(account) for account in accounts], dtype=np.float64)

    inputs = {
        "composite": numbers(lambda a: a["COMP"]),
        "sal": numbers(lambda a: a["SAL"]),
        "str": numbers(lambda a: a["STR"]),
        "gro": numbers(lambda a: a["GRO"]),
        "gro_evidence": numbers(lambda a: a["gro_evidence"]),
        "revenue_fy1": numbers(lambda a: a["revenue"][0]),
        "revenue_fy2": numbers(lambda a: a["revenue"][1]),
        "gross_profit_fy1": numbers(lambda a: a["gross_profit"][0]),
        "gross_profit_fy2": numbers(lambda a: a["gross_profit"][1]),
        "revenue_ttm": numbers(lambda a: a["ttm"]),
        "revenue_prior_ttm": numbers(lambda a: a["prior"]),
        "months": numbers(lambda a: a["months"]),
        "evaluators": numbers(lambda a: a["evaluators"]),
        "business": numbers(lambda a: a["business"]),
        "opportunity": numbers(lambda a: a["opportunity"]),
        "signal_points": numbers(lambda a: a["points"]),
    }
    before = np.array([RANK[a["before"]] if a["before"] else 0 for a in accounts], dtype=np.int8)
    found = grading.candidates(
        inputs,
        evidence=numbers(lambda a: a["evidence"]),
        in_business=np.array([a["in_business"] for a in accounts]),
        before=before,
        flags=np.zeros(len(accounts), dtype=FLAG_DTYPE),
        rules=rules_of(model),
    )
    return found, found.flags | found.badges(found.candidate)


def one(model=MODEL, **values):
    """Tonight's grade and the flags of a single account."""
    found, flags = grade([ACCOUNT | values], model)
    return grading.LADDER[int(found.candidate[0])] or grading.NOT_GRADED, Flag(int(flags[0]))


# EX-17, what one night says; money in millions. Problem signals and spans are in test_stability.
EX_17 = {
    "a1": ((88, 80, 55, 78.95), (26, 22), 26, {}, "diamond"),
    "a2": ((88, 80, 55, 78.95), (26, 18), 26, {}, "gold"),
    "a3": ((52, 45, 40, 49.05), (6, 5), 5.5, {}, "general"),
    "a3 held": ((52, 45, 40, 49.05), (6, 5), 5.5, {"before": "gold"}, "gold"),
    "a4": ((20, 82, 60, 45.00), (0.6, 0), 0.6, {"evaluators": 2}, "strategic"),
    "a5": ((25, 40, 72, 39.65), (1, 0.5), 1.2, {}, "potential"),
    "a6": ((30, 30, 30, 33.00), (2, 2), 2, {}, "general"),
    "a8": ((35, 72, 50, 48.00), (3, 3), 3, {"evaluators": 1}, "general"),
    "a7": ((80, 75, 50, 71.25), (25, 24), 25, {}, "diamond"),
    "a9": ((66, 50, 45, 56.90), (9, 14), 9.1, {"points": 4}, "gold"),
    "a10": ((92, 40, 20, 63.55), (60, 58), 60, {}, "diamond"),
    "a11": ((75, 20, 20, 45.00), (30, 28), 30, {}, "gold"),
    "a12": ((72, 60, 50, 64.30), (17, 23), 17, {}, "gold"),
    "a12 held": ((72, 60, 50, 64.30), (17, 23), 17, {"before": "diamond"}, "diamond"),
}


@pytest.mark.parametrize("row", EX_17)
def test_assign_gives_the_published_grade(row):
    (sal, strategic, growth, composite), revenue, ttm, extra, expected = EX_17[row]

    found, _flags = one(SAL=sal, STR=strategic, GRO=growth, COMP=composite, revenue=revenue, ttm=ttm, **extra)

    assert found == expected


def test_the_contribution_floor_is_named_and_the_badges_too():
    _, floor = one(SAL=75, STR=20, GRO=20, COMP=45, revenue=(30, 28), ttm=30)
    _, diamond = one(SAL=88, STR=80, GRO=70, COMP=79, revenue=(26, 22), ttm=26, evaluators=2)

    assert floor == Flag.FLOOR
    assert diamond == Flag.ALSO_STRATEGIC | Flag.ALSO_POTENTIAL


@pytest.mark.parametrize(
    ("values", "expected", "flag"),
    [
        # Fewer than 60 %: not graded, unless money alone says Gold.
        ({"evidence": 0.59}, "not_graded", Flag.INSUFFICIENT_EVIDENCE),
        ({"COMP": NAN}, "not_graded", Flag.INSUFFICIENT_EVIDENCE),
        ({"evidence": 0.3, "revenue": (30, 28), "ttm": 30}, "gold", Flag.FLOOR),
        # The grade before stays, as far as its money conditions hold.
        ({"evidence": 0.3, "before": "strategic"}, "strategic", Flag.KEPT),
        ({"evidence": 0.3, "before": "gold", "ttm": 5}, "gold", Flag.KEPT),
        ({"evidence": 0.3, "before": "gold", "ttm": 4.5}, "gold", Flag.KEPT),
        ({"evidence": 0.3, "before": "gold", "ttm": 4.4}, "general", Flag(0)),
        ({"evidence": 0.3, "before": "diamond", "ttm": 6}, "gold", Flag(0)),
        ({"evidence": 0.3, "before": "diamond", "ttm": 4}, "general", Flag(0)),
        ({"evidence": 0.3, "before": "diamond", "revenue": (30, 28), "ttm": 30, "SAL": 75}, "diamond", Flag.KEPT),
        # Between 60 % and 80 %: no move up to Gold or Diamond, every other move.
        ({"evidence": 0.79, "ttm": 6}, "general", Flag.HELD_BACK),
        ({"evidence": 0.8, "ttm": 6}, "gold", Flag(0)),
        ({"evidence": 0.79, "ttm": 6, "before": "gold"}, "gold", Flag(0)),
        ({"evidence": 0.79, "ttm": 6, "before": "strategic"}, "strategic", Flag.HELD_BACK),
        ({"evidence": 0.79, "STR": 80, "evaluators": 2}, "strategic", Flag(0)),
        ({"evidence": 0.79, "revenue": (30, 28), "ttm": 30, "SAL": 75, "COMP": 70}, "gold", Flag.HELD_BACK),
        # Line 0 comes before everything.
        ({"in_business": False, "evidence": 0.0, "COMP": NAN}, "not_graded", Flag.NO_BUSINESS),
    ],
)
def test_assign_moves_no_grade_on_thin_evidence_but_by_money(values, expected, flag):
    found, flags = one(**values)

    assert found == expected
    assert flags & ~Flag.FLOOR & ~Flag.BUFFERED == flag & ~Flag.FLOOR
    assert flag in flags


def test_scores_meet_thresholds_after_rounding_to_nine_decimals():
    noise = 0.1 + 0.2 - 0.3  # 5.6e-17 off
    assert one(ttm=6, SAL=50 - noise * 1e6, COMP=50 - noise * 1e6)[0] == "gold"
    assert one(ttm=6, SAL=50 - 1e-8, COMP=50)[0] == "general"


def test_gross_profit_must_be_known_and_above_zero_unless_the_test_is_off():
    rich = {"SAL": 88, "COMP": 79, "revenue": (26, 22), "ttm": 26}

    assert one(**rich, gross_profit=(0.0, 1.0))[0] == "gold"
    assert one(**rich, gross_profit=(NAN, 1.0))[0] == "gold"
    assert one(MODEL | {"gross_profit_test": False}, **rich, gross_profit=(NAN, NAN))[0] == "diamond"


def test_without_minimum_scores_revenue_alone_makes_a_diamond():
    """The State Grid case: the amount in each of two fiscal years, whatever the scores."""
    model = MODEL | {"D": 100.0, "diamond_sal": 0.0, "diamond_comp": 0.0, "gross_profit_test": False}

    assert one(model, revenue=(100, 100), ttm=90, SAL=10, COMP=NAN, evidence=0.1)[0] == "diamond"
    assert one(model, revenue=(100, 99.99), ttm=90, SAL=10, COMP=40)[0] == "general"


def test_tested_conditions_give_value_threshold_and_margin():
    inputs = {name: np.array([6.2]) for name in (*grading.INPUTS, "composite")} | {"composite": np.array([NAN])}

    tests = grading.tested_conditions("gold", inputs, rules=rules_of(MODEL), relaxed=False)

    assert [(t.condition.rule, t.threshold, bool(t.passed[0])) for t in tests] == [
        ("revenue_ttm", 5.0, True),
        ("sal", 50.0, False),
        ("composite", 50.0, False),
        ("months", 6.0, True),
    ]
    assert tests[0].margin.tolist() == pytest.approx([1.2])
    assert math.isnan(tests[2].margin[0])


def test_signals_count_the_highest_of_each_item():
    on, off = np.array([True]), np.array([False])
    every = {Flag.DECLINE_30: on, Flag.DECLINE_50: on, Flag.LOW_MARGIN: on, Flag.DISSATISFIED: off, Flag.LATE_ORDER: on}

    points, bits = signal_points(every)

    assert points.tolist() == [5]
    assert Flag(int(bits[0])) == Flag.DECLINE_30 | Flag.DECLINE_50 | Flag.LOW_MARGIN | Flag.LATE_ORDER


def near(*edges):
    """Values on, around and far from the thresholds, and missing ones."""
    steps = [edge + step for edge in edges for step in (-1e-6, 0.0, 1e-6, -3.0, 3.0)]
    return st.one_of(st.sampled_from([*steps, NAN]), st.floats(0, 100))


accounts = st.fixed_dictionaries(
    {
        "COMP": near(50, 60),
        "SAL": near(50, 70),
        "STR": near(70),
        "GRO": near(65),
        "gro_evidence": st.sampled_from([0.0, 0.5, 0.6, 1.0]),
        "evidence": st.sampled_from([0.0, 0.59, 0.6, 0.7, 0.79999, 0.8, 1.0]),
        "revenue": st.tuples(near(20), near(20)),
        "gross_profit": st.tuples(near(0), near(0)),
        "ttm": near(5, 20),
        "prior": near(2),
        "months": st.sampled_from([NAN, 0.0, 5.0, 6.0, 40.0]),
        "evaluators": st.sampled_from([0.0, 1.0, 2.0, 3.0]),
        "business": st.booleans(),
        "opportunity": st.booleans(),
        "in_business": st.sampled_from([True, True, True, False]),
        "before": st.sampled_from([None, *LADDER]),
        "points": st.just(0.0),
    }
)
models = st.fixed_dictionaries(
    {
        "D": st.sampled_from([20.0, 5.0]),
        "G": st.just(5.0),
        "diamond_sal": st.sampled_from([70.0, 0.0]),
        "diamond_comp": st.sampled_from([60.0, 0.0]),
        "gold_sal": st.just(50.0),
        "gold_comp": st.just(50.0),
        "gross_profit_test": st.booleans(),
        "any": st.just(0.6),
        "up": st.sampled_from([0.6, 0.8]),
        "potential_needs": st.sampled_from(["opportunity", 2.0]),
    }
)


@settings(max_examples=500)
@given(st.lists(accounts, min_size=1, max_size=12), models)
def test_candidates_equal_the_slow_version(rows, model):
    found, _flags = grade(rows, model)

    expected = [candidate_slowly(row, model) for row in rows]

    assert [grading.LADDER[int(rank)] or None for rank in found.candidate] == expected


@settings(max_examples=500)
@given(st.lists(accounts, min_size=1, max_size=12))
def test_money_alone_never_falls_below_gold(rows):
    """The contribution floor: whoever meets Diamond's money conditions is at least Gold, whatever else is known."""
    rich = [row | {"revenue": (30.0, 28.0), "gross_profit": (1.0, 1.0), "in_business": True} for row in rows]

    assert (grade(rich)[0].candidate >= RANK["gold"]).all()


@settings(max_examples=500)
@given(st.lists(accounts, min_size=1, max_size=12), models)
def test_a_held_candidate_stays_the_candidate(rows, model):
    """Hysteresis: once a grade is in force, the same inputs support it, so constant inputs never move a grade twice."""
    first = grade(rows, model)[0].candidate
    held = [row | {"before": grading.LADDER[int(rank)] or None} for row, rank in zip(rows, first, strict=True)]

    assert np.array_equal(grade(held, model)[0].candidate, first)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"before": "gold", "ttm": 4.5, "SAL": 45, "COMP": 45}, "gold"),
        ({"before": "gold", "ttm": 4.4999, "SAL": 45, "COMP": 45}, "general"),
        ({"before": "gold", "ttm": 4.5, "SAL": 44.9, "COMP": 45}, "general"),
        ({"before": "gold", "ttm": 6, "SAL": 60, "COMP": 60, "months": 5}, "general"),  # times are never relaxed
        ({"before": "strategic", "STR": 65, "evaluators": 2}, "strategic"),
        ({"before": "strategic", "STR": 65, "evaluators": 1}, "general"),  # counts neither
        ({"before": "potential", "GRO": 55}, "potential"),
        ({"before": "potential", "GRO": 54.9}, "general"),
        ({"before": "general", "GRO": 60}, "general"),  # higher grades keep their entry thresholds
        ({"before": "diamond", "revenue": (18, 1), "ttm": 18, "SAL": 65, "COMP": 55}, "diamond"),
        ({"before": "diamond", "revenue": (17.9, 17.9), "ttm": 18, "SAL": 65, "COMP": 55}, "gold"),
        ({"before": "diamond", "revenue": (18, 1), "gross_profit": (0, 1), "SAL": 65, "COMP": 55}, "general"),
        ({"before": "gold", "revenue": (18, 1), "ttm": 4, "SAL": 10, "COMP": 10}, "gold"),  # the floor is relaxed too
        ({"before": "general", "revenue": (20, 19), "ttm": 4, "SAL": 10, "COMP": 10}, "general"),
    ],
)
def test_buffers_relax_the_grade_in_force_and_those_below(values, expected):
    assert one(**values)[0] == expected


def test_a_grade_that_only_its_buffer_keeps_says_so():
    kept, easily = one(before="gold", ttm=4.8, SAL=60, COMP=60)[1], one(before="gold", ttm=6, SAL=60, COMP=60)[1]

    assert (Flag.BUFFERED in kept, Flag.BUFFERED in easily) == (True, False)
