"""A version comes into force by two people and the night of its day; whoever replays finds the version of then."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.factories import make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tiering.enums import ActivationState, ModelState, Preset
from tiering.models import Activation, Dimension, ModelReview, ScoringModel
from tiering.selectors_activation import overdue_review
from tiering.services import ModelRefused, activate_model, activation_problems, create_model, ensure_model, new_version
from tiering.services_activation import (
    ActivationRefused,
    ReviewRefused,
    approve_activation,
    close_activation,
    propose_activation,
    review_model,
)

pytestmark = pytest.mark.django_db
BEFORE = AS_OF - timedelta(days=1)
TODAY = AS_OF  # the coming night is that of the 31st


@pytest.fixture
def first() -> ScoringModel:
    """The version in force, with a published night of 30 December; the ledger reaches until the 31st."""
    random_ledger(accounts=12, rows=250, seed=5)
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=BEFORE))
    night(BEFORE)
    return model


def proposed(model, *, effective_on=AS_OF, by=None) -> Activation:
    return propose_activation(
        model=model, proposed_by=by or make_user(), effective_on=effective_on, text="Loyalty counts more", today=TODAY
    )


def approved(model, **fields) -> Activation:
    return approve_activation(activation=proposed(model, **fields), approved_by=make_user())


def ways() -> list[tuple]:
    found = Activation.objects.filter(state=ActivationState.IN_FORCE).order_by("effective_on", "pk")
    return list(found.values_list("model_id", "effective_on", "ended_on"))


def test_the_night_of_the_day_takes_an_approved_version_up(first):
    draft = new_version(model=first)
    activation = approved(draft, effective_on=AS_OF)
    assert ScoringModel.objects.get(state=ModelState.ACTIVE) == first

    run = night(AS_OF)

    first.refresh_from_db()
    draft.refresh_from_db()
    assert (run.model, draft.state, first.state) == (draft, ModelState.ACTIVE, ModelState.RETIRED)
    assert ways() == [(first.pk, BEFORE, AS_OF), (draft.pk, AS_OF, None)]
    assert draft.activated_by == activation.decided_by
    assert night(AS_OF).model == draft


def test_before_its_day_the_earlier_version_grades(first):
    approved(new_version(model=first), effective_on=AS_OF + timedelta(days=1))

    assert night(AS_OF).model == first


def test_a_day_before_the_change_is_repeated_with_the_version_of_then(first):
    draft = new_version(model=first)
    approved(draft, effective_on=AS_OF)
    ensure_model(as_of=AS_OF)  # its night broke off after the change

    assert night(BEFORE).model == first
    assert night(AS_OF).model == draft


def test_versions_whose_days_were_missed_are_taken_up_in_order(first):
    second, third = new_version(model=first), new_version(model=first)
    approved(second, effective_on=AS_OF)
    approved(third, effective_on=AS_OF + timedelta(days=3))

    model, is_new = ensure_model(as_of=AS_OF + timedelta(days=5))

    assert (model, is_new) == (third, False)
    assert [(key, begun) for key, begun, _ended in ways()] == [
        (first.pk, BEFORE), (second.pk, AS_OF), (third.pk, AS_OF + timedelta(days=3)),
    ]  # fmt: skip


def test_nobody_approves_the_own_proposal_and_the_table_knows_it(first):
    me = make_user()
    activation = proposed(new_version(model=first), by=me)

    with pytest.raises(ActivationRefused, match="somebody else"):
        approve_activation(activation=activation, approved_by=me)
    with pytest.raises(IntegrityError), transaction.atomic():
        Activation.objects.filter(pk=activation.pk).update(state=ActivationState.APPROVED, decided_by=me)


def test_what_waits_cannot_be_changed_and_is_a_draft_again_when_refused(first):
    draft = new_version(model=first)
    activation = proposed(draft)

    with pytest.raises(IntegrityError), transaction.atomic():
        Dimension.objects.filter(model=draft, code="SAL").update(weight=40)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScoringModel.objects.filter(pk=draft.pk).update(confirm_up_days=1)
    with pytest.raises(ActivationRefused, match="Say why"):
        close_activation(activation=activation, by=make_user(), text=" ")
    closed = close_activation(activation=activation, by=make_user(), text="Not before the fair")

    draft.refresh_from_db()
    assert (closed.state, draft.state) == (ActivationState.REFUSED, ModelState.DRAFT)
    assert Dimension.objects.filter(model=draft, code="SAL").update(weight=40) == 1
    with pytest.raises(ActivationRefused, match="not open"):
        close_activation(activation=closed, by=make_user(), text="x")


def test_an_approved_version_is_stopped_before_its_day(first):
    draft = new_version(model=first)
    activation = approved(draft)
    close_activation(activation=activation, by=activation.proposed_by, text="A mistake in Gold")

    assert night(AS_OF).model == first
    activation.refresh_from_db()
    assert activation.state == ActivationState.WITHDRAWN


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"effective_on": BEFORE - timedelta(days=1)}, "graded already"), ({"text": " "}, "Say why")],
)
def test_a_proposal_outside_the_rules_says_how_to_mend_it(first, fields, words):
    asked = {"proposed_by": make_user(), "effective_on": AS_OF, "text": "x", "today": TODAY} | fields
    with pytest.raises(ActivationRefused, match=words):
        propose_activation(model=new_version(model=first), **asked)


def test_versions_in_use_are_not_proposed_and_two_never_share_a_day(first):
    with pytest.raises(ActivationRefused, match="Only a draft"):
        proposed(first)
    approved(new_version(model=first))
    second = proposed(new_version(model=first))
    with pytest.raises(ActivationRefused, match="is approved for"):
        approve_activation(activation=second, approved_by=make_user())
    with pytest.raises(IntegrityError), transaction.atomic():
        Activation.objects.create(model=first, state=ActivationState.IN_FORCE, effective_on=AS_OF)


@pytest.mark.parametrize(
    ("grade", "rule", "value", "words"),
    [
        ("diamond", "revenue_each_year", 4_999_999, "Diamond asks for less than Gold"),
        ("diamond", "composite", 49, "Diamond asks for less than Gold"),
        ("diamond", "sal", 49, "Diamond asks for less than Gold"),
        ("gold", "composite", 101, "between 0 and 100"),
    ],
)
def test_thresholds_out_of_order_are_named(grade, rule, value, words):
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    model.rules.filter(grade=grade, condition=rule).update(threshold=value)

    assert any(words in problem for problem in activation_problems(model))
    with pytest.raises(ModelRefused):
        activate_model(model=model)


def test_a_minimum_of_zero_is_not_tested_and_so_in_order():
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    model.rules.filter(grade="diamond", condition__in=["sal", "composite"]).update(threshold=0)

    assert activation_problems(model) == []


def test_the_operator_ends_an_open_proposal(first):
    draft = new_version(model=first)
    activation = proposed(draft)

    activate_model(model=draft)

    activation.refresh_from_db()
    assert activation.state == ActivationState.WITHDRAWN
    assert ways() == [(first.pk, BEFORE, BEFORE), (draft.pk, BEFORE, None)]


def test_a_version_is_due_for_review_after_a_year_and_a_review_moves_the_day(first):
    today = timezone.localdate()
    due = first.review_on
    assert due == date(today.year + 1, today.month, min(today.day, 28 if today.month == 2 else today.day))
    assert overdue_review(today=due) is None
    assert overdue_review(today=due + timedelta(days=1)) == first
    by = make_user()

    review_model(model=first, reviewed_by=by, text="Scales still fit", next_on=None, today=due)

    made = ModelReview.objects.get()
    assert (made.was_due_on, made.next_on, made.reviewed_by) == (due, date(due.year + 1, due.month, due.day), by)
    assert overdue_review(today=due + timedelta(days=1)) is None
    for fields in ({"text": " "}, {"next_on": due}, {"next_on": date(due.year + 3, 1, 1)}):
        with pytest.raises(ReviewRefused):
            review_model(model=first, **({"reviewed_by": by, "text": "x", "next_on": None, "today": due} | fields))
