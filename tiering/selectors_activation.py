"""Reads over versions on their way into force, and over the review of the one that grades."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from accounts.models import User
from tiering.enums import OPEN_ACTIVATIONS, ActivationState, ModelState
from tiering.models import Activation, ModelReview, ScoringModel

PARTS = ("model__dimensions", "model__indicators", "model__rules")


def active_model() -> ScoringModel | None:
    """The version that grades, with its parts; four queries."""
    found = ScoringModel.objects.filter(state=ModelState.ACTIVE)
    return found.prefetch_related("dimensions", "indicators", "rules").first()


def activations() -> QuerySet[Activation]:
    return Activation.objects.select_related("model", "proposed_by", "decided_by")


def open_activations() -> QuerySet[Activation]:
    """Proposed and approved ones with the parts of their versions, the first to come into force first."""
    found = activations().filter(state__in=OPEN_ACTIVATIONS).prefetch_related(*PARTS)
    return found.order_by("effective_on", "pk")


def waiting_for_decision(user: User) -> QuerySet[Activation]:
    """Proposals that ``user``, who may decide, can approve: those of others, oldest first."""
    found = activations().filter(state=ActivationState.PROPOSED).exclude(proposed_by=user)
    return found.order_by("proposed_at", "pk")


def past_activations() -> QuerySet[Activation]:
    """What is or was in force, and what was refused or taken back, newest first."""
    return activations().exclude(state__in=OPEN_ACTIVATIONS).order_by("-effective_on", "-pk")


def in_force_since(model: ScoringModel) -> date | None:
    """The first as-of day of the version's latest time in force; None before it has been."""
    held = Activation.objects.filter(model=model, state=ActivationState.IN_FORCE).order_by("-effective_on", "-pk")
    return held.values_list("effective_on", flat=True).first()


def overdue_review(*, today: date) -> ScoringModel | None:
    """The active version if its review was due before ``today``; one query."""
    return ScoringModel.objects.filter(state=ModelState.ACTIVE, review_on__lt=today).first()


def reviews_of(model: ScoringModel) -> QuerySet[ModelReview]:
    """Newest first."""
    return ModelReview.objects.filter(model=model).select_related("reviewed_by")
