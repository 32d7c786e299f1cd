"""Chainable words over what this app keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.access import Action, Reach
from accounts.models import Account
from accounts.querysets import AccountQuerySet

if TYPE_CHECKING:
    from accounts.models import User
    from crm.lib.periods import Period


class ReportedFigureQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What the user reported, and what rests on no account that the user may not see today."""
        if not user.is_authenticated or not user.may(Action.ACCOUNT_VIEW):
            return self.none()
        if user.reach is Reach.ALL:
            return self
        cohort = apps.get_model("metrics", "ReportedAccount").objects.filter(figure=OuterRef("pk"))
        hidden = cohort.exclude(account__in=Account.objects.visible_to(user).with_merged().order_by().values("pk"))
        return self.filter(Q(author=user) | ~Exists(hidden))

    def standing(self) -> Self:
        """Without those that were withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


class GrowthNoteQuerySet(models.QuerySet):
    def about(self, accounts: AccountQuerySet) -> Self:
        """Notes on ``accounts`` (limited to what the reader may see), and on the whole where they are every account."""
        if accounts.is_everything:
            return self
        return self.filter(account__in=accounts.order_by().values("pk"))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.about(Account.objects.visible_to(user))

    def standing(self) -> Self:
        """Without those that were withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def touching(self, period: Period) -> Self:
        """Notes whose comparison shares a day with ``period``."""
        return self.filter(comparison_start_on__lt=period.end, comparison_last_on__gte=period.start)
