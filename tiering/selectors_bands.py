"""Reads over decisions on customers of low value; every one takes accounts limited to what the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet

from accounts.querysets import AccountQuerySet
from tiering.models import BandDecision


def decisions_in_view(accounts: AccountQuerySet) -> QuerySet[BandDecision]:
    return BandDecision.objects.filter(account__in=accounts).select_related("account", "decided_by")


def newest_decisions(accounts: AccountQuerySet) -> QuerySet[BandDecision]:
    """The one that counts of each account."""
    newest = BandDecision.objects.filter(account__in=accounts).order_by("account_id", "-pk").distinct("account_id")
    return decisions_in_view(accounts).filter(pk__in=newest.values("pk"))


def due_reviews(accounts: AccountQuerySet, *, today: date) -> QuerySet[BandDecision]:
    """Decisions that are to be looked at again, the longest overdue first."""
    return newest_decisions(accounts).filter(review_on__lte=today).order_by("review_on", "pk")


def decisions_of(accounts: AccountQuerySet, ids: Iterable[int]) -> dict[int, BandDecision]:
    """The decision that counts of each of these accounts; one query."""
    return {one.account_id: one for one in newest_decisions(accounts.filter(pk__in=list(ids)))}
