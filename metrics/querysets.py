"""Chainable words over what this app keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from accounts.querysets import VIEW_ALL

if TYPE_CHECKING:
    from accounts.models import User


class ReportedFigureQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What the user reported, and what rests on no account that the user may not see today."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser or user.has_perm(VIEW_ALL):
            return self
        cohort = apps.get_model("metrics", "ReportedAccount").objects.filter(figure=OuterRef("pk"))
        hidden = cohort.exclude(account__in=Account.objects.visible_to(user).with_merged().order_by().values("pk"))
        return self.filter(Q(author=user) | ~Exists(hidden))

    def standing(self) -> Self:
        """Without those that were withdrawn."""
        return self.filter(withdrawn_at__isnull=True)
