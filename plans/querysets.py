"""Chainable words over tasks and hand-overs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from accounts.access import VIEW_ALL, Reach
from accounts.models import Account

if TYPE_CHECKING:
    from accounts.models import User


class TaskQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Tasks of the accounts the user may see; those of no account are the owner's, the writer's, and theirs who lead
        the person they are about or see every account."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        mine = Q(account__in=Account.objects.visible_to(user).order_by().values("pk"))
        if user.has_perm(VIEW_ALL):
            return self.filter(mine | Q(account__isnull=True))
        led = user.people_below if user.reach is Reach.SUBTREE else ()
        own = Q(owner=user) | Q(made_by=user) | Q(about__in=[pk for pk in led if pk != user.pk])
        return self.filter(mine | Q(account__isnull=True) & own)

    def still_open(self) -> Self:
        return self.filter(done_on__isnull=True)

    def overdue(self, today: date) -> Self:
        return self.still_open().filter(due_on__lt=today)


class ReassignmentQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and all of them for those who see every account."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.has_perm(VIEW_ALL) else self.filter(made_by=user)


class HandOverQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Hand-overs of accounts the user may see, and those that wait for the user's own signature."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        mine = Account.objects.visible_to(user).order_by().values("pk")
        return self.filter(Q(account__in=mine) | Q(state__in=["open", "signed"], taker=user))
