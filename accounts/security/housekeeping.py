"""What log-ins leave behind that counts no more."""

from datetime import datetime

from django.contrib.sessions.models import Session

from accounts.security import limits


def sweep(*, now: datetime) -> dict[str, int]:
    """Delete counts of tries whose window has passed and sessions that have run out; two statements by index, safe to
    repeat. Returns how many of each."""
    return {
        "limits": limits.sweep(now=now),
        "sessions": Session.objects.filter(expire_date__lte=now).delete()[0],
    }
