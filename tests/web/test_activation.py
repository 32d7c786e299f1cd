"""Proposing, approving and refusing a version on the pages; its review; and who may do what."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tests.web.people import grant
from tiering.enums import ActivationState, ModelState, Preset
from tiering.models import Activation, ScoringModel
from tiering.services import activate_model, create_model, new_version

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/activation/"
LATER = {"effective_on": "2030-01-01", "text": "Loyalty counts more"}


@pytest.fixture
def draft() -> ScoringModel:
    """A draft with other weights than the version in force."""
    random_ledger(accounts=10, rows=200, seed=5)
    active = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    made = new_version(model=active)
    made.dimensions.filter(code="SAL").update(weight=40)
    made.dimensions.filter(code="LOY").update(weight=35)
    made.rules.filter(grade="gold", condition="sal").update(threshold=45)
    return made


def propose(client, model, **fields):
    return client.post(reverse("tiering:propose", args=[model.pk]), LATER | fields)


def test_one_proposes_with_what_changes_in_view_and_another_approves(client, draft):
    author, decider = grant(make_user(), "add_scoringmodel"), grant(make_user(), "activate_model")
    client.force_login(author)
    html = client.get(reverse("tiering:propose", args=[draft.pk])).content.decode()
    assert "<td>50%</td><td><strong>40%</strong></td>" in html
    assert "<td>50</td><td><strong>45</strong></td>" in html

    assert propose(client, draft).url == ADDRESS
    activation = Activation.objects.get(model=draft)
    assert "Approve</button>" not in client.get(ADDRESS).content.decode()
    client.force_login(decider)
    page = client.get(ADDRESS).content.decode()
    assert "Loyalty counts more" in page
    assert "<td>50%</td><td><strong>40%</strong></td>" in page
    client.post(reverse("tiering:activation_approve", args=[activation.pk]))

    activation.refresh_from_db()
    assert (activation.state, activation.decided_by) == (ActivationState.APPROVED, decider)
    assert "cannot be edited" in client.get(reverse("tiering:model_version", args=[draft.pk])).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"effective_on": "2024-01-01"}, "graded already"),
        ({"effective_on": "soon"}, "valid date"),
        ({"text": ""}, "required"),
    ],
)
def test_a_proposal_outside_the_rules_is_shown_again_with_words(client, draft, fields, words):
    client.force_login(grant(make_user(), "add_scoringmodel"))

    response = propose(client, draft, **fields)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Activation.objects.filter(model=draft).exists()


def test_a_draft_that_contradicts_itself_says_so_before_it_is_proposed(client, draft):
    draft.rules.filter(grade="diamond", condition="composite").update(threshold=10)
    draft.dimensions.filter(code="LOY").update(weight=34)
    client.force_login(grant(make_user(), "add_scoringmodel"))

    html = client.get(reverse("tiering:propose", args=[draft.pk])).content.decode()

    assert "Diamond asks for less than Gold" in html
    assert "must sum to 100 %" in html
    assert propose(client, draft).status_code == 422


def test_own_approval_is_refused_and_the_own_proposal_taken_back(client, draft):
    client.force_login(make_superuser())
    propose(client, draft)
    activation = Activation.objects.get(model=draft)

    own = client.post(reverse("tiering:activation_approve", args=[activation.pk]), follow=True)
    back = client.post(reverse("tiering:activation_refuse", args=[activation.pk]), {"text": "A slip"}, follow=True)

    assert "somebody else has to approve it" in own.content.decode()
    assert "A slip" in back.content.decode()
    draft.refresh_from_db()
    assert draft.state == ModelState.DRAFT


def test_without_the_right_nobody_proposes_decides_or_reviews(client, draft):
    client.force_login(make_superuser())
    propose(client, draft)
    activation, active = Activation.objects.get(model=draft), ScoringModel.objects.get(state=ModelState.ACTIVE)
    client.force_login(make_user())

    assert propose(client, draft).status_code == 403
    for name in ("activation_approve", "activation_refuse"):
        assert client.post(reverse(f"tiering:{name}", args=[activation.pk]), {"text": "x"}).status_code == 403
    assert client.post(reverse("tiering:model_review", args=[active.pk]), {"text": "x"}).status_code == 403
    html = client.get(ADDRESS).content.decode()
    assert "Approve</button>" not in html
    assert "Close the proposal" not in html
    assert (
        "Propose for activation" not in client.get(reverse("tiering:model_version", args=[draft.pk])).content.decode()
    )


def test_an_overdue_review_is_told_and_moved(client, draft):
    active = ScoringModel.objects.get(state=ModelState.ACTIVE)
    ScoringModel.objects.filter(pk=active.pk).update(review_on=timezone.localdate() - timedelta(days=1))
    night(AS_OF)
    client.force_login(make_superuser())
    assert "was to be reviewed by" in client.get("/").content.decode()
    assert "was to be reviewed by" in client.get(reverse("tiering:model")).content.decode()

    address = reverse("tiering:model_review", args=[active.pk])
    refused = client.post(address, {"text": "Fits", "next_on": "nonsense"}, follow=True).content.decode()
    page = client.post(address, {"text": "Scales still fit", "next_on": ""}, follow=True).content.decode()

    assert "next 24 months" in refused
    assert "Scales still fit" in page
    assert "was to be reviewed by" not in page
    assert ScoringModel.objects.get(pk=active.pk).review_on > timezone.localdate() + timedelta(days=360)


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(client, draft, count, django_assert_num_queries):
    client.force_login(make_superuser())
    for number in range(count):
        propose(client, new_version(model=draft), effective_on=str(date(2030, 1, 1 + number)))
    client.get(ADDRESS)

    with django_assert_num_queries(15):
        client.get(ADDRESS)
