"""Surveys of weights over REST: started, judged pair by pair with a tag, told with their consistency, taken over."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import assert_problem, make_editor
from tests.factories import make_user
from tests.tiering.company import AS_OF
from tests.tiering.test_surveys import AGREEING, CONTRADICTING
from tiering.enums import Preset
from tiering.models import Judgement, ScoringModel, WeightSurvey
from tiering.services import create_model
from tiering.services_weights import give_judgements, open_survey

SURVEYS = "/api/v1/tiering/weight-surveys/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")


@pytest.fixture
def boss():
    return make_editor("tiering.add_weightsurvey", "tiering.add_scoringmodel")


@pytest.fixture
def judge():
    return make_editor("tiering.judge_weights")


def sent(scales):
    return {"judgements": [{"left": a, "right": b, "scale": scale} for (a, b), scale in scales.items()]}


def start(client, model, *judges, **fields):
    body = {"title": "Dimensions 2025", "model": model.pk, "judges": [one.pk for one in judges], **fields}
    return client.post(SURVEYS, body, format="json")


def test_survey_from_start_to_draft(rest, model, boss, judge):
    started = start(rest(boss), model, judge)
    address = started.headers["Location"]
    empty = rest(judge).get(f"{address}judgements/")
    tag = empty.headers["ETag"]
    without = rest(judge).put(f"{address}judgements/", sent(AGREEING), format="json")
    given = rest(judge).put(f"{address}judgements/", sent(AGREEING), format="json", headers={"If-Match": tag})
    stale = rest(judge).put(f"{address}judgements/", sent(AGREEING), format="json", headers={"If-Match": tag})
    told = rest(make_user()).get(address).json()
    draft = rest(boss).post(f"{address}take-over/", {}, format="json")
    closed = rest(boss).post(f"{address}close/")

    assert (started.status_code, started.json()["items"]) == (201, ["SAL", "STR", "GRO", "LOY"])
    assert (started.json()["waiting"], started.json()["joint"]) == ([judge.pk], None)
    assert empty.json() == {"judgements": []}
    assert_problem(without, 428)
    assert given.json() == sent(AGREEING)
    assert_problem(stale, 412)
    assert told["waiting"] == []
    assert told["said"][0]["judge"] == judge.pk
    assert told["joint"]["weights"]["SAL"] == pytest.approx(0.424, abs=5e-4)
    assert (told["joint"]["is_consistent"], told["joint"]["contradiction"]) == (True, "")
    assert (draft.status_code, draft.json()["state"]) == (201, "draft")
    assert ScoringModel.objects.get(pk=draft.json()["id"]).origins.get().judges == 1
    assert closed.json()["state"] == "closed"
    assert_problem(rest(boss).post(f"{address}close/"), 422)


def test_contradiction_is_told_and_not_taken_over(rest, model, boss, judge):
    survey = open_survey(model=model, part="", title="Weights", judges=[judge], created_by=boss)
    give_judgements(survey=survey, judge=judge, scales=CONTRADICTING)

    told = rest(judge).get(f"{SURVEYS}{survey.pk}/").json()
    refused = rest(boss).post(f"{SURVEYS}{survey.pk}/take-over/", {}, format="json")

    assert told["joint"]["is_consistent"] is False
    assert "Compare that pair again" in told["joint"]["contradiction"]
    assert "Compare that pair again" in assert_problem(refused, 422)["detail"]
    assert ScoringModel.objects.count() == 1


def test_only_who_is_invited_judges_every_pair_on_the_scale(rest, model, boss, judge):
    survey = open_survey(model=model, part="", title="Weights", judges=[judge], created_by=boss)
    address, first = f"{SURVEYS}{survey.pk}/judgements/", next(iter(AGREEING))

    def put(person, body):
        return rest(person).put(address, body, format="json", headers={"If-Match": "*"})

    twice = sent(AGREEING)
    twice["judgements"].append(twice["judgements"][0])
    assert_problem(put(boss, sent(AGREEING)), 403)
    assert_problem(put(judge, sent({pair: 1 for pair in AGREEING if pair != first})), 422)
    assert_problem(put(judge, sent(AGREEING | {first: 12})), 400)
    assert_problem(put(judge, sent(AGREEING | {first: 0})), 422)
    assert_problem(put(judge, twice), 400)
    assert not Judgement.objects.exists()


def test_who_may_not_judge_is_not_invited_and_rights_are_asked_for(rest, model, boss, judge):
    stranger = make_user()
    survey = open_survey(model=model, part="", title="Weights", judges=[judge], created_by=boss)
    address = f"{SURVEYS}{survey.pk}/"

    assert_problem(start(rest(boss), model, stranger), 422)
    assert_problem(start(rest(boss), model, judge, part="P9"), 400)
    assert_problem(start(rest(stranger), model, judge), 403)
    assert_problem(rest(boss).post(f"{address}invite/", {"judges": [stranger.pk]}, format="json"), 422)
    for step in ("invite", "close", "take-over"):
        assert_problem(rest(stranger).post(f"{address}{step}/", {}, format="json"), 403)
    more = make_editor("tiering.judge_weights")
    invited = rest(boss).post(f"{address}invite/", {"judges": [more.pk]}, format="json")
    assert sorted(invited.json()["waiting"]) == sorted([judge.pk, more.pk])
    assert WeightSurvey.objects.count() == 1


def test_list_asks_as_much_for_three_as_for_one(rest, model, boss, judge):
    def asked():
        client = rest(boss)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(SURVEYS).status_code == 200
        return len(queries)

    def make():
        survey = open_survey(model=model, part="", title="Weights", judges=[judge], created_by=boss)
        give_judgements(survey=survey, judge=judge, scales=AGREEING)

    make()
    one = asked()
    make(), make()
    assert asked() == one
