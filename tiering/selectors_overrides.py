"""Reads over grades set by hand and proposed problems; every one takes accounts limited to what the viewer may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F, QuerySet

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from tiering.enums import OverrideState
from tiering.grading import Flag
from tiering.models import Override, ProblemDecision, Score
from tiering.selectors import latest_run
from tiering.services_overrides import REMIND_DAYS, proposed_since

PEOPLE = ("account", "requested_by", "approved_by", "seconded_by", "closed_by")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A Diamond or Gold account whose warning signs have held for their span; ``decision`` is None until a manager
    speaks, and the next evaluation acts on it."""

    account: Account
    since: date
    points: float
    decision: ProblemDecision | None


def overrides_in_view(accounts: AccountQuerySet) -> QuerySet[Override]:
    return Override.objects.filter(account__in=accounts).select_related(*PEOPLE)


def waiting(accounts: AccountQuerySet) -> QuerySet[Override]:
    """Requests nobody has decided yet, oldest first."""
    return overrides_in_view(accounts).filter(state=OverrideState.REQUESTED).order_by("requested_at", "pk")


def in_force(accounts: AccountQuerySet, *, as_of: date) -> QuerySet[Override]:
    """Approved ones that hold on the day or later, the first to expire first."""
    held = overrides_in_view(accounts).filter(state=OverrideState.APPROVED, valid_to__gt=as_of)
    return held.order_by("valid_to", "pk")


def over(accounts: AccountQuerySet, *, as_of: date) -> QuerySet[Override]:
    """Refused, withdrawn, ended or expired ones, newest first."""
    rest = overrides_in_view(accounts).exclude(state=OverrideState.REQUESTED)
    return rest.exclude(state=OverrideState.APPROVED, valid_to__gt=as_of).order_by("-requested_at", "-pk")


def expires_soon(override: Override, *, as_of: date) -> bool:
    """Whether it is time to remind those who asked: within REMIND_DAYS."""
    return override.state == OverrideState.APPROVED and as_of < override.valid_to <= as_of + timedelta(days=REMIND_DAYS)


def proposals(accounts: AccountQuerySet) -> list[Proposal]:
    """Problems the last night proposed, most points first; three queries."""
    run = latest_run()
    if run is None or run.model is None:
        return []
    scores = list(
        Score.objects.of(run)
        .filter(account__in=accounts)
        .annotate(state_bit=F("flags").bitand(int(Flag.PROPOSED)))
        .filter(state_bit__gt=0)
        .select_related("account", "run__model")
    )
    points = run.model.raw_layout.index("signal_points")
    said = ProblemDecision.objects.filter(account__in=[score.account_id for score in scores])
    decisions = {(one.account_id, one.since): one for one in said.select_related("decided_by")}
    found = []
    for score in scores:
        since = proposed_since(score)
        if since is not None:
            decision = decisions.get((score.account_id, since))
            found.append(Proposal(score.account, since, score.raw[points], decision))
    return sorted(found, key=lambda one: (-one.points, one.account.pk))
