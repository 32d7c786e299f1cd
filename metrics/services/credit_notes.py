"""Credit notes that could not be matched: they name no document, or one that is not in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics.models import AccountCredit
from metrics.selectors import company_basis


def unmatched_credit_notes(
    accounts: AccountQuerySet, *, basis: str | None = None, periods: Sequence[Period | None] = ()
) -> QuerySet[AccountCredit]:
    """Those of ``accounts`` (already limited to what the caller may see), newest first, from the roll-up: one row a
    credit note and day. Restated figures leave them in their own period.

    periods : only credit notes booked in one of them; None is left out, and none at all is all time
    """
    found = AccountCredit.objects.filter(basis=basis or company_basis(), original_on__isnull=True)
    if not accounts.is_everything:
        found = found.filter(account__in=accounts)
    inside: list[Any] = [Q(day__gte=period.start, day__lt=period.end) for period in periods if period]
    if inside:
        wanted = inside[0]
        for one in inside[1:]:
            wanted |= one
        found = found.filter(wanted)
    return found.select_related("account").order_by("-day", "account_id", "pk")
