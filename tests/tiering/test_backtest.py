"""Replaying the past: the same grades the nights would publish, counts of moves and flaps by hand, nothing written."""

import json
from datetime import date

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tiering import backtest as module
from tiering.backtest import Night, backtest, month_ends
from tiering.enums import Preset
from tiering.evaluation import GRADES
from tiering.models import GradePeriod, Score, TierRun
from tiering.services import activate_model, create_model

DAYS = month_ends(date(2023, 6, 1), AS_OF)


@pytest.fixture
def model(db):
    random_ledger(accounts=40, rows=1500, seed=21, with_cost=True)
    return activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))


def replayed(model, days=DAYS):
    return backtest(model=model, days=days, fiscal_start_month=1)


def test_month_ends_are_the_last_days_in_order():
    assert month_ends(date(2024, 1, 31), date(2024, 4, 29)) == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]


def test_a_replay_gives_what_the_nights_publish_and_writes_nothing(model):
    found = replayed(model)
    assert not TierRun.objects.exists()
    assert not GradePeriod.objects.exists()

    runs = [night(day) for day in DAYS]

    ids = list(Account.objects.order_by("pk").values_list("pk", flat=True))
    for run, one in zip(runs, found.nights, strict=True):
        rows = dict(Score.objects.filter(run=run).values_list("account_id", "grade"))
        assert [GRADES[number] for number in one.shown] == [rows[pk] for pk in ids]
    assert found.with_rules.moves == sum(run.moves for run in runs) - _not_graded(runs)


def _not_graded(runs):
    """Moves of the nights to and from "not graded", which the stability of grades leaves out."""
    return sum(n for run in runs for before, now, n in run.matrix if "not_graded" in (before, now))


def test_the_rules_move_grades_less_often_and_take_fewer_moves_back(model):
    found = replayed(model)

    assert 0 < found.with_rules.moves < found.without_rules.moves
    assert found.with_rules.flaps < found.without_rules.flaps
    assert found.with_rules.account_years == found.without_rules.account_years or found.with_rules.account_years > 0


def test_moves_and_flaps_are_counted_as_by_hand():
    grades = {
        0: [
            "general",
            "gold",
            "general",
            "general",
            "gold",
            "gold",
            "gold",
            "gold",
            "gold",
        ],  # 3 moves; the first is taken back at once
        1: ["gold", "gold", "gold", "gold", "gold", "gold", "gold", "gold", "gold"],
        2: [
            "not_graded",
            "gold",
            "diamond",
            "diamond",
            "diamond",
            "diamond",
            "diamond",
            "gold",
            "gold",
        ],  # 2 moves, taken back after 5
    }
    days = month_ends(date(2024, 1, 1), date(2024, 9, 30))
    nights = [
        Night(day, np.array([GRADES.index(grades[k][i]) for k in grades]), *[np.zeros(3)] * 3)
        for i, day in enumerate(days)
    ]

    found = module._stability(nights)

    assert (found.moves, found.flaps) == (5, 2)  # general→gold back after 1, gold→general back after 2
    days_graded = 2 * (days[-1] - days[0]).days + (days[-1] - days[1]).days
    assert found.account_years == pytest.approx(days_graded / 365.25)
    assert found.flap_rate == 2 / 5


def test_validity_holds_the_score_against_the_year_after(model):
    found = replayed(model)

    assert [row.as_of for row in found.validity] == [day for day in DAYS if day <= date(2023, 12, 31)]
    assert found.measure == "gross_profit"
    row = found.validity[-1]
    assert row.accounts >= 10
    assert -1 <= row.composite <= 1
    assert row.last_year > 0
    graded = found.nights[DAYS.index(row.as_of)].shown
    assert sum(one.accounts for one in row.by_grade.values()) <= len(graded)


def test_without_costs_revenue_is_what_the_score_is_held_against(db):
    random_ledger(accounts=30, rows=900, seed=5)
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))

    found = replayed(model)

    assert found.measure == "revenue"
    assert found.validity[-1].composite is not None


def test_the_command_prints_json_and_says_what_it_needs(model, capsys):
    call_command("backtest", "--from", "2023-10-01", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed["evaluations"] == 15
    assert set(printed["with_rules"]) == {"moves", "moves_per_account_year", "flaps", "flap_rate"}

    call_command("backtest", "--from", "2023-10-01")
    assert "with the stability rules" in capsys.readouterr().out
    with pytest.raises(CommandError, match="two month-ends"):
        call_command("backtest", "--from", "2024-12-01")
    with pytest.raises(CommandError, match="no such scoring model"):
        call_command("backtest", "--model", "999999")


def test_an_empty_ledger_is_refused(db):
    create_model(preset=Preset.FULL, as_of=AS_OF)

    with pytest.raises(CommandError, match="no such scoring model"):
        call_command("backtest")


def test_outcomes_and_the_baseline_are_as_by_hand():
    grades, later = ["gold", "gold", "problem", "general"], ["gold", "general", "problem", "general"]
    was, became = np.array([10.0, 20.0, 30.0, 0.0]), np.array([12.0, 14.0, 0.0, 5.0])
    days = (date(2023, 12, 31), date(2024, 12, 31))
    nights = [
        Night(day, np.array([GRADES.index(grade) for grade in shown]), np.ones(4), revenue, np.full(4, np.nan))
        for day, shown, revenue in zip(days, (grades, later), (was, became), strict=True)
    ]

    pairs = module._with_year_after(nights)
    found = {grade: (one.accounts, one.median, one.customers, one.kept, one.declined)
             for grade, one in module._outcomes(pairs, is_costed=False).items()}  # fmt: skip

    assert len(pairs) == 1
    assert found == {"gold": (2, 13.0, 2, 2, 1), "problem": (1, 0.0, 1, 0, 1), "general": (1, 5.0, 0, 0, 0)}
    assert module._outcomes(pairs, is_costed=False)["general"].retention is None
