"""Line 4 asks for two people from two functions, one of them not the account manager (domain.md 3.4, 3.6; EX-17 a8)."""

from datetime import date

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import EvaluatorFunction, TeamRole
from tests.factories import (
    make_account,
    make_rating,
    make_team_member,
    make_user,
    make_wallet_estimate,
    post_revenue,
)
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tiering import facts
from tiering.enums import Preset
from tiering.explain import explain
from tiering.grading import Flag
from tiering.indicators import measure
from tiering.models import Score
from tiering.services import activate_model, create_model

SALES, DELIVERY, PRODUCT = EvaluatorFunction.SALES, EvaluatorFunction.DELIVERY, EvaluatorFunction.PRODUCT


@pytest.fixture
def model(db):
    return create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")


def rate(account, *said):
    """One strategic rating of 5 each: (user, function), with the day where it matters."""
    for user, function, *day in said:
        rated_on = day[0] if day else date(2024, 6, 1)
        for indicator in ("V1", "V2", "V3"):
            make_rating(
                account=account, evaluator=user, function=function, indicator=indicator, score=5, rated_on=rated_on,
                expires_on=date(2025, 5, 1),
            )  # fmt: skip


def seat(account, user, valid_from=date(2020, 1, 1), valid_to=None):
    make_team_member(
        account=account, user=user, role=TeamRole.ACCOUNT_MANAGER, valid_from=valid_from, valid_to=valid_to
    )


def counted(model, account):
    found = measure(model, as_of=AS_OF, codes=(), fiscal_start_month=1)
    place = int(np.searchsorted(found.ids, account.pk))
    told = Flag(int(found.flags[place])) & (Flag.ONE_FUNCTION | Flag.ONLY_MANAGERS)
    return float(found.inputs["evaluators"][place]), told


@pytest.mark.parametrize(
    ("functions", "value", "told"),
    [
        ((), 0, Flag(0)),
        ((SALES,), 1, Flag(0)),
        ((SALES, SALES), 1, Flag.ONE_FUNCTION),
        ((SALES, DELIVERY), 2, Flag(0)),
        ((SALES, SALES, DELIVERY), 3, Flag(0)),
    ],
)
def test_evaluators_count_as_people_once_two_functions_speak(model, functions, value, told):
    account = make_account()
    rate(account, *((make_user(), function) for function in functions))

    assert counted(model, account) == (value, told)


def test_one_person_of_two_functions_is_one_evaluator(model):
    account, user = make_account(), make_user()
    make_rating(account=account, evaluator=user, function=SALES, indicator="V1", expires_on=date(2025, 5, 1))
    make_rating(account=account, evaluator=user, function=PRODUCT, indicator="V2", expires_on=date(2025, 5, 1))

    assert counted(model, account) == (1, Flag(0))


def test_two_account_managers_do_not_make_a_cross_functional_view(model):
    """Only one holds the seat on a day: who rated while holding it, and who holds it now, both speak for the account."""
    account, before, now, outside = make_account(), make_user(), make_user(), make_user()
    seat(account, before, valid_to=date(2024, 9, 1))
    seat(account, now, valid_from=date(2024, 9, 1))
    seat(make_account(), outside)
    rate(account, (before, SALES), (now, DELIVERY))

    assert counted(model, account) == (1, Flag.ONLY_MANAGERS)

    rate(account, (outside, PRODUCT))

    assert counted(model, account) == (3, Flag(0))  # the manager of another account is not one of this


def test_who_left_the_seat_before_rating_is_an_outsider(model):
    account, former, now = make_account(), make_user(), make_user()
    seat(account, former, valid_to=date(2024, 1, 1))
    seat(account, now, valid_from=date(2024, 1, 1))
    rate(account, (former, DELIVERY), (now, SALES))

    assert counted(model, account) == (2, Flag(0))


def test_ratings_are_one_query_and_a_second_term_in_the_seat_changes_nothing(model):
    account, user = make_account(), make_user()
    seat(account, user, valid_to=date(2024, 7, 1))
    seat(account, user, valid_from=date(2024, 10, 1))
    rate(account, (user, SALES))
    with CaptureQueriesContext(connection) as caught:
        facts.ratings(as_of=AS_OF)

    assert len([query for query in caught if "accounts_rating" in query["sql"]]) == 1
    assert counted(model, account) == (1, Flag(0))


@pytest.mark.parametrize(
    ("functions", "grade", "reason"),
    [
        ((SALES, DELIVERY), "strategic", ""),
        ((SALES, SALES), "general", "All of them are from one function; they have to be from two functions."),
        ((SALES,), "general", "Two people from two functions have to rate, one of them not its account manager."),
    ],
)
def test_line_four_names_the_part_that_is_missing(model, functions, grade, reason):
    account = make_account()
    post_revenue(monthly(account, 50_000, first=date(2022, 1, 1), months=36, cost=30_000))
    make_wallet_estimate(account=account, amount=1_000_000, expires_on=date(2025, 5, 1))
    rate(account, *((make_user(), function) for function in functions))
    for indicator in ("P3", "L5"):
        make_rating(account=account, indicator=indicator, score=2, expires_on=date(2025, 5, 1))
    activate_model(model=model)
    run = night(AS_OF)

    told = explain(Score.objects.select_related("run__model").get(run=run, account=account))

    line = next(line for line in told.grades if line.grade == "strategic")
    condition = next(condition for condition in line.conditions if condition.rule == "evaluators")
    assert (told.grade, condition.reason, condition.passed) == (grade, reason, grade == "strategic")
