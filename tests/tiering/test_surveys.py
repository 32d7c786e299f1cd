"""Weights from several judges and from the dispersion of a night, and the drafts that take them over."""

from decimal import Decimal

import numpy as np
import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Account
from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tests.web.people import grant
from tiering.checks import activation_problems, is_as_taken_over, weights_of
from tiering.enums import Preset, WeightSource
from tiering.models import Judgement, WeightOrigin
from tiering.selectors_weights import _advice, dispersion_advice, survey_results
from tiering.services import activate_model, create_model, new_version
from tiering.services_weights import (
    AdviceRefused,
    Contradiction,
    SurveyRefused,
    close_survey,
    give_judgements,
    invite_judges,
    open_survey,
    take_over_blend,
    take_over_survey,
)

pytestmark = pytest.mark.django_db
# EX-15 of domain.md: SAL, STR, GRO, LOY compared; every pair i < j.
AGREEING = {
    ("SAL", "STR"): 2, ("SAL", "GRO"): 2, ("SAL", "LOY"): 3, ("STR", "GRO"): 1, ("STR", "LOY"): 2, ("GRO", "LOY"): 2,
}  # fmt: skip
CONTRADICTING = AGREEING | {("SAL", "LOY"): -9, ("STR", "LOY"): 9}


@pytest.fixture
def judges():
    return [grant(make_user(), "judge_weights") for _ in range(2)]


@pytest.fixture
def survey(judges):
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    return open_survey(model=model, part="", title="Dimensions", judges=judges, created_by=make_user())


def test_one_judge_gives_the_weights_of_the_worked_example(survey, judges):
    give_judgements(survey=survey, judge=judges[0], scales=AGREEING)

    result = survey_results([survey])[0]

    assert result.joint.found.weights == pytest.approx([0.423587, 0.227044, 0.227044, 0.122324], abs=5e-7)
    assert result.joint.found.consistency_ratio == pytest.approx(0.003838, abs=5e-7)
    assert result.waiting == (judges[1],)


def test_judges_together_are_the_geometric_mean_and_become_exactly_100_percent(survey, judges):
    give_judgements(survey=survey, judge=judges[0], scales=AGREEING)
    give_judgements(survey=survey, judge=judges[1], scales=dict.fromkeys(AGREEING, 1))
    by = make_user()

    draft = take_over_survey(survey=survey, base=survey.model, by=by)

    # Square roots of the judgements: eigenvector by power iteration.
    root = np.array([[1, 2, 2, 3], [0.5, 1, 1, 2], [0.5, 1, 1, 2], [1 / 3, 0.5, 0.5, 1]]) ** 0.5
    w = np.ones(4)
    for _ in range(200):
        w = root @ w
        w /= w.sum()
    found = weights_of(draft.design(), "")
    assert [float(weight) for weight in found.values()] == pytest.approx((100 * w).tolist(), abs=0.0101)
    assert sum(found.values()) == 100
    origin = WeightOrigin.objects.get(model=draft)
    assert (origin.source, origin.survey, origin.judges, draft.created_by) == (WeightSource.AHP, survey, 2, by)
    assert activation_problems(draft) == []


def test_judgements_that_contradict_are_not_taken_over_and_the_worst_is_named(survey, judges):
    give_judgements(survey=survey, judge=judges[0], scales=CONTRADICTING)

    with pytest.raises(Contradiction) as refused:
        take_over_survey(survey=survey, base=survey.model, by=make_user())

    assert "“Sales contribution” against “Loyalty” is judged 1 : 9" in str(refused.value)
    give_judgements(survey=survey, judge=judges[0], scales=AGREEING)  # said again, in place of the first
    assert Judgement.objects.count() == len(AGREEING)
    assert take_over_survey(survey=survey, base=survey.model, by=make_user()).version == 2


def test_weights_of_contradicting_judgements_keep_a_version_from_activation(survey, judges):
    give_judgements(survey=survey, judge=judges[0], scales=AGREEING)
    draft = take_over_survey(survey=survey, base=survey.model, by=make_user())
    WeightOrigin.objects.filter(model=draft).update(consistency_ratio=0.1)
    copy = new_version(model=draft)

    assert any("contradict" in problem for problem in activation_problems(copy))
    copy.dimensions.filter(code="SAL").update(weight=40)
    copy.dimensions.filter(code="STR").update(weight=Decimal("25.07"))
    assert not is_as_taken_over(copy.origins.get(), copy.design())
    assert not any("contradict" in problem for problem in activation_problems(copy))


def test_the_inside_of_a_dimension_is_taken_over_into_another_draft(survey, judges):
    give_judgements(survey=survey, judge=judges[0], scales=AGREEING)
    first = take_over_survey(survey=survey, base=survey.model, by=make_user())
    inside = open_survey(model=survey.model, part="SAL", title="Sales", judges=judges, created_by=make_user())
    give_judgements(survey=inside, judge=judges[0], scales={("S1", "S2"): 3, ("S1", "S3"): 5, ("S2", "S3"): 2})

    both = take_over_survey(survey=inside, base=first, by=make_user())

    assert weights_of(both.design(), "") == weights_of(first.design(), "")
    assert [float(one) for one in weights_of(both.design(), "SAL").values()] == pytest.approx([64.83, 22.97, 12.20])
    assert set(both.origins.values_list("part", flat=True)) == {"", "SAL"}


@pytest.mark.parametrize(
    "scales",
    [
        {},
        {pair: scale for pair, scale in AGREEING.items() if pair != ("SAL", "STR")},
        AGREEING | {("S1", "S2"): 3},
        AGREEING | {("SAL", "STR"): 0},
        AGREEING | {("SAL", "STR"): -1},
        AGREEING | {("SAL", "STR"): 10},
    ],
)
def test_judgements_off_the_scale_or_of_other_pairs_are_refused(survey, judges, scales):
    with pytest.raises(SurveyRefused):
        give_judgements(survey=survey, judge=judges[0], scales=scales)

    assert not Judgement.objects.exists()


def test_only_those_invited_judge_and_only_while_it_is_open(survey, judges):
    stranger, third = make_user(), grant(make_user(), "judge_weights")
    for judge in (stranger, third):
        with pytest.raises(SurveyRefused, match="not invited"):
            give_judgements(survey=survey, judge=judge, scales=AGREEING)
    with pytest.raises(SurveyRefused, match="may compare"):
        invite_judges(survey=survey, judges=[stranger])
    invite_judges(survey=survey, judges=[third])
    give_judgements(survey=survey, judge=third, scales=AGREEING)
    close_survey(survey=survey)
    with pytest.raises(SurveyRefused, match="closed"):
        give_judgements(survey=survey, judge=judges[0], scales=AGREEING)
    assert take_over_survey(survey=survey, base=survey.model, by=make_user())


def test_nothing_to_compare_no_title_and_no_judgement_are_refused(survey, judges):
    ledger_free = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    ledger_free.indicators.filter(dimension__code="SAL").exclude(code="S1").delete()
    for fields in ({"part": "SAL"}, {"title": " "}, {"judges": []}):
        asked = {"part": "", "title": "T", "judges": judges} | fields
        with pytest.raises(SurveyRefused):
            open_survey(model=ledger_free, created_by=make_user(), **asked)
    with pytest.raises(SurveyRefused, match="Nobody"):
        take_over_survey(survey=survey, base=survey.model, by=make_user())


def test_the_table_keeps_judgements_on_the_scale(survey, judges):
    for scale in (0, -1, 10, -10):
        with pytest.raises(IntegrityError), transaction.atomic():
            Judgement.objects.create(survey=survey, judge=judges[0], left="SAL", right="STR", scale=scale)


# --- Dispersion ---


def test_advice_is_the_entropy_of_the_scores_and_leaves_out_what_says_nothing():
    unknown = np.array([np.nan, np.nan, np.nan, 7.0])
    scores = {
        "A": np.array([80.0, 82, 78, 80]), "B": np.full(4, 50.0), "C": np.array([10.0, 40, 90, 60]), "D": unknown,
        "E": np.zeros(4),
    }  # fmt: skip
    manual = {code: Decimal(20) for code in scores}

    found = _advice(manual, scores)

    assert found.left_out == {"D": "unknown", "E": "zero"}
    # EX-15: 0.000804, 0, 0.999196 of the 60 % that are left.
    assert [float(found.advised[code]) for code in "ABC"] == pytest.approx([0.0483, 0, 59.9517], abs=2e-4)
    half = found.blended(0.5)
    assert [half[code] for code in "ABCDE"] == [Decimal(one) for one in ("10.02", "10.00", "39.98", "20.00", "20.00")]
    assert sum(half.values()) == 100


def test_constant_scores_advise_equal_weights():
    manual = {"A": Decimal(70), "B": Decimal(30)}

    found = _advice(manual, {"A": np.full(3, 40.0), "B": np.full(3, 90.0)})

    assert found.advised == {"A": Decimal("50.0"), "B": Decimal("50.0")}


def test_a_blend_is_taken_over_with_its_share_and_never_lets_dispersion_decide():
    random_ledger(accounts=20, rows=400, seed=4)
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    run, accounts, by = night(AS_OF), Account.objects.visible_to(make_superuser()), make_user()
    asked = {"run": run, "accounts": accounts, "fiscal_start_month": settings.FISCAL_YEAR_START_MONTH}

    advice = dispersion_advice(model=model, part="LOY", **asked)
    draft = take_over_blend(base=model, part="LOY", manual_share=Decimal("0.7"), by=by, **asked)

    assert weights_of(draft.design(), "LOY") == advice.blended(0.7)
    assert sum(weights_of(draft.design(), "LOY").values()) == 100
    origin = draft.origins.get()
    assert (origin.source, origin.manual_share, origin.run, origin.accounts) == (
        WeightSource.BLEND, Decimal("0.70"), run, advice.accounts,
    )  # fmt: skip
    for share in ("0.49", "1.01"):
        with pytest.raises(AdviceRefused, match="half or more"):
            take_over_blend(base=model, part="LOY", manual_share=Decimal(share), by=by, **asked)
    none = Account.objects.none()
    with pytest.raises(AdviceRefused, match="Too few"):
        take_over_blend(base=model, part="LOY", manual_share=Decimal("0.7"), by=by, **(asked | {"accounts": none}))
