"""POST tiering/simulate/: what a draft would make of the last night, with everything that is refused."""

from decimal import Decimal

import pytest

from tests.api.conftest import assert_problem
from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import account_columns, night, periods
from tiering.enums import Preset
from tiering.models import ScoringModel
from tiering.services import activate_model, create_model

ADDRESS = "/api/v1/tiering/simulate/"


@pytest.fixture
def graded(db):
    random_ledger(accounts=30, rows=700, seed=8)
    activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    return night(AS_OF)


def test_lower_thresholds_move_accounts_and_nothing_is_written(rest, graded):
    before = (periods(), account_columns(), ScoringModel.objects.count())
    body = {"thresholds": [
        {"grade": "gold", "condition": "revenue_ttm", "threshold": "1"},
        {"grade": "gold", "condition": "sal", "threshold": "0"},
        {"grade": "gold", "condition": "composite", "threshold": "0"},
    ]}  # fmt: skip

    answer = rest(make_superuser()).post(ADDRESS, body, format="json").json()

    assert answer["moved"] == answer["up"] == len(answer["movers"]) > 0
    assert answer["after"]["gold"] > answer["before"]["gold"]
    assert sum(row["accounts"] for row in answer["matrix"]) == answer["accounts"] == graded.accounts
    assert answer["moved_revenue"].count(".") == 1
    dearer = Decimal(answer["policy_cost_after"]) - Decimal(answer["policy_cost_before"])
    assert (dearer > 0, answer["policy_cost_currency"]) == (True, "CNY")
    assert (answer["run"], answer["model"]) == (graded.pk, str(graded.model))
    assert (periods(), account_columns(), ScoringModel.objects.count()) == before


def test_a_stranger_gets_the_same_question_over_no_account(rest, graded):
    answer = rest(make_user()).post(ADDRESS, {}, format="json").json()

    assert (answer["accounts"], answer["moved"], answer["movers"]) == (0, 0, [])


@pytest.mark.parametrize(
    "body",
    [
        {"weights": {"SAL": "90"}},
        {"weights": {"XXX": "10"}},
        {"weights": {"SAL": "-1"}},
        {"indicator_weights": {"L1": "99"}},
        {"thresholds": [{"grade": "gold", "condition": "str", "threshold": "1"}]},
        {"thresholds": [{"grade": "gold", "condition": "sal", "threshold": "NaN"}]},
        {"model": 2**40},
        {"colour": "red"},
    ],
)
def test_what_could_not_be_activated_is_refused(rest, graded, body):
    assert_problem(rest(make_superuser()).post(ADDRESS, body, format="json"), 400)


def test_without_a_night_there_is_nothing_to_re_score(rest, db):
    assert_problem(rest(make_superuser()).post(ADDRESS, {}, format="json"), 404)


def test_a_version_in_another_currency_is_refused(rest, graded):
    other = create_model(preset=Preset.FULL, as_of=AS_OF, currency="EUR")

    assert_problem(rest(make_superuser()).post(ADDRESS, {"model": other.pk}, format="json"), 400)
