"""How a version comes into force: proposed by one person, approved by another, and looked at again (domain.md 3.9)."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from metrics.selectors import default_as_of
from tiering.checks import activation_problems
from tiering.enums import OPEN_ACTIVATIONS, ActivationState, ModelState
from tiering.models import Activation, ModelReview, ScoringModel
from tiering.models_activation import CLOSING_LENGTH
from tiering.publishing import last_published
from tiering.services import ONE_DAY, REVIEW_MONTHS, ModelRefused

LONGEST_REVIEW_MONTHS = 24


class ActivationRefused(CrmError):
    """A proposal that cannot be made, or a decision that this person cannot take."""

    code = "activation-refused"
    status = 409


class ReviewRefused(CrmError):
    """A review that says nothing, or is about a version that does not grade."""

    code = "review-refused"
    status = 422


def earliest_effective_day(*, today: date) -> date:
    """The as-of of the night to come, as far as the ledger reaches now: no published night is graded anew."""
    coming, last = default_as_of(today=today + ONE_DAY), last_published()
    return max(coming, last.as_of) if last else coming


@transaction.atomic
def propose_activation(
    *, model: ScoringModel, proposed_by: User, effective_on: date, text: str, today: date
) -> Activation:
    """Ask for ``model`` to grade from the night of ``effective_on`` on; from now on it cannot be edited.

    raises ActivationRefused : it is no draft, the day has passed, or no reason is given
    raises ModelRefused : weights, scales or thresholds do not hold together
    """
    locked = ScoringModel.objects.select_for_update().get(pk=model.pk)
    if locked.state != ModelState.DRAFT:
        raise ActivationRefused(_("Only a draft can be proposed. Make a new version of this one and propose that."))
    if not text.strip():
        raise ActivationRefused(_("Say why the version is to come into force."))
    earliest = earliest_effective_day(today=today)
    if effective_on < earliest:
        raise ActivationRefused(
            _("Nights before %(day)s are graded already. Choose that day or a later one.") % {"day": earliest}
        )
    problems = activation_problems(locked)
    if problems:
        raise ModelRefused(problems)
    _set_state(locked, ModelState.PROPOSED)
    return Activation.objects.create(
        model=locked, effective_on=effective_on, text=text.strip(), proposed_by=proposed_by
    )


@transaction.atomic
def approve_activation(*, activation: Activation, approved_by: User) -> Activation:
    """Let the version grade from its day on; who proposed it cannot approve it.

    raises ActivationRefused : decided already, the own proposal, or another version is approved for that day
    raises ModelRefused : the version lacks something
    """
    locked = _locked(activation)
    if locked.state != ActivationState.PROPOSED:
        raise ActivationRefused(_("This proposal has been decided already."))
    if locked.proposed_by_id == approved_by.pk:
        raise ActivationRefused(_("You proposed this version; somebody else has to approve it."))
    same_day = Activation.objects.filter(state=ActivationState.APPROVED, effective_on=locked.effective_on)
    other = same_day.select_related("model").first()
    if other is not None:
        raise ActivationRefused(
            _("%(model)s is approved for %(day)s already. Refuse one of them, or propose another day.")
            % {"model": other.model, "day": locked.effective_on}
        )
    problems = activation_problems(locked.model)
    if problems:
        raise ModelRefused(problems)
    locked.state, locked.decided_by, locked.decided_at = ActivationState.APPROVED, approved_by, timezone.now()
    locked.save()
    _set_state(locked.model, ModelState.APPROVED)
    return locked


@transaction.atomic
def close_activation(*, activation: Activation, by: User, text: str) -> Activation:
    """Refuse a proposal or stop an approved one before its day, or take one's own back; the version is a draft again.

    raises ActivationRefused : it is in force or closed already, or no reason is given
    """
    locked = _locked(activation)
    if not locked.is_open:
        raise ActivationRefused(_("This proposal is not open any more."))
    reason = text.strip()[:CLOSING_LENGTH]
    if not reason:
        raise ActivationRefused(_("Say why."))
    is_own = locked.proposed_by_id == by.pk
    locked.state = ActivationState.WITHDRAWN if is_own else ActivationState.REFUSED
    locked.decided_by, locked.decided_at, locked.closing_text = by, timezone.now(), reason
    locked.save()
    _set_state(locked.model, ModelState.DRAFT)
    return locked


@transaction.atomic
def review_model(
    *, model: ScoringModel, reviewed_by: User, text: str, next_on: date | None, today: date
) -> ModelReview:
    """Note that the version in force was looked at and stays; the next day defaults to a year from ``today``.

    raises ReviewRefused : it is not in force, nothing is said, or the next day is past or too far away
    """
    locked = ScoringModel.objects.select_for_update().get(pk=model.pk)
    if locked.state != ModelState.ACTIVE:
        raise ReviewRefused(_("Only the version in force is reviewed."))
    if not text.strip():
        raise ReviewRefused(_("Say what was looked at, and why the version stays."))
    next_on = next_on or add_months(today, REVIEW_MONTHS)
    if not today < next_on <= add_months(today, LONGEST_REVIEW_MONTHS):
        raise ReviewRefused(_("Choose a day within the next 24 months."))
    made = ModelReview.objects.create(
        model=locked, text=text.strip(), was_due_on=locked.review_on, next_on=next_on, reviewed_by=reviewed_by
    )
    locked.review_on = next_on
    locked.save(update_fields=["review_on", "updated_at"])
    return made


def open_activation(model: ScoringModel) -> Activation:
    """The proposal of ``model`` that is open; raises ActivationRefused where there is none."""
    found = Activation.objects.filter(model=model, state__in=OPEN_ACTIVATIONS).first()
    if found is None:
        raise ActivationRefused(_("No proposal of this version is open. Propose it first."))
    return found


def _locked(activation: Activation) -> Activation:
    return Activation.objects.select_for_update(of=("self", "model")).select_related("model").get(pk=activation.pk)


def _set_state(model: ScoringModel, state: ModelState) -> None:
    model.state = state
    model.save(update_fields=["state", "updated_at"])
