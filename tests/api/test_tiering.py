from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm import pipeline
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.api.nights import AS_OF, make_published_run, make_scoring_model
from tests.factories import make_account, make_superuser, make_user, post_revenue
from tiering.enums import ModelState, RunState, RunTrigger
from tiering.models import GradePeriod, Quarantine, Score, ScoringModel, TierRun

MODELS = "/api/v1/tiering/models/"
RUNS = "/api/v1/tiering/runs/"
SCORES = "/api/v1/tiering/scores/"
GRADES = "/api/v1/tiering/grades/"


@pytest.fixture
def sent(monkeypatch):
    """What would have gone to a worker."""
    messages = []
    monkeypatch.setattr("crm.tasks.send", lambda task, **kwargs: messages.append(kwargs) or True)
    return messages


@pytest.fixture
def night(db):
    """A real night over two years of monthly revenue of five accounts."""
    accounts = [make_account(owner=make_user()) for _ in range(5)]
    rows = [
        {
            "account": account,
            "booked_on": date(year, month, 31 if month == 12 else 15),
            "amount": Decimal(1000 * (number + 1) * month),
        }
        for number, account in enumerate(accounts)
        for year in (2022, 2023)
        for month in range(1, 13)
    ]
    post_revenue(rows)
    run = pipeline.run_night(as_of=date(2023, 12, 31), trigger=RunTrigger.COMMAND)
    return accounts, run


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_a_model_shows_all_its_weights_scales_and_thresholds(rest):
    model = make_scoring_model()

    response = rest(make_user()).get(f"{MODELS}{model.pk}/")

    row = response.json()
    assert response.headers["ETag"]
    assert (row["preset"], row["state"], row["version"], row["min_base"]) == ("full", "active", 1, "1000.0000")
    assert sum(Decimal(part["weight"]) for part in row["dimensions"]) == 100
    assert {part["code"] for part in row["indicators"]} >= {"S1", "V1", "P1", "L1"}
    assert row["indicators"][0]["anchors"][0] == [0.0, 0.0]
    assert {"grade": "diamond", "condition": "sal", "threshold": "70.000000"} in row["rules"]


@pytest.mark.parametrize("models", [1, 3])
def test_models_are_listed_with_a_constant_number_of_statements(admin, models, django_assert_num_queries):
    for _ in range(models):
        make_scoring_model(active=False)

    with django_assert_num_queries(
        8
    ):  # token with its user, count, page, dimensions, indicators with theirs, rules, activations
        assert len(ids(admin.get(MODELS))) == models


def test_a_draft_is_made_proposed_and_approved_by_somebody_else(admin, rest, night):
    other = make_superuser()
    created = admin.post(MODELS, {"preset": "full", "diamond": "50000000", "currency": "EUR"}, format="json")
    assert created.status_code == 201, created.content
    row = created.json()
    address = f"{MODELS}{row['id']}/"
    assert (row["state"], row["version"], row["currency"]) == ("draft", 1, "EUR")
    assert created.headers["Location"] == address
    early = admin.post(f"{address}propose/", {"effective_on": "2023-12-30", "text": "More"}, format="json")
    proposed = admin.post(f"{address}propose/", {"effective_on": "2030-01-01", "text": "More"}, format="json")
    own = admin.post(f"{address}approve/", format="json")
    approved = rest(other).post(f"{address}approve/", format="json")

    assert [assert_problem(one, 409)["type"] for one in (early, own)] == ["urn:facet:problem:activation-refused"] * 2
    assert (proposed.status_code, proposed.json()["state"]) == (200, "proposed")
    assert approved.json()["state"] == "approved"
    way = approved.json()["activations"][0]
    assert (way["effective_on"], way["proposed_by"], way["decided_by"]) == (
        "2030-01-01", admin.user.username, other.username,
    )  # fmt: skip
    assert ids(admin.get(MODELS, {"state": "active"})) == [night[1].model_id]
    refused = admin.post(f"{address}refuse/", {"text": "Not now"}, format="json").json()
    assert (refused["state"], refused["activations"][0]["state"]) == ("draft", "withdrawn")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"preset": "own"},
        {"preset": "full", "diamond": "0"},
        {"preset": "full", "diamond": "NaN"},
        {"preset": "full", "currency": "euro"},
        {"preset": "full", "as_of": "9999-01-01"},
        {"preset": "full", "state": "active"},
    ],
)
def test_bad_models_are_400_and_leave_nothing(admin, body):
    assert_problem(admin.post(MODELS, body, format="json"), 400)

    assert not ScoringModel.objects.exists()


def test_a_ledger_without_revenue_makes_no_ledger_only_model(admin):
    problem = assert_problem(admin.post(MODELS, {"preset": "ledger-only"}, format="json"), 422)

    assert problem["type"] == "urn:facet:problem:nothing-to-grade"
    assert not ScoringModel.objects.exists()


def test_a_model_that_lacks_a_threshold_is_not_proposed(admin, night):
    draft = admin.post(MODELS, {"preset": "contribution-two-years"}, format="json").json()

    body = {"effective_on": "2030-01-01", "text": "x"}
    problem = assert_problem(admin.post(f"{MODELS}{draft['id']}/propose/", body, format="json"), 422)

    assert problem["type"] == "urn:facet:problem:model-refused"
    assert ScoringModel.objects.get(pk=draft["id"]).state == ModelState.DRAFT


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_models_and_runs_are_not_edited_over_rest(admin, method):
    model = make_scoring_model()
    run = make_published_run(model, {})

    for address in (f"{MODELS}{model.pk}/", f"{RUNS}{run.pk}/"):
        assert_problem(getattr(admin, method)(address, {}, format="json", headers={"If-Match": "*"}), 405)


def test_a_night_is_asked_for_once(admin, night, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first = admin.post(RUNS, {}, format="json")
        again = admin.post(RUNS, {}, format="json")

    assert (first.status_code, again.status_code) == (202, 202), first.content
    run = TierRun.objects.get(state=RunState.DUE)
    assert first.json()["id"] == again.json()["id"] == run.pk
    assert first.headers["Location"] == f"{RUNS}{run.pk}/"
    assert (run.requested_by, run.trigger, str(run.as_of)) == (admin.user, RunTrigger.PAGE, "2023-12-31")
    assert sent[0] == {"as_of": "2023-12-31", "trigger": RunTrigger.PAGE}


def test_an_earlier_day_than_the_last_night_is_refused(admin, night, sent):
    assert_problem(admin.post(RUNS, {"as_of": "2023-06-30"}, format="json"), 409)
    assert_problem(admin.post(RUNS, {"as_of": "2150-01-01"}, format="json"), 409)
    assert_problem(admin.post(RUNS, {"as_of": "soon"}, format="json"), 400)

    assert not TierRun.objects.filter(state=RunState.DUE).exists()
    assert sent == []


def test_asking_for_a_night_needs_its_right(rest, sent):
    assert_problem(rest(make_user()).post(RUNS, {}, format="json"), 403)
    assert rest(make_editor("tiering.retier")).post(RUNS, {}, format="json").status_code == 202


def test_a_run_counts_what_the_viewer_may_see(admin, rest):
    owner = make_user()
    mine, hidden = make_account(owner=owner), make_account()
    model = make_scoring_model()
    run = make_published_run(model, {mine: "gold", hidden: "diamond"}, previous="general")

    everything = admin.get(f"{RUNS}{run.pk}/").json()
    own = rest(owner).get(f"{RUNS}{run.pk}/").json()
    listed = rest(owner).get(RUNS).json()["results"][0]

    assert (everything["counts"], everything["accounts"], everything["moves"]) == ({"gold": 1, "diamond": 1}, 2, 2)
    assert (own["accounts"], own["moves"], own["counts"]["gold"], own["counts"]["diamond"]) == (1, 1, 1, 0)
    assert listed == own
    assert rest(make_user()).get(f"{RUNS}{run.pk}/").json()["accounts"] == 0


def test_a_published_run_tells_its_phases_and_counts(admin, night):
    _accounts, run = night

    row = admin.get(f"{RUNS}{run.pk}/").json()

    assert (row["state"], row["as_of"], row["accounts"]) == ("published", "2023-12-31", 5)
    assert sum(row["counts"].values()) == 5
    assert [phase["name"] for phase in row["phases"]][-2:] == ["publish", "promises"]
    assert row["seconds"] > 0


def test_a_run_lists_what_it_set_apart_of_the_accounts_the_viewer_may_see(admin, rest):
    owner = make_user()
    mine, hidden = make_account(owner=owner), make_account()
    run = make_published_run(make_scoring_model(), {mine: "gold", hidden: "diamond"}, quarantined=2)
    for account in (mine, hidden):
        Quarantine.objects.create(run=run, account=account, reason="amount", figure="revenue_ttm", value="2e+15")

    own = rest(owner).get(f"{RUNS}{run.pk}/quarantined/").json()["results"]

    assert own == [
        {"account": mine.pk, "account_code": mine.code, "account_name": mine.name, "reason": "amount",
         "figure": "revenue_ttm", "value": "2e+15"}
    ]  # fmt: skip
    assert [
        client.get(f"{RUNS}{run.pk}/").json()["quarantined"] for client in (admin, rest(owner), rest(make_user()))
    ] == [2, 1, 0]
    assert len(admin.get(f"{RUNS}{run.pk}/quarantined/").json()["results"]) == 2
    assert rest(make_user()).get(f"{RUNS}{run.pk}/quarantined/").json()["results"] == []


@pytest.mark.parametrize("runs", [1, 3])
def test_runs_are_listed_with_a_constant_number_of_statements(rest, runs, django_assert_num_queries):
    owner = make_user()
    model, account = make_scoring_model(), make_account(owner=owner)
    for number in range(runs):
        make_published_run(model, {account: "gold"}, as_of=AS_OF + timedelta(days=number))
    client = rest(owner)

    with django_assert_num_queries(6):  # token with its user, count, page, two for rights, what may be seen
        assert len(ids(client.get(RUNS))) == runs


def test_scores_are_those_of_the_latest_night_unless_one_is_named(admin):
    account, other = make_account(), make_account()
    model = make_scoring_model()
    before = make_published_run(model, {account: "general", other: "gold"})
    latest = make_published_run(model, {account: "gold"}, as_of=AS_OF + timedelta(days=1), previous="general")
    TierRun.objects.create(as_of=AS_OF, model=model, state=RunState.FAILED, trigger=RunTrigger.NIGHT)

    newest = admin.get(SCORES).json()["results"]
    assert [(row["run"], row["account"], row["grade"]) for row in newest] == [(latest.pk, account.pk, "gold")]
    assert len(ids(admin.get(SCORES, {"run": before.pk}))) == len(ids(admin.get(SCORES, {"as_of": str(AS_OF)}))) == 2
    assert len(ids(admin.get(SCORES, {"run": before.pk, "grade": "gold"}))) == 1
    assert len(ids(admin.get(SCORES, {"previous_grade": "general", "account": account.pk}))) == 1
    assert pointers(assert_problem(admin.get(SCORES, {"run": latest.pk + 1}), 400)) == ["run"]


def test_a_score_names_its_values_and_contributions(admin, night):
    accounts, run = night

    row = admin.get(SCORES, {"account": accounts[4].pk}).json()["results"][0]

    assert (row["run"], row["as_of"], row["account_code"]) == (run.pk, "2023-12-31", accounts[4].code)
    assert row["raw"]["S1"] == pytest.approx(5000 * 78)
    known = [points for points in row["contributions"].values() if points is not None]
    assert sum(known) == pytest.approx(row["composite"])
    assert row["grade"] == Account.objects.get(pk=accounts[4].pk).grade
    assert all(flag.islower() for flag in row["flags"])


def test_an_account_without_a_night_has_no_scores(admin):
    assert admin.get(SCORES).json()["count"] == 0


@pytest.mark.parametrize("accounts", [1, 3])
@pytest.mark.parametrize("address", [SCORES, GRADES])
def test_results_are_listed_with_a_constant_number_of_statements(rest, accounts, address):
    owner = make_user()
    make_published_run(make_scoring_model(), {make_account(owner=owner): "gold" for _ in range(accounts)})
    client = rest(owner)

    with CaptureQueriesContext(connection) as captured:
        assert len(ids(client.get(address))) == accounts

    assert len(captured) == (6 if address == SCORES else 5)


def test_results_of_hidden_accounts_are_not_listed(rest):
    owner = make_user()
    mine, hidden = make_account(owner=owner), make_account()
    make_published_run(make_scoring_model(), {mine: "gold", hidden: "diamond"})
    client = rest(owner)

    for address in (SCORES, GRADES):
        assert [row["account"] for row in client.get(address).json()["results"]] == [mine.pk]
        assert pointers(assert_problem(client.get(address, {"account": hidden.pk}), 400)) == ["account"]
    assert_problem(client.get(f"/api/v1/accounts/{hidden.pk}/tiering/"), 404)


def test_grades_are_a_dated_history(admin):
    account = make_account()
    model = make_scoring_model()
    make_published_run(model, {account: "general"})
    make_published_run(model, {account: "gold"}, as_of=AS_OF + timedelta(days=10))

    def held(**query):
        rows = admin.get(GRADES, {"account": account.pk, **query}).json()["results"]
        return [(row["grade"], row["valid_from"], row["valid_to"]) for row in rows]

    assert held() == [("gold", "2024-07-10", None), ("general", "2024-06-30", "2024-07-10")]
    assert held(on="2024-07-09") == [("general", "2024-06-30", "2024-07-10")]
    assert held(on="2024-07-10") == held(valid_to__isnull="true") == [("gold", "2024-07-10", None)]
    assert held(on="2024-06-29") == []
    assert held(grade="general", valid_from__lte="2024-06-30") == [("general", "2024-06-30", "2024-07-10")]
    assert pointers(assert_problem(admin.get(GRADES, {"on": "soon"}), 400)) == ["on"]


def test_the_reasons_of_a_grade_add_up(admin, night):
    accounts, run = night

    found = admin.get(f"/api/v1/accounts/{accounts[3].pk}/tiering/").json()

    score = Score.objects.get(run=run, account=accounts[3])
    assert (found["run"], found["account"], found["as_of"]) == (run.pk, accounts[3].pk, "2023-12-31")
    assert found["score"] == found["composite"] == score.composite
    assert sum(points or 0 for points in found["contributions"].values()) == pytest.approx(score.composite)
    assert found["sentence"]
    for condition in found["conditions"]:
        if condition["value"] is not None:
            assert condition["margin"] == pytest.approx(condition["value"] - condition["threshold"], abs=1e-3)
    failing = [c for c in found["conditions"] if c["grade"] == found["next_grade"] and not c["passed"]]
    assert found["failing"] == failing
    assert {"grades", "dimensions", "missing", "notes", "evidence", "ladder", "previous_grade"} <= set(found)
    lines = {line["grade"]: line for line in found["grades"]}
    for target in found["nearest"]:
        conditions = {c["reads"]: c for c in lines[target["grade"]]["conditions"]}
        assert target["needs"], target
        for need in target["needs"]:
            condition = conditions[need["reads"]]
            assert need["gap"] == (None if condition["margin"] is None else pytest.approx(-condition["margin"]))
            assert not (need["is_blocking"] and condition["passed"])


def test_an_account_no_night_has_graded_yet_has_no_reasons(admin):
    assert_problem(admin.get(f"/api/v1/accounts/{make_account().pk}/tiering/"), 404)


def test_corrections_of_the_history_are_listed_for_who_sees_the_account(rest, night):
    accounts, run = night
    GradePeriod.objects.filter(account__in=accounts[:2]).delete()

    found = rest(accounts[0].owner).get("/api/v1/tiering/grade-corrections/").json()["results"]

    assert [(row["account"], row["valid_from"], row["run"]) for row in found] == [
        (accounts[0].pk, "2023-12-31", run.pk)
    ]
