"""The pages on which people compare weights, see what the data advise, and take weights over into a draft."""

import pytest
from django.urls import reverse

from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tests.tiering.test_surveys import AGREEING, CONTRADICTING
from tests.web.people import grant
from tiering.enums import ModelState, Preset
from tiering.models import Judgement, ScoringModel, WeightSurvey
from tiering.services import activate_model, create_model
from tiering.services_weights import give_judgements, open_survey

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/weights/"


@pytest.fixture
def model() -> ScoringModel:
    return create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")


@pytest.fixture
def judge():
    return grant(make_user(first_name="Ada"), "judge_weights")


@pytest.fixture
def survey(model, judge):
    return open_survey(model=model, part="", title="Dimensions 2025", judges=[judge], created_by=make_user())


def places(scales):
    """What the sliders send: -8 the left matters extremely more, 8 the right."""
    return {f"{left}-{right}": str(1 - scale if scale > 0 else -scale - 1) for (left, right), scale in scales.items()}


def judged(client, survey, scales):
    return client.post(reverse("tiering:survey_judge", args=[survey.pk]), places(scales), follow=True)


def test_a_survey_is_started_judged_and_taken_over(client, model, judge):
    boss = grant(make_user(), "add_weightsurvey", "add_scoringmodel")
    client.force_login(boss)
    assert "Ada" in client.get(reverse("tiering:survey_new")).content.decode()
    made = client.post(
        reverse("tiering:survey_new"), {"title": "Dimensions 2025", "model": model.pk, "part": "", "judges": [judge.pk]}
    )
    survey = WeightSurvey.objects.get()
    assert made.url == reverse("tiering:survey", args=[survey.pk])

    client.force_login(judge)
    assert "You are asked to compare: Dimensions 2025" in client.get(ADDRESS).content.decode()
    html = judged(client, survey, AGREEING).content.decode()
    assert "0.004" in html
    assert "42.4%" in html
    assert "Sales contribution matters moderately more (3)" in html
    assert Judgement.objects.get(left="SAL", right="LOY").scale == 3

    client.force_login(boss)
    taken = client.post(reverse("tiering:survey_take_over", args=[survey.pk]), {"base": model.pk})
    draft = ScoringModel.objects.get(version=2)
    assert taken.url == reverse("tiering:model_version", args=[draft.pk])
    assert "1 judge" in client.get(ADDRESS, {"model": draft.pk}).content.decode()
    client.post(reverse("tiering:survey_close", args=[survey.pk]))
    survey.refresh_from_db()
    assert not survey.is_open


def test_a_contradiction_is_told_at_once_and_cannot_be_taken_over(client, survey, judge):
    client.force_login(judge)
    assert "Furthest from the rest" in judged(client, survey, CONTRADICTING).content.decode()

    client.force_login(make_superuser())
    page = client.get(reverse("tiering:survey", args=[survey.pk])).content.decode()
    refused = client.post(reverse("tiering:survey_take_over", args=[survey.pk]), follow=True).content.decode()

    assert "Make the draft" not in page
    assert "Compare that pair again" in refused
    assert ScoringModel.objects.count() == 1


@pytest.mark.parametrize("change", [{"SAL-STR": ""}, {"SAL-STR": "nine"}, {"SAL-STR": "9"}, {"SAL-STR": "-9"}])
def test_a_pair_left_out_or_off_the_scale_is_refused(client, survey, judge, change):
    client.force_login(judge)

    response = client.post(reverse("tiering:survey_judge", args=[survey.pk]), places(AGREEING) | change)

    assert response.status_code == 422
    assert not Judgement.objects.exists()


def test_rights_decide_who_starts_judges_invites_and_takes_over(client, survey, model):
    client.force_login(make_user())

    assert client.get(reverse("tiering:survey_new")).status_code == 403
    assert client.get(reverse("tiering:survey_judge", args=[survey.pk])).status_code == 403
    for name in ("survey_invite", "survey_close", "survey_take_over"):
        assert client.post(reverse(f"tiering:{name}", args=[survey.pk])).status_code == 403
    assert client.post(reverse("tiering:weights_blend")).status_code == 403
    page = client.get(reverse("tiering:survey", args=[survey.pk])).content.decode()
    assert not [words for words in ("Close the survey", "Compare the pairs", "Invite them") if words in page]


def test_a_survey_without_judges_is_shown_again_and_more_are_invited_later(client, survey, model, judge):
    client.force_login(make_superuser())
    other = grant(make_user(), "judge_weights")

    response = client.post(reverse("tiering:survey_new"), {"title": "T", "model": model.pk, "part": ""})
    client.post(reverse("tiering:survey_invite", args=[survey.pk]), {"judges": [other.pk, "x"]})

    assert response.status_code == 422
    assert set(survey.judges.all()) == {judge, other}


def test_dispersion_is_shown_beside_the_weights_and_blended_into_a_draft(client):
    random_ledger(accounts=20, rows=400, seed=4)
    active = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    client.force_login(make_superuser())
    assert "No night has been published yet" in client.get(ADDRESS).content.decode()
    night(AS_OF)

    query = {"model": active.pk, "part": "LOY", "share": "0.6"}
    html = client.get(ADDRESS, query, headers={"HX-Request": "true"}).content.decode()
    response = client.post(reverse("tiering:weights_blend"), query)

    assert "<html" not in html
    assert "Months with an order, of 12" in html
    draft = ScoringModel.objects.get(state=ModelState.DRAFT)
    assert response.url == reverse("tiering:model_version", args=[draft.pk])
    assert "60% by hand" in client.get(ADDRESS, {"model": draft.pk}).content.decode()


@pytest.mark.parametrize("text", ["nine", "0", "NaN", "1e400", ""])
def test_a_share_that_cannot_be_read_is_the_usual_or_the_nearest(client, model, text):
    client.force_login(make_user())

    assert client.get(ADDRESS, {"share": text, "part": "XXX", "model": "x"}).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(client, model, count, django_assert_num_queries):
    for number in range(count):
        judges = [grant(make_user(), "judge_weights") for _ in range(count)]
        made = open_survey(model=model, part="", title=f"S{number}", judges=judges, created_by=make_user())
        for judge in judges:
            give_judgements(survey=made, judge=judge, scales=AGREEING)
    client.force_login(make_superuser())
    client.get(ADDRESS)

    with django_assert_num_queries(14):
        client.get(ADDRESS)
    with django_assert_num_queries(12):
        client.get(reverse("tiering:survey", args=[made.pk]))
