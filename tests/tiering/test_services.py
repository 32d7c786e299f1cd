"""Scoring models: from preset to draft, active, retired; what has been in use never changes."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests.factories import make_account, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tiering.enums import ModelState, Preset
from tiering.grading import INPUTS
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel
from tiering.presets import NothingToGrade, full
from tiering.services import ModelRefused, activate_model, activation_problems, create_model, ensure_model, new_version


def threshold(model, grade, condition):
    return model.rules.get(grade=grade, condition=condition).threshold


def test_create_model_stores_the_preset_as_plain_numbers(db):
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="USD")

    expected = full()
    stored = ScoringModel.objects.get(pk=model.pk).design()
    assert stored == expected
    assert (str(model), model.state, model.currency) == ("full v1", ModelState.DRAFT, "USD")


def test_ledger_only_finds_its_numbers_in_the_fiscal_year_and_the_last_12_months(db, settings):
    settings.FISCAL_YEAR_START_MONTH = 7
    early, late = make_account(), make_account()
    post_revenue(
        monthly(early, 1000, first=date(2023, 7, 1), months=12) + monthly(late, 250, first=date(2024, 1, 1), months=12)
    )

    model = create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF)

    # Fiscal year July 2023 to June 2024: 12,000 and 1,500; calendar 2024: 6,000 and 3,000.
    assert threshold(model, "diamond", "revenue_each_year") == 11000  # p99 11,895
    assert threshold(model, "gold", "revenue_ttm") == 11000  # p95 11,475
    assert threshold(model, "potential", "prior_revenue") == 4500
    assert model.indicators.get(code="S1").anchors[1] == [4500.0, 20]
    assert model.currency == "CNY"


def test_ledger_only_uses_the_last_12_months_where_no_fiscal_year_is_covered(db):
    post_revenue(monthly(make_account(), 1000, first=date(2024, 2, 1), months=11))

    model = create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF)

    assert threshold(model, "gold", "revenue_ttm") == 11000


def test_ledger_only_refuses_an_empty_ledger(db):
    with pytest.raises(NothingToGrade):
        create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF)

    assert not ScoringModel.objects.exists()


def test_a_currency_without_rates_cannot_be_scaled(db):
    random_ledger(accounts=5, rows=100, seed=3)

    with pytest.raises(NothingToGrade, match="exchange rates"):
        create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF, currency="USD")


def test_contribution_model_waits_for_its_amount(db):
    random_ledger(accounts=5, rows=100, seed=3)
    waiting = create_model(preset=Preset.CONTRIBUTION, as_of=AS_OF)

    with pytest.raises(ModelRefused) as refused:
        activate_model(model=waiting)

    assert "revenue_each_year" in str(refused.value)
    waiting.refresh_from_db()
    assert waiting.state == ModelState.DRAFT
    filled = create_model(preset=Preset.CONTRIBUTION, as_of=AS_OF, diamond=Decimal(100_000_000))
    assert activate_model(model=filled).state == ModelState.ACTIVE


def test_activating_retires_the_model_before(db):
    user = make_user()
    first, second = (create_model(preset=Preset.FULL, as_of=AS_OF) for _ in range(2))
    activate_model(model=first)

    active = activate_model(model=second, activated_by=user)

    first.refresh_from_db()
    assert (first.state, active.state, active.version, active.activated_by) == ("retired", "active", 2, user)
    assert active.raw_layout == [code for _, code, _, _ in full().indicators] + list(INPUTS)
    assert activate_model(model=second).activated_at == active.activated_at


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda model: model.dimensions.filter(code="LOY").update(weight=14), "sum to 100"),
        (lambda model: model.indicators.filter(code="V1").update(weight=39), "Strategic value"),
        (lambda model: model.indicators.filter(code="P1").update(anchors=[[0, 0], [1, 90], [2, 50], [3, 60]]), "P1"),
        (lambda model: model.rules.filter(condition="months").delete(), "gold: months"),
        (lambda model: model.dimensions.filter(code="SAL").update(weight=0), "Sales contribution"),
    ],
)
def test_activation_refuses_and_names_what_to_mend(db, break_it, words):
    model = create_model(preset=Preset.FULL, as_of=AS_OF)
    break_it(model)

    assert any(words in problem for problem in activation_problems(model))
    with pytest.raises(ModelRefused):
        activate_model(model=model)


def test_new_version_is_an_equal_draft(db):
    model = activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF))

    draft = new_version(model=model, note="lower Gold")

    assert (draft.version, draft.state, draft.note) == (2, ModelState.DRAFT, "lower Gold")
    assert draft.design() == model.design()


@pytest.mark.parametrize(
    "change",
    [
        lambda model: Dimension.objects.filter(model=model, code="SAL").update(weight=50),
        lambda model: Indicator.objects.filter(model=model, code="S1").delete(),
        lambda model: GradeRule.objects.create(model=model, grade="gold", condition="str", threshold=1),
        lambda model: ScoringModel.objects.filter(pk=model.pk).update(evidence_any=Decimal("0.1")),
        lambda model: ScoringModel.objects.filter(pk=model.pk).update(state=ModelState.DRAFT),
    ],
)
def test_a_model_in_use_cannot_be_changed(db, change):
    model = activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF))

    with pytest.raises(IntegrityError), transaction.atomic():
        change(model)

    assert ScoringModel.objects.get(pk=model.pk).design() == full()
    with pytest.raises(ValidationError):
        model.clean()


def test_only_one_model_is_active(db):
    activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF))
    other = create_model(preset=Preset.FULL, as_of=AS_OF)

    with pytest.raises(IntegrityError), transaction.atomic():
        ScoringModel.objects.filter(pk=other.pk).update(state=ModelState.ACTIVE)


def test_ensure_model_makes_ledger_only_once(db):
    random_ledger(accounts=5, rows=100, seed=3)

    first, again = ensure_model(as_of=AS_OF), ensure_model(as_of=AS_OF)

    assert (first[0].preset, first[1], again) == ("ledger-only", True, (first[0], False))


@pytest.mark.parametrize("anchors", ["x", [], [[0, 0]], [[0, 0], [1, 120]], {"a": 1}, [[0, 0], ["a", 1]]])
def test_indicator_clean_refuses_what_is_no_scale(db, anchors):
    model = create_model(preset=Preset.FULL, as_of=AS_OF)
    indicator = model.indicators.get(code="S1")
    indicator.anchors = anchors

    with pytest.raises(ValidationError):
        indicator.clean()
