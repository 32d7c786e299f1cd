"""The why card: what it says follows from the stored row alone, and its parts add up."""

import math
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import Account
from tests.factories import make_account, make_rating, make_wallet_estimate, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night
from tiering import wording
from tiering.enums import Preset, Unit
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import Score
from tiering.services import activate_model, create_model


@pytest.fixture
def full_model(db):
    return activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY"))


def customer(monthly_revenue, *, months=48, wallet=None, rating=None, cost_share=60):
    account = make_account()
    first = date(2025 - (months + 11) // 12, 1 + (-months) % 12, 1)
    post_revenue(
        monthly(account, monthly_revenue, first=first, months=months, cost=monthly_revenue * cost_share // 100)
    )
    if wallet:
        make_wallet_estimate(
            account=account, amount=Decimal(wallet), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1)
        )
    for indicator in ("V1", "V2", "V3", "P3", "L5") if rating else ():
        for function in ("sales", "delivery"):
            make_rating(
                account=account,
                indicator=indicator,
                score=rating,
                function=function,
                rated_on=date(2024, 6, 1),
                expires_on=date(2025, 6, 1),
            )
    return account


def explained(account):
    return explain(Score.objects.select_related("run__model").get(account=account, run=night(AS_OF)))


def test_contributions_of_every_account_add_up_to_its_stored_composite(db):
    random_ledger(accounts=30, rows=600, seed=5)
    run = night(AS_OF)

    scores = list(Score.objects.filter(run=run, composite__isnull=False).select_related("run__model"))

    assert len(scores) > 20
    for score in scores:
        found = explain(score)
        by_hand = 0.0
        for dimension in found.dimensions:
            for part in dimension.indicators:
                by_hand += part.contribution or 0.0
        assert by_hand == score.composite == found.composite
        assert sum(d.contribution or 0 for d in found.dimensions) == pytest.approx(score.composite, abs=1e-9)


def test_contributions_can_be_computed_again_from_raw_values_and_weights(full_model):
    found = explained(customer(600_000, wallet=20_000_000, rating=3))

    valid = [d for d in found.dimensions if d.counts]
    total = sum(d.weight for d in valid)
    for dimension in valid:
        known = sum(p.weight for p in dimension.indicators if p.score is not None)
        for part in dimension.indicators:
            if part.score is not None:
                expected = dimension.weight / total * part.weight / known * part.score
                assert part.contribution == pytest.approx(expected, abs=1e-12)
    assert found.composite == pytest.approx(sum(d.weight / total * d.score for d in valid))


def test_gold_names_its_conditions_and_what_diamond_lacks(full_model):
    found = explained(customer(600_000, wallet=20_000_000, rating=3))

    gold = next(line for line in found.grades if line.is_decisive)
    assert (found.grade, found.next_grade, gold.grade, gold.holds) == ("gold", "diamond", "gold", True)
    conditions = {c.rule: (c.value, c.threshold, c.passed, c.margin) for c in gold.conditions}
    assert conditions["revenue_ttm"] == (7_200_000, 5_000_000, True, 2_200_000)
    assert conditions["months"] == (47, 6, True, 41)
    assert {c.reads: (c.passed, c.margin) for c in found.failing} == {
        "revenue_fy1": (False, -12_800_000),
        "revenue_fy2": (False, -12_800_000),
        "sal": (False, pytest.approx(found.dimensions[0].score - 70, abs=1e-8)),
        "composite": (False, pytest.approx(found.composite - 60, abs=1e-8)),
    }
    assert found.sentence.startswith("Gold, because revenue 7.2 M is at least 5 M and the score ")
    assert "Diamond needs 20 M in each of two fiscal years." in found.sentence
    assert [(mark.grade, mark.score) for mark in found.marks] == [("gold", 50), ("diamond", 60)]


def test_missing_evidence_says_what_it_could_add(full_model):
    account = customer(600_000, wallet=20_000_000)
    before = explained(account)

    missing = {part.code: part.could_add for part in before.missing}
    assert set(missing) == {"V1", "V2", "V3", "P3", "P4", "L4", "L5"}
    assert missing["L5"] > 0
    assert missing["V3"] == 0  # a quarter of a dimension is not enough for it to count
    make_rating(account=account, indicator="L5", score=5, rated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1))
    assert explained(account).composite == pytest.approx(before.composite + missing["L5"])


@pytest.mark.parametrize(
    ("make", "grade", "sentence"),
    [
        (lambda: customer(2_000_000, wallet=60_000_000, rating=3), "diamond", "Diamond, because revenue was 24 M and 24 M in two"),
        (lambda: customer(2_000_000, cost_share=99), "gold", "Gold, because revenue reached 20 M in each of two fiscal years;"),
        (lambda: customer(50_000, wallet=5_000_000, rating=5), "strategic", "Strategic, because strategic value scores 100 (at least 70)"),
        (lambda: customer(50_000, wallet=5_000_000, rating=3), "general", "General: no higher grade has all its conditions met."),
        (lambda: customer(50_000), "not_graded", "Not graded: "),
        (make_account, "not_graded", "Not graded: nothing has been bought and no contract signed yet."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_decided(full_model, make, grade, sentence):
    found = explained(make())

    assert (found.grade, found.sentence[: len(sentence)]) == (grade, sentence)


def test_a_problem_names_its_signal_and_the_grade_beneath(full_model):
    account = customer(600_000, wallet=20_000_000, rating=3)
    Account.objects.filter(pk=account.pk).update(insolvency_on=AS_OF)

    found = explained(account)

    assert found.sentence == "Problem, because the account is insolvent. Without that: Gold."
    assert (found.grade, found.ladder) == ("problem", "gold")
    assert "The account is insolvent." in found.notes


def test_explain_reads_the_model_once(full_model):
    customer(600_000, wallet=20_000_000, rating=3)
    score = Score.objects.select_related("run__model").get(run=night(AS_OF))
    explain(score)

    with CaptureQueriesContext(connection) as queries:
        assert explain(score) == explain(score)

    assert len(queries) == 0


def test_a_model_without_cost_does_not_speak_of_cost(db):
    account = make_account()
    post_revenue(monthly(account, 100, first=date(2022, 1, 1), months=36))

    found = explained(account)

    assert all("Cost" not in note for note in found.notes)
    assert all(condition.rule != "gross_profit_each_year" for line in found.grades for condition in line.conditions)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (6_200_000, Unit.MONEY, "6.2 M"),
        (4_999_999, Unit.MONEY, "4.99 M"),
        (20_000_000, Unit.MONEY, "20 M"),
        (123_456_789, Unit.MONEY, "123 M"),
        (1_234_567_890, Unit.MONEY, "1,234 M"),
        (-62_345, Unit.MONEY, "-62.3 K"),
        (999.9, Unit.MONEY, "999"),
        (0, Unit.MONEY, "0"),
        (57.06, Unit.SCORE, "57.1"),
        (0.345, Unit.SHARE, "34.5 %"),
        (1, Unit.SHARE, "100 %"),
        (14, Unit.MONTHS, "14 months"),
        (4.96, Unit.YEARS, "5 years"),
        (2, Unit.COUNT, "2"),
        (-0.004, Unit.RATIO, "0"),
        (1, Unit.PRESENT, "yes"),
        (0, Unit.PRESENT, "no"),
        (math.nan, Unit.MONEY, "not known"),
        (None, Unit.SCORE, "not known"),
    ],
)
def test_value_text_is_short_and_in_its_unit(value, unit, text):
    with translation.override("en"):
        assert wording.value_text(value, unit) == text


def test_notes_name_the_steeper_decline_only():
    flags = Flag.DECLINE_30 | Flag.DECLINE_50 | Flag.KEPT

    assert wording.notes(int(flags)) == ["Revenue fell by half or more within a year."]
