"""Chainable words over interactions, requests, sponsors and discounts."""

from datetime import date
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from accounts.models import Account
from crm.lib.periods import Period
from service.enums import GRIEVANCES, TOUCH_KINDS, RequestState, Severity

if TYPE_CHECKING:
    from accounts.models import User


class OfAccountQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Rows of the accounts the user may see."""
        return self.filter(account__in=Account.objects.visible_to(user).order_by().values("pk"))


class InteractionQuerySet(OfAccountQuerySet):
    def held_in(self, period: Period) -> Self:
        return self.filter(held_on__gte=period.start, held_on__lt=period.end)

    def touches(self) -> Self:
        """Those that reached the customer."""
        return self.filter(kind__in=TOUCH_KINDS)

    def with_step_due(self, on: date) -> Self:
        """Those whose next step was due by that day and is not done."""
        return self.filter(next_step_on__lte=on, next_step_done_on__isnull=True)


class AttachmentQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Those of the interactions the user may see."""
        seen = Account.objects.visible_to(user).order_by().values("pk")
        return self.filter(interaction__account__in=seen)


class ServiceRequestQuerySet(OfAccountQuerySet):
    def still_open(self) -> Self:
        return self.filter(resolved_at__isnull=True)

    def severe(self) -> Self:
        """Severe complaints and disputes."""
        return self.filter(severity=Severity.SEVERE, kind__in=GRIEVANCES)

    def in_state(self, state: str) -> Self:
        return self.filter(_STATES[RequestState(state)])


class SponsorQuerySet(OfAccountQuerySet):
    def current(self, on: date) -> Self:
        return self.filter(valid_from__lte=on).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on))


_OPEN = Q(resolved_at__isnull=True)
_STATES: dict[RequestState, Q] = {
    RequestState.NEW: _OPEN & Q(escalated_at__isnull=True, first_response_at__isnull=True),
    RequestState.ANSWERED: _OPEN & Q(escalated_at__isnull=True, first_response_at__isnull=False),
    RequestState.ESCALATED: _OPEN & Q(escalated_at__isnull=False),
    RequestState.RESOLVED: ~_OPEN,
}
