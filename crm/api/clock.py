"""The day that stands where a request names none."""

from datetime import date, timedelta

from django.utils import timezone

from crm.web.standing import data_until


def default_as_of() -> date:
    """The pages' as-of: the earlier of yesterday and the ledger's last booked day; yesterday while it is empty."""
    today = timezone.localdate()
    return data_until(today) or today - timedelta(days=1)
