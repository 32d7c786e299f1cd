"""The nearest change of a graded account: in points and in money, and what following it brings."""

import numpy as np
import pytest

from tests.tiering.worked_example import RAW, make_draft, make_night, make_score
from tiering import changes, scoring, wording
from tiering.enums import Unit
from tiering.explain import explain
from tiering.grading import Flag
from tiering.services import activate_model


@pytest.fixture
def run(db):
    return make_night(activate_model(model=make_draft()))


def target(found, grade):
    return next(part for part in found.nearest if part.grade == grade)


def needs(part):
    return {need.reads: (need.text, need.hint, [(c.code, c.text) for c in need.changes]) for need in part.needs}


def test_the_worked_example_says_what_diamond_lacks_and_what_gold_may_lose(run):
    found = explain(make_score(run))

    diamond, gold = found.nearest
    assert (diamond.grade, diamond.is_next, diamond.holds, diamond.single) == ("diamond", True, False, None)
    assert diamond.sentence == "No single indicator leads to Diamond; 3 conditions are open."
    assert needs(diamond) == {
        "revenue_fy1": ("8 M missing", "These years are over; the next complete year counts.", []),
        "revenue_fy2": ("9 M missing", "These years are over; the next complete year counts.", []),
        "sal": ("6 missing", "", [("S1", "+7.2 M, to 19.7 M"), ("S2", "+6.75 M, to 10.5 M"), ("S3", "30 % → 45 %")]),
    }
    assert (gold.grade, gold.is_next, gold.holds) == ("gold", False, True)
    # The first night held no grade, so the thresholds to enter count: 12.5 of 5 million.
    assert gold.sentence == "The first to lose Gold, if it fell further: Net revenue, 12 months, −7.5 M, to 5 M."
    assert needs(gold)["months"] == ("42 months to spare", "", [])
    assert needs(gold)["composite"][0] == "17.1 to spare"


def test_points_and_money_for_gold_and_following_the_money_makes_its_line_hold(run):
    raw = {"S1": 4_600_000, "revenue_ttm": 4_600_000, "V1": 5, "V2": 5, "V3": 5, "str": 100, "S2": 800_000, "S3": 0.2}
    raw |= {"revenue_fy1": 4_500_000, "revenue_fy2": 4_400_000}
    found = explain(row_of(run, raw, grade="strategic", ladder="strategic"))

    gold = found.nearest[0]
    assert (gold.grade, [need.reads for need in gold.needs]) == ("gold", ["revenue_ttm", "sal"])
    assert gold.single.code == "S1"
    assert gold.sentence == f"One change would do for Gold: Net revenue, 12 months, {gold.single.text}."
    after = explain(row_of(run, raw | {"S1": gold.single.to, "revenue_ttm": gold.single.to}))
    assert next(line for line in after.grades if line.grade == "gold").holds


def row_of(run, raw, **fields):
    """EX-16 with some of its values changed, its scores computed anew."""
    values = RAW | raw
    scheme = run.model.design().scheme()
    composed = scoring.compose(np.array([[values[code]] for code in scheme.codes]), scheme=scheme)
    scores = {"sal": float(composed.dimension_scores["SAL"][0]), "gro": float(composed.dimension_scores["GRO"][0])}
    return make_score(run, composite=float(composed.composite[0]), raw=raw | scores, **fields)


def test_a_rating_step_makes_the_account_strategic(run):
    raw = {"revenue_ttm": 4_000_000, "S1": 4_000_000, "V1": 4, "V2": 3.5, "V3": 3}
    found = explain(make_score(run, grade="potential", ladder="potential", raw=raw))

    strategic = found.nearest[0]
    assert (strategic.grade, strategic.holds) == ("strategic", False)
    assert strategic.sentence == (
        "Strategic is +5.7 points away (Score of strategic value), for example by Industry influence: 4 → 5."
    )
    assert [(c.code, c.value, c.to) for c in strategic.needs[0].changes] == [
        ("V1", 4, 5), ("V2", 3.5, 4.5), ("V3", 3, 4)
    ]  # fmt: skip


def test_gold_by_contribution_is_kept_by_two_years_alone(run):
    raw = {"revenue_fy1": 30e6, "revenue_fy2": 28e6, "revenue_ttm": 30e6}
    found = explain(make_score(run, raw=raw, flags=int(Flag.FLOOR)))

    gold = target(found, "gold")
    assert [need.reads for need in gold.needs] == ["revenue_fy1", "revenue_fy2", "gross_profit_fy1", "gross_profit_fy2"]
    assert gold.sentence == "No single indicator can lose Gold."


def test_thin_evidence_is_named_beside_the_conditions(run):
    found = explain(make_score(run, evidence=0.7))

    assert target(found, "diamond").evidence_missing == pytest.approx(0.1)
    assert target(found, "gold").evidence_missing == 0


def test_what_is_not_graded_has_no_nearest_change(run):
    assert explain(make_score(run, grade="not_graded", ladder="", composite=None)).nearest == ()


def test_a_row_without_scores_names_no_indicator(run):
    raw = dict.fromkeys(RAW, float("nan")) | {"sal": float("nan")}
    diamond = target(explain(make_score(run, composite=None, evidence=0.0, raw=raw)), "diamond")

    assert needs(diamond)["sal"] == ("not known", "Too little is known for a score.", [])


@pytest.mark.parametrize(
    ("amount", "text"), [(600_001, "601 K"), (4_500_000, "4.5 M"), (1_234_567, "1.24 M"), (12.3, "12.3"), (0, "0")]
)
def test_amounts_that_are_asked_for_are_never_too_little(amount, text):
    assert wording.amount_up(amount) == text


@pytest.mark.parametrize(
    ("value", "to", "unit", "text"),
    [
        (4_400_000, 5_000_000, Unit.MONEY, "+600 K, to 5 M"),
        (12_500_000, 4_500_000, Unit.MONEY, "−8 M, to 4.5 M"),
        (3.5, 4.5, Unit.RATING, "3.5 → 4.5"),
        (0.3, 0.45, Unit.SHARE, "30 % → 45 %"),
        (8, 11, Unit.MONTHS, "8 months → 11 months"),
    ],
)
def test_a_change_reads_in_its_unit(value, to, unit, text):
    assert changes.change_text(value, to, unit) == text
